//! The options of a run as given on the command line or in a file.

use super::choice::{Convention, EpsilonRepair, EpsilonRule, Inner, Kernel, Method, Precision, StepRule};
use super::core_choice;
use super::penalty_schedule::{NuSchedule, RhoSchedule};
use super::values::{Batch, Classes, EpsilonBounds, Grow, Guard, Samples, Target, TimeLimit, Tolerance};
use crate::data::{DataSource, Labels};
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::cuts::Cuts;
use crate::network::init::Initializer;
use crate::network::widths::Widths;
use altmin_core::{Activation, Loss, Regularizer};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The options of `altmin train`, each of which may be left out; the keys of a file are the options without dashes.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainOptions {
    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, or a .csv or .tsv file [default: digits]
    ///
    /// `digits` is built in: 1,797 images of 8x8 pixels, split into 1,437 for training and 360 for testing. `fashion-mnist`
    /// is read from where Debian's package dataset-fashion-mnist installs it. A folder contains the four files of MNIST under
    /// their usual names, plain or gzip (KMNIST has the same names and format), or the binary files of CIFAR-10
    /// (data_batch_1.bin to data_batch_5.bin, as many as there are, and test_batch.bin) or of CIFAR-100 (train.bin and
    /// test.bin), plain or gzip.
    ///
    /// A .csv file (cells separated by commas) or .tsv file (by tabs) is a table with one row per sample. --target names the
    /// columns to learn; all others are features and must be numeric. The first row is a header if it contains text and no
    /// number above numeric columns; without a header, columns are named 1, 2, 3. A fifth of the rows, drawn with --seed, is
    /// used for testing.
    #[arg(long, value_name = "NAME|DIR|FILE", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSource>,

    /// Columns of a CSV file to learn: names separated by commas as in a row of the file, or `last` [default: last]
    ///
    /// A number that is not the name of a column counts the columns from 1. A name that contains a comma, or is `last`, must
    /// be in double quotes. With --loss least-squares these columns are numeric, each is one output of the network, and the
    /// coefficient of determination is reported instead of accuracy: R^2 = 1 - SSE/SST, 1 for no error, 0 for predicting
    /// the mean, negative for worse. With cross-entropy there is one such column, of class names: text or integers.
    #[arg(long, value_name = "COLUMNS|last", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,

    /// Scale the columns of a CSV file, or the channels of images, to mean 0 and standard deviation 1
    /// [default: true for a CSV file, false for images]
    ///
    /// In a CSV file this applies to features, and to targets with --loss least-squares; in images to each channel, over all
    /// its pixels. Means and deviations are computed from the training samples that are used, and stored in the model, so
    /// that `evaluate` and `predict` apply the same scaling and `predict` returns the file's units. A constant feature or
    /// channel is an error.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Data"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<bool>,

    /// Labels of CIFAR-100 to learn [default: fine]
    #[arg(long, value_name = "LABELS", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,

    /// Average pooling over F x F pixels of each channel; 2 reduces 28x28 to 14x14, the 196 features of the papers, and
    /// CIFAR's 3x32x32 to 3x16x16, their 768 [default: 1]
    #[arg(long, value_name = "F", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<usize>,

    /// Train on the first N samples, or on `all` [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,

    /// Use only these classes, renumbered from 0 in this order: `0,1,2` or `all` [default: all]
    ///
    /// Classes of a CSV file are numbered from 0 in the order of their names.
    #[arg(long, value_name = "LIST|all", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Classes>,

    /// Test on the last training samples instead of the test set, and do not train on them [default: false]
    ///
    /// Use this to choose settings without looking at the test set. The last 5,000 samples of MNIST and other files are held
    /// out (images 55,001 to 60,000), the last fifth of `digits` and of a CSV file, and whichever is fewer for CIFAR, before
    /// --classes and --samples select from the rest.
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

    /// Widths of the hidden layers: `100,100`, or `500x9` for nine layers of 500 [default: 100,100]
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Widths>,

    /// Blocks of the network, separated by commas, or `mlp WIDTHS`, `cnn`, `resnet N`, instead of --hidden
    ///
    /// `dense N`; `conv N KHxKW [same|pad P] [stride S]`; `maxpool SIZE [stride S]`; `avgpool SIZE [stride S]`, or `avgpool`
    /// for the mean of each channel; `flatten`; `residual N [stride S]`, two 3x3 convolutions with a skip
    /// connection; an activation as in --activation. The last one is `dense CLASSES`; short forms have it. mlp: `dense`
    /// and `relu` for each width. cnn and resnet: the networks of TSSM's section 3.2, `cnn` with 32 filters, 2x2 pooling and
    /// two dense 512, `resnet 24` with 64 channels and 24 residual pairs; `altmin info --network 'resnet 24'` shows the
    /// blocks. For gsadmm, gsam and the baselines gd, adagrad, adadelta, adam, adamw and muon; other methods use
    /// --hidden.
    #[arg(long, value_name = "BLOCKS", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Architecture>,

    /// Activation f of the hidden layers [default: relu]
    ///
    /// The update of z takes about forty times as long with sigmoid and tanh as with ReLU. The defaults of nu and rho were
    /// chosen with ReLU.
    #[arg(long, value_name = "F", value_parser = core_choice::parser::<Activation<f64>>(), help_heading = "Network")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation<f64>>,

    /// Loss of the output, summed over the samples; R in formulas [default: cross-entropy]
    ///
    /// A loss for arbitrary values can learn numeric --target columns of a CSV file.
    #[arg(long, value_name = "R", value_parser = core_choice::parser::<Loss>(), help_heading = "Network")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,

    /// Regulariser Omega on the weights of each layer [default: none]
    ///
    /// It is added to a loss that is summed over the samples, so scale LAMBDA with their number. l1 needs a step rule other
    /// than least-squares.
    #[arg(long, value_name = "OMEGA", value_parser = core_choice::parser::<Regularizer<f64>>(), help_heading = "Network")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub regularizer: Option<Regularizer<f64>>,

    /// Initial weights: `he`, `xavier`, `normal:SIGMA` or `identity` [default: he]
    ///
    /// he: normal with variance 2 / n_in. xavier: uniform within sqrt(6 / (n_in + n_out)) of 0. normal: with standard
    /// deviation SIGMA. identity: 1 on the diagonal. Biases start at 0. `he` preserves the scale of signals through ReLU
    /// layers. With sigmoid and tanh, neither `he` nor `xavier` was consistently better.
    #[arg(long, value_name = "INIT", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<Initializer>,

    /// Train the first K hidden layers for SWEEPS sweeps, then insert the others as identity layers; or `none`
    /// [default: none]
    ///
    /// Requires ReLU and equal widths from layer K on. Deep networks that start from random weights in all layers stall
    /// (pdADMM section III.B, last paragraph).
    #[arg(long, value_name = "K:SWEEPS|none", help_heading = "Network")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grow: Option<Grow>,

    /// Training method [default: pdadmm; gsadmm with --network]
    #[arg(long, value_name = "METHOD", value_parser = core_choice::parser::<Method>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,

    /// Weight nu of the penalties |z - W p - b|^2 / 2 and |q - f(z)|^2 / 2 inside the network, above 0
    ///
    /// Small values fit the output layer to the labels quickly, while the layers stay inconsistent for long. Large values
    /// keep the layers consistent and make each sweep change little. The default depends on the method and its step rule; it
    /// was chosen on images 55,001 to 60,000 of MNIST, not on a test set.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nu: Option<f64>,

    /// Weight rho of the constraint that has a dual variable, above 0
    ///
    /// pdADMM: the constraint couples each layer's input to the previous layer's output; the objective decreases if
    /// rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2), with s the Lipschitz constant of the activation (Lemma 1). dlADMM: the
    /// constraint is that of the last layer; the condition is rho > 2H, with H = 1/2 for cross-entropy and 1 for least
    /// squares (Theorem 4.2). A warning is printed if the condition is not met. The default depends on the method and its
    /// step rule and was chosen as that of nu.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,

    /// Schedule of nu: `constant`, or `times:F:K[:LIMIT]` to multiply nu by F every K sweeps, up to LIMIT
    /// [default: constant]
    ///
    /// Sweeps 1 to K use --nu. The dual variables are kept when nu changes. A theorem holds for the sweeps whose nu and rho
    /// meet its condition, so increase rho together with nu.
    #[arg(long, value_name = "SCHEDULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nu_schedule: Option<NuSchedule>,

    /// Schedule of rho: `constant`, `times:F:K[:LIMIT]`, `rising:F` or `balance[:MU:TAU]` [default: constant]
    ///
    /// times: multiply rho by F every K sweeps, up to LIMIT; the experiments of dlADMM (KDD 2019, section 5.1.2) use --nu
    /// 1e-6 --rho 1e-6 --rho-schedule times:10:100. rising: multiply rho by F after a sweep in which the objective
    /// increased. balance (pdADMM): multiply rho by TAU if the primal residual exceeds MU times the dual residual, divide it
    /// by TAU in the opposite case, with defaults MU = 10 and TAU = 2 (Boyd et al. 2011, equation 3.13); rho may then violate
    /// the condition of Lemma 1. A `times` schedule that would leave the range of the precision is an error; the others stop
    /// at its limits.
    #[arg(long, value_name = "SCHEDULE", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho_schedule: Option<RhoSchedule>,

    /// Step rule of the weights [default: least-squares, which needs the fewest sweeps]
    #[arg(long, value_name = "RULE", value_parser = core_choice::parser::<StepRule>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepRule>,

    /// Step rule of the layers' inputs [default: as --step]
    #[arg(long, value_name = "RULE", value_parser = core_choice::parser::<StepRule>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub input_step: Option<StepRule>,

    /// Damping of least-squares weights, above 0, in units of the mean eigenvalue of the inputs' covariance
    /// [default: 0.1]
    ///
    /// Values from 0.1 to 1 worked best; at 0.001 the weights overfit.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,

    /// Half the width epsilon of DLAM's intervals, h(z) - epsilon <= a <= h(z) + epsilon, above 0 [default: 0.01]
    ///
    /// With an --epsilon-rule other than fixed, this is the initial value.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,

    /// Rule that adapts epsilon to the mean loss R after each sweep [default: fixed]
    #[arg(long, value_name = "RULE", value_parser = core_choice::parser::<EpsilonRule>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub epsilon_rule: Option<EpsilonRule>,

    /// Variable that is changed to stay feasible when epsilon shrinks [default: a]
    #[arg(long, value_name = "VARIABLE", value_parser = core_choice::parser::<EpsilonRepair>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub epsilon_repair: Option<EpsilonRepair>,

    /// Bounds of the epsilon rule, both above 0 [default: 0.01,1]
    #[arg(long, value_name = "LOW,HIGH", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_bounds: Option<EpsilonBounds>,

    /// DLAM: use Nesterov extrapolation in every update where it does not increase the objective [default: false]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerate: Option<bool>,

    /// Learning rate of the baselines, for the gradient of the mean loss, above 0
    ///
    /// The default depends on the method.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,

    /// Mini-batch size, or `all`; a sweep is one pass over the training set [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,

    /// Split the network into N subnetworks, balanced by the operations of their blocks [default: 2]
    ///
    /// Operations are counted, not timed, so that every run splits at the same places. A linear block and the activation
    /// after it are never separated.
    #[arg(long, value_name = "N", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnetworks: Option<usize>,

    /// Split the network after these blocks, counted from 1, such as `5,9`, instead of --subnetworks
    #[arg(long, value_name = "LIST", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cuts>,

    /// Optimizer inside subnetworks [default: adam]
    ///
    /// sgd and adam use --learning-rate; proxprop uses --nu and --damping.
    #[arg(long, value_name = "RULE", value_parser = core_choice::parser::<Inner>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<Inner>,

    /// Use means or sums over the samples in the objective [default: mean; sum with --inner proxprop]
    #[arg(long, value_name = "KIND", value_parser = core_choice::parser::<Convention>(), help_heading = "Method")]
    #[serde(with = "core_choice", default, skip_serializing_if = "Option::is_none")]
    pub convention: Option<Convention>,

    /// Weight alpha of the penalty (alpha/2M)|q - f(p)|^2 between a subnetwork and its output variable, above 0 [default: 1;
    /// 0.3 with --inner proxprop]
    ///
    /// The paper uses alpha = rho = 1 and --tau2 100 (TSSM section 3.2.1); its authors' program uses --rho 10 --tau2 10000.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,

    /// Inverse step size tau_2 of a subnetwork's input: it moves by its gradient divided by tau_2, above 0 [default: 100;
    /// 0.3 with --inner proxprop]
    ///
    /// With --convention sum and alpha = rho = tau_2, the input settles at a distance of its gradient divided by alpha from
    /// the output of the previous subnetwork.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau2: Option<f64>,

    /// Undo a subnetwork's epoch if its mean cost increases by more than X, at least 0, or `none` [default: none; 0 with
    /// --inner proxprop]
    ///
    /// The authors of the paper use 0.1. With --inner proxprop, every step is guarded in this way and its nu is adapted.
    #[arg(long, value_name = "X|none", allow_negative_numbers = true, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,

    /// Keep the initial weights of the first N subnetworks, as a control experiment [default: 0]
    #[arg(long, value_name = "N", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<usize>,

    /// Report the approximation error of splitting after every epoch, with the bound of Theorem 1 [default: false]
    ///
    /// The error is the difference between the loss of the whole network and that of the last subnetwork on its own input
    /// (TSSM, Theorem 1). The bound is an estimate: it uses spectral norms from a power iteration, which approaches them from
    /// below. It is not promised with least squares, which has no Lipschitz constant. Both are columns of metrics.csv and
    /// fields of --json. The run itself is not affected.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        hide_possible_values = true, help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<bool>,

    /// Maximum number of sweeps, at least 1; a sweep updates every variable (dlADMM: twice) [default: 100]
    ///
    /// For methods with mini-batches a sweep is an epoch.
    #[arg(long, value_name = "N", visible_alias = "epochs", help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none", alias = "epochs")]
    pub sweeps: Option<usize>,

    /// Stop when the primal and the dual residual are both at most X, or `none` [default: none]
    ///
    /// Checked from the second sweep on, and from the second sweep after --grow: both residuals are 0 at the start.
    #[arg(long, value_name = "X|none", allow_negative_numbers = true, help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,

    /// Stop after the sweep that reaches this time: `500ms`, `60s`, `5m`, `2h`, or `none` [default: none]
    #[arg(long, value_name = "TIME|none", help_heading = "Stopping")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<TimeLimit>,

    /// Number of threads; results are bit-identical for every number [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,

    /// Scalar type of the computation [default: f32]
    #[arg(long, value_name = "TYPE", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,

    /// Implementation of the matrix product [default: fast]
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
            Error::argument("config", found, format!("settings as written by `train` ({message})"))
        })
    }

    /// These options, and those of `file` where these are missing. A network replaces the file's layers and layers its
    /// network, and one way to split the network replaces the other.
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
