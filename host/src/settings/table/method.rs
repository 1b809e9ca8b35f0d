//! The method and what its updates need.

#[rustfmt::skip]
macro_rules! method_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Method" {

    /// Training method [default: proxprop]
    method: Method {
        arg(value_name = "METHOD", value_parser = parser::<Method>()),
        serde(with = "core_choice", default),
        default = Method::Proxprop,
    }

    /// Weight nu of the penalties |z - W p - b|^2 / 2 and |q - f(z)|^2 / 2 inside the network, above 0
    ///
    /// Small values fit the output layer to the labels quickly, while the layers stay inconsistent for long. Large values
    /// keep the layers consistent and make each sweep change little. The default depends on the method and its step rule; of
    /// proxprop in mini-batches it is the square of the number of linear maps, 20 times that for a CSV file without --shape, of local ten thirds of
    /// that number. It was chosen on images 55,001 to 60,000 of MNIST, not on a test set, and for CSV files on six tables.
    nu: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.method_defaults().nu, range = positive_number, effect = Use::Nu,
    }

    /// Weight rho of the constraint that has a dual variable, above 0
    ///
    /// pdADMM: the constraint couples each layer's input to the previous layer's output; the objective decreases if
    /// rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2), with s the Lipschitz constant of the activation (Lemma 1). dlADMM: the
    /// constraint is that of the last layer; the condition is rho > 2H, with H = 1/2 for cross-entropy and 1 for the
    /// others (Theorem 4.2). A warning is printed if the condition is not met. The default depends on the method and its
    /// step rule and was chosen as that of nu.
    rho: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = if of.splits() { of.inner_defaults().rho } else { of.method_defaults().rho },
        range = positive_number, effect = Use::Rho,
    }

    /// Schedule of nu: `constant`, or `times:F:K[:LIMIT]` to multiply nu by F every K sweeps, up to LIMIT
    /// [default: constant]
    ///
    /// Sweeps 1 to K use --nu. The dual variables are kept when nu changes. A theorem holds for the sweeps whose nu and rho
    /// meet its condition, so increase rho together with nu.
    nu_schedule: NuSchedule {
        arg(value_name = "SCHEDULE"),
        default = NuSchedule::Constant, effect = Use::NuSchedule,
    }

    /// Schedule of rho: `constant`, `times:F:K[:LIMIT]`, `rising:F` or `balance[:MU:TAU]` [default: constant]
    ///
    /// times: multiply rho by F every K sweeps, up to LIMIT; the experiments of dlADMM (KDD 2019, section 5.1.2) use --nu
    /// 1e-6 --rho 1e-6 --rho-schedule times:10:100. rising: multiply rho by F after a sweep in which the objective
    /// increased. balance (pdADMM): multiply rho by TAU if the primal residual exceeds MU times the dual residual, divide it
    /// by TAU in the opposite case, with defaults MU = 10 and TAU = 2 (Boyd et al. 2011, equation 3.13); rho may then violate
    /// the condition of Lemma 1. A `times` schedule that would leave the range of the precision is an error; the others stop
    /// at its limits.
    rho_schedule: RhoSchedule {
        arg(value_name = "SCHEDULE"),
        default = RhoSchedule::Constant, effect = Use::RhoSchedule,
    }

    /// Step rule of the weights [default: least-squares, which needs the fewest sweeps]
    step: StepRule {
        arg(value_name = "RULE", value_parser = parser::<StepRule>()),
        serde(with = "core_choice", default),
        default = StepRule::LeastSquares, effect = Use::Steps,
    }

    /// Step rule of the layers' inputs [default: as --step]
    input_step: StepRule {
        arg(value_name = "RULE", value_parser = parser::<StepRule>()),
        serde(with = "core_choice", default),
        default(of) = of.input_step_as_weights(), effect = Use::Steps,
    }

    /// Damping of least-squares weights, above 0, in units of the mean eigenvalue of the inputs' covariance
    /// [default: 0.1; 1 of local, and of proxprop in mini-batches]
    ///
    /// Values from 0.1 to 1 worked best; at 0.001 the weights overfit.
    damping: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.method_defaults().damping, range = positive_number, effect = Use::Damping,
    }

    /// Half the width epsilon of DLAM's intervals, h(z) - epsilon <= a <= h(z) + epsilon, above 0 [default: 0.01]
    ///
    /// With an --epsilon-rule other than fixed, this is the initial value.
    epsilon: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default = 0.01, range = positive_number, effect = Use::Epsilon,
    }

    /// Rule that adapts epsilon to the mean loss R after each sweep [default: fixed]
    epsilon_rule: EpsilonRule {
        arg(value_name = "RULE", value_parser = parser::<EpsilonRule>()),
        serde(with = "core_choice", default),
        default = EpsilonRule::Fixed, effect = Use::Epsilon,
    }

    /// Variable that is changed to stay feasible when epsilon shrinks [default: a]
    epsilon_repair: EpsilonRepair {
        arg(value_name = "VARIABLE", value_parser = parser::<EpsilonRepair>()),
        serde(with = "core_choice", default),
        default = EpsilonRepair::default(), effect = Use::Epsilon,
    }

    /// Bounds of the epsilon rule, both above 0 [default: 0.01,1]
    epsilon_bounds: EpsilonBounds as (f64, f64) {
        arg(value_name = "LOW,HIGH"),
        default = (0.01, 1.0), range = ascending, effect = Use::Epsilon,
    }

    /// DLAM: use Nesterov extrapolation in every update where it does not increase the objective [default: false]
    accelerate: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false, effect = Use::Epsilon,
    }

    /// Learning rate of the baselines, for the gradient of the mean loss, above 0
    ///
    /// The default depends on the method.
    learning_rate: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = if of.splits() { of.inner_defaults().learning_rate } else { of.method_defaults().learning_rate },
        range = positive_number, effect = Use::LearningRate,
    }

    /// Mini-batch size, or `all`; a sweep is one pass over the training set [default: 128 of proxprop and local, 120 of gsadmm
    /// and gsam but with --inner proxprop, else all]
    ///
    /// At most as many as there are training samples; a default above that is `all`.
    batch: Batch as Option<usize> {
        arg(value_name = "N|all"),
        default(of) = default_batch(of.method(), of.inner()),
        range = if_any(at_least_one), effect = Use::Batch,
    }

    /// Change every image at random each time that a mini-batch trains on it: `shift:N` moves it by up to N pixels up or down and
    /// left or right, `flip` mirrors every other one left for right; `shift:2,flip`, or `none` [default: none]
    ///
    /// For images, and for the methods that compute steps from mini-batches of the whole network or layer: the gradient methods,
    /// proxprop and local. It comes after --pool, --scale and whatever else is done to samples; what moves in is 0, with --scale
    /// the mean of the channel. The draws depend on --seed, the step and the place in the batch, so that the results are the same
    /// bits for every number of threads. Test samples are never changed, nor are training samples that --exact-metrics measures;
    /// without it loss and training accuracy are those of the changed images.
    augment: Augment as Option<ImageMoves> {
        arg(value_name = "MOVES|none"),
        default = None, range = if_any(some_move), effect = Use::Augmentation,
    }

    /// Share of the last step that the next one takes along, at least 0 and below 1 [default: 0.9 of proxprop and local, 0 of gd]
    momentum: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.method_defaults().momentum, range = share, effect = Use::Momentum,
    }

    /// Pass the training set through the network after every epoch of mini-batches for its loss and accuracy, and not take them
    /// from the passes that trained [default: false]
    ///
    /// The latter cost nothing, but each mini-batch is seen before its own step: at the beginning they lag behind. The test set is
    /// always passed after an epoch. Methods over subnetworks and full batches are always exact.
    exact_metrics: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false, effect = Use::Seen,
    }

    /// Pass the test set after every N mini-batches too, at least 1, or `none` [default: none]
    ///
    /// What is seen within an epoch goes to `evaluations.csv` of --out, and to --json. Seconds are those of training alone; weights do
    /// not depend on it.
    evaluate_every: EvaluateEvery as Option<usize> {
        arg(value_name = "N|none"),
        default = None, range = if_any(at_least_one), effect = Use::Seen, resume(_of) = true,
    }

    /// Nesterov's momentum of gradient descent: the gradient as it will be after the momentum's step [default: false]
    nesterov: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false, effect = Use::Nesterov,
    }

    /// Decoupled weight decay, at least 0: before each step the weights shrink by this times the step's length
    /// [default: 0; 0.01 of adamw, 1 of proxprop in mini-batches of a CSV file without --shape]
    ///
    /// The length is the learning rate, or 1/nu of proximal steps, which need a decay below nu, times the schedule's factor.
    weight_decay: f64 {
        arg(value_name = "X", allow_negative_numbers = true),
        default(of) = of.method_defaults().weight_decay, range = not_negative("a finite number, 0 or above"), effect = Use::WeightDecay,
    }

    /// Scale the gradient of a mini-batch down to this norm where it is longer, above 0, or `none` [default: none]
    clip: Clip as Option<f64> {
        arg(value_name = "NORM|none", allow_negative_numbers = true),
        default = None, range = if_any(positive_number), effect = Use::Clip,
    }

    /// How the steps of mini-batches shorten over the run: `constant`, `linear` or `cosine` [default: linear of proxprop and
    /// local, else constant]
    ///
    /// Step k of the K mini-batches of --sweeps sweeps is shorter by the factor 1 - k/K, or (1 + cos(pi k/K))/2. A proximal
    /// step is made shorter by a larger nu.
    step_schedule: StepSchedule {
        arg(value_name = "SCHEDULE", value_parser = parser::<StepSchedule>()),
        serde(with = "core_choice", default),
        default(of) = of.method_defaults().step_schedule, effect = Use::StepSchedule,
    }

    /// Sweeps, or part of one, over which the steps of mini-batches grow to their length, at least 0 [default: 0]
    warm_up: f64 {
        arg(value_name = "SWEEPS", allow_negative_numbers = true),
        default = 0.0, range = not_negative("a finite number, 0 or above"), effect = Use::StepSchedule,
    }

    /// How a dense map's least-squares step is solved for in mini-batches [default: auto]
    ///
    /// Both forms give the same step up to rounding: `primal` by a matrix of inputs x inputs, `dual` by one of samples x
    /// samples. Convolutions, whose samples are pixels, always take the primal form.
    form: Form {
        arg(value_name = "FORM", value_parser = parser::<Form>()),
        serde(with = "core_choice", default),
        default = Form::Auto, effect = Use::Form,
    }

    /// Carry the sums of the inputs of maps in the primal form: a mean over mini-batches with the factor BETA, renewed from
    /// every EVERY-th, or `none` [default: none; 0.9:10 with convolutions]
    ///
    /// Over the pixels of a batch the sums hardly differ from batch to batch, while they cost more than the step itself.
    carry: Carried as Option<Carry> {
        arg(value_name = "BETA:EVERY|none"),
        default(of) = of.method_defaults().carry, range = if_any(carry), effect = Use::Form,
    }

    } } };
}
