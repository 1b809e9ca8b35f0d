//! `altmin compare`.

mod lines;
mod loaded;
mod methods;
mod reporter;
mod runner;

use super::failure::Failure;
use super::{interrupt, output};
use crate::compare::{Comparison, Request};
use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use crate::run::folder::RunFolder;
use crate::run::threshold;
use crate::settings::{Method, TrainOptions, Use};
use clap::{Args, ValueEnum};
use methods::{Named, NamedParser};
use reporter::Destinations;
use std::path::PathBuf;
use std::process::ExitCode;

/// Train the same network by several methods, and show which does best
///
/// One method after the other, all from the same initial weights, on the same data, by the same threads. Options of
/// `train` go to every method that has a use for them; LABEL.KEY=VALUE goes to one of them. --sweeps and --time-limit hold
/// for each method, not for all together.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// LABEL.KEY=VALUE, a setting of one method: its name (or label), an option of `train` without the dashes, the value
    ///
    /// `pdadmm.rho=4.1 adam.learning-rate=1e-2`. It wins over the option for all. Options of data, network and machine are
    /// the same for all, but regularizer and grow.
    setting: Vec<String>,

    /// Methods to compare, in this order; LABEL=METHOD to name one that runs more than once [default: all]
    #[arg(
        long, value_name = "METHOD|LABEL=METHOD,...", value_delimiter = ',', value_parser = NamedParser,
        help_heading = "Method"
    )]
    methods: Vec<Named>,

    /// Test accuracies, above 0 and at most 1, to which sweeps and seconds are told
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

    /// Write comparison.csv, curves-sweeps.svg, curves-seconds.svg and table.txt into this new folder, and for every method
    /// a folder as `train` does
    ///
    /// A folder or file that exists is never overwritten. comparison.csv has a row for each sweep of each method.
    /// `train --config DIR/LABEL/config.toml` repeats a run bit for bit.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Print one JSON object a line on stdout, and nothing else: every sweep with its label and method, a summary for each
    /// method, and at last a comparison of all
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// No progress bar and no table: nothing but warnings and errors
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  altmin compare
  altmin compare --methods pdadmm,dladmm,adam --sweeps 50 --out comparison
  altmin compare --methods adam,fast=adam fast.learning-rate=1e-2
  altmin compare --methods gd,adam,gsadmm --network cnn --batch 120 --epochs 20
  altmin compare --data mnist --pool 2 --hidden 500,500 --time-limit 60s --accuracies 0.9,0.95,0.97 dladmm.rho=1.1";

/// The command with its examples, and without `--method`, which is the one option of `train` that it does not take.
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
            if let Some(warning) = threshold::warning(&entry.settings) {
                output::note("warning", &format!("{}: {warning}", entry.label));
            }
        }
        let stop = interrupt::flag()?;
        let loaded = loaded::load(comparison)?;
        let to = Destinations {
            out: self.out.as_deref(),
            json: self.json,
            quiet: self.quiet,
            accuracies: &self.accuracies,
        };
        runner::run(loaded.as_ref(), to, &stop).map(ExitCode::from)
    }

    /// What is asked for, checked.
    fn comparison(&self) -> Result<Comparison> {
        if let Some(method) = self.options.method {
            return Err(Error::argument("method", method, "--methods with all that are to be compared"));
        }
        // A network of blocks is not for every method.
        let can = |method: &Method| self.options.network.is_none() || method.uses(Use::Network);
        let methods = || Method::value_variants().iter().copied().filter(can);
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
    use clap::{Parser, ValueEnum};

    /// Labels and methods of a command line.
    fn compared(arguments: &[&str]) -> Vec<(String, Method)> {
        let cli = Cli::try_parse_from([&["altmin", "compare"], arguments].concat()).expect("a command line");
        let Command::Compare(compare) = cli.command else { panic!("another command") };
        let comparison = compare.comparison().expect("valid");
        comparison.entries().iter().map(|entry| (entry.label.clone(), entry.settings.method)).collect()
    }

    #[test]
    fn without_a_list_it_is_every_method() {
        let all: Vec<_> =
            Method::value_variants().iter().map(|&method| (method.to_string(), method)).collect();
        assert_eq!(compared(&[]), all);
        assert_eq!(compared(&["adam.learning-rate=0.5", "--batch", "10"]), all);
    }

    #[test]
    fn a_list_may_name_a_method_twice() {
        let expected = [("adam".to_owned(), Method::Adam), ("fast".to_owned(), Method::Adam)];
        assert_eq!(compared(&["--methods", "adam,fast=adam", "fast.learning-rate=1e-2"]), expected);
        assert_eq!(compared(&["fast.batch=5", "--methods", "adam", "--methods", "fast=adam"]), expected);
    }
}
