//! Weights that are set, and taken over from files.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Error;
use altmin::Trainer;
use altmin::data;
use altmin::run::{History, Metrics};
use altmin::settings::TrainOptions;
use altmin_core::Real;
use altmin_core::view::{dense, view};

fn trainer<T: Real>(text: &str) -> Trainer<T> {
    let options = TrainOptions::from_toml(text, "test.toml".as_ref()).expect(text);
    let settings = options.resolve().expect(text);
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("data");
    Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect(text)
}

fn step(trainer: &mut Trainer<f32>, count: usize) -> Vec<[u64; 4]> {
    let mut history = History::default();
    trainer.step(count, &mut history, &AtomicBool::new(false)).expect("steps");
    let of = |m: &Metrics| [m.objective, m.primal_residual, m.dual_residual, m.loss].map(f64::to_bits);
    history.sweeps.iter().map(of).collect()
}

/// Sets all maps, whose parameters lie one after the other.
fn set(trainer: &mut Trainer<f32>, parameters: &[f32]) {
    let shapes: Vec<_> = trainer.maps().map(|map| (map.n_out, map.n_in)).collect();
    let mut rest = parameters;
    for (index, (n_out, n_in)) in shapes.into_iter().enumerate() {
        let (weights, after) = rest.split_at(n_out * n_in);
        let (bias, after) = after.split_at(n_out);
        trainer.set_map(index, &dense(weights, n_out, n_in), bias).expect("a map");
        rest = after;
    }
    assert!(rest.is_empty());
}

const METHODS: [&str; 13] = [
    "pdadmm", "dladmm", "taylor", "dlam", "proxprop", "adam", "adamw", "muon", "adagrad", "adadelta", "gd",
    "gsadmm", "gsam",
];

#[test]
fn a_run_goes_on_from_set_weights_as_one_that_begins_with_them() {
    for method in METHODS {
        let more = match method {
            "dlam" => "accelerate = true\nepsilon-rule = 'fixed'",
            // An order of mini-batches would go on.
            "proxprop" | "gsadmm" | "gsam" => "batch = 'all'",
            _ => "",
        };
        let text = format!("method = '{method}'\nhidden = '20x2'\nsamples = 150\n{more}");
        let mut old = trainer(&text);
        step(&mut old, 4);
        let maps = old.parameters().to_vec();
        let mut new = trainer::<f32>(&text);
        assert_ne!(new.parameters(), maps, "{text}");
        set(&mut new, &maps);
        assert_eq!(new.parameters(), maps);
        // The old one forgets everything but its weights.
        set(&mut old, &maps);
        assert_eq!(step(&mut old, 3), step(&mut new, 3), "{text}");
        assert_eq!(old.parameters(), new.parameters(), "{text}");
    }
}

#[test]
fn maps_of_blocks_have_the_order_of_their_file() {
    let text = "method = 'gsadmm'\nnetwork = 'conv 4 3x3 stride 2, relu, residual 6 stride 2, flatten, dense 10'\n\
                cut = 2\nsamples = 60\nbatch = 30";
    let mut trainer = trainer::<f32>(text);
    let shapes: Vec<_> = trainer.maps().map(|map| (map.n_out, map.n_in)).collect();
    assert_eq!(shapes, [(4, 9), (6, 36), (6, 54), (6, 4), (10, 24)]);
    // A kernel that looks at the middle of its patch alone, place (1, 1), column 4.
    let mut weight = vec![0.0; 36];
    weight[4 * 4..][..4].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    trainer.set_map(0, &dense(&weight, 4, 9), &[0.0; 4]).expect("a kernel");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    trainer.save(&path).expect("saved");
    let bytes = fs::read(&path).expect("read");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a file");
    let tensor = file.tensor("blocks.0.weight").expect("the kernel");
    assert_eq!(tensor.shape(), [4, 1, 3, 3]);
    let numbers: Vec<f32> = tensor
        .data()
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().expect("four")))
        .collect();
    for (place, number) in numbers.iter().enumerate() {
        let expected = if place % 9 == 4 { (place / 9 + 1) as f32 } else { 0.0 };
        assert_eq!(*number, expected, "{place}");
    }
}

#[test]
fn what_is_no_map_is_refused_and_nothing_changes() {
    let mut trainer = trainer::<f32>("hidden = '20'\nsamples = 50");
    step(&mut trainer, 1);
    let maps = trainer.parameters().to_vec();
    let (weights, bias) = (vec![0.25; 20 * 64], vec![0.5; 20]);
    let mut bad = weights.clone();
    bad[21] = f32::INFINITY;
    let mut bad_bias = bias.clone();
    bad_bias[7] = f32::NAN;
    for (name, index, weights, rows, bias) in [
        ("index", 2, &weights, 20, &bias),
        ("index", usize::MAX, &weights, 20, &bias),
        ("weights", 1, &weights, 20, &bias),
        ("weights", 0, &weights, 64, &bias),
        ("weights", 0, &weights, 10, &bias),
        ("weights", 0, &bad, 20, &bias),
        ("bias", 0, &weights, 20, &vec![0.5; 19]),
        ("bias", 0, &weights, 20, &vec![]),
        ("bias", 0, &weights, 20, &bad_bias),
    ] {
        let columns = weights.len() / rows;
        let error = trainer.set_map(index, &dense(weights, rows, columns), bias).expect_err(name);
        assert!(matches!(error, Error::Argument { name: found, .. } if found == name), "{name}: {error}");
        assert_eq!(trainer.parameters(), maps);
    }
    // Nor has the run been made to begin anew.
    let mut other = self::trainer::<f32>("hidden = '20'\nsamples = 50");
    step(&mut other, 1);
    assert_eq!(step(&mut trainer, 2), step(&mut other, 2));
    let maps = trainer.parameters().to_vec();
    // A gap between columns is no part of the weights.
    let mut spread = vec![f32::NAN; 23 * 64];
    spread.chunks_exact_mut(23).for_each(|column| column[..20].fill(0.25));
    trainer.set_map(0, &view("weights", &spread, 20, 64, 23).expect("a view"), &bias).expect("a map");
    assert_eq!(trainer.parameters()[..20 * 64], weights);
    assert_eq!(trainer.parameters()[20 * 64..][..20], bias);
    assert_eq!(trainer.parameters()[20 * 65..], maps[20 * 65..]);
}

#[test]
fn a_file_gives_its_weights_to_the_same_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    for text in [
        "hidden = '20,15'\nsamples = 100",
        "method = 'gsadmm'\nnetwork = 'conv 4 3x3, relu, flatten, dense 10'\nsubnetworks = 1\nsamples = 100\nbatch = 50",
    ] {
        let mut old = trainer::<f32>(text);
        step(&mut old, 2);
        old.save(&path).expect("saved");
        let mut new = trainer::<f32>(&format!("{text}\nseed = 3"));
        assert_ne!(new.parameters(), old.parameters());
        new.load(&path).expect("the same network");
        assert_eq!(new.parameters(), old.parameters());
        let mut double = trainer::<f64>(text);
        double.load(&path).expect("the other precision");
        assert!(double.parameters().iter().zip(old.parameters()).all(|(a, b)| *a == f64::from(*b)));
    }
    // A method that cuts hidden layers has the network of one that does not.
    trainer::<f32>("hidden = '20,15'\nsamples = 50").save(&path).expect("saved");
    trainer::<f32>("method = 'gsadmm'\nhidden = '20,15'\nbatch = 50\nsamples = 50")
        .load(&path)
        .expect("the same layers");

    let refused = |text: &str, path: &Path| {
        let mut trainer = trainer::<f32>(text);
        let maps = trainer.parameters().to_vec();
        let error = trainer.load(path).expect_err(text);
        assert_eq!(trainer.parameters(), maps, "{text}");
        error
    };
    for text in [
        "hidden = '20,16'\nsamples = 50",
        "hidden = '20'\nsamples = 50",
        "hidden = '20,15'\nsamples = 50\nactivation = 'tanh'",
        "hidden = '20,15'\nclasses = '0,1'",
        "hidden = '20,15'\nsamples = 50\npool = 2",
        "method = 'gsadmm'\nnetwork = 'mlp 20,15'\nbatch = 50\nsamples = 50",
    ] {
        let error = refused(text, &path);
        assert!(matches!(error, Error::Network { .. }), "{text}: {error}");
    }
    let fit = "hidden = '20,15'\nsamples = 50";
    assert!(matches!(refused(fit, &folder.path().join("missing")), Error::Io { .. }));
    let bytes = fs::read(&path).expect("read");
    let version = br#"\"version\":1"#;
    let place = bytes.windows(version.len()).position(|window| window == version).expect("the version");
    let mut newer = bytes.clone();
    newer[place + version.len() - 1] = b'2';
    for (content, what) in
        [(&newer[..], "version 2"), (&bytes[..bytes.len() / 2], "no whole"), (b"no model", "no whole")]
    {
        let other = folder.path().join("other");
        fs::write(&other, content).expect("written");
        let error = refused(fit, &other);
        assert!(matches!(error, Error::Format { .. }) && error.to_string().contains(what), "{error}");
    }
}
