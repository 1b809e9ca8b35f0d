//! How a network is split, and what goes on in and between its subnetworks.

#[rustfmt::skip]
macro_rules! subnetworks_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Method" {

    /// Split the network into N subnetworks, balanced by the operations of their blocks [default: 2]
    ///
    /// Operations are counted, not timed, so that every run splits at the same places. A linear block and the activation
    /// after it are never separated.
    subnetworks: usize {
        arg(value_name = "N"),
        default = 2, range = subnetworks, effect = Use::Subnetworks, when(of) = of.cut.is_none(),
    }

    /// Split the network after these blocks, counted from 1, such as `5,9`: into subnetworks, instead of --subnetworks, or into
    /// the layers of local [default of local: after the blocks that follow each linear one, before a flattening]
    cut: Cuts as Option<Cuts> {
        arg(value_name = "LIST"),
        default = None, range = if_any(ascending_cuts), effect = Use::Cuts,
    }

    /// Where the defaults of gsadmm and gsam come from [default: tuned]
    ///
    /// paper: --inner sgd --learning-rate 0.01 --convention mean --alpha 1 --rho 1 --tau2 100 (TSSM section 3.2.1).
    preset: Preset {
        arg(value_name = "NAME", value_parser = parser::<Preset>()),
        serde(with = "core_choice", default),
        default = Preset::default(), effect = Use::Subnetworks,
    }

    /// Optimizer inside subnetworks, or of the layers of local [default: adam, sgd with --preset paper; proxprop of local]
    ///
    /// sgd and adam use --learning-rate; proxprop uses --nu and --damping. With --batch and without --guard, proxprop takes
    /// the steps of --method proxprop in mini-batches inside each subnetwork, and uses --momentum and --step-schedule too.
    inner: Inner {
        arg(value_name = "RULE", value_parser = parser::<Inner>()),
        serde(with = "core_choice", default),
        default(of) = of.inner_of_method(), effect = Use::Inner,
    }

    /// Use means or sums over the samples in the objective [default: sum; mean with --preset paper]
    convention: Convention {
        arg(value_name = "KIND", value_parser = parser::<Convention>()),
        serde(with = "core_choice", default),
        default(of) = of.inner_defaults().convention, effect = Use::Subnetworks,
    }

    /// Weight alpha of the penalty (alpha/2M)|q - f(p)|^2 between a subnetwork and its output variable, above 0 [default: 0.1;
    /// 0.3 with --inner proxprop, 1 with --preset paper]
    ///
    /// The authors' program uses --convention mean --alpha 1 --rho 10 --tau2 10000.
    alpha: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.inner_defaults().alpha, range = positive_number,
        effect = Use::Subnetworks,
    }

    /// Inverse step size tau_2 of a subnetwork's input: it moves by its gradient divided by tau_2, above 0 [default: 0.1;
    /// 0.3 with --inner proxprop, 100 with --preset paper]
    ///
    /// With --convention sum and alpha = rho = tau_2, the input settles at a distance of its gradient divided by alpha from
    /// the output of the previous subnetwork.
    tau2: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.inner_defaults().tau, range = positive_number, effect = Use::Subnetworks,
    }

    /// Undo a subnetwork's epoch if its mean cost increases by more than X, at least 0, or `none` [default: none; 0 with
    /// --inner proxprop --batch all]
    ///
    /// The authors of the paper use 0.1. With --inner proxprop, every step is guarded in this way and its nu is adapted.
    guard: Guard as Option<f64> {
        arg(value_name = "X|none", allow_negative_numbers = true),
        default(of) = of.inner_defaults().guard, range = if_any(not_negative("a finite number, 0 or above, or none")),
        effect = Use::Subnetworks,
    }

    /// Keep the initial weights of the first N subnetworks, as a control experiment [default: 0]
    freeze: usize {
        arg(value_name = "N"),
        default = 0, effect = Use::Subnetworks,
    }

    /// Places along the shorter side of images at which the read-out of a layer of local sees the mean of a window, at least 1
    /// [default: 4]
    readout_grid: usize {
        arg(value_name = "N"),
        default = 4, range = at_least_one, effect = Use::Readouts,
    }

    /// Leave the read-outs of local out of the model file, which then holds the network alone [default: false]
    ///
    /// The network is the same without them; `predict --depth` and `evaluate --every-depth` need them.
    drop_readouts: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false, effect = Use::Readouts, resume(_of) = true,
    }

    /// Report the approximation error of splitting after every epoch, with the bound of Theorem 1 [default: false]
    ///
    /// The error is the difference between the loss of the whole network and that of the last subnetwork on its own input
    /// (TSSM, Theorem 1). The bound is an estimate: it uses spectral norms from a power iteration, which approaches them from
    /// below. It is not promised with least squares, which has no Lipschitz constant. Both are columns of metrics.csv and
    /// fields of --json. The run itself is not affected.
    diagnostics: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false, effect = Use::Subnetworks,
    }

    } } };
}
