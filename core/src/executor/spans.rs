//! Pieces of several slices that an iterator's items own.

use super::Units;

/// How many elements of each slice an item owns.
pub trait Extent {
    /// The number of elements.
    fn extent(&self) -> usize;
}

/// N slices of one layout, cut alike into the pieces of an iterator's items, one after the other: a unit is an item with its
/// pieces. A slice may be empty, where a method keeps nothing of that kind.
#[derive(Debug)]
pub struct Spans<'a, A, I, const N: usize> {
    items: I,
    count: usize,
    slices: [&'a mut [A]; N],
}

impl<'a, A, I: Iterator + Clone, const N: usize> Spans<'a, A, I, N> {
    /// The pieces of all items, which fill every slice that is not empty.
    pub fn new(items: I, slices: [&'a mut [A]; N]) -> Self {
        let count = items.clone().count();
        Self { items, count, slices }
    }
}

impl<'a, A: Send, I, const N: usize> Units for Spans<'a, A, I, N>
where
    I: Iterator + Clone + Send,
    I::Item: Extent + Send,
{
    type Unit = (I::Item, [&'a mut [A]; N]);

    fn count(&self) -> usize {
        self.count
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { items, count, slices } = self;
        let at = at.min(count);
        let mut others = items.clone();
        let length: usize = others.by_ref().take(at).map(|item| item.extent()).sum();
        let mut backs = core::array::from_fn(|_| <&mut [A]>::default());
        let mut places = backs.iter_mut();
        let fronts = slices.map(|slice| {
            let (front, back) = slice.split_at_mut(length.min(slice.len()));
            if let Some(place) = places.next() {
                *place = back;
            }
            front
        });
        (Self { items, count: at, slices: fronts }, Self { items: others, count: count - at, slices: backs })
    }

    /// # Panics
    /// If there is none.
    fn single(self) -> Self::Unit {
        let Self { mut items, slices, .. } = self;
        (items.next().expect("a single piece"), slices)
    }
}
