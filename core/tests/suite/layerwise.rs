//! The state of the layer-wise methods: its size, that all of it is needed and nothing else, and what is refused.

use altmin_core::block::{Block, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::{self, DlAdmm};
use altmin_core::method::dlam::{self, Dlam};
use altmin_core::method::taylor::{self, Taylor};
use altmin_core::method::{Card, Hyperparameters, Partition, Penalties, Problem, Run};
use altmin_core::update::StepRule;
use altmin_core::view::{dense, view};
use altmin_core::{Activation, Error, Result, Target};

use crate::common::rig::{Rig, Settings};
use crate::common::snapshot::Readable;
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, Network, settings, small};

fn partition(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// A method whose samples are cut by hand.
trait Cut: Readable + Sized {
    const CARD: Card;

    fn cut(settings: &Hyperparameters<f64>, partition: Partition, run: &Run<'_, f64>) -> Result<Self>;

    /// Settings that the method has, with a state of each kind.
    fn cases() -> Vec<Settings<f64>>;
}

macro_rules! cut {
    ($($method:ty, $card:expr, $cases:expr;)+) => {
        $(impl Cut for $method {
            const CARD: Card = $card;

            fn cut(
                settings: &Hyperparameters<f64>,
                partition: Partition,
                run: &Run<'_, f64>,
            ) -> Result<Self> {
                Self::with_partition(settings, partition, run)
            }

            fn cases() -> Vec<Settings<f64>> {
                $cases
            }
        })+
    };
}

cut! {
    DlAdmm<f64>, dladmm::CARD,
    [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES].map(|rule| settings(1.0, 2.5, rule)).into();
    Taylor<f64>, taylor::CARD, vec![settings(1.0, 2.5, LEAST_SQUARES)];
    Dlam<f64>, dlam::CARD,
    [(StepRule::Vector, false), (StepRule::Vector, true), (LEAST_SQUARES, false), (LEAST_SQUARES, true)]
        .map(|(weight_step, accelerate)| {
            Settings { weight_step, accelerate, epsilon: 0.1, ..settings(1.0, 1.0, StepRule::Scalar) }
        })
        .into();
}

fn rig<'d, M: Cut>(settings: Settings<f64>, (data, start): (&'d Data, &Network)) -> Rig<'d, M> {
    let samples = data.x.columns;
    Rig::new(settings, data.problem(), start, |settings, run| M::cut(settings, partition(samples), run))
        .unwrap()
}

/// Runs a check of every method with every kind of state.
macro_rules! for_all_methods {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            use super::*;

            #[test]
            fn dladmm() {
                DlAdmm::cases().into_iter().for_each(super::$name::<DlAdmm<f64>>);
            }

            #[test]
            fn taylor() {
                Taylor::cases().into_iter().for_each(super::$name::<Taylor<f64>>);
            }

            #[test]
            fn dlam() {
                Dlam::cases().into_iter().for_each(super::$name::<Dlam<f64>>);
            }
        })+
    };
}

for_all_methods!(
    the_state_grows_by_the_matrices_of_the_card,
    a_state_of_another_length_is_refused,
    a_run_leaves_nothing_behind,
    the_state_is_all_that_a_run_is,
    what_does_not_fit_the_network_is_refused,
    networks_of_other_blocks_are_refused,
);

/// Elements of a state for so many samples, all in one group.
fn scalars<M: Cut>(settings: Settings<f64>, samples: usize) -> usize {
    let (data, start) = (Data::new(6, 4, samples, 1), small().1);
    let one_group = Partition::new(samples, samples, 1);
    let rig: Rig<'_, M> =
        Rig::new(settings, data.problem(), &start, |settings, run| M::cut(settings, one_group, run)).unwrap();
    rig.scalars.len()
}

/// Beside the card's matrices, those with a dual keep z_L of before the sweep; extrapolation keeps a and z once more, and a
/// number of each for every sample.
fn the_state_grows_by_the_matrices_of_the_card<M: Cut>(settings: Settings<f64>) {
    let (hidden, last) = (9 + 7, 4);
    let state = M::CARD.state;
    let dual = if state.last == 3 { last } else { 0 };
    let extrapolation = if settings.accelerate { 2 * hidden + last + 2 + 3 } else { 0 };
    let expected = state.hidden * hidden + state.last * last + dual + extrapolation;
    let grows = scalars::<M>(settings, 150) - scalars::<M>(settings, 100);
    assert_eq!(grows, 50 * expected, "{settings:?}");
    // What does not depend on the samples: parameters and their change, sums of each layer and of the group, solves.
    let fixed = scalars::<M>(settings, 100) - 100 * expected;
    let (layers, widest) = ([(9, 6), (7, 9), (4, 7)], (9 * 7 + 9 * 9 + 9 + 7));
    let parameters: usize = layers.map(|(n_out, n_in)| n_out * (n_in + 1)).iter().sum();
    let sums: usize = layers.map(|(n_out, n_in)| (n_out + n_in) * (n_in + 1)).iter().sum();
    let solves = match (settings.weight_step, settings.input_step) {
        (StepRule::LeastSquares { .. }, StepRule::LeastSquares { .. }) => 6 * 6 + 9 * 9 + 7 * 7,
        (StepRule::LeastSquares { .. }, _) => 6 * 6,
        _ => 0,
    };
    let momentum = if settings.accelerate { parameters + hidden + last } else { 0 };
    assert_eq!(fixed, 2 * parameters + sums + solves + momentum + widest, "{settings:?}");
}

/// The list that a call names when it refuses the state.
fn named<A: std::fmt::Debug>(result: Result<A>) -> (&'static str, isize) {
    match result {
        Err(Error::Length { argument, found, needed }) => (argument, found as isize - needed as isize),
        other => panic!("{other:?}"),
    }
}

fn bits(list: &[f64]) -> Vec<u64> {
    list.iter().map(|number| number.to_bits()).collect()
}

/// By one element, either way, by every call, and before anything is written.
fn a_state_of_another_length_is_refused<M: Cut>(settings: Settings<f64>) {
    let (data, start) = small();
    for (list, by) in [("scalars", -1), ("scalars", 1), ("numbers", -1), ("numbers", 1)] {
        let mut rig: Rig<'_, M> = rig(settings, (&data, &start));
        rig.initialize().unwrap();
        rig.sweep().unwrap();
        let length = |old: usize| old.checked_add_signed(by).unwrap();
        match list {
            "scalars" => rig.scalars.resize(length(rig.scalars.len()), 0.5),
            _ => rig.numbers.resize(length(rig.numbers.len()), 0.5),
        }
        let before = (bits(&rig.scalars), bits(&rig.numbers));
        let wrong = (list, by);
        assert_eq!(named(rig.initialize()), wrong);
        assert_eq!(named(rig.sweep()), wrong);
        assert_eq!(named(rig.objective()), wrong);
        rig.with(|method, run, state, scratch| {
            let penalties = Penalties { nu: 2.0, rho: 2.0, epsilon: 0.05 };
            let mut executor = Sequential::new(scratch);
            assert_eq!(named(method.set_penalties(run, state, penalties, &mut executor, &Portable)), wrong);
            assert_eq!(named(method.read(run, state).map(|_| ())), wrong);
            assert_eq!(method.mean_risk(run, state), None);
        });
        assert!((bits(&rig.scalars), bits(&rig.numbers)) == before, "{list} {by}: something was written");
    }
}

/// A second run in the same state is the first again: nothing of it is left after `initialize`.
fn a_run_leaves_nothing_behind<M: Cut>(settings: Settings<f64>) {
    let (data, start) = small();
    let other = Data::new(6, 4, 170, 99);
    let mut alone: Rig<'_, M> = rig(settings, (&data, &start));
    let expected = alone.sweeps(5);
    let mut first: Rig<'_, M> = rig(settings, (&other, &start));
    first.sweeps(5);
    let mut second: Rig<'_, M> = rig(settings, (&data, &start));
    (second.scalars, second.numbers) = (first.scalars, first.numbers);
    second.restart(&start);
    assert_eq!(second.sweeps(5), expected, "{settings:?}");
    assert_eq!(second.network(), alone.network(), "{settings:?}");
}

/// What a sweep leaves in the state is all that the next one needs: another method object goes on from a copy of it.
fn the_state_is_all_that_a_run_is<M: Cut>(settings: Settings<f64>) {
    let (data, start) = small();
    let mut run: Rig<'_, M> = rig(settings, (&data, &start));
    run.sweeps(5);
    let mut resumed: Rig<'_, M> = rig(settings, (&data, &start));
    (resumed.scalars, resumed.numbers) = (run.scalars.clone(), run.numbers.clone());
    for _ in 0..5 {
        assert_eq!(resumed.sweep().unwrap(), run.sweep().unwrap(), "{settings:?}");
    }
    assert_eq!(resumed.network(), run.network());
}

fn what_does_not_fit_the_network_is_refused<M: Cut>(settings: Settings<f64>) {
    let (data, start) = small();
    let refusal = |problem: Problem<'_, f64>| {
        let made =
            Rig::<M>::new(settings, problem, &start, |settings, run| M::cut(settings, partition(170), run));
        match made.map(|_| ()).unwrap_err() {
            Error::Shape { argument, .. } => argument,
            other => panic!("{other}"),
        }
    };
    let (good, x) = (data.problem(), &data.x.data);
    assert_eq!(refusal(Problem { x: view("x", x, 5, 170, 6).unwrap(), ..good }), "x");
    assert_eq!(refusal(Problem { x: view("x", x, 6, 169, 6).unwrap(), ..good }), "partition");
    assert_eq!(refusal(Problem { target: Target::Classes(&data.classes[1..]), ..good }), "target");
    assert_eq!(refusal(Problem { target: Target::Values(dense(&data.y.data, 170, 4)), ..good }), "target");
}

fn networks_of_other_blocks_are_refused<M: Cut>(settings: Settings<f64>) {
    let data = small().0;
    let (layer, relu, tanh) = (
        Block::Dense { outputs: 4 },
        Block::Activation(Activation::Relu),
        Block::Activation(Activation::Tanh),
    );
    let lists = [
        (vec![relu, layer], 0),
        (vec![layer, layer], 1),
        (vec![layer, relu], 1),
        (vec![layer, relu, relu, layer], 2),
        (vec![layer, relu, layer, tanh, layer], 3),
    ];
    for (blocks, at) in lists {
        let parameters = blocks.iter().filter(|&&block| block == layer).count();
        let parameters = vec![0.5; if at == 0 { 4 * 7 } else { 4 * 7 + (parameters - 1) * 4 * 5 }];
        let made = Rig::<M>::of_blocks(
            blocks.clone(),
            vec![],
            Shape::flat(6),
            &parameters,
            data.problem(),
            |run: &Run<'_, f64>| M::cut(&settings.hyperparameters(), partition(170), run),
        );
        let refused = made.map(|_| ());
        assert!(matches!(refused, Err(Error::Block { index, .. }) if index == at), "{blocks:?}: {refused:?}");
    }
}
