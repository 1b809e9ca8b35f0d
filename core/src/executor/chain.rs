//! The pieces of several owners as one phase.

use super::Units;

/// The pieces of all owners in a slice, one owner after the other: what would be a phase for each, with a barrier after it,
/// is a single one.
#[derive(Debug)]
pub struct Chain<'a, A, U, C, D> {
    /// What is left of the owner before `owners`, and what was taken of the one after them.
    front: Option<U>,
    owners: &'a mut [A],
    back: Option<U>,
    /// The index of the first of `owners`.
    first: usize,
    count: C,
    deal: D,
}

impl<'a, A, U, C, D> Chain<'a, A, U, C, D>
where
    U: Units,
    C: Fn(usize, &A) -> usize,
    D: Fn(usize, &'a mut A) -> U,
{
    /// The pieces of `owners`, the first of which has the index `first`: `count(index, owner)` says how many an owner has,
    /// `deal(index, owner)` hands them out.
    pub fn new(owners: &'a mut [A], first: usize, count: C, deal: D) -> Self {
        Self { front: None, owners, back: None, first, count, deal }
    }
}

impl<'a, A, U, C, D> Units for Chain<'a, A, U, C, D>
where
    A: Send,
    U: Units + Send,
    C: Fn(usize, &A) -> usize + Copy + Send,
    D: Fn(usize, &'a mut A) -> U + Copy + Send,
{
    type Unit = U::Unit;

    fn count(&self) -> usize {
        let ends: usize = self.front.iter().chain(&self.back).map(Units::count).sum();
        ends + self
            .owners
            .iter()
            .enumerate()
            .map(|(at, owner)| (self.count)(self.first + at, owner))
            .sum::<usize>()
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { front, owners, back, first, count, deal } = self;
        let chain = |front, owners, back, first| Self { front, owners, back, first, count, deal };
        let mut left = at;
        let before = front.as_ref().map_or(0, Units::count);
        if left < before {
            let (taken, kept) = front.map(|units| units.split(left)).unzip();
            return (chain(taken, &mut [], None, first), chain(kept, owners, back, first));
        }
        left -= before;
        let mut whole = 0;
        while let Some(owner) = owners.get(whole) {
            let pieces = count(first + whole, owner);
            if pieces > left {
                break;
            }
            left -= pieces;
            whole += 1;
        }
        let (own, rest) = owners.split_at_mut(whole);
        let next = first + whole;
        if let Some((cut, rest)) = rest.split_first_mut() {
            let (taken, kept) = deal(next, cut).split(left);
            return (chain(front, own, Some(taken), first), chain(Some(kept), rest, back, next + 1));
        }
        let (taken, kept) = back.map(|units| units.split(left)).unzip();
        (chain(front, own, taken, first), chain(None, &mut [], kept, next))
    }

    /// # Panics
    /// If there is none.
    fn single(self) -> U::Unit {
        let Self { front, owners, back, first, count, deal } = self;
        let mut owned = owners.iter_mut().enumerate();
        let of_owners =
            owned.find(|(at, owner)| count(first + at, owner) > 0).map(|(at, owner)| deal(first + at, owner));
        let mut all = [front, of_owners, back].into_iter().flatten();
        all.find(|units| units.count() > 0).expect("a single piece").single()
    }
}
