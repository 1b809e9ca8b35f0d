//! Every method by its name: what a proof of all of them needs to know of each.

use altmin_core::Real;
use altmin_core::method::{Hyperparameters, Name};
use altmin_core::update::StepRule;

/// These settings, with the step rules that the method has.
pub(crate) fn fitting<T: Real>(name: Name, settings: Hyperparameters<T>) -> Hyperparameters<T> {
    let least_squares = StepRule::LeastSquares { damping: T::from_f64(0.1) };
    let is_solved = |rule| matches!(rule, StepRule::LeastSquares { .. });
    match name {
        // Activations are held in intervals.
        Name::Dlam if is_solved(settings.input_step) => {
            Hyperparameters { input_step: StepRule::Vector, ..settings }
        }
        // Every block is minimised.
        Name::Taylor => {
            let fit = |rule| if is_solved(rule) { rule } else { least_squares };
            Hyperparameters {
                weight_step: fit(settings.weight_step),
                input_step: fit(settings.input_step),
                ..settings
            }
        }
        _ => settings,
    }
}
