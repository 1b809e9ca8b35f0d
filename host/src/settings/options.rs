//! What a person said, on the command line or in a file.

use super::choice::{
    Convention, EpsilonRepair, EpsilonRule, Inner, Kernel, Method, Precision, StepRule, Use,
};
use super::penalty_schedule::{NuSchedule, RhoSchedule};
use super::resolved::Settings;
use super::values::{
    Batch, Classes, EpsilonBounds, Grow, Guard, Regularizer, Samples, Target, TimeLimit, Tolerance,
};
use crate::data::{DataSource, Labels};
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::cuts::Cuts;
use crate::network::init::Initializer;
use crate::network::names::{Activation, Loss};
use crate::network::widths::Widths;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The settings of `altmin train` that were given; the keys of a file are the flags without the dashes.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainOptions {
    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, or a .csv or .tsv file [default: digits]
    ///
    /// `digits` is in the program: 1,797 images of 8x8 pixels, split into 1,437 for training and 360 for testing.
    /// `fashion-mnist` is looked for where Debian's package dataset-fashion-mnist puts it. A folder holds the four
    /// files of MNIST under their usual names, plain or gzip (KMNIST's have the same names and format), or the binary files
    /// of CIFAR-10, data_batch_1.bin to data_batch_5.bin, as many as there are, and test_batch.bin, or of CIFAR-100,
    /// train.bin and test.bin, plain or gzip.
    ///
    /// A file whose name ends in .csv (cells separated by commas) or .tsv (by tabs) is a table with a row for each sample;
    /// --target says which columns are learnt, all others are features and must be numbers. Its first row is a header if it
    /// has text and no number above columns of numbers; without a header columns are named 1, 2, 3. A fifth of the rows,
    /// drawn by --seed, is for testing.
    #[arg(long, value_name = "NAME|DIR|FILE", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSource>,

    /// Columns of a CSV file that are learnt: names separated by commas as in a row of the file, or `last` [default: last]
    ///
    /// A name that no column has and that is a number counts the columns from 1; a name with a comma in it, or the name
    /// `last`, stands in double quotes. With --loss least-squares these columns are numbers, one output of the network for
    /// each, and what is shown as accuracy is the coefficient of determination, R^2 = 1 - SSE/SST: 1 for no error, 0 for
    /// what predicting the mean would do, below for worse. With cross-entropy there is one such column, of class names:
    /// text or integers.
    #[arg(long, value_name = "COLUMNS|last", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,

    /// Scale the columns of a CSV file, or the channels of images, to mean 0 and standard deviation 1
    /// [default: true for a CSV file, false for images]
    ///
    /// Of a CSV file features, and targets with --loss least-squares; of images each channel, over all its pixels. Mean and
    /// deviation are those of the training samples that are left when all choices are made, and are kept in the model, so that
    /// `evaluate` and `predict` do the same and `predict` gives the file's own units. A feature or channel that is constant
    /// is then an error.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Data"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<bool>,

    /// Which labels of CIFAR-100 are learnt [default: fine]
    #[arg(long, value_name = "LABELS", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,

    /// Average pooling over F x F pixels of each channel; 2 turns 28x28 into 14x14, the papers' 196 features, and CIFAR's
    /// 3x32x32 into 3x16x16, their 768 [default: 1]
    #[arg(long, value_name = "F", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<usize>,

    /// Train on the first N samples, or on `all` [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,

    /// Keep these classes alone, renumbered from 0 in this order: `0,1,2` or `all` [default: all]
    ///
    /// Classes of a CSV file are counted from 0 in the order of their names.
    #[arg(long, value_name = "LIST|all", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Classes>,

    /// Test on the last training samples instead of the test set, and do not train on them [default: false]
    ///
    /// This is how settings are chosen without looking at the test set. Of MNIST and other files the last 5,000 are set
    /// aside (images 55,001 to 60,000), of `digits` and of a CSV file the last fifth, of CIFAR
    /// whichever of these is fewer, before --classes and --samples choose from the rest.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Data"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout: Option<bool>,

    /// Seed of the initial weights and of the split of `digits` or of a CSV file [default: 0]
    #[arg(long, value_name = "S", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,

    /// Widths of the hidden layers: `100,100`, or `500x9` for nine of 500 [default: 100,100]
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Widths>,

    /// Blocks of the network, separated by commas, or `mlp WIDTHS`, `cnn`, `resnet N`, instead of --hidden
    ///
    /// `dense N`; `conv N KHxKW [same|pad P] [stride S]`; `maxpool SIZE [stride S]`; `avgpool SIZE [stride S]`, or `avgpool`
    /// for the mean of each channel; `flatten`; `residual N [stride S]`, two 3x3 convolutions around which the input is
    /// carried; `relu`, `leaky-relu[:K]`, `sigmoid`, `tanh`. The last one is `dense CLASSES`; short forms have it. mlp: `dense`
    /// and `relu` for each width. cnn and resnet: the networks of TSSM's section 3.2, `cnn` with 32 filters, 2x2 pooling and
    /// two dense 512, `resnet 24` with 64 channels and 24 residual pairs; `altmin info --network 'resnet 24'` shows the
    /// blocks. For gsadmm, gsam and the baselines gd, adagrad, adadelta and adam; of other methods layers are --hidden.
    #[arg(long, value_name = "BLOCKS", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Architecture>,

    /// Activation f of the hidden layers: `relu`, `leaky-relu` (slope 0.01), `leaky-relu:SLOPE`, `sigmoid` or `tanh`
    /// [default: relu]
    ///
    /// The update of z takes some forty times as long under sigmoid and tanh as under ReLU. The defaults of nu and rho
    /// were chosen with ReLU.
    #[arg(long, value_name = "F", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,

    /// Risk R of the output, summed over the samples [default: cross-entropy]
    ///
    /// cross-entropy: softmax cross-entropy, for classes. least-squares: half the squared distance to the one-hot label, or
    /// to the values in the --target columns of a CSV file.
    #[arg(long, value_name = "R", value_parser = loss_parser(), help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,

    /// Regulariser on the weights: `none`, `l1:LAMBDA` for LAMBDA |W|_1, `l2:LAMBDA` for LAMBDA/2 |W|^2 [default: none]
    ///
    /// It stands beside a risk that is summed over the samples, so LAMBDA grows with their number. l1 needs a step rule
    /// other than least-squares.
    #[arg(long, value_name = "OMEGA", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regularizer: Option<Regularizer>,

    /// Initial weights: `he`, `xavier`, `normal:SIGMA` or `identity` [default: he]
    ///
    /// Normal with variance 2 / n_in; uniform within sqrt(6 / (n_in + n_out)) of 0; normal with standard deviation
    /// SIGMA; 1 on the diagonal. Biases start at 0. `he` keeps the size of a signal through layers of ReLU, which is why
    /// it is the default. Under sigmoid and tanh neither it nor `xavier` was better throughout.
    #[arg(long, value_name = "INIT", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<Initializer>,

    /// Train the first K hidden layers for SWEEPS of the sweeps, then insert the others as identity, or `none`
    /// [default: none]
    ///
    /// Needs ReLU and equal widths from layer K on. Deep networks started all at once from random weights stall
    /// (pdADMM section III.B, last paragraph).
    #[arg(long, value_name = "K:SWEEPS|none", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grow: Option<Grow>,

    /// Order of the updates [default: pdadmm; with --network gsadmm]
    #[arg(long, value_name = "METHOD", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,

    /// Weight nu of the penalties |z - W p - b|^2 / 2 and |q - f(z)|^2 / 2 inside the network, above 0
    ///
    /// Small: the output layer fits the labels at once and the layers disagree for long. Large: layers stay consistent
    /// and every sweep moves little. The default depends on method and step rule; it was chosen on images 55,001 to
    /// 60,000 of MNIST, never on a test set.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nu: Option<f64>,

    /// Weight rho of the constraint with a dual variable, above 0
    ///
    /// pdADMM: ties each layer's input to the output before it; the objective falls for certain if
    /// rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2), s the activation's Lipschitz constant (Lemma 1). dlADMM: ties the
    /// last layer; rho > 2H, H = 1/2 for cross-entropy and 1 for least squares (Theorem 4.2). Below, a warning says so.
    /// The default depends on method and step rule and was chosen as nu's was.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,

    /// How nu goes on: `constant`, or `times:F:K[:LIMIT]`, nu *= F every K sweeps and not past LIMIT
    /// [default: constant]
    ///
    /// Continuation: sweeps 1 to K work with --nu. The duals are carried over, and a theorem goes on holding for the
    /// sweeps whose own nu and rho meet its condition: with a nu that grows, see to rho.
    #[arg(long, value_name = "SCHEDULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nu_schedule: Option<NuSchedule>,

    /// How rho goes on: `constant`, `times:F:K[:LIMIT]`, `rising:F` or `balance[:MU:TAU]` [default: constant]
    ///
    /// times: rho *= F every K sweeps and not past LIMIT; dlADMM's experiments (KDD 2019, section 5.1.2) take --nu 1e-6
    /// --rho 1e-6 --rho-schedule times:10:100. rising: rho *= F after a sweep in which the objective has risen. balance
    /// (pdADMM): rho *= TAU where the primal residual is above MU times the dual one, rho /= TAU where it is the other
    /// way round, MU = 10 and TAU = 2 unless said (Boyd et al. 2011, equation 3.13); it may leave Lemma 1's condition.
    /// A `times` that would leave the precision's range is refused; the others stop there.
    #[arg(long, value_name = "SCHEDULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho_schedule: Option<RhoSchedule>,

    /// How far the weights move in an update [default: least-squares, which needs the fewest sweeps]
    #[arg(long, value_name = "RULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepRule>,

    /// How far the inputs of the layers move in an update, by the same rules [default: as --step]
    #[arg(long, value_name = "RULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_step: Option<StepRule>,

    /// Damping of least-squares weights, above 0, in units of the mean eigenvalue of the inputs' covariance
    /// [default: 0.1]
    ///
    /// 0.1 to 1 served best; at 0.001 the weights fit the noise and test worse.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,

    /// Half the width epsilon of DLAM's intervals, h(z) - epsilon <= a <= h(z) + epsilon, above 0 [default: 0.01]
    ///
    /// With an --epsilon-rule other than fixed it is where the rule begins.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,

    /// How epsilon follows the mean risk from sweep to sweep [default: fixed]
    #[arg(long, value_name = "RULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_rule: Option<EpsilonRule>,

    /// What moves when epsilon shrinks [default: a]
    #[arg(long, value_name = "VARIABLE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_repair: Option<EpsilonRepair>,

    /// The two bounds of the epsilon rule, both above 0 [default: 0.01,1]
    #[arg(long, value_name = "LOW,HIGH", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_bounds: Option<EpsilonBounds>,

    /// DLAM: extrapolate every block after Nesterov, where the objective does not rise by it [default: false]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerate: Option<bool>,

    /// Length of the baselines' steps along the gradient of the mean risk, above 0
    ///
    /// The default depends on the method.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,

    /// Samples of a mini-batch, of which a sweep takes as many as cover the training set, or `all` [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,

    /// Cut the network into N subnetworks, balanced by the operations of their blocks [default: 2]
    ///
    /// Operations are counted, not timed, so that every run cuts at the same places. No cut is made between a linear block
    /// and the activation after it.
    #[arg(long, value_name = "N", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnetworks: Option<usize>,

    /// Cut the network after these blocks, counted from 1, such as `5,9`, instead of --subnetworks
    #[arg(long, value_name = "LIST", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cuts>,

    /// How weights step inside subnetworks [default: adam]
    ///
    /// sgd and adam take --learning-rate; proxprop takes --nu and --damping.
    #[arg(long, value_name = "RULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner: Option<Inner>,

    /// Means or sums over the samples [default: mean; with --inner proxprop sum]
    #[arg(long, value_name = "KIND", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convention: Option<Convention>,

    /// Weight alpha of a subnetwork's distance from its output, (alpha/2M)|q - f(p)|^2, above 0 [default: 1; with --inner
    /// proxprop 0.3]
    ///
    /// The paper has alpha = rho = 1 and --tau2 100 (TSSM section 3.2.1); its authors' program --rho 10 --tau2 10000.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,

    /// A subnetwork's input moves by its gradient over tau_2, above 0 [default: 100; with --inner proxprop
    /// 0.3]
    ///
    /// With sums and alpha = rho = tau_2 it comes to rest a gradient over alpha away from the output below.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau2: Option<f64>,

    /// Undo a subnetwork's epoch when its mean cost rises by more than X, 0 or above, or `none` [default: none; with --inner
    /// proxprop 0]
    ///
    /// The paper's authors have 0.1. Of proximal sweeps every step is guarded so, and its nu steered.
    #[arg(long, value_name = "X|none", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,

    /// The first N subnetworks keep their initial weights: the control that a split must beat [default: 0]
    #[arg(long, value_name = "N", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<usize>,

    /// After every epoch tell the error that comes of splitting, and Theorem 1's bound of it [default: false]
    ///
    /// The error is the difference between the risk of the whole network and that of the last subnetwork on its own input
    /// (TSSM, Theorem 1); the bound takes spectral norms from a power iteration, which approaches them from below: an
    /// estimate. With least squares, whose risk has no Lipschitz constant, it is not promised. Both are columns
    /// of metrics.csv and fields of --json; no variable of the run is touched.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<bool>,

    /// Number of sweeps at most, at least 1; a sweep updates every variable (dlADMM: twice) [default: 100]
    ///
    /// Of methods in mini-batches a sweep is an epoch.
    #[arg(long, value_name = "N", visible_alias = "epochs", help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none", alias = "epochs")]
    pub sweeps: Option<usize>,

    /// Stop when the primal and the dual residual are both at most X, or `none` [default: none]
    ///
    /// Not before the second sweep, nor the second after --grow: the first one starts where both are 0.
    #[arg(long, value_name = "X|none", allow_negative_numbers = true, help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,

    /// Stop after the sweep in which this much time has passed: `500ms`, `60s`, `5m`, `2h`, or `none` [default: none]
    #[arg(long, value_name = "TIME|none", help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<TimeLimit>,

    /// Threads; the result has the same bits for every number [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,

    /// Scalar type of the computation [default: f32]
    #[arg(long, value_name = "TYPE", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,

    /// Matrix product [default: fast]
    #[arg(long, value_name = "KERNEL", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
}

/// Every entry of `$high`, and `$low`'s where it has none.
macro_rules! merge {
    ($high:expr, $low:expr; $($field:ident),+ $(,)?) => {
        TrainOptions { $($field: $high.$field.or($low.$field)),+ }
    };
}

impl TrainOptions {
    /// The options of a file's text; `path` is for the message.
    ///
    /// # Errors
    /// [`Error::Argument`] with the line for a text that is no TOML, for an unknown key, and for a value that has
    /// another form.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let content = text.lines().nth(line - 1).unwrap_or_default().trim();
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            let found = format!("{}, line {line}: {content}", path.display());
            Error::argument("config", found, format!("settings as `train` writes them ({message})"))
        })
    }

    /// Checks that each of these options, given on the command line, has an effect on `settings`.
    ///
    /// # Errors
    /// [`Error::Argument`] names the one that has none.
    pub fn check_effect(&self, settings: &Settings) -> Result {
        let method = settings.method;
        let text = |value: Option<&dyn fmt::Display>| value.map(ToString::to_string);
        macro_rules! given {
            ($field:ident) => {
                text(self.$field.as_ref().map(|value| value as &dyn fmt::Display))
            };
        }
        let given = [
            ("nu", given!(nu), Use::Nu),
            ("rho", given!(rho), Use::Rho),
            ("nu-schedule", given!(nu_schedule), Use::NuSchedule),
            ("rho-schedule", given!(rho_schedule), Use::RhoSchedule),
            ("step", given!(step), Use::Steps),
            ("input-step", given!(input_step), Use::Steps),
            ("damping", given!(damping), Use::Damping),
            ("epsilon", given!(epsilon), Use::Epsilon),
            ("epsilon-rule", given!(epsilon_rule), Use::Epsilon),
            ("epsilon-repair", given!(epsilon_repair), Use::Epsilon),
            ("epsilon-bounds", given!(epsilon_bounds), Use::Epsilon),
            ("accelerate", given!(accelerate), Use::Epsilon),
            ("learning-rate", given!(learning_rate), Use::LearningRate),
            ("batch", given!(batch), Use::Batch),
            ("network", given!(network), Use::Network),
            ("subnetworks", given!(subnetworks), Use::Subnetworks),
            ("cut", given!(cut), Use::Subnetworks),
            ("inner", given!(inner), Use::Subnetworks),
            ("convention", given!(convention), Use::Subnetworks),
            ("alpha", given!(alpha), Use::Subnetworks),
            ("tau2", given!(tau2), Use::Subnetworks),
            ("guard", given!(guard), Use::Subnetworks),
            ("freeze", given!(freeze), Use::Subnetworks),
            ("diagnostics", given!(diagnostics), Use::Subnetworks),
        ];
        for (name, value, setting) in given {
            if let Some(value) = value.filter(|_| !settings.uses(setting)) {
                let inner = match method.uses(Use::Subnetworks) {
                    true => format!(" with inner {}", settings.inner),
                    false => String::new(),
                };
                let expected = format!("not to be given: the method {method}{inner} has no use for it");
                return Err(Error::argument(name, value, expected));
            }
        }
        match self.damping {
            Some(damping) if method.uses(Use::Steps) && settings.step != StepRule::LeastSquares => {
                let expected = format!("not to be given: the step rule {} has no damping", settings.step);
                Err(Error::argument("damping", damping, expected))
            }
            _ => Ok(()),
        }
    }

    /// These options, and those of `file` where these say nothing. A network takes the place of the file's layers, layers
    /// that of its network, and one way to cut that of the other.
    #[must_use]
    pub fn over(self, mut file: Self) -> Self {
        if self.network.is_some() {
            (file.hidden, file.activation, file.grow) = (None, None, None);
        }
        if self.hidden.is_some() {
            file.network = None;
        }
        if self.cut.is_some() {
            file.subnetworks = None;
        }
        if self.subnetworks.is_some() {
            file.cut = None;
        }
        merge!(self, file;
            data, target, scale, labels, pool, samples, classes, holdout, seed, hidden, network, activation, loss, regularizer,
            init, grow,
            method, nu, rho, nu_schedule, rho_schedule, step, input_step, damping, epsilon, epsilon_rule, epsilon_repair, epsilon_bounds,
            accelerate, learning_rate, batch, subnetworks, cut, inner, convention, alpha, tau2, guard, freeze, diagnostics, sweeps, tolerance, time_limit, threads, precision, kernel,
        )
    }
}

/// The losses by name, so that shells can complete them.
fn loss_parser() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(["cross-entropy", "least-squares"]).try_map(|name| name.parse::<Loss>())
}
