//! Networks of blocks as texts: what is read, how it is written, what is refused and how.

use altmin::Trainer;
use altmin::data;
use altmin::network::blocks::{Architecture, Network};
use altmin::settings::TrainOptions;
use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Shape};
use altmin_core::{Activation, Real};
use std::path::Path;
use std::sync::Arc;

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

fn blocks(text: &str) -> Vec<Block<f64>> {
    match text.parse().expect(text) {
        Architecture::Blocks(blocks) => blocks,
        short => panic!("{short} is a short form"),
    }
}

#[test]
fn every_block_is_read() {
    let conv = |kernel_height, kernel_width, stride, padding| {
        Block::Conv(Conv { outputs: 8, kernel_height, kernel_width, stride, padding })
    };
    let window = |size, stride| Window { size, stride };
    let residual = |stride| Block::Residual(Residual { outputs: 16, stride, activation: Activation::Relu });
    let table = [
        ("dense 10", Block::Dense { outputs: 10 }),
        ("conv 8 3x3", conv(3, 3, 1, 0)),
        ("conv 8 3", conv(3, 3, 1, 0)),
        ("conv 8 3x3 same", conv(3, 3, 1, 1)),
        ("conv 8 5 stride 2 same", conv(5, 5, 2, 2)),
        ("conv 8 2x5 pad 1 stride 3", conv(2, 5, 3, 1)),
        ("maxpool 2", Block::MaxPool(window(2, 2))),
        ("maxpool 3 stride 1", Block::MaxPool(window(3, 1))),
        ("avgpool 2", Block::AveragePool(window(2, 2))),
        ("avgpool 4 stride 2", Block::AveragePool(window(4, 2))),
        ("avgpool", Block::GlobalAveragePool),
        ("flatten", Block::Flatten),
        ("dropout 0.25", Block::Dropout { share: 0.25 }),
        ("dropout 0", Block::Dropout { share: 0.0 }),
        ("batchnorm", Block::BatchNorm),
        ("residual 16", residual(1)),
        ("residual 16 stride 2", residual(2)),
        ("residual dense", Block::ResidualDense(Activation::Relu)),
        ("relu", Block::Activation(Activation::Relu)),
        ("leaky-relu", Block::Activation(Activation::LeakyRelu { slope: 0.01 })),
        ("leaky-relu:0.3", Block::Activation(Activation::LeakyRelu { slope: 0.3 })),
        ("sigmoid", Block::Activation(Activation::Sigmoid)),
        ("tanh", Block::Activation(Activation::Tanh)),
        ("softplus", Block::Activation(Activation::Softplus)),
    ];
    let all: Vec<&str> = table.iter().map(|(text, _)| *text).collect();
    for (text, block) in table {
        assert_eq!(blocks(text), [block], "{text}");
        assert_eq!(blocks(&format!("  {}  ", text.replace(' ', "   "))), [block], "{text}");
    }
    let long = all.join(",");
    assert_eq!(blocks(&long).len(), table.len());
    let written = long.parse::<Architecture>().expect("a network").to_string();
    assert_eq!(blocks(&written), blocks(&long));
}

#[test]
fn texts_are_written_short() {
    for text in [
        "mlp 512x9",
        "mlp 100,50",
        "mlp 500x19 residual",
        "cnn",
        "resnet 24",
        "conv 32 3x3 same, relu, maxpool 2, conv 32 3x3 same, relu, maxpool 2, flatten, dense 512, relu, dense 10",
        "conv 64 9x9 stride 3, leaky-relu:0.1, maxpool 3 stride 1, residual 64 stride 2, avgpool, dense 2",
        "conv 1 2x5 pad 1, avgpool 2 stride 3, sigmoid, flatten, tanh, dropout 0.1, dense 4",
    ] {
        assert_eq!(text.parse::<Architecture>().expect(text).to_string(), text);
    }
}

fn expanded(text: &str, input: Shape, outputs: usize) -> Network {
    text.parse::<Architecture>().expect(text).network(input, outputs).expect(text)
}

#[test]
fn short_forms_are_the_papers_networks() {
    assert_eq!(
        expanded("mlp 5x2,3", Shape::flat(4), 7).to_string(),
        "dense 5, relu, dense 5, relu, dense 3, relu, dense 7"
    );
    assert_eq!(
        expanded("mlp 5x3,3 residual", Shape::flat(4), 7).to_string(),
        "dense 5, relu, residual dense, residual dense, dense 3, relu, dense 7"
    );
    let cnn = "conv 32 3x3 same, relu, maxpool 2, conv 32 3x3 same, relu, maxpool 2, flatten, dense 512, relu, dense 512, \
               relu, dense 10";
    assert_eq!(expanded("cnn", IMAGE, 10).to_string(), cnn);
    let resnet = "conv 64 9x9 stride 3, relu, maxpool 3, residual 64, residual 64, avgpool, dense 512, relu, dense 512, relu, \
                  dense 100";
    assert_eq!(expanded("resnet 2", IMAGE, 100).to_string(), resnet);
    assert_eq!(expanded("resnet 24", IMAGE, 10).blocks().len(), 3 + 24 + 1 + 5);
    // What is shown can be given, and is the same network.
    assert_eq!(expanded(cnn, IMAGE, 10), expanded("cnn", IMAGE, 10));
}

#[test]
fn a_network_that_begins_with_dense_takes_images_as_columns() {
    assert_eq!(expanded("mlp 4", IMAGE, 2).input(), Shape::flat(3 * 32 * 32));
    assert_eq!(expanded("dropout 0.2, dense 2", IMAGE, 2).input(), Shape::flat(3 * 32 * 32));
}

/// What is wrong, and all that its message must have in it.
const WRONG_TEXTS: &[(&str, &[&str])] = &[
    ("", &["network", "blocks separated by commas"]),
    ("dense", &["dense", "block 1", "`dense OUTPUTS`"]),
    ("dense ten", &["dense ten", "`dense OUTPUTS`"]),
    ("residual dense 3, dense 3", &["residual dense 3", "`residual dense`"]),
    ("mlp residual", &["widths"]),
    ("relu, , dense 3", &["block 2", "between commas"]),
    ("relu, dense -3", &["dense -3 (block 2)"]),
    ("conv 8", &["conv 8", "KERNEL"]),
    ("conv 8 2x2 same", &["same", "odd"]),
    ("conv 8 3x5 same", &["same", "odd"]),
    ("conv 8 3x3 same pad 1", &["[same|pad P]"]),
    ("conv 8 3x3 same same", &["[same|pad P]"]),
    ("conv 8 3x3 stride", &["stride S"]),
    ("conv 8 3x3 stride 1 stride 2", &["stride S"]),
    ("maxpool", &["maxpool SIZE"]),
    ("avgpool 2 2", &["avgpool SIZE"]),
    ("flatten 3", &["`flatten` alone"]),
    ("dropout", &["dropout SHARE"]),
    ("dropout half", &["dropout SHARE", "0 or above and below 1"]),
    ("dropout 0.5 0.5", &["dropout SHARE"]),
    ("residual", &["residual CHANNELS"]),
    ("leaky-relu:x", &["leaky-relu:SLOPE"]),
    ("leaky-relu:-0.5", &["slope", "0 or above"]),
    ("relu 3", &["nothing after it"]),
    ("convolution 3 3x3", &["one of conv, maxpool"]),
    ("desne 10", &["did you mean dense?"]),
    ("mlp", &["mlp 512x9"]),
    ("mlp 0x3", &["at least 1"]),
    ("mlp x", &["100,100"]),
    ("resnet", &["resnet 24"]),
    ("resnet 0", &["resnet 24"]),
    ("resnet 99999999999999999999", &["resnet 24"]),
];

#[test]
fn wrong_texts_are_named() {
    for (text, words) in WRONG_TEXTS {
        let message = text.parse::<Architecture>().expect_err(text).to_string();
        words.iter().for_each(|word| assert!(message.contains(word), "{text}: {message}"));
        assert!(!message.contains('\n'), "{message}");
    }
}

/// What is wrong with a run on digits, 1x8x8 and ten classes, and all that its message must have in it.
const WRONG_RUNS: &[(&str, &[&str])] = &[
    // Shapes: the block, what comes in, what it wants.
    ("network = 'conv 4 3x3, relu, dense 10'", &["block 3", "dense", "4x6x6", "flatten"]),
    ("network = 'flatten, conv 4 3x3, flatten, dense 10'", &["block 2", "conv", "64", "kernel"]),
    ("network = 'conv 4 9x9, flatten, dense 10'", &["block 1", "1x8x8", "no larger than its padded input"]),
    ("network = 'conv 4 3x3 stride 0, flatten, dense 10'", &["block 1", "stride of at least 1"]),
    ("network = 'maxpool 3 stride 0, flatten, dense 10'", &["block 1", "stride of at least 1"]),
    ("network = 'maxpool 9, flatten, dense 10'", &["block 1", "maxpool", "no larger than its input"]),
    ("network = 'conv 0 3x3, flatten, dense 10'", &["block 1", "at least one output"]),
    ("network = 'residual 4 stride 0, flatten, dense 10'", &["block 1", "stride of at least 1"]),
    ("network = 'leaky-relu:-1, flatten, dense 10'", &["slope"]),
    // The end.
    ("network = 'flatten, dense 9'", &["network", "`dense 10` at the end", "10 outputs"]),
    ("network = 'flatten, dense 10, relu'", &["network", "`dense 10` at the end"]),
    // Cuts.
    ("cut = '0,2'", &["cut", "from 1, ascending"]),
    ("cut = '3,3'", &["cut", "ascending"]),
    ("cut = '4,2'", &["cut", "ascending"]),
    ("cut = '5'", &["cut", "numbers from 1 to 4", "5 blocks"]),
    ("cut = '2'\nsubnetworks = 2", &["cut", "together with --subnetworks"]),
    ("cut = ''", &["cut", "5,9"]),
    ("subnetworks = 0", &["subnetworks", "1 to 64"]),
    ("subnetworks = 65", &["subnetworks", "1 to 64"]),
    ("subnetworks = 4", &["subnetworks", "at most 3", "2 places"]),
    ("network = 'flatten, dense 10'\ncut = '2'", &["cut", "1 to 1"]),
    // Numbers.
    ("batch = 1438", &["batch", "at most 1437"]),
    ("samples = 100\nbatch = 101", &["batch", "101", "at most 100"]),
    ("alpha = 0", &["alpha", "above 0"]),
    ("rho = -1", &["rho", "above 0"]),
    ("tau2 = nan", &["tau2", "above 0"]),
    ("tau2 = 1e60", &["tau2", "single precision"]),
    ("guard = -0.1", &["guard", "0 or above"]),
    ("guard = 'much'", &["guard", "none"]),
    ("freeze = 2", &["freeze", "fewer than the 2 subnetworks"]),
    // What does not go together.
    ("network = 'cnn'\nhidden = '10'", &["hidden", "together with --network"]),
    ("network = 'cnn'\nactivation = 'tanh'", &["activation", "together with --network"]),
    ("network = 'cnn'\ngrow = '1:2'", &["grow", "together with --network"]),
    ("grow = '1:2'", &["grow", "none"]),
    ("regularizer = 'l2:1'", &["regularizer", "none"]),
    ("rho-schedule = 'times:2:3'", &["rho-schedule", "gsadmm"]),
    ("method = 'pdadmm'\nnetwork = 'cnn'", &["network", "pdadmm"]),
    ("method = 'taylor'\nnetwork = 'dense 5, relu, dense 5, tanh, dense 10'", &["network", "taylor"]),
    ("method = 'dlam'\nnetwork = 'dense 5, dense 10'", &["network", "dlam"]),
    ("method = 'adam'\nnetwork = 'mlp 5'\nbatch = 2000", &["batch", "1437"]),
];

fn message<T: Real>(text: &str) -> String {
    let options = match text.contains("method") {
        true => text.to_owned(),
        false => format!("method = 'gsadmm'\n{text}"),
    };
    let trainer = TrainOptions::from_toml(&options, Path::new("some.toml")).and_then(|options| {
        let settings = options.resolve()?;
        let (train, test) = data::load::<T>(&settings.data, &settings.data_options())?;
        Trainer::new(&settings, Arc::new(train), Arc::new(test))
    });
    let error = trainer.err().unwrap_or_else(|| panic!("{text} is taken"));
    assert!(error.is_usage(), "{text}: {error}");
    error.to_string()
}

#[test]
fn wrong_runs_are_named() {
    for (text, words) in WRONG_RUNS {
        let message = message::<f32>(text);
        words.iter().for_each(|word| assert!(message.contains(word), "{text}: {message}"));
    }
}

#[test]
fn options_without_effect_are_refused_on_the_command_line() {
    for (flag, value) in [
        ("--subnetworks", "2"),
        ("--cut", "2"),
        ("--inner", "sgd"),
        ("--alpha", "1"),
        ("--tau2", "1"),
        ("--guard", "1"),
        ("--freeze", "1"),
        ("--network", "cnn"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args(["train", "--method", "dladmm", flag, value])
            .output()
            .expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}: {error}");
        assert!(error.contains(flag.trim_start_matches('-')) && error.contains("dladmm"), "{flag}: {error}");
    }
    let gsam = std::process::Command::new(env!("CARGO_BIN_EXE_altmin"))
        .args(["train", "--method", "gsam", "--rho", "2"])
        .output()
        .expect("the program starts");
    assert!(
        String::from_utf8_lossy(&gsam.stderr).contains("the method gsam with inner adam does not use it")
    );
}
