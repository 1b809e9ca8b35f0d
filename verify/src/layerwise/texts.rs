//! The promises that the methods have in common.

use altmin_core::method::Hyperparameters;
use altmin_core::update::StepRule;

use crate::plain::is_exact;
use crate::promise::{Promise, Property};

/// How a method writes its variables, and where its papers speak of the blocks.
pub(super) struct Notation {
    /// The input of a layer.
    pub(super) input: &'static str,
    /// The objective.
    pub(super) objective: &'static str,
    /// Where the input's step is from.
    pub(super) input_source: &'static str,
    /// Where its share is from.
    pub(super) input_share: &'static str,
    /// Where the weights' step is from.
    pub(super) weight_source: &'static str,
    /// Where its share is from.
    pub(super) weight_share: &'static str,
    /// Where the bias's step is from.
    pub(super) bias_source: &'static str,
    /// Where the hidden z is from.
    pub(super) hidden_source: &'static str,
    /// Where the last z is from.
    pub(super) output_source: &'static str,
    /// The weight of the residual in the bias's and the last z's share.
    pub(super) weight: &'static str,
}

/// The promises of the blocks that all methods have.
pub(super) fn blocks(settings: &Hyperparameters<f64>, notation: &Notation) -> Vec<Promise> {
    let mut promises = vec![
        Promise::new(
            Property::Start,
            "the run starts from a forward pass: the residuals are 0, and inputs are what the layers below say",
            "documentation",
        ),
        Promise::new(
            Property::CarriedResidual,
            "the residual that is carried from block to block is that of the variables",
            "documentation",
        ),
    ];
    promises.extend(inputs(settings, notation));
    promises.extend(weights(settings, notation));
    let Notation { objective, weight, .. } = notation;
    promises.extend([
        Promise::new(
            Property::BiasStationary,
            "the gradient in b is 0: rows of r sum to 0",
            notation.bias_source,
        ),
        Promise::new(
            Property::HiddenStationary,
            "0 is a subgradient in every entry of a hidden z",
            notation.hidden_source,
        ),
        Promise::new(
            Property::HiddenGlobal,
            "no point of a dense scan is better than a hidden z, which is a global minimiser",
            notation.hidden_source,
        ),
        Promise::new(
            Property::OutputStationary,
            "the gradient in the last z is within the solver's bound",
            notation.output_source,
        ),
        Promise::new(
            Property::OutputShare,
            format!("{objective} falls by at least ({weight}/2)|dz|^2 over the last z"),
            notation.output_source,
        ),
        Promise::new(
            Property::Trainer,
            "`train` makes the same sweep from the same state, to 1e-9",
            "documentation",
        ),
    ]);
    if !is_exact(settings.weight_step) {
        promises.push(
            Promise::new(
                Property::BiasShare,
                format!("{objective} falls by at least ({weight}/2) M |db|^2 over b"),
                notation.bias_source,
            )
            .departing("the papers print (w/2)|db|^2; a bias that M samples share has M times the curvature"),
        );
    }
    promises
}

fn inputs(settings: &Hyperparameters<f64>, notation: &Notation) -> Vec<Promise> {
    let Notation { input, objective, .. } = notation;
    if is_exact(settings.input_step) {
        return vec![
            Promise::new(
                Property::InputStationary,
                format!("the gradient in {input} is 0 after its exact step"),
                "documentation",
            ),
            Promise::new(
                Property::InputShare,
                format!("{objective} falls by (w/2)|W d{input}|^2 + (c/2)|d{input}|^2 over {input}"),
                notation.input_share,
            )
            .departing(format!(
                "the exact step, beyond the paper, has this share instead of (tau/2)|d{input}|^2"
            )),
        ];
    }
    let departure = "the paper prints a scalar tau: with one a sample the same holds sample by sample";
    let share = Promise::new(
        Property::InputShare,
        format!("{objective} falls by at least (tau/2)|d{input}|^2 over {input}"),
        notation.input_share,
    );
    let is_vector = settings.input_step == StepRule::Vector && *input == "p";
    vec![
        Promise::new(
            Property::InputStationary,
            format!("g + tau d{input} = 0 with the gradient g and the tau reported"),
            notation.input_source,
        ),
        Promise::new(
            Property::InputMajorised,
            format!("phi(new {input}) <= U(new {input}; tau)"),
            notation.input_source,
        ),
        if is_vector { share.departing(departure) } else { share },
    ]
}

fn weights(settings: &Hyperparameters<f64>, notation: &Notation) -> Vec<Promise> {
    let Notation { objective, .. } = notation;
    if is_exact(settings.weight_step) {
        return vec![
            Promise::new(
                Property::WeightStationary,
                "the gradient of the damped least-squares problem in W is 0, and so is that in b",
                "documentation",
            ),
            Promise::new(
                Property::WeightShare,
                format!(
                    "{objective} falls by (w/2)|change of r|^2 + w delta |dW|^2 + (lambda/2)|dW|^2 over (W, b)"
                ),
                notation.weight_share,
            )
            .departing("the joint step, beyond the paper, has this share instead of those of W and b"),
            Promise::new(Property::WeightReport, "the decrease that is reported is this share", "documentation"),
        ];
    }
    let departure = "the paper prints a scalar theta: with one a row the same holds row by row";
    let share = Promise::new(
        Property::WeightShare,
        format!("{objective} falls by at least (theta/2)|dW|^2 over W"),
        notation.weight_share,
    );
    let is_vector = settings.weight_step == StepRule::Vector && notation.input == "p";
    vec![
        Promise::new(
            Property::WeightStationary,
            "0 is a subgradient of <G, dW> + (theta/2)|dW|^2 + Omega(W) with the theta reported",
            notation.weight_source,
        ),
        Promise::new(Property::WeightMajorised, "phi(new W) <= U(new W; theta)", notation.weight_source),
        if is_vector { share.departing(departure) } else { share },
    ]
}
