//! Steps of weights along orthogonalised momentum, those of [`muon`](crate::method::muon).

use crate::block::LinearMap;
use crate::error::Result;
use crate::executor::{Executor, Extent, Spans};
use crate::gemm::Gemm;
use crate::optimizer::Optimizer;
use crate::optimizer::orthogonal::{orthogonalize, orthogonalize_workspace};
use crate::real::Real;
use crate::view::dense_mut;
use crate::workspace::Requirement;

/// `mu`.
const MOMENTUM: f64 = 0.95;

/// How the weights of all maps but the last step.
#[derive(Debug, Clone, Copy)]
pub(in crate::method) struct Turn<T> {
    /// The spectral norm of a step.
    pub(in crate::method) rate: T,
}

impl<T: Real> Turn<T> {
    /// `B <- mu B + G`, `G <- G + mu B`.
    pub(in crate::method) fn look_ahead(gradient: &mut [T], velocity: &mut [T]) {
        let momentum = T::from_f64(MOMENTUM);
        for (g, b) in gradient.iter_mut().zip(velocity) {
            *b = momentum * *b + *g;
            *g += momentum * *b;
        }
    }

    /// The weights of these maps from what [`look_ahead`](Self::look_ahead) left, of the `length` that a schedule has; `other`
    /// is used in between. All lists are laid out as the parameters are.
    pub(in crate::method) fn step<E: Executor<T>, G: Gemm<T>>(
        self,
        maps: impl Iterator<Item = Whole> + Clone + Send,
        length: T,
        weight_decay: T,
        lists: [&mut [T]; 3],
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let rule = Optimizer::gd(length * self.rate);
        executor.run(Spans::new(maps, lists), |_, (whole, [w, g, other]), stack| {
            let (n_out, n_in) = (whole.map.n_out, whole.map.n_in);
            let weights = n_out * n_in;
            if !whole.turns || weights == 0 {
                return Ok(());
            }
            let (w, g) = (&mut w[..weights], &mut g[..weights]);
            let other = &mut dense_mut(&mut other[..weights], n_out, n_in);
            orthogonalize(gemm, &mut dense_mut(g, n_out, n_in), other, stack)?;
            rule.decay(weight_decay, w);
            let rate = T::from_f64(rule.rate().to_f64() * libm::sqrt((n_out as f64 / n_in as f64).max(1.0)));
            w.iter_mut().zip(&*g).for_each(|(w, &g)| *w -= rate * g);
            Ok(())
        })
    }

    /// Scratch of [`step`](Self::step).
    pub(in crate::method) fn workspace<G: Gemm<T>>(
        gemm: &G,
        maps: impl Iterator<Item = Whole>,
    ) -> Requirement {
        maps.filter(|whole| whole.turns).fold(Requirement::NONE, |most, Whole { map, .. }| {
            most.or(orthogonalize_workspace(gemm, map.n_out, map.n_in))
        })
    }
}

/// The parameters of a linear map.
#[derive(Debug, Clone, Copy)]
pub(in crate::method) struct Whole {
    pub(in crate::method) map: LinearMap,
    /// Whether its weights step by the rule here.
    pub(in crate::method) turns: bool,
}

impl Extent for Whole {
    fn extent(&self) -> usize {
        self.map.parameters()
    }
}
