//! Every update over every shape: gaps between columns stay, the result does not depend on them, and a dimension that
//! is wrong is refused by name before anything is written.

use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::update::output;
use altmin_core::{Loss, OutputSolver, Real, Target};
use proptest::prelude::*;

use crate::common::{Field, Plain, Scratch, Strided, Update, World, in_both_precisions, updates};

/// A sample has a class, and so there must be an output for it.
fn fits(update: &Update<impl Real, Portable>, n_out: usize, m: usize) -> bool {
    !update.name.starts_with("output") || n_out > 0 || m == 0
}

fn run<T: Real>(update: &Update<T, Portable>, world: &mut World<T>) -> altmin_core::Result {
    let mut scratch = Scratch::new((update.workspace)(world, &Portable));
    let result = (update.run)(world, &Portable, scratch.stack());
    assert!(scratch.is_intact(), "{}: written behind the workspace", update.name);
    result
}

fn check_gaps<T: Real>(seed: u64, n_out: usize, n_in: usize, m: usize, gap: usize) {
    for update in updates::<T, Portable>().iter().filter(|update| fits(update, n_out, m)) {
        let mut tight = World::<T>::new(seed, n_out, n_in, m, 0);
        let mut spread = World::<T>::new(seed, n_out, n_in, m, gap);
        let result = run(update, &mut tight);
        assert_eq!(result, Ok(()), "{}: {n_out} x {n_in} x {m}", update.name);
        assert_eq!(run(update, &mut spread), result, "{}", update.name);
        spread.assert_intact(update.name);
        tight.assert_intact(update.name);
        for field in World::<T>::all_fields() {
            let (tight, spread) = ((field.read)(&tight).plain(), (field.read)(&spread).plain());
            // What a factor leaves above its diagonal is not said.
            if !(update.name == "weights::factor" && field.name == "lower") {
                assert_eq!(tight, spread, "{}: `{}` depends on the gaps", update.name, field.name);
            }
            assert!(tight.data.iter().all(|x| x.is_finite()), "{}: `{}`", update.name, field.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gaps_stay_and_do_not_matter(
        seed in any::<u64>(), n_out in 0..20usize, n_in in 0..20usize, m in 0..20usize, gap in 1..6usize
    ) {
        check_gaps::<f32>(seed, n_out, n_in, m, gap);
        check_gaps::<f64>(seed, n_out, n_in, m, gap);
    }
}

#[test]
fn no_rows_no_columns_one_column() {
    for (n_out, n_in, m) in [(0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 0, 0), (1, 1, 1), (3, 4, 1), (0, 0, 3)] {
        check_gaps::<f32>(1, n_out, n_in, m, 2);
        check_gaps::<f64>(1, n_out, n_in, m, 2);
    }
}

/// The shapes that are one row or one column off.
fn wrong_shapes((rows, columns): (usize, usize), vector: bool) -> Vec<(usize, usize)> {
    let mut shapes = vec![(rows + 1, columns), (rows - 1, columns)];
    if !vector {
        shapes.extend([(rows, columns + 1), (rows, columns - 1)]);
    }
    shapes
}

fn field<T: Real>(name: &str) -> Field<T> {
    World::all_fields().into_iter().find(|field| field.name == name).unwrap()
}

fn one_wrong_dimension_at_a_time<T: Real>() {
    // No two dimensions are equal, nor one apart: a shape off by one fits nothing else.
    let world = World::<T>::new(3, 5, 8, 11, 2);
    let vectors = ["bias", "residual", "input", "bias_change", "bias_before", "t_rows", "t_samples"];
    for update in updates::<T, Portable>() {
        assert_eq!(run(&update, &mut world.clone()), Ok(()), "{}", update.name);
        for (name, argument) in update.arguments {
            let field = field::<T>(name);
            let right = (field.read)(&world).shape();
            for (rows, columns) in wrong_shapes(right, vectors.contains(name)) {
                if !is_shared(&update, name, right, (rows, columns)) {
                    continue;
                }
                let mut broken = world.clone();
                let content = Plain::new(rows, columns, |i, j| (i + 2 * j) as f64 / 16.0 + 0.5);
                let gap = if vectors.contains(name) { 0 } else { 2 };
                *(field.write)(&mut broken) = Strided::new(&content, gap);
                let before = broken.clone();
                // The workspace of the right shapes, and to spare.
                let mut scratch = Scratch::of(2 * (update.workspace)(&world, &Portable).elements() + 100);
                let result = (update.run)(&mut broken, &Portable, scratch.stack());
                let what = format!("{} with `{argument}` of {rows} x {columns}: {result:?}", update.name);
                let Err(Error::Shape { argument: named, found, expected }) = result else { panic!("{what}") };
                assert!(broken == before, "{what}, but something was written");
                assert_ne!(found, expected, "{what}");
                assert!(is_named(&update, argument, named, right, (rows, columns)), "{what}");
            }
        }
    }
}

in_both_precisions!(one_wrong_dimension_at_a_time, a_target_that_does_not_fit);

/// Whether another argument has the dimension that differs; one that stands alone can be anything.
fn is_shared<T: Real>(
    update: &Update<T, Portable>,
    name: &str,
    right: (usize, usize),
    wrong: (usize, usize),
) -> bool {
    let world = World::<T>::new(3, 5, 8, 11, 2);
    let dimension = if right.0 == wrong.0 { right.1 } else { right.0 };
    let has = |name: &str| {
        let (rows, columns) = (field::<T>(name).read)(&world).shape();
        rows == dimension || columns == dimension
    };
    right.0 == right.1 || update.arguments.iter().any(|(other, _)| *other != name && has(other))
}

/// The wrong argument is named, or one that shares the dimension: where two disagree, either is wrong.
fn is_named<T: Real>(
    update: &Update<T, Portable>,
    argument: &str,
    named: &str,
    right: (usize, usize),
    wrong: (usize, usize),
) -> bool {
    if named == argument {
        return true;
    }
    let world = World::<T>::new(3, 5, 8, 11, 2);
    let dimension = if right.0 == wrong.0 { right.1 } else { right.0 };
    let shares = |(name, in_errors): &(&str, &str)| {
        let (rows, columns) = (field::<T>(name).read)(&world).shape();
        *in_errors == named && (rows == dimension || columns == dimension)
    };
    update.arguments.iter().any(shares)
}

fn a_target_that_does_not_fit<T: Real>() {
    for loss in [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 1.0 }] {
        for classes in [&[0, 1, 2][..], &[0, 1, 2, 0, 1], &[0, 1, 3, 0]] {
            let content = Plain::new(3, 4, |i, j| (i + j) as f64 / 8.0);
            let (mut z, mut r) = (Strided::<T>::dense(&content), Strided::<T>::dense(&content));
            let before = (z.clone(), r.clone());
            let solver = OutputSolver::Newton;
            let mut scratch = Scratch::new(output::step_workspace::<T>(loss, solver, 3, 4));
            let (z_view, r_view, target) = (&mut z.view_mut(), &mut r.view_mut(), Target::Classes(classes));
            let result = output::step(loss, solver, T::ONE, target, z_view, r_view, scratch.stack());
            let named = matches!(
                result,
                Err(Error::Shape { argument: "target", .. } | Error::Setting { name: "target", .. })
            );
            assert!(named, "{result:?}");
            assert!((z, r) == before, "written although refused");
        }
    }
}
