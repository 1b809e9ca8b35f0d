//! The network's output against plain loops.

use altmin_core::block::{Network, Shape};
use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::workspace::Requirement;
use altmin_core::{Activation, Real};

use crate::common::rig::dense_blocks;
use crate::common::{Plain, Random, Scratch, Strided, activate, assert_close, in_both_precisions};

in_both_precisions!(networks_of_any_depth);

/// What goes in, and how much of it.
struct Case {
    widths: Vec<usize>,
    layers: Vec<(Plain, Plain)>,
    x: Plain,
    /// Rows of the output, and how many parameters and elements of scratch are missing.
    outputs: usize,
    missing: (usize, usize),
}

impl Case {
    fn random(seed: u64, widths: &[usize], m: usize) -> Self {
        let mut random = Random::new(seed);
        let x = random.matrix(widths[0], m);
        let layers = widths.windows(2).map(|w| (random.matrix(w[1], w[0]), random.matrix(w[1], 1))).collect();
        Self { widths: widths.to_vec(), layers, x, outputs: widths[widths.len() - 1], missing: (0, 0) }
    }

    fn activation<T: Real>() -> Activation<T> {
        Activation::LeakyRelu { slope: T::from_f64(0.25) }
    }

    fn output(&self) -> Plain {
        let mut signal = self.x.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            let z = weights.times(&signal).plus_to_columns(bias);
            let last = index + 1 == self.layers.len();
            signal = if last { z } else { z.map(|z| activate(Self::activation::<f64>(), z)) };
        }
        signal
    }

    /// The output, which a refusal leaves as it was.
    fn run<T: Real>(&self) -> Result<Plain, Error> {
        let m = self.x.columns;
        let blocks = dense_blocks(&self.widths, Self::activation());
        let network = Network::new(&blocks, Shape::flat(self.widths[0])).unwrap();
        let layers = self.layers.iter().flat_map(|(weights, bias)| [weights, bias]);
        let parameters: Vec<T> = layers.flat_map(|part| &part.data).map(|&x| T::from_f64(x)).collect();
        assert_eq!(parameters.len(), network.parameters());
        let parameters = &parameters[..parameters.len() - self.missing.0];
        let needed = network.apply_workspace(&Portable, m).elements();
        let mut scratch = Scratch::<T>::new(Requirement::vector(needed - self.missing.1));
        let before = Plain::zeros(self.outputs, m);
        let mut output = Strided::<T>::new(&before, 2);
        let x = Strided::<T>::new(&self.x, 1);
        let result = network.apply(&Portable, parameters, &x.view(), &mut output.view_mut(), scratch.stack());
        assert!(output.is_intact() && scratch.is_intact());
        assert!(result.is_ok() || output.plain().data == before.data, "{result:?}");
        result.map(|()| output.plain())
    }
}

fn networks_of_any_depth<T: Real>() {
    let networks: [&[usize]; 6] =
        [&[3, 2], &[4, 6, 2], &[5, 3, 7, 4], &[2, 8, 1, 9, 3], &[1, 1, 1], &[6, 5, 5, 5, 5, 2]];
    for (seed, widths) in networks.into_iter().enumerate() {
        for m in [0, 1, 9] {
            let case = Case::random(seed as u64, widths, m);
            assert_close::<T>("output", &case.run::<T>().unwrap(), &case.output());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let case = || Case::random(1, &[3, 6, 2], 4);
    assert!(case().run::<f64>().is_ok());
    let short = Case { missing: (1, 0), ..case() };
    assert!(matches!(short.run::<f64>(), Err(Error::Length { argument: "parameters", .. })));
    let tight = Case { missing: (0, 1), ..case() };
    assert!(matches!(tight.run::<f64>(), Err(Error::Workspace { .. })));
    let wide = Case { x: Random::new(2).matrix(4, 4), ..case() };
    assert!(matches!(wide.run::<f64>(), Err(Error::Shape { argument: "x", .. })));
    let high = Case { outputs: 3, ..case() };
    assert!(matches!(high.run::<f64>(), Err(Error::Shape { argument: "z", .. })));
}
