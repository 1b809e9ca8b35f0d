//! A network learns handwritten digits, is written to a file, and reads digits that it has not seen.
//!
//! `cargo run --release -p altmin --example train`

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::run::History;
use altmin::settings::{Method, TrainOptions, Widths};
use altmin::{Model, Result, Trainer, data, network};

fn main() -> Result {
    // What is not said has the command line's defaults.
    let settings = TrainOptions {
        method: Some(Method::Pdadmm),
        hidden: Some(Widths(vec![100, 100])),
        sweeps: Some(60),
        ..TrainOptions::default()
    }
    .resolve()?;

    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options())?;
    let (train, test) = (Arc::new(train), Arc::new(test));
    let mut trainer = Trainer::new(&settings, train, Arc::clone(&test))?;
    // Observers see every sweep; whoever sets the flag ends the run after the sweep at work.
    let (mut history, stop) = (History::default(), AtomicBool::new(false));
    let summary = trainer.run(&mut history, &stop)?;
    for metrics in history.sweeps.iter().step_by(20) {
        println!("sweep {:3}: objective {:9.3}, loss {:.4}", metrics.sweep, metrics.objective, metrics.loss);
    }
    println!("{} sweeps, test accuracy {:.4}", summary.sweeps, summary.test_accuracy);

    let path = std::env::temp_dir().join(format!("altmin-example-{}.safetensors", std::process::id()));
    trainer.save(&path)?;
    let model = Model::<f32>::load(&path);
    // The file has served its purpose, whether it could be read or not.
    let _ = std::fs::remove_file(&path);
    let evaluation = network::evaluate(&model?, &test, settings.threads)?;
    println!("read back from its file: {:.4}", evaluation.accuracy);
    assert_eq!(evaluation.accuracy, summary.test_accuracy);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs() {
        super::main().expect("the example ends well");
    }
}
