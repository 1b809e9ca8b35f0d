//! What DLAM's Lemma 1 and Theorem 2 promise, and what happens between sweeps: other values of epsilon and rho.

use altmin_core::method::Partition;
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Error, Loss};

use crate::common::dense::{Mat, distance};
use crate::common::dlam_run::*;
use crate::common::subproblems;
use crate::common::teacher::{
    BACKTRACKING, Data, LEAKY, LEAST_SQUARES, LOSSES, Network, Settings, farthest, small,
};

/// What rounding may leave of the intervals beside numbers of size 1.
const FEASIBLE: f64 = 1e-14;

/// Lemma 1 for so many sweeps, feasibility after each of them, and Theorem 2: `c_k`, the least of what was promised so
/// far, is at most `F_0/k`.
fn descends(settings: Settings<f64>, sweeps: usize, partition: Partition, problem: (&Data, &Network)) {
    with_method(settings, partition, problem, |method| {
        let start = method.objective().unwrap();
        let (mut before, mut least, mut rounding) = (start, f64::INFINITY, 1e-12 * start);
        for sweep in 1..=sweeps {
            let report = method.sweep().unwrap();
            let what = format!("{settings:?}, sweep {sweep}");
            let fall = before - report.objective;
            assert!(fall >= -rounding, "rises by {}: {what}", -fall);
            assert!(report.promised >= 0.0 && report.primal_residual >= 0.0 && report.dual_residual >= 0.0);
            assert!(
                fall >= report.promised - rounding,
                "falls by {fall}, promised {}: {what}",
                report.promised
            );
            let violation = method.violation().unwrap();
            assert!(violation <= FEASIBLE * (1.0 + settings.epsilon), "outside by {violation}: {what}");
            least = least.min(report.promised);
            assert!(
                sweep as f64 * least <= start - report.objective + sweep as f64 * rounding,
                "c_k: {what}"
            );
            before = report.objective;
            // A sweep's own rounding is that of the numbers it works on.
            rounding = rounding.max(1e-12 * report.objective);
        }
    });
}

fn every_rho_and_epsilon(accelerate: bool) {
    let (data, start) = (Data::new(5, 3, 30, 1), Network::new(&[5, 6, 5, 3], 2));
    for activation in ACTIVATIONS {
        for rho in [1e-6, 1e-3, 1.0, 1e3] {
            for epsilon in [1e-3, 1.0, 100.0] {
                let settings = Settings { activation, accelerate, ..settings(rho, epsilon) };
                descends(settings, 500, groups(30), (&data, &start));
            }
        }
    }
}

#[test]
fn f_never_rises_for_any_rho_and_epsilon() {
    every_rho_and_epsilon(false);
}

#[test]
fn f_never_rises_for_any_rho_and_epsilon_with_extrapolation() {
    every_rho_and_epsilon(true);
}

/// Every step rule, regulariser, activation and loss, with and without extrapolation.
#[test]
fn f_never_rises_for_any_rule() {
    let (data, start) = (Data::new(5, 3, 30, 1), Network::new(&[5, 6, 5, 3], 2));
    for weight_step in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        for regularizer in [Regularizer::None, Regularizer::L1(0.05), Regularizer::L2(0.05)] {
            if matches!((weight_step, regularizer), (StepRule::LeastSquares { .. }, Regularizer::L1(_))) {
                continue;
            }
            for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
                let (rho, epsilon) = [(1e-3, 1.0), (1.0, 0.1), (1e3, 0.01), (1.0, 10.0), (0.1, 0.3)][i];
                for (j, input_step) in INPUT_RULES.into_iter().enumerate() {
                    let (loss, accelerate) = (LOSSES[(i + j) % 2], j % 2 == 1);
                    let settings = Settings {
                        weight_step,
                        input_step,
                        activation,
                        loss,
                        regularizer,
                        accelerate,
                        ..settings(rho, epsilon)
                    };
                    descends(settings, 60, groups(30), (&data, &start));
                    descends(
                        Settings { accelerate: !accelerate, ..settings },
                        60,
                        groups(30),
                        (&data, &start),
                    );
                }
            }
        }
    }
}

/// A promise of one hundredth more than what a vector step falls by would be broken: it is met with nothing to spare
/// where nothing is clipped.
#[test]
fn lemma_1_has_nothing_to_spare_where_nothing_is_clipped() {
    let (data, start) = small();
    // One layer: W and b by exact line searches; with so small a rho z_L has found its place after the first sweep.
    let start = Network { weights: start.weights[..1].to_vec(), biases: start.biases[..1].to_vec() };
    let data = Data { y: Mat::from_fn(9, 170, |i, j| data.y.at(i % 4, j)), ..data };
    let x = altmin_core::view::dense(&data.x.data, 6, 170);
    let y = altmin_core::Target::Values(altmin_core::view::dense(&data.y.data, 9, 170));
    let settings = Settings { loss: Loss::LeastSquares, ..settings(1e-3, 1.0) };
    let partition = groups(170);
    let problem = altmin_core::method::Problem { x, target: y };
    let mut method = rig(settings, partition, problem, &start).unwrap();
    method.initialize().unwrap();
    let before = method.sweep().unwrap().objective;
    let report = method.sweep().unwrap();
    let fall = before - report.objective;
    assert!(report.promised <= fall && 1.01 * report.promised > fall, "{fall} {}", report.promised);
}

/// A larger epsilon moves nothing; a smaller one puts a back, and the residuals above follow.
#[test]
fn a_smaller_epsilon_projects_first() {
    let (data, start) = small();
    for activation in ACTIVATIONS {
        let settings = Settings { activation, ..settings(1.0, 1.0) };
        with_method(settings, groups(170), (&data, &start), |method| {
            for _ in 0..10 {
                method.sweep().unwrap();
            }
            let expected = at(settings, &data, method);
            let wider = method.set_epsilon(2.0).unwrap();
            assert!(wider.entries == 0 && wider.squared == 0.0 && wider.before == wider.after);
            assert_eq!(snapshot(method).a, expected.a[1..]);

            let projection = method.set_epsilon(0.01).unwrap();
            let found = at(settings, &data, method);
            let (mut entries, mut squared) = (0, 0.0);
            for l in 0..2 {
                let h = expected.z[l].map(|z| subproblems::activate(activation, z));
                let old = &expected.a[l + 1];
                let clipped = Mat::from_fn(h.rows, h.columns, |i, j| {
                    old.at(i, j).clamp(h.at(i, j) - 0.01, h.at(i, j) + 0.01)
                });
                assert!(distance(&found.a[l + 1], &clipped) < 1e-15);
                entries += clipped.data.iter().zip(&old.data).filter(|(a, b)| a != b).count();
                squared += clipped.plus(-1.0, old).squared();
                assert!(distance(&snapshot(method).r[l + 1], &found.residual(l + 1)) < 1e-13);
            }
            assert!(projection.entries == entries && entries > 0);
            assert!((projection.squared - squared).abs() < 1e-12 * squared);
            assert!((projection.before - expected.objective()).abs() < 1e-11 * projection.before);
            assert!((projection.after - found.objective()).abs() < 1e-11 * projection.after);
            // Chosen so that F does rise by it here: that is what the report is for.
            assert!(projection.after > projection.before);
            assert!(method.violation().unwrap() < FEASIBLE);

            let mut before = projection.after;
            for _ in 0..20 {
                let report = method.sweep().unwrap();
                assert!(report.objective <= before - report.promised + 1e-12 * before);
                before = report.objective;
            }
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let refused = method.set_epsilon(bad);
                assert!(matches!(refused, Err(Error::Setting { name: "epsilon", .. })));
            }
            assert_eq!(method.method.settings().epsilon, 0.01);
        });
    }
}

/// After a change of rho the sweeps are those of the new rho, the first layer's factor with a ridge included.
#[test]
fn another_rho_takes_effect_at_once() {
    let (data, start) = small();
    for (weight_step, regularizer) in
        [(StepRule::Vector, Regularizer::None), (LEAST_SQUARES, Regularizer::L2(3.0))]
    {
        let settings = Settings { weight_step, regularizer, ..settings(0.1, 0.1) };
        with_method(settings, groups(170), (&data, &start), |method| {
            for _ in 0..3 {
                method.sweep().unwrap();
            }
            let mut reference = at(settings, &data, method);
            assert!(method.set_rho(f64::NAN).is_err() && method.set_rho(0.0).is_err());
            method.set_rho(2.0).unwrap();
            reference.settings.rho = 2.0;
            for sweep in 0..5 {
                let report = method.sweep().unwrap();
                reference.sweep();
                let error = (report.objective - reference.objective()).abs();
                assert!(error < 1e-10 * report.objective, "sweep {sweep}: {error}");
                assert!(farthest(&method.network(), &reference.network) < 1e-9, "sweep {sweep}");
            }
        });
    }
}

/// Extrapolation is worth having: F after as many sweeps is lower.
#[test]
fn extrapolation_gets_further() {
    let (data, start) = small();
    for (activation, epsilon) in [(Activation::Relu, 0.5), (Activation::Tanh, 0.5), (LEAKY, 0.1)] {
        let plain = Settings { activation, ..settings(0.1, epsilon) };
        let last = |settings| train(settings, groups(170), (&data, &start), 60).1[59].objective;
        let (without, with) = (last(plain), last(Settings { accelerate: true, ..plain }));
        assert!(with < without, "{activation:?}: {with} against {without}");
    }
}
