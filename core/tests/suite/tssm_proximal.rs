//! Proximal sweeps inside subnetworks: the sums of convolutions, one subnetwork against proxprop, the guard.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, MapSums, Network, Place, Shape, Sink, conv};
use altmin_core::gemm::Gemm;
use altmin_core::method::proxprop::ProxProp;
use altmin_core::method::tssm::{Convention, Inner, Splitting, Tssm};
use altmin_core::method::{Hyperparameters, Partition, Problem, Sweep};
use altmin_core::update::sums::Parts;
use altmin_core::view::{MatRef, dense};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real, Result, Target};

use crate::common::rig::Rig;
use crate::common::{Loops, Plain, Random, Scratch, assert_close, in_both_precisions};

in_both_precisions!(sums_are_those_of_whole_patch_matrices);

fn conv(outputs: usize, kernel: (usize, usize), stride: usize, padding: usize) -> Conv {
    Conv { outputs, kernel_height: kernel.0, kernel_width: kernel.1, stride, padding }
}

/// Keeps what each linear map saw: its place, its convolution, p and dz.
#[derive(Default)]
struct Seen(Vec<(Place, Option<conv::Bound>, Plain, Plain)>);

impl<T: Real> Sink<T> for Seen {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        _: &G,
        place: Place,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        self.0.push((place, None, Plain::of(p), Plain::of(dz)));
        Ok(())
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        _: &G,
        place: Place,
        conv: &conv::Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        self.0.push((place, Some(*conv), Plain::of(p), Plain::of(dz)));
        Ok(())
    }

    fn add_channels(&mut self, _: Place, _: usize, _: &[T], _: &[T]) -> Result {
        panic!("no network here has such maps")
    }
}

/// The patches of all samples side by side, a column a pixel of the output, and the signal in the same order.
fn patches(conv: Conv, input: Shape, output: Shape, p: &Plain, dz: &Plain) -> (Plain, Plain) {
    let pixels = output.pixels();
    let patch = input.channels * conv.kernel_height * conv.kernel_width;
    let entry = |q: usize, at: usize| {
        let (sample, pixel) = (at / pixels, at % pixels);
        let (c, k) =
            (q / (conv.kernel_height * conv.kernel_width), q % (conv.kernel_height * conv.kernel_width));
        let along = |place: usize, k: usize, side: usize| {
            (place * conv.stride + k).checked_sub(conv.padding).filter(|&at| at < side)
        };
        let y = along(pixel / output.width, k / conv.kernel_width, input.height);
        let x = along(pixel % output.width, k % conv.kernel_width, input.width);
        match (y, x) {
            (Some(y), Some(x)) => p[((c * input.height + y) * input.width + x, sample)],
            _ => 0.0,
        }
    };
    let all = pixels * p.columns;
    let signal = |o: usize, at: usize| dz[(o * pixels + at % pixels, at / pixels)];
    (Plain::new(patch, all, entry), Plain::new(output.channels, all, signal))
}

/// What goes in, the blocks, their maps.
type Described<T> = (Shape, Vec<Block<T>>, Vec<Option<Conv>>);

/// Networks with the convolutions that their maps are, in the order of their parameters; `None` for fully connected ones.
fn networks<T: Real>() -> Vec<Described<T>> {
    let image = |channels, height, width| Shape { channels, height, width };
    let tanh = Block::Activation(Activation::Tanh);
    let pair = |outputs, stride| Block::Residual(Residual { outputs, stride, activation: Activation::Tanh });
    let (a, b, c) = (conv(3, (3, 2), 2, 1), conv(2, (1, 1), 1, 0), conv(2, (3, 3), 1, 1));
    let pool = Block::MaxPool(Window { size: 2, stride: 1 });
    vec![
        (
            Shape::flat(4),
            vec![Block::Dense { outputs: 5 }, tanh, Block::Dense { outputs: 2 }],
            vec![None, None],
        ),
        (
            image(2, 7, 6),
            vec![Block::Conv(a), tanh, pool, Block::Conv(b), Block::Flatten, Block::Dense { outputs: 3 }],
            vec![Some(a), Some(b), None],
        ),
        (
            image(2, 4, 5),
            vec![pair(2, 1), pair(3, 2)],
            vec![
                Some(c),
                Some(c),
                Some(conv(3, (3, 3), 2, 1)),
                Some(conv(3, (3, 3), 1, 1)),
                Some(conv(3, (1, 1), 2, 0)),
            ],
        ),
        // Patches of several bands.
        (image(3, 70, 70), vec![Block::Conv(conv(4, (3, 3), 1, 1))], vec![Some(conv(4, (3, 3), 1, 1))]),
    ]
}

fn numbers<T: Real>(plain: &Plain) -> Vec<T> {
    plain.data.iter().map(|&x| T::from_f64(x)).collect()
}

fn sums_are_those_of_whole_patch_matrices<T: Real>() {
    for (input, blocks, convs) in networks::<T>() {
        for m in [0, 1, 3] {
            let network = Network::new(&blocks, input).unwrap();
            let mut random = Random::new(m as u64);
            let parameters: Vec<T> = numbers(&random.matrix(network.parameters(), 1));
            let x = random.matrix(input.features(), m);
            let out = random.matrix(network.output().features(), m);
            let (xs, outs) = (numbers::<T>(&x), numbers::<T>(&out));
            let x = dense(&xs, input.features(), m);
            let mut record = vec![T::ZERO; network.record(m)];
            let mut exact =
                Scratch::<T>::new(network.workspace(&Loops, m).and(MapSums::workspace(&Loops, &network, m)));
            network.forward(&Loops, &parameters, &x, &mut record, exact.stack()).unwrap();
            let mut seen = Seen::default();
            let mut signal = outs.clone();
            signal.resize(network.signal(m), T::from_f64(f64::NAN));
            let mut again = signal.clone();
            network
                .backward(&Loops, &parameters, &x, &record, &mut signal, None, &mut seen, exact.stack())
                .unwrap();
            let mut memory = vec![T::from_f64(0.5); network.sums()];
            let (mut residual, mut signal) = (memory.clone(), again.clone());
            for (first, memory, signal) in
                [(Parts::All, &mut memory, &mut again), (Parts::Residual, &mut residual, &mut signal)]
            {
                let sink = &mut MapSums { memory, first };
                network
                    .backward(&Loops, &parameters, &x, &record, signal, None, sink, exact.stack())
                    .unwrap();
            }
            // Of the first map the input's sums stay where they are known.
            let first = network.places().next().unwrap();
            let known = first.shape().counted(Parts::Residual)..first.end();
            assert!(residual[known.clone()].iter().all(|&sum| sum == T::from_f64(0.5)));
            assert!(
                residual[..known.start] == memory[..known.start]
                    && residual[known.end..] == memory[known.end..]
            );
            assert!(exact.is_intact());
            assert_eq!((network.places().count(), seen.0.len()), (convs.len(), convs.len()));
            for (place, conv) in network.places().zip(&convs) {
                let (_, bound, p, r) = seen.0.iter().find(|seen| seen.0 == place).unwrap();
                let (p, r) = match (conv, bound) {
                    (Some(conv), Some(bound)) => patches(*conv, bound.input(), bound.output(), p, r),
                    (None, None) => (p.clone(), r.clone()),
                    other => panic!("{other:?}"),
                };
                assert_eq!(place.pixels * m, p.columns);
                let mut own = memory[place.start..place.end()].to_vec();
                // What was there stays: sums are added to.
                own.iter_mut().for_each(|sum| *sum -= T::from_f64(0.5));
                let mut found = place.shape().carve(&mut own).unwrap();
                found.finish();
                let size = (p.columns as f64).max(1.0);
                let scaled = |plain: Plain| plain.map(|x| x / size);
                let check = |what: &str, found: Plain, expected: Plain| {
                    assert_close::<T>(what, &scaled(found), &scaled(expected));
                };
                check("r p'", Plain::of(&found.cross.as_view()), r.times(&p.transposed()));
                check("p p'", Plain::of(&found.gram.as_view()), p.times(&p.transposed()));
                check("r 1", Plain::of_slice(found.residual), r.row_sums());
                check("p 1", Plain::of_slice(found.input), p.row_sums());
            }
        }
    }
}

const WIDTHS: [usize; 4] = [5, 9, 7, 3];
const SAMPLES: usize = 60;
const TILE: usize = 16;

fn blocks() -> Vec<Block<f64>> {
    let dense = |outputs| Block::Dense { outputs };
    let relu = Block::Activation(Activation::Relu);
    vec![dense(9), relu, dense(7), relu, dense(3)]
}

fn parameters() -> Vec<f64> {
    let count: usize = WIDTHS.windows(2).map(|w| w[1] * (w[0] + 1)).sum();
    Random::new(4).matrix(count, 1).data
}

fn settings(nu: f64) -> Hyperparameters<f64> {
    Hyperparameters {
        alpha: 10.0,
        rho: 1.0,
        tau: 30.0,
        convention: Convention::Sum,
        inner: Inner::Proxprop,
        nu,
        damping: 0.1,
        ..Default::default()
    }
}

struct Data {
    x: Vec<f64>,
    classes: Vec<u32>,
}

impl Data {
    fn new() -> Self {
        let mut random = Random::new(8);
        let x = random.matrix(WIDTHS[0], SAMPLES).data;
        let classes = (0..SAMPLES).map(|j| u32::from(x[j * 5] > 0.2) + u32::from(x[j * 5 + 1] > 0.0));
        Self { classes: classes.collect(), x }
    }

    fn problem(&self) -> Problem<'_, f64> {
        Problem { x: dense(&self.x, WIDTHS[0], SAMPLES), target: Target::Classes(&self.classes) }
    }
}

/// A run of epochs over the same samples in order, cut before block `cut` if there is one.
struct Followed {
    sweeps: Vec<Sweep>,
    /// Parameters and nu of every subnetwork after every epoch.
    states: Vec<Vec<(Vec<f64>, f64)>>,
}

/// How samples are cut; nothing in it depends on whether they come in batches.
fn partition(samples: usize) -> Partition {
    Partition::new(samples, TILE, 3)
}

fn run(settings: Hyperparameters<f64>, data: &Data, cut: Option<usize>, epochs: usize) -> Followed {
    let (cuts, input) = (cut.into_iter().collect(), Shape::flat(WIDTHS[0]));
    let largest = settings.batch.unwrap_or(SAMPLES);
    let mut rig = Rig::of_blocks(blocks(), cuts, input, &parameters(), data.problem(), |run| {
        Tssm::with_partitions(Splitting::Gsadmm, &settings, [SAMPLES, largest].map(partition), run)
    })
    .unwrap();
    rig.initialize().unwrap();
    let mut followed = Followed { sweeps: Vec::new(), states: Vec::new() };
    for _ in 0..epochs {
        followed.sweeps.push(rig.sweep().unwrap());
        followed.states.push(rig.with(|method, run, state, _| {
            let found = method.variables(run, state).unwrap();
            (0..found.subnetworks()).map(|l| (found.parameters(l).to_vec(), found.nu(l))).collect()
        }));
    }
    followed
}

/// What proxprop makes of the same weights, in mini-batches or in guarded sweeps.
fn proxprop(settings: Hyperparameters<f64>, data: &Data, sweeps: usize) -> Vec<(Vec<f64>, f64)> {
    let input = Shape::flat(WIDTHS[0]);
    let mut rig = Rig::of_blocks(blocks(), Vec::new(), input, &parameters(), data.problem(), |run| {
        ProxProp::with_partition(&settings, partition(settings.batch.unwrap_or(SAMPLES)), run)
    })
    .unwrap();
    rig.initialize().unwrap();
    let count = parameters().len();
    (0..sweeps)
        .map(|_| {
            rig.sweep().unwrap();
            let nu = rig.with(|method, run, state, _| method.nu(run, state).unwrap());
            (rig.scalars[..count].to_vec(), nu)
        })
        .collect()
}

#[test]
fn one_subnetwork_steps_as_proxprop_does() {
    let data = Data::new();
    let settings = Hyperparameters { batch: Some(30), ..settings(2.0) };
    let found = run(settings, &data, None, 5);
    for (found, expected) in found.states.iter().zip(proxprop(settings, &data, 5)) {
        assert_eq!(found[0].0, expected.0);
    }
}

#[test]
fn a_single_subnetworks_guard_is_proxprops() {
    let data = Data::new();
    for nu in [2.0, 0.01] {
        let found = run(Hyperparameters { guard: Some(0.0), ..settings(nu) }, &data, None, 1);
        // The first step is made with the first nu; later ones meet the nu that was found a sweep earlier in proxprop.
        let expected = proxprop(settings(nu), &data, 1);
        assert_eq!(found.states[0][0], expected[0]);
    }
}

#[test]
fn a_guard_lets_no_cost_rise_and_undoes_by_bits() {
    let data = Data::new();
    let mut undone = 0;
    for nu in [1e-3, 0.1] {
        let guarded = Hyperparameters { guard: Some(0.0), ..settings(nu) };
        let found = run(guarded, &data, None, 25);
        let mut before = (parameters(), nu, f64::INFINITY);
        for (sweep, state) in found.sweeps.iter().zip(&found.states) {
            let (parameters, nu) = &state[0];
            // n = 1: the objective is R itself.
            assert!(sweep.objective <= before.2 * (1.0 + 1e-12));
            if *parameters == before.0 {
                undone += 1;
                assert_eq!(*nu, 4.0 * before.1);
            }
            before = (parameters.clone(), *nu, sweep.objective);
        }
    }
    assert!(undone > 0);
}

#[test]
fn two_subnetworks_learn_and_a_frozen_one_stays() {
    let data = Data::new();
    let free = run(Hyperparameters { guard: Some(0.0), ..settings(2.0) }, &data, Some(2), 60);
    let frozen = run(Hyperparameters { frozen: 1, ..settings(2.0) }, &data, Some(2), 5);
    let first = &frozen.states[0];
    assert!(frozen.states.iter().all(|state| state[0] == first[0] && state[0].0 == parameters()[..54]));
    assert!(frozen.states[4][1] != first[1]);
    let (start, end) = (free.sweeps[0].objective, free.sweeps[59].objective);
    assert!(end < 0.5 * start, "{start} to {end}");
    assert!(free.states.iter().all(|state| state[0].1 >= 2.0), "nu below its start");
}
