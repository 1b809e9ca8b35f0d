//! Every update works with exactly the scratch that it asks for, leaves what lies behind it alone, does not look at what
//! was in it, and is refused with one element fewer before anything is written.

use altmin_core::Real;
use altmin_core::error::Error;
use altmin_core::gemm::{Gemm, Portable};

use crate::common::{Loops, Scratch, World, in_both_precisions, updates};

in_both_precisions!(the_portable_product, a_product_with_other_wants);

fn the_portable_product<T: Real>() {
    check_all::<T, _>(&Portable);
}

fn a_product_with_other_wants<T: Real>() {
    check_all::<T, _>(&Loops);
}

fn check_all<T: Real, G: Gemm<T>>(gemm: &G) {
    let shapes =
        [(5, 8, 11), (8, 5, 3), (1, 1, 1), (2, 19, 1), (19, 2, 7), (4, 0, 3), (3, 4, 0), (70, 40, 65)];
    for (n_out, n_in, m) in shapes {
        check::<T, G>(gemm, n_out, n_in, m);
    }
}

fn check<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) {
    for update in updates::<T, G>() {
        let what = format!("{}, {n_out} x {n_in} x {m}", update.name);
        let world = World::<T>::new(3, n_out, n_in, m, 1);
        let needed = (update.workspace)(&world, gemm).elements();

        let (mut exact, mut scratch) = (world.clone(), Scratch::of(needed));
        assert_eq!((update.run)(&mut exact, gemm, scratch.stack()), Ok(()), "{what}");
        assert!(scratch.is_intact(), "{what}: written behind the workspace");
        exact.assert_intact(&what);

        let (mut ample, mut scratch) = (world.clone(), Scratch::of(needed + 1000));
        assert_eq!((update.run)(&mut ample, gemm, scratch.stack()), Ok(()), "{what}");
        for field in World::<T>::all_fields() {
            let same = (field.read)(&exact).plain() == (field.read)(&ample).plain();
            assert!(same || field.name == "lower", "{what}: `{}` depends on the workspace", field.name);
        }

        if let Some(fewer) = needed.checked_sub(1) {
            let (mut refused, mut scratch) = (world.clone(), Scratch::of(fewer));
            let result = (update.run)(&mut refused, gemm, scratch.stack());
            assert!(matches!(result, Err(Error::Workspace { .. })), "{what}: {result:?} with one fewer");
            assert!(refused == world, "{what}: written although refused");
        }
    }
}
