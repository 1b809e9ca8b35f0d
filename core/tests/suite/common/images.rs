//! A few small images of three classes in mini-batches, and the methods that train networks which differ in training.

use altmin_core::Target;
use altmin_core::block::Shape;
use altmin_core::method::{Name, Problem, Use};
use altmin_core::view::dense;

use super::plain::{Plain, Random};

pub(crate) const SHAPE: Shape = Shape { channels: 2, height: 4, width: 3 };
pub(crate) const CLASSES: usize = 3;
pub(crate) const SAMPLES: usize = 60;
pub(crate) const BATCH: usize = 20;

pub(crate) struct Images {
    pub(crate) x: Plain,
    pub(crate) classes: Vec<u32>,
}

impl Images {
    pub(crate) fn new() -> Self {
        let mut random = Random::new(7);
        let x = random.matrix(SHAPE.features(), SAMPLES);
        Self { classes: (0..SAMPLES).map(|_| random.below(CLASSES) as u32).collect(), x }
    }

    pub(crate) fn problem(&self) -> Problem<'_, f64> {
        Problem { x: dense(&self.x.data, self.x.rows, SAMPLES), target: Target::Classes(&self.classes) }
    }
}

/// An order of the samples that is not theirs.
pub(crate) fn order() -> Vec<u32> {
    (0..SAMPLES).map(|at| (at * 7 % SAMPLES) as u32).collect()
}

/// The methods in which dropout and batch normalisation have a place.
pub(crate) fn methods() -> impl Iterator<Item = Name> {
    Name::ALL.iter().copied().filter(|name| {
        let card = name.card();
        !card.layers_only && !card.uses(Use::Subnetworks)
    })
}
