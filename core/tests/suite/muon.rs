//! Muon: its orthogonalisation against the polynomial of the singular values, its steps against plain formulas.

use altmin_core::Error;
use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::gemm::Portable;
use altmin_core::method::{AnyMethod, Hyperparameters, Name};
use altmin_core::optimizer::Optimizer;
use altmin_core::optimizer::orthogonal::{orthogonalize, orthogonalize_workspace};
use altmin_core::view::dense_mut;
use altmin_core::workspace::Stack;

use crate::common::Random;
use crate::common::dense::{Mat, distance};
use crate::common::rig::Rig;
use crate::common::teacher::{Data, Network};
use crate::gradient::{SAMPLES, gradient, plain, small};
use crate::gradient_steps::{BATCH, EPOCHS, all, rig, settings, share};

/// What a round makes of a singular value.
fn polynomial(s: f64) -> f64 {
    3.4445 * s - 4.7750 * s.powi(3) + 2.0315 * s.powi(5)
}

fn five_rounds(s: f64) -> f64 {
    (0..5).fold(s, |s, _| polynomial(s))
}

/// Orthonormal columns, by Gram and Schmidt, twice.
fn orthonormal(rows: usize, columns: usize, seed: u64) -> Mat {
    let mut random = Random::new(seed);
    let mut q = Mat::from_fn(rows, columns, |_, _| random.number());
    for _ in 0..2 {
        for j in 0..columns {
            for k in 0..j {
                let along: f64 = (0..rows).map(|i| q.at(i, j) * q.at(i, k)).sum();
                (0..rows).for_each(|i| q.set(i, j, q.at(i, j) - along * q.at(i, k)));
            }
            let norm = q.column(j).iter().map(|x| x * x).sum::<f64>().sqrt();
            (0..rows).for_each(|i| q.set(i, j, q.at(i, j) / norm));
        }
    }
    q
}

/// `U diag(s) V'`.
fn composed(u: &Mat, s: &[f64], v: &Mat) -> Mat {
    Mat::from_fn(u.rows, s.len(), |i, k| u.at(i, k) * s[k]).times(&v.transposed())
}

fn orthogonalized(g: &Mat) -> Mat {
    let (mut x, mut other) = (g.clone(), vec![f64::NAN; g.data.len()]);
    let needed = orthogonalize_workspace::<f64, _>(&Portable, g.rows, g.columns).elements();
    let mut scratch = vec![f64::NAN; needed];
    let to = &mut dense_mut(&mut x.data, g.rows, g.columns);
    let other = &mut dense_mut(&mut other, g.rows, g.columns);
    orthogonalize(&Portable, to, other, Stack::new(&mut scratch)).unwrap();
    x
}

#[test]
fn five_rounds_move_singular_values_by_the_polynomial_and_leave_vectors() {
    let shapes = [(1, 1), (1, 5), (6, 1), (4, 4), (7, 3), (3, 70), (64, 64), (65, 130), (140, 70)];
    for (seed, (rows, columns)) in shapes.into_iter().enumerate() {
        let size = rows.min(columns);
        let (u, v) = (orthonormal(rows, size, seed as u64 + 1), orthonormal(columns, size, seed as u64 + 90));
        for scale in [1e-3, 1.0, 1e6] {
            // From 1 down to 0.05.
            let s: Vec<f64> = (0..size).map(|k| scale * 0.05_f64.powf(k as f64 / size as f64)).collect();
            let norm = s.iter().map(|s| s * s).sum::<f64>().sqrt() + 1e-7;
            let moved: Vec<f64> = s.iter().map(|s| five_rounds(s / norm)).collect();
            assert!(moved.iter().all(|s| (0.68..1.21).contains(s)), "{moved:?}");
            let found = orthogonalized(&composed(&u, &s, &v));
            let off = distance(&found, &composed(&u, &moved, &v));
            assert!(off < 1e-10, "{rows} x {columns}, {scale}: {off}");
            // As the singular values of what was found have it: U' O V is diagonal, with these on it.
            let core = u.transposed().times(&found).times(&v);
            assert!((0..size).all(|k| (0.68..1.21).contains(&core.at(k, k))));
        }
    }
}

#[test]
fn the_interval_that_is_documented_is_reached_from_all_of_its_values() {
    let values = (160..=100_000).map(|k| five_rounds(f64::from(k) / 100_000.0));
    let (least, most) = values.fold((f64::MAX, 0.0_f64), |(least, most), s| (least.min(s), most.max(s)));
    assert!(least > 0.68 && most < 1.21, "{least}, {most}");
    assert!(five_rounds(0.0014) < 0.68);
}

#[test]
fn a_matrix_without_rank_stays_so_and_what_does_not_fit_is_refused() {
    assert_eq!(orthogonalized(&Mat::zeros(4, 3)), Mat::zeros(4, 3));
    let (u, v) = (orthonormal(6, 1, 3), orthonormal(9, 1, 4));
    let found = orthogonalized(&composed(&u, &[2.0], &v));
    assert!(distance(&found, &composed(&u, &[five_rounds(1.0)], &v)) < 1e-6);
    let mut x = [1.0; 12];
    let needed = orthogonalize_workspace::<f64, _>(&Portable, 4, 3).elements();
    let mut scratch = vec![0.0; needed];
    for (columns, elements) in [(2, needed), (3, needed - 1)] {
        let mut other = [0.0; 12];
        let other = &mut dense_mut(&mut other[..4 * columns], 4, columns);
        let to = &mut dense_mut(&mut x, 4, 3);
        let refused = orthogonalize(&Portable, to, other, Stack::new(&mut scratch[..elements]));
        match refused {
            Err(Error::Shape { argument: "other", .. }) => assert_eq!(columns, 2),
            Err(Error::Workspace { .. }) => assert_eq!(columns, 3),
            other => panic!("{other:?}"),
        }
        assert_eq!(x, [1.0; 12]);
    }
}

/// `O(G)` by products of whole matrices.
fn plain_orthogonalized(g: &Mat) -> Mat {
    let norm = g.squared().sqrt() + 1e-7;
    let mut x = g.map(|g| g / norm);
    for _ in 0..5 {
        let gram = x.times(&x.transposed());
        let once = gram.times(&x);
        let twice = gram.times(&once);
        x = x.map(|x| 3.4445 * x).plus(-4.7750, &once).plus(2.0315, &twice);
    }
    x
}

/// Adam with the author's numbers.
fn adam(t: i32, rate: f64, g: f64, [m, v]: [&mut f64; 2], x: &mut f64) {
    *m = 0.9 * *m + 0.1 * g;
    *v = 0.95 * *v + 0.05 * g * g;
    let (m, v) = (*m / (1.0 - 0.9_f64.powi(t)), *v / (1.0 - 0.95_f64.powi(t)));
    *x -= rate * m / (v.sqrt() + 1e-10);
}

/// A run by plain formulas.
fn reference(settings: &Hyperparameters<f64>, (data, start): (&Data, &Network)) -> Network {
    let mut network = start.clone();
    let zero = || -> Vec<Vec<f64>> {
        let layers = start.weights.iter().zip(&start.biases);
        layers.map(|(w, b)| vec![0.0; w.data.len() + b.data.len()]).collect()
    };
    let (mut first, mut second) = (zero(), zero());
    for k in 0..EPOCHS * SAMPLES / BATCH {
        let begin = k % (SAMPLES / BATCH) * BATCH;
        let batch: Vec<u32> = (begin..begin + BATCH).map(|j| j as u32).collect();
        let mut g = gradient(plain(Optimizer::gd(1.0)), (data, &network), Some(&batch));
        if let Some(clip) = settings.clip {
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            g.iter_mut().for_each(|g| *g *= (clip / (norm + 1e-6)).min(1.0));
        }
        let rate = share(settings, k) * settings.learning_rate;
        let (t, aside) = (k as i32 + 1, 0.0003 / 0.02 * rate);
        let mut rest = &g[..];
        for l in 0..network.weights.len() {
            let (w, b) = (&mut network.weights[l], &mut network.biases[l]);
            let (own, others) = rest.split_at(w.data.len() + b.data.len());
            rest = others;
            let (m, v) = (&mut first[l], &mut second[l]);
            let is_last = l + 1 == start.weights.len();
            let rule = if is_last { aside } else { rate };
            w.data.iter_mut().for_each(|w| *w -= rule * settings.weight_decay * *w);
            let weights = w.data.len();
            if !is_last {
                for (m, g) in m.iter_mut().zip(&own[..weights]) {
                    *m = 0.95 * *m + g;
                }
                let ahead =
                    Mat::from_fn(w.rows, w.columns, |i, j| own[i + j * w.rows] + 0.95 * m[i + j * w.rows]);
                let scale = (w.rows as f64 / w.columns as f64).max(1.0).sqrt();
                *w = w.plus(-rate * scale, &plain_orthogonalized(&ahead));
            }
            let from = if is_last { 0 } else { weights };
            for (i, x) in w.data.iter_mut().chain(&mut b.data).enumerate().skip(from) {
                adam(t, aside, own[i], [&mut m[i], &mut v[i]], x);
            }
        }
    }
    network
}

#[test]
fn a_run_is_that_of_plain_formulas() {
    let (data, start) = small();
    for settings in [settings(0.02), Hyperparameters { weight_decay: 0.5, ..settings(0.02) }, all(0.02)] {
        let mut rig = rig(Name::Muon, &settings, (&data, &start)).unwrap();
        rig.sweeps(EPOCHS);
        let expected = reference(&settings, (&data, &start));
        let off = crate::common::teacher::farthest(&rig.network(), &expected);
        assert!(off < 1e-9, "{settings:?}: {off}");
    }
}

#[test]
fn a_network_of_one_map_is_left_to_adam() {
    let (data, start) = (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 3], 2));
    let settings = settings(0.02);
    let mut rig = rig(Name::Muon, &settings, (&data, &start)).unwrap();
    rig.sweeps(EPOCHS);
    assert!(crate::common::teacher::farthest(&rig.network(), &reference(&settings, (&data, &start))) < 1e-9);
}

#[test]
fn filters_turn_as_the_matrix_of_their_patches() {
    let input = Shape { channels: 2, height: 5, width: 5 };
    let data = Data::new(input.features(), 3, 20, 4);
    let tanh = Block::Activation(altmin_core::Activation::Tanh);
    let blocks =
        vec![Block::Conv(Conv::square(3, 3, 1, 1)), tanh, Block::Flatten, Block::Dense { outputs: 3 }];
    let network = Blocks::new(&blocks, input).unwrap();
    let start = Random::new(3).matrix(network.parameters(), 1).map(|w| 0.4 * w).data;
    let map = network.maps().next().unwrap();
    assert_eq!((map.n_out, map.n_in), (3, 18));
    let trained = |name, learning_rate| {
        let settings = Hyperparameters { learning_rate, ..Default::default() };
        let mut rig = Rig::of_blocks(blocks.clone(), Vec::new(), input, &start, data.problem(), |run| {
            AnyMethod::new(name, &settings, run)
        })
        .unwrap();
        rig.sweeps(1);
        rig.scalars
    };
    let step = |scalars: &[f64], rate: f64| {
        Mat::from_fn(3, 18, |i, j| (start[map.offset + i + 3 * j] - scalars[map.offset + i + 3 * j]) / rate)
    };
    let long = 1_048_576.0;
    let g = step(&trained(Name::Gd, long), long);
    // At the first step momentum is the gradient's own multiple.
    let expected = plain_orthogonalized(&g.map(|g| 1.95 * g));
    let found = step(&trained(Name::Muon, 0.5), 0.5);
    assert!(distance(&found, &expected) < 1e-9, "{}", distance(&found, &expected));
}
