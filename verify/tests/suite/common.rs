//! Small runs on made-up data, and what is said of them.

use altmin_core::Target;
use altmin_core::block::{Block, Network};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::method::{Hyperparameters, Name, Problem, Run};
use altmin_core::shape::Shape;
use altmin_core::view::dense;
use altmin_verify::{Formula, Report, Setup, Verdict, Verification};

/// Classes of the made-up images.
pub(crate) const CLASSES: usize = 10;

/// Numbers without a pattern, the same in every run, from -1 to 1.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// A training set: features x samples, and what the network should say to each sample.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    pub(crate) x: Vec<f64>,
    pub(crate) classes: Vec<u32>,
    /// Values instead of the classes, outputs x samples.
    pub(crate) values: Option<Vec<f64>>,
}

impl Data {
    /// Images of `side` x `side` pixels from 0 to 1, many of them 0, like scanned digits: each class has a pattern of its
    /// own, and each sample noise.
    pub(crate) fn images(side: usize, samples: usize) -> Self {
        let (features, mut noise) = (side * side, Noise::new(7));
        let patterns: Vec<f64> = (0..features * CLASSES).map(|_| noise.next()).collect();
        let classes: Vec<u32> = (0..samples).map(|j| (j * 7 % CLASSES) as u32).collect();
        let pattern = |class: u32| &patterns[class as usize * features..][..features];
        let x = classes
            .iter()
            .flat_map(|&class| pattern(class))
            .map(|p| (p + 0.4 * noise.next()).clamp(0.0, 1.0));
        Self { x: x.collect(), classes, values: None }
    }

    /// The same images, with two values of each that are to be predicted.
    pub(crate) fn regression(side: usize, samples: usize) -> Self {
        let data = Self::images(side, samples);
        let mean = |image: &[f64]| image.iter().sum::<f64>() / image.len() as f64;
        let of = |image: &[f64]| [3.0 * mean(image) - 1.0, image[0] - 2.0 * image[1]];
        let values = data.x.chunks(side * side).flat_map(of).collect();
        Self { values: Some(values), ..data }
    }

    /// Numbers that a network says to a sample.
    pub(crate) fn outputs(&self) -> usize {
        self.values.as_ref().map_or(CLASSES, |values| values.len() / self.classes.len())
    }
}

/// A run that is verified, with all that it is about.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) method: Name,
    pub(crate) hyperparameters: Hyperparameters<f64>,
    /// The shape of a sample.
    pub(crate) input: Shape,
    pub(crate) blocks: Vec<Block<f64>>,
    pub(crate) cuts: Vec<usize>,
    pub(crate) data: Data,
    pub(crate) sweeps: usize,
    pub(crate) epsilon_rule: EpsilonRule,
    pub(crate) norm_rounds: usize,
}

impl Case {
    /// Verifies the run; `change` may falsify it first.
    pub(crate) fn verify(&self, change: impl FnOnce(Verification<'_>) -> Verification<'_>) -> Report {
        self.with(|setup| {
            let verification = change(Verification::new(setup).expect("a setup"));
            let mut scratch = vec![0.0; verification.workspace(&Portable).elements()];
            verification.run(&mut Sequential::new(&mut scratch), &Portable).expect("a run")
        })
    }

    /// Why the run is refused.
    pub(crate) fn refusal(&self) -> String {
        self.with(|setup| Verification::new(setup).expect_err("a refusal").to_string())
    }

    fn with<R>(&self, use_it: impl FnOnce(Setup<'_>) -> R) -> R {
        let Self { method, hyperparameters, input, blocks, cuts, data, sweeps, epsilon_rule, norm_rounds } =
            self;
        let network = Network::new(blocks, *input).expect("a network");
        let samples = data.classes.len();
        let target = match &data.values {
            Some(values) => Target::Values(dense(values, data.outputs(), samples)),
            None => Target::Classes(&data.classes),
        };
        let x = dense(&data.x, input.features(), samples);
        let run = Run { network, cuts, problem: Problem { x, target } };
        let parameters = parameters(&network);
        let order = |k: usize| shuffled(samples, k as u64);
        use_it(Setup {
            method: *method,
            hyperparameters: *hyperparameters,
            run,
            parameters: &parameters,
            sweeps: *sweeps,
            epsilon_rule: *epsilon_rule,
            order: Some(&order),
            norm_rounds: *norm_rounds,
        })
    }

    /// The formulas that the run uses.
    pub(crate) fn formulas(&self) -> impl Iterator<Item = Formula> + '_ {
        let all = Formula::ALL.iter().copied();
        all.filter(|formula| formula.applies(self.method, &self.hyperparameters))
    }
}

/// The samples in an order of epoch k's own.
fn shuffled(samples: usize, k: u64) -> Vec<u32> {
    let mut noise = Noise::new(k);
    let mut keyed: Vec<(f64, u32)> = (0..samples as u32).map(|j| (noise.next(), j)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed.into_iter().map(|(_, j)| j).collect()
}

/// Initial weights of He's size, and biases of 0.
pub(crate) fn parameters(network: &Network<'_, f64>) -> Vec<f64> {
    let (mut all, mut noise) = (vec![0.0; network.parameters()], Noise::new(3));
    for map in network.maps() {
        let size = (6.0 / map.n_in as f64).sqrt();
        all[map.offset..][..map.n_out * map.n_in].iter_mut().for_each(|w| *w = size * noise.next());
    }
    all
}

/// What was promised was found to hold, by checks that say something.
#[track_caller]
pub(crate) fn assert_held(case: &Case, report: &Report, unpromised: &[altmin_verify::Property]) {
    assert_eq!(report.stopped, None, "{case:?}");
    for promise in &report.promises {
        let verdict = match unpromised.contains(&promise.name) {
            true => Verdict::NotPromised,
            false => Verdict::Held,
        };
        assert_eq!(promise.verdict, verdict, "{case:?}: {promise:#?}");
        assert_eq!(promise.needs.is_some(), verdict == Verdict::NotPromised, "{promise:#?}");
        assert!(verdict == Verdict::NotPromised || promise.checks > 0, "{case:?}: {promise:#?}");
    }
}
