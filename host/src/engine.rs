//! A method with the memory that it works in, allocated once.

mod read;

pub use read::Variables;

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::pdadmm::{self, DualStorage, PdAdmm};
use altmin_core::method::{Partition, Problem, Settings, Sweep, dladmm, dladmm::DlAdmm};
use altmin_core::update::sums::SumsShape;
use altmin_core::workspace::Requirement;
use altmin_core::{Real, Result};

use crate::config::Method;

type Memory<T> = Box<[T]>;

/// Columns of a tile: 256 of 500 features in f32 are 0.5 MB, so that what a phase touches of a tile stays in the caches;
/// wider ones were no faster.
pub const TILE: usize = 512;

/// Units of work that a phase should at least be cut into, so that many threads find work; layers x groups for
/// pdADMM, groups for dlADMM, which works on a layer at a time. More groups cost memory for their sums.
const UNITS: usize = 64;
const MOST_GROUPS: usize = 16;

/// The sizes of a problem: widths from the input's features to the outputs, and samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// At least two widths.
    pub widths: Vec<usize>,
    /// Training samples.
    pub samples: usize,
}

impl Size {
    fn layers(&self) -> impl Iterator<Item = SumsShape> + Clone + '_ {
        self.widths.windows(2).map(|pair| SumsShape { n_in: pair[0], n_out: pair[1] })
    }

    /// How the samples are cut under a method.
    pub fn partition(&self, method: Method) -> Partition {
        let at_once = match method {
            Method::Pdadmm => self.widths.len() - 1,
            _ => 1,
        };
        Partition::new(self.samples, TILE, UNITS.div_ceil(at_once).clamp(1, MOST_GROUPS))
    }
}

/// The variables of a run of one method over one training set.
#[derive(Debug)]
pub struct Engine<T> {
    settings: Settings<T>,
    partition: Partition,
    layers: Vec<Layer<T, Memory<T>>>,
    state: State<T>,
    scratch: Requirement,
}

#[derive(Debug)]
enum State<T> {
    Pdadmm {
        inputs: Vec<pdadmm::Input<T, Memory<T>>>,
        residuals: Vec<pdadmm::Residual<T, Memory<T>>>,
        outputs: Vec<pdadmm::Output<T, Memory<T>>>,
    },
    Dladmm {
        hidden: Vec<dladmm::Hidden<T, Memory<T>>>,
        residuals: Vec<dladmm::Residual<T, Memory<T>>>,
        groups: Vec<dladmm::Group<T, Memory<T>>>,
    },
}

impl<T: Real> Engine<T> {
    /// Allocates everything that sweeps need; weights and biases are zero.
    ///
    /// # Errors
    /// [`Setting`](altmin_core::Error::Setting).
    pub fn new<G: Gemm<T>>(
        method: Method,
        settings: Settings<T>,
        size: &Size,
        storage: DualStorage,
        gemm: &G,
    ) -> Result<Self> {
        settings.validate()?;
        let partition = size.partition(method);
        let shapes: Vec<LayerShape> = size
            .layers()
            .enumerate()
            .map(|(index, shape)| LayerShape::new(&settings.steps(), index, shape.n_out, shape.n_in))
            .collect();
        let layers = shapes.iter().map(|&shape| Layer::new(shape, zeros)).collect::<Result<_>>()?;
        let (state, scratch) = match method {
            Method::Pdadmm => (
                State::pdadmm(&partition, &shapes, storage)?,
                pdadmm::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Method::Dladmm => (
                State::dladmm(&partition, &shapes)?,
                dladmm::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            _ => unimplemented!(),
        };
        Ok(Self { settings, partition, layers, state, scratch })
    }

    /// Scratch that each worker of the executor needs.
    pub fn scratch(&self) -> Requirement {
        self.scratch
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer<T, Memory<T>>] {
        &self.layers
    }

    /// The layers for setting their weights, before [`Engine::initialize`] or to go back to earlier ones.
    pub fn layers_mut(&mut self) -> &mut [Layer<T, Memory<T>>] {
        &mut self.layers
    }

    /// Sets the auxiliary variables by a forward pass from the present weights.
    ///
    /// # Errors
    /// Those of the core.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.with(problem, |method| match method {
            Bound::Pdadmm(mut method) => method.initialize(executor, gemm),
            Bound::Dladmm(mut method) => method.initialize(executor, gemm),
        })
    }

    /// One sweep. `problem` must be the one that [`Engine::initialize`] saw.
    ///
    /// # Errors
    /// Those of the core; [`NonFinite`](altmin_core::Error::NonFinite) when the method diverges.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.with(problem, |method| match method {
            Bound::Pdadmm(mut method) => method.sweep(executor, gemm),
            Bound::Dladmm(mut method) => method.sweep(executor, gemm),
        })
    }

    /// The method's Lagrangian of the present state.
    ///
    /// # Errors
    /// Those of the core.
    pub fn objective<E: Executor<T>>(&mut self, problem: Problem<'_, T>, executor: &mut E) -> Result<f64> {
        self.with(problem, |method| match method {
            Bound::Pdadmm(mut method) => method.objective(executor),
            Bound::Dladmm(mut method) => method.objective(executor),
        })
    }

    fn with<R>(
        &mut self,
        problem: Problem<'_, T>,
        call: impl FnOnce(Bound<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let Self { settings, partition, layers, state, .. } = self;
        match state {
            State::Pdadmm { inputs, residuals, outputs } => {
                let state = pdadmm::State { layers, inputs, residuals, outputs };
                call(Bound::Pdadmm(PdAdmm::new(*settings, *partition, problem, state)?))
            }
            State::Dladmm { hidden, residuals, groups } => {
                let state = dladmm::State { layers, hidden, residuals, groups };
                call(Bound::Dladmm(DlAdmm::new(*settings, *partition, problem, state)?))
            }
        }
    }
}

/// A method over borrowed memory.
enum Bound<'a, T: Real> {
    Pdadmm(PdAdmm<'a, T, Memory<T>>),
    Dladmm(DlAdmm<'a, T, Memory<T>>),
}

impl<T: Real> State<T> {
    fn pdadmm(partition: &Partition, shapes: &[LayerShape], storage: DualStorage) -> Result<Self> {
        let (mut inputs, mut residuals, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (l, &shape) in shapes.iter().enumerate() {
            for g in 0..partition.groups() {
                let (first, last) = (l == 0, l + 1 == shapes.len());
                let (_, m) = partition.group(g);
                let (input, residual, output) = pdadmm::units(shape, first, last, storage, m, zeros)?;
                inputs.push(input);
                residuals.push(residual);
                outputs.push(output);
            }
        }
        Ok(State::Pdadmm { inputs, residuals, outputs })
    }

    fn dladmm(partition: &Partition, shapes: &[LayerShape]) -> Result<Self> {
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                residuals.push(dladmm::residual(shape.sums.n_out, m, zeros)?);
                if l + 1 < shapes.len() {
                    hidden.push(dladmm::hidden(shape.sums.n_out, m, zeros)?);
                }
            }
            let last = shapes.last().map_or(0, |shape| shape.sums.n_out);
            groups.push(dladmm::group(last, m, shapes.iter().copied(), zeros)?);
        }
        Ok(State::Dladmm { hidden, residuals, groups })
    }
}

/// Memory that the system hands out as zeros without touching it.
fn zeros<T: Real>(elements: usize) -> Memory<T> {
    vec![T::ZERO; elements].into_boxed_slice()
}
