//! Networks of blocks that are trained: by subnetworks and end to end, on any number of threads, to a file and back.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Model;
use altmin::Trainer;
use altmin::compare::{Comparison, Request, Series};
use altmin::data::{self, Dataset};
use altmin::network::Initializer;
use altmin::network::evaluate::{evaluate, outputs};
use altmin::run::{Observers, Summary};
use altmin::settings::{Method, TrainOptions};
use safetensors::SafeTensors;

const CNN: &str = "network = 'conv 8 3x3 same, relu, maxpool 2, flatten, dense 32, relu, dense 10'\n";

fn options(text: &str) -> TrainOptions {
    TrainOptions::from_toml(text, Path::new("some.toml")).expect(text)
}

/// The digits of a run and a trainer for it.
fn trainer(text: &str) -> (Trainer<f32>, Arc<Dataset<f32>>) {
    let settings = options(text).resolve().expect(text);
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("digits");
    let test = Arc::new(test);
    (Trainer::new(&settings, Arc::new(train), Arc::clone(&test)).expect(text), test)
}

fn trained(text: &str) -> (Model<f32>, Summary) {
    let mut trainer = trainer(text).0;
    let summary = trainer.run(&mut Observers::new(), &AtomicBool::new(false)).expect(text);
    (trainer.model(), summary)
}

fn bits(model: &Model<f32>) -> Vec<u32> {
    model.parameters.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn subnetworks_learn() {
    for method in ["gsadmm", "gsam"] {
        let mlp = format!("method = '{method}'\nnetwork = 'mlp 64x2'\nepochs = 40\nbatch = 40");
        let cnn = format!("method = '{method}'\n{CNN}epochs = 20\nsamples = 600\nbatch = 40");
        let whole =
            format!("method = '{method}'\nnetwork = 'mlp 64'\nsubnetworks = 1\nepochs = 10\nbatch = 40");
        let sweeps = format!("method = '{method}'\nhidden = '40x3'\ninner = 'proxprop'\nsweeps = 25");
        for text in [mlp, cnn, whole, sweeps] {
            let (_, summary) = trained(&text);
            assert!(summary.train_accuracy > 0.9, "{text}: {summary:?}");
            assert!(summary.objective.is_finite());
        }
    }
}

#[test]
fn baselines_train_the_same_blocks() {
    let methods = [
        ("gd", 0.1),
        ("adagrad", 0.01),
        ("adadelta", 1.0),
        ("adam", 0.002),
        ("adamw", 0.002),
        ("muon", 0.02),
    ];
    for (method, rate) in methods {
        let text = format!(
            "method = '{method}'\nlearning-rate = {rate}\n{CNN}epochs = 12\nsamples = 600\nbatch = 30"
        );
        let (_, summary) = trained(&text);
        assert!(summary.train_accuracy > 0.9, "{text}: {summary:?}");
        assert_eq!(summary.state_bytes, 0);
    }
}

#[test]
fn threads_change_no_bit() {
    let runs = [
        "method = 'gsadmm'\nhidden = '30x3'\nsubnetworks = 3\nbatch = 100\nguard = 0.01\nrho = 2\nalpha = 5".to_owned(),
        format!("method = 'gsam'\n{CNN}samples = 500\ncut = '2,5'\ninner = 'sgd'\ntau2 = 0.5"),
        format!("method = 'adam'\n{CNN}samples = 300\nbatch = 50"),
        format!("method = 'gsadmm'\n{CNN}samples = 300\nbatch = 150\ninner = 'proxprop'\ncut = '3,6'"),
        "method = 'gsadmm'\nnetwork = 'conv 4 3x3, residual 6 stride 2, residual 6, avgpool, dense 10'\nsamples = 200"
            .to_owned(),
    ];
    for run in runs {
        let models = [1, 2, 3].map(|threads| trained(&format!("{run}\nsweeps = 4\nthreads = {threads}")).0);
        assert!(bits(&models[0]) == bits(&models[1]) && bits(&models[0]) == bits(&models[2]), "{run}");
    }
}

#[test]
fn an_mlp_is_the_same_network_as_hidden_layers() {
    for method in ["gd", "adagrad", "adadelta", "adam", "adamw", "muon"] {
        // Batches that do not divide the samples, and none.
        for batch in ["batch = 100", "batch = 'all'"] {
            let common = format!("method = '{method}'\n{batch}\nsweeps = 5\nseed = 3\n");
            let (layers, by_layers) = trained(&format!("{common}hidden = '40,30,30'"));
            let (blocks, by_blocks) = trained(&format!("{common}network = 'mlp 40,30x2'"));
            assert!(bits(&layers) == bits(&blocks), "{method}, {batch}");
            let numbers =
                |summary: &Summary| [summary.objective, summary.train_accuracy, summary.test_accuracy];
            assert_eq!(numbers(&by_layers), numbers(&by_blocks), "{method}, {batch}");
        }
    }
    // And so does a single subnetwork, from hidden layers as from blocks.
    let whole = "batch = 100\nsweeps = 3\nlearning-rate = 0.002\n";
    let (adam, _) = trained(&format!("method = 'adam'\n{whole}hidden = '20,20'\nactivation = 'tanh'"));
    let (gsadmm, _) =
        trained(&format!("method = 'gsadmm'\nsubnetworks = 1\n{whole}hidden = '20,20'\nactivation = 'tanh'"));
    assert!(bits(&adam) == bits(&gsadmm));
    assert_eq!(gsadmm.notation, altmin::network::Notation::Layers);
    assert_eq!(adam.to_bytes().expect("bytes"), gsadmm.to_bytes().expect("bytes"));
}

#[test]
fn frozen_subnetworks_keep_their_weights() {
    let run = |freeze: usize| {
        let text = format!("method = 'gsadmm'\n{CNN}cut = '3'\nsamples = 300\nsweeps = 3\nfreeze = {freeze}");
        trained(&text).0
    };
    let initial = |model: &Model<f32>, index: usize| {
        let layer = model.maps().nth(index).expect("a layer");
        let value = |at: usize| {
            let (row, column) = (at % layer.n_out, at / layer.n_out);
            Initializer::He.value(0, index as u32, row, column, layer.n_out, layer.n_in) as f32
        };
        (0..layer.weights.len()).all(|at| layer.weights[at] == value(at))
            && layer.bias.iter().all(|&b| b == 0.0)
    };
    let (free, frozen) = (run(0), run(1));
    assert_eq!([0, 1, 2].map(|index| initial(&free, index)), [false; 3]);
    assert_eq!([0, 1, 2].map(|index| initial(&frozen, index)), [true, false, false]);
}

#[test]
fn a_guard_keeps_what_an_epoch_would_have_spoilt() {
    let run = |guard: &str| {
        format!(
            "method = 'gsam'\nhidden = '30x2'\ninner = 'sgd'\nlearning-rate = 30\nsamples = 300\nsweeps = 6\nguard = {guard}"
        )
    };
    let (_, wild) = trained(&run("'none'"));
    let (_, guarded) = trained(&run("0"));
    assert!(wild.outcome != guarded.outcome || wild.objective != guarded.objective, "{wild:?} {guarded:?}");
    assert!(guarded.objective.is_finite());
}

#[test]
fn a_model_of_blocks_comes_back_from_its_file() {
    let text = "method = 'gsadmm'\nsamples = 300\nsweeps = 2\n\
                network = 'conv 4 3x2 pad 1 stride 2, leaky-relu:0.1, residual 6 stride 2, avgpool, dense 10'";
    let (mut trainer, test) = trainer(text);
    let summary = trainer.run(&mut Observers::new(), &AtomicBool::new(false)).expect("a run");
    let model = trainer.model();
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    model.save(&path).expect("a file");
    let back = Model::<f32>::load(&path).expect("a model");
    assert_eq!(back, model);
    assert_eq!(outputs(&model, &test, 2).expect("outputs"), outputs(&back, &test, 1).expect("outputs"));
    assert_eq!(evaluate(&back, &test, 1).expect("an evaluation").accuracy, summary.test_accuracy);
    let double = Model::<f64>::load(&path).expect("a model in double precision");
    assert_eq!(double.network, model.network);
}

/// A tensor of a file: its shape and its numbers, row-major.
struct Tensor {
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

fn tensors(bytes: &[u8]) -> HashMap<String, Tensor> {
    let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
    let number = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes")));
    let read = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let numbers = view.data().chunks_exact(4).map(number).collect();
        (name, Tensor { shape: view.shape().to_vec(), numbers })
    };
    file.tensors().into_iter().map(read).collect()
}

/// An image: channels, height, width.
type Image = Vec<Vec<Vec<f64>>>;

/// The convolution by its definition, from tensors as PyTorch has them.
fn convolve(image: &Image, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Image {
    let [n_out, channels, kernel_height, kernel_width] = weight.shape[..] else { panic!("four dimensions") };
    assert_eq!(channels, image.len());
    let (height, width) = (image[0].len(), image[0][0].len());
    let pixel = |out: usize, row: usize, col: usize| {
        let mut sum = bias.numbers[out];
        for (c, plane) in image.iter().enumerate() {
            for i in 0..kernel_height {
                for j in 0..kernel_width {
                    let (y, x) = (row * stride + i, col * stride + j);
                    let inside =
                        (padding..height + padding).contains(&y) && (padding..width + padding).contains(&x);
                    let at = ((out * channels + c) * kernel_height + i) * kernel_width + j;
                    if inside {
                        sum += weight.numbers[at] * plane[y - padding][x - padding];
                    }
                }
            }
        }
        sum
    };
    let rows = (height + 2 * padding - kernel_height) / stride + 1;
    let columns = (width + 2 * padding - kernel_width) / stride + 1;
    let channel = |out| (0..rows).map(|row| (0..columns).map(|col| pixel(out, row, col)).collect()).collect();
    (0..n_out).map(channel).collect()
}

fn each(image: &Image, f: impl Fn(f64) -> f64) -> Image {
    image.iter().map(|c| c.iter().map(|row| row.iter().map(|&x| f(x)).collect()).collect()).collect()
}

fn plus(a: &Image, b: &Image) -> Image {
    let rows = |(a, b): (&Vec<Vec<f64>>, &Vec<Vec<f64>>)| {
        a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
    };
    a.iter().zip(b).map(rows).collect()
}

#[test]
fn the_file_has_pytorchs_tensors() {
    let text = "method = 'adam'\nsamples = 300\nsweeps = 2\n\
                network = 'conv 4 3x2 pad 1 stride 2, tanh, residual 6 stride 2, residual 6, avgpool, dense 10'";
    let (mut trainer, test) = trainer(text);
    trainer.run(&mut Observers::new(), &AtomicBool::new(false)).expect("a run");
    let model = trainer.model();
    let file = tensors(&model.to_bytes().expect("bytes"));
    assert_eq!(file.len(), 14);
    assert_eq!(file["blocks.0.weight"].shape, [4, 1, 3, 2]);
    assert_eq!(file["blocks.2.conv1.weight"].shape, [6, 4, 3, 3]);
    assert_eq!(file["blocks.2.projection.weight"].shape, [6, 4, 1, 1]);
    assert_eq!(file["blocks.5.weight"].shape, [10, 6]);
    assert_eq!(file["blocks.5.bias"].shape, [10]);
    let map = |name: &str| (&file[&format!("{name}.weight")], &file[&format!("{name}.bias")]);
    let relu = |image: &Image| each(image, |x| x.max(0.0));
    let found = outputs(&model, &test, 1).expect("outputs");
    for sample in 0..5 {
        let pixels = test.sample(sample);
        let image: Image =
            vec![pixels.chunks_exact(8).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()];
        let (weight, bias) = map("blocks.0");
        let signal = each(&convolve(&image, weight, bias, 2, 1), f64::tanh);
        let pair = |signal: &Image, name: &str, stride: usize, carried: &Image| {
            let ((w1, b1), (w2, b2)) = (map(&format!("{name}.conv1")), map(&format!("{name}.conv2")));
            let inner = relu(&convolve(signal, w1, b1, stride, 1));
            relu(&plus(&convolve(&inner, w2, b2, 1, 1), carried))
        };
        let (weight, bias) = map("blocks.2.projection");
        let signal = pair(&signal, "blocks.2", 2, &convolve(&signal, weight, bias, 2, 0));
        let signal = pair(&signal, "blocks.3", 1, &signal);
        let means: Vec<f64> = signal
            .iter()
            .map(|channel| channel.iter().flatten().sum::<f64>() / channel.iter().flatten().count() as f64)
            .collect();
        let (weight, bias) = map("blocks.5");
        for class in 0..10 {
            let row = &weight.numbers[class * 6..][..6];
            let expected = bias.numbers[class] + row.iter().zip(&means).map(|(w, x)| w * x).sum::<f64>();
            let found = f64::from(found[sample * 10 + class]);
            assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
        }
    }
}

#[test]
fn a_damaged_file_of_blocks_is_refused() {
    let (model, _) = trained(&format!("method = 'adam'\n{CNN}samples = 120\nbatch = 60\nsweeps = 1"));
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    let bytes = model.to_bytes().expect("bytes");
    for (from, to, words) in [
        ("blocks.0.weight", "blocks.1.weight", "blocks.0.weight"),
        ("conv 8 3x3 same", "conv 9 3x3 same", "linear maps"),
        ("conv 8 3x3 same", "conv 8 3x3 some", "some"),
        ("[8,1,3,3]", "[8,1,9,1]", "blocks.0.weight"),
        ("dense 32", "dense 33", "linear maps"),
        (r#"\"network\""#, r#"\"netwark\""#, "activation"),
    ] {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
        let mut damaged = bytes.clone();
        damaged[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&path, damaged).expect("a file");
        let message = Model::<f32>::load(&path).expect_err(to).to_string();
        assert!(message.contains(words), "{to}: {message}");
    }
}

fn altmin(arguments: &str, out: Option<&Path>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(arguments.split(' ').map(|argument| argument.replace('_', " ")));
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_config_repeats_the_run_and_its_model_is_used() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [first, again] = ["first", "again"].map(|name| parent.path().join(name));
    let run = "train --method gsam --network conv_4_3x3,_relu,_maxpool_2,_flatten,_dense_10 --cut 3 --epochs 3 \
               --inner sgd --alpha 2 --tau2 5 --guard 0.5 --freeze 1 --samples 300 --batch 50 --quiet";
    altmin(run, Some(&first));
    let config = format!("train --quiet --config {}", first.join("config.toml").display());
    altmin(&config, Some(&again));
    for file in ["config.toml", "model.safetensors"] {
        let [one, other] = [&first, &again].map(|folder| fs::read(folder.join(file)).expect(file));
        assert!(one == other, "{file}");
    }
    let written = fs::read_to_string(first.join("config.toml")).expect("settings");
    for line in
        ["cut = \"3\"", "inner = \"sgd\"", "tau2 = 5.0", "freeze = 1", "guard = \"0.5\"", "sweeps = 3"]
    {
        assert!(written.contains(line), "{line}\n{written}");
    }
    let model = format!("--model {}", first.join("model.safetensors").display());
    let said = altmin(&format!("info {model}"), None);
    assert!(said.contains("conv 4 3x3") && said.contains("1x8x8") && said.contains("4x6x6"), "{said}");
    assert!(altmin(&format!("evaluate {model}"), None).contains("accuracy"));
    assert_eq!(altmin(&format!("predict {model}"), None).lines().count(), 361);
}

#[test]
fn info_shows_the_blocks_and_where_they_are_cut() {
    let said = altmin("info --method gsadmm --network cnn --cut 3,9", None);
    for words in
        ["conv 32 3x3 same", "32x4x4", "subnetwork 1   blocks   1 to 3", "subnetwork 3   blocks  10 to 12"]
    {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let parameters = (9 + 1) * 32 + (9 * 32 + 1) * 32 + (128 + 1) * 512 + (512 + 1) * 512 + (512 + 1) * 10;
    assert!(said.contains(&format!("total {parameters} parameters")), "{said}");
}

#[test]
fn comparisons_share_a_network() {
    let shared = options(&format!("{CNN}samples = 200\nepochs = 2\nbatch = 50\nalpha = 2"));
    let requests =
        [Method::Gsadmm, Method::Gsam, Method::Adam].map(|method| Request::new(method.to_string(), method));
    let comparison = Comparison::of(&requests, &shared).expect("a comparison");
    let settings = comparison.common();
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("digits");
    let mut all: Vec<Series> = Vec::new();
    comparison.run(&Arc::new(train), &Arc::new(test), &mut all, &AtomicBool::new(false)).expect("runs");
    assert_eq!(all.iter().map(|series| series.sweeps.len()).collect::<Vec<_>>(), [2, 2, 2]);
    let with_layers = [Request::new("adam", Method::Adam), Request::new("pdadmm", Method::Pdadmm)];
    let comparison = Comparison::of(&with_layers, &options(CNN)).expect("settings that go together");
    let data =
        data::load::<f32>(&comparison.common().data, &comparison.common().data_options()).expect("digits");
    let (train, test) = (Arc::new(data.0), Arc::new(data.1));
    let error = comparison
        .run(&train, &test, &mut Vec::<Series>::new(), &AtomicBool::new(false))
        .expect_err("pdadmm has layers alone");
    assert!(error.to_string().contains("pdadmm") && error.to_string().contains("network"), "{error}");
}
