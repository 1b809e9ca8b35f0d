//! What is promised of layers with read-outs is found to hold, and a formula that is wrong by 1 % is found out.

use altmin_core::block::Block;
use altmin_core::block::pool::Window;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::method::proxprop::{Carry, Form};
use altmin_core::method::tssm::Inner;
use altmin_core::method::{Hyperparameters, Name, StepSchedule};
use altmin_core::shape::Shape;
use altmin_core::{Activation, Loss, Regularizer};
use altmin_verify::{Formula, Property, Verdict};

use crate::common::{self, Case, Data};

const SAMPLES: usize = 60;

/// Hidden layers of these widths, cut after so many blocks.
fn case(activation: Activation<f64>, widths: &[usize], cuts: &[usize], data: Data) -> Case {
    let outputs = data.outputs();
    let hidden = widths.iter().flat_map(|&outputs| [Block::Dense { outputs }, Block::Activation(activation)]);
    let hyperparameters = Hyperparameters {
        nu: 5.0,
        damping: 0.5,
        momentum: 0.9,
        batch: Some(20),
        step_schedule: StepSchedule::Linear,
        sweeps: 4,
        inner: Inner::Proxprop,
        ..Hyperparameters::default()
    };
    Case {
        method: Name::Local,
        hyperparameters,
        input: Shape::flat(16),
        blocks: hidden.chain([Block::Dense { outputs }]).collect(),
        cuts: cuts.to_vec(),
        data,
        sweeps: 4,
        epsilon_rule: EpsilonRule::Fixed,
        norm_rounds: 1,
    }
}

/// Each activation's kind, layers of one and of several maps, both forms, schedules, decay, l2 and values.
fn cases() -> Vec<Case> {
    let images = || Data::images(4, SAMPLES);
    let with = |case: Case, change: fn(&mut Hyperparameters<f64>)| {
        let mut case = case;
        change(&mut case.hyperparameters);
        case
    };
    vec![
        case(Activation::Relu, &[12, 11], &[2, 4], images()),
        with(case(Activation::Tanh, &[12, 11, 9], &[4], images()), |settings| {
            (settings.form, settings.step_schedule) = (Form::Dual, StepSchedule::Cosine);
        }),
        with(case(Activation::Sigmoid, &[13], &[2], images()), |settings| {
            (settings.form, settings.regularizer) = (Form::Primal, Regularizer::L2(0.3));
        }),
        with(case(Activation::Softplus, &[8, 8], &[2, 4], images()), |settings| {
            (settings.weight_decay, settings.warm_up, settings.batch) = (0.2, 0.5, Some(17));
        }),
        with(case(Activation::Relu, &[9, 7], &[2, 4], Data::regression(4, SAMPLES)), |settings| {
            (settings.loss, settings.batch) = (Loss::LeastSquares, None);
        }),
    ]
}

#[test]
fn layers_keep_their_promises() {
    for case in cases() {
        let report = case.verify(|verification| verification);
        common::assert_held(&case, &report, &[]);
    }
}

#[test]
fn a_formula_that_is_wrong_by_one_percent_breaks_a_promise() {
    for case in cases() {
        let formulas: Vec<Formula> = case.formulas().collect();
        assert_eq!(formulas.len(), 4);
        for formula in formulas {
            let report = case.verify(|verification| verification.falsify(formula, 1.01));
            assert!(report.is_broken(), "{formula:?}: {case:?}");
        }
    }
}

#[test]
fn a_wrong_step_of_a_readout_is_told_from_one_of_a_layer() {
    let case = cases().remove(0);
    let verdicts = |formula| {
        let report = case.verify(|verification| verification.falsify(formula, 1.01));
        [Property::WeightStationary, Property::ReadoutStationary]
            .map(|property| report.promise(property).expect("a promise").verdict)
    };
    assert_eq!(verdicts(Formula::WeightStep), [Verdict::Broken, Verdict::Held]);
    assert_eq!(verdicts(Formula::ReadoutStep), [Verdict::Held, Verdict::Broken]);
}

#[test]
fn what_cannot_be_followed_is_refused_by_name() {
    let base = || cases().remove(0);
    let mut adam = base();
    adam.hyperparameters.inner = Inner::Adam;
    let mut carried = base();
    carried.hyperparameters.carry = Some(Carry { beta: 0.5, every: 2 });
    let mut pooled = base();
    pooled.input = Shape { channels: 1, height: 4, width: 4 };
    pooled.blocks.splice(0..0, [Block::MaxPool(Window { size: 2, stride: 2 }), Block::Flatten]);
    pooled.cuts = vec![4, 6];
    for (case, name) in [(adam, "inner"), (carried, "carry"), (pooled, "network")] {
        assert!(case.refusal().contains(name), "{}", case.refusal());
    }
}
