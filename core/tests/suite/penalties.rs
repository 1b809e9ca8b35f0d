//! nu and rho that change between sweeps: the duals are carried over, and everything that depends on the weights follows.

use altmin_core::executor::{Executor, Sequential};
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::pdadmm::{DualStorage, PdAdmm};
use altmin_core::method::{Partition, Settings, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::theory::{dladmm_rho_threshold, pdadmm_rho_threshold};
use altmin_core::update::StepRule;
use altmin_core::{Error, Result};

use crate::common::dense::{Mat, distance};
use crate::common::state::{DlMemory, Memory, Order, PdMemory, Permuted, dl_scratch, network, pd_scratch};
use crate::common::subproblems::activate;
use crate::common::teacher::{Data, LEAKY, LEAST_SQUARES, LOSSES, Network, farthest, settings, small};
use crate::common::{dladmm_reference, pdadmm_reference};

/// Either method.
enum Method<'a> {
    Pd(PdAdmm<'a, f64, Memory>),
    Dl(DlAdmm<'a, f64, Memory>),
}

impl Method<'_> {
    fn initialize<E: Executor<f64>>(&mut self, executor: &mut E) {
        match self {
            Method::Pd(method) => method.initialize(executor, &Portable).unwrap(),
            Method::Dl(method) => method.initialize(executor, &Portable).unwrap(),
        }
    }

    fn sweep<E: Executor<f64>>(&mut self, executor: &mut E) -> Sweep {
        match self {
            Method::Pd(method) => method.sweep(executor, &Portable).unwrap(),
            Method::Dl(method) => method.sweep(executor, &Portable).unwrap(),
        }
    }

    fn objective<E: Executor<f64>>(&mut self, executor: &mut E) -> f64 {
        match self {
            Method::Pd(method) => method.objective(executor).unwrap(),
            Method::Dl(method) => method.objective(executor).unwrap(),
        }
    }

    fn set<E: Executor<f64>>(&mut self, executor: &mut E, (nu, rho): (f64, f64)) -> Result {
        match self {
            Method::Pd(method) => method.set_penalties(executor, nu, rho),
            Method::Dl(method) => method.set_penalties(executor, &Portable, nu, rho),
        }
    }

    fn network(&self) -> Network {
        match self {
            Method::Pd(method) => network(method.layers()),
            Method::Dl(method) => network(method.layers()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Pd(DualStorage),
    Dl,
}

const KINDS: [Kind; 3] = [Kind::Pd(DualStorage::Recovered), Kind::Pd(DualStorage::Stored), Kind::Dl];

fn partition() -> Partition {
    Partition::new(170, 16, 3)
}

/// Hands the method, not yet initialised, to `body` with exactly the scratch that it asks for.
fn with<A>(
    kind: Kind,
    settings: Settings<f64>,
    (data, start): (&Data, &Network),
    body: impl FnOnce(&mut Method<'_>, &mut Memory) -> A,
) -> A {
    match kind {
        Kind::Pd(storage) => {
            let mut memory = PdMemory::new(&settings, start, partition(), storage);
            let mut scratch = pd_scratch(&settings, start, partition());
            let method = PdAdmm::new(settings, partition(), data.problem(), memory.state()).unwrap();
            body(&mut Method::Pd(method), &mut scratch)
        }
        Kind::Dl => {
            let mut memory = DlMemory::new(&settings, start, partition());
            let mut scratch = dl_scratch(&settings, start, partition());
            let method = DlAdmm::new(settings, partition(), data.problem(), memory.state()).unwrap();
            body(&mut Method::Dl(method), &mut scratch)
        }
    }
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

/// A matrix over all samples from its parts of layer `l`, where the groups of a layer follow each other.
fn gather<'a, A>(
    units: &'a [A],
    l: usize,
    view: impl Fn(&'a A) -> altmin_core::view::MatRef<'a, f64>,
) -> Mat {
    let groups = partition().groups();
    Mat::gather(units[l * groups..(l + 1) * groups].iter().map(view))
}

#[test]
fn pdadmm_goes_on_as_algorithm_1_with_its_duals() {
    let (data, start) = small();
    for settings in cases(5.0) {
        for storage in [DualStorage::Recovered, DualStorage::Stored] {
            let mut reference = pdadmm_reference::Reference::new(settings, &data, &start);
            with(Kind::Pd(storage), settings, (&data, &start), |method, scratch| {
                let executor = &mut Sequential::new(scratch);
                method.initialize(executor);
                for sweep in 1..=20 {
                    let what = format!("{settings:?}, {storage:?}, sweep {sweep}");
                    if let Some((nu, rho)) = change(sweep, &settings) {
                        method.set(executor, (nu, rho)).unwrap();
                        reference.set_penalties(nu, rho);
                        assert_equal_values(method.objective(executor), reference.lagrangian(), &what);
                        let Method::Pd(pd) = &*method else { unreachable!() };
                        assert_lemma_4(pd, &settings, nu, &reference.u, &what);
                    }
                    let report = method.sweep(executor);
                    reference.sweep();
                    assert_equal_values(report.objective, reference.lagrangian(), &what);
                    assert!(farthest(&method.network(), &reference.network) < 1e-9, "parameters: {what}");
                    let Method::Pd(pd) = &*method else { unreachable!() };
                    let state = pd.state();
                    for l in 0..3 {
                        let z = gather(&*state.outputs, l, |unit| unit.z());
                        assert!(distance(&z, &reference.z[l]) < 1e-9, "z of layer {l}: {what}");
                        let r = gather(&*state.residuals, l, |unit| unit.r());
                        assert!(distance(&r, &reference.residual(l)) < 1e-9, "r of layer {l}: {what}");
                    }
                    for l in 0..2 {
                        let q = gather(&*state.outputs, l, |unit| unit.q());
                        assert!(distance(&q, &reference.q[l]) < 1e-9, "q of layer {l}: {what}");
                        let p = gather(&*state.inputs, l + 1, |unit| unit.p());
                        assert!(distance(&p, &reference.p[l + 1]) < 1e-9, "p above layer {l}: {what}");
                    }
                }
            });
        }
    }
}

/// `nu (q - f(z))`, and the stored dual where there is one, are the dual that equation 7 has moved.
fn assert_lemma_4(
    method: &PdAdmm<'_, f64, Memory>,
    settings: &Settings<f64>,
    nu: f64,
    u: &[Mat],
    what: &str,
) {
    let outputs = &*method.state().outputs;
    for (l, u) in u.iter().enumerate() {
        let f = gather(outputs, l, |unit| unit.z()).map(|z| activate(settings.activation, z));
        let recovered = gather(outputs, l, |unit| unit.q()).plus(-1.0, &f).map(|gap| nu * gap);
        assert!(distance(&recovered, u) < 1e-9, "Lemma 4 in layer {l}: {what}");
        let stored = gather(outputs, l, |unit| unit.u());
        assert!(stored.columns == 0 || distance(&stored, u) < 1e-9, "u of layer {l}: {what}");
    }
}

#[test]
fn dladmm_goes_on_as_algorithm_1_with_its_dual() {
    let (data, start) = small();
    let one_layer = Network::new(&[6, 4], 3);
    for start in [&start, &one_layer] {
        for settings in cases(2.5) {
            let mut reference = dladmm_reference::Reference::new(settings, &data, start);
            with(Kind::Dl, settings, (&data, start), |method, scratch| {
                let executor = &mut Sequential::new(scratch);
                method.initialize(executor);
                for sweep in 1..=20 {
                    let what = format!("{settings:?}, {} layers, sweep {sweep}", start.layers());
                    if let Some((nu, rho)) = change(sweep, &settings) {
                        method.set(executor, (nu, rho)).unwrap();
                        reference.set_penalties(nu, rho);
                        assert_equal_values(method.objective(executor), reference.lagrangian(), &what);
                        assert_shift(method, rho, &reference, 1e-9, &what);
                    }
                    let report = method.sweep(executor);
                    reference.sweep();
                    assert_equal_values(report.objective, reference.lagrangian(), &what);
                    assert!(farthest(&method.network(), &reference.network) < 1e-9, "parameters: {what}");
                    let Method::Dl(dl) = &*method else { unreachable!() };
                    let u = Mat::gather(dl.state().groups.iter().map(|group| group.u()));
                    assert!(distance(&u, &reference.u) < 1e-9, "u: {what}");
                    for l in 0..start.layers() - 1 {
                        let hidden = dl.state().hidden.iter().skip(l).step_by(start.layers() - 1);
                        let a = Mat::gather(hidden.map(|hidden| hidden.a()));
                        assert!(distance(&a, &reference.a[l + 1]) < 1e-9, "a of layer {l}: {what}");
                    }
                }
            });
        }
    }
}

/// The last layer carries `W a + b - z - u/rho`.
fn assert_shift(
    method: &Method<'_>,
    rho: f64,
    reference: &dladmm_reference::Reference<'_>,
    bound: f64,
    what: &str,
) {
    let Method::Dl(dl) = method else { unreachable!() };
    let last = reference.network.layers() - 1;
    let residuals = dl.state().residuals.iter().skip(last).step_by(last + 1);
    let found = Mat::gather(residuals.map(|residual| residual.r()));
    let expected = reference.residual(last).plus(-1.0 / rho, &reference.u);
    let error = distance(&found, &expected);
    assert!(error < bound, "the shifted residual is off by {error}: {what}");
}

/// With a small rho the shift `u/rho` is large, and so is its rounding, of which nothing may be left when rho has grown.
#[test]
fn the_rounding_of_a_large_shift_does_not_stay() {
    let (data, start) = small();
    let settings = settings(1.0, 1e-8, StepRule::Vector);
    with(Kind::Dl, settings, (&data, &start), |method, scratch| {
        let executor = &mut Sequential::new(scratch);
        method.initialize(executor);
        method.set(executor, (1.0, 1.0)).unwrap();
        let reference = dladmm_reference::Reference::new(settings, &data, &start);
        // Not more than the rounding of numbers of size 10.
        assert_shift(method, 1.0, &reference, 1e-14, "rho from 1e-8 to 1");
    });
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
            with(kind, settings, (&data, &start), |method, scratch| {
                let executor = &mut Sequential::new(scratch);
                method.initialize(executor);
                let mut nu = settings.nu;
                for sweep in 0..60 {
                    if sweep % 3 == 0 {
                        nu = settings.nu * [1.0, 4.0, 0.2, 1.0, 15.0][sweep / 3 % 5];
                        let rho = threshold(nu) * [1.01, 1.01, 6.0, 2.0][sweep / 3 % 4];
                        method.set(executor, (nu, rho)).unwrap();
                    }
                    let before = method.objective(executor);
                    let report = method.sweep(executor);
                    let fall = before - report.objective;
                    let what = format!("{kind:?}, {settings:?}, nu {nu}, sweep {sweep}");
                    assert!(report.promised >= 0.0, "{what}");
                    let promised = report.promised - 1e-12 * before.abs();
                    assert!(fall >= promised, "falls by {fall}, promised {promised}: {what}");
                }
            });
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
    with(kind, settings, (&data, &start), |method, scratch| match order {
        None => sweeps(method, &mut Sequential::new(scratch), set),
        Some(order) => sweeps(method, &mut Permuted::new(order, scratch.clone()), set),
    })
}

fn sweeps<E: Executor<f64>>(
    method: &mut Method<'_>,
    executor: &mut E,
    set: impl Fn(usize) -> Option<(f64, f64)>,
) -> (Vec<Sweep>, Network) {
    method.initialize(executor);
    let sweep = |sweep| {
        if let Some(weights) = set(sweep) {
            method.set(executor, weights).unwrap();
        }
        method.sweep(executor)
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
            let found = with(kind, settings, (&data, &start), |method, scratch| {
                let executor = &mut Sequential::new(scratch);
                method.set(executor, (late.nu, late.rho)).unwrap();
                sweeps(method, executor, |_| None)
            });
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
        let found = with(kind, settings, (&data, &start), |method, scratch| {
            let executor = &mut Sequential::new(scratch);
            method.initialize(executor);
            let mut reports = vec![];
            for _ in 1..=15 {
                for (nu, rho, wrong) in [
                    (0.0, 1.0, "nu"),
                    (-1.0, 1.0, "nu"),
                    (f64::NAN, 1.0, "nu"),
                    (2.0, 0.0, "rho"),
                    (2.0, f64::INFINITY, "rho"),
                ] {
                    let error = method.set(executor, (nu, rho)).unwrap_err();
                    assert!(matches!(error, Error::Setting { name, .. } if name == wrong), "{error}");
                }
                reports.push(method.sweep(executor));
            }
            (reports, method.network())
        });
        assert_eq!(found, expected, "{kind:?}");
    }
}

/// Two values of nu whose ratio is 0 or infinite in the scalar type would lose the duals.
#[test]
fn pdadmm_refuses_a_ratio_that_it_cannot_hold() {
    let (data, start) = small();
    let settings = settings(1e-200, 1.0, StepRule::Vector);
    with(Kind::Pd(DualStorage::Recovered), settings, (&data, &start), |method, scratch| {
        let executor = &mut Sequential::new(scratch);
        method.initialize(executor);
        let error = method.set(executor, (1e200, 1.0)).unwrap_err();
        assert!(matches!(error, Error::Setting { name: "ratio of nu", found: 0.0, .. }), "{error}");
        method.set(executor, (1e-100, 1.0)).unwrap();
    });
}
