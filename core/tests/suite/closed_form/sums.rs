//! The sums over samples, whole, in parts, and after a step.

use altmin_core::Real;
use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::update::sums::{self, Parts, SumsShape};

use crate::common::{Layer, Plain, Random, Scratch, Strided, assert_close, in_both_precisions};

in_both_precisions!(tiles_add_up_to_the_whole, the_residual_alone, parts_add_up, follows_a_step);

fn shape(layer: &Layer) -> SumsShape {
    SumsShape { n_out: layer.weights.rows, n_in: layer.weights.columns }
}

#[track_caller]
fn check<T: Real>(layer: &Layer, memory: &[T]) {
    let found = shape(layer).read(memory, layer.p.columns).unwrap();
    let transposed = layer.p.transposed();
    assert_close::<T>("r p'", &Plain::of(&found.cross), &layer.r.times(&transposed));
    assert_close::<T>("p p'", &Plain::of(&found.gram), &layer.p.times(&transposed));
    assert_close::<T>("r 1", &Plain::of_slice(found.residual), &layer.r.row_sums());
    assert_close::<T>("p 1", &Plain::of_slice(found.input), &layer.p.row_sums());
}

fn tiles_add_up_to_the_whole<T: Real>() {
    for (seed, (n_out, n_in, m)) in
        [(4, 5, 200), (3, 1, 4), (1, 9, 64), (6, 2, 1), (2, 3, 0)].into_iter().enumerate()
    {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        for tile in [1, 3, 64, 300] {
            check(&layer, &layer.sums::<T>(tile));
        }
    }
}

fn the_residual_alone<T: Real>() {
    let layer = Layer::random(1, 4, 5, 12);
    let shape = shape(&layer);
    let mut memory = layer.sums::<T>(12);
    let changed = Layer { r: Random::new(77).matrix(4, 12), ..layer };
    shape.carve(&mut memory).unwrap().clear(Parts::Residual);
    let mut scratch = Scratch::<T>::new(sums::accumulate_workspace::<T, _>(&Portable, 4, 5, 12));
    let (r, p) = (Strided::<T>::dense(&changed.r), Strided::<T>::dense(&changed.p));
    let (parts, mut target) = (Parts::Residual, shape.carve(&mut memory).unwrap());
    sums::accumulate(&Portable, &r.view(), &p.view(), parts, &mut target, scratch.stack()).unwrap();
    check(&changed, &memory);
}

fn parts_add_up<T: Real>() {
    let layer = Layer::random(2, 4, 3, 20);
    let shape = shape(&layer);
    let half = |start| {
        let part = |matrix: &Plain| matrix.part(start, 10);
        Layer { p: part(&layer.p), r: part(&layer.r), ..layer.clone() }.sums::<T>(4)
    };
    let mut total = half(0);
    sums::add(shape, Parts::All, &half(10), &mut total).unwrap();
    check(&layer, &total);

    let mut total = half(0);
    let input_before = shape.read(&total, 20).unwrap().input.to_vec();
    let gram_before = Plain::of(&shape.read(&total, 20).unwrap().gram);
    sums::add(shape, Parts::Residual, &half(10), &mut total).unwrap();
    let found = shape.read(&total, 20).unwrap();
    assert_eq!((found.input, Plain::of(&found.gram)), (&*input_before, gram_before));
    assert_close::<T>("r p'", &Plain::of(&found.cross), &layer.r.times(&layer.p.transposed()));
    assert_close::<T>("r 1", &Plain::of_slice(found.residual), &layer.r.row_sums());
}

fn follows_a_step<T: Real>() {
    for (seed, (n_out, n_in, m)) in [(4, 5, 30), (3, 1, 4), (1, 9, 12), (6, 2, 1)].into_iter().enumerate() {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        let mut random = Random::new(50 + seed as u64);
        let (change, bias) = (random.matrix(n_out, n_in), random.matrix(n_out, 1));
        let mut memory = layer.sums::<T>(m);
        let mut scratch = Scratch::<T>::new(sums::follow_workspace::<T, _>(&Portable, n_out, n_in));
        let (d, b) = (Strided::<T>::dense(&change), Strided::<T>::dense(&bias));
        let mut target = shape(&layer).carve(&mut memory).unwrap();
        target.follow(&Portable, &d.view(), b.slice(), m, scratch.stack()).unwrap();
        let r = layer.r.plus(1.0, &change.times(&layer.p)).plus_to_columns(&bias);
        check(&Layer { r, ..layer }, &memory);
    }
}

#[test]
fn memory_that_is_too_short_is_refused() {
    let shape = SumsShape { n_out: 3, n_in: 2 };
    assert_eq!(shape.elements(), 6 + 4 + 3 + 2);
    let refused = Err(Error::Length { argument: "sums", found: 14, needed: 15 });
    let (mut short, mut whole) = ([0.0f32; 14], [0.0f32; 15]);
    assert_eq!(shape.carve(&mut short).map(|_| ()), refused);
    assert_eq!(shape.read(&short, 1).map(|_| ()), refused);
    assert_eq!(sums::add(shape, Parts::All, &short, &mut whole), refused);
    assert_eq!(sums::add(shape, Parts::All, &whole.clone(), &mut short), refused);
}
