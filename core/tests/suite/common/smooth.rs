//! Sigmoid, tanh and softplus and their z-subproblem by other means than the code under test: the standard library's functions, a
//! dense scan, and zooming into each of its local minima.

use altmin_core::{Activation, Real};

/// An activation without a kink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Smooth {
    Sigmoid,
    Tanh,
    Softplus,
}

use Smooth::{Sigmoid, Softplus, Tanh};

impl Smooth {
    pub(crate) const ALL: [Self; 3] = [Sigmoid, Tanh, Softplus];
    /// Those whose values are bounded, and whose slopes are symmetric.
    pub(crate) const BOUNDED: [Self; 2] = [Sigmoid, Tanh];

    pub(crate) fn activation<T: Real>(self) -> Activation<T> {
        match self {
            Sigmoid => Activation::Sigmoid,
            Tanh => Activation::Tanh,
            Softplus => Activation::Softplus,
        }
    }

    pub(crate) fn value(self, z: f64) -> f64 {
        match self {
            Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Tanh => z.tanh(),
            Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
        }
    }

    /// `f'(z)`, accurate where f is saturated.
    pub(crate) fn slope(self, z: f64) -> f64 {
        if self == Softplus {
            return Sigmoid.value(z);
        }
        let (factor, most) = if self == Sigmoid { (1.0, 1.0) } else { (2.0, 4.0) };
        let e = (-factor * z.abs()).exp();
        most * e / (1.0 + e).powi(2)
    }

    /// `f(a) - f(b)` to full relative precision for z of one sign, however saturated.
    fn difference(self, a: f64, b: f64) -> f64 {
        if self == Softplus {
            return (a.max(0.0) - b.max(0.0)) + ((-a.abs()).exp().ln_1p() - (-b.abs()).exp().ln_1p());
        }
        let (factor, share): (f64, f64) = if self == Sigmoid { (1.0, 1.0) } else { (2.0, 2.0) };
        // What f lacks of its end on the side of z.
        let short = |z: f64| share / (1.0 + (factor * z.abs()).exp());
        if a >= 0.0 && b >= 0.0 {
            short(b) - short(a)
        } else if a <= 0.0 && b <= 0.0 {
            short(a) - short(b)
        } else {
            self.value(a) - self.value(b)
        }
    }
}

/// `omega (z - c)^2 + (t - f(z))^2`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subproblem {
    pub(crate) f: Smooth,
    pub(crate) omega: f64,
    pub(crate) c: f64,
    pub(crate) t: f64,
}

impl Subproblem {
    /// The objective at a less that at b, without the cancellation that this difference would suffer.
    pub(crate) fn excess(&self, a: f64, b: f64) -> f64 {
        let sum = (self.t - self.f.value(a)) + (self.t - self.f.value(b));
        self.omega * (a - b) * ((a - self.c) + (b - self.c)) - self.f.difference(a, b) * sum
    }

    /// The global minimiser, between c and the z with `f(z) = t`: all local minima of a scan with `points` points between
    /// c, the centre and the last z that can matter are zoomed into.
    pub(crate) fn scan(&self, points: usize) -> f64 {
        // Beyond, f is saturated and moving back towards c gains more than it costs: see `excess`.
        let reach = 2.0 * (4.0 * (1.0 + self.t.abs()) / self.omega).ln().max(2.0) + 4.0;
        let reach = if self.f == Softplus { reach.max(self.t) } else { reach };
        let (low, high) = (self.c.min(-reach), self.c.max(reach));
        let near = |centre: f64, width: f64| {
            (0..points).map(move |i| centre + width * (2.0 * i as f64 / (points - 1) as f64 - 1.0))
        };
        let mut grid: Vec<f64> = near(0.5 * (low + high), 0.5 * (high - low)).collect();
        grid.extend(near(0.0, reach.min(8.0)).chain(near(self.c, 4.0)).chain([self.c]));
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        // Objectives beside that of c, so that they are comparable however large they are.
        let values: Vec<f64> = grid.iter().map(|&z| self.excess(z, self.c)).collect();
        let mut best = self.c;
        for i in 0..grid.len() {
            let (below, above) = (i.saturating_sub(1), (i + 1).min(grid.len() - 1));
            if values[i] <= values[below] && values[i] <= values[above] {
                let z = self.zoom(grid[below], grid[above]);
                if self.excess(z, best) < 0.0 {
                    best = z;
                }
            }
        }
        best
    }

    /// The minimiser within a bracket that holds one alone: golden section, as far as differences can tell.
    fn zoom(&self, mut low: f64, mut high: f64) -> f64 {
        let ratio = 0.5 * (5.0_f64.sqrt() - 1.0);
        for _ in 0..80 {
            let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
            if self.excess(left, right) <= 0.0 { high = right } else { low = left }
        }
        0.5 * (low + high)
    }
}
