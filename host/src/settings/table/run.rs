//! When a run ends, and what it runs on.

#[rustfmt::skip]
macro_rules! run_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Stopping" {

    /// Maximum number of sweeps, at least 1; a sweep updates every variable (dlADMM: twice)
    /// [default: 100; 300 with --validation]
    ///
    /// For methods with mini-batches a sweep is an epoch.
    sweeps: usize {
        arg(value_name = "N", visible_alias = "epochs"),
        serde(alias = "epochs"),
        default(of) = if of.validation().is_some() { SWEEPS_WITH_PATIENCE } else { SWEEPS }, range = at_least_one,
        resume(of) = !of.uses(Use::StepSchedule) || of.step_schedule == StepSchedule::Constant,
    }

    /// Stop when the primal and the dual residual are both at most X, or `none` [default: none]
    ///
    /// Checked from the second sweep on, and from the second sweep after --grow: both residuals are 0 at the start.
    tolerance: Tolerance as Option<f64> {
        arg(value_name = "X|none", allow_negative_numbers = true),
        default = None, range = if_any(above_zero), resume(_of) = true,
    }

    /// Stop when N sweeps in a row have brought no better score on the samples set aside, or `none`
    /// [default: 20 with --validation, else none]
    ///
    /// Needs --validation or --holdout: a test set that says when to stop is no test. The score is that of --keep, whose default is then `best`.
    /// With --grow the sweeps count from the growth on.
    patience: Patience as Option<usize> {
        arg(value_name = "N|none"),
        default(of) = of.validation().map(|_| PATIENCE), range = if_any(at_least_one), resume(_of) = true,
    }

    /// Stop after the sweep that reaches this time: `500ms`, `60s`, `5m`, `2h`, or `none` [default: none]
    time_limit: TimeLimit as Option<Duration> {
        arg(value_name = "TIME|none"),
        default = None, range = if_any(some_time), resume(_of) = true,
    }

    } "Machine" {

    /// Number of threads; results are bit-identical for every number [default: all processors]
    threads: usize {
        arg(value_name = "N"),
        default = processors(), range = threads, resume(_of) = true,
    }

    /// Memory that a run may take: `2GB`, `500MiB`, or `available`, what the machine and the container have left
    /// [default: available]
    ///
    /// A run that needs more is refused before it begins, with what would fit. `altmin info` prints what a run takes.
    max_memory: MaxMemory as Option<usize> {
        arg(value_name = "SIZE|available"),
        default = None, range = if_any(at_least_one), resume(_of) = true,
    }

    /// Scalar type of the computation [default: f32]
    precision: Precision {
        arg(value_name = "TYPE"),
        default = Precision::F32,
    }

    /// Implementation of the matrix product [default: fast]
    kernel: Kernel {
        arg(value_name = "KERNEL"),
        default = Kernel::Fast,
    }

    } } };
}
