//! What DLAM needs to know beside the data.

use crate::activation::Activation;
use crate::choice::choice;
use crate::error::{Error, Result, require_positive};
use crate::loss::{Loss, OutputSolver};
use crate::method::Steps;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::update::StepRule;

/// What moves where `|h(z) - a| <= epsilon` no longer holds because epsilon has shrunk. F may rise by either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Repair {
    /// `a` moves to the nearest end of `h(z) -+ epsilon`, and the residual above follows by a product; z and the
    /// layer's own residual stay.
    #[default]
    Activations,
    /// `z` moves to the nearest point of the preimage of `a -+ epsilon`, as the paper's next step of equation 4 does,
    /// and the layer's own residual follows elementwise. Only where no finite z serves, because `a` is too far from
    /// the range of h, `a` moves after it.
    Linear,
}

choice! { Repair, "epsilon-repair":
    Activations, 0, "a",
        "Activations: hidden layers that start from a forward pass do not change";
    Linear, 1, "z",
        "Linear variables, as in the next step of the paper: hidden layers learn from it";
}

/// What DLAM needs to know beside the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<T> {
    /// Weight of the linear penalties, above 0. Convergence does not depend on it.
    pub rho: T,
    /// Half the width of the intervals `|h(z) - a| <= epsilon`, above 0.
    pub epsilon: T,
    /// How weights and bias step (Algorithm 2): all four rules.
    pub weight_step: StepRule<T>,
    /// How the activations step (Algorithm 3): `vector`, `scalar` or `backtracking`.
    pub input_step: StepRule<T>,
    /// The hidden layers' activation h, increasing (the paper's Assumption 1).
    pub activation: Activation<T>,
    /// The risk R, summed over samples.
    pub loss: Loss,
    /// How equation 5 is solved.
    pub solver: OutputSolver,
    /// Omega, on every layer's weights.
    pub regularizer: Regularizer<T>,
    /// What moves when epsilon shrinks.
    pub repair: Repair,
    /// Nesterov's extrapolation of every block, where F does not rise by it. One product a layer more, and a, z and W
    /// are stored twice.
    pub accelerate: bool,
}

impl<T: Real> Settings<T> {
    /// `Ok` when every number is in its range, the weights' step rule can serve the regulariser (l1 has no least-squares
    /// step), and the activations' rule is a step along the gradient, which can be clipped.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting); `input step` for least-squares activations.
    pub fn validate(&self) -> Result {
        require_positive("rho", self.rho.to_f64())?;
        require_positive("epsilon", self.epsilon.to_f64())?;
        self.activation.validate()?;
        self.steps().validate()?;
        match self.input_step {
            StepRule::LeastSquares { damping } => Err(Error::Setting {
                name: "input step",
                found: damping.to_f64(),
                expected: "vector, scalar or backtracking: activations are held in intervals",
            }),
            StepRule::Vector | StepRule::Scalar | StepRule::Backtracking { .. } => Ok(()),
        }
    }

    /// How a layer steps.
    pub fn steps(&self) -> Steps<T> {
        let Self { weight_step, input_step, regularizer, .. } = *self;
        Steps { weights: weight_step, inputs: input_step, regularizer }
    }
}
