//! The composed network against plain loops.

use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::{Activation, Real, forward};

use crate::common::{Plain, Random, Scratch, Strided, activate, assert_close, in_both_precisions};

in_both_precisions!(networks_of_any_depth);

struct Network {
    activation_slope: f64,
    layers: Vec<(Plain, Plain)>,
    x: Plain,
}

impl Network {
    fn random(seed: u64, widths: &[usize], m: usize) -> Self {
        let mut random = Random::new(seed);
        let x = random.matrix(widths[0], m);
        let layers = widths.windows(2).map(|w| (random.matrix(w[1], w[0]), random.matrix(w[1], 1))).collect();
        Self { activation_slope: 0.25, layers, x }
    }

    fn activation<T: Real>(&self) -> Activation<T> {
        Activation::LeakyRelu { slope: T::from_f64(self.activation_slope) }
    }

    fn output(&self) -> Plain {
        let mut signal = self.x.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            let z = weights.times(&signal).plus_to_columns(bias);
            let last = index + 1 == self.layers.len();
            signal = if last { z } else { z.map(|z| activate(self.activation::<f64>(), z)) };
        }
        signal
    }

    fn run<T: Real>(&self, widest: usize) -> Result<Plain, Error> {
        let m = self.x.columns;
        let layers: Vec<(Strided<T>, Strided<T>)> =
            self.layers.iter().map(|(w, b)| (Strided::dense(w), Strided::dense(b))).collect();
        let shapes = self.layers.iter().map(|(w, _)| (w.rows, w.columns));
        let mut scratch = Scratch::<T>::new(forward::network_workspace::<T, _>(&Portable, shapes, widest, m));
        let rows = self.layers.last().map_or(1, |(weights, _)| weights.rows);
        let mut output = Strided::<T>::new(&Plain::zeros(rows, m), 2);
        let x = Strided::<T>::new(&self.x, 1);
        let views = layers.iter().map(|(w, b)| (w.view(), b.slice()));
        let (activation, target, stack) = (self.activation(), &mut output.view_mut(), scratch.stack());
        forward::network(&Portable, activation, views, &x.view(), target, widest, stack)?;
        assert!(output.is_intact() && scratch.is_intact());
        Ok(output.plain())
    }
}

fn networks_of_any_depth<T: Real>() {
    let networks: [&[usize]; 6] =
        [&[3, 2], &[4, 6, 2], &[5, 3, 7, 4], &[2, 8, 1, 9, 3], &[1, 1, 1], &[6, 5, 5, 5, 5, 2]];
    for (seed, widths) in networks.into_iter().enumerate() {
        for m in [0, 1, 9] {
            let network = Network::random(seed as u64, widths, m);
            let hidden = &widths[1..widths.len() - 1];
            let widest = hidden.iter().copied().max().unwrap_or(0);
            assert_close::<T>("output", &network.run::<T>(widest).unwrap(), &network.output());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let network = Network::random(1, &[3, 6, 2], 4);
    assert!(matches!(network.run::<f64>(5), Err(Error::Length { argument: "widest", .. })));
    let empty = Network { layers: vec![], ..network };
    assert!(matches!(empty.run::<f64>(5), Err(Error::Shape { argument: "layers", .. })));
}
