//! Data at the edges of what numbers can do, for every method and both precisions: each run ends in finite numbers that are
//! right, held against plain loops in double precision, or is told to have diverged and leaves a network that is still finite.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::data::{DataSource, Dataset};
use altmin::run::{History, Outcome};
use altmin::settings::{Method, Settings, TrainOptions, Use};
use altmin::{Error, Trainer};
use altmin_core::view::dense;
use altmin_core::{Choice as _, Real};

/// Samples to learn from, in double precision.
struct Samples {
    features: usize,
    x: Vec<f64>,
    learnt: Learnt,
}

enum Learnt {
    Classes(Vec<i32>),
    Values(Vec<f64>),
}

/// What may come of a run.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// Finite and right numbers.
    Finite,
    /// That, or a divergence that is told: squares of the data, or of the weights that fit such data, leave the range of a
    /// precision, or what varies in the data is less than its rounding.
    FiniteOrTold,
}

struct Case {
    name: &'static str,
    activation: &'static str,
    ends: Ends,
    samples: Samples,
}

/// Numbers between -1 and 1 in no order.
fn noise(k: usize) -> f64 {
    let mixed = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// So many samples of so many features, and the class of each.
fn classes(features: usize, samples: usize, x: impl Fn(usize, usize) -> f64) -> Samples {
    let x = (0..samples).flat_map(|j| (0..features).map(move |i| (i, j))).map(|(i, j)| x(i, j)).collect();
    Samples { features, x, learnt: Learnt::Classes((0..samples).map(|j| (j % 3) as i32).collect()) }
}

fn values(
    features: usize,
    samples: usize,
    x: impl Fn(usize, usize) -> f64,
    y: impl Fn(usize) -> f64,
) -> Samples {
    let Samples { x, .. } = classes(features, samples, x);
    Samples { features, x, learnt: Learnt::Values((0..2 * samples).map(y).collect()) }
}

fn cases() -> Vec<Case> {
    let plain = |i: usize, j: usize| noise(i + 31 * j);
    let mut cases = Vec::new();
    let mut add = |name, activation, ends, samples| cases.push(Case { name, activation, ends, samples });
    use Ends::{Finite, FiniteOrTold};
    let scaled = |scale: f64| classes(5, 24, move |i, j| scale * plain(i, j));
    add("features of size 1e-20", "relu", FiniteOrTold, scaled(1e-20));
    add("features of size 1e-10", "relu", FiniteOrTold, scaled(1e-10));
    add("features of size 1e-3", "relu", Finite, scaled(1e-3));
    add("features of size 1e3", "relu", FiniteOrTold, scaled(1e3));
    add("features of size 1e10", "relu", FiniteOrTold, scaled(1e10));
    add("features of size 1e20", "relu", FiniteOrTold, scaled(1e20));
    add("denormal features", "relu", FiniteOrTold, scaled(1e-40));
    add("denormal features of double precision", "relu", FiniteOrTold, scaled(5e-310));
    let sizes = |i: usize| 10_f64.powi(8 * i as i32 - 16);
    add(
        "features from 1e-16 to 1e16",
        "relu",
        FiniteOrTold,
        classes(5, 24, move |i, j| sizes(i) * plain(i, j)),
    );
    add("features that are all zero", "relu", Finite, classes(5, 24, |_, _| 0.0));
    add("a constant feature", "relu", Finite, classes(5, 24, |i, j| if i == 0 { 1.0 } else { plain(i, j) }));
    add("constant features alone", "relu", Finite, classes(5, 24, |i, _| i as f64));
    add("a feature three times", "relu", Finite, classes(5, 24, |i, j| plain(i.max(2), j)));
    add("samples that are all the same", "relu", FiniteOrTold, classes(5, 24, |i, _| plain(i, 0)));
    add("sums of rank 1", "relu", Finite, classes(5, 24, |i, j| noise(i) * noise(100 + j)));
    add("more features than samples", "relu", Finite, classes(40, 6, plain));
    add("one feature", "relu", Finite, classes(1, 24, plain));
    add("one sample of values", "relu", Finite, values(5, 1, plain, noise));
    add("one sample of one feature", "relu", Finite, values(1, 1, plain, noise));
    add("values of size 1e-20", "relu", Finite, values(5, 24, plain, |k| 1e-20 * noise(k)));
    add("values of size 1e10", "relu", FiniteOrTold, values(5, 24, plain, |k| 1e10 * noise(k)));
    add("values of size 1e20", "relu", FiniteOrTold, values(5, 24, plain, |k| 1e20 * noise(k)));
    add("values that do not vary", "relu", Finite, values(5, 24, plain, |_| 3.0));
    for activation in ["sigmoid", "tanh", "softplus"] {
        add("activations that saturate", activation, FiniteOrTold, scaled(1e4));
        add("activations that saturate at once", activation, FiniteOrTold, scaled(1e15));
        add("activations next to zero", activation, FiniteOrTold, scaled(1e-15));
    }
    cases
}

/// Mean risk of layers on samples by plain loops in double precision, and the size of what it is made of.
fn risk(layers: &[(usize, usize, Vec<f64>, Vec<f64>)], activation: &str, samples: &Samples) -> (f64, f64) {
    let m = samples.x.len() / samples.features;
    let (mut sum, mut size) = (0.0, 0.0);
    for j in 0..m {
        let mut signal = samples.x[j * samples.features..][..samples.features].to_vec();
        let mut sizes: Vec<f64> = signal.iter().map(|x| x.abs()).collect();
        for (l, (n_out, n_in, weights, bias)) in layers.iter().enumerate() {
            let row = |i: usize, of: &[f64], sign: fn(f64) -> f64| -> f64 {
                (0..*n_in).map(|k| sign(weights[k * n_out + i]) * of[k]).sum::<f64>() + sign(bias[i])
            };
            let z: Vec<f64> = (0..*n_out).map(|i| row(i, &signal, |w| w)).collect();
            sizes = (0..*n_out).map(|i| row(i, &sizes, f64::abs)).collect();
            let hidden = l + 1 < layers.len();
            signal = z.into_iter().map(|z| if hidden { activated(activation, z) } else { z }).collect();
        }
        size += sizes.iter().fold(1.0, |most: f64, size| most.max(*size));
        match &samples.learnt {
            Learnt::Classes(classes) => {
                let largest = signal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = signal.iter().map(|z| (z - largest).exp()).sum();
                sum += largest - signal[classes[j] as usize] + total.ln();
            }
            Learnt::Values(values) => {
                for (i, z) in signal.iter().enumerate() {
                    let (y, distance) = (values[j * signal.len() + i], z - values[j * signal.len() + i]);
                    sum += 0.5 * distance * distance;
                    size += sizes[i] * (sizes[i] + y.abs()) + y * y;
                }
            }
        }
    }
    (sum / m as f64, size / m as f64)
}

fn activated(activation: &str, z: f64) -> f64 {
    match activation {
        "relu" => z.max(0.0),
        "sigmoid" => 1.0 / (1.0 + (-z).exp()),
        "tanh" => z.tanh(),
        "softplus" => z.max(0.0) + (-z.abs()).exp().ln_1p(),
        other => panic!("{other}"),
    }
}

fn settings(method: Method, case: &Case, more: &str) -> Settings {
    let mut text = format!("method = '{method}'\nthreads = 1\n{more}");
    let is_for_values = matches!(case.samples.learnt, Learnt::Values(_));
    let _ = writeln!(text, "hidden = '4,3'\nactivation = '{}'", case.activation);
    if is_for_values {
        text.push_str("loss = 'least-squares'\n");
    }
    if method.card().batch.is_some() || method.card().uses(Use::Subnetworks) {
        text.push_str("batch = 'all'\n");
    }
    let options = TrainOptions::from_toml(&text, "case.toml".as_ref()).expect("readable");
    let options = TrainOptions { data: Some(DataSource::Memory), ..options };
    options.resolve().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What came of a run, in a word; what it should not have come to is an error.
fn run<T: Real>(method: Method, case: &Case, more: &str) -> Result<&'static str, String> {
    let Samples { features, x, learnt } = &case.samples;
    let m = x.len() / features;
    let settings = settings(method, case, more);
    let cast = |numbers: &[f64]| -> Vec<T> { numbers.iter().map(|&number| T::from_f64(number)).collect() };
    let x_in = cast(x);
    let data = match learnt {
        Learnt::Classes(labels) => Dataset::from_classes(&dense(&x_in, *features, m), labels, Some(3)),
        Learnt::Values(values) => {
            Dataset::from_values(&dense(&x_in, *features, m), &dense(&cast(values), 2, m))
        }
    };
    let data = data.map_err(|error| format!("no data set: {error}"))?;
    let mut trainer =
        Trainer::<T>::without_test(&settings, Arc::new(data)).map_err(|error| error.to_string())?;
    let mut history = History::default();
    let outcome = match trainer.step(5, &mut history, &AtomicBool::new(false)) {
        Ok(outcome) => outcome,
        Err(Error::Core(error)) => return Err(format!("an error and no outcome: {error}")),
        Err(error) => return Err(error.to_string()),
    };
    if !trainer.parameters().iter().all(|number| number.is_finite()) {
        return Err("weights that are not finite".into());
    }
    let layers: Vec<_> = trainer
        .maps()
        .map(|map| {
            let wide = |numbers: &[T]| numbers.iter().map(|number| number.to_f64()).collect();
            (map.n_out, map.n_in, wide(map.weights), wide(map.bias))
        })
        .collect();
    // The oracle sees what the precision has made of the samples.
    let seen = Samples {
        features: *features,
        x: x_in.iter().map(|number| number.to_f64()).collect(),
        learnt: match learnt {
            Learnt::Classes(classes) => Learnt::Classes(classes.clone()),
            Learnt::Values(values) => {
                Learnt::Values(cast(values).iter().map(|number: &T| number.to_f64()).collect())
            }
        },
    };
    if outcome != Outcome::SweepLimit && outcome != Outcome::Diverged {
        return Err(format!("{outcome:?}"));
    }
    if let Some(metrics) = trainer.metrics() {
        let (expected, size) = risk(&layers, case.activation, &seen);
        let allowed = 1e3 * T::EPSILON.to_f64() * (size + expected.abs()) + 1e-30;
        if !(metrics.loss - expected).abs().le(&allowed) {
            return Err(format!("loss {:e}, by the oracle {expected:e}", metrics.loss));
        }
        for number in [metrics.objective, metrics.primal_residual, metrics.dual_residual] {
            if outcome == Outcome::SweepLimit && number.is_infinite() {
                return Err(format!("{metrics:?}"));
            }
        }
    }
    match (outcome, case.ends) {
        (Outcome::Diverged, Ends::Finite) => Err(format!("diverged after {} sweeps", history.sweeps.len())),
        (Outcome::Diverged, Ends::FiniteOrTold) => Ok("told"),
        _ => Ok("finite"),
    }
}

#[test]
fn every_method_has_a_defined_result_at_the_edges() {
    let (mut wrong, mut tried, mut told) = (Vec::new(), 0, 0);
    for case in cases() {
        for method in Method::values() {
            let runs = [
                ("f32", run::<f32>(method, &case, "precision = 'f32'\nexact-metrics = true\n")),
                ("f64", run::<f64>(method, &case, "precision = 'f64'\nexact-metrics = true\n")),
            ];
            for (precision, found) in runs {
                tried += 1;
                match found {
                    Ok("told") => told += 1,
                    Ok(_) => {}
                    Err(what) => wrong
                        .push(format!("{}, {}, {method}, {precision}: {what}", case.name, case.activation)),
                }
            }
        }
    }
    println!("{tried} runs, {told} of them told to have diverged");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(told > 0 && told < tried / 4, "{told} of {tried}");
}
