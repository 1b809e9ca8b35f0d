//! What DLAM's start by a forward pass leaves fixed, and what sets it free.

use altmin_core::method::dlam::Repair;
use altmin_core::update::StepRule;

use crate::common::dense::distance;
use crate::common::dlam_run::*;
use crate::common::teacher::{LEAST_SQUARES, Settings, small};

#[test]
fn with_epsilon_fixed_only_the_last_layer_and_its_input_move() {
    let (data, start) = small();
    for weight_step in [StepRule::Vector, LEAST_SQUARES] {
        for activation in ACTIVATIONS {
            let settings = Settings { weight_step, activation, ..settings(1.0, 0.1) };
            with_method(settings, groups(170), (&data, &start), |method| {
                let first = snapshot(method);
                for _ in 0..10 {
                    method.sweep().unwrap();
                }
                let (last, found) = (snapshot(method), method.network());
                for l in 0..2 {
                    assert_eq!(distance(&found.weights[l], &start.weights[l]), 0.0, "{activation:?}, W {l}");
                    assert_eq!(distance(&found.biases[l], &start.biases[l]), 0.0, "{activation:?}, b {l}");
                    assert_eq!(distance(&last.z[l], &first.z[l]), 0.0, "{activation:?}, z {l}");
                }
                assert_eq!(distance(&last.a[0], &first.a[0]), 0.0, "{activation:?}");
                assert!(distance(&last.a[1], &first.a[1]) > 1e-3, "{activation:?}");
                assert!(distance(&found.weights[2], &start.weights[2]) > 1e-3, "{activation:?}");
            });
        }
    }
}

/// Both repairs leave a feasible state whose carried residuals are those of its variables; only z's frees the layers.
#[test]
fn a_smaller_epsilon_frees_hidden_layers_if_z_moves() {
    let (data, start) = small();
    for repair in [Repair::Activations, Repair::Linear] {
        for activation in ACTIVATIONS {
            let settings = Settings { repair, activation, ..settings(1.0, 2.0) };
            with_method(settings, groups(170), (&data, &start), |method| {
                for _ in 0..10 {
                    method.sweep().unwrap();
                }
                let before = snapshot(method);
                let change = method.set_epsilon(0.01).unwrap();
                assert!(change.entries > 0 && change.squared > 0.0);
                let (after, reference) = (snapshot(method), at(settings, &data, method));
                let expected = reference.objective();
                assert!((change.after - expected).abs() < 1e-11 * expected.abs());
                assert!(reference.widest() <= 0.01 + 1e-12, "{activation:?}: {}", reference.widest());
                for l in 0..3 {
                    assert!(distance(&after.r[l], &reference.residual(l)) < 1e-11, "{activation:?}, {l}");
                }
                let z_moves = repair == Repair::Linear;
                assert_eq!(distance(&after.z[1], &before.z[1]) > 0.0, z_moves, "{activation:?}");
                // A shrink frees the highest layer that is still fixed: the a below it then moves.
                for (epsilon, free) in [(0.01, [false, z_moves]), (1e-4, [z_moves, z_moves])] {
                    method.set_epsilon(epsilon).unwrap();
                    for _ in 0..3 {
                        method.sweep().unwrap();
                    }
                    let found = method.network();
                    for (l, free) in free.into_iter().enumerate() {
                        let moved = distance(&found.weights[l], &start.weights[l]);
                        assert_eq!(
                            moved > 0.0,
                            free,
                            "{activation:?}, {repair:?}, {epsilon}, W {l}: {moved}"
                        );
                    }
                }
            });
        }
    }
}
