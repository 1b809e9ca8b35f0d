//! Blocks: outputs against plain loops, gradients against central differences, shapes that do not fit.

use altmin_core::block::conv::{Bound, Conv};
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, GradientSums, MapKind, Network, Shape};
use altmin_core::view::{column, dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Error, Real};

use crate::common::{Loops, Plain, Random, Scratch, Strided, activate, assert_close, in_both_precisions};

in_both_precisions!(large_images_agree_with_plain_loops);

/// A plain-loop block: inputs and outputs of one sample, image by image.
struct Image {
    shape: Shape,
    data: Vec<f64>,
}

impl Image {
    fn at(&self, c: usize, y: isize, x: isize) -> f64 {
        let Shape { height, width, .. } = self.shape;
        if y < 0 || x < 0 || y >= height as isize || x >= width as isize {
            return 0.0;
        }
        self.data[(c * height + y as usize) * width + x as usize]
    }

    /// The sum over a patch, weights in the order channel, row, column; column-major, a row an output channel.
    fn convolve(&self, conv: Conv, weights: &[f64], bias: &[f64]) -> Self {
        let along = |side: usize, kernel: usize| (side + 2 * conv.padding - kernel) / conv.stride + 1;
        let shape = Shape {
            channels: conv.outputs,
            height: along(self.shape.height, conv.kernel_height),
            width: along(self.shape.width, conv.kernel_width),
        };
        let mut data = Vec::new();
        for o in 0..conv.outputs {
            for oy in 0..shape.height {
                for ox in 0..shape.width {
                    let mut sum = bias[o];
                    let mut q = 0;
                    for c in 0..self.shape.channels {
                        for ky in 0..conv.kernel_height {
                            for kx in 0..conv.kernel_width {
                                let y = (oy * conv.stride + ky) as isize - conv.padding as isize;
                                let x = (ox * conv.stride + kx) as isize - conv.padding as isize;
                                sum += weights[q * conv.outputs + o] * self.at(c, y, x);
                                q += 1;
                            }
                        }
                    }
                    data.push(sum);
                }
            }
        }
        Self { shape, data }
    }

    fn pool(&self, window: Window, combine: impl Fn(&[f64]) -> f64) -> Self {
        let along = |side: usize| (side - window.size) / window.stride + 1;
        let shape = Shape { height: along(self.shape.height), width: along(self.shape.width), ..self.shape };
        let mut data = Vec::new();
        for c in 0..shape.channels {
            for oy in 0..shape.height {
                for ox in 0..shape.width {
                    let values: Vec<f64> = (0..window.size * window.size)
                        .map(|at| (at / window.size, at % window.size))
                        .map(|(y, x)| (oy * window.stride + y, ox * window.stride + x))
                        .map(|(y, x)| self.at(c, y as isize, x as isize))
                        .collect();
                    data.push(combine(&values));
                }
            }
        }
        Self { shape, data }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { data: self.data.into_iter().map(f).collect(), ..self }
    }

    fn plus(self, other: &Self) -> Self {
        assert_eq!(self.shape, other.shape);
        Self { data: self.data.iter().zip(&other.data).map(|(a, b)| a + b).collect(), ..self }
    }

    /// What a network makes of the sample.
    fn through(mut self, blocks: &[Block<f64>], mut parameters: &[f64]) -> Self {
        let mut take = |count: usize| {
            let (taken, rest) = parameters.split_at(count);
            parameters = rest;
            taken
        };
        for block in blocks {
            let channels = self.shape.channels;
            self = match *block {
                Block::Dense { outputs } => {
                    let conv = Conv::square(outputs, 1, 1, 0);
                    let (weights, bias) = (take(outputs * channels), take(outputs));
                    self.convolve(conv, weights, bias)
                }
                Block::ResidualDense(activation) => {
                    let (weights, bias) = (take(channels * channels), take(channels));
                    let conv = Conv::square(channels, 1, 1, 0);
                    self.convolve(conv, weights, bias).map(|z| activate(activation, z)).plus(&self)
                }
                Block::Conv(conv) => {
                    let patch = channels * conv.kernel_height * conv.kernel_width;
                    let (weights, bias) = (take(conv.outputs * patch), take(conv.outputs));
                    self.convolve(conv, weights, bias)
                }
                Block::MaxPool(window) => {
                    self.pool(window, |all| all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
                }
                Block::AveragePool(window) => {
                    self.pool(window, |all| all.iter().sum::<f64>() / all.len() as f64)
                }
                Block::GlobalAveragePool => {
                    let pixels = self.shape.pixels();
                    let data =
                        self.data.chunks(pixels).map(|c| c.iter().sum::<f64>() / pixels as f64).collect();
                    Self { shape: Shape::flat(channels), data }
                }
                Block::Dropout { .. } => self,
                Block::BatchNorm => {
                    let [gamma, beta, mean, variance] = [0; 4].map(|_| take(channels));
                    let pixels = self.shape.pixels();
                    let of = |(i, x): (usize, f64)| {
                        let c = i / pixels;
                        gamma[c] * (x - mean[c]) / (variance[c] + 1e-5).sqrt() + beta[c]
                    };
                    Self { data: self.data.into_iter().enumerate().map(of).collect(), ..self }
                }
                Block::Flatten => Self { shape: Shape::flat(self.data.len()), data: self.data },
                Block::Activation(activation) => self.map(|z| activate(activation, z)),
                Block::Residual(Residual { outputs, stride, activation }) => {
                    let (first, second) =
                        (Conv::square(outputs, 3, stride, 1), Conv::square(outputs, 3, 1, 1));
                    let (weights, bias) = (take(9 * outputs * channels), take(outputs));
                    let inner = self.convolve(first, weights, bias).map(|z| activate(activation, z));
                    let (weights, bias) = (take(9 * outputs * outputs), take(outputs));
                    let sum = inner.convolve(second, weights, bias);
                    let skip = if stride == 1 && channels == outputs {
                        self
                    } else {
                        let (weights, bias) = (take(outputs * channels), take(outputs));
                        self.convolve(Conv::square(outputs, 1, stride, 0), weights, bias)
                    };
                    sum.plus(&skip).map(|z| activate(activation, z))
                }
            };
        }
        assert!(parameters.is_empty());
        self
    }
}

fn conv(outputs: usize, kernel: (usize, usize), stride: usize, padding: usize) -> Block<f64> {
    Block::Conv(Conv { outputs, kernel_height: kernel.0, kernel_width: kernel.1, stride, padding })
}

/// Networks that hold every block in several sizes, with the shape that goes in.
fn networks() -> Vec<(Shape, Vec<Block<f64>>)> {
    let image = |channels, height, width| Shape { channels, height, width };
    let window = |size, stride| Window { size, stride };
    let f = Block::Activation;
    let tanh = f(Activation::Tanh);
    let pair = |outputs, stride, activation| Block::Residual(Residual { outputs, stride, activation });
    let dense = |outputs| Block::Dense { outputs };
    vec![
        (Shape::flat(5), vec![dense(4)]),
        (Shape::flat(5), vec![dense(4), tanh, dense(3), f(Activation::Sigmoid), dense(2)]),
        (
            Shape::flat(3),
            vec![f(Activation::LeakyRelu { slope: 0.2 }), dense(4), f(Activation::Relu), dense(1)],
        ),
        (
            Shape::flat(4),
            vec![
                Block::ResidualDense(Activation::Tanh),
                dense(3),
                f(Activation::Relu),
                Block::ResidualDense(Activation::Relu),
                tanh,
                Block::ResidualDense(Activation::Sigmoid),
            ],
        ),
        (image(1, 1, 1), vec![conv(1, (1, 1), 1, 0)]),
        (image(2, 5, 4), vec![conv(3, (3, 2), 1, 0)]),
        (image(2, 5, 4), vec![conv(3, (3, 3), 1, 1), tanh, conv(2, (1, 1), 1, 0)]),
        (image(1, 7, 6), vec![conv(2, (3, 3), 2, 1), f(Activation::Relu), conv(2, (2, 3), 3, 2)]),
        (image(2, 3, 3), vec![conv(1, (5, 5), 1, 2)]),
        (image(1, 4, 3), vec![conv(2, (3, 3), 5, 4)]),
        (image(2, 6, 5), vec![Block::MaxPool(window(2, 2)), conv(2, (2, 2), 1, 0)]),
        (image(2, 6, 5), vec![conv(2, (1, 1), 1, 0), Block::MaxPool(window(3, 1)), tanh]),
        (image(1, 7, 7), vec![Block::MaxPool(window(3, 2)), tanh, Block::AveragePool(window(2, 1))]),
        (image(2, 5, 5), vec![tanh, Block::AveragePool(window(3, 2)), tanh, Block::Flatten, dense(3)]),
        (image(3, 4, 2), vec![Block::Flatten, dense(4), Block::Flatten, tanh, dense(2)]),
        (image(3, 4, 2), vec![conv(2, (2, 2), 1, 0), Block::GlobalAveragePool, tanh, dense(2)]),
        (image(2, 4, 4), vec![pair(2, 1, Activation::Tanh)]),
        (image(2, 5, 4), vec![pair(3, 1, Activation::Sigmoid), pair(3, 2, Activation::Tanh)]),
        (
            image(1, 4, 4),
            vec![tanh, pair(2, 2, Activation::LeakyRelu { slope: 0.3 }), Block::Flatten, dense(2)],
        ),
        (
            image(1, 9, 9),
            vec![
                conv(2, (3, 3), 2, 0),
                tanh,
                Block::MaxPool(window(2, 1)),
                pair(2, 1, Activation::Relu),
                Block::GlobalAveragePool,
                dense(3),
                f(Activation::Relu),
                dense(2),
            ],
        ),
    ]
}

/// A network with parameters and samples, and a weight for every output: the value is the weighted sum of all outputs.
struct Case<'a> {
    network: Network<'a, f64>,
    parameters: Vec<f64>,
    x: Plain,
    weights: Plain,
}

impl<'a> Case<'a> {
    fn new(blocks: &'a [Block<f64>], input: Shape, m: usize, seed: u64) -> Self {
        let network = Network::new(blocks, input).unwrap();
        let mut random = Random::new(seed);
        let parameters = (0..network.parameters()).map(|_| random.between(-0.8, 0.8)).collect();
        let x = random.matrix(input.features(), m);
        let weights = random.matrix(network.output().features(), m);
        Self { network, parameters, x, weights }
    }

    fn value(&self, parameters: &[f64], x: &Plain) -> f64 {
        (0..x.columns)
            .map(|j| {
                let sample = Image { shape: self.network.input(), data: x.column(j).data };
                let y = sample.through(self.network.blocks(), parameters);
                y.data.iter().zip(self.weights.column(j).data).map(|(y, w)| y * w).sum::<f64>()
            })
            .sum()
    }
}

#[test]
fn outputs_agree_with_plain_loops() {
    for (index, (input, blocks)) in networks().into_iter().enumerate() {
        for m in [0, 1, 3] {
            let case = Case::new(&blocks, input, m, index as u64);
            let mut record = vec![f64::NAN; case.network.record(m)];
            let mut scratch = Scratch::new(case.network.workspace(&Loops, m));
            let x = Strided::new(&case.x, 2);
            let Case { network, parameters, .. } = &case;
            network.forward(&Loops, parameters, &x.view(), &mut record, scratch.stack()).unwrap();
            assert!(scratch.is_intact());
            let y = network.output_of(&record, m);
            for j in 0..m {
                let sample = Image { shape: input, data: case.x.column(j).data };
                let expected = sample.through(&blocks, parameters);
                assert_eq!(expected.shape, network.output());
                for (found, expected) in column(&y, j).iter().zip(&expected.data) {
                    assert!((found - expected).abs() < 1e-12, "{blocks:?}: {found} {expected}");
                }
            }
        }
    }
}

/// A signal that begins with this gradient in the output.
fn signal_of(network: &Network<'_, f64>, delta: &Plain) -> Vec<f64> {
    let mut signal = vec![f64::NAN; network.signal(delta.columns)];
    signal[..delta.data.len()].copy_from_slice(&delta.data);
    signal
}

#[test]
fn gradients_agree_with_central_differences() {
    for (index, (input, blocks)) in networks().into_iter().enumerate() {
        let m = 2;
        let case = Case::new(&blocks, input, m, 100 + index as u64);
        let Case { network, parameters, x, weights } = &case;
        let strided = Strided::new(x, 1);
        let mut record = vec![f64::NAN; network.record(m)];
        let mut scratch = Scratch::new(network.workspace(&Loops, m));
        network.forward(&Loops, parameters, &strided.view(), &mut record, scratch.stack()).unwrap();
        // Backward passes add to what is there.
        let mut gradient = vec![0.25; network.parameters()];
        let mut dx = vec![f64::NAN; x.data.len()];
        let mut signal = signal_of(network, weights);
        network
            .backward(
                &Loops,
                parameters,
                &strided.view(),
                &record,
                &mut signal,
                Some(&mut dense_mut(&mut dx, x.rows, m)),
                &mut GradientSums(&mut gradient),
                scratch.stack(),
            )
            .unwrap();
        assert!(scratch.is_intact());
        let h = 1e-6;
        let close = |what: &str, found: f64, plus: f64, minus: f64| {
            let expected = (plus - minus) / (2.0 * h);
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{what} of {blocks:?}: {found} {expected}"
            );
        };
        for (at, &found) in gradient.iter().enumerate() {
            let [plus, minus] = [h, -h].map(|h| {
                let mut moved = parameters.clone();
                moved[at] += h;
                case.value(&moved, x)
            });
            close("parameters", found - 0.25, plus, minus);
        }
        for (at, &found) in dx.iter().enumerate() {
            let [plus, minus] = [h, -h].map(|h| {
                let mut moved = x.clone();
                moved.data[at] += h;
                case.value(parameters, &moved)
            });
            close("input", found, plus, minus);
        }
    }
}

#[test]
fn the_input_gradient_is_optional() {
    for (index, (input, blocks)) in networks().into_iter().enumerate() {
        let case = Case::new(&blocks, input, 2, index as u64);
        let Case { network, parameters, x, weights } = &case;
        let mut record = vec![0.0; network.record(2)];
        let mut memory = vec![0.0; network.workspace(&Loops, 2).elements()];
        let x = dense(&x.data, x.rows, 2);
        network.forward(&Loops, parameters, &x, &mut record, Stack::new(&mut memory)).unwrap();
        let mut gradients = [true, false].map(|wanted| {
            let mut gradient = vec![0.0; network.parameters()];
            let mut signal = signal_of(network, weights);
            let mut dx = vec![0.0; x.len()];
            let mut dx = dense_mut(&mut dx, x.nrows(), 2);
            let dx = wanted.then_some(&mut dx);
            let mut sink = GradientSums(&mut gradient);
            let stack = Stack::new(&mut memory);
            network.backward(&Loops, parameters, &x, &record, &mut signal, dx, &mut sink, stack).unwrap();
            gradient
        });
        let [with, without] = &mut gradients;
        assert_eq!(with, without);
    }
}

#[test]
fn a_part_is_the_network_of_its_blocks() {
    for (input, blocks) in networks() {
        let network = Network::new(&blocks, input).unwrap();
        let backward: Vec<_> = network.steps_back().collect();
        assert!(backward.iter().rev().copied().eq(network.steps()));
        for start in 0..blocks.len() {
            for end in start + 1..=blocks.len() {
                let (part, first) = (network.part(start..end), network.step(start));
                let expected = Network::new(&blocks[start..end], first.input).unwrap();
                assert_eq!(part, expected);
                // Its parameters and sums lie among the network's as they do alone.
                let among = network.places().filter(|place| {
                    place.map.offset >= first.offset && place.map.offset < first.offset + part.parameters()
                });
                assert!(
                    among
                        .map(|place| (place.map.offset - first.offset, place.start - first.sums))
                        .eq(part.places().map(|place| (place.map.offset, place.start)))
                );
            }
        }
    }
    // Longer than the stretches in which the way back works out places.
    let blocks = vec![Block::<f64>::Dense { outputs: 2 }; 50];
    let network = Network::new(&blocks, Shape::flat(3)).unwrap();
    let backward: Vec<_> = network.steps_back().collect();
    assert!(backward.len() == 50 && backward.iter().rev().copied().eq(network.steps()));
}

#[test]
fn what_a_block_cannot_take_is_named() {
    let image = Shape { channels: 2, height: 4, width: 3 };
    let window = |size, stride| Window { size, stride };
    let cases: [(&[Block<f64>], usize, &str); 9] = [
        (&[Block::Dense { outputs: 3 }], 0, "dense"),
        (&[Block::Flatten, Block::Dense { outputs: 0 }], 1, "dense"),
        (&[conv(2, (5, 3), 1, 0)], 0, "conv"),
        (&[conv(2, (0, 3), 1, 0)], 0, "conv"),
        (&[conv(2, (3, 3), 0, 0)], 0, "conv"),
        (&[conv(0, (3, 3), 1, 0)], 0, "conv"),
        (&[Block::Flatten, Block::MaxPool(window(2, 2))], 1, "maxpool"),
        (&[Block::AveragePool(window(2, 0))], 0, "avgpool"),
        (&[Block::Residual(Residual { outputs: 2, stride: 0, activation: Activation::Relu })], 0, "residual"),
    ];
    for (blocks, at, name) in cases {
        match Network::new(blocks, image) {
            Err(Error::Block { index, block, .. }) => assert_eq!((index, block), (at, name)),
            other => panic!("{blocks:?}: {other:?}"),
        }
    }
    let slope = Block::Activation(Activation::LeakyRelu { slope: f64::NAN });
    assert!(matches!(Network::new(&[slope], image), Err(Error::Setting { name: "slope", .. })));
    assert!(matches!(Network::<f64>::new(&[], image), Err(Error::Length { argument: "blocks", .. })));
    let huge = [Block::Dense::<f64> { outputs: usize::MAX / 2 }];
    assert!(matches!(Network::new(&huge, Shape::flat(3)), Err(Error::Length { argument: "parameters", .. })));
    let text = Network::new(&[conv(2, (5, 3), 1, 0)], image).unwrap_err().to_string();
    assert_eq!(
        text,
        "block 1 (`conv`) gets 2x4x3, expected a kernel of at least 1 pixel and no larger than its padded input"
    );
}

/// The sizes that one argument should have had.
#[test]
fn wrong_sizes_are_refused_before_anything_is_written() {
    let (input, blocks) = networks().swap_remove(18);
    let case = Case::new(&blocks, input, 2, 7);
    let Case { network, parameters, x, .. } = &case;
    let need = network.workspace(&Loops, 2).elements();
    let run = |rows: usize, count: usize, record: usize, scratch: usize| {
        let mut kept = vec![7.0; record];
        let mut memory = vec![0.0; scratch];
        let x = dense(&x.data[..rows * 2], rows, 2);
        let result = network.forward(&Loops, &parameters[..count], &x, &mut kept, Stack::new(&mut memory));
        assert!(result.is_ok() || kept.iter().all(|&kept| kept == 7.0));
        result
    };
    let (rows, count, record) = (input.features(), parameters.len(), network.record(2));
    assert!(run(rows, count, record, need).is_ok());
    assert!(matches!(run(rows - 1, count, record, need), Err(Error::Shape { argument: "x", .. })));
    assert!(matches!(run(rows, count - 1, record, need), Err(Error::Length { argument: "parameters", .. })));
    assert!(matches!(run(rows, count, record - 1, need), Err(Error::Length { argument: "record", .. })));
    assert!(matches!(run(rows, count, record, need - 1), Err(Error::Workspace { .. })));
}

/// Gathering patches and scattering them are transposes: `<K(p), G> = <p, K'(G)>`.
#[test]
fn scatter_is_the_transpose_of_gather() {
    let mut random = Random::new(3);
    for _ in 0..200 {
        let input =
            Shape { channels: 1 + random.below(3), height: 1 + random.below(7), width: 1 + random.below(7) };
        let conv = Conv {
            outputs: 1,
            kernel_height: 1 + random.below(4),
            kernel_width: 1 + random.below(4),
            stride: 1 + random.below(3),
            padding: random.below(3),
        };
        let Ok(bound) = Bound::new(conv, input) else { continue };
        let (rows, columns) = bound.patches();
        let (p, g) = (random.matrix(input.features(), 1), random.matrix(rows * columns, 1));
        let (mut k, mut back) = (vec![f64::NAN; rows * columns], vec![f64::NAN; input.features()]);
        let all = 0..bound.output().height;
        bound.gather(&p.data, all.clone(), &mut k).unwrap();
        back.fill(0.0);
        bound.scatter(all, &mut g.data.clone(), &mut back).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&k, &g.data) - dot(&p.data, &back)).abs() < 1e-10, "{conv:?} on {input}");
    }
}

/// Images whose patches are worked on in several bands, forward and back, by plain loops.
fn large_images_agree_with_plain_loops<T: Real>() {
    let mut random = Random::new(4);
    let cases = [
        (3, 4, (3, 3), 1, 1, (70, 70)),
        (3, 4, (3, 3), 1, 0, (70, 70)),
        (3, 4, (3, 3), 2, 2, (141, 67)),
        (3, 4, (3, 3), 1, 1, (70, 1)),
        // Of many channels, which are worked on plane by plane: rows that do not reach the padding among them.
        (16, 17, (3, 3), 1, 1, (70, 70)),
        (17, 16, (2, 3), 1, 1, (9, 8)),
        (16, 16, (5, 5), 1, 2, (2, 2)),
        (16, 16, (5, 7), 1, 3, (2, 1)),
        (16, 16, (2, 1), 1, 0, (5, 3)),
        (16, 16, (7, 3), 1, 1, (70, 61)),
    ];
    for (channels, outputs, (kernel_height, kernel_width), stride, padding, (height, width)) in cases {
        let input = Shape { channels, height, width };
        let conv = Conv { outputs, kernel_height, kernel_width, stride, padding };
        let bound = Bound::new(conv, input).unwrap();
        let (output, patch) = (bound.output(), channels * kernel_height * kernel_width);
        let (w, b, x, g) = (
            random.matrix(outputs, patch),
            random.matrix(outputs, 1),
            random.matrix(input.features(), 1),
            random.matrix(output.features(), 1),
        );
        let exact = |plain: &Plain| -> Vec<T> { plain.data.iter().map(|&x| T::from_f64(x)).collect() };
        let (weights, bias, xs, gs) = (exact(&w), exact(&b), exact(&x), exact(&g));
        let weights = dense(&weights, outputs, patch);
        let (mut z, mut dx) = (vec![T::ZERO; g.rows], vec![T::ZERO; x.rows]);
        let (mut dw, mut db) = (vec![T::ZERO; outputs * patch], vec![T::ZERO; outputs]);
        let mut scratch = Scratch::new(bound.workspace::<T, _>(&Loops));
        let (p, dz) = (dense(&xs, x.rows, 1), dense(&gs, g.rows, 1));
        let out = &mut dense_mut(&mut z, g.rows, 1);
        bound.forward(&Loops, &weights, &bias, &p, out, scratch.stack()).unwrap();
        let back = &mut dense_mut(&mut dx, x.rows, 1);
        bound.backward_input(&Loops, &weights, &dz, back, scratch.stack()).unwrap();
        let gradient = &mut dense_mut(&mut dw, outputs, patch);
        bound.add_gradient(&Loops, &p, &dz, gradient, &mut db, scratch.stack()).unwrap();
        assert!(scratch.is_intact());

        let image = Image { shape: input, data: x.data.clone() };
        let expected = Plain::vector(image.convolve(conv, &w.data, &b.data).data);
        assert_close::<T>("output", &Plain::of_slice(&z), &expected);
        // The same loops again, each product to the pixel and to the weight that it came of.
        let (mut expected, mut weights_expected) = (Plain::zeros(x.rows, 1), Plain::zeros(outputs, patch));
        for (at, &g) in g.data.iter().enumerate() {
            let (o, oy, ox) = (at / output.pixels(), at % output.pixels() / output.width, at % output.width);
            for q in 0..patch {
                let (c, k) = (q / (kernel_height * kernel_width), q % (kernel_height * kernel_width));
                let (ky, kx) = (k / kernel_width, k % kernel_width);
                let (y, x_at) =
                    ((oy * stride + ky).wrapping_sub(padding), (ox * stride + kx).wrapping_sub(padding));
                if y < height && x_at < width {
                    let pixel = (c * height + y) * width + x_at;
                    expected[(pixel, 0)] += w[(o, q)] * g;
                    weights_expected[(o, q)] += x[(pixel, 0)] * g;
                }
            }
        }
        assert_close::<T>("input", &Plain::of_slice(&dx), &expected);
        assert_close::<T>("weights", &Plain::of(&dense(&dw, outputs, patch)), &weights_expected);
        let sums =
            Plain::new(outputs, 1, |o, _| g.data[o * output.pixels()..][..output.pixels()].iter().sum());
        assert_close::<T>("bias", &Plain::of_slice(&db), &sums);
    }
}

#[test]
fn maps_of_flat_samples_are_no_convolutions() {
    for (input, blocks) in networks() {
        let network = Network::new(&blocks, input).unwrap();
        for step in network.steps() {
            let is_convolution = matches!(step.block, Block::Conv(_) | Block::Residual(_));
            let kind = if is_convolution { MapKind::Convolution } else { MapKind::Dense };
            assert!(step.places().all(|place| place.map.kind == kind), "{:?}", step.block);
        }
    }
}
