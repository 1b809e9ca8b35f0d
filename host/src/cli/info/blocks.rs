//! Networks of blocks: what they are, what they cost, where they are cut.

use std::fmt::Write as _;

use crate::bench::prediction::{Prediction, predict};
use crate::cli::failure::Failure;
use crate::network::Network;
use crate::network::blocks::describe;
use crate::network::costs;
use crate::network::cuts::operations;
use crate::report::table;
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::{Precision, Settings, Use};
use crate::units;
use altmin_core::Real;
use altmin_core::method::Partition;

/// One line a block, and the number of parameters.
pub(super) fn listing(network: &Network) -> String {
    let mut text = format!("network {network}\n\n");
    let mut all = 0;
    for step in network.steps() {
        let parameters: usize = step.block.parameters(step.input);
        all += parameters;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "block {:<4} {:24} {:>12} -> {:<12} {parameters:>10} parameters",
            step.index + 1,
            describe(&step.block),
            step.input.to_string(),
            step.output.to_string()
        );
    }
    let _ = writeln!(text, "total {all} parameters, {} in f32\n", units::bytes(4 * all));
    text
}

/// The network that settings ask for, for their data.
pub(super) fn of_settings(settings: &Settings) -> Result<String, Failure> {
    let (train, judge, samples_of) = super::parts(settings)?;
    let network = plan::network(settings, &train)?;
    let cuts = plan::cuts(settings, &network)?;
    let mut text = listing(&network);
    let state = plan::state_bytes(settings, &network, &cuts, train.n_samples());
    text.push_str(&table::rows(&[
        ("data", samples_of),
        ("method", settings.method.to_string()),
        ("state", format!("{} ({})", units::bytes(state), settings.precision)),
        ("memory", super::memory(settings, &train, &judge)?),
    ]));
    let samples = train.n_samples();
    text.push_str(&match settings.precision {
        Precision::F32 => timed::<f32>(settings, &network, &cuts, samples)?,
        Precision::F64 => timed::<f64>(settings, &network, &cuts, samples)?,
    });
    Ok(text)
}

/// What the clock says of blocks and of an epoch.
fn timed<T: Real>(
    settings: &Settings,
    network: &Network,
    cuts: &[usize],
    samples: usize,
) -> Result<String, Failure> {
    let largest = plan::batches(settings).map_or(samples, |batches| batches.largest(samples));
    let tile = Partition::for_batch(largest, &network.view()).tile();
    let mut text = subnetworks::<T>(settings, network, cuts, tile)?;
    if settings.method.card().uses(Use::Subnetworks) {
        let gemm = AnyGemm::of(settings.kernel);
        let split = predict::<T>(settings, network, samples, &gemm)?;
        let whole = plan::end_to_end(settings);
        let end_to_end = predict::<T>(&whole, network, samples, &gemm)?;
        text.push_str(&predictions(&[
            (settings.method.to_string(), split),
            (format!("{}, end to end", whole.method), end_to_end),
        ]));
    }
    Ok(text)
}

/// Predictions of an epoch, one line per number of workers.
fn predictions(all: &[(String, Prediction)]) -> String {
    let mut text = String::from("\npredicted time of an epoch, from parts of it timed on one thread\n");
    for (name, Prediction { total_work, critical_path, on }) in all {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name}: total work {total_work:.3e} s, critical path {critical_path:.3e} s, ratio {:.2}",
            total_work / critical_path
        );
        for on in on {
            let _ = writeln!(
                text,
                "  {} workers  {:>9.3e} s  speed-up {:.2}",
                on.workers, on.seconds, on.speedup
            );
        }
    }
    text
}

/// Shares of the subnetworks in a step of their weights, counted and timed.
fn subnetworks<T: Real>(
    settings: &Settings,
    network: &Network,
    cuts: &[usize],
    tile: usize,
) -> Result<String, Failure> {
    let steps = network.steps();
    let counted: Vec<f64> = steps.iter().map(operations).collect();
    let timed = costs::measure::<T>(network, tile)?;
    let edges: Vec<usize> = [0].iter().chain(cuts).chain(&[steps.len()]).copied().collect();
    let mut text = format!("\nforward and backward pass of one sample, on one thread in tiles of {tile}\n");
    for (index, edge) in edges.windows(2).enumerate() {
        let sum = |costs: &[f64]| costs[edge[0]..edge[1]].iter().sum::<f64>();
        let share = |costs: &[f64]| 100.0 * sum(costs) / costs.iter().sum::<f64>();
        let _ = writeln!(
            text,
            "subnetwork {:<3} blocks {:>3} to {:<3} {:>9.3e} operations ({:>5.1} %)   {:>9.3e} s measured ({:>5.1} %)",
            index + 1,
            edge[0] + 1,
            edge[1],
            sum(&counted),
            share(&counted),
            sum(&timed),
            share(&timed)
        );
    }
    if settings.method.card().uses(Use::Subnetworks) {
        text.push_str("cuts depend on the counted operations, which are the same in every run\n");
    }
    Ok(text)
}
