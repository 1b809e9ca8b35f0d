//! Theorem 1: norms against Jacobi's rotations on dense matrices, the error against composed networks, the bound.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::tssm::{Convention, Splitting, Tssm};
use altmin_core::method::{Hyperparameters, Method, Partition, Problem};
use altmin_core::theory::{Norms, approximation_bound, risk_lipschitz};
use altmin_core::view::dense;
use altmin_core::{Activation, Error, Loss, Real, Target};

use crate::common::rig::{Rig, poison};
use crate::common::{Loops, Plain, Random, Scratch, in_both_precisions};

in_both_precisions!(linear_maps_have_their_largest_singular_value);

/// The largest singular value, by Jacobi's rotations of the columns until they are at right angles.
fn largest_singular_value(a: &Plain) -> f64 {
    let mut a = if a.rows < a.columns { a.transposed() } else { a.clone() };
    for _ in 0..60 {
        for i in 0..a.columns {
            for j in i + 1..a.columns {
                let dot = |x: usize, y: usize| a.column(x).inner(&a.column(y));
                let (alpha, beta, gamma) = (dot(i, i), dot(j, j), dot(i, j));
                if gamma == 0.0 {
                    continue;
                }
                let zeta = (beta - alpha) / (2.0 * gamma);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let c = 1.0 / (1.0 + t * t).sqrt();
                for k in 0..a.rows {
                    let (x, y) = (a[(k, i)], a[(k, j)]);
                    a[(k, i)] = c * (x - t * y);
                    a[(k, j)] = c * (t * x + y);
                }
            }
        }
    }
    (0..a.columns).map(|j| a.column(j).squared().sqrt()).fold(0.0, f64::max)
}

/// A convolution written out as the matrix from images to images.
fn matrix_of(conv: Conv, input: Shape, output: Shape, weights: &[f64]) -> Plain {
    let mut matrix = Plain::zeros(output.features(), input.features());
    for o in 0..conv.outputs {
        for oy in 0..output.height {
            for ox in 0..output.width {
                for c in 0..input.channels {
                    for ky in 0..conv.kernel_height {
                        for kx in 0..conv.kernel_width {
                            let y = (oy * conv.stride + ky).checked_sub(conv.padding);
                            let x = (ox * conv.stride + kx).checked_sub(conv.padding);
                            let (Some(y), Some(x)) = (y, x) else { continue };
                            if y >= input.height || x >= input.width {
                                continue;
                            }
                            let q = (c * conv.kernel_height + ky) * conv.kernel_width + kx;
                            let row = (o * output.height + oy) * output.width + ox;
                            let column = (c * input.height + y) * input.width + x;
                            matrix[(row, column)] += weights[q * conv.outputs + o];
                        }
                    }
                }
            }
        }
    }
    matrix
}

fn lipschitz<T: Real>(blocks: &[Block<T>], input: Shape, parameters: &[f64], iterations: usize) -> f64 {
    let network = Network::new(blocks, input).unwrap();
    let parameters: Vec<T> = parameters.iter().map(|&x| T::from_f64(x)).collect();
    let mut scratch = Scratch::<T>::new(network.lipschitz_workspace(&Loops));
    let found = network.lipschitz(&Loops, &parameters, iterations, scratch.stack()).unwrap();
    assert!(scratch.is_intact());
    if let Some(fewer) = scratch.stack().len().checked_sub(1) {
        let mut short = Scratch::<T>::of(fewer);
        let refused = network.lipschitz(&Loops, &parameters, 1, short.stack());
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    }
    found
}

fn image(channels: usize, height: usize, width: usize) -> Shape {
    Shape { channels, height, width }
}

fn convolutions() -> Vec<(Conv, Shape)> {
    let conv = |outputs, kernel_height, kernel_width, stride, padding| Conv {
        outputs,
        kernel_height,
        kernel_width,
        stride,
        padding,
    };
    vec![
        (conv(3, 3, 3, 1, 1), image(2, 5, 4)),
        (conv(2, 3, 2, 2, 1), image(2, 6, 5)),
        (conv(4, 1, 1, 1, 0), image(3, 3, 3)),
        (conv(1, 2, 3, 3, 2), image(1, 7, 5)),
    ]
}

fn linear_maps_have_their_largest_singular_value<T: Real>() {
    let mut random = Random::new(3);
    // Power iteration comes from below.
    let check = |what: &str, found: f64, expected: f64| {
        let above = 1.0 + 1e3 * T::EPSILON.to_f64();
        assert!(found <= above * expected && found >= 0.999 * expected, "{what}: {found} of {expected}");
    };
    for (n_out, n_in) in [(1, 1), (5, 3), (4, 9), (8, 8)] {
        let weights = random.matrix(n_out, n_in);
        let parameters = [weights.data.clone(), vec![3.0; n_out]].concat();
        let found = lipschitz::<T>(&[Block::Dense { outputs: n_out }], Shape::flat(n_in), &parameters, 400);
        check("dense", found, largest_singular_value(&weights));
    }
    for (conv, input) in convolutions() {
        let network_blocks = [Block::<T>::Conv(conv)];
        let network = Network::new(&network_blocks, input).unwrap();
        let parameters = random.matrix(network.parameters(), 1).data;
        let matrix = matrix_of(conv, input, network.output(), &parameters);
        check("conv", lipschitz(&network_blocks, input, &parameters, 400), largest_singular_value(&matrix));
    }
}

/// 1 in most places, for maps whose norms are known: a diagonal.
fn diagonal(outputs: usize, scale: f64) -> Vec<f64> {
    let weights = Plain::identity(outputs).map(|x| scale * x);
    [weights.data, vec![0.0; outputs]].concat()
}

#[test]
fn blocks_multiply() {
    let leaky = Block::Activation(Activation::LeakyRelu { slope: 1.5 });
    let dense = |outputs| Block::<f64>::Dense { outputs };
    let blocks = [dense(3), leaky, dense(3), Block::Activation(Activation::Sigmoid)];
    let parameters = [diagonal(3, 2.0), diagonal(3, -5.0)].concat();
    let found = lipschitz(&blocks, Shape::flat(3), &parameters, 50);
    assert!((found - 2.0 * 1.5 * 5.0 * 0.25).abs() < 1e-12, "{found}");

    let window = |size, stride| Window { size, stride };
    let pools = [
        (Block::<f64>::MaxPool(window(2, 2)), 1.0),
        (Block::MaxPool(window(3, 2)), 2.0),
        (Block::MaxPool(window(6, 1)), 1.0),
        (Block::AveragePool(window(2, 2)), 0.5),
        (Block::AveragePool(window(3, 1)), 1.0),
        (Block::GlobalAveragePool, 1.0 / 6.0),
        (Block::Flatten, 1.0),
    ];
    for (block, expected) in pools {
        let found = lipschitz(&[block], image(2, 6, 6), &[], 1);
        assert!((found - expected).abs() < 1e-12, "{block:?}: {found}");
    }

    let mut random = Random::new(6);
    for (outputs, stride) in [(2, 1), (3, 2)] {
        let input = image(2, 4, 5);
        let blocks = [Block::<f64>::Residual(Residual { outputs, stride, activation: Activation::Sigmoid })];
        let network = Network::new(&blocks, input).unwrap();
        let parameters = random.matrix(network.parameters(), 1).data;
        let mut maps = network.maps();
        let mut norm = |conv: Conv, input: Shape| {
            let map = maps.next().unwrap();
            largest_singular_value(&matrix_of(conv, input, network.output(), &parameters[map.offset..]))
        };
        let first = norm(Conv::square(outputs, 3, stride, 1), input);
        let second = norm(Conv::square(outputs, 3, 1, 1), network.output());
        let skip = if stride == 1 { 1.0 } else { norm(Conv::square(outputs, 1, stride, 0), input) };
        let expected = 0.25 * (skip + 0.25 * first * second);
        let found = lipschitz(&blocks, input, &parameters, 500);
        assert!((found - expected).abs() < 2e-3 * expected, "{found} {expected}");
    }
}

/// Pools stretch no difference by more than is said of them.
#[test]
fn pools_keep_to_their_constants() {
    let mut random = Random::new(9);
    for (size, stride) in [(2, 2), (3, 2), (3, 1), (2, 3)] {
        for make in [Block::<f64>::MaxPool, Block::AveragePool] {
            let (blocks, input) = ([make(Window { size, stride })], image(2, 7, 6));
            let network = Network::new(&blocks, input).unwrap();
            let bound = lipschitz(&blocks, input, &[], 1);
            for _ in 0..50 {
                let x = random.matrix(input.features(), 2);
                let mut record = vec![0.0; network.record(2)];
                let mut scratch = Scratch::new(network.workspace(&Loops, 2));
                let view = dense(&x.data, x.rows, 2);
                network.forward(&Loops, &[], &view, &mut record, scratch.stack()).unwrap();
                let y = Plain::of(&network.output_of(&record, 2));
                let distance = |m: &Plain| m.column(0).plus(-1.0, &m.column(1)).squared().sqrt();
                assert!(distance(&y) <= bound * distance(&x) * (1.0 + 1e-12));
            }
        }
    }
}

#[test]
fn the_bound_is_the_papers_sum_of_products() {
    let norms = [(0.5, 2.0), (0.25, 3.0), (2.0, 5.0), (0.0, 7.0)]
        .map(|(residual, lipschitz)| Norms { residual, lipschitz });
    // |r_1| H_2 H_3 + |r_2| H_3 + |r_3|, times H_4 and the risk's.
    let expected = 0.1 * 7.0 * (0.5 * 3.0 * 5.0 + 0.25 * 5.0 + 2.0);
    assert!((approximation_bound(0.1, norms) - expected).abs() < 1e-12);
    assert_eq!((approximation_bound(3.0, [norms[3]]), approximation_bound(3.0, [])), (0.0, 0.0));
    assert_eq!(risk_lipschitz(Loss::LeastSquares, 3, 10, true), None);
    // Two samples far on the wrong side: moving the outputs along the gradient meets the constant.
    for (is_mean, share) in [(true, 0.5), (false, 1.0)] {
        let value = |z: f64| {
            let z = [-z, z, -z, z];
            share * Loss::CrossEntropy.value(dense(&z, 2, 2), Target::Classes(&[0, 0])).unwrap()
        };
        let slope = (value(40.0) - value(30.0)) / 20.0;
        let found = risk_lipschitz(Loss::CrossEntropy, 2, 2, is_mean).unwrap();
        assert!((slope - found).abs() < 1e-9, "{slope} {found}");
    }
}

const SAMPLES: usize = 17;
const TILE: usize = 6;

/// Blocks of three subnetworks, with convolutions below.
fn parts() -> (Shape, [Vec<Block<f64>>; 3]) {
    let tanh = Block::Activation(Activation::Tanh);
    let leaky = Block::Activation(Activation::LeakyRelu { slope: 0.1 });
    let pair = Block::Residual(Residual { outputs: 2, stride: 1, activation: Activation::Relu });
    let dense = |outputs| Block::Dense { outputs };
    let first = vec![Block::Conv(Conv::square(2, 3, 1, 1)), tanh, pair];
    let second = vec![Block::MaxPool(Window { size: 2, stride: 1 }), Block::Flatten, dense(6), leaky];
    (image(1, 4, 4), [first, second, vec![dense(5), tanh, dense(3)]])
}

#[test]
fn the_error_is_that_of_composed_networks_and_within_its_bound() {
    let (input, parts) = parts();
    let mut largest = 0.0_f64;
    for splitting in [Splitting::Gsadmm, Splitting::Gsam] {
        for convention in [Convention::Mean, Convention::Sum] {
            for loss in [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 0.5 }] {
                let settings = Hyperparameters {
                    alpha: 0.5,
                    rho: 0.5,
                    tau: 20.0,
                    convention,
                    learning_rate: 0.02,
                    loss,
                    batch: Some(8),
                    ..Default::default()
                };
                largest = largest.max(check(splitting, settings, input, &parts));
            }
        }
    }
    assert!(largest > 1e-3, "nothing was off: {largest}");
}

/// Runs some epochs and holds both sides of Theorem 1 against the composed network; the largest error.
fn check(
    splitting: Splitting,
    settings: Hyperparameters<f64>,
    input: Shape,
    parts: &[Vec<Block<f64>>; 3],
) -> f64 {
    let mut random = Random::new(2);
    let all: Vec<Block<f64>> = parts.concat();
    let whole = Network::new(&all, input).unwrap();
    let cuts = [parts[0].len(), parts[0].len() + parts[1].len()];
    let networks = [whole.part(0..cuts[0]), whole.part(cuts[0]..cuts[1]), whole.part(cuts[1]..all.len())];
    let x = random.matrix(input.features(), SAMPLES);
    let classes: Vec<u32> = (0..SAMPLES as u32).map(|j| j % 3).collect();
    let problem = Problem { x: dense(&x.data, x.rows, SAMPLES), target: Target::Classes(&classes) };
    let start = random.matrix(whole.parameters(), 1).data;
    let mut rig = Rig::of_blocks(all.clone(), cuts.to_vec(), input, &start, problem, |run| {
        let partitions = [Partition::new(SAMPLES, TILE, 2), Partition::new(6, TILE, 2)];
        Tssm::with_partitions(splitting, &settings, partitions, run)
    })
    .unwrap();
    let exact = rig.with(|method, run, _, _| method.approximation_workspace(run, &Portable));
    let mut exact = poison(exact.elements());
    let mut approximation = |rig: &mut Rig<'_, Tssm<f64>>, rounds| {
        rig.with(|method, run, state, _| {
            let executor = &mut Sequential::new(&mut exact);
            method.approximation(run, state, rounds, executor, &Portable).unwrap().unwrap()
        })
    };
    rig.initialize().unwrap();
    let start = approximation(&mut rig, 5);
    assert!(start.error < 1e-12 && start.bound.unwrap_or(0.0) < 1e-12, "a feasible start: {start:?}");
    let mut largest = 0.0_f64;
    for _ in 0..6 {
        rig.sweep().unwrap();
        let before = rig.scalars.clone();
        let found = approximation(&mut rig, 200);
        let count = whole.parameters();
        assert_eq!(before[..count], rig.scalars[..count]);
        let output = |network: &Network<'_, f64>, parameters: &[f64], p: &Plain| {
            let mut record = vec![0.0; network.record(SAMPLES)];
            let mut scratch = Scratch::new(network.workspace(&Loops, SAMPLES));
            let view = dense(&p.data, p.rows, SAMPLES);
            network.forward(&Loops, parameters, &view, &mut record, scratch.stack()).unwrap();
            Plain::of(&network.output_of(&record, SAMPLES))
        };
        let (parameters, p, norms) = rig.with(|method, run, state, _| {
            let variables = method.variables(run, state).unwrap();
            let parameters = [0, 1, 2].map(|l| variables.parameters(l).to_vec());
            let p = [0, 1].map(|l| Plain::of(&variables.p(l)));
            (parameters, p, [0, 1, 2].map(|l| variables.norms(l)))
        });
        let risk = |z: &Plain| {
            let sum =
                settings.loss.value(dense(&z.data, z.rows, SAMPLES), Target::Classes(&classes)).unwrap();
            if settings.convention == Convention::Mean { sum / SAMPLES as f64 } else { sum }
        };
        let composed = risk(&output(&whole, &parameters.concat(), &x));
        let split = risk(&output(&networks[2], &parameters[2], &p[1]));
        let expected = (composed - split).abs();
        assert!((found.error - expected).abs() < 1e-9 * expected.max(1.0), "{found:?} {expected}");
        for l in 0..2 {
            let below = if l == 0 { &x } else { &p[0] };
            let residual = p[l].plus(-1.0, &output(&networks[l], &parameters[l], below)).squared().sqrt();
            assert!((norms[l].residual - residual).abs() < 1e-9 * residual.max(1.0));
        }
        assert_eq!(found.bound.is_some(), settings.loss != Loss::LeastSquares);
        assert!(found.bound.is_none_or(|bound| found.error <= bound), "{settings:?}: {found:?}");
        largest = largest.max(found.error);
    }
    largest
}
