//! The methods: the order of updates, and nothing else.
//!
//! A [`Method`] is a list of phases over an [`Executor`]: it says what memory it needs, and works in that. Everything that it
//! keeps between two sweeps lies in the caller's [`State`]: one slice of scalars, at whose front are the network's
//! parameters, and a short list of `f64`. What a run is about, the network and its samples, is a [`Run`], the same for every
//! call. So a state can be written to a file and read back, and the next sweep is the one that would have come.
//!
//! Each method is a file here, with a [`Card`] that says what others need to know of it; [`Name`] and [`AnyMethod`] are made
//! from the one list at the end of this file.

pub mod balancing;
mod batches;
mod card;
mod descent;
pub mod dladmm;
pub mod dlam;
mod draws;
pub mod gradient;
mod hyperparameters;
mod layers;
pub mod layerwise;
pub mod local;
mod maps;
mod minibatch;
pub mod muon;
mod nu_update;
mod numbers;
mod partition;
mod parts;
mod pass;
pub mod pdadmm;
pub mod proxprop;
mod run;
mod step_schedule;
mod sweep;
pub mod taylor;
pub mod tssm;

pub use batches::Epoch;
pub use card::{Card, Defaults, LayerProducts, Products, Setup, StateMatrices, Use};
pub use hyperparameters::{Hyperparameters, Penalties, Steps};
pub use layers::Layers;
pub use partition::{Partition, TILE, widest_tile};
pub use run::{Memory, Problem, Run, State, omega};
pub use step_schedule::StepSchedule;
pub use sweep::{Seen, Sweep};

use core::fmt;
use core::str::FromStr;

use crate::choice::{Choice, Member, ParseError};
use crate::error::Result;
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::theory::Approximation;
use crate::view::MatRef;
use crate::workspace::Requirement;

/// A method at work on one run.
///
/// [`new`](AnyMethod::new) checks once that settings, network, samples and labels fit; every later call gets the same run and a
/// state of [`memory`](Self::memory)'s sizes, and looks at sizes alone. Nothing is allocated.
pub trait Method<T: Real>: Sized {
    /// Bytes, in scalars and numbers, of the state.
    fn memory(&self, run: &Run<'_, T>) -> Memory;

    /// Scratch that each of the executor's workers needs.
    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement;

    /// How all samples are cut.
    fn partition(&self) -> Partition;

    /// The same method where all samples are cut as in the first partition, and those of the largest mini-batch as in the
    /// second; a method takes whichever it works on.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) or [`Length`](crate::Error::Length) naming `partition` if one cuts another number of
    /// samples.
    fn recut(&self, partitions: [Partition; 2], run: &Run<'_, T>) -> Result<Self>;

    /// Sets everything but the parameters, the front of the state, from those: auxiliary variables by a forward pass, duals
    /// and moments to their start.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) naming `scalars` or `numbers` for a state of other sizes; those of the executor's
    /// tasks; [`NonFinite`](crate::Error::NonFinite) where the loss is.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result;

    /// One sweep; one epoch of a method in mini-batches, which takes the samples in this order. Without an order all samples
    /// are taken where they lie.
    ///
    /// # Errors
    /// [`NonFinite`](crate::Error::NonFinite) or [`Singular`](crate::Error::Singular) when the method diverges;
    /// [`Setting`](crate::Error::Setting) naming `batch` for an order that names a sample that there is not.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep>;

    /// Some mini-batches of a sweep: those of an epoch one part after the other leave the bits of [`sweep`](Self::sweep). A
    /// method that has no mini-batches of the whole network makes its whole sweep.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    fn sweep_part<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        epoch: Epoch<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.sweep(run, state, epoch.order, executor, gemm)
    }

    /// The method's objective at the present state.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64>;

    /// Other weights of penalties and constraints from the next sweep on; the duals are carried over. A method ignores those
    /// that it does not have. Returns by how much repairing the state raised the objective.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) and [`Length`](crate::Error::Length), as [`initialize`](Self::initialize), before
    /// anything is written, else those of the executor's tasks.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _penalties: Penalties<T>,
        _executor: &mut E,
        _gemm: &G,
    ) -> Result<f64> {
        state.require(self.memory(run)).map(|()| 0.0)
    }

    /// Where several processes share the run, brings to the first of them all that the next sweep reads of the state, so that it
    /// can be written; what every process has is there already.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state that is not of [`memory`](Self::memory)'s sizes.
    fn gather<E: Executor<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _executor: &mut E,
    ) -> Result {
        state.require(self.memory(run))
    }

    /// Another length of gradient steps, from the next step on; what the method keeps is carried over. A method that takes none
    /// ignores it.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting), as where the method is made; it is then as it was.
    fn set_learning_rate(&mut self, _rate: T) -> Result {
        Ok(())
    }

    /// The mean risk of the last sweep, where a schedule of the method follows it.
    fn mean_risk(&self, _run: &Run<'_, T>, _state: &State<'_, T>) -> Option<f64> {
        None
    }

    /// How far the risk of a network that is split into subnetworks is from that of the composed one, and TSSM's Theorem 1
    /// about it, by so many rounds of power iteration for each linear map's norm; `None` where nothing is split. Leaves
    /// all variables as they are. Each worker needs [`approximation_workspace`](Self::approximation_workspace).
    ///
    /// # Errors
    /// Those of the executor's tasks; [`NonFinite`](crate::Error::NonFinite) if a norm is.
    fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        _run: &Run<'_, T>,
        _state: &mut State<'_, T>,
        _rounds: usize,
        _executor: &mut E,
        _gemm: &G,
    ) -> Result<Option<Approximation>> {
        Ok(None)
    }

    /// What reads the targets from the output of layer l, counted from 0, and was trained with it: M (outputs x inputs) and c
    /// (outputs) of a [`Readout`](local::Readout). `None` where there is none, as of the last layer.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state that is not of [`memory`](Self::memory)'s sizes.
    fn readout<'s>(
        &self,
        _run: &Run<'_, T>,
        _state: &'s State<'_, T>,
        _l: usize,
    ) -> Result<Option<(MatRef<'s, T>, &'s [T])>> {
        Ok(None)
    }

    /// Scratch of each of the executor's workers for [`approximation`](Self::approximation).
    fn approximation_workspace<G: Gemm<T>>(&self, _run: &Run<'_, T>, _gemm: &G) -> Requirement {
        Requirement::NONE
    }
}

/// The methods by name, and any of them at work: one line a method, of its name, its type, its card and what makes it.
macro_rules! methods {
    ($($name:ident: $kind:ty, $card:expr, $new:expr;)+) => {
        /// A method's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Name {
            $(#[doc = concat!("What [`", stringify!($card), "`] tells of.")] $name),+
        }

        impl Name {
            /// All methods, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What is known of the method without a run.
            pub const fn card(self) -> &'static Card {
                match self {
                    $(Self::$name => &$card),+
                }
            }
        }

        impl Choice for Name {
            const SETTING: &'static str = "method";
            const MEMBERS: &'static [Member] = &[$(
                Member { name: $card.name, code: $card.code, about: $card.summary, parameter: None }
            ),+];

            fn name(&self) -> &'static str {
                self.card().name
            }

            fn code(&self) -> i32 {
                self.card().code
            }

            fn parameter(&self) -> Option<f64> {
                None
            }

            fn from_code(code: i32, _: Option<f64>) -> Option<Self> {
                Self::ALL.iter().copied().find(|name| name.card().code == code)
            }
        }

        /// A method that is chosen at run time.
        #[derive(Debug, Clone)]
        pub enum AnyMethod<T> {
            $(#[doc = concat!("What [`", stringify!($card), "`] tells of.")] $name($kind)),+
        }

        impl<T: Real> AnyMethod<T> {
            /// The method of this name; checks that settings, network and samples fit.
            ///
            /// # Errors
            /// [`Setting`](crate::Error::Setting), [`Shape`](crate::Error::Shape), [`Block`](crate::Error::Block) for a
            /// network that the method cannot train.
            pub fn new(name: Name, hyperparameters: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
                match name {
                    $(Name::$name => $new(hyperparameters, run).map(Self::$name)),+
                }
            }

            /// Its name.
            pub fn name(&self) -> Name {
                match self {
                    $(Self::$name(_) => Name::$name),+
                }
            }
        }

        /// The same call for whichever method it is.
        macro_rules! each {
            ($any:expr, $method:ident => $call:expr) => {
                match $any {
                    $(AnyMethod::$name($method) => $call),+
                }
            };
        }

        impl<T: Real> Method<T> for AnyMethod<T> {
            fn memory(&self, run: &Run<'_, T>) -> Memory {
                each!(self, method => method.memory(run))
            }

            fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
                each!(self, method => method.workspace(run, gemm))
            }

            fn partition(&self) -> Partition {
                each!(self, method => Method::<T>::partition(method))
            }

            fn recut(&self, partitions: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
                match self {
                    $(Self::$name(method) => method.recut(partitions, run).map(Self::$name)),+
                }
            }

            fn initialize<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                executor: &mut E,
                gemm: &G,
            ) -> Result {
                each!(self, method => method.initialize(run, state, executor, gemm))
            }

            fn sweep<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                order: Option<&[u32]>,
                executor: &mut E,
                gemm: &G,
            ) -> Result<Sweep> {
                each!(self, method => method.sweep(run, state, order, executor, gemm))
            }

            fn sweep_part<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                epoch: Epoch<'_>,
                executor: &mut E,
                gemm: &G,
            ) -> Result<Sweep> {
                each!(self, method => method.sweep_part(run, state, epoch, executor, gemm))
            }

            fn objective<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                executor: &mut E,
                gemm: &G,
            ) -> Result<f64> {
                each!(self, method => method.objective(run, state, executor, gemm))
            }

            fn set_penalties<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                penalties: Penalties<T>,
                executor: &mut E,
                gemm: &G,
            ) -> Result<f64> {
                each!(self, method => method.set_penalties(run, state, penalties, executor, gemm))
            }

            fn gather<E: Executor<T>>(
                &self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                executor: &mut E,
            ) -> Result {
                each!(self, method => method.gather(run, state, executor))
            }

            fn set_learning_rate(&mut self, rate: T) -> Result {
                each!(self, method => method.set_learning_rate(rate))
            }

            fn mean_risk(&self, run: &Run<'_, T>, state: &State<'_, T>) -> Option<f64> {
                each!(self, method => method.mean_risk(run, state))
            }

            fn approximation<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: &Run<'_, T>,
                state: &mut State<'_, T>,
                rounds: usize,
                executor: &mut E,
                gemm: &G,
            ) -> Result<Option<Approximation>> {
                each!(self, method => method.approximation(run, state, rounds, executor, gemm))
            }

            fn readout<'s>(
                &self,
                run: &Run<'_, T>,
                state: &'s State<'_, T>,
                l: usize,
            ) -> Result<Option<(MatRef<'s, T>, &'s [T])>> {
                each!(self, method => Method::<T>::readout(method, run, state, l))
            }

            fn approximation_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
                each!(self, method => method.approximation_workspace(run, gemm))
            }
        }
    };
}

impl FromStr for Name {
    type Err = ParseError;

    fn from_str(text: &str) -> core::result::Result<Self, ParseError> {
        Self::from_text(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.card().name)
    }
}

methods! {
    Pdadmm: pdadmm::PdAdmm<T>, pdadmm::CARD, pdadmm::PdAdmm::new;
    Dladmm: dladmm::DlAdmm<T>, dladmm::CARD, dladmm::DlAdmm::new;
    Dlam: dlam::Dlam<T>, dlam::CARD, dlam::Dlam::new;
    Taylor: taylor::Taylor<T>, taylor::CARD, taylor::Taylor::new;
    Proxprop: proxprop::ProxProp<T>, proxprop::CARD, proxprop::ProxProp::new;
    Gd: gradient::Gradient<T>, gradient::GD, gradient::Gradient::gd;
    Adagrad: gradient::Gradient<T>, gradient::ADAGRAD, gradient::Gradient::adagrad;
    Adadelta: gradient::Gradient<T>, gradient::ADADELTA, gradient::Gradient::adadelta;
    Adam: gradient::Gradient<T>, gradient::ADAM, gradient::Gradient::adam;
    Gsadmm: tssm::Tssm<T>, tssm::GSADMM, tssm::Tssm::gsadmm;
    Gsam: tssm::Tssm<T>, tssm::GSAM, tssm::Tssm::gsam;
    Adamw: gradient::Gradient<T>, gradient::ADAMW, gradient::Gradient::adam;
    Muon: gradient::Gradient<T>, muon::CARD, muon::new;
    Local: local::Local<T>, local::CARD, local::Local::new;
}
