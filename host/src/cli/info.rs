//! `altmin info`.

mod blocks;

use super::failure::Failure;
use super::{output, train};
use crate::bench::products::{product_flops, sweep_products};
use crate::data::{self, Channel, Column, Columns, Dataset, Encoding, Labels, Preprocessing, Split};
use crate::network::Judge;
use crate::network::model::{Model, Notation};
use crate::report::table;
use crate::run::folder::model_file;
use crate::run::memory::Memory;
use crate::run::plan;
use crate::settings::{Method, Precision, Settings, TrainOptions};
use crate::units;
use altmin_core::method::Products;
use altmin_core::{Activation, Loss};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show layers, memory, matrix products per sweep, and the theorems' thresholds for rho
///
/// For a model file, or for settings given as for `train`; the data set is then read to find its size.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  altmin info --model run/model.safetensors\n  altmin info --hidden 500x9 --rho 3\n  \
                  altmin info --method gsadmm --network 'mlp 512x9' --subnetworks 4"
)]
pub(super) struct Info {
    /// Model file written by `train --out`, or the run's folder
    #[arg(long, value_name = "FILE|RUN", conflicts_with_all = ["TrainOptions", "config"])]
    model: Option<PathBuf>,

    #[command(flatten)]
    options: TrainOptions,

    /// Read settings from this file; command-line options override it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,
}

impl Info {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let text = match &self.model {
            Some(path) => of_model(path)?,
            None => of_settings(&train::settings(self.options, self.config.as_deref())?)?,
        };
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn of_model(path: &Path) -> Result<String, Failure> {
    let model = Model::<f64>::load(&model_file(path))?;
    let trained = &model.preprocessing;
    let widths = model.network.widths().filter(|_| model.notation == Notation::Layers);
    let Some(widths) = widths else {
        let mut text = blocks::listing(&model.network);
        text.push_str(&table::rows(&of_all(&model)));
        return Ok(text);
    };
    let activation = model.network.activation();
    let mut text = layers(&widths);
    let mut rows = of_all(&model);
    rows.insert(0, ("activation", activation.to_string()));
    text.push_str(&table::rows(&rows));
    if let Some(known) = &trained.columns {
        text.push_str(&columns(known));
    }
    if let Some(known) = &trained.channels {
        text.push_str(&channels(known));
    }
    text.push_str("\nthresholds for rho with nu = 1\n");
    text.push_str(&thresholds(1.0, activation, model.loss));
    Ok(text)
}

/// What is said of every model.
fn of_all(model: &Model<f64>) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("loss", model.loss.to_string()),
        (model.outputs.kind(), model.outputs.names().join(", ")),
        ("trained on", trained_on(&model.preprocessing)),
    ];
    if !model.readouts.is_empty() {
        let after: Vec<_> = model.readouts.iter().map(|readout| readout.place.after.to_string()).collect();
        rows.push(("read-outs", format!("after blocks {}", after.join(", "))));
    }
    rows
}

/// The data set, and what was made of it.
fn trained_on(trained: &Preprocessing) -> String {
    let Preprocessing { data, pool, split_seed, columns, labels, .. } = trained;
    match columns {
        Some(_) => format!("{data}, seed {split_seed}"),
        None if *labels == Labels::Coarse => {
            format!("{data}, coarse labels, pooled by {pool}, seed {split_seed}")
        }
        None => format!("{data}, pooled by {pool}, seed {split_seed}"),
    }
}

/// The columns of a table: what is made of their cells, and the scales of those that are scaled.
fn columns(columns: &Columns) -> String {
    let treated = |column: &Column| match (&column.encoding, column) {
        (Encoding::Category(category), _) => format!("1 for {category}"),
        (Encoding::Missing, _) => "1 for a missing value".to_owned(),
        (Encoding::Number { fill }, Column { mean, deviation, .. }) => {
            let scale = match (mean, deviation) {
                (0.0, 1.0) => "not scaled".to_owned(),
                _ => format!("mean {mean:e}, standard deviation {deviation:e}"),
            };
            fill.map_or(scale.clone(), |fill| format!("{scale}, {fill} for a missing value"))
        }
    };
    let rows = |columns: &[Column]| {
        let rows: Vec<_> = columns.iter().map(|column| (column.name.as_str(), treated(column))).collect();
        table::rows(&rows)
    };
    format!("\nfeatures\n{}\ntargets\n{}", rows(&columns.features), rows(&columns.targets))
}

/// The scales of images' channels.
fn channels(channels: &[Channel]) -> String {
    let names: Vec<String> = (0..channels.len()).map(|channel| format!("channel {channel}")).collect();
    let scale =
        |channel: &Channel| format!("mean {:e}, standard deviation {:e}", channel.mean, channel.deviation);
    let rows: Vec<_> = names.iter().map(String::as_str).zip(channels.iter().map(scale)).collect();
    format!("\nchannels\n{}", table::rows(&rows))
}

fn of_settings(settings: &Settings) -> Result<String, Failure> {
    if settings.has_blocks() {
        return blocks::of_settings(settings);
    }
    let (train, judge, samples_of) = parts(settings)?;
    let network = plan::network(settings, &train)?;
    let widths = network.widths().unwrap_or_default();
    let samples = train.n_samples();
    let state = plan::state_bytes(settings, &network, &[], samples);
    let rule = settings.input_rule();
    let flops = product_flops(settings.method, &rule, &widths, samples);
    let products = sweep_products(settings.method, &rule, &widths);
    let one = |products: &Products| format!("{} of {}x{}", products.count, products.n_out, products.n_in);
    let products = products.iter().map(one).collect::<Vec<_>>().join(", ");
    let mut text = layers(&widths);
    text.push_str(&table::rows(&[
        ("data", samples_of),
        (
            "method",
            format!("{}, step {}, input step {}", settings.method, settings.step, settings.input_step),
        ),
        ("state", format!("{} ({})", units::bytes(state), settings.precision)),
        ("memory", memory(settings, &train, &judge)?),
        ("products per sweep", products),
        ("operations per sweep", format!("{flops:.4e} (matrix products only)")),
    ]));
    let _ = writeln!(text, "\nthresholds for rho with nu = {}; rho = {}", settings.nu, settings.rho);
    text.push_str(&thresholds(settings.nu, settings.activation, settings.loss));
    if let Some(bound) = settings.rho_threshold() {
        let (met, promise) = if settings.rho > bound { ("met", "cannot") } else { ("not met", "may") };
        let _ = writeln!(text, "{}: condition {met}, the objective {promise} rise", settings.method);
    }
    Ok(text)
}

/// The training samples of these settings, those that sweeps are scored on, and how many there are of every part.
fn parts(settings: &Settings) -> Result<(Dataset<f32>, Dataset<f32>, String), Failure> {
    let Split { train, validation, test } =
        data::load_split::<f32>(&settings.data, &settings.data_options())?;
    let mut text = format!("{} training samples", train.n_samples());
    // Writing to a String cannot fail.
    if let Some(validation) = &validation {
        let _ = write!(text, ", {} {} samples", validation.n_samples(), Judge::Validation.name());
    }
    let last = if settings.holdout { Judge::HeldOut } else { Judge::Test };
    let _ = write!(text, ", {} {} samples", test.n_samples(), last.name());
    Ok((train, validation.unwrap_or(test), text))
}

/// What a run takes of memory, and what for; data sets are those in single precision.
fn memory(settings: &Settings, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<String, Failure> {
    let memory = match settings.precision {
        Precision::F32 => Memory::of(settings, train, Some(test))?,
        Precision::F64 => {
            let (train, test) = data::load::<f64>(&settings.data, &settings.data_options())?;
            Memory::of(settings, &train, Some(&test))?
        }
    };
    let Memory { data, state, copies, thread, threads, file, .. } = memory;
    let [all, data, state, copies, thread, file] =
        [memory.total(), data, state, copies, thread, file].map(units::bytes);
    let copies = format!("copies of the network {copies}, writing its file {file}");
    Ok(format!("{all}: data {data}, state with parameters {state}, threads {threads} x {thread}, {copies}"))
}

/// One line per layer, and the number of parameters.
fn layers(widths: &[usize]) -> String {
    let mut text = String::new();
    let mut parameters = 0;
    for (layer, pair) in widths.windows(2).enumerate() {
        let count = pair[0] * pair[1] + pair[1];
        parameters += count;
        let _ = writeln!(text, "layer {layer:<4} {:>6} -> {:<6} {count:>10} parameters", pair[0], pair[1]);
    }
    let _ = writeln!(text, "total {parameters} parameters, {} in f32\n", units::bytes(4 * parameters));
    text
}

/// One line for each method whose theorem asks something of rho.
fn thresholds(nu: f64, activation: Activation<f64>, loss: Loss) -> String {
    let mut text = String::new();
    for method in Method::ALL {
        let Some(threshold) = method.card().rho_threshold else { continue };
        let bound = threshold(nu, activation.lipschitz(), loss.lipschitz());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {method}: rho > {bound}  ({})", method.card().theorem);
    }
    text
}
