//! Batch normalisation: its formula, gradients by central differences, PyTorch's numbers (golden/batch_norm.txt, made by
//! golden/batch_norm.py), and methods with and without a place for it.

use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, GradientSums, MapKind, Masks, Network, Shape};
use altmin_core::gemm::Portable;
use altmin_core::method::proxprop::{Form, ProxProp};
use altmin_core::method::tssm::{Inner, Tssm};
use altmin_core::method::{AnyMethod, Hyperparameters, Method as _, Name, Partition, Problem, Run, Use};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Error, Loss, Real, Regularizer, Target};

use crate::common::counting::allocations;
use crate::common::images::{BATCH, CLASSES, Images, SAMPLES, SHAPE, methods, order};
use crate::common::named::fitting;
use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::{Loops, Plain, Random, Scratch, assert_near, columns_of, in_both_precisions};

in_both_precisions!(outputs_are_those_of_the_formula);

/// No masks are drawn by a network without dropout.
const TRAINING: Masks = Masks { seed: 0, step: 0, first: 0, block: 0 };

/// gamma, beta, running mean and running variance.
fn parameters(channels: usize, random: &mut Random) -> Vec<f64> {
    let mut all: Vec<f64> = (0..4 * channels).map(|_| random.number()).collect();
    all[3 * channels..].iter_mut().for_each(|variance| *variance = 0.1 + variance.abs());
    all
}

/// A channel's numbers, sample by sample.
fn channel(x: &Plain, pixels: usize, c: usize) -> Vec<f64> {
    (0..x.columns).flat_map(|j| (0..pixels).map(move |i| x[(c * pixels + i, j)])).collect()
}

fn mean_and_variance(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
}

/// The definition, number by number.
fn normalised(shape: Shape, parameters: &[f64], x: &Plain, trains: bool) -> Plain {
    let (channels, pixels) = (shape.channels, shape.pixels());
    let of_channel: Vec<(f64, f64)> = (0..channels)
        .map(|c| match trains {
            true => mean_and_variance(&channel(x, pixels, c)),
            false => (parameters[2 * channels + c], parameters[3 * channels + c]),
        })
        .collect();
    Plain::new(x.rows, x.columns, |i, j| {
        let c = i / pixels;
        let (mean, variance) = of_channel[c];
        parameters[c] * (x[(i, j)] - mean) / (variance + 1e-5).sqrt() + parameters[channels + c]
    })
}

/// Fewer channels than are worked on at a time, as many, more; images and flat samples.
const SHAPES: [Shape; 5] = [
    Shape::flat(1),
    Shape::flat(16),
    Shape::flat(37),
    Shape { channels: 3, height: 2, width: 4 },
    Shape { channels: 17, height: 5, width: 7 },
];

fn exact<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

fn outputs_are_those_of_the_formula<T: Real>() {
    let mut random = Random::new(1);
    for (shape, m) in SHAPES.into_iter().flat_map(|shape| [0, 1, 2, 9].map(|m| (shape, m))) {
        let x = random.matrix(shape.features(), m);
        let parameters = parameters(shape.channels, &mut random);
        let blocks = [Block::BatchNorm];
        let network = Network::<T>::new(&blocks, shape).unwrap();
        let (of_type, x_of_type) = (exact::<T>(&parameters), exact::<T>(&x.data));
        let view = dense(&x_of_type, x.rows, m);
        for trains in [true, false] {
            let network = if trains { network.training(TRAINING) } else { network };
            let mut record = vec![T::from_f64(f64::NAN); network.record(m)];
            let mut scratch = Scratch::new(network.workspace(&Loops, m));
            network.forward(&Loops, &of_type, &view, &mut record, scratch.stack()).unwrap();
            let expected = normalised(shape, &parameters, &x, trains);
            // Of a single number a deviation of 0 is divided by the root of 1e-5.
            let scale = 1e3;
            for (&found, &expected) in network.output_of(&record, m).iter().zip(&expected.data) {
                assert_near::<T>("output", found.to_f64(), expected, scale);
            }
        }
    }
}

fn value(shape: Shape, parameters: &[f64], x: &Plain, weights: &Plain, trains: bool) -> f64 {
    let y = normalised(shape, parameters, x, trains);
    y.data.iter().zip(&weights.data).map(|(y, w)| y * w).sum()
}

#[test]
fn gradients_are_those_of_central_differences() {
    let mut random = Random::new(2);
    let cases = SHAPES.into_iter().flat_map(|shape| [(shape, true), (shape, false)]);
    for (shape, trains) in cases {
        let (m, h) = (4, 1e-5);
        let x = random.matrix(shape.features(), m);
        let weights = random.matrix(shape.features(), m);
        let parameters = parameters(shape.channels, &mut random);
        let blocks = [Block::BatchNorm];
        let network = Network::new(&blocks, shape).unwrap();
        let network = if trains { network.training(TRAINING) } else { network };
        let view = dense(&x.data, x.rows, m);
        let mut record = vec![f64::NAN; network.record(m)];
        let mut scratch = vec![0.0; network.workspace(&Loops, m).elements()];
        network.forward(&Loops, &parameters, &view, &mut record, Stack::new(&mut scratch)).unwrap();
        let (mut gradient, mut dx) = (vec![0.0; parameters.len()], vec![f64::NAN; x.data.len()]);
        let mut signal = vec![f64::NAN; network.signal(m)];
        signal[..weights.data.len()].copy_from_slice(&weights.data);
        let (mut into, sink) = (dense_mut(&mut dx, x.rows, m), &mut GradientSums(&mut gradient));
        let stack = Stack::new(&mut scratch);
        network
            .backward(&Loops, &parameters, &view, &record, &mut signal, Some(&mut into), sink, stack)
            .unwrap();
        let close = |found: f64, [plus, minus]: [f64; 2]| {
            let expected = (plus - minus) / (2.0 * h);
            assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} {expected}");
        };
        for at in 0..2 * shape.channels {
            let moved = [h, -h].map(|h| {
                let mut moved = parameters.clone();
                moved[at] += h;
                value(shape, &moved, &x, &weights, trains)
            });
            close(gradient[at], moved);
        }
        for at in (0..dx.len()).step_by(7) {
            let moved = [h, -h].map(|h| {
                let mut moved = x.clone();
                moved.data[at] += h;
                value(shape, &parameters, &moved, &weights, trains)
            });
            close(dx[at], moved);
        }
        // Mean and unbiased variance times the samples, for the running ones; nothing in other passes.
        for c in 0..shape.channels {
            let numbers = channel(&x, shape.pixels(), c);
            let (n, (mean, variance)) = (numbers.len() as f64, mean_and_variance(&numbers));
            let expected = if trains { [mean, variance * n / (n - 1.0)] } else { [0.0; 2] };
            for (part, expected) in [2, 3].into_iter().zip(expected) {
                let found = gradient[part * shape.channels + c];
                assert!((found - m as f64 * expected).abs() < 1e-12, "{found} {expected}");
            }
        }
    }
}

/// The network of the golden numbers.
fn golden_blocks<T: Real>() -> Vec<Block<T>> {
    vec![
        Block::Conv(Conv::square(3, 2, 1, 0)),
        Block::Activation(Activation::Tanh),
        Block::BatchNorm,
        Block::Flatten,
        Block::Dense { outputs: 6 },
        Block::Activation(Activation::Tanh),
        Block::BatchNorm,
        Block::Dense { outputs: CLASSES },
    ]
}

#[test]
fn steps_are_those_of_pytorch() {
    steps_agree::<f32>();
    steps_agree::<f64>();
}

fn steps_agree<T: Real>() {
    let blocks = golden_blocks::<T>();
    let network = Network::new(&blocks, SHAPE).unwrap();
    // PyTorch has matrices row by row.
    let parameters = |line: &str| -> Vec<f64> {
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let of_map = |map: altmin_core::block::LinearMap| {
            let (weights, bias) = numbers[map.offset..map.end()].split_at(map.n_out * map.n_in);
            [columns_of(map.n_out, weights), bias.to_vec()].concat()
        };
        network.maps().flat_map(of_map).collect()
    };
    let mut lines = include_str!("../golden/batch_norm.txt").lines();
    let mut next = || lines.next().unwrap();
    let x: Vec<T> = next().split(' ').map(|number| T::from_f64(number.parse().unwrap())).collect();
    let classes: Vec<u32> = next().split(' ').map(|class| class.parse().unwrap()).collect();
    let start = exact::<T>(&parameters(next()));
    let samples = classes.len();
    let problem = Problem { x: dense(&x, SHAPE.features(), samples), target: Target::Classes(&classes) };
    let order: Vec<u32> = (0..samples as u32).collect();
    for (optimizer, inner) in [("gd", Inner::Sgd), ("adamw", Inner::Adam)] {
        let mut head = next().split(' ');
        assert_eq!(head.next(), Some(optimizer));
        let mut number = || T::from_f64(head.next().unwrap().parse().unwrap());
        let mut settings = Hyperparameters {
            learning_rate: number(),
            batch: Some(5),
            inner,
            nu: T::from_f64(1e9),
            damping: T::ONE,
            ..Hyperparameters::default()
        };
        if inner == Inner::Sgd {
            settings.momentum = number();
        } else {
            settings.weight_decay = number();
        }
        let (expected, outputs) = (parameters(next()), next());
        // The method local in one layer is back-propagation.
        for name in [if inner == Inner::Sgd { Name::Gd } else { Name::Adamw }, Name::Local] {
            let make = |run: &Run<'_, T>| AnyMethod::new(name, &settings, run);
            let mut rig = Rig::of_blocks(blocks.clone(), vec![], SHAPE, &start, problem, make).unwrap();
            rig.initialize().unwrap();
            rig.sweep_in(Some(&order)).unwrap();
            let found = &rig.scalars[..network.parameters()];
            for (at, (found, &expected)) in found.iter().zip(&expected).enumerate() {
                assert_near::<T>(&format!("{name}, {at}"), found.to_f64(), expected, 4.0);
            }
            let mut z = vec![T::ZERO; CLASSES * samples];
            let mut scratch = Scratch::new(network.apply_workspace(&Portable, samples));
            let to = &mut dense_mut(&mut z, CLASSES, samples);
            network.apply(&Portable, found, &problem.x, to, scratch.stack()).unwrap();
            for (found, expected) in z.iter().zip(outputs.split(' ')) {
                assert_near::<T>(&format!("{name}: output"), found.to_f64(), expected.parse().unwrap(), 16.0);
            }
        }
    }
}

fn settings() -> Hyperparameters<f64> {
    Hyperparameters {
        nu: 10.0,
        damping: 0.5,
        momentum: 0.5,
        learning_rate: 0.01,
        batch: Some(BATCH),
        inner: Inner::Proxprop,
        ..Hyperparameters::default()
    }
}

fn start(network: &Network<'_, f64>) -> Vec<f64> {
    let mut random = Random::new(8);
    let mut all: Vec<f64> = (0..network.parameters()).map(|_| 0.5 * random.number()).collect();
    for map in network.maps().filter(|map| map.kind == MapKind::Statistics) {
        all[map.offset + map.n_out..map.end()].fill(1.0);
    }
    all
}

fn rig<'d>(
    name: Name,
    settings: &Hyperparameters<f64>,
    problem: Problem<'d, f64>,
) -> Rig<'d, AnyMethod<f64>> {
    let blocks = golden_blocks();
    let cuts = if name.card().uses(Use::Cuts) { vec![3] } else { vec![] };
    let start = start(&Network::new(&blocks, SHAPE).unwrap());
    Rig::of_blocks(blocks, cuts, SHAPE, &start, problem, |run| AnyMethod::new(name, settings, run)).unwrap()
}

#[test]
fn breaks_and_the_order_of_units_change_no_bit_and_nothing_is_allocated() {
    let (data, order) = (Images::new(), order());
    for name in methods() {
        let new = || {
            let mut rig = rig(name, &settings(), data.problem());
            rig.initialize().unwrap();
            rig
        };
        let mut whole = new();
        whole.sweep_in(Some(&order)).unwrap();
        let count = whole.run().network.parameters();
        let mut parts = new();
        for part in [&order[..BATCH], &order[BATCH..]] {
            let (allocated, swept) = allocations(|| parts.sweep_in(Some(part)));
            swept.unwrap();
            assert_eq!(allocated, 0, "{name}");
        }
        assert!(parts.scalars[..count] == whole.scalars[..count], "{name}");
        let mut other = new();
        let mut executor = Permuted::new(Order::Shuffled, poison(other.scratch()));
        other
            .with(|method, run, state, _| method.sweep(run, state, Some(&order), &mut executor, &Portable))
            .unwrap();
        assert!(other.scalars[..count] == whole.scalars[..count], "{name}");
    }
}

/// A mini-batch's least-squares step of gamma and beta is that of `sum |r + d_gamma x^ + d_beta|^2` with the damping, solved
/// here as two equations a channel.
#[test]
fn proximal_steps_solve_for_gamma_and_beta() {
    let data = Images::new();
    let batch: Vec<u32> = order()[..BATCH].to_vec();
    let targets = Random::new(11).matrix(CLASSES, SAMPLES);
    let target = Target::Values(dense(&targets.data, CLASSES, SAMPLES));
    let problem = Problem { target, ..data.problem() };
    let blocks = golden_blocks::<f64>();
    let network = Network::new(&blocks, SHAPE).unwrap();
    let before = start(&network);
    let x = Plain::new(SHAPE.features(), BATCH, |i, j| data.x[(i, batch[j] as usize)]);
    // What goes into the second block of batch normalisation, and its output's gradient: of least squares that of the proximal
    // step is 1/(nu + 1) of the gradient.
    let step = network.step(6);
    let (below, above) = (network.part(0..6).training(TRAINING), network.part(6..8).training(TRAINING));
    let view = dense(&x.data, x.rows, BATCH);
    let mut scratch = vec![0.0; network.workspace(&Loops, BATCH).elements()];
    let mut record = vec![0.0; below.record(BATCH)];
    below.forward(&Loops, &before, &view, &mut record, Stack::new(&mut scratch)).unwrap();
    let p = Plain::of(&below.output_of(&record, BATCH));
    let risk = |scale: &[f64]| -> f64 {
        let mut all = before[step.offset..].to_vec();
        all[..scale.len()].copy_from_slice(scale);
        let (view, mut record) = (dense(&p.data, p.rows, BATCH), vec![0.0; above.record(BATCH)]);
        let mut scratch = vec![0.0; above.workspace(&Loops, BATCH).elements()];
        above.forward(&Loops, &all, &view, &mut record, Stack::new(&mut scratch)).unwrap();
        let y = above.output_of(&record, BATCH);
        let off = |j: usize, i: usize| y[(i, j)] - targets[(i, batch[j] as usize)];
        (0..BATCH).flat_map(|j| (0..CLASSES).map(move |i| off(j, i) * off(j, i) / 2.0)).sum()
    };
    let channels = step.input.channels;
    let scale = before[step.offset..][..2 * channels].to_vec();
    for form in [Form::Primal, Form::Dual] {
        let settings = Hyperparameters { loss: Loss::LeastSquares, momentum: 0.0, form, ..settings() };
        let mut rig = rig(Name::Proxprop, &settings, problem);
        rig.initialize().unwrap();
        rig.sweep_in(Some(&batch)).unwrap();
        for c in 0..channels {
            let h = 1e-5;
            let [along, across] = [c, channels + c].map(|at| {
                let [plus, minus] = [h, -h].map(|h| {
                    let mut moved = scale.clone();
                    moved[at] += h;
                    risk(&moved)
                });
                (plus - minus) / (2.0 * h) / (settings.nu + 1.0)
            });
            let numbers = channel(&p, 1, c);
            let (mean, variance) = mean_and_variance(&numbers);
            let hat: Vec<f64> = numbers.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt()).collect();
            let n = BATCH as f64;
            let (squares, sum) = (hat.iter().map(|x| x * x).sum::<f64>(), hat.iter().sum::<f64>());
            // (squares + damping n) g + sum b = -along, sum g + n b = -across.
            let (a, determinant) =
                (squares + settings.damping * n, n * (squares + settings.damping * n) - sum * sum);
            let expected =
                [(-along * n + across * sum) / determinant, (-across * a + along * sum) / determinant];
            for (at, expected) in [c, channels + c].into_iter().zip(expected) {
                let found = rig.scalars[step.offset + at] - before[step.offset + at];
                // The number that is added to a variance is left out of account, here 1e-5 beside 0.1 or more.
                assert!((found - expected).abs() < 1e-3 * expected.abs() + 1e-9, "{found} {expected}");
            }
        }
    }
}

/// A tenth of the way to each batch's mean and unbiased variance, of two batches of which the second passes changed weights.
#[test]
fn running_numbers_go_a_tenth_of_the_way_to_those_of_each_batch() {
    let (data, order) = (Images::new(), order());
    let blocks = golden_blocks::<f64>();
    let network = Network::new(&blocks, SHAPE).unwrap();
    for name in methods() {
        let mut rig = rig(name, &settings(), data.problem());
        rig.initialize().unwrap();
        for batch in [&order[..BATCH], &order[BATCH..2 * BATCH]] {
            let before = rig.scalars[..network.parameters()].to_vec();
            rig.sweep_in(Some(batch)).unwrap();
            let x = Plain::new(SHAPE.features(), BATCH, |i, j| data.x[(i, batch[j] as usize)]);
            let all = network.steps().enumerate();
            for (index, step) in all.filter(|(_, step)| matches!(step.block, Block::BatchNorm)) {
                let below = network.part(0..index).training(TRAINING);
                let mut record = vec![0.0; below.record(BATCH)];
                let mut scratch = vec![0.0; below.workspace(&Loops, BATCH).elements()];
                let view = dense(&x.data, x.rows, BATCH);
                below.forward(&Loops, &before, &view, &mut record, Stack::new(&mut scratch)).unwrap();
                let p = Plain::of(&below.output_of(&record, BATCH));
                let (channels, pixels) = (step.input.channels, step.input.pixels());
                for c in 0..channels {
                    let numbers = channel(&p, pixels, c);
                    let n = numbers.len() as f64;
                    let (mean, variance) = mean_and_variance(&numbers);
                    for (part, batch) in [(2, mean), (3, variance * n / (n - 1.0))] {
                        let at = step.offset + part * channels + c;
                        let expected = 0.9 * before[at] + 0.1 * batch;
                        let found = rig.scalars[at];
                        assert!((found - expected).abs() < 1e-12, "{name}, {at}: {found} {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn lipschitz_constants_are_those_of_the_largest_scale() {
    let mut random = Random::new(9);
    for shape in SHAPES {
        let parameters = parameters(shape.channels, &mut random);
        let blocks = [Block::BatchNorm];
        let network = Network::new(&blocks, shape).unwrap();
        let mut scratch = vec![0.0; network.lipschitz_workspace(&Loops).elements()];
        let found = network.lipschitz(&Loops, &parameters, 1, Stack::new(&mut scratch)).unwrap();
        let scale = |c: usize| parameters[c].abs() / (parameters[3 * shape.channels + c] + 1e-5).sqrt();
        let expected = (0..shape.channels).map(scale).fold(0.0, f64::max);
        assert!((found - expected).abs() < 1e-12 * expected, "{found} {expected}");
    }
}

/// Steps by the gradient of the loss alone are as good as none; those by weight decay or l2 are not.
#[test]
fn regularizers_and_weight_decay_leave_it_alone() {
    let no_step = Hyperparameters { learning_rate: 1e-12, nu: 1e12, momentum: 0.0, ..settings() };
    for name in methods() {
        // The inner steps of local are those of proximal back-propagation.
        let decays = Hyperparameters { weight_decay: 1e9, ..no_step };
        only_weights_shrink(name, &decays);
        // An adaptive step is as long for a large l2 as for a small one.
        if matches!(name, Name::Gd | Name::Proxprop) {
            only_weights_shrink(name, &Hyperparameters { regularizer: Regularizer::L2(1e10), ..no_step });
        }
    }
}

fn only_weights_shrink(name: Name, settings: &Hyperparameters<f64>) {
    let (data, order) = (Images::new(), order());
    let mut rig = rig(name, settings, data.problem());
    let before = rig.scalars.clone();
    rig.initialize().unwrap();
    rig.sweep_in(Some(&order)).unwrap();
    let run = rig.run();
    for map in run.network.maps() {
        let weights = map.offset..map.offset + map.n_out * map.n_in;
        let moved = rig.scalars[weights.clone()].iter().zip(&before[weights]);
        let shrunk = moved.clone().all(|(now, before)| (now / before - 1.0).abs() > 1e-5);
        let stood = moved.clone().all(|(now, before)| (now - before).abs() < 1e-6);
        match map.kind {
            MapKind::Dense | MapKind::Convolution => assert!(shrunk, "{name}"),
            MapKind::Scale => assert!(stood, "{name}"),
            MapKind::Statistics => assert!(!stood, "{name}"),
        }
    }
}

#[test]
fn where_it_has_no_place_it_is_refused_with_the_reason() {
    let (data, blocks) = (Images::new(), golden_blocks::<f64>());
    let network = Network::new(&blocks, SHAPE).unwrap();
    let cuts = [4];
    let run = Run { network, cuts: &cuts, problem: data.problem() };
    let refused = |what: &str, result: altmin_core::Result, reason: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Block { index: 2, block: "batchnorm", .. }), "{what}: {error}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
    };
    let settings = settings();
    refused("gsADMM", Tssm::gsadmm(&settings, &run).map(|_| ()), "gsADMM and gsAM");
    refused("gsAM", Tssm::gsam(&settings, &run).map(|_| ()), "gsADMM and gsAM");
    for batch in [None, Some(SAMPLES)] {
        let whole = Hyperparameters { batch, ..settings };
        refused("proxprop", ProxProp::new(&whole, &run).map(|_| ()), "the guard of proximal");
        refused("adam", AnyMethod::new(Name::Adam, &whole, &run).map(|_| ()), "mini-batches");
    }
    for name in methods() {
        let ones = Hyperparameters { batch: Some(1), ..settings };
        let error = AnyMethod::new(name, &ones, &run).unwrap_err();
        assert!(matches!(error, Error::Setting { name: "batch", .. }), "{name}: {error}");
        // A batch's mean is that of all of it.
        let [all, batch] = [SAMPLES, BATCH].map(|samples| Partition::new(samples, 7, 2));
        let recut = AnyMethod::new(name, &settings, &run).unwrap().recut([all, batch], &run);
        match name.card().uses(Use::Cuts) {
            true => assert!(recut.is_ok(), "{name}"),
            false => assert!(matches!(recut, Err(Error::Shape { argument: "partition", .. })), "{name}"),
        }
    }
    let layers = [Block::Dense { outputs: 4 }, Block::BatchNorm, Block::Dense { outputs: 3 }];
    let network = Network::new(&layers, Shape::flat(SHAPE.features())).unwrap();
    let run = Run { network, cuts: &[], problem: data.problem() };
    for &name in Name::ALL.iter().filter(|name| name.card().layers_only) {
        let error = AnyMethod::new(name, &fitting(name, settings), &run).unwrap_err();
        assert!(matches!(error, Error::Block { index: 1, block: "batchnorm", .. }), "{name}: {error}");
    }
}
