//! Majorised steps of the weights, and the bias, against the papers' procedure on the samples themselves.

use altmin_core::update::StepRule;
use altmin_core::update::weights::Order;
use altmin_core::{Real, Regularizer};

use crate::common::{Layer, Plain, Stepped, assert_close, assert_near, in_both_precisions, rounding};

in_both_precisions!(
    steps_from_the_samples,
    rows_without_gradient,
    the_residual_follows_and_the_bias_centres_it,
    nothing_moves_without_samples,
    dead_inputs_move_the_bias_alone,
    a_start_that_rounds_to_itself_ends_at_the_cap,
    the_smallest_legal_theta,
);

const ORDERS: [Order; 2] = [Order::WeightsFirst, Order::BiasFirst];

fn rules<T: Real>() -> [StepRule<T>; 5] {
    let backtracking =
        |start, factor| StepRule::Backtracking { start: T::from_f64(start), factor: T::from_f64(factor) };
    [
        StepRule::Vector,
        StepRule::Scalar,
        backtracking(0.0625, 2.0),
        backtracking(1.0, 10.0),
        backtracking(0.5, 1e7),
    ]
}

fn regularizers<T: Real>() -> [Regularizer<T>; 5] {
    let l = T::from_f64;
    [
        Regularizer::None,
        Regularizer::L1(l(0.5)),
        Regularizer::L1(l(4.0)),
        Regularizer::L2(l(0.5)),
        Regularizer::L2(l(4.0)),
    ]
}

/// The minimiser of `g d + (theta/2) d^2 + Omega(w + d)`.
fn proximal<T: Real>(omega: Regularizer<T>, g: f64, w: f64, theta: f64) -> f64 {
    if theta == 0.0 {
        return 0.0;
    }
    let point = w - g / theta;
    match omega {
        Regularizer::None => point - w,
        Regularizer::L1(lambda) => {
            let threshold = lambda.to_f64() / theta;
            point.signum() * (point.abs() - threshold).max(0.0) - w
        }
        Regularizer::L2(lambda) => point * theta / (theta + lambda.to_f64()) - w,
    }
}

/// The step of one row or of all rows together: theta is raised until `(w/2)|D p|^2 <= (theta/2)|D|^2` on the samples.
struct Block<'a> {
    weights: &'a Plain,
    gradient: &'a Plain,
    p: &'a Plain,
    w: f64,
}

impl Block<'_> {
    fn cap(&self) -> f64 {
        self.w * self.p.squared()
    }

    fn curvature(&self, step: &Plain) -> f64 {
        self.w * step.times(self.p).squared()
    }

    fn step<T: Real>(&self, omega: Regularizer<T>, theta: f64) -> Plain {
        let g = self.gradient;
        Plain::new(g.rows, g.columns, |i, j| proximal(omega, g[(i, j)], self.weights[(i, j)], theta))
    }

    fn is_legal(&self, step: &Plain, theta: f64) -> bool {
        theta >= self.cap() || self.curvature(step) <= theta * step.squared() * (1.0 + 1e-9)
    }

    /// Line search: the smallest legal theta of the plain gradient step, or the mean eigenvalue.
    fn first(&self) -> f64 {
        match self.gradient.squared() {
            0.0 => self.cap() / self.weights.columns as f64,
            length => self.curvature(self.gradient) / length,
        }
    }

    fn search<T: Real>(&self, rule: StepRule<T>, omega: Regularizer<T>) -> (Plain, f64) {
        let mut theta = match rule {
            StepRule::Backtracking { start, .. } => start.to_f64().min(self.cap()),
            _ => self.first(),
        };
        loop {
            let step = self.step(omega, theta);
            if self.is_legal(&step, theta) {
                return (step, theta);
            }
            let raised = match rule {
                StepRule::Vector => (2.0 * theta).max(self.curvature(&step) / step.squared()),
                StepRule::Backtracking { factor, .. } => theta * factor.to_f64(),
                _ => 2.0 * theta,
            };
            theta = raised.min(self.cap());
        }
    }
}

/// The whole update from the samples: `(D, d, promised)`.
fn expected<T: Real>(
    layer: &Layer,
    rule: StepRule<T>,
    order: Order,
    w: f64,
    omega: Regularizer<T>,
) -> (Plain, Plain, f64) {
    let m = layer.p.columns as f64;
    let first_bias = match order {
        Order::WeightsFirst => Plain::zeros(layer.r.rows, 1),
        Order::BiasFirst => layer.r.row_means().map(|mean| -mean),
    };
    let r = layer.r.plus_to_columns(&first_bias);
    let gradient = r.times(&layer.p.transposed()).map(|sum| w * sum);
    let block =
        |weights: &Plain, gradient: &Plain| Block { weights, gradient, p: &layer.p, w }.search(rule, omega);
    let (change, majorised) = if rule == StepRule::Vector {
        let rows: Vec<_> = (0..r.rows).map(|i| block(&layer.weights.row(i), &gradient.row(i))).collect();
        let change = Plain::new(r.rows, gradient.columns, |i, j| rows[i].0[(0, j)]);
        (change, rows.iter().map(|(step, theta)| 0.5 * theta * step.squared()).sum())
    } else {
        let (step, theta) = block(&layer.weights, &gradient);
        let promised = 0.5 * theta * step.squared();
        (step, promised)
    };
    let bias = match order {
        Order::BiasFirst => first_bias,
        Order::WeightsFirst => r.plus(1.0, &change.times(&layer.p)).row_means().map(|mean| -mean),
    };
    let promised: f64 = majorised + 0.5 * w * m * bias.squared();
    (change, bias, promised)
}

fn check<T: Real>(layer: &Layer, rule: StepRule<T>, order: Order, w: f64, omega: Regularizer<T>) -> Stepped {
    let what = format!("{rule:?} {order:?} {omega:?}");
    let found = layer.step::<T>(rule, order, w, omega).unwrap();
    let (change, bias, promised) = expected(layer, rule, order, w, omega);
    assert_close::<T>(&format!("{what}: D"), &found.change, &change);
    assert_close::<T>(&format!("{what}: d"), &found.bias_change, &bias);
    assert_close::<T>(&format!("{what}: W"), &found.weights, &layer.weights.plus(1.0, &change));
    assert_close::<T>(&format!("{what}: b"), &found.bias, &layer.bias.plus(1.0, &bias));
    assert_near::<T>(&format!("{what}: promised"), found.reduced.promised, promised, promised.max(1e-3));
    let (squared, bias_squared) = (change.squared(), bias.squared());
    assert_near::<T>(&format!("{what}: |D|^2"), found.reduced.weights_squared, squared, squared.max(1e-3));
    assert_near::<T>(
        &format!("{what}: |d|^2"),
        found.reduced.bias_squared,
        bias_squared,
        bias_squared.max(1e-3),
    );
    found
}

fn steps_from_the_samples<T: Real>() {
    for (seed, (n_out, n_in, m)) in
        [(4, 5, 12), (3, 7, 4), (1, 1, 6), (6, 2, 1), (2, 6, 23)].into_iter().enumerate()
    {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        for rule in rules::<T>() {
            for omega in regularizers::<T>() {
                for order in ORDERS {
                    check(&layer, rule, order, 1.5, omega);
                }
            }
        }
    }
}

fn rows_without_gradient<T: Real>() {
    let mut layer = Layer::random(5, 4, 3, 9);
    (0..9).for_each(|j| layer.r[(2, j)] = 0.0);
    for omega in regularizers::<T>() {
        for order in ORDERS {
            let found = check(&layer, StepRule::Vector, order, 0.75, omega);
            let stays = found.change.row(2) == Plain::zeros(1, 3);
            assert_eq!(stays, omega == Regularizer::None, "only a regulariser moves the row");
        }
    }
}

fn the_residual_follows_and_the_bias_centres_it<T: Real>() {
    for seed in 0..10 {
        let layer = Layer::random(seed, 4, 6, 17);
        for rule in rules::<T>() {
            let found = layer.step::<T>(rule, Order::WeightsFirst, 2.0, Regularizer::None).unwrap();
            let moved = found.change.times(&layer.p).plus_to_columns(&found.bias_change);
            assert_close::<T>("r", &found.r, &layer.r.plus(1.0, &moved));
            assert!(found.r.row_sums().largest() <= 17.0 * rounding::<T>(), "rows of r must sum to 0");
        }
    }
}

fn nothing_moves_without_samples<T: Real>() {
    let layer = Layer::random(6, 3, 4, 0);
    let least_squares = StepRule::LeastSquares { damping: T::from_f64(0.5) };
    for rule in rules::<T>().into_iter().chain([least_squares]) {
        for order in ORDERS {
            let found = layer.step::<T>(rule, order, 1.0, Regularizer::L2(T::ONE)).unwrap();
            assert_eq!((found.weights, found.bias), (layer.weights.clone(), layer.bias.clone()));
            assert_eq!((found.change.largest(), found.bias_change.largest()), (0.0, 0.0));
        }
    }
}

fn dead_inputs_move_the_bias_alone<T: Real>() {
    let mut layer = Layer::random(7, 3, 4, 8);
    layer.p = Plain::zeros(4, 8);
    for rule in rules::<T>() {
        for omega in regularizers::<T>() {
            let found = check(&layer, rule, Order::WeightsFirst, 1.0, omega);
            assert_eq!(found.change.largest(), 0.0);
            assert!(found.bias_change.largest() > 0.0);
        }
    }
}

/// The smallest number there is, times 1.001, is itself: the search must not go on for ever. A start above the cap is the
/// cap.
fn a_start_that_rounds_to_itself_ends_at_the_cap<T: Real>() {
    let smallest = T::from_f64(if T::EPSILON.to_f64() > 1e-10 { 1e-45 } else { 5e-324 });
    let factor = T::from_f64(1.001);
    assert!(smallest > T::ZERO && smallest * factor == smallest);
    let (layer, omega) = (Layer::random(9, 3, 4, 8), Regularizer::L2(T::ONE));
    let step = |start| {
        let rule = StepRule::Backtracking { start, factor };
        layer.step::<T>(rule, Order::WeightsFirst, 1.0, omega).unwrap().change
    };
    assert_eq!(step(smallest).plus(-1.0, &step(T::from_f64(1e30))).largest(), 0.0);
}

/// Without a regulariser theta is `|G|/|D|`; at 0.99 of it the papers' test fails.
fn the_smallest_legal_theta<T: Real>() {
    for seed in 0..20 {
        let w = 1.25;
        let layer = Layer::random(seed, 4, 5, 11);
        let found = layer.step::<T>(StepRule::Vector, Order::WeightsFirst, w, Regularizer::None).unwrap();
        let gradient = layer.r.times(&layer.p.transposed()).map(|sum| w * sum);
        for i in 0..4 {
            let (g, d) = (gradient.row(i), found.change.row(i));
            let theta = (g.squared() / d.squared()).sqrt();
            let excess = |theta: f64| {
                let step = g.map(|g| -g / theta);
                let (before, after) = (layer.r.row(i), layer.r.row(i).plus(1.0, &step.times(&layer.p)));
                let model = g.inner(&step) + 0.5 * theta * step.squared();
                (0.5 * w * (after.squared() - before.squared()) - model) * theta / g.squared()
            };
            assert!(excess(theta) <= rounding::<T>(), "row {i}: {} at theta", excess(theta));
            assert!(excess(0.99 * theta) >= 4e-3, "row {i}: {} at 0.99 theta", excess(0.99 * theta));
        }
    }
}
