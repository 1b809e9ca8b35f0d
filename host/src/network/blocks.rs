//! Networks of blocks as people write them: `conv 32 3x3 same, relu, maxpool 2, flatten, dense 10`, or a short form.
//!
//! [`Architecture`] is what was written, [`Network`] what it is for a data set: the blocks with the output layer,
//! checked against the shape of a sample.

mod text;

use std::fmt;
use std::str::FromStr;

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, LinearMap, Network as CoreNetwork, Shape, Step};
use altmin_core::method::Layers;
use altmin_core::{Activation, Real};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::widths::Widths;
use text::{read_block, write_block};

/// More blocks than this are taken for a slip of the pen.
const MOST_BLOCKS: usize = 10_000;

/// Channels of the papers' ResNet-like network, and widths of the papers' fully connected blocks.
const RESNET_CHANNELS: usize = 64;
const PAPER_WIDTH: usize = 512;

/// A network as a person wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// `mlp WIDTHS`: fully connected blocks of these widths with ReLU after each.
    Mlp(Vec<usize>),
    /// `mlp WIDTHS residual`: the same, where a block as wide as the one before is a residual one.
    ResidualMlp(Vec<usize>),
    /// `cnn`, TSSM's section 3.2.1: two stages of 32 3x3 filters and 2x2 max-pooling, two fully connected blocks of 512.
    Cnn,
    /// `resnet N`, TSSM's section 3.2.2: 64 filters of 9x9 with stride 3, 3x3 max-pooling with stride 3, N residual pairs of
    /// 64 channels, an average over the image, two fully connected blocks of 512.
    Resnet(usize),
    /// All blocks, the output layer too.
    Blocks(Vec<Block<f64>>),
}

const FORMS: &str = "blocks separated by commas, such as `conv 32 3x3 same, relu, maxpool 2, flatten, dense 10`, or \
                     `mlp WIDTHS [residual]`, `cnn` or `resnet N`";

impl FromStr for Architecture {
    type Err = Error;

    /// The form alone is checked; what fits the data shows in [`Architecture::network`].
    fn from_str(text: &str) -> Result<Self> {
        let architecture = Self::read(text)?;
        // A short form may stand for more blocks than can be written one by one, as a model's file has them.
        if architecture.blocks(1).len() > MOST_BLOCKS {
            return Err(Error::argument("network", text, format!("no more than {MOST_BLOCKS} blocks")));
        }
        Ok(architecture)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp(widths) => write!(f, "mlp {}", Widths(widths.clone())),
            Self::ResidualMlp(widths) => write!(f, "mlp {} residual", Widths(widths.clone())),
            Self::Cnn => f.write_str("cnn"),
            Self::Resnet(pairs) => write!(f, "resnet {pairs}"),
            Self::Blocks(blocks) => write_blocks(f, blocks),
        }
    }
}

fn write_blocks(f: &mut fmt::Formatter<'_>, blocks: &[Block<f64>]) -> fmt::Result {
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_block(f, block)?;
    }
    Ok(())
}

impl Architecture {
    fn read(text: &str) -> Result<Self> {
        let refused = |expected: &str| Err(Error::argument("network", text, expected));
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("cnn"), None, _) => return Ok(Self::Cnn),
            (Some("mlp"), Some(_), _) => {
                let text = text.trim();
                let (text, is_residual) = match text.strip_suffix("residual") {
                    Some(before) if before.ends_with(char::is_whitespace) => (before, true),
                    _ => (text, false),
                };
                let widths: Widths = text["mlp".len()..].trim().parse()?;
                return match widths.0.contains(&0) {
                    true => refused("`mlp` with widths of at least 1, such as mlp 512x9"),
                    false if is_residual => Ok(Self::ResidualMlp(widths.0)),
                    false => Ok(Self::Mlp(widths.0)),
                };
            }
            (Some("resnet"), Some(pairs), None) => {
                return match pairs.parse() {
                    Ok(pairs) if (1..=MOST_BLOCKS).contains(&pairs) => Ok(Self::Resnet(pairs)),
                    _ => refused("`resnet` with a number of residual pairs, such as resnet 24"),
                };
            }
            (Some("mlp" | "resnet"), None, _) => return refused("a number after it: mlp 512x9, resnet 24"),
            (None, ..) => return refused(FORMS),
            _ => {}
        }
        let blocks: Vec<_> = text
            .split(',')
            .enumerate()
            .map(|(index, block)| read_block(index, block.trim()))
            .collect::<Result<_>>()?;
        Ok(Self::Blocks(blocks))
    }

    /// The network for samples of this shape and so many outputs, classes or values.
    ///
    /// Short forms get the output layer; a full text must end in it.
    ///
    /// # Errors
    /// [`Error::Argument`] (`network`) for a text that does not end in a fully connected block with these outputs;
    /// [`Error::Core`] for a block that cannot take what comes in.
    pub fn network(&self, input: Shape, outputs: usize) -> Result<Network> {
        match self {
            Self::Blocks(blocks) if blocks.last() != Some(&Block::Dense { outputs }) => {
                let expected = format!("`dense {outputs}` at the end: the data has {outputs} outputs");
                Err(Error::argument("network", self, expected))
            }
            _ => Network::new(self.blocks(outputs), input),
        }
    }

    /// All blocks, with the output layer for so many outputs where the text is a short form.
    fn blocks(&self, outputs: usize) -> Vec<Block<f64>> {
        match self {
            Self::Mlp(widths) => dense_blocks(widths, Activation::Relu, outputs),
            Self::ResidualMlp(widths) => residual_blocks(widths, outputs),
            Self::Cnn => cnn(outputs),
            Self::Resnet(pairs) => resnet(*pairs, outputs),
            Self::Blocks(blocks) => blocks.clone(),
        }
    }

    /// Whether there are convolutions, those of residual pairs among them.
    pub fn has_convolutions(&self) -> bool {
        self.blocks(1).iter().any(|block| matches!(block, Block::Conv(_) | Block::Residual(_)))
    }

    /// Whether there is dropout or batch normalisation, for which methods with variables of each sample have no place.
    pub fn differs_in_training(&self) -> bool {
        self.blocks(1).iter().any(Block::differs_in_training)
    }

    /// Whether there is batch normalisation, for which methods need mini-batches.
    pub fn has_batch_norm(&self) -> bool {
        self.blocks(1).contains(&Block::BatchNorm)
    }

    /// Linear maps on the way from input to output: a residual pair has two, beside its skip connection.
    pub fn linear_maps(&self) -> usize {
        let of = |block: &Block<f64>| match block {
            Block::Dense { .. } | Block::ResidualDense(_) | Block::Conv(_) => 1,
            Block::Residual(_) => 2,
            _ => 0,
        };
        self.blocks(1).iter().map(of).sum()
    }
}

/// Fully connected blocks of these widths with an activation after each, and the output layer.
pub fn dense_blocks(widths: &[usize], activation: Activation<f64>, outputs: usize) -> Vec<Block<f64>> {
    let hidden = widths.iter().flat_map(|&outputs| [Block::Dense { outputs }, Block::Activation(activation)]);
    hidden.chain([Block::Dense { outputs }]).collect()
}

/// The same with ReLU, where a block as wide as the one before is a residual one.
fn residual_blocks(widths: &[usize], outputs: usize) -> Vec<Block<f64>> {
    let (mut blocks, mut before) = (Vec::new(), None);
    for &width in widths {
        if before == Some(width) {
            blocks.push(Block::ResidualDense(Activation::Relu));
        } else {
            blocks.extend([Block::Dense { outputs: width }, Block::Activation(Activation::Relu)]);
        }
        before = Some(width);
    }
    blocks.push(Block::Dense { outputs });
    blocks
}

fn cnn(outputs: usize) -> Vec<Block<f64>> {
    let stage = [
        Block::Conv(Conv::square(32, 3, 1, 1)),
        Block::Activation(Activation::Relu),
        Block::MaxPool(Window { size: 2, stride: 2 }),
    ];
    let mut blocks = [&stage[..], &stage[..], &[Block::Flatten]].concat();
    blocks.extend(dense_blocks(&[PAPER_WIDTH; 2], Activation::Relu, outputs));
    blocks
}

fn resnet(pairs: usize, outputs: usize) -> Vec<Block<f64>> {
    let pair = Residual { outputs: RESNET_CHANNELS, stride: 1, activation: Activation::Relu };
    let mut blocks = vec![
        Block::Conv(Conv::square(RESNET_CHANNELS, 9, 3, 0)),
        Block::Activation(Activation::Relu),
        Block::MaxPool(Window { size: 3, stride: 3 }),
    ];
    blocks.resize(blocks.len() + pairs, Block::Residual(pair));
    blocks.push(Block::GlobalAveragePool);
    blocks.extend(dense_blocks(&[PAPER_WIDTH; 2], Activation::Relu, outputs));
    blocks
}

/// The shape of a data set's samples.
pub fn sample_shape<T: Real>(data: &Dataset<T>) -> Shape {
    data.image().map_or(Shape::flat(data.n_features()), |image| Shape {
        channels: image.channels,
        height: image.height,
        width: image.width,
    })
}

/// Blocks that fit one another and the samples that go in.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    blocks: Vec<Block<f64>>,
    input: Shape,
}

impl Network {
    /// These blocks for samples of this shape. Where the first block, but for dropout and batch normalisation, is fully connected,
    /// an image is the long column as which it is stored.
    ///
    /// # Errors
    /// [`Error::Core`] for a block that cannot take what comes in.
    pub fn new(blocks: Vec<Block<f64>>, input: Shape) -> Result<Self> {
        let first = blocks.iter().find(|block| !block.differs_in_training());
        let flat = matches!(first, Some(Block::Dense { .. } | Block::ResidualDense(_)));
        let input = if flat { Shape::flat(input.features()) } else { input };
        CoreNetwork::new(&blocks, input)?;
        Ok(Self { blocks, input })
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[Block<f64>] {
        &self.blocks
    }

    /// The shape of a sample.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The core's network.
    pub fn view(&self) -> CoreNetwork<'_, f64> {
        CoreNetwork::new(&self.blocks, self.input)
            .expect("blocks that were checked when the network was made")
    }

    /// The blocks in their places, with the shapes between them.
    pub fn steps(&self) -> Vec<Step<f64>> {
        self.view().steps().collect()
    }

    /// The linear maps, in the order of their parameters.
    pub fn maps(&self) -> Vec<LinearMap> {
        self.view().maps().collect()
    }

    /// The most inputs or outputs of a map.
    pub fn widest(&self) -> usize {
        self.view().maps().map(|map| map.n_in.max(map.n_out)).max().unwrap_or(0)
    }

    /// Weights and biases of all maps.
    pub fn parameters(&self) -> usize {
        self.view().parameters()
    }

    /// Its layers, where blocks alternate dense and one activation.
    pub fn layers(&self) -> Option<Layers<'_, f64>> {
        Layers::new(self.view()).ok()
    }

    /// The activation of the hidden layers; ReLU where it is not a network of layers.
    pub fn activation(&self) -> Activation<f64> {
        self.layers().map_or(Activation::Relu, |layers| layers.activation())
    }

    /// Widths of its layers, from the input's features to the outputs; `None` where it is not a network of layers.
    pub fn widths(&self) -> Option<Vec<usize>> {
        let shapes = self.layers()?.shapes();
        Some([self.input.features()].into_iter().chain(shapes.map(|shape| shape.n_out)).collect())
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.view().output().features()
    }

    /// The blocks in the scalar type of a computation.
    pub fn blocks_in<T: Real>(&self) -> Vec<Block<T>> {
        self.blocks.iter().map(block_in).collect()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_blocks(f, &self.blocks)
    }
}

/// How a block is written.
pub fn describe(block: &Block<f64>) -> String {
    struct One<'a>(&'a Block<f64>);
    impl fmt::Display for One<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_block(f, self.0)
        }
    }
    One(block).to_string()
}

fn block_in<T: Real>(block: &Block<f64>) -> Block<T> {
    match *block {
        Block::Dense { outputs } => Block::Dense { outputs },
        Block::Conv(conv) => Block::Conv(conv),
        Block::MaxPool(window) => Block::MaxPool(window),
        Block::AveragePool(window) => Block::AveragePool(window),
        Block::GlobalAveragePool => Block::GlobalAveragePool,
        Block::Flatten => Block::Flatten,
        Block::Dropout { share } => Block::Dropout { share },
        Block::BatchNorm => Block::BatchNorm,
        Block::Activation(activation) => Block::Activation(activation.cast()),
        Block::Residual(Residual { outputs, stride, activation }) => {
            Block::Residual(Residual { outputs, stride, activation: activation.cast() })
        }
        Block::ResidualDense(activation) => Block::ResidualDense(activation.cast()),
    }
}
