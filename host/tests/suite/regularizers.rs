//! Regularisers on the weights of networks of blocks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Trainer;
use altmin::data;
use altmin::run::History;
use altmin::settings::TrainOptions;

const LAMBDA: f64 = 50.0;
const SAMPLES: usize = 300;
const NETWORKS: [&str; 2] = [
    "conv 3 3x3 same, relu, maxpool 2, flatten, dense 12, tanh, dense 10",
    "conv 4 3x3 same, relu, residual 4, flatten, dense 10",
];

fn trainer(network: &str, method: &str, more: &str) -> Trainer<f64> {
    let text = format!(
        "network = '{network}'\nmethod = '{method}'\nsamples = {SAMPLES}\nbatch = 'all'\nsweeps = 20\n{more}"
    );
    let options = TrainOptions::from_toml(&text, "test.toml".as_ref()).expect("readable");
    let settings = options.resolve().expect("valid");
    let (train, test) = data::load::<f64>(&settings.data, &settings.data_options()).expect("the digits");
    Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer")
}

fn run(trainer: &mut Trainer<f64>, sweeps: usize) -> History {
    let mut history = History::default();
    trainer.step(sweeps, &mut history, &AtomicBool::new(false)).expect("sweeps");
    history
}

/// A gradient step of the mean loss with l2 differs from one without by `lambda/M W` of the weights that it began with, and leaves
/// biases to the loss.
#[test]
fn l2_adds_the_weights_themselves_to_the_gradient() {
    for network in NETWORKS {
        let mut plain = trainer(network, "gd", "learning-rate = 0.5");
        let mut l2 = trainer(network, "gd", &format!("learning-rate = 0.5\nregularizer = 'l2:{LAMBDA}'"));
        let start: Vec<(Vec<f64>, Vec<f64>)> =
            plain.maps().map(|map| (map.weights.to_vec(), map.bias.to_vec())).collect();
        let loss = |history: &History| history.sweeps[0].loss * SAMPLES as f64;
        let [without, with] = [&mut plain, &mut l2].map(|trainer| run(trainer, 1));
        assert!((without.sweeps[0].objective / loss(&without) - 1.0).abs() < 1e-12);
        let mut squares = 0.0;
        for ((map, other), (weights, bias)) in plain.maps().zip(l2.maps()).zip(&start) {
            assert!(!weights.is_empty() && bias.len() == map.bias.len());
            for ((plain, l2), start) in map.weights.iter().zip(other.weights).zip(weights) {
                let expected = plain - 0.5 * LAMBDA / SAMPLES as f64 * start;
                assert!((l2 - expected).abs() < 1e-12, "{network}: {l2} {expected}");
                squares += l2 * l2;
            }
            assert_eq!(map.bias, other.bias, "{network}");
        }
        let expected = loss(&with) + 0.5 * LAMBDA * squares;
        assert!((with.sweeps[0].objective / expected - 1.0).abs() < 1e-12, "{network}");
    }
}

#[test]
fn proximal_sweeps_with_l2_lower_loss_and_squares_together() {
    for network in NETWORKS {
        let squares = |more: &str| {
            let mut trainer = trainer(network, "proxprop", more);
            let history = run(&mut trainer, 20);
            for pair in history.sweeps.windows(2) {
                assert!(pair[1].objective <= pair[0].objective * (1.0 + 1e-12), "{network}");
            }
            trainer.maps().flat_map(|map| map.weights.to_vec()).map(|w| w * w).sum::<f64>()
        };
        let (without, with) = (squares(""), squares("regularizer = 'l2:1'"));
        assert!(with < 0.9 * without, "{network}: {with} {without}");
    }
}
