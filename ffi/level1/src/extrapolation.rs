//! Nesterov's extrapolation of a block, taken only where the objective does not rise by it (DLAM, accelerated).

pub mod parameters;
pub mod variables;

use altmin_core::update::extrapolation;
use altmin_level1_macros::functions;

functions! {
    /// The momentum of Beck and Teboulle's FISTA, by which a block goes on as it went,
    /// y = x + beta (x - x_before): beta = (t - 1)/t_next, t_next = (1 + sqrt(1 + 4 t^2))/2.
    ///
    /// The functions of extrapolation keep a t for each part that decides for itself, a row of weights or a sample; it
    /// starts at 1, where beta is 0, and returns there wherever the objective would have risen.
    fn altmin_extrapolation_momentum<T>(t: positive)
        -> beta: f64 or NULL "the momentum", t_next: f64 or NULL "the next t" {
        let (beta, t_next) = extrapolation::momentum(t);
        (beta.to_f64(), t_next.to_f64())
    }
}
