//! One layer, alone, in memory of the caller's: input, weights and bias move until the layer maps its input to `z`.
//!
//! `cargo run --release -p altmin-core --example one_layer`

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Order};
use altmin_core::view::{view, view_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Regularizer, Result};

/// Two inputs, one output, four samples; every sample is a column.
const P: [f64; 8] = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
/// `3 p_0 - 2 p_1 + 1` for each of them: what the layer should put out.
const Z: [f64; 4] = [1.0, 4.0, -1.0, 2.0];

fn main() -> Result {
    let (mut w, mut b) = ([0.0; 2], [0.0]);
    // r = W p + b - z, which all updates keep up to date.
    let mut r = Z.map(|z| -z);
    let (mut sums, mut change, mut bias_change) = ([0.0; 9], [0.0; 2], [0.0]);
    let rule = StepRule::LeastSquares { damping: 1e-3 };
    let shape = SumsShape { n_out: 1, n_in: 2 };

    // Every function says beforehand how much scratch it wants.
    let mut scratch = [0.0; 256];
    let needed = sums::accumulate_workspace::<f64, _>(&Portable, 1, 2, 4)
        .or(weights::reduce_workspace(&Portable, &rule, 1, 2))
        .or(weights::apply_workspace::<f64, _>(&Portable, 1, 2, 4));
    Stack::new(&mut scratch).require(needed)?;

    let p = view("p", &P, 2, 4, 2)?;
    for sweep in 1..=3 {
        // map: the samples enter through sums alone, tile by tile if there are many.
        let mut total = shape.carve(&mut sums)?;
        total.clear(Parts::All);
        sums::accumulate(
            &Portable,
            &view("r", &r, 1, 4, 1)?,
            &p,
            Parts::All,
            &mut total,
            Stack::new(&mut scratch),
        )?;
        total.finish();
        // reduce: weights and bias from the sums.
        let mut step = Change { weights: view_mut("change", &mut change, 1, 2, 1)?, bias: &mut bias_change };
        let reduced = weights::reduce(
            &Portable,
            &rule,
            Order::WeightsFirst,
            1.0,
            Regularizer::None,
            &shape.read(&sums, 4)?,
            None,
            &mut view_mut("weights", &mut w, 1, 2, 1)?,
            &mut b,
            &mut step,
            Stack::new(&mut scratch),
        )?;
        // apply: the residual follows.
        let change = view("change", &change, 1, 2, 1)?;
        let mut residual = view_mut("r", &mut r, 1, 4, 1)?;
        weights::apply(&Portable, &change, &bias_change, &p, &mut residual, Stack::new(&mut scratch))?;
        let squared: f64 = r.iter().map(|r| r * r).sum();
        println!("sweep {sweep}: |r|^2 = {squared:.3e}, the objective fell by {:.3e}", reduced.promised);
    }
    println!("z = {:.4} p_0 + {:.4} p_1 + {:.4}", w[0], w[1], b[0]);
    assert!((w[0] - 3.0).abs() < 1e-3 && (w[1] + 2.0).abs() < 1e-3 && (b[0] - 1.0).abs() < 1e-3);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs() {
        super::main().expect("the example ends well");
    }
}
