//! What the blocks of a network cost, by the clock: for people and predictions. Cuts go by counted operations, see
//! [`Split`](crate::network::cuts::Split).

use std::time::Instant;

use altmin_core::Real;
use altmin_core::block::{GradientSums, Network as CoreNetwork};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;

use crate::error::Result;
use crate::network::Network;
use crate::random::{Purpose, uniform};
use crate::run::kernel::fast::Fast;

/// Passes of which the fastest counts: others were held up.
const PASSES: usize = 3;

/// Seconds that each block takes for one sample, forward and backward, on one thread in a tile of `samples` random
/// samples: a run's own width, since narrow products are slower.
///
/// # Errors
/// Those of the core.
pub fn measure<T: Real>(network: &Network, samples: usize) -> Result<Vec<f64>> {
    let blocks = network.blocks_in::<T>();
    let steps = network.steps();
    let each = blocks.into_iter().zip(steps).map(|(block, step)| {
        Ok(seconds(&CoreNetwork::new(&[block], step.input)?, samples)? / samples as f64)
    });
    each.collect()
}

fn seconds<T: Real>(network: &CoreNetwork<'_, T>, m: usize) -> Result<f64> {
    let numbers = |count: usize, sequence: u32| -> Vec<T> {
        let number = |index| T::from_f64(uniform(0, Purpose::Features, sequence, index) - 0.5);
        (0..count as u64).map(number).collect()
    };
    let (input, output) = (network.input().features(), network.output().features());
    let (x, delta) = (numbers(input * m, 0), numbers(output * m, 1));
    let mut signal = vec![T::ZERO; network.signal(m)];
    let parameters = numbers(network.parameters(), 2);
    let mut gradient = vec![T::ZERO; parameters.len()];
    let (mut record, mut dx) = (vec![T::ZERO; network.record(m)], vec![T::ZERO; input * m]);
    let mut scratch = vec![T::ZERO; network.workspace(&Fast, m).elements()];
    let mut fastest = f64::INFINITY;
    for _ in 0..PASSES {
        signal[..delta.len()].copy_from_slice(&delta);
        let x = dense(&x, input, m);
        let start = Instant::now();
        network.forward(&Fast, &parameters, &x, &mut record, Stack::new(&mut scratch))?;
        network.backward(
            &Fast,
            &parameters,
            &x,
            &record,
            &mut signal,
            Some(&mut dense_mut(&mut dx, input, m)),
            &mut GradientSums(&mut gradient),
            Stack::new(&mut scratch),
        )?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
