//! The update of a proximal weight nu by what its steps did, as Levenberg and Marquardt update their damping.
//!
//! With g = (true decrease)/(predicted decrease): a step that was undone multiplies nu by 4, one with g < 0.15 doubles it,
//! one with g > 0.5 divides it by 1.5.

/// What nu is multiplied by when a step is undone, when it fell short, and when it went well.
const REJECTED: f64 = 4.0;
const SHORT: f64 = 2.0;
const WELL: f64 = 1.0 / 1.5;

/// The shares of the predicted decrease below which a step fell short, and above which it went well.
const SHORT_SHARE: f64 = 0.15;
const WELL_SHARE: f64 = 0.5;

/// How far nu may move from its start, either way: beyond that steps are lost in rounding, or the output targets are
/// as good as the labels.
const NU_RANGE: f64 = 1e5;

/// nu after a step that was undone.
pub(super) fn after_rejection(nu: f64, start: f64) -> f64 {
    within(nu * REJECTED, start)
}

/// nu after a step that was kept.
pub(super) fn after_step(nu: f64, start: f64, decrease: f64, predicted: f64) -> f64 {
    let share = decrease / predicted;
    if share > WELL_SHARE {
        within(nu * WELL, start)
    } else if share < SHORT_SHARE {
        within(nu * SHORT, start)
    } else {
        nu
    }
}

fn within(nu: f64, start: f64) -> f64 {
    nu.clamp(start / NU_RANGE, start * NU_RANGE)
}
