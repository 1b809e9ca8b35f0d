//! nu and rho that change between sweeps: the duals are carried over, and everything that depends on the weights follows.

use altmin_core::executor::{Executor, Sequential};
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::pdadmm::{DualStorage, PdAdmm};
use altmin_core::method::{AnyMethod, Hyperparameters, Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::theory::{dladmm_rho_threshold, pdadmm_rho_threshold};
use altmin_core::update::StepRule;
use altmin_core::{Error, Result};

use crate::common::dense::{Mat, distance};
use crate::common::rig::{Order, Permuted, Rig, Settings, poison};
use crate::common::snapshot::snapshot;
use crate::common::subproblems::activate;
use crate::common::teacher::{Data, LEAKY, LEAST_SQUARES, LOSSES, Network, farthest, settings, small};
use crate::common::{dladmm_reference, pdadmm_reference, pdadmm_run};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Pd(DualStorage),
    Dl,
}

const KINDS: [Kind; 3] = [Kind::Pd(DualStorage::Recovered), Kind::Pd(DualStorage::Stored), Kind::Dl];

fn partition() -> Partition {
    Partition::new(170, 16, 3)
}

/// Either method, not yet initialised.
fn rig<'d>(
    kind: Kind,
    settings: Settings<f64>,
    (data, start): (&'d Data, &Network),
) -> Rig<'d, AnyMethod<f64>> {
    Rig::new(settings, data.problem(), start, |settings, run| match kind {
        Kind::Pd(dual) => {
            let settings = Hyperparameters { dual, ..*settings };
            PdAdmm::with_partition(&settings, partition(), run).map(AnyMethod::Pdadmm)
        }
        Kind::Dl => DlAdmm::with_partition(settings, partition(), run).map(AnyMethod::Dladmm),
    })
    .unwrap()
}

/// Before which sweep nu and rho become multiples of what they were at first: one alone, both, up and down.
const CHANGES: [(usize, f64, f64); 6] =
    [(1, 1.0, 2.0), (4, 1.7, 2.0), (6, 0.3, 2.0), (9, 2.5, 7.0), (13, 2.5, 0.5), (14, 0.1, 0.2)];

fn change(sweep: usize, settings: &Settings<f64>) -> Option<(f64, f64)> {
    let found = CHANGES.iter().find(|&&(at, ..)| at == sweep);
    found.map(|&(_, nu, rho)| (nu * settings.nu, rho * settings.rho))
}

/// Rules, losses, activations and, above all, an l2 regulariser, whose share in a kept factor depends on nu.
fn cases(rho: f64) -> Vec<Settings<f64>> {
    let l2 = Regularizer::L2(0.3);
    let mixed = Settings { input_step: StepRule::Vector, ..settings(1.0, rho, LEAST_SQUARES) };
    let mut all = vec![
        Settings { activation: LEAKY, ..settings(1.0, rho, StepRule::Vector) },
        settings(1.0, rho, StepRule::Scalar),
        Settings { regularizer: l2, ..mixed },
        settings(0.1, rho / 10.0, LEAST_SQUARES),
    ];
    all.extend(LOSSES.map(|loss| Settings { loss, regularizer: l2, ..settings(1.0, rho, LEAST_SQUARES) }));
    all
}

#[track_caller]
fn assert_equal_values(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-10, "{what}: {found} instead of {expected}");
}

#[test]
fn pdadmm_goes_on_as_algorithm_1_with_its_duals() {
    let (data, start) = small();
    for settings in cases(5.0) {
        for storage in [DualStorage::Recovered, DualStorage::Stored] {
            let mut reference = pdadmm_reference::Reference::new(settings, &data, &start);
            let mut method = pdadmm_run::rig(settings, partition(), storage, (&data, &start));
            method.initialize().unwrap();
            for sweep in 1..=20 {
                let what = format!("{settings:?}, {storage:?}, sweep {sweep}");
                if let Some((nu, rho)) = change(sweep, &settings) {
                    method.set_penalties(nu, rho).unwrap();
                    reference.set_penalties(nu, rho);
                    assert_equal_values(method.objective().unwrap(), reference.lagrangian(), &what);
                    assert_lemma_4(&mut method, &settings, nu, &reference.u, &what);
                }
                let report = method.sweep().unwrap();
                reference.sweep();
                assert_equal_values(report.objective, reference.lagrangian(), &what);
                assert!(farthest(&method.network(), &reference.network) < 1e-9, "parameters: {what}");
                let found = pdadmm_run::snapshot(&mut method);
                for l in 0..3 {
                    assert!(distance(&found.z[l], &reference.z[l]) < 1e-9, "z of layer {l}: {what}");
                    assert!(distance(&found.r[l], &reference.residual(l)) < 1e-9, "r of layer {l}: {what}");
                }
                for l in 0..2 {
                    assert!(distance(&found.q[l], &reference.q[l]) < 1e-9, "q of layer {l}: {what}");
                    let p = (&found.p[l + 1], &reference.p[l + 1]);
                    assert!(distance(p.0, p.1) < 1e-9, "p above layer {l}: {what}");
                }
            }
        }
    }
}

/// `nu (q - f(z))`, and the stored dual where there is one, are the dual that equation 7 has moved.
fn assert_lemma_4(
    method: &mut pdadmm_run::Run<'_>,
    settings: &Settings<f64>,
    nu: f64,
    u: &[Mat],
    what: &str,
) {
    let found = pdadmm_run::snapshot(method);
    for (l, u) in u.iter().enumerate() {
        let f = found.z[l].map(|z| activate(settings.activation, z));
        let recovered = found.q[l].plus(-1.0, &f).map(|gap| nu * gap);
        assert!(distance(&recovered, u) < 1e-9, "Lemma 4 in layer {l}: {what}");
        let stored = &found.u[l];
        assert_eq!(stored.columns == 0, method.method.settings().dual == DualStorage::Recovered);
        assert!(stored.columns == 0 || distance(stored, u) < 1e-9, "u of layer {l}: {what}");
    }
}

type DlRun<'d> = Rig<'d, DlAdmm<f64>>;

fn dl_rig<'d>(settings: Settings<f64>, (data, start): (&'d Data, &Network)) -> DlRun<'d> {
    Rig::new(settings, data.problem(), start, |settings, run| {
        DlAdmm::with_partition(settings, partition(), run)
    })
    .unwrap()
}

#[test]
fn dladmm_goes_on_as_algorithm_1_with_its_dual() {
    let (data, start) = small();
    let one_layer = Network::new(&[6, 4], 3);
    for start in [&start, &one_layer] {
        for settings in cases(2.5) {
            let mut reference = dladmm_reference::Reference::new(settings, &data, start);
            let mut method = dl_rig(settings, (&data, start));
            method.initialize().unwrap();
            for sweep in 1..=20 {
                let what = format!("{settings:?}, {} layers, sweep {sweep}", start.layers());
                if let Some((nu, rho)) = change(sweep, &settings) {
                    method.set_penalties(nu, rho).unwrap();
                    reference.set_penalties(nu, rho);
                    assert_equal_values(method.objective().unwrap(), reference.lagrangian(), &what);
                    assert_shift(&mut method, rho, &reference, 1e-9, &what);
                }
                let report = method.sweep().unwrap();
                reference.sweep();
                assert_equal_values(report.objective, reference.lagrangian(), &what);
                assert!(farthest(&method.network(), &reference.network) < 1e-9, "parameters: {what}");
                let found = snapshot(&mut method);
                assert!(distance(&found.u, &reference.u) < 1e-9, "u: {what}");
                for l in 0..start.layers() - 1 {
                    assert!(distance(&found.a[l], &reference.a[l + 1]) < 1e-9, "a of layer {l}: {what}");
                }
            }
        }
    }
}

/// The last layer carries `W a + b - z - u/rho`.
fn assert_shift(
    method: &mut DlRun<'_>,
    rho: f64,
    reference: &dladmm_reference::Reference<'_>,
    bound: f64,
    what: &str,
) {
    let last = reference.network.layers() - 1;
    let expected = reference.residual(last).plus(-1.0 / rho, &reference.u);
    let error = distance(&snapshot(method).r[last], &expected);
    assert!(error < bound, "the shifted residual is off by {error}: {what}");
}

/// With a small rho the shift `u/rho` is large, and so is its rounding, of which nothing may be left when rho has grown.
#[test]
fn the_rounding_of_a_large_shift_does_not_stay() {
    let (data, start) = small();
    let settings = settings(1.0, 1e-8, StepRule::Vector);
    let mut method = dl_rig(settings, (&data, &start));
    method.initialize().unwrap();
    method.set_penalties(1.0, 1.0).unwrap();
    let reference = dladmm_reference::Reference::new(settings, &data, &start);
    // Not more than the rounding of numbers of size 10.
    assert_shift(&mut method, 1.0, &reference, 1e-14, "rho from 1e-8 to 1");
}

/// What is promised for constant weights is kept by every sweep whose weights are within the theorem's condition.
#[test]
fn every_sweep_after_a_change_descends_as_promised() {
    let (data, start) = small();
    for kind in KINDS {
        for settings in cases(1.0) {
            let threshold = |nu| match kind {
                Kind::Pd(_) => pdadmm_rho_threshold(nu, settings.activation.lipschitz()),
                Kind::Dl => dladmm_rho_threshold(settings.loss.lipschitz()),
            };
            let mut method = rig(kind, settings, (&data, &start));
            method.initialize().unwrap();
            let mut nu = settings.nu;
            for sweep in 0..60 {
                if sweep % 3 == 0 {
                    nu = settings.nu * [1.0, 4.0, 0.2, 1.0, 15.0][sweep / 3 % 5];
                    let rho = threshold(nu) * [1.01, 1.01, 6.0, 2.0][sweep / 3 % 4];
                    method.set_penalties(nu, rho).unwrap();
                }
                let before = method.objective().unwrap();
                let report = method.sweep().unwrap();
                let fall = before - report.objective;
                let what = format!("{kind:?}, {settings:?}, nu {nu}, sweep {sweep}");
                assert!(report.promised >= 0.0, "{what}");
                let promised = report.promised - 1e-12 * before.abs();
                assert!(fall >= promised, "falls by {fall}, promised {promised}: {what}");
            }
        }
    }
}

/// Reports and network of a run whose weights are `set` before each sweep.
fn run(
    kind: Kind,
    settings: Settings<f64>,
    set: impl Fn(usize) -> Option<(f64, f64)>,
    order: Option<Order>,
) -> (Vec<Sweep>, Network) {
    let (data, start) = small();
    let mut method = rig(kind, settings, (&data, &start));
    let mut scratch = poison(method.scratch());
    match order {
        None => sweeps(&mut method, &mut Sequential::new(&mut scratch), set),
        Some(order) => sweeps(&mut method, &mut Permuted::new(order, scratch), set),
    }
}

fn sweeps<E: Executor<f64>>(
    method: &mut Rig<'_, AnyMethod<f64>>,
    executor: &mut E,
    set: impl Fn(usize) -> Option<(f64, f64)>,
) -> (Vec<Sweep>, Network) {
    method.initialize_on(executor).unwrap();
    let sweep = |sweep| {
        if let Some((nu, rho)) = set(sweep) {
            method.set_penalties_on(executor, nu, rho).unwrap();
        }
        method.sweep_on(executor).unwrap()
    };
    let reports = (1..=15).map(sweep).collect();
    (reports, method.network())
}

#[test]
fn the_same_values_change_no_bit() {
    for kind in KINDS {
        for settings in cases(5.0) {
            let plain = run(kind, settings, |_| None, None);
            let same = run(kind, settings, |_| Some((settings.nu, settings.rho)), None);
            assert_eq!(plain, same, "{kind:?}, {settings:?}");
            assert_ne!(plain, run(kind, settings, |sweep| change(sweep, &settings), None), "{kind:?}");
        }
    }
}

#[test]
fn the_order_of_units_changes_no_bit() {
    for kind in KINDS {
        let settings = cases(5.0)[5];
        let set = |sweep| change(sweep, &settings);
        let expected = run(kind, settings, set, None);
        for order in [Order::Backward, Order::Shuffled] {
            assert_eq!(run(kind, settings, set, Some(order)), expected, "{kind:?}, {order:?}");
        }
    }
}

/// A run that begins with these values, and one that is given them before it is initialised.
#[test]
fn values_set_before_the_start_are_those_of_the_start() {
    let (data, start) = small();
    for kind in KINDS {
        for settings in cases(5.0) {
            let late = Settings { nu: 3.0 * settings.nu, rho: 2.0 * settings.rho, ..settings };
            let expected = run(kind, late, |_| None, None);
            let mut method = rig(kind, settings, (&data, &start));
            let mut scratch = poison(method.scratch());
            let executor = &mut Sequential::new(&mut scratch);
            method.set_penalties_on(executor, late.nu, late.rho).unwrap();
            let found = sweeps(&mut method, executor, |_| None);
            assert_eq!(found, expected, "{kind:?}, {settings:?}");
        }
    }
}

#[test]
fn values_out_of_range_are_named_and_change_nothing() {
    let settings = cases(5.0)[0];
    for kind in KINDS {
        let expected = run(kind, settings, |_| None, None);
        let (data, start) = small();
        let mut method = rig(kind, settings, (&data, &start));
        method.initialize().unwrap();
        let mut reports = vec![];
        for _ in 1..=15 {
            for (nu, rho, wrong) in [
                (0.0, 1.0, "nu"),
                (-1.0, 1.0, "nu"),
                (f64::NAN, 1.0, "nu"),
                (2.0, 0.0, "rho"),
                (2.0, f64::INFINITY, "rho"),
            ] {
                assert_refused(method.set_penalties(nu, rho), wrong);
            }
            reports.push(method.sweep().unwrap());
        }
        assert_eq!((reports, method.network()), expected, "{kind:?}");
    }
}

#[track_caller]
fn assert_refused(result: Result<f64>, wrong: &str) {
    assert!(matches!(result, Err(Error::Setting { name, .. }) if name == wrong), "{wrong}: {result:?}");
}

/// Two values of nu whose ratio is 0 or infinite in the scalar type would lose the duals.
#[test]
fn pdadmm_refuses_a_ratio_that_it_cannot_hold() {
    let (data, start) = small();
    let settings = settings(1e-200, 1.0, StepRule::Vector);
    let mut method = rig(Kind::Pd(DualStorage::Recovered), settings, (&data, &start));
    method.initialize().unwrap();
    let error = method.set_penalties(1e200, 1.0).unwrap_err();
    assert!(matches!(error, Error::Setting { name: "ratio of nu", found: 0.0, .. }), "{error}");
    method.set_penalties(1e-100, 1.0).unwrap();
}
