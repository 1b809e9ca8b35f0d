//! `altmin compare`.

mod lines;
mod loaded;
mod methods;
mod reporter;
mod runner;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output;
use crate::compare::{Comparison, Request};
use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use crate::network::Architecture;
use crate::run::folder::RunFolder;
use crate::settings::{Method, TrainOptions};
use clap::Args;
use methods::{Named, NamedParser};
use reporter::Destinations;
use std::path::PathBuf;
use std::process::ExitCode;

/// Train the same network with several methods and compare the results
///
/// The methods run one after the other, from the same initial weights, on the same data and with the same threads. Options
/// of `train` apply to every method that uses them; LABEL.KEY=VALUE applies to one method. --sweeps and --time-limit apply
/// to each method separately.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Setting of one method as LABEL.KEY=VALUE: its name or label, an option of `train` without dashes, and the value
    ///
    /// Example: `pdadmm.rho=4.1 adam.learning-rate=1e-2`. It overrides the option given for all methods. Options of data,
    /// network and machine are the same for all methods, except regularizer and grow.
    setting: Vec<String>,

    /// Methods to compare, in this order; use LABEL=METHOD to run a method more than once [default: all]
    #[arg(
        long, value_name = "METHOD|LABEL=METHOD,...", value_delimiter = ',', value_parser = NamedParser,
        help_heading = "Method"
    )]
    methods: Vec<Named>,

    /// Test accuracies, above 0 and at most 1, for which the sweeps and seconds needed are reported
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "0.90,0.95,0.97",
        allow_negative_numbers = true,
        help_heading = "Output"
    )]
    accuracies: Vec<f64>,

    #[command(flatten)]
    options: TrainOptions,

    /// Write comparison.csv, curves-sweeps.svg, curves-seconds.svg and table.txt into this new folder, with one subfolder
    /// per method as written by `train`
    ///
    /// An existing folder or file is never overwritten. comparison.csv has one row for each sweep of each method.
    /// `train --config DIR/LABEL/config.toml` reproduces a run bit for bit.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Print JSON lines to stdout instead of a table: one object per sweep with its label and method, a summary per method,
    /// and a comparison at the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print only warnings and errors: no progress bar, no table
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  altmin compare
  altmin compare --methods pdadmm,dladmm,adam --sweeps 50 --out comparison
  altmin compare --methods adam,fast=adam fast.learning-rate=1e-2
  altmin compare --methods gd,adam,gsadmm --network cnn --batch 120 --epochs 20
  altmin compare --data mnist --pool 2 --hidden 500,500 --time-limit 60s --accuracies 0.9,0.95,0.97 dladmm.rho=1.1";

/// The command with its examples and without `--method`, the one option of `train` that it does not take.
pub(super) fn finished(command: clap::Command) -> clap::Command {
    command.mut_arg("method", |method| method.hide(true)).after_help(EXAMPLES)
}

impl Compare {
    pub(super) fn run(self) -> std::result::Result<ExitCode, Failure> {
        let comparison = self.comparison()?;
        for &accuracy in &self.accuracies {
            if !(accuracy > 0.0 && accuracy <= 1.0) {
                return Err(Error::argument("accuracies", accuracy, "numbers above 0 and at most 1").into());
            }
        }
        if let Some(path) = &self.out {
            RunFolder::require_missing(path)?;
        }
        for entry in comparison.entries() {
            if let Some(warning) = entry.settings.rho_warning() {
                output::note("warning", &format!("{}: {warning}", entry.label));
            }
        }
        let interrupt = Interrupt::on_signals()?;
        let loaded = loaded::load(comparison)?;
        let to = Destinations {
            out: self.out.as_deref(),
            json: self.json,
            quiet: self.quiet,
            accuracies: &self.accuracies,
        };
        runner::run(loaded.as_ref(), to, &interrupt).map(ExitCode::from)
    }

    /// The comparison that the options describe, checked.
    fn comparison(&self) -> Result<Comparison> {
        if let Some(method) = self.options.method {
            return Err(Error::argument("method", method, "--methods with the methods to compare"));
        }
        // Not every method trains every network.
        let network = self.options.network.as_ref();
        let layers = network.is_none_or(|network| matches!(network, Architecture::Mlp(_)));
        let differs_in_training = network.is_some_and(Architecture::differs_in_training);
        let needs_minibatches = network.is_some_and(Architecture::has_batch_norm);
        let trains = |method: &Method| {
            let card = method.card();
            let in_minibatches = match &self.options.batch {
                Some(batch) => batch.0.is_some(),
                None => card.batch.is_some(),
            };
            (layers || !card.layers_only)
                && (!differs_in_training || card.composed)
                && (!needs_minibatches || in_minibatches)
        };
        let methods = || Method::ALL.iter().copied().filter(trains);
        let all = || methods().map(|method| Request::new(method.to_string(), method));
        let mut requests: Vec<Request> = match &self.methods[..] {
            [] => all().collect(),
            methods => methods.iter().map(|named| Request::new(&named.label, named.method)).collect(),
        };
        for setting in &self.setting {
            set(&mut requests, setting)?;
        }
        Comparison::of(&requests, &self.options)
    }
}

/// Gives one of the methods the setting that `LABEL.KEY=VALUE` says.
fn set(requests: &mut [Request], text: &str) -> Result {
    let refused = |expected: String| Err(Error::argument("setting", text, expected));
    let parts = text.split_once('=').and_then(|(left, value)| Some((left.split_once('.')?, value)));
    let Some(((label, key), value)) = parts else {
        return refused("the form LABEL.KEY=VALUE such as adam.learning-rate=1e-2".to_owned());
    };
    match requests.iter_mut().find(|request| request.label() == label) {
        Some(request) => request.set(key, value),
        None => {
            let labels: Vec<_> = requests.iter().map(Request::label).collect();
            refused(format!(
                "one of {} before the dot{}",
                labels.join(", "),
                did_you_mean(label, labels.iter().copied())
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command};
    use crate::settings::Method;
    use clap::Parser;

    /// Labels and methods of a command line.
    fn compared(arguments: &[&str]) -> Vec<(String, Method)> {
        let cli = Cli::try_parse_from([&["altmin", "compare"], arguments].concat()).expect("a command line");
        let Command::Compare(compare) = cli.command else { panic!("another command") };
        let comparison = compare.comparison().expect("valid");
        comparison.entries().iter().map(|entry| (entry.label.clone(), entry.settings.method)).collect()
    }

    #[test]
    fn without_a_list_it_is_every_method() {
        let all: Vec<_> = Method::ALL.iter().map(|&method| (method.to_string(), method)).collect();
        assert_eq!(compared(&[]), all);
        assert_eq!(compared(&["adam.learning-rate=0.5", "--batch", "10"]), all);
    }

    #[test]
    fn without_a_list_it_is_every_method_that_trains_the_network() {
        let methods = |network| compared(&["--network", network]).into_iter().map(|(_, method)| method);
        let blocks = |method: &Method| !method.card().layers_only;
        assert!(methods("cnn").eq(Method::ALL.iter().copied().filter(blocks)));
        let composed = |method: &Method| blocks(method) && method.card().composed;
        assert!(methods("dropout 0.5, dense 10").eq(Method::ALL.iter().copied().filter(composed)));
        assert!(!methods("dropout 0.5, dense 10").any(|method| method == Method::Gsadmm));
        let normalised = "dense 8, batchnorm, relu, dense 10";
        let in_minibatches = |method: &Method| composed(method) && method.card().batch.is_some();
        assert!(methods(normalised).eq(Method::ALL.iter().copied().filter(in_minibatches)));
        let all = compared(&["--network", normalised, "--batch", "32"]).into_iter().map(|(_, method)| method);
        assert!(all.eq(Method::ALL.iter().copied().filter(composed)));
    }

    #[test]
    fn a_list_may_name_a_method_twice() {
        let expected = [("adam".to_owned(), Method::Adam), ("fast".to_owned(), Method::Adam)];
        assert_eq!(compared(&["--methods", "adam,fast=adam", "fast.learning-rate=1e-2"]), expected);
        assert_eq!(compared(&["fast.batch=5", "--methods", "adam", "--methods", "fast=adam"]), expected);
    }
}
