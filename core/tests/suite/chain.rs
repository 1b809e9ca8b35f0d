//! The pieces of several owners as one phase: every one once and in order, however the phase is split.

use altmin_core::executor::{Chain, Runs, Units};

use crate::common::Random;

/// Splits at random places down to single pieces and visits them in order.
fn visit<U: Units>(units: U, random: &mut Random, visit_unit: &mut impl FnMut(U::Unit)) {
    match units.count() {
        0 => {}
        1 => visit_unit(units.single()),
        count => {
            let at = random.below(count);
            let (front, back) = units.split(at);
            assert_eq!((front.count(), back.count()), (at, count - at));
            visit(front, random, visit_unit);
            visit(back, random, visit_unit);
        }
    }
}

#[test]
fn every_piece_is_dealt_once_and_in_order() {
    let mut random = Random::new(7);
    for _ in 0..300 {
        let owners = random.below(5);
        // Owners without anything are among them.
        let mut memory: Vec<Vec<usize>> = (0..owners).map(|_| vec![0; random.below(11)]).collect();
        let run = 1 + random.below(3);
        let first = random.below(3);
        let pieces: usize = memory.iter().map(|own| own.len().div_ceil(run)).sum();
        let count = |index: usize, own: &Vec<usize>| {
            assert!((first..first + owners).contains(&index));
            own.len().div_ceil(run)
        };
        let chain = Chain::new(&mut memory, first, count, |_, own| Runs::new(own, run));
        assert_eq!(chain.count(), pieces);
        let mut visited = 0;
        visit(chain, &mut random, &mut |piece: &mut [usize]| {
            visited += 1;
            piece.iter_mut().for_each(|entry| *entry = if *entry == 0 { visited } else { usize::MAX });
        });
        assert_eq!(visited, pieces);
        let mut expected = 0;
        for own in &memory {
            for piece in own.chunks(run) {
                expected += 1;
                assert!(piece.iter().all(|&entry| entry == expected), "{memory:?}");
            }
        }
    }
}

#[test]
fn owners_are_told_by_their_index() {
    let mut owners = [10_u8, 20, 30];
    let chain = Chain::new(
        &mut owners,
        4,
        |_, _| 1,
        |index, owner| {
            *owner += index as u8;
            std::slice::from_mut(owner)
        },
    );
    let (first, rest) = chain.split(1);
    assert_eq!(*first.single(), 14);
    let (second, third) = rest.split(1);
    assert_eq!((*second.single(), *third.single()), (25, 36));
}
