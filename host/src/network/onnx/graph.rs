//! The nodes and constants of an ONNX graph, each of which takes what the one before it has made.

use super::message::Message;

/// An ONNX element type, of constants or of what a node makes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    Float = 1,
    Integer = 7,
    Double = 11,
}

/// A node's attribute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attribute<'a> {
    Float(f32),
    Integer(u64),
    Integers(&'a [usize]),
}

/// Nodes in order.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    last: String,
}

impl Graph {
    /// A graph whose first node takes this tensor.
    pub(super) fn of(input: &str) -> Self {
        Self { nodes: Vec::new(), constants: Vec::new(), last: input.to_owned() }
    }

    /// The tensor that the last node has made.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Goes on from another tensor.
    pub(super) fn go_on_from(&mut self, tensor: &str) {
        tensor.clone_into(&mut self.last);
    }

    /// A node that makes a tensor of the last one and of these.
    pub(super) fn node(&mut self, operator: &str, others: &[&str], attributes: &[(&str, Attribute<'_>)]) {
        let output = format!("t{}", self.nodes.len() + 1);
        self.node_named(&output, operator, others, attributes);
    }

    /// The same, whose tensor has this name.
    pub(super) fn node_named(
        &mut self,
        output: &str,
        operator: &str,
        others: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) {
        let inputs = [self.last.as_str()].into_iter().chain(others.iter().copied());
        let node = inputs.fold(Message::default(), |node, input| node.text(1, input));
        let node = node.text(2, output).text(3, &format!("{operator}_{output}")).text(4, operator);
        let attributes: Vec<Message> =
            attributes.iter().map(|&(name, value)| attribute(name, value)).collect();
        self.nodes.push(node.messages(5, &attributes));
        output.clone_into(&mut self.last);
    }

    /// A constant of this shape, row by row.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], numbers: impl Iterator<Item = f32>) {
        self.constant(name, shape, Element::Float, &numbers.flat_map(f32::to_le_bytes).collect::<Vec<_>>());
    }

    /// The same in double precision.
    pub(super) fn doubles(&mut self, name: &str, shape: &[usize], numbers: impl Iterator<Item = f64>) {
        self.constant(name, shape, Element::Double, &numbers.flat_map(f64::to_le_bytes).collect::<Vec<_>>());
    }

    /// A list of sizes.
    pub(super) fn sizes(&mut self, name: &str, sizes: &[usize]) {
        let bytes = sizes.iter().flat_map(|&size| (size as u64).to_le_bytes()).collect::<Vec<_>>();
        self.constant(name, &[sizes.len()], Element::Integer, &bytes);
    }

    fn constant(&mut self, name: &str, shape: &[usize], element: Element, bytes: &[u8]) {
        let tensor = shape.iter().fold(Message::default(), |tensor, &side| tensor.integer(1, side as u64));
        self.constants.push(tensor.integer(2, element as u64).text(8, name).bytes(9, bytes));
    }

    /// The graph's message; `input` and `output` are names and the sizes of a sample.
    pub(super) fn finished(self, name: &str, input: (&str, &[usize]), output: (&str, &[usize])) -> Message {
        Message::default()
            .messages(1, &self.nodes)
            .text(2, name)
            .messages(5, &self.constants)
            .message(11, &tensor_of_samples(input))
            .message(12, &tensor_of_samples(output))
    }
}

fn attribute(name: &str, value: Attribute<'_>) -> Message {
    const FLOAT: u64 = 1;
    const INTEGER: u64 = 2;
    const INTEGERS: u64 = 7;
    let message = Message::default().text(1, name);
    match value {
        Attribute::Float(number) => message.float(2, number).integer(20, FLOAT),
        Attribute::Integer(number) => message.integer(3, number).integer(20, INTEGER),
        Attribute::Integers(numbers) => {
            let numbers = numbers.iter().map(|&number| number as u64);
            numbers.fold(message, |message, number| message.integer(8, number)).integer(20, INTEGERS)
        }
    }
}

/// What an input or an output is: numbers in single precision, of any number of samples.
fn tensor_of_samples((name, sizes): (&str, &[usize])) -> Message {
    let any = Message::default().text(2, "samples");
    let sizes: Vec<Message> = sizes.iter().map(|&size| Message::default().integer(1, size as u64)).collect();
    let shape = Message::default().messages(1, [&any]).messages(1, &sizes);
    let tensor = Message::default().integer(1, Element::Float as u64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
