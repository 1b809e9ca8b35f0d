//! The variables around one layer.

use altmin_core::Real;

use super::{Plain, Random, Strided};

/// The variables around one layer, each in memory of its own with gaps and canaries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World<T: Real> {
    pub(crate) n_out: usize,
    pub(crate) n_in: usize,
    pub(crate) m: usize,
    pub(crate) samples: usize,
    pub(crate) classes: Vec<u32>,
    pub(crate) weights: Strided<T>,
    pub(crate) bias: Strided<T>,
    pub(crate) p: Strided<T>,
    pub(crate) r: Strided<T>,
    pub(crate) g: Strided<T>,
    pub(crate) q_below: Strided<T>,
    pub(crate) u_below: Strided<T>,
    pub(crate) z_below: Strided<T>,
    pub(crate) z: Strided<T>,
    pub(crate) q: Strided<T>,
    pub(crate) u: Strided<T>,
    pub(crate) p_next: Strided<T>,
    pub(crate) inverse: Strided<T>,
    pub(crate) outer: Strided<T>,
    pub(crate) lower: Strided<T>,
    pub(crate) cross: Strided<T>,
    pub(crate) gram: Strided<T>,
    pub(crate) residual: Strided<T>,
    pub(crate) input: Strided<T>,
    pub(crate) change: Strided<T>,
    pub(crate) bias_change: Strided<T>,
    /// A second layer's weights, n_out x n_out.
    pub(crate) weights_before: Strided<T>,
    pub(crate) bias_before: Strided<T>,
    /// The momentum of each row, n_out, and of each sample, m.
    pub(crate) t_rows: Strided<T>,
    pub(crate) t_samples: Strided<T>,
}

impl<T: Real> World<T> {
    pub(crate) fn new(seed: u64, n_out: usize, n_in: usize, m: usize, gap: usize) -> Self {
        let mut random = Random::new(seed);
        let mut matrix = |rows, columns| random.matrix(rows, columns);
        let (p, r) = (matrix(n_in, m), matrix(n_out, m));
        let (cross, gram) = (r.times(&p.transposed()), p.times(&p.transposed()));
        let (residual, input) = (r.row_sums(), p.row_sums());
        let lower = matrix(n_in, n_in).plus(4.0, &Plain::identity(n_in));
        let strided = |content: Plain| Strided::new(&content, gap);
        // Vectors are slices and have no gaps.
        let vector = |content: Plain| Strided::dense(&content);
        Self {
            n_out,
            n_in,
            m,
            samples: m,
            classes: (0..m).map(|j| (j % n_out.max(1)) as u32).collect(),
            weights: strided(matrix(n_out, n_in)),
            bias: vector(matrix(n_out, 1)),
            g: strided(matrix(n_in, m)),
            q_below: strided(matrix(n_in, m)),
            u_below: strided(matrix(n_in, m)),
            z_below: strided(matrix(n_in, m)),
            z: strided(matrix(n_out, m)),
            q: strided(matrix(n_out, m)),
            u: strided(matrix(n_out, m)),
            p_next: strided(matrix(n_out, m)),
            inverse: strided(matrix(n_in, n_in)),
            outer: strided(matrix(n_out, n_out)),
            change: strided(matrix(n_out, n_in)),
            bias_change: vector(matrix(n_out, 1)),
            weights_before: strided(matrix(n_out, n_in)),
            bias_before: vector(matrix(n_out, 1)),
            t_rows: vector(matrix(n_out, 1).map(|t| 2.0 + t)),
            t_samples: vector(matrix(m, 1).map(|t| 2.0 + t)),
            lower: strided(lower),
            cross: strided(cross),
            gram: strided(gram),
            residual: vector(residual),
            input: vector(input),
            p: strided(p),
            r: strided(r),
        }
    }

    /// The gaps between columns and what lies behind each matrix still hold canaries.
    #[track_caller]
    pub(crate) fn assert_intact(&self, update: &str) {
        for field in Self::all_fields() {
            assert!((field.read)(self).is_intact(), "{update}: written outside of `{}`", field.name);
        }
    }
}

/// A matrix of a world, for whoever wants to break it.
#[derive(Debug)]
pub(crate) struct Field<T: Real> {
    pub(crate) name: &'static str,
    pub(crate) read: fn(&World<T>) -> &Strided<T>,
    pub(crate) write: fn(&mut World<T>) -> &mut Strided<T>,
}

macro_rules! fields {
    ($($name:ident),+ $(,)?) => {
        impl<T: Real> World<T> {
            /// All matrices by name.
            pub(crate) fn all_fields() -> Vec<Field<T>> {
                vec![$(Field { name: stringify!($name), read: |w| &w.$name, write: |w| &mut w.$name }),+]
            }
        }
    };
}

fields!(
    weights,
    bias,
    p,
    r,
    g,
    q_below,
    u_below,
    z_below,
    z,
    q,
    u,
    p_next,
    inverse,
    outer,
    lower,
    cross,
    gram,
    residual,
    input,
    change,
    bias_change,
    weights_before,
    bias_before,
    t_rows,
    t_samples,
);
