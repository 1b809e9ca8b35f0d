//! A list of blocks seen as layers: which lists are, and what is said of them.

use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, Network, Shape};
use altmin_core::method::Layers;
use altmin_core::update::sums::SumsShape;
use altmin_core::{Activation, Error};

use crate::common::Random;
use crate::common::rig::dense_blocks;

const ACTIVATIONS: [Activation<f64>; 5] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.25 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softplus,
];

#[test]
fn layers_are_those_of_their_widths() {
    let mut random = Random::new(11);
    for _ in 0..300 {
        let count = 1 + random.below(6);
        let widths: Vec<usize> = (0..=count).map(|_| 1 + random.below(20)).collect();
        let activation = ACTIVATIONS[random.below(ACTIVATIONS.len())];
        let blocks = dense_blocks(&widths, activation);
        let network = Network::new(&blocks, Shape::flat(widths[0])).unwrap();
        let layers = Layers::new(network).unwrap();
        assert_eq!((layers.count(), layers.network()), (count, network));
        // Without a hidden layer no activation is named.
        assert_eq!(layers.activation(), if count == 1 { Activation::Relu } else { activation });
        let expected: Vec<_> =
            widths.windows(2).map(|pair| SumsShape { n_out: pair[1], n_in: pair[0] }).collect();
        assert_eq!(layers.shapes().collect::<Vec<_>>(), expected);
        for (l, &shape) in expected.iter().enumerate() {
            assert_eq!(layers.shape(l), shape);
            assert_eq!((layers.n_out(l), layers.n_in(l)), (shape.n_out, shape.n_in));
        }
    }
}

/// An image goes into the first layer once it has been flattened, which is a block of its own.
#[test]
fn the_input_is_flat() {
    let image = Shape { channels: 2, height: 3, width: 4 };
    let blocks = [Block::Flatten::<f64>, Block::Dense { outputs: 3 }];
    let refused = Layers::new(Network::new(&blocks, image).unwrap()).unwrap_err();
    assert!(matches!(refused, Error::Block { index: 0, block: "flatten", input, .. } if input == image));
    let text = "block 1 (`flatten`) gets 2x3x4, \
                expected a dense block here, as the method trains dense layers alone";
    assert_eq!(refused.to_string(), text);
}

/// Random lists: layers are those that alternate, and of the others the first misfit is named.
#[test]
fn the_first_block_that_does_not_fit_is_named() {
    let (relu, tanh) = (Block::Activation(Activation::Relu), Block::Activation(Activation::Tanh));
    let dense = Block::Dense { outputs: 3 };
    let kinds =
        [dense, dense, dense, relu, relu, relu, tanh, Block::Flatten, Block::Conv(Conv::square(3, 1, 1, 0))];
    let mut random = Random::new(13);
    let (mut fitting, mut places) = (0, [0; 8]);
    for _ in 0..20_000 {
        let blocks: Vec<Block<f64>> =
            (0..1 + random.below(7)).map(|_| kinds[random.below(kinds.len())]).collect();
        let network = Network::new(&blocks, Shape::flat(3)).unwrap();
        let hidden = *blocks.get(1).unwrap_or(&relu);
        let fits = |place: usize| match place % 2 {
            0 => blocks[place] == dense,
            _ => [relu, tanh].contains(&hidden) && blocks[place] == hidden && place + 1 < blocks.len(),
        };
        let misfit = (0..blocks.len()).find(|&place| !fits(place));
        match (Layers::new(network), misfit) {
            (Ok(layers), None) => {
                assert_eq!(layers.count(), blocks.len().div_ceil(2));
                fitting += 1;
            }
            (Err(Error::Block { index, block, .. }), Some(place)) => {
                assert_eq!((index, block), (place, blocks[place].name()), "{blocks:?}");
                places[place] += 1;
            }
            (found, expected) => panic!("{blocks:?}: {found:?}, misfit at {expected:?}"),
        }
    }
    assert!(fitting > 100 && places[..6].iter().all(|&count| count > 0), "{fitting}, {places:?}");
}
