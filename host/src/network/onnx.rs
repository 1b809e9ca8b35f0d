//! Models as ONNX files, which other programs run.

mod graph;
mod message;

use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Shape};
use altmin_core::{Activation, Real};

use self::graph::{Attribute, Element, Graph};
use self::message::Message;
use super::model::{Map, Model};
use crate::data::{Column, Columns};
use crate::error::{Error, Result};

/// The version of ONNX's operators that nodes are of, and that of the format that came with it.
const OPERATORS: u64 = 13;
const FORMAT: u64 = 7;

/// What altmin-core adds to a variance.
const EPSILON: f32 = 1e-5;

/// The input of every file.
const INPUT: &str = "input";

/// The maps of a network, in order.
type Maps<'a, T> = dyn Iterator<Item = Map<'a, T>> + 'a;

impl<T: Real> Model<T> {
    /// The model as an ONNX file, in single precision.
    ///
    /// The input `input` is `samples x features`, of networks that take images `samples x channels x height x width`. Columns of a
    /// table are as [`Columns::features`] says but not yet scaled, images have pixels from 0 to 1: the file scales both itself. The
    /// output, `samples x outputs`, is `probabilities` of a model trained with cross-entropy, `values` of one for values, in
    /// the data's own units, else `scores`. The file's metadata have the names of outputs and columns as lists in JSON.
    ///
    /// # Errors
    /// [`Error::Data`] for a parameter that single precision does not hold.
    pub fn to_onnx(&self) -> Result<Vec<u8>> {
        if self.parameters.iter().any(|&number| !(number.to_f64() as f32).is_finite()) {
            let found = "a parameter that is not finite in single precision";
            return Err(Error::data("the model", found, "numbers that single precision holds"));
        }
        let shape = self.network.input();
        let mut graph = Graph::of(INPUT);
        self.scale_input(&mut graph, shape);
        let mut writer = Writer { graph, is_image: !shape.is_flat(), maps: 0 };
        let mut maps = self.maps();
        for step in self.network.steps() {
            writer.block(step.block, step.input, &mut maps);
        }
        let (mut graph, n_outputs) = (writer.flat(), self.outputs.names().len());
        let output = self.finish(&mut graph);
        let sizes = [shape.channels, shape.height, shape.width];
        let input = (INPUT, if shape.is_flat() { &sizes[..1] } else { &sizes[..] });
        let graph = graph.finished("altmin", input, (output, &[n_outputs]));
        let names = |names: Vec<String>| serde_json::json!(names).to_string();
        let mut metadata = vec![(self.outputs.kind(), names(self.outputs.names().to_vec()))];
        if let Some(columns) = &self.preprocessing.columns {
            metadata.push(("columns", names(columns.features.iter().map(Column::to_string).collect())));
        }
        let metadata: Vec<Message> = metadata
            .into_iter()
            .map(|(key, value)| Message::default().text(1, key).text(2, &value))
            .collect();
        let operators = Message::default().text(1, "").integer(2, OPERATORS);
        let file = Message::default()
            .integer(1, FORMAT)
            .text(2, "altmin")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &operators)
            .messages(14, &metadata);
        Ok(file.into_bytes())
    }

    /// Scales of columns or channels, where there are any.
    fn scale_input(&self, graph: &mut Graph, shape: Shape) {
        let of_columns = self.preprocessing.columns.as_ref().map(|Columns { features, .. }| {
            features.iter().map(|column| (column.mean, column.deviation)).collect::<Vec<_>>()
        });
        let of_channels = || {
            let channels = self.preprocessing.channels.as_ref()?;
            let pixels = shape.features() / channels.len().max(1);
            let of = channels.iter().map(|channel| (channel.mean, channel.deviation));
            Some(of.flat_map(|scale| std::iter::repeat_n(scale, pixels)).collect())
        };
        let Some(scales) = of_columns.or_else(of_channels) else { return };
        if scales.iter().all(|&scale| scale == (0.0, 1.0)) {
            return;
        }
        let sizes = [shape.channels, shape.height, shape.width];
        let sizes = if shape.is_flat() { &sizes[..1] } else { &sizes[..] };
        // In double precision, as training has it: a mean may be far larger than what is left.
        graph.node("Cast", &[], &[("to", Attribute::Integer(Element::Double as u64))]);
        graph.doubles("input.mean", sizes, scales.iter().map(|&(mean, _)| mean));
        graph.doubles("input.deviation", sizes, scales.iter().map(|&(_, deviation)| deviation));
        graph.node("Sub", &["input.mean"], &[]);
        graph.node("Div", &["input.deviation"], &[]);
        graph.node("Cast", &[], &[("to", Attribute::Integer(Element::Float as u64))]);
    }

    /// What is made of the last layer's outputs, and its name.
    fn finish(&self, graph: &mut Graph) -> &'static str {
        if self.loss.has_probabilities() {
            graph.node_named("probabilities", "Softmax", &[], &[("axis", Attribute::Integer(1))]);
            return "probabilities";
        }
        let output = if self.outputs.are_values() { "values" } else { "scores" };
        match &self.preprocessing.columns {
            Some(Columns { targets, .. }) if self.outputs.are_values() => {
                graph.node("Cast", &[], &[("to", Attribute::Integer(Element::Double as u64))]);
                graph.doubles("output.mean", &[targets.len()], targets.iter().map(|target| target.mean));
                let deviations = targets.iter().map(|target| target.deviation);
                graph.doubles("output.deviation", &[targets.len()], deviations);
                graph.node("Mul", &["output.deviation"], &[]);
                graph.node("Add", &["output.mean"], &[]);
                graph.node_named(output, "Cast", &[], &[("to", Attribute::Integer(Element::Float as u64))]);
            }
            _ => graph.node_named(output, "Identity", &[], &[]),
        }
        output
    }
}

/// Blocks as nodes.
struct Writer {
    graph: Graph,
    /// Whether the last tensor has rows and columns of pixels.
    is_image: bool,
    /// Maps that are written.
    maps: usize,
}

impl Writer {
    /// The graph, whose last tensor has a column for each feature.
    fn flat(mut self) -> Graph {
        self.flatten();
        self.graph
    }

    fn flatten(&mut self) {
        if std::mem::replace(&mut self.is_image, false) {
            self.graph.node("Flatten", &[], &[("axis", Attribute::Integer(1))]);
        }
    }

    /// Makes an image of flat samples.
    fn as_image(&mut self, Shape { channels, height, width }: Shape) {
        if !std::mem::replace(&mut self.is_image, true) {
            let name = format!("shape{}", self.maps);
            // 0 stands for the number of samples.
            self.graph.sizes(&name, &[0, channels, height, width]);
            self.graph.node("Reshape", &[&name], &[]);
        }
    }

    fn block<T: Real>(&mut self, block: Block<f64>, input: Shape, maps: &mut Maps<'_, T>) {
        match block {
            Block::Dense { .. } => self.dense(maps),
            Block::Conv(conv) => {
                self.as_image(input);
                let kernel = [conv.kernel_height, conv.kernel_width];
                self.convolution(input.channels, kernel, conv.stride, conv.padding, maps);
            }
            Block::MaxPool(window) => {
                self.as_image(input);
                self.pool("MaxPool", window.size, window.stride);
            }
            Block::AveragePool(window) => {
                self.as_image(input);
                self.pool("AveragePool", window.size, window.stride);
            }
            Block::GlobalAveragePool => {
                self.as_image(input);
                self.graph.node("GlobalAveragePool", &[], &[]);
            }
            Block::Flatten => self.flatten(),
            Block::Activation(activation) => self.activation(activation),
            Block::Dropout { .. } => {}
            Block::BatchNorm => self.batch_norm(maps),
            Block::Residual(pair) => {
                self.as_image(input);
                self.residual(pair, input, maps);
            }
            Block::ResidualDense(activation) => {
                self.flatten();
                let carried = self.graph.last().to_owned();
                self.dense(maps);
                self.activation(activation);
                self.graph.node("Add", &[&carried], &[]);
            }
        }
    }

    fn activation(&mut self, activation: Activation<f64>) {
        let (operator, attributes) = match activation {
            Activation::Relu => ("Relu", None),
            Activation::LeakyRelu { slope } => ("LeakyRelu", Some(("alpha", Attribute::Float(slope as f32)))),
            Activation::Sigmoid => ("Sigmoid", None),
            Activation::Tanh => ("Tanh", None),
            Activation::Softplus => ("Softplus", None),
        };
        self.graph.node(operator, &[], attributes.as_slice());
    }

    fn pool(&mut self, operator: &str, size: usize, stride: usize) {
        let (kernel, strides) = ([size; 2], [stride; 2]);
        let attributes =
            [("kernel_shape", Attribute::Integers(&kernel)), ("strides", Attribute::Integers(&strides))];
        self.graph.node(operator, &[], &attributes);
    }

    /// The names of the next map's weight and bias, the former of shape `n_out x rest`.
    fn map<T: Real>(&mut self, maps: &mut Maps<'_, T>, rest: impl Fn(usize) -> Vec<usize>) -> [String; 2] {
        let names = ["weight", "bias"].map(|part| format!("map{}.{part}", self.maps));
        self.maps += 1;
        let Some(map) = maps.next() else { return names };
        let shape: Vec<usize> = [map.n_out].into_iter().chain(rest(map.n_in)).collect();
        let single = |number: T| number.to_f64() as f32;
        self.graph.floats(&names[0], &shape, map.by_rows().map(single));
        self.graph.floats(&names[1], &[map.n_out], map.bias.iter().copied().map(single));
        names
    }

    fn dense<T: Real>(&mut self, maps: &mut Maps<'_, T>) {
        self.flatten();
        let [weight, bias] = self.map(maps, |n_in| vec![n_in]);
        self.graph.node("Gemm", &[&weight, &bias], &[("transB", Attribute::Integer(1))]);
    }

    fn convolution<T: Real>(
        &mut self,
        channels: usize,
        kernel: [usize; 2],
        stride: usize,
        padding: usize,
        maps: &mut Maps<'_, T>,
    ) {
        let [weight, bias] = self.map(maps, |_| vec![channels, kernel[0], kernel[1]]);
        let attributes = [
            ("kernel_shape", Attribute::Integers(&kernel)),
            ("strides", Attribute::Integers(&[stride; 2])),
            ("pads", Attribute::Integers(&[padding; 4])),
        ];
        self.graph.node("Conv", &[&weight, &bias], &attributes);
    }

    fn batch_norm<T: Real>(&mut self, maps: &mut Maps<'_, T>) {
        let [scale, shift] = self.map(maps, |_| Vec::new());
        let [mean, variance] = self.map(maps, |_| Vec::new());
        let epsilon = [("epsilon", Attribute::Float(EPSILON))];
        self.graph.node("BatchNormalization", &[&scale, &shift, &mean, &variance], &epsilon);
    }

    /// `f(x' + conv_2(f(conv_1(x))))`, whose maps are the two convolutions and, where x' is one, the projection.
    fn residual<T: Real>(&mut self, pair: Residual<f64>, input: Shape, maps: &mut Maps<'_, T>) {
        let Residual { outputs, stride, activation } = pair;
        let before = self.graph.last().to_owned();
        self.convolution(input.channels, [3, 3], stride, 1, maps);
        self.activation(activation);
        self.convolution(outputs, [3, 3], 1, 1, maps);
        let carried = if stride == 1 && input.channels == outputs {
            before
        } else {
            let inner = self.graph.last().to_owned();
            self.graph.go_on_from(&before);
            self.convolution(input.channels, [1, 1], stride, 0, maps);
            inner
        };
        self.graph.node("Add", &[&carried], &[]);
        self.activation(activation);
    }
}
