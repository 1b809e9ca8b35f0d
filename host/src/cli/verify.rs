//! `altmin verify`.

use super::failure::{FAILED, Failure};
use super::interrupt::Interrupt;
use super::output;
use crate::data::{self, DataOptions, Dataset, Split};
use crate::error::Error;
use crate::network::Network;
use crate::report::promises::Promises;
use crate::run::engine::NORM_ROUNDS;
use crate::run::executor::{Parallel, Threads};
use crate::run::folder::CONFIG;
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::core_choice::as_text;
use crate::settings::{
    Batch, Method, NuSchedule, Precision, RhoSchedule, Samples, SetAside, Settings, TrainOptions, Use, Widths,
};
use altmin_core::block::Network as CoreNetwork;
use altmin_core::method::{Problem, Run};
use altmin_verify::{METHODS, Order, Promise, Report, Setup, Verdict, Verification};
use clap::Args;
use clap::builder::StyledStr;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// Default number of samples, and of mini-batches per epoch where the network is cut.
const SAMPLES: usize = 200;
const BATCHES: usize = 4;

/// Check on a run that the theorems' promises hold
///
/// Follows a run in double precision, update by update, recomputes objectives, gradients and step parameters, and reports
/// for each promise whether it held, with the largest violation. Settings are those of `train`, with defaults of 200
/// samples, or all if there are fewer, hidden layers 20,20, 40 sweeps, and four mini-batches per epoch for subnetworks and
/// local. Where the settings do not meet a theorem's condition, its promises are reported as not promised, with the
/// condition. Without --method, every method with theorems is checked.
///
/// With --run the settings are those of a run, and what is found is kept in its folder for `altmin report`.
///
/// Exit codes: 0 everything promised held, 1 something did not, 2 usage error.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    options: TrainOptions,

    /// Check the promises of the run in this folder, with its settings, and keep what is found in it as verify.json
    ///
    /// `altmin report` shows it. Options given here override the run's settings, and the page says which of them differ: the checks
    /// are in double precision, and follow every variable of every sample, so --samples and --sweeps make those of a large run
    /// shorter. The run begins anew from drawn weights.
    #[arg(long, value_name = "RUN", conflicts_with = "method")]
    run: Option<PathBuf>,

    /// Print JSON lines to stdout, one object per promise, instead of a report
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Defaults that are not those of `train`.
const DEFAULTS: [(&str, &str); 6] = [
    ("method", "every method with theorems"),
    ("samples", "200, or all if there are fewer"),
    ("hidden", "20,20"),
    ("batch", "a quarter of the samples for gsadmm, gsam and local, else all"),
    ("sweeps", "40"),
    ("precision", "f64"),
];

/// What has no effect on a check, and is refused.
const WITHOUT_EFFECT: [&str; 11] = [
    "weights",
    "class_weights",
    "validation",
    "augment",
    "diagnostics",
    "tolerance",
    "patience",
    "time_limit",
    "checkpoint_every",
    "keep",
    "max_memory",
];

/// The command with the defaults that it has.
pub(super) fn finished(command: clap::Command) -> clap::Command {
    let command = WITHOUT_EFFECT
        .into_iter()
        .fold(command, |command, name| command.mut_arg(name, |argument| argument.hide(true)));
    DEFAULTS.into_iter().fold(command, |command, (name, default)| {
        command.mut_arg(name, |argument| {
            let own = |help: &StyledStr| with_default(&help.to_string(), default);
            let (short, long) = (argument.get_help().map(own), argument.get_long_help().map(own));
            let argument = argument.help(short.unwrap_or_default());
            match long {
                Some(long) => argument.long_help(long),
                None => argument,
            }
        })
    })
}

/// A help text with another default in its first paragraph.
fn with_default(help: &str, default: &str) -> String {
    let (first, rest) = help.split_at(help.find("\n\n").unwrap_or(help.len()));
    let text = first.find(" [default").map_or(first, |start| &first[..start]);
    format!("{text} [default: {default}]{rest}")
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Self { options, run, json } = self;
        refuse_without_effect(&options, run.is_some())?;
        let options = match &run {
            Some(run) => of_run(options, run)?,
            None => options,
        };
        let methods = options.method.map_or(METHODS.to_vec(), |method| vec![method]);
        let mut all: Vec<Settings> =
            methods.into_iter().map(|method| settings(&options, method)).collect::<Result<_, Error>>()?;
        let interrupt = Interrupt::on_signals()?;
        let counted = options.samples.as_ref().is_some_and(|samples| samples.0.is_some());
        if let Some(first) = all.first().filter(|_| !counted) {
            let count = training_samples(first)?;
            all.iter_mut().for_each(|settings| fit_defaults(settings, &options, count));
        }
        let mut broken = false;
        for settings in all {
            if interrupt.stop().load(Ordering::Relaxed) {
                return Ok(ExitCode::from(interrupt.exit_code()));
            }
            let Split { train, .. } = data::load_split::<f64>(&settings.data, &settings.data_options())?;
            let network = plan::network(&settings, &train)?;
            let report = verify(&settings, &train, &network)?;
            broken |= report.is_broken();
            let title = title(&settings, &train, &network);
            if let Some(run) = &run {
                Promises::of(&title, &settings, &report)?.write(run)?;
            }
            if json {
                print_lines(settings.method, &report)?;
            } else {
                output::print(&text(&title, &report))?;
            }
        }
        Ok(if broken { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }
}

/// The settings of a run, with the options given over them, without what has no effect on a check.
fn of_run(options: TrainOptions, run: &Path) -> Result<TrainOptions, Error> {
    let config = run.join(CONFIG);
    if !config.is_file() {
        return Err(Error::argument("run", run.display(), "a folder written by `altmin train --out`"));
    }
    let file = super::train::options(&config)?;
    let all = Samples(None);
    let own = options.clone().over(file.clone()).resolve()?;
    options.check_effect(&own)?;
    let merged = options.over(file);
    Ok(TrainOptions {
        samples: merged.samples.or(Some(all)),
        weights: None,
        diagnostics: None,
        tolerance: None,
        patience: None,
        time_limit: None,
        checkpoint_every: None,
        keep: None,
        max_memory: None,
        ..merged
    })
}

/// The settings of one method. Where all methods are checked it may not use some of those given; alone it must use all.
fn settings(options: &TrainOptions, method: Method) -> Result<Settings, Error> {
    let samples = options.samples.clone().unwrap_or(Samples(Some(SAMPLES)));
    let cut = method.card().uses(Use::Cuts);
    let batch = cut.then(|| Batch(Some(samples.0.unwrap_or(SAMPLES).div_ceil(BATCHES))));
    let hidden = options.network.is_none().then(|| Widths(vec![20, 20]));
    let given = TrainOptions {
        method: Some(method),
        // A run without samples set aside says so in its settings.
        validation: options.validation.clone().or(Some(SetAside(None))),
        samples: Some(samples),
        hidden: options.hidden.clone().or(hidden),
        batch: options.batch.clone().or(batch),
        sweeps: options.sweeps.or(Some(40)),
        precision: Some(Precision::F64),
        ..options.clone()
    };
    let settings = given.resolve()?;
    if options.method.is_some() {
        if !METHODS.contains(&method) {
            let names = METHODS.map(|method| method.to_string()).join(", ");
            return Err(Error::argument(
                "method",
                method,
                format!("a method of which something is promised: {names}"),
            ));
        }
        options.check_effect(&settings)?;
    }
    refuse_changes(&settings)?;
    Ok(settings)
}

/// How many training samples there are, all told.
fn training_samples(settings: &Settings) -> Result<usize, Error> {
    let options = DataOptions { samples: None, ..settings.data_options() };
    Ok(data::load::<f64>(&settings.data, &options)?.0.n_samples())
}

/// Fits what was not given to a data set of so many training samples.
fn fit_defaults(settings: &mut Settings, options: &TrainOptions, count: usize) {
    let samples = settings.samples.map_or(count, |samples| samples.min(count));
    settings.samples = settings.samples.and(Some(samples));
    if options.batch.is_none() && settings.uses(Use::Cuts) {
        settings.batch = Some(samples.div_ceil(BATCHES));
    }
}

/// Refuses what changes the objective during a run.
fn refuse_changes(settings: &Settings) -> Result<(), Error> {
    if settings.grow.is_some() {
        let expected = "none: each of the two networks would have to be verified by itself";
        return Err(Error::argument("grow", "given", expected));
    }
    if let Some(moves) = settings.augment {
        let expected = "none: what is promised is about the samples as they are";
        return Err(Error::argument("augment", moves, expected));
    }
    if let Some(weights) = &settings.class_weights {
        let expected = "none: what is promised is checked for samples that count alike";
        return Err(Error::argument("class-weights", weights, expected));
    }
    let constant = "constant: the theorems are about one objective";
    if settings.nu_schedule != NuSchedule::Constant {
        return Err(Error::argument("nu-schedule", settings.nu_schedule, constant));
    }
    if settings.rho_schedule != RhoSchedule::Constant {
        return Err(Error::argument("rho-schedule", settings.rho_schedule, constant));
    }
    Ok(())
}

/// Follows the run of these settings.
fn verify(settings: &Settings, train: &Dataset<f64>, network: &Network) -> Result<Report, Error> {
    plan::require_loss(settings, train)?;
    let (blocks, cuts) = (network.blocks_in::<f64>(), plan::cuts(settings, network)?);
    let parameters = plan::initial_parameters(settings, network)?;
    let order = plan::batches(settings).map(|batches| {
        move |epoch: usize| {
            let mut order = vec![0; train.n_samples()];
            batches.draw(epoch as u32, &mut order);
            order
        }
    });
    let verification = Verification::new(Setup {
        method: settings.method,
        hyperparameters: settings.hyperparameters(),
        run: Run {
            network: CoreNetwork::new(&blocks, network.input())?,
            cuts: &cuts,
            problem: Problem { x: train.matrix(), target: train.target() },
        },
        parameters: &parameters,
        sweeps: settings.sweeps,
        epsilon_rule: settings.epsilon_rule(),
        order: order.as_ref().map(|order| order as Order<'_>),
        norm_rounds: NORM_ROUNDS,
    })?;
    let gemm = AnyGemm::of(settings.kernel);
    let mut executor = Parallel::new(settings.threads, verification.workspace(&gemm))?;
    Ok(Threads::new(settings.threads)?.enter(|| verification.run(&mut executor, &gemm))?)
}

/// Refuses settings of `train` that make no sense here.
fn refuse_without_effect(options: &TrainOptions, of_run: bool) -> Result<(), Error> {
    if options.precision == Some(Precision::F32) {
        return Err(Error::argument("precision", Precision::F32, "f64, the precision of the checks"));
    }
    if options.method.is_none() && !of_run {
        // What one of the methods has a use for is given for that one.
        let TrainOptions { step, damping, .. } = options.clone();
        let common = TrainOptions { step, damping, ..TrainOptions::default() };
        common.check_effect(&common.clone().resolve()?)?;
    }
    let expected = "no value: all sweeps are checked";
    if let Some(diagnostics) = options.diagnostics {
        let expected = "no value: Theorem 1 is checked after every epoch";
        return Err(Error::argument("diagnostics", diagnostics, expected));
    }
    if let Some(tolerance) = &options.tolerance {
        return Err(Error::argument("tolerance", tolerance, expected));
    }
    options.require_no_run()?;
    options.clone().without_validation("no sweep is scored")?;
    if let Some(limit) = &options.time_limit {
        return Err(Error::argument("time-limit", limit, expected));
    }
    Ok(())
}

fn print_lines(method: Method, report: &Report) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(serialize_with = "as_text")]
        method: Method,
        #[serde(flatten)]
        promise: &'a Promise,
        stopped: Option<&'a str>,
    }
    for promise in &report.promises {
        output::print_json("promise", &Line { method, promise, stopped: report.stopped.as_deref() })?;
    }
    Ok(())
}

/// The run in a line.
fn title(settings: &Settings, train: &Dataset<f64>, network: &Network) -> String {
    let Settings { method, loss, nu, rho, epsilon, epsilon_rule, alpha, tau2, .. } = settings;
    let start = format!("{method}: {}, {} samples, network ", train.name(), train.n_samples());
    let end = format!("{} sweeps", settings.sweeps);
    if method.card().uses(Use::Subnetworks) {
        let parts = plan::cuts(settings, network).map_or(1, |cuts| cuts.len() + 1);
        let inner = settings.inner;
        return format!(
            "{start}{network}, {parts} subnetworks, alpha = {alpha}, rho = {rho}, tau2 = {tau2}, {loss}, inner {inner}, {end}"
        );
    }
    if method.card().uses(Use::Readouts) {
        let layers = plan::cuts(settings, network).map_or(1, |cuts| cuts.len() + 1);
        let Settings { damping, .. } = settings;
        return format!("{start}{network}, {layers} layers, nu = {nu}, damping = {damping}, {loss}, {end}");
    }
    let layers = match (&settings.network, network.widths()) {
        (None, Some(widths)) => format!("{}, {}", Widths(widths), settings.activation),
        _ => network.to_string(),
    };
    let weights = match method.card().uses(Use::Epsilon) {
        true => format!("rho = {rho}, epsilon = {epsilon} ({epsilon_rule})"),
        false => format!("nu = {nu}, rho = {rho}"),
    };
    let (step, input_step) = (settings.step, settings.input_step);
    format!("{start}{layers}, {loss}, {weights}, step {step}, input step {input_step}, {end}")
}

/// A report for people: a block for each promise.
fn text(title: &str, report: &Report) -> String {
    let mut text = format!("{title}\n");
    for promise in &report.promises {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{:12}  {}", verdict(promise.verdict), promise.statement);
        let mut line = |words: String| {
            let _ = writeln!(text, "{:12}  {words}", "");
        };
        line(format!("({})", promise.source));
        if let Some(needs) = &promise.needs {
            line(format!("needs {needs}"));
        }
        line(found(promise));
        promise.detail.iter().for_each(|detail| line(detail.clone()));
        promise.departure.iter().for_each(|departure| line(format!("departs from the paper: {departure}")));
    }
    if let Some(stopped) = &report.stopped {
        let _ = writeln!(text, "\nthe run ended early, at {stopped}");
    }
    let count = |wanted| report.promises.iter().filter(|promise| promise.verdict == wanted).count();
    let _ = writeln!(
        text,
        "\n{} promises held, {} broken, {} not promised\n",
        count(Verdict::Held),
        count(Verdict::Broken),
        count(Verdict::NotPromised)
    );
    text
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::NotPromised => "not promised",
    }
}

/// The largest violation, and where.
fn found(promise: &Promise) -> String {
    let Promise { checks, violation, allowed, sweep, layer, .. } = promise;
    if *checks == 0 {
        return "not checked: nothing changed".into();
    }
    if *violation == 0.0 {
        return format!("no violation in {checks} checks");
    }
    let place =
        layer.map_or_else(|| format!("sweep {sweep}"), |layer| format!("sweep {sweep}, layer {layer}"));
    format!(
        "largest violation {violation:.1e}, {allowed:.1e} allowed for rounding ({place}; {checks} checks)"
    )
}
