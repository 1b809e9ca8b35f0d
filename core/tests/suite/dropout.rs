//! Dropout: masks as they are documented, gradients by central differences, evaluation without it, methods with and without.

use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, GradientSums, Masks, Network, Shape};
use altmin_core::gemm::Portable;
use altmin_core::method::proxprop::ProxProp;
use altmin_core::method::tssm::{Inner, Tssm};
use altmin_core::method::{AnyMethod, Hyperparameters, Method as _, Name, Partition, Problem, Run, Use};
use altmin_core::random::philox;
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Error, Loss, Real, Target};

use crate::common::images::{BATCH, CLASSES, Images, SAMPLES, SHAPE, methods, order};
use crate::common::named::fitting;
use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::{Loops, Plain, Random, in_both_precisions};

/// The documented draw of a feature, one number after another.
fn draw(masks: &Masks, block: usize, sample: usize, feature: usize) -> u32 {
    let (part, rest) = (feature / 32, feature % 32);
    let (high, word, lane) = (rest / 16, rest % 16 / 4, rest % 4);
    let counter = [
        (part * 4 + lane) as u32,
        (masks.first + sample) as u32,
        masks.step as u32,
        ((masks.block + block) as u32) << 8 | 5,
    ];
    let words = philox(counter, [masks.seed as u32, (masks.seed >> 32) as u32]);
    if high == 1 { words[word] >> 16 } else { words[word] & 0xffff }
}

/// What a feature is multiplied by.
fn factor(share: f64, masks: &Masks, block: usize, sample: usize, feature: usize) -> f64 {
    let dropped = (share * 65536.0).round().min(65535.0);
    if f64::from(draw(masks, block, sample, feature)) < dropped { 0.0 } else { 65536.0 / (65536.0 - dropped) }
}

const MASKS: Masks = Masks { seed: 0x1234_5678_9abc_def0, step: 6, first: 3, block: 2 };

fn forward<T: Real>(network: &Network<'_, T>, parameters: &[T], x: &Plain) -> Vec<T> {
    let m = x.columns;
    let x: Vec<T> = x.data.iter().map(|&x| T::from_f64(x)).collect();
    let x = dense(&x, network.input().features(), m);
    let mut record = vec![T::from_f64(f64::NAN); network.record(m)];
    let mut scratch = vec![T::ZERO; network.workspace(&Loops, m).elements()];
    network.forward(&Loops, parameters, &x, &mut record, Stack::new(&mut scratch)).unwrap();
    network.output_of(&record, m).iter().copied().collect()
}

in_both_precisions!(features_are_dropped_as_their_draws_say, evaluation_is_the_network_without_dropout);

fn features_are_dropped_as_their_draws_say<T: Real>() {
    let mut random = Random::new(1);
    for (features, share) in [(1, 0.5), (32, 0.1), (33, 0.0), (200, 0.3), (130, 0.999_999_9)] {
        let x = random.matrix(features, 4);
        let blocks = [Block::Dropout { share }];
        let network = Network::new(&blocks, Shape::flat(features)).unwrap();
        let found = forward::<T>(&network.training(MASKS), &[], &x);
        for (at, found) in found.iter().enumerate() {
            let (j, i) = (at / features, at % features);
            let scale = T::from_f64(factor(share, &MASKS, 0, j, i));
            let expected = if scale == T::ZERO { T::ZERO } else { scale * T::from_f64(x[(i, j)]) };
            assert_eq!(found.to_f64().to_bits(), expected.to_f64().to_bits(), "{share}, {i}, {j}");
        }
        // Dropped, not multiplied: what is not finite goes too.
        let infinite = Plain::new(features, 4, |_, _| f64::INFINITY);
        assert!(!forward::<T>(&network.training(MASKS), &[], &infinite).iter().any(|y| y.to_f64().is_nan()));
    }
}

#[test]
fn shares_are_met_and_masks_are_not_correlated() {
    let (features, m) = (1000, 100);
    let n = (features * m) as f64;
    let mask = |share, masks: Masks, block: usize| -> Vec<f64> {
        let ones = Plain::new(features, m, |_, _| 1.0);
        let blocks = [Block::Dropout { share }];
        let network = Network::new(&blocks, Shape::flat(features)).unwrap();
        forward::<f64>(&network.training(Masks { block, ..masks }), &[], &ones)
    };
    for share in [0.05, 0.5, 0.9] {
        let base = mask(share, MASKS, 0);
        let kept = base.iter().filter(|&&x| x > 0.0).count() as f64;
        let deviation = (share * (1.0 - share) / n).sqrt();
        assert!((kept / n - (1.0 - share)).abs() < 6.0 * deviation, "{share}: {kept}");
        let others = [
            mask(share, Masks { seed: MASKS.seed ^ 1 << 40, ..MASKS }, 0),
            mask(share, Masks { step: MASKS.step + 1, ..MASKS }, 0),
            mask(share, MASKS, 1),
            [&base[features..], &base[..features]].concat(),
            [&base[1..], &base[..1]].concat(),
        ];
        for (which, other) in others.iter().enumerate() {
            let both = base.iter().zip(other).filter(|&(a, b)| *a > 0.0 && *b > 0.0).count() as f64;
            let square = (1.0 - share) * (1.0 - share);
            let deviation = (square * (1.0 - square) / n).sqrt();
            assert!((both / n - square).abs() < 6.0 * deviation, "{share}, {which}: {both}");
        }
    }
}

/// Dropout before, between and after other blocks, an activation after one, images and flat samples.
fn blocks<T: Real>() -> Vec<Block<T>> {
    let tanh = Block::Activation(Activation::Tanh);
    vec![
        Block::Dropout { share: 0.2 },
        Block::Conv(Conv::square(3, 2, 1, 0)),
        tanh,
        Block::Dropout { share: 0.5 },
        Block::Flatten,
        Block::Dense { outputs: 7 },
        Block::Dropout { share: 0.3 },
        tanh,
        Block::Dense { outputs: 6 },
        tanh,
        Block::Dropout { share: 0.4 },
        Block::Dense { outputs: CLASSES },
    ]
}

fn drops<T>(block: &Block<T>) -> Option<f64> {
    match block {
        Block::Dropout { share } => Some(*share),
        _ => None,
    }
}

fn random_parameters<T: Real>(network: &Network<'_, T>, seed: u64) -> Vec<T> {
    let mut random = Random::new(seed);
    (0..network.parameters()).map(|_| T::from_f64(0.5 * random.number())).collect()
}

/// The outputs in a training pass, stretch by stretch between dropout blocks, whose factors are applied outside.
fn by_stretches(blocks: &[Block<f64>], parameters: &[f64], x: &Plain, masks: &Masks) -> Vec<f64> {
    let whole = Network::new(blocks, SHAPE).unwrap();
    let (mut signal, mut start) = (x.clone(), 0);
    for end in 0..=blocks.len() {
        let share = blocks.get(end).map(drops);
        if share == Some(None) {
            continue;
        }
        if end > start {
            let part = whole.part(start..end);
            let offset = whole.step(start).offset;
            let data = forward(&part, &parameters[offset..], &signal);
            signal = Plain { rows: part.output().features(), columns: x.columns, data };
        }
        if let Some(Some(share)) = share {
            let before = signal.clone();
            signal = Plain::new(before.rows, before.columns, |i, j| {
                factor(share, masks, end, j, i) * before[(i, j)]
            });
        }
        start = end + 1;
    }
    signal.data
}

#[test]
fn outputs_and_gradients_are_those_of_the_formula_for_the_masks() {
    let (blocks, m) = (blocks::<f64>(), 3);
    let network = Network::new(&blocks, SHAPE).unwrap();
    let parameters = random_parameters(&network, 4);
    let mut random = Random::new(5);
    let x = random.matrix(SHAPE.features(), m);
    let weights = random.matrix(CLASSES, m);
    let training = network.training(MASKS);
    let found = forward(&training, &parameters, &x);
    let expected = by_stretches(&blocks, &parameters, &x, &MASKS);
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
    assert!(found != forward(&network, &parameters, &x));

    let mut record = vec![f64::NAN; training.record(m)];
    let mut scratch = vec![0.0; training.workspace(&Loops, m).elements()];
    let view = dense(&x.data, x.rows, m);
    training.forward(&Loops, &parameters, &view, &mut record, Stack::new(&mut scratch)).unwrap();
    let mut signal = vec![f64::NAN; training.signal(m)];
    signal[..weights.data.len()].copy_from_slice(&weights.data);
    let (mut gradient, mut dx) = (vec![0.0; parameters.len()], vec![f64::NAN; x.data.len()]);
    let mut into = dense_mut(&mut dx, x.rows, m);
    let (sink, stack) = (&mut GradientSums(&mut gradient), Stack::new(&mut scratch));
    training
        .backward(&Loops, &parameters, &view, &record, &mut signal, Some(&mut into), sink, stack)
        .unwrap();
    let value = |parameters: &[f64], x: &Plain| -> f64 {
        let y = by_stretches(&blocks, parameters, x, &MASKS);
        y.iter().zip(&weights.data).map(|(y, w)| y * w).sum()
    };
    let h = 1e-6;
    let close = |found: f64, [plus, minus]: [f64; 2]| {
        let expected = (plus - minus) / (2.0 * h);
        assert!((found - expected).abs() < 1e-7 * expected.abs().max(1.0), "{found} {expected}");
    };
    for (at, &found) in gradient.iter().enumerate() {
        close(
            found,
            [h, -h].map(|h| {
                let mut moved = parameters.clone();
                moved[at] += h;
                value(&moved, &x)
            }),
        );
    }
    for (at, &found) in dx.iter().enumerate() {
        close(
            found,
            [h, -h].map(|h| {
                let mut moved = x.clone();
                moved.data[at] += h;
                value(&parameters, &moved)
            }),
        );
    }
    assert!(dx.contains(&0.0) && gradient.iter().any(|&g| g != 0.0));
}

fn evaluation_is_the_network_without_dropout<T: Real>() {
    let with = blocks::<T>();
    let without: Vec<_> = with.iter().copied().filter(|block| drops(block).is_none()).collect();
    let [network, plain] = [&with, &without].map(|blocks| Network::new(blocks, SHAPE).unwrap());
    let parameters = random_parameters(&network, 4);
    for m in [0, 1, 3] {
        let x = Random::new(5).matrix(SHAPE.features(), m);
        let expected = forward(&plain, &parameters, &x);
        assert!(forward(&network, &parameters, &x) == expected);
        let exact: Vec<T> = x.data.iter().map(|&x| T::from_f64(x)).collect();
        for network in [network, network.training(MASKS)] {
            let mut scratch = vec![T::ZERO; network.apply_workspace(&Loops, m).elements()];
            let mut z = vec![T::ZERO; CLASSES * m];
            let (x, z_view) = (dense(&exact, x.rows, m), &mut dense_mut(&mut z, CLASSES, m));
            network.apply(&Loops, &parameters, &x, z_view, Stack::new(&mut scratch)).unwrap();
            assert!(z == expected);
        }
    }
}

#[test]
fn masks_do_not_depend_on_how_samples_and_networks_are_cut() {
    let (blocks, m) = (blocks::<f64>(), 5);
    let network = Network::new(&blocks, SHAPE).unwrap();
    let parameters = random_parameters(&network, 4);
    let x = Random::new(5).matrix(SHAPE.features(), m);
    let whole = forward(&network.training(MASKS), &parameters, &x);
    let columns = |from: usize, count: usize| Plain::new(x.rows, count, |i, j| x[(i, from + j)]);
    let later = network.training(Masks { first: MASKS.first + 2, ..MASKS });
    let first = forward(&network.training(MASKS), &parameters, &columns(0, 2));
    assert_eq!([first, forward(&later, &parameters, &columns(2, 3))].concat(), whole);
    for cut in 1..blocks.len() {
        let offset = network.step(cut).offset;
        let lower = network.training(MASKS).part(0..cut);
        let data = forward(&lower, &parameters[..offset], &x);
        let between = Plain { rows: lower.output().features(), columns: m, data };
        let upper = network.part(cut..blocks.len());
        for upper in [
            network.training(MASKS).part(cut..blocks.len()),
            upper.training(Masks { block: MASKS.block + cut, ..MASKS }),
        ] {
            assert_eq!(forward(&upper, &parameters[offset..], &between), whole);
        }
    }
}

const SEED: u64 = 99;

fn settings() -> Hyperparameters<f64> {
    Hyperparameters {
        nu: 10.0,
        damping: 1.0,
        momentum: 0.5,
        learning_rate: 0.01,
        batch: Some(BATCH),
        seed: SEED,
        inner: Inner::Proxprop,
        ..Hyperparameters::default()
    }
}

/// Before each linear block but the first.
fn cuts(name: Name, blocks: &[Block<f64>]) -> Vec<usize> {
    let is_dense = |&at: &usize| matches!(blocks[at], Block::Dense { .. });
    if name.card().uses(Use::Cuts) { (0..blocks.len()).filter(is_dense).collect() } else { Vec::new() }
}

fn rig<'d>(
    name: Name,
    settings: &Hyperparameters<f64>,
    blocks: Vec<Block<f64>>,
    problem: Problem<'d, f64>,
) -> Rig<'d, AnyMethod<f64>> {
    let parameters = random_parameters(&Network::new(&blocks, SHAPE).unwrap(), 8);
    let partitions = [SAMPLES, BATCH].map(|samples| Partition::new(samples, 7, 2));
    let cuts = cuts(name, &blocks);
    Rig::of_blocks(blocks, cuts, SHAPE, &parameters, problem, |run| {
        AnyMethod::new(name, settings, run)?.recut(partitions, run)
    })
    .unwrap()
}

/// The network's parameters after epochs over these parts of the samples.
fn trained(rig: &mut Rig<'_, AnyMethod<f64>>, parts: &[&[u32]]) -> Vec<f64> {
    rig.initialize().unwrap();
    parts.iter().for_each(|part| {
        rig.sweep_in(Some(part)).unwrap();
    });
    rig.scalars[..rig.run().network.parameters()].to_vec()
}

#[test]
fn a_share_of_nothing_changes_no_bit_and_another_share_does() {
    let (data, order) = (Images::new(), order());
    for name in methods() {
        let of = |change: &dyn Fn(Block<f64>) -> Option<Block<f64>>| {
            let blocks = blocks().into_iter().filter_map(change).collect();
            trained(&mut rig(name, &settings(), blocks, data.problem()), &[&order, &order])
        };
        let without = of(&|block| drops(&block).is_none().then_some(block));
        let nothing = of(&|block| Some(drops(&block).map_or(block, |_| Block::Dropout { share: 0.0 })));
        assert!(without == nothing, "{name}");
        assert!(without != of(&Some), "{name}");
    }
}

#[test]
fn a_break_in_an_epoch_and_the_order_of_units_make_no_difference() {
    let (data, order) = (Images::new(), order());
    for name in methods() {
        let new = || rig(name, &settings(), blocks(), data.problem());
        let whole = trained(&mut new(), &[&order]);
        assert!(trained(&mut new(), &[&order[..BATCH], &order[BATCH..]]) == whole, "{name}");
        let mut other = new();
        other.initialize().unwrap();
        let mut executor = Permuted::new(Order::Shuffled, poison(other.scratch()));
        other
            .with(|method, run, state, _| method.sweep(run, state, Some(&order), &mut executor, &Portable))
            .unwrap();
        assert!(other.scalars[..whole.len()] == whole, "{name}");
        let other_seed = Hyperparameters { seed: SEED + 1, ..settings() };
        assert!(trained(&mut rig(name, &other_seed, blocks(), data.problem()), &[&order]) != whole, "{name}");
    }
}

/// Steps of gradient descent are along the gradient of the mean loss under the masks of the step.
#[test]
fn steps_follow_the_masks_of_their_number() {
    let (data, order, rate) = (Images::new(), order(), 0.01);
    let settings = Hyperparameters { momentum: 0.0, learning_rate: rate, ..settings() };
    let mut rig = rig(Name::Gd, &settings, blocks(), data.problem());
    rig.initialize().unwrap();
    let blocks = blocks();
    let network = Network::new(&blocks, SHAPE).unwrap();
    for step in 0..2 {
        let before = rig.scalars[..network.parameters()].to_vec();
        let batch = &order[step * BATCH..][..BATCH];
        let seen = rig.sweep_in(Some(batch)).unwrap().seen.unwrap();
        let x = Plain::new(SHAPE.features(), BATCH, |i, j| data.x[(i, batch[j] as usize)]);
        let classes: Vec<u32> = batch.iter().map(|&sample| data.classes[sample as usize]).collect();
        let masks = Masks { seed: SEED, step, first: 0, block: 0 };
        let risk = |parameters: &[f64]| {
            let y = by_stretches(&blocks, parameters, &x, &masks);
            Loss::CrossEntropy.value(dense(&y, CLASSES, BATCH), Target::Classes(&classes)).unwrap()
        };
        assert!((seen.risk - risk(&before)).abs() < 1e-10);
        let h = 1e-5;
        for at in (0..before.len()).step_by(7) {
            let [plus, minus] = [h, -h].map(|h| {
                let mut moved = before.clone();
                moved[at] += h;
                risk(&moved)
            });
            let expected = (plus - minus) / (2.0 * h * BATCH as f64);
            let found = (before[at] - rig.scalars[at]) / rate;
            assert!((found - expected).abs() < 1e-7, "step {step}: {found} {expected}");
        }
    }
}

#[test]
fn objectives_are_measured_without_masks() {
    let (data, order) = (Images::new(), order());
    let plain: Vec<_> = blocks().into_iter().filter(|block| drops(block).is_none()).collect();
    for name in methods() {
        let mut with = rig(name, &settings(), blocks(), data.problem());
        let parameters = trained(&mut with, &[&order]);
        let mut without = rig(name, &settings(), plain.clone(), data.problem());
        without.initialize().unwrap();
        without.scalars[..parameters.len()].copy_from_slice(&parameters);
        assert_eq!(with.objective(), without.objective(), "{name}");
    }
}

#[test]
fn where_dropout_has_no_place_it_is_refused_with_the_reason() {
    let (data, blocks) = (Images::new(), blocks::<f64>());
    let network = Network::new(&blocks, SHAPE).unwrap();
    let cuts = [5];
    let run = Run { network, cuts: &cuts, problem: data.problem() };
    let refused = |what: &str, result: altmin_core::Result, reason: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Block { index: 0, block: "dropout", .. }), "{what}: {error}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
    };
    let settings = settings();
    refused("gsADMM", Tssm::gsadmm(&settings, &run).map(|_| ()), "gsADMM and gsAM");
    refused("gsAM", Tssm::gsam(&settings, &run).map(|_| ()), "gsADMM and gsAM");
    for batch in [None, Some(SAMPLES)] {
        let whole = Hyperparameters { batch, ..settings };
        refused(
            "proxprop",
            ProxProp::new(&whole, &run).map(|_| ()),
            "the guard of proximal back-propagation",
        );
        assert!(AnyMethod::new(Name::Adam, &whole, &run).is_ok());
    }
    let layers = [Block::Dense { outputs: 4 }, Block::Dropout { share: 0.5 }, Block::Dense { outputs: 3 }];
    let network = Network::new(&layers, Shape::flat(SHAPE.features())).unwrap();
    let run = Run { network, cuts: &[], problem: data.problem() };
    for &name in Name::ALL.iter().filter(|name| name.card().layers_only) {
        let error = AnyMethod::new(name, &fitting(name, settings), &run).unwrap_err();
        assert!(matches!(error, Error::Block { index: 1, block: "dropout", .. }), "{name}: {error}");
    }
    for share in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        let error = Network::<f64>::new(&[Block::Dropout { share }], SHAPE).unwrap_err();
        assert!(matches!(error, Error::Setting { name: "dropout", .. }), "{share}: {error}");
    }
}
