//! Every method by its name: what a proof of all of them needs to know of each.

use altmin_core::method::{Hyperparameters, Name, Use};
use altmin_core::update::StepRule;
use altmin_core::{Real, Regularizer};

/// These settings, but for the step rules and regularisers that the method does not have.
pub(crate) fn fitting<T: Real>(name: Name, mut settings: Hyperparameters<T>) -> Hyperparameters<T> {
    let is_solved = |rule: &StepRule<T>| matches!(rule, StepRule::LeastSquares { .. });
    match name {
        // Activations are held in intervals.
        Name::Dlam if is_solved(&settings.input_step) => settings.input_step = StepRule::Vector,
        // Every block is minimised.
        Name::Taylor => {
            let least_squares = StepRule::LeastSquares { damping: T::from_f64(0.1) };
            for rule in [&mut settings.weight_step, &mut settings.input_step] {
                *rule = if is_solved(rule) { *rule } else { least_squares };
            }
        }
        _ => {}
    }
    let is_solved = is_solved(&settings.weight_step);
    match settings.regularizer {
        Regularizer::L1(_) if is_solved || !name.card().uses.contains(&Use::L1) => {
            settings.regularizer = Regularizer::None;
        }
        // Subnetworks have none.
        _ if name.card().uses.contains(&Use::Subnetworks) => settings.regularizer = Regularizer::None,
        _ => {}
    }
    settings
}
