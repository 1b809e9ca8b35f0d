//! `altmin verify`.

use super::failure::{FAILED, Failure};
use super::{interrupt, output};
use crate::data;
use crate::error::Error;
use crate::settings::{Batch, Method, Precision, Samples, Settings, TrainOptions, Use, Widths};
use crate::verify::{Auditor, Promise, Report, SplitAuditor, Verdict};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Default number of samples, and of mini-batches per epoch for subnetworks.
const SAMPLES: usize = 200;
const BATCHES: usize = 4;

/// The methods with theorems, in the order in which they are verified.
const METHODS: [Method; 5] = [Method::Pdadmm, Method::Dladmm, Method::Dlam, Method::Gsadmm, Method::Gsam];

/// Check on a run that the theorems' promises hold
///
/// Follows a run in double precision, update by update, recomputes objectives, gradients and step parameters, and reports
/// for each promise whether it held, with the largest violation. Settings are those of `train`, with defaults of 200
/// samples, hidden layers 20,20, 40 sweeps, and four mini-batches per epoch for subnetworks. Where the settings do not meet
/// a theorem's condition, its promises are reported as not promised, with the condition. Without --method, every method
/// with theorems is checked.
///
/// Exit codes: 0 everything promised held, 1 something did not, 2 usage error.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    options: TrainOptions,

    /// Print JSON lines to stdout, one object per promise, instead of a report
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Self { options, json } = self;
        refuse_without_effect(&options)?;
        let methods = options.method.map_or(METHODS.to_vec(), |method| vec![method]);
        let all: Vec<Settings> =
            methods.into_iter().map(|method| settings(&options, method)).collect::<Result<_, Error>>()?;
        let stop = interrupt::flag()?;
        let mut broken = false;
        for settings in all {
            if stop.load(Ordering::Relaxed) {
                return Ok(ExitCode::from(super::failure::INTERRUPTED));
            }
            let (train, _) = data::load::<f64>(&settings.data, &settings.data_options())?;
            let report = match settings.method.card().uses(Use::Subnetworks) {
                true => SplitAuditor::new(&settings, Arc::new(train))?.run()?,
                false => Auditor::new(&settings, Arc::new(train))?.run()?,
            };
            broken |= report.is_broken();
            if json {
                print_lines(settings.method, &report)?;
            } else {
                output::print(&text(&report))?;
            }
        }
        Ok(if broken { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }
}

/// The settings of one method. Where all methods are checked it may not use some of those given; alone it must use all.
fn settings(options: &TrainOptions, method: Method) -> Result<Settings, Error> {
    let samples = options.samples.clone().unwrap_or(Samples(Some(SAMPLES)));
    let splits = method.card().uses(Use::Subnetworks);
    let batch = splits.then(|| Batch(Some(samples.0.unwrap_or(SAMPLES).div_ceil(BATCHES))));
    let hidden = options.network.is_none().then(|| Widths(vec![20, 20]));
    let given = TrainOptions {
        method: Some(method),
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
            return Err(Error::argument("method", method, format!("a method with theorems: {names}")));
        }
        options.check_effect(&settings)?;
    }
    Ok(settings)
}

/// Refuses settings of `train` that make no sense here.
fn refuse_without_effect(options: &TrainOptions) -> Result<(), Error> {
    if options.precision == Some(Precision::F32) {
        return Err(Error::argument("precision", Precision::F32, "f64, the precision of the checks"));
    }
    if options.method.is_none() {
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

/// A report for people: a block for each promise.
fn text(report: &Report) -> String {
    let mut text = format!("{}\n", report.title);
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
