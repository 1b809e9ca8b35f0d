//! Local steps on images: the gradient of a layer's own goal against central differences.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::gemm::Portable;
use altmin_core::method::local::Local;
use altmin_core::method::proxprop::Carry;
use altmin_core::method::tssm::Inner;
use altmin_core::method::{Hyperparameters, Method as _};
use altmin_core::view::dense;
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Loss};

use crate::common::Random;
use crate::common::dense::Mat;
use crate::common::rig::Rig;
use crate::common::subproblems::risk;
use crate::common::teacher::Data;

const INPUT: Shape = Shape { channels: 2, height: 6, width: 5 };
const SAMPLES: usize = 12;
const GRID: usize = 2;

/// A convolution with pooling behind it, a residual pair, and a dense layer; cut before each.
fn blocks() -> (Vec<Block<f64>>, Vec<usize>) {
    let activation = Activation::Tanh;
    let pair = Residual { outputs: 4, stride: 1, activation };
    let pool = Window { size: 2, stride: 1 };
    let blocks = vec![
        Block::Conv(Conv::square(4, 3, 1, 1)),
        Block::Activation(activation),
        Block::AveragePool(pool),
        Block::Residual(pair),
        Block::Flatten,
        Block::Dense { outputs: 3 },
    ];
    (blocks, vec![3, 5])
}

fn rig<'d>(settings: &Hyperparameters<f64>, data: &'d Data) -> Rig<'d, Local<f64>> {
    let (blocks, cuts) = blocks();
    let count = Blocks::new(&blocks, INPUT).unwrap().parameters();
    let start = Random::new(3).matrix(count, 1).map(|w| 0.4 * w).data;
    let mut rig =
        Rig::of_blocks(blocks, cuts, INPUT, &start, data.problem(), |run| Local::new(settings, run)).unwrap();
    rig.initialize().unwrap();
    rig
}

/// What the blocks make of all samples.
fn pass(network: &Blocks<'_, f64>, parameters: &[f64], x: &Mat) -> Mat {
    let (mut record, needed) =
        (vec![0.0; network.record(x.columns)], network.workspace(&Portable, x.columns));
    let mut scratch = vec![0.0; needed.elements()];
    let x = dense(&x.data, x.rows, x.columns);
    network.forward(&Portable, parameters, &x, &mut record, Stack::new(&mut scratch)).unwrap();
    let y = network.output_of(&record, x.ncols());
    Mat::from_fn(y.nrows(), y.ncols(), |i, j| y[(i, j)])
}

/// The means of windows from edge to edge of a 5 x 4 or 6 x 5 image, channel by channel, by their definition: GRID of them along
/// the shorter side.
fn pooled(a: &Mat, shape: Shape) -> Mat {
    let side = shape.height.min(shape.width);
    let stride = side / GRID;
    let size = side - (GRID - 1) * stride;
    let places =
        |side: usize| (0..).map(|place| place * stride).take_while(move |first| first + size <= side);
    let mut rows = Vec::new();
    for channel in 0..shape.channels {
        for top in places(shape.height) {
            for left in places(shape.width) {
                rows.push((channel, top, left));
            }
        }
    }
    Mat::from_fn(rows.len(), a.columns, |row, sample| {
        let (channel, top, left) = rows[row];
        let pixel = |i, j| (channel * shape.height + top + i) * shape.width + left + j;
        let all = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
        all.map(|(i, j)| a.at(pixel(i, j), sample)).sum::<f64>() / (size * size) as f64
    })
}

#[test]
fn gradients_of_every_layer_are_those_of_its_own_goal_by_central_differences() {
    let data = Data::new(60, 3, SAMPLES, 4);
    let rate = 1e-3;
    let settings =
        Hyperparameters { inner: Inner::Sgd, learning_rate: rate, readout_grid: GRID, ..Default::default() };
    let mut rig = rig(&settings, &data);
    // Read-outs that see something.
    (0..200).for_each(|_| {
        rig.sweep().unwrap();
    });
    let before = rig.scalars.clone();
    let (blocks, cuts) = blocks();
    let network = Blocks::new(&blocks, INPUT).unwrap();
    let readouts: Vec<(Mat, Mat)> = (0..2)
        .map(|l| {
            rig.with(|method, run, state, _| {
                let (weights, bias) = method.readout(run, state, l).unwrap().unwrap();
                let weights = Mat::from_fn(weights.nrows(), weights.ncols(), |i, j| weights[(i, j)]);
                (weights, Mat::from_fn(3, 1, |i, _| bias[i]))
            })
        })
        .collect();
    rig.sweep().unwrap();
    let edges = [0, cuts[0], cuts[1], blocks.len()];
    let mut input = data.x.clone();
    for l in 0..3 {
        let part = network.part(edges[l]..edges[l + 1]);
        let offset = network.step(edges[l]).offset;
        let own = &before[offset..offset + part.parameters()];
        let goal = |parameters: &[f64]| {
            let a = pass(&part, parameters, &input);
            let s = match readouts.get(l) {
                None => a,
                Some((weights, bias)) => {
                    let shape = part.output();
                    let seen = if shape.is_flat() { a } else { pooled(&a, shape) };
                    let s = weights.times(&seen);
                    Mat::from_fn(s.rows, s.columns, |i, j| s.at(i, j) + bias.at(i, 0))
                }
            };
            risk(Loss::CrossEntropy, &s, &data.y) / SAMPLES as f64
        };
        let mut moved = 0;
        for index in 0..own.len() {
            let at = |step: f64| {
                let mut parameters = own.to_vec();
                parameters[index] += step;
                goal(&parameters)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            let found = (own[index] - rig.scalars[offset + index]) / rate;
            assert!(
                (found - expected).abs() < 1e-7 + 1e-6 * expected.abs(),
                "layer {l}: {found}, {expected}"
            );
            moved += usize::from(found.abs() > 1e-5);
        }
        assert!(moved > own.len() / 2, "layer {l}");
        input = pass(&part, own, &input);
    }
}

#[test]
fn images_are_learnt_by_least_squares_with_carried_sums_too() {
    let data = Data::new(60, 3, SAMPLES, 4);
    for carry in [None, Some(Carry { beta: 0.5, every: 2 })] {
        let settings = Hyperparameters {
            inner: Inner::Proxprop,
            nu: 3.0,
            damping: 1.0,
            momentum: 0.5,
            batch: Some(6),
            readout_grid: GRID,
            carry,
            ..Default::default()
        };
        let mut rig = rig(&settings, &data);
        let first = rig.objective().unwrap();
        (0..30).for_each(|_| assert!(!rig.sweep().unwrap().rejected));
        let last = rig.objective().unwrap();
        assert!(last < 0.2 * first, "{carry:?}: {first} to {last}");
    }
}
