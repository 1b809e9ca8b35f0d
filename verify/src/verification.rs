//! A setup that can be verified.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::proxprop::Form;
use altmin_core::method::tssm::Inner;
use altmin_core::method::{AnyMethod, Method, Name};
use altmin_core::workspace::Requirement;
use altmin_core::{Error as CoreError, Target};

use super::error::{Error, Result};
use super::formula::Formula;
use super::layerwise::{self, Layerwise};
use super::local;
use super::promise::Report;
use super::setup::Setup;
use super::subnetworks::{self, Splitting};
use super::training::Training;

/// The methods of which something is promised, in the order of their codes.
pub const METHODS: [Name; 6] =
    [Name::Pdadmm, Name::Dladmm, Name::Dlam, Name::Gsadmm, Name::Gsam, Name::Local];

/// How a run is followed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Layerwise(Layerwise),
    Subnetworks(Splitting),
    Local,
}

impl Kind {
    fn of(method: Name) -> Option<Self> {
        let layerwise = Layerwise::of(method).map(Self::Layerwise);
        let splitting = || Splitting::of(method).map(Self::Subnetworks);
        layerwise.or_else(splitting).or_else(|| (method == Name::Local).then_some(Self::Local))
    }
}

/// A setup that is ready to be verified.
#[derive(Debug, Clone)]
pub struct Verification<'a> {
    setup: Setup<'a>,
    method: AnyMethod<f64>,
    kind: Kind,
    falsified: Option<(Formula, f64)>,
    scattered: Option<f64>,
}

impl<'a> Verification<'a> {
    /// Checks that settings, network and samples fit, and that there are theorems to verify.
    ///
    /// # Errors
    /// [`Error::Argument`] naming `method` for one without theorems, and `inner` for proximal sweeps, and `target`
    /// for classes with weights; [`Error::Core`] for
    /// what the method refuses, and for `parameters` of another length than the network's.
    pub fn new(setup: Setup<'a>) -> Result<Self> {
        let Some(kind) = Kind::of(setup.method) else {
            let names = METHODS.map(|method| method.card().name).join(", ");
            let expected = format!("one of which something is promised: {names}");
            return Err(Error::Argument { name: "method", found: setup.method.card().name, expected });
        };
        if matches!(kind, Kind::Subnetworks(_)) && setup.hyperparameters.inner == Inner::Proxprop {
            let expected = "sgd or adam: TSSM's equations are about gradients".to_owned();
            return Err(Error::Argument { name: "inner", found: "proxprop", expected });
        }
        if let (Kind::Local, Some((name, found, expected))) = (kind, local::refusal(&setup)) {
            return Err(Error::Argument { name, found, expected: expected.to_owned() });
        }
        if let Target::WeightedClasses { .. } = setup.run.problem.target {
            let expected = "classes that count alike".to_owned();
            return Err(Error::Argument { name: "target", found: "classes with weights", expected });
        }
        setup.epsilon_rule.validate()?;
        let method = AnyMethod::new(setup.method, &setup.hyperparameters, &setup.run)?;
        let (found, needed) = (setup.parameters.len(), setup.run.network.parameters());
        if found != needed {
            return Err(CoreError::Length { argument: "parameters", found, needed }.into());
        }
        Ok(Self { setup, method, kind, falsified: None, scattered: None })
    }

    /// Multiplies the result of `formula` by `factor` wherever it is computed, to see that a promise breaks.
    #[must_use]
    pub fn falsify(mut self, formula: Formula, factor: f64) -> Self {
        self.falsified = Some((formula, factor));
        self
    }

    /// Adds noise of this size to the hidden layers' variables before every sweep, within what the method allows. Methods
    /// over subnetworks are not scattered.
    ///
    /// The lemmas hold from every such state, not only from those of a run, in which a formula may have nothing to do: DLAM's
    /// hidden z stay where a forward pass put them. What compares sweeps with each other or with the method is left out.
    #[must_use]
    pub fn scatter(mut self, size: f64) -> Self {
        self.scattered = Some(size);
        self
    }

    /// Scratch that each of the executor's workers needs.
    pub fn workspace<G: Gemm<f64>>(&self, gemm: &G) -> Requirement {
        let run = &self.setup.run;
        let own = self.method.workspace(run, gemm).or(self.method.approximation_workspace(run, gemm));
        if !matches!(self.kind, Kind::Local) {
            return own;
        }
        [Form::Primal, Form::Dual].into_iter().fold(own, |most, form| {
            let method = local::Auditor::in_form(&self.setup, form);
            most.or(method.map_or(Requirement::NONE, |(_, method)| method.workspace(run, gemm)))
        })
    }

    /// Follows the run to its end. The method runs on `executor`; everything that is recomputed, on the calling thread.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub fn run<E: Executor<f64>, G: Gemm<f64>>(
        &self,
        executor: &mut E,
        gemm: &G,
    ) -> altmin_core::Result<Report> {
        let method = self.method.clone();
        let (falsified, scattered) = (self.falsified, self.scattered);
        match self.kind {
            Kind::Local => local::Auditor::new(&self.setup, falsified).run(method, executor, gemm),
            Kind::Layerwise(layerwise) => {
                let training = Training::new(self.setup, method, executor, gemm);
                let partition = self.method.partition();
                layerwise::Auditor::new(layerwise, &self.setup, partition, falsified, scattered, gemm)?
                    .run(training)
            }
            Kind::Subnetworks(splitting) => {
                let training = Training::new(self.setup, method, executor, gemm);
                subnetworks::Auditor::new(splitting, &self.setup, falsified)?.run(training)
            }
        }
    }
}
