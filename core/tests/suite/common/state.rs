//! The methods' state in vectors, and executors that make trouble.

use altmin_core::executor::{Executor, Units};
use altmin_core::gemm::Portable;
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::pdadmm::{self, DualStorage};
use altmin_core::method::{Partition, Settings, dladmm};
use altmin_core::update::sums::SumsShape;
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Error, Result};

use super::dense::Mat;
use super::teacher::Network;

pub(crate) type Memory = Vec<f64>;

/// What fills memory that nobody has written yet: whoever reads it is found out.
pub(crate) fn poison(elements: usize) -> Memory {
    vec![f64::NAN; elements]
}

pub(crate) fn shapes(settings: &Settings<f64>, network: &Network) -> Vec<LayerShape> {
    let shape = |(l, w): (usize, &Mat)| LayerShape::new(&settings.steps(), l, w.rows, w.columns);
    network.weights.iter().enumerate().map(shape).collect()
}

pub(crate) fn layers(settings: &Settings<f64>, network: &Network) -> Vec<Layer<f64, Memory>> {
    let layer = |(l, shape): (usize, LayerShape)| {
        let mut layer = Layer::new(shape, poison).unwrap();
        let (weights, bias) = layer.parameters_mut();
        weights.copy_from_slice(&network.weights[l].data);
        bias.copy_from_slice(&network.biases[l].data);
        layer
    };
    shapes(settings, network).into_iter().enumerate().map(layer).collect()
}

/// The layers' present weights and biases.
pub(crate) fn network(layers: &[Layer<f64, Memory>]) -> Network {
    let matrix = |rows, columns, data: &[f64]| Mat { rows, columns, data: data.to_vec() };
    Network {
        weights: layers.iter().map(|l| matrix(l.shape().0, l.shape().1, l.parameters().0)).collect(),
        biases: layers.iter().map(|l| matrix(l.shape().0, 1, l.bias())).collect(),
    }
}

pub(crate) fn sums(network: &Network) -> impl Iterator<Item = SumsShape> + Clone {
    network.weights.iter().map(|w| SumsShape { n_out: w.rows, n_in: w.columns })
}

pub(crate) struct PdMemory {
    pub(crate) layers: Vec<Layer<f64, Memory>>,
    pub(crate) inputs: Vec<pdadmm::Input<f64, Memory>>,
    pub(crate) residuals: Vec<pdadmm::Residual<f64, Memory>>,
    pub(crate) outputs: Vec<pdadmm::Output<f64, Memory>>,
}

impl PdMemory {
    pub(crate) fn new(
        settings: &Settings<f64>,
        network: &Network,
        partition: Partition,
        storage: DualStorage,
    ) -> Self {
        let shapes = shapes(settings, network);
        let (mut inputs, mut residuals, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (l, &shape) in shapes.iter().enumerate() {
            for g in 0..partition.groups() {
                let (_, m) = partition.group(g);
                let last = l + 1 == shapes.len();
                let (input, residual, output) =
                    pdadmm::units(shape, l == 0, last, storage, m, poison).unwrap();
                inputs.push(input);
                residuals.push(residual);
                outputs.push(output);
            }
        }
        Self { layers: layers(settings, network), inputs, residuals, outputs }
    }

    pub(crate) fn state(&mut self) -> pdadmm::State<'_, f64, Memory> {
        pdadmm::State {
            layers: &mut self.layers,
            inputs: &mut self.inputs,
            residuals: &mut self.residuals,
            outputs: &mut self.outputs,
        }
    }
}

/// Exactly the scratch that pdADMM asks for.
pub(crate) fn pd_scratch(settings: &Settings<f64>, network: &Network, partition: Partition) -> Memory {
    scratch(pdadmm::workspace(&Portable, settings, partition.tile(), sums(network)))
}

pub(crate) struct DlMemory {
    pub(crate) layers: Vec<Layer<f64, Memory>>,
    pub(crate) hidden: Vec<dladmm::Hidden<f64, Memory>>,
    pub(crate) residuals: Vec<dladmm::Residual<f64, Memory>>,
    pub(crate) groups: Vec<dladmm::Group<f64, Memory>>,
}

impl DlMemory {
    pub(crate) fn new(settings: &Settings<f64>, network: &Network, partition: Partition) -> Self {
        let shapes = shapes(settings, network);
        let last = shapes.len() - 1;
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                let n_out = shape.sums.n_out;
                residuals.push(dladmm::residual(n_out, m, poison).unwrap());
                if l < last {
                    hidden.push(dladmm::hidden(n_out, m, poison).unwrap());
                }
            }
            let n_last = shapes[last].sums.n_out;
            groups.push(dladmm::group(n_last, m, shapes.iter().copied(), poison).unwrap());
        }
        Self { layers: layers(settings, network), hidden, residuals, groups }
    }

    pub(crate) fn state(&mut self) -> dladmm::State<'_, f64, Memory> {
        dladmm::State {
            layers: &mut self.layers,
            hidden: &mut self.hidden,
            residuals: &mut self.residuals,
            groups: &mut self.groups,
        }
    }
}

/// Exactly the scratch that dlADMM asks for.
pub(crate) fn dl_scratch(settings: &Settings<f64>, network: &Network, partition: Partition) -> Memory {
    scratch(dladmm::workspace(&Portable, settings, partition.tile(), sums(network)))
}

fn scratch(requirement: Requirement) -> Memory {
    poison(requirement.elements())
}

/// The order in which [`Permuted`] takes the units.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Backward,
    /// Another one in every phase.
    Shuffled,
}

/// Runs the units of a phase in another order, each with scratch that holds nothing of the one before.
pub(crate) struct Permuted {
    order: Order,
    scratch: Memory,
    state: u64,
}

impl Permuted {
    pub(crate) fn new(order: Order, scratch: Memory) -> Self {
        Self { order, scratch, state: 1 }
    }

    fn permute<A>(&mut self, list: &mut [A]) {
        match self.order {
            Order::Backward => list.reverse(),
            Order::Shuffled => {
                for end in (1..list.len()).rev() {
                    self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    list.swap(end, (self.state >> 33) as usize % (end + 1));
                }
            }
        }
    }
}

impl Executor<f64> for Permuted {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, f64>) -> Result + Sync,
    ) -> Result {
        let mut rest = units;
        let mut list = Vec::new();
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            list.push((index, first.single()));
            rest = others;
        }
        self.permute(&mut list);
        let mut failure: Option<(usize, Error)> = None;
        for (index, unit) in list {
            self.scratch.fill(f64::NAN);
            if let Err(error) = task(index, unit, Stack::new(&mut self.scratch))
                && failure.is_none_or(|(lowest, _)| index < lowest)
            {
                failure = Some((index, error));
            }
        }
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }
}
