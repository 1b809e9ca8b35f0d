//! Blocks by their definition, sample by sample: forward, backward, and how much they stretch. Of the core there is nothing
//! in it but where parameters lie.

use altmin_core::Activation;
use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, LinearMap, Network, Shape, Step};

use super::plain::{activate, slope_from_left, steepest};

/// Rounds of a power iteration.
pub(super) const ROUNDS: usize = 4000;

/// It ends before if the norm has not risen over so many rounds, the first thousand apart: what a larger eigenvalue could
/// still add is then below what [`shortfall`] leaves for all of them.
const STRETCH: usize = 100;
const FIRST: usize = 1000;

/// What is verified of networks of blocks are the sweeps of gsADMM and gsAM.
const OF_TRAINING: &str = "gsADMM and gsAM refuse networks with dropout or batch normalisation";

/// A linear map between shapes.
#[derive(Debug, Clone, Copy)]
struct Linear {
    map: LinearMap,
    /// `None` for a fully connected one.
    conv: Option<Conv>,
    input: Shape,
    output: Shape,
}

impl Linear {
    /// Calls `visit(output, input, weight)` for every product in the map's sums: places of numbers of a sample, and of the
    /// weight among the parameters.
    fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let LinearMap { offset, n_out, n_in, .. } = self.map;
        let Some(conv) = self.conv else {
            for i in 0..n_in {
                (0..n_out).for_each(|o| visit(o, i, offset + i * n_out + o));
            }
            return;
        };
        let (rows, cols) = (self.input.height, self.input.width);
        for (o, oy, ox) in places(self.output) {
            for c in 0..self.input.channels {
                for ky in 0..conv.kernel_height {
                    for kx in 0..conv.kernel_width {
                        let y = (oy * conv.stride + ky).checked_sub(conv.padding).filter(|&y| y < rows);
                        let x = (ox * conv.stride + kx).checked_sub(conv.padding).filter(|&x| x < cols);
                        let (Some(y), Some(x)) = (y, x) else { continue };
                        let under = (c * conv.kernel_height + ky) * conv.kernel_width + kx;
                        let to = (o * self.output.height + oy) * self.output.width + ox;
                        visit(to, (c * rows + y) * cols + x, offset + under * n_out + o);
                    }
                }
            }
        }
    }

    /// Where the bias of an output lies among the parameters.
    fn bias(&self, output: usize) -> usize {
        let channel = if self.conv.is_some() { output / self.output.pixels() } else { output };
        self.map.offset + self.map.n_out * self.map.n_in + channel
    }

    /// `A x`.
    fn times(&self, parameters: &[f64], x: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; self.output.features()];
        self.each(|o, i, w| z[o] += parameters[w] * x[i]);
        z
    }

    fn apply(&self, parameters: &[f64], x: &[f64]) -> Vec<f64> {
        let mut z = self.times(parameters, x);
        z.iter_mut().enumerate().for_each(|(o, z)| *z += parameters[self.bias(o)]);
        z
    }

    /// `A' dz`.
    fn back(&self, parameters: &[f64], dz: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; self.input.features()];
        self.each(|o, i, w| dx[i] += parameters[w] * dz[o]);
        dx
    }

    fn add_gradient(&self, x: &[f64], dz: &[f64], gradient: &mut [f64]) {
        self.each(|o, i, w| gradient[w] += dz[o] * x[i]);
        dz.iter().enumerate().for_each(|(o, dz)| gradient[self.bias(o)] += dz);
    }

    /// The spectral norm, from below.
    fn norm(&self, parameters: &[f64]) -> f64 {
        let features = self.input.features();
        let mut v: Vec<f64> = (0..features).map(|i| 1.0 + libm::sin(i as f64)).collect();
        let (mut norm, mut before) = (0.0, 0.0);
        for round in 0..ROUNDS {
            let length = length(&v);
            if length == 0.0 {
                break;
            }
            v.iter_mut().for_each(|v| *v /= length);
            let image = self.times(parameters, &v);
            norm = self::length(&image);
            if round % STRETCH == 0 {
                if round >= FIRST && norm <= before * (1.0 + f64::EPSILON) {
                    break;
                }
                before = norm;
            }
            v = self.back(parameters, &image);
        }
        norm
    }
}

fn length(v: &[f64]) -> f64 {
    libm::sqrt(v.iter().map(|x| x * x).sum())
}

/// Channel, row and column of every number of a sample, in their order.
fn places(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let Shape { channels, height, width } = shape;
    (0..channels).flat_map(move |c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x))))
}

/// The places of a window's numbers, for every number of the output.
fn windows(window: Window, input: Shape, output: Shape) -> Vec<Vec<usize>> {
    let of = |(c, y, x): (usize, usize, usize)| {
        let at = |row: usize, col: usize| {
            (c * input.height + y * window.stride + row) * input.width + x * window.stride + col
        };
        (0..window.size)
            .flat_map(|row| (0..window.size).map(move |col| (row, col)))
            .map(|(row, col)| at(row, col))
            .collect()
    };
    places(output).map(of).collect()
}

/// In how many windows a number lies at most.
fn overlap(windows: &[Vec<usize>], input: Shape) -> f64 {
    let mut counts = vec![0_u32; input.features()];
    windows.iter().flatten().for_each(|&at| counts[at] += 1);
    f64::from(counts.into_iter().max().unwrap_or(0))
}

/// The linear maps of a block.
fn linear(step: &Step<f64>) -> Vec<Linear> {
    let maps = step.block.maps(step.input, step.offset);
    let convs = match step.block {
        Block::Conv(conv) => [Some(conv), None, None],
        Block::Residual(Residual { outputs, stride, .. }) => [
            Some(Conv::square(outputs, 3, stride, 1)),
            Some(Conv::square(outputs, 3, 1, 1)),
            Some(Conv::square(outputs, 1, stride, 0)),
        ],
        _ => [None; 3],
    };
    let all = maps.into_iter().zip(convs).enumerate();
    all.filter_map(|(index, (map, conv))| {
        let input = if index == 1 { step.output } else { step.input };
        Some(Linear { map: map?, conv, input, output: step.output })
    })
    .collect()
}

fn activated(f: Activation<f64>, z: &[f64]) -> Vec<f64> {
    z.iter().map(|&z| activate(f, z)).collect()
}

/// The derivative of f at z times what comes back.
fn deactivated(f: Activation<f64>, z: &[f64], dy: &[f64]) -> Vec<f64> {
    z.iter().zip(dy).map(|(&z, dy)| slope_from_left(f, z) * dy).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// What a residual pair adds up before its last activation, and its inner linear variable.
fn pair(linear: &[Linear], f: Activation<f64>, parameters: &[f64], x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let inner = linear[0].apply(parameters, x);
    let second = linear[1].apply(parameters, &activated(f, &inner));
    let skip = linear.get(2).map_or_else(|| x.to_vec(), |projection| projection.apply(parameters, x));
    (sum(&skip, &second), inner)
}

fn forward_block(step: &Step<f64>, parameters: &[f64], x: &[f64]) -> Vec<f64> {
    let linear = linear(step);
    match step.block {
        Block::Dense { .. } | Block::Conv(_) => linear[0].apply(parameters, x),
        Block::Activation(f) => activated(f, x),
        Block::Flatten => x.to_vec(),
        Block::Dropout { .. } | Block::BatchNorm => unreachable!("{OF_TRAINING}"),
        Block::MaxPool(window) => {
            let largest = |window: Vec<usize>| window.iter().map(|&i| x[i]).fold(f64::NEG_INFINITY, f64::max);
            windows(window, step.input, step.output).into_iter().map(largest).collect()
        }
        Block::AveragePool(window) => {
            let mean = |window: Vec<usize>| window.iter().map(|&i| x[i]).sum::<f64>() / window.len() as f64;
            windows(window, step.input, step.output).into_iter().map(mean).collect()
        }
        Block::GlobalAveragePool => {
            let pixels = step.input.pixels();
            x.chunks(pixels).map(|channel| channel.iter().sum::<f64>() / pixels as f64).collect()
        }
        Block::Residual(Residual { activation, .. }) => {
            activated(activation, &pair(&linear, activation, parameters, x).0)
        }
        Block::ResidualDense(f) => sum(x, &activated(f, &linear[0].apply(parameters, x))),
    }
}

/// What comes back to the block's input; gradients of its parameters are added to `gradient`.
fn backward_block(
    step: &Step<f64>,
    parameters: &[f64],
    x: &[f64],
    dy: &[f64],
    gradient: &mut [f64],
) -> Vec<f64> {
    let linear = linear(step);
    let mut dx = vec![0.0; step.input.features()];
    match step.block {
        Block::Dense { .. } | Block::Conv(_) => {
            linear[0].add_gradient(x, dy, gradient);
            return linear[0].back(parameters, dy);
        }
        Block::ResidualDense(f) => {
            let dz = deactivated(f, &linear[0].apply(parameters, x), dy);
            linear[0].add_gradient(x, &dz, gradient);
            return sum(dy, &linear[0].back(parameters, &dz));
        }
        Block::Activation(f) => return deactivated(f, x, dy),
        Block::Flatten => return dy.to_vec(),
        Block::Dropout { .. } | Block::BatchNorm => unreachable!("{OF_TRAINING}"),
        Block::MaxPool(window) => {
            for (window, dy) in windows(window, step.input, step.output).into_iter().zip(dy) {
                // The first of several.
                let at = window.into_iter().reduce(|best, i| if x[i] > x[best] { i } else { best });
                at.into_iter().for_each(|at| dx[at] += dy);
            }
        }
        Block::AveragePool(window) => {
            for (window, dy) in windows(window, step.input, step.output).into_iter().zip(dy) {
                let share = dy / window.len() as f64;
                window.into_iter().for_each(|at| dx[at] += share);
            }
        }
        Block::GlobalAveragePool => {
            let pixels = step.input.pixels();
            dx.iter_mut().enumerate().for_each(|(i, dx)| *dx = dy[i / pixels] / pixels as f64);
        }
        Block::Residual(Residual { activation: f, .. }) => {
            let (outer, inner) = pair(&linear, f, parameters, x);
            let dz = deactivated(f, &outer, dy);
            linear[1].add_gradient(&activated(f, &inner), &dz, gradient);
            let dh = deactivated(f, &inner, &linear[1].back(parameters, &dz));
            linear[0].add_gradient(x, &dh, gradient);
            let skip = match linear.get(2) {
                None => dz,
                Some(projection) => {
                    projection.add_gradient(x, &dz, gradient);
                    projection.back(parameters, &dz)
                }
            };
            return sum(&skip, &linear[0].back(parameters, &dh));
        }
    }
    dx
}

/// What goes into every block, and at last what comes out of all.
pub(super) fn forward(network: &Network<'_, f64>, parameters: &[f64], x: &[f64]) -> Vec<Vec<f64>> {
    let mut all = vec![x.to_vec()];
    for step in network.steps() {
        let next = forward_block(&step, parameters, &all[all.len() - 1]);
        all.push(next);
    }
    all
}

/// What comes back to the input of a sample that [`forward`] has passed through; gradients of the parameters are added to
/// `gradient`.
pub(super) fn backward(
    network: &Network<'_, f64>,
    parameters: &[f64],
    values: &[Vec<f64>],
    dy: &[f64],
    gradient: &mut [f64],
) -> Vec<f64> {
    let steps: Vec<_> = network.steps().collect();
    let back =
        |dy: Vec<f64>, (step, x): (&Step<f64>, &Vec<f64>)| backward_block(step, parameters, x, &dy, gradient);
    steps.iter().zip(values).rev().fold(dy.to_vec(), back)
}

/// What the network can stretch a difference of its inputs by, up to the norms of its linear maps, which are approached from
/// below.
pub(super) fn lipschitz(network: &Network<'_, f64>, parameters: &[f64]) -> f64 {
    let of = |step: Step<f64>| {
        let norms: Vec<f64> = linear(&step).iter().map(|linear| linear.norm(parameters)).collect();
        let overlap = |window| libm::sqrt(overlap(&windows(window, step.input, step.output), step.input));
        match step.block {
            Block::Dense { .. } | Block::Conv(_) => norms[0],
            Block::ResidualDense(f) => 1.0 + steepest(f) * norms[0],
            Block::Activation(f) => steepest(f),
            Block::Flatten => 1.0,
            Block::Dropout { .. } | Block::BatchNorm => unreachable!("{OF_TRAINING}"),
            Block::MaxPool(window) => overlap(window),
            Block::AveragePool(window) => overlap(window) / window.size as f64,
            Block::GlobalAveragePool => 1.0 / libm::sqrt(step.input.pixels() as f64),
            Block::Residual(Residual { activation, .. }) => {
                let s = steepest(activation);
                s * (norms.get(2).copied().unwrap_or(1.0) + s * norms[0] * norms[1])
            }
        }
    };
    network.steps().map(of).product()
}

/// The logarithm of the factor by which a [`lipschitz`] constant may be too small after so many rounds.
///
/// With `B = A'A`, lambda its largest eigenvalue and c the cosine between the start v and that eigenvector, the Rayleigh
/// quotient after k rounds is `v'B^(2k+1)v / v'B^(2k)v >= (v'B^(2k)v / v'v)^(1/(2k)) >= lambda c^(1/k)`, since moments are
/// log-convex, and the norm is its root. Of a start without a pattern in n dimensions c is about `n^(-1/2)`; below `n^(-2)`
/// it is but by accident, which leaves `n^(-1/k)` for each map.
pub(super) fn shortfall(network: &Network<'_, f64>, rounds: usize) -> f64 {
    let of = |map: &Linear| libm::log(map.input.features() as f64) / rounds as f64;
    network.steps().flat_map(|step| linear(&step)).map(|map| of(&map)).sum()
}
