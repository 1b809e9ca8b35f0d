//! Who watches a training from C.

use std::ffi::c_void;

use altmin::run::Metrics;

/// The state of a training after a sweep.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct altmin_metrics {
    /// Bytes that the library has filled.
    pub struct_size: usize,
    /// The sweep, counted from 1.
    pub sweep: usize,
    /// The method's own objective, regularisers included, risk summed over the samples.
    pub objective: f64,
    /// How far the constraint with a dual variable is from being met, as a norm.
    pub primal_residual: f64,
    /// The change of the variable on the constraint's other side, as a norm.
    pub dual_residual: f64,
    /// Mean risk of the network on the training samples; NaN, as the accuracies, after a sweep that altmin_trainer_set_metrics_every
    /// leaves without.
    pub loss: f64,
    /// Share of training samples that the network classifies rightly, 0 to 1; where values are learnt, R^2.
    pub train_accuracy: f64,
    /// The same of the test samples; NaN if there are none.
    pub test_accuracy: f64,
    /// Seconds that the sweeps have taken so far, without these numbers.
    pub seconds: f64,
}

/// Called after each sweep with its numbers, which are the callee's until it returns, and the context that it was set with.
/// Non-zero ends the call of altmin_trainer_step. It must return, and not by longjmp or an exception.
#[expect(non_camel_case_types, reason = "C's name of the type")]
pub type altmin_observer =
    Option<unsafe extern "C" fn(metrics: *const altmin_metrics, context: *mut c_void) -> i32>;

/// An observer and its context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callback {
    observer: altmin_observer,
    context: *mut c_void,
}

// SAFETY: the context is handed back to the caller, in the thread that the caller has chosen, and never looked at.
unsafe impl Send for Callback {}
// SAFETY: the same.
unsafe impl Sync for Callback {}

impl Default for Callback {
    fn default() -> Self {
        Self { observer: None, context: std::ptr::null_mut() }
    }
}

impl Callback {
    pub(crate) fn new(observer: altmin_observer, context: *mut c_void) -> Self {
        Self { observer, context }
    }

    /// Tells the observer, if there is one; whether it wants an end.
    ///
    /// # Safety
    /// The observer and its context are still what they were when they were set.
    pub(crate) unsafe fn wants_an_end(self, metrics: &Metrics) -> bool {
        let Some(observer) = self.observer else { return false };
        let metrics = altmin_metrics {
            struct_size: size_of::<altmin_metrics>(),
            sweep: metrics.sweep,
            objective: metrics.objective,
            primal_residual: metrics.primal_residual,
            dual_residual: metrics.dual_residual,
            loss: metrics.loss,
            train_accuracy: metrics.train_accuracy,
            test_accuracy: metrics.test_accuracy,
            seconds: metrics.seconds,
        };
        // SAFETY: the caller's promise is this function's.
        unsafe { observer(&raw const metrics, self.context) != 0 }
    }
}
