//! Augmentation: pixel by pixel as it is defined, drawn as it is documented, and in mini-batches alone.

use altmin_core::augmentation::Augmentation;
use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, Shape};
use altmin_core::method::{AnyMethod, Hyperparameters, Method as _, Name, Partition, Problem, Use};
use altmin_core::random::{Purpose, below, words};
use altmin_core::{Activation, Error, Real, Target};

use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::{CANARY, Plain, Random, Strided, in_both_precisions};

/// How an image moves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Move {
    down: isize,
    right: isize,
    mirror: bool,
}

/// What is drawn from these words, as the documentation says it.
fn drawn(augmentation: &Augmentation, draw: [u32; 4]) -> Move {
    let shift = augmentation.shift as u64;
    let moved = |word: u32| (u64::from(word) * (2 * shift + 1) / (1 << 32)) as isize - shift as isize;
    let mirror = augmentation.flip && draw[2] >= 1 << 31;
    Move { down: moved(draw[0]), right: moved(draw[1]), mirror }
}

/// The image, pixel by pixel.
fn moved(image: Shape, Move { down, right, mirror }: Move, from: &[f64]) -> Vec<f64> {
    let mut to = Vec::new();
    for channel in 0..image.channels {
        for row in 0..image.height as isize {
            for column in 0..image.width as isize {
                let (row, column) = (row - down, column - right);
                let inside =
                    (0..image.height as isize).contains(&row) && (0..image.width as isize).contains(&column);
                let column = if mirror { image.width as isize - 1 - column } else { column };
                let place = (channel * image.height) as isize + row;
                to.push(if inside { from[(place * image.width as isize + column) as usize] } else { 0.0 });
            }
        }
    }
    to
}

fn augmentation(channels: usize, height: usize, width: usize, shift: usize, flip: bool) -> Augmentation {
    Augmentation { image: Shape { channels, height, width }, shift, flip }
}

in_both_precisions!(every_move_of_every_shape_is_its_definition);

fn every_move_of_every_shape_is_its_definition<T: Real>() {
    let mut random = Random::new(3);
    for (channels, height, width) in [(1, 1, 1), (1, 1, 5), (2, 4, 3), (3, 2, 7), (1, 6, 6)] {
        for shift in 0..height.min(width) {
            let augmentation = augmentation(channels, height, width, shift, true);
            let features = augmentation.image.features();
            assert_eq!(augmentation.validate(features), Ok(()));
            let from = random.matrix(features, 1);
            let exact: Vec<T> = from.data.iter().map(|&x| T::from_f64(x)).collect();
            let mut seen = Vec::new();
            for index in 0..400 {
                let draw = words(9, Purpose::Augmentation, 0, index);
                let mut to = vec![T::from_f64(CANARY); features + 2];
                augmentation.write(draw, &exact, &mut to);
                let one = drawn(&augmentation, draw);
                let found: Vec<f64> = to.iter().map(|x| x.to_f64()).collect();
                let expected = moved(augmentation.image, one, &from.data);
                assert_eq!(found, [&expected[..], &[CANARY; 2]].concat(), "{augmentation:?}, {one:?}");
                if !seen.contains(&one) {
                    seen.push(one);
                }
            }
            let places = 2 * shift + 1;
            assert!(400 < 9 * 2 * places * places || seen.len() == 2 * places * places, "{seen:?}");
        }
    }
}

#[test]
fn without_a_flip_nothing_is_mirrored() {
    let from: Vec<f64> = (1..=6).map(f64::from).collect();
    let still = augmentation(1, 2, 3, 0, false);
    for index in 0..50 {
        let mut to = vec![0.0; 6];
        still.write(words(1, Purpose::Augmentation, 0, index), &from, &mut to);
        assert_eq!(to, from);
    }
}

#[test]
fn every_shift_is_as_likely_as_another() {
    let count = 100_000;
    for bound in [3, 5, 9] {
        let mut counts = vec![0_u64; bound as usize];
        for index in 0..count {
            counts[below(bound, words(0, Purpose::Augmentation, 0, index)[1]) as usize] += 1;
        }
        // Six standard deviations of a share of 1/bound.
        let expected = count as f64 / f64::from(bound);
        assert!(counts.iter().all(|&n| (n as f64 - expected).abs() < 6.0 * expected.sqrt()), "{counts:?}");
    }
}

const SIDE: usize = 6;
const CLASSES: usize = 3;
const SAMPLES: usize = 60;
const BATCH: usize = 20;
const SEED: u64 = 77;

fn image() -> Augmentation {
    augmentation(1, SIDE, SIDE, 2, true)
}

/// Methods that change images, with the settings of a run in mini-batches.
fn methods() -> Vec<(Name, Hyperparameters<f64>)> {
    let settings = Hyperparameters {
        nu: 10.0,
        damping: 1.0,
        learning_rate: 0.01,
        batch: Some(BATCH),
        seed: SEED,
        ..Hyperparameters::default()
    };
    let all = Name::ALL.iter().filter(|name| name.card().uses(Use::Augmentation));
    let all: Vec<_> = all
        .map(|&name| {
            let inner = altmin_core::method::tssm::Inner::Proxprop;
            (name, Hyperparameters { inner, ..settings })
        })
        .collect();
    assert_eq!(all.len(), 8);
    all
}

/// A convolution and two fully connected layers.
fn blocks() -> Vec<Block<f64>> {
    let relu = Block::Activation(Activation::Relu);
    vec![
        Block::Conv(Conv::square(2, 3, 1, 0)),
        relu,
        Block::Flatten,
        Block::Dense { outputs: 5 },
        relu,
        Block::Dense { outputs: CLASSES },
    ]
}

struct Images {
    x: Strided<f64>,
    classes: Vec<u32>,
}

impl Images {
    fn new() -> Self {
        let mut random = Random::new(5);
        let classes = (0..SAMPLES).map(|_| random.below(CLASSES) as u32).collect();
        Self { x: Strided::new(&random.matrix(SIDE * SIDE, SAMPLES), 3), classes }
    }

    fn problem(&self) -> Problem<'_, f64> {
        Problem { x: self.x.view(), target: Target::Classes(&self.classes) }
    }

    /// Each as the steps from `step` on take it, of an epoch in this order.
    fn as_drawn(&self, order: &[u32], step: usize) -> Self {
        let mut x = Plain::new(SIDE * SIDE, SAMPLES, |i, j| self.x.view()[(i, j)]);
        for (at, &sample) in order.iter().enumerate() {
            let (step, place) = (step + at / BATCH, at % BATCH);
            let draw = words(SEED, Purpose::Augmentation, step as u32, place as u64);
            let own = &mut x.data[sample as usize * SIDE * SIDE..][..SIDE * SIDE];
            let new = moved(image().image, drawn(&image(), draw), own);
            own.copy_from_slice(&new);
        }
        Self { x: Strided::dense(&x), classes: self.classes.clone() }
    }
}

fn rig<'d>(
    name: Name,
    settings: &Hyperparameters<f64>,
    problem: Problem<'d, f64>,
) -> Rig<'d, AnyMethod<f64>> {
    let mut random = Random::new(8);
    let shape = image().image;
    let count = altmin_core::block::Network::new(&blocks(), shape).unwrap().parameters();
    let parameters: Vec<f64> = (0..count).map(|_| 0.3 * random.number()).collect();
    let cuts = if name.card().uses(Use::Cuts) { vec![3] } else { Vec::new() };
    let partitions = [SAMPLES, BATCH].map(|samples| Partition::new(samples, 7, 2));
    Rig::of_blocks(blocks(), cuts, shape, &parameters, problem, |run| {
        AnyMethod::new(name, settings, run)?.recut(partitions, run)
    })
    .unwrap()
}

/// Two orders of the samples.
fn orders() -> [Vec<u32>; 2] {
    [7, 11].map(|stride| (0..SAMPLES).map(|at| (at * stride % SAMPLES) as u32).collect())
}

#[test]
fn steps_are_those_from_images_that_are_changed_beforehand() {
    let images = Images::new();
    for (name, plain) in methods() {
        let changed = Hyperparameters { augmentation: Some(image()), ..plain };
        let mut found = rig(name, &changed, images.problem());
        found.initialize().unwrap();
        let start = found.scalars.clone();
        let (mut scalars, mut numbers) = (start.clone(), found.numbers.clone());
        for (epoch, order) in orders().iter().enumerate() {
            let seen = found.sweep_in(Some(order)).unwrap().seen;
            let drawn = images.as_drawn(order, epoch * SAMPLES / BATCH);
            let mut expected = rig(name, &plain, drawn.problem());
            expected.initialize().unwrap();
            (expected.scalars, expected.numbers) = (scalars, numbers);
            assert_eq!(seen, expected.sweep_in(Some(order)).unwrap().seen, "{name}");
            (scalars, numbers) = (expected.scalars, expected.numbers);
            let same = found.scalars.iter().zip(&scalars).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same && found.scalars != start, "{name}, epoch {epoch}");
        }
        let mut of_plain = rig(name, &plain, images.problem());
        of_plain.initialize().unwrap();
        of_plain.scalars.copy_from_slice(&found.scalars);
        assert_eq!(found.objective(), of_plain.objective(), "{name} measures images as they are");
    }
}

#[test]
fn a_break_in_an_epoch_and_the_order_of_units_make_no_difference() {
    let images = Images::new();
    let [order, _] = orders();
    for (name, plain) in methods() {
        let settings = Hyperparameters { augmentation: Some(image()), ..plain };
        let run = |parts: &[&[u32]]| {
            let mut rig = rig(name, &settings, images.problem());
            rig.initialize().unwrap();
            parts.iter().for_each(|part| {
                rig.sweep_in(Some(part)).unwrap();
            });
            rig.scalars[..rig.run().network.parameters()].to_vec()
        };
        let whole = run(&[&order]);
        assert_eq!(run(&[&order[..BATCH], &order[BATCH..]]), whole, "{name}");
        let mut other = rig(name, &settings, images.problem());
        other.initialize().unwrap();
        let mut executor = Permuted::new(Order::Shuffled, poison(other.scratch()));
        other
            .with(|method, run, state, _| {
                method.sweep(run, state, Some(&order), &mut executor, &altmin_core::gemm::Portable)
            })
            .unwrap();
        assert_eq!(other.scalars[..whole.len()], whole, "{name}");
    }
}

#[test]
fn what_cannot_be_changed_is_refused() {
    let images = Images::new();
    let blocks = blocks();
    let network = altmin_core::block::Network::new(&blocks, image().image).unwrap();
    for (name, settings) in methods() {
        let cuts: &[usize] = if name.card().uses(Use::Cuts) { &[3] } else { &[] };
        let run = altmin_core::method::Run { network, cuts, problem: images.problem() };
        let refused = |augmentation, batch| {
            let settings = Hyperparameters { augmentation: Some(augmentation), batch, ..settings };
            let error = AnyMethod::new(name, &settings, &run).unwrap_err();
            assert!(matches!(error, Error::Setting { name: "augment", .. }), "{name}: {error}");
        };
        refused(image(), None);
        refused(image(), Some(SAMPLES));
        refused(Augmentation { shift: SIDE, ..image() }, Some(BATCH));
        refused(augmentation(1, SIDE, SIDE + 1, 1, true), Some(BATCH));
    }
}
