//! What is promised, and what was found.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A statement of a theorem, of a lemma, or of the documentation of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// The start is as the method asks.
    Start,
    /// The residual that is carried along is `W p + b - z`.
    CarriedResidual,
    /// An input's step ends where its model, or its objective, has gradient 0.
    InputStationary,
    /// An input's model lies above its objective.
    InputMajorised,
    /// An input's share of the descent.
    InputShare,
    /// A weights' step ends where its model, or its objective, has subgradient 0.
    WeightStationary,
    /// A weights' model lies above its objective.
    WeightMajorised,
    /// The weights' share of the descent; with least squares that of weights and bias.
    WeightShare,
    /// What least-squares weights report is their share.
    WeightReport,
    /// The bias has gradient 0.
    BiasStationary,
    /// The bias's share of the descent.
    BiasShare,
    /// A hidden z has subgradient 0.
    HiddenStationary,
    /// No point of a dense scan is better than a hidden z.
    HiddenGlobal,
    /// A hidden z's share of the descent.
    HiddenShare,
    /// The last z has gradient 0 up to the solver's bound.
    OutputStationary,
    /// The last z's share of the descent.
    OutputShare,
    /// q has gradient 0.
    CopyStationary,
    /// q's share of the descent.
    CopyShare,
    /// The dual steps as printed.
    DualStep,
    /// What the dual's step adds to the Lagrangian.
    DualShare,
    /// The dual as a function of the other variables.
    DualIdentity,
    /// What q and the dual do together.
    CopyAndDual,
    /// The descent of a whole sweep.
    Descent,
    /// The objective never rises from sweep to sweep.
    NeverRises,
    /// Every variable is within its interval.
    Feasible,
    /// The objective is bounded below.
    BoundedObjective,
    /// The variables are bounded.
    BoundedVariables,
    /// The subgradient is bounded by what moved.
    Subgradient,
    /// `k c_k` is bounded.
    Rate,
    /// The weights of subnetworks step batch by batch along their gradients.
    WeightBatches,
    /// The objective that is reported.
    Objective,
    /// The error of splitting that is reported.
    ApproximationError,
    /// The bound of that error that is reported.
    ApproximationBound,
    /// The error of splitting is within its bound.
    Approximation,
    /// The signal of a layer is the gradient of R at its own read-out.
    LocalSignal,
    /// A read-out's step ends where its problem has gradient 0.
    ReadoutStationary,
    /// All forms of a step are the same step.
    StepForms,
    /// What layers do at the same time has the bits of one after the other.
    Pipeline,
    /// The method makes the updates that were checked.
    Trainer,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What came of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every check was within its rounding.
    Held,
    /// One was not.
    Broken,
    /// The settings are outside the theorem's condition, whatever was found.
    NotPromised,
}

/// A number that JSON has no other word for than null is NaN.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// A promise and the worst that was found against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// Which one.
    pub name: Property,
    /// What came of it.
    pub verdict: Verdict,
    /// What it says.
    pub statement: String,
    /// Where it is from.
    pub source: String,
    /// Where the papers slip, and what is checked instead.
    pub departure: Option<String>,
    /// What the settings lack, where it is not promised.
    pub needs: Option<String>,
    /// The number of checks made.
    pub checks: usize,
    /// The largest violation, relative to the size of the numbers compared; 0 if there was none.
    #[serde(deserialize_with = "number")]
    pub violation: f64,
    /// What rounding may explain of it.
    #[serde(deserialize_with = "number")]
    pub allowed: f64,
    /// The sweep of the largest violation, from 1; 0 is the start.
    pub sweep: usize,
    /// Its layer, from 0; none where all layers are taken together.
    pub layer: Option<usize>,
    /// What else was found.
    pub detail: Option<String>,
}

impl Promise {
    /// A promise that has not been checked.
    pub(super) fn new(name: Property, statement: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Held,
            statement: statement.into(),
            source: source.into(),
            departure: None,
            needs: None,
            checks: 0,
            violation: 0.0,
            allowed: 0.0,
            sweep: 0,
            layer: None,
            detail: None,
        }
    }

    pub(super) fn departing(self, departure: impl Into<String>) -> Self {
        Self { departure: Some(departure.into()), ..self }
    }

    /// The promise under a condition: `needs` says what the settings lack, if they lack anything.
    pub(super) fn under(self, needs: Option<String>) -> Self {
        let verdict = if needs.is_some() { Verdict::NotPromised } else { self.verdict };
        Self { needs, verdict, ..self }
    }
}

/// Where a check was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sweep: usize,
    pub(super) layer: Option<usize>,
}

/// A tenth of the error of 1 % that a check must be able to find.
const MEANINGLESS: f64 = 1e-3;

/// All promises of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Promises {
    promises: Vec<Promise>,
}

impl Promises {
    pub(super) fn new(promises: Vec<Promise>) -> Self {
        Self { promises }
    }

    pub(super) fn into_list(self) -> Vec<Promise> {
        self.promises
    }

    fn get(&mut self, property: Property) -> &mut Promise {
        self.promises
            .iter_mut()
            .find(|promise| promise.name == property)
            .expect("every check has its promise")
    }

    /// Makes everything but `except` depend on what the settings lack.
    pub(super) fn withhold(&mut self, except: &[Property], needs: &str) {
        for promise in &mut self.promises {
            if !except.contains(&promise.name) {
                promise.verdict = Verdict::NotPromised;
                promise.needs = Some(needs.to_owned());
            }
        }
    }

    pub(super) fn set_detail(&mut self, property: Property, detail: String) {
        self.get(property).detail = Some(detail);
    }

    /// Enters a check of numbers of the size `scale`: by how much it failed, 0 if it did not, and how much rounding may
    /// explain, both absolute.
    ///
    /// What is not a number fails. A check that passes because rounding would explain more than [`MEANINGLESS`] says
    /// nothing and is not counted: the step of a variable that has come to rest is rounding itself.
    pub(super) fn record(
        &mut self,
        property: Property,
        place: Place,
        violation: f64,
        allowed: f64,
        scale: f64,
    ) {
        let promise = self.get(property);
        let excess = |violation: f64, allowed: f64| match violation {
            0.0 => 0.0,
            _ if violation.is_finite() => violation / allowed,
            _ => f64::INFINITY,
        };
        let found = excess(violation, allowed);
        // A violation of 0 is none, even where the numbers compared are 0 too.
        let relative = |x: f64| if x == 0.0 { 0.0 } else { x / scale };
        let (violation, allowed) = (relative(violation), relative(allowed));
        if found <= 1.0 && allowed > MEANINGLESS {
            return;
        }
        promise.checks += 1;
        let first = promise.checks == 1;
        if first || found.is_nan() || found > excess(promise.violation, promise.allowed) {
            (promise.violation, promise.allowed) = (violation, allowed);
            (promise.sweep, promise.layer) = (place.sweep, place.layer);
        }
        let within = found <= 1.0;
        if !within && promise.verdict == Verdict::Held {
            promise.verdict = Verdict::Broken;
        }
    }
}

/// The promises of a run, and what was found of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Promise by promise.
    pub promises: Vec<Promise>,
    /// How the run ended before its last sweep, if it did.
    pub stopped: Option<String>,
}

impl Report {
    /// Whether anything that was promised is broken.
    pub fn is_broken(&self) -> bool {
        self.promises.iter().any(|promise| promise.verdict == Verdict::Broken)
    }

    /// The promise of this name.
    pub fn promise(&self, name: Property) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.name == name)
    }
}
