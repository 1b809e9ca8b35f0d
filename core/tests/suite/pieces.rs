//! Pieces of a slice, whose lengths differ: every one once and with its index, however they are split.

use altmin_core::executor::{Executor, Pieces, Sequential, Units};

use crate::common::Random;
use crate::common::rig::{Order, Permuted};

/// Lengths of up to 11 pieces, of which about a third are empty.
fn lengths(random: &mut Random) -> Vec<usize> {
    (0..random.below(12)).map(|_| random.below(6).saturating_sub(2)).collect()
}

/// Of each element the index of the piece that it belongs to.
fn owners(lengths: &[usize]) -> Vec<usize> {
    lengths.iter().enumerate().flat_map(|(index, &length)| std::iter::repeat_n(index, length)).collect()
}

/// Splits at random places, the ends among them, down to single pieces, and visits the back or the front first.
fn visit<U: Units>(units: U, first: usize, random: &mut Random, found: &mut impl FnMut(usize, U::Unit)) {
    match units.count() {
        0 => {}
        1 if random.below(3) > 0 => found(first, units.single()),
        count => {
            let at = random.below(count + 1);
            let (front, back) = units.split(at);
            assert_eq!((front.count(), back.count()), (at, count - at));
            if random.below(2) == 0 {
                visit(front, first, random, found);
                visit(back, first + at, random, found);
            } else {
                visit(back, first + at, random, found);
                visit(front, first, random, found);
            }
        }
    }
}

#[test]
fn every_piece_is_dealt_once_with_its_index() {
    let mut random = Random::new(3);
    let mut empty = 0;
    for _ in 0..500 {
        let lengths = lengths(&mut random);
        empty += lengths.iter().filter(|&&length| length == 0).count();
        let mut memory = vec![usize::MAX; lengths.iter().sum()];
        let mut visits = vec![0; lengths.len()];
        let pieces = Pieces::new(&mut memory, lengths.len(), |index| lengths[index]);
        assert_eq!(pieces.count(), lengths.len());
        visit(pieces, 0, &mut random, &mut |index, piece: &mut [usize]| {
            visits[index] += 1;
            assert_eq!(piece.len(), lengths[index], "piece {index} of {lengths:?}");
            assert!(piece.iter().all(|&owner| owner == usize::MAX), "piece {index} of {lengths:?}");
            piece.fill(index);
        });
        assert!(visits.iter().all(|&visits| visits == 1), "{lengths:?}: {visits:?}");
        assert_eq!(memory, owners(&lengths), "{lengths:?}");
    }
    assert!(empty > 500);
}

#[test]
fn what_is_skipped_is_left_alone() {
    let mut random = Random::new(5);
    for _ in 0..500 {
        let lengths = lengths(&mut random);
        // Beyond the end as well: nothing is left then.
        let start = random.below(lengths.len() + 3);
        let mut memory = vec![usize::MAX; lengths.iter().sum()];
        let pieces = Pieces::new(&mut memory, lengths.len(), |index| lengths[index]).skip(start);
        assert_eq!(pieces.count(), lengths.len().saturating_sub(start));
        visit(pieces, start, &mut random, &mut |index, piece: &mut [usize]| {
            assert_eq!(piece.len(), lengths[index]);
            piece.fill(index);
        });
        let expected =
            owners(&lengths).into_iter().map(|owner| if owner < start { usize::MAX } else { owner });
        assert!(memory.iter().copied().eq(expected), "{lengths:?} from {start}");
    }
}

/// Each piece gets its index, and the unit beside it the piece's length.
fn deal<E: Executor<f64>>(executor: &mut E, lengths: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut memory = vec![usize::MAX; lengths.iter().sum()];
    let mut seen = vec![usize::MAX; lengths.len()];
    let pieces = Pieces::new(&mut memory, lengths.len(), |index| lengths[index]);
    executor
        .run((pieces, &mut seen[..]), |index, (piece, seen), _| {
            piece.fill(index);
            *seen = piece.len();
            Ok(())
        })
        .unwrap();
    (memory, seen)
}

#[test]
fn pieces_come_with_the_units_beside_them() {
    let mut random = Random::new(7);
    for _ in 0..100 {
        let lengths = lengths(&mut random);
        let expected = (owners(&lengths), lengths.clone());
        assert_eq!(deal(&mut Sequential::new(&mut []), &lengths), expected);
        for order in [Order::Backward, Order::Shuffled] {
            assert_eq!(deal(&mut Permuted::new(order, vec![]), &lengths), expected, "{order:?}");
        }
    }
}
