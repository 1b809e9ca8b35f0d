//! Decoupled weight decay in the mini-batches of proximal sweeps.

use altmin_core::block::Shape;
use altmin_core::method::proxprop::{Form, ProxProp};
use altmin_core::method::{Hyperparameters, Partition, StepSchedule};
use altmin_core::{Activation, Error, Result};

use crate::common::rig::{Rig, dense_blocks, parameters as flat};
use crate::common::teacher::{Data, Network, farthest};

const BATCH: usize = 20;
const BATCHES: usize = 3;
const SWEEPS: usize = 4;

fn settings(weight_decay: f64) -> Hyperparameters<f64> {
    Hyperparameters {
        nu: 3.0,
        damping: 0.5,
        batch: Some(BATCH),
        momentum: 0.7,
        step_schedule: StepSchedule::Linear,
        sweeps: SWEEPS,
        weight_decay,
        ..Default::default()
    }
}

fn rig<'d>(
    settings: &Hyperparameters<f64>,
    data: &'d Data,
    start: &Network,
) -> Result<Rig<'d, ProxProp<f64>>> {
    let blocks = dense_blocks(&[30, 8, 3], Activation::Relu);
    Rig::of_blocks(blocks, Vec::new(), Shape::flat(30), &flat(start), data.problem(), |run| {
        ProxProp::with_partition(settings, Partition::new(BATCH, 8, 2), run)
    })
}

#[test]
fn weights_decay_by_the_length_of_the_step_and_biases_do_not() {
    let (data, start) = (Data::new(30, 3, BATCHES * BATCH, 1), Network::new(&[30, 8, 3], 2));
    for form in [Form::Auto, Form::Primal, Form::Dual] {
        let decay = 0.4;
        let [free, decayed] = [0.0, decay].map(|decay| Hyperparameters { form, ..settings(decay) });
        let (mut free, mut decayed) =
            (rig(&free, &data, &start).unwrap(), rig(&decayed, &data, &start).unwrap());
        free.initialize().unwrap();
        decayed.initialize().unwrap();
        for k in 0..SWEEPS * BATCHES {
            // The same weights and velocity before every step.
            let before = decayed.network();
            free.restart(&before);
            let first = k % BATCHES * BATCH;
            let batch: Vec<u32> = (first..first + BATCH).map(|j| j as u32).collect();
            free.sweep_in(Some(&batch)).unwrap();
            decayed.sweep_in(Some(&batch)).unwrap();
            let share = decay * (1.0 - k as f64 / (SWEEPS * BATCHES) as f64) / 3.0;
            let (mut expected, found) = (free.network(), decayed.network());
            for (to, old) in expected.weights.iter_mut().zip(&before.weights) {
                *to = to.plus(-share, old);
            }
            assert!(farthest(&found, &expected) < 1e-13, "{form:?}, step {k}");
            assert!(farthest(&found, &free.network()) > 1e-3 * share, "{form:?}, step {k}");
        }
    }
}

#[test]
fn a_step_with_decay_is_taken_back() {
    let (mut data, start) = (Data::new(30, 3, BATCHES * BATCH, 1), Network::new(&[30, 8, 3], 2));
    data.x.set(0, BATCH, f64::INFINITY);
    let mut rig = rig(&settings(2.0), &data, &start).unwrap();
    rig.initialize().unwrap();
    let batch: Vec<u32> = (0..BATCH as u32).collect();
    assert!(!rig.sweep_in(Some(&batch)).unwrap().rejected);
    let moved = farthest(&rig.network(), &start);
    assert!(rig.sweep_in(Some(&[BATCH as u32])).unwrap().rejected);
    assert!(moved > 1e-2 && farthest(&rig.network(), &start) < 1e-13);
    let refused = rig.sweep_in(Some(&[BATCH as u32]));
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
}

#[test]
fn a_decay_out_of_range_is_refused() {
    let (data, start) = (Data::new(30, 3, BATCHES * BATCH, 1), Network::new(&[30, 8, 3], 2));
    for bad in [-0.1, 3.0, 5.0, f64::NAN, f64::INFINITY] {
        let refused = rig(&settings(bad), &data, &start).map(|_| ());
        assert!(matches!(refused, Err(Error::Setting { name: "weight-decay", .. })), "{bad}: {refused:?}");
    }
    assert!(rig(&settings(2.9), &data, &start).is_ok());
}
