//! An epoch in parts: the mini-batches of the whole one, and its bits.

use altmin_core::block::{Block, Shape};
use altmin_core::gemm::Portable;
use altmin_core::method::{AnyMethod, Epoch, Hyperparameters, Method as _, Name, Problem, Run, Use};
use altmin_core::view::dense;
use altmin_core::{Activation, Target};

use crate::common::Random;
use crate::common::rig::Rig;

const FEATURES: usize = 5;
/// Seven batches, of 8 and 9 samples.
const SAMPLES: usize = 61;
const BATCH: usize = 9;

#[test]
fn parts_leave_the_bits_of_the_whole_epoch_and_see_what_it_sees() {
    let mut random = Random::new(3);
    let x = random.matrix(FEATURES, SAMPLES);
    let classes: Vec<u32> = (0..SAMPLES).map(|_| random.below(3) as u32).collect();
    let problem = Problem { x: dense(&x.data, FEATURES, SAMPLES), target: Target::Classes(&classes) };
    let tanh = Block::Activation(Activation::Tanh);
    let blocks =
        [Block::Dense { outputs: 7 }, tanh, Block::Dense { outputs: 6 }, tanh, Block::Dense { outputs: 3 }];
    let order: Vec<u32> = (0..SAMPLES).map(|at| (at * 7 % SAMPLES) as u32).collect();
    let settings = Hyperparameters {
        nu: 10.0,
        damping: 1.0,
        momentum: 0.5,
        learning_rate: 0.01,
        batch: Some(BATCH),
        ..Hyperparameters::default()
    };
    let composed = |name: &&Name| name.card().composed && !name.card().layers_only;
    for &name in Name::ALL.iter().filter(composed) {
        let cuts = if name.card().uses(Use::Cuts) { vec![2, 4] } else { vec![] };
        let parameters: Vec<f64> = (0..111).map(|_| 0.5 * random.number()).collect();
        let new = || {
            let make = |run: &Run<'_, f64>| AnyMethod::new(name, &settings, run);
            let input = Shape::flat(FEATURES);
            let mut rig =
                Rig::of_blocks(blocks.to_vec(), cuts.clone(), input, &parameters, problem, make).unwrap();
            assert_eq!(rig.run().network.parameters(), parameters.len());
            rig.initialize().unwrap();
            rig
        };
        for order in [Some(&order[..]), None] {
            let mut whole = new();
            let expected = whole.sweep_in(order).unwrap();
            for edges in [&[0, 7][..], &[0, 3, 7], &[0, 1, 2, 6, 7], &[0, 6, 100]] {
                let mut parts = new();
                let mut found = None;
                for edge in edges.windows(2) {
                    let epoch = Epoch { order, first: edge[0], end: edge[1] };
                    let sweep = parts.with(|method, run, state, scratch| {
                        let executor = &mut altmin_core::executor::Sequential::new(scratch);
                        method.sweep_part(run, state, epoch, executor, &Portable).unwrap()
                    });
                    found = Some(found.map_or(sweep, |earlier| sweep.after(earlier)));
                }
                let (found, count) = (found.unwrap(), parameters.len());
                assert!(parts.scalars[..count] == whole.scalars[..count], "{name}, {edges:?}");
                assert_eq!(found.objective, expected.objective, "{name}, {edges:?}");
                assert_eq!(found.dual_residual, expected.dual_residual, "{name}, {edges:?}");
                // Parts are added up on their own.
                let (found, expected) = (found.seen.unwrap(), expected.seen.unwrap());
                assert!((found.risk - expected.risk).abs() < 1e-12 * expected.risk, "{name}, {edges:?}");
                assert_eq!(found.score, expected.score, "{name}, {edges:?}");
            }
        }
    }
}
