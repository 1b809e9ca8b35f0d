//! The best sweep so far, and the network as it left it.

use super::{Trainer, readouts_room};
use crate::allocate;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::model::{Model, Place, Readout, fault_of_readouts};
use crate::network::score::{Measure, Score};
use crate::run::checkpoint::record::{Record, Source, read_all_scalars, write_scalars};
use crate::run::observe::Best;
use crate::settings::{Keep, Settings};
use altmin_core::Real;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// A network with all that is trained of it.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) network: Network,
    pub(super) parameters: Vec<T>,
    pub(super) readouts: Vec<Readout<T>>,
}

impl<T: Real> Kept<T> {
    /// With room for the network's parameters and read-outs.
    pub(super) fn of(settings: &Settings, network: &Network) -> Result<Self> {
        let parameters = allocate::zeros(network.parameters())?;
        Ok(Self { network: network.clone(), parameters, readouts: readouts_room(settings, network)? })
    }

    /// Makes room for the parameters of a larger network.
    pub(super) fn make_room(&mut self, network: &Network) -> Result {
        let more = network.parameters().saturating_sub(self.parameters.len());
        allocate::reserve(&mut self.parameters, more)
    }

    /// Allocates nothing where these sizes have been seen before.
    fn set(&mut self, network: &Network, parameters: &[T], readouts: &[Readout<T>]) {
        if self.network != *network {
            self.network = network.clone();
        }
        self.parameters.clear();
        self.parameters.extend_from_slice(parameters);
        if self.readouts.len() != readouts.len() {
            self.readouts = readouts.to_vec();
        }
        for (kept, new) in self.readouts.iter_mut().zip(readouts) {
            kept.place = new.place;
            kept.parameters.clone_from(&new.parameters);
        }
    }
}

/// A [`Kept`] in a checkpoint, which holds the networks' settings already.
pub(super) struct KeptRecord<'a, T: Clone> {
    grown: bool,
    parameters: Cow<'a, [T]>,
    readouts: Cow<'a, [Readout<T>]>,
}

impl<T: Real> Record for KeptRecord<'_, T> {
    const SHORTEST: u64 = bool::SHORTEST + 2 * u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        self.grown.write(to)?;
        write_scalars(&self.parameters, to)?;
        self.readouts.len().write(to)?;
        self.readouts.iter().try_for_each(|readout| readout.write(to))
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        let (grown, parameters) = (bool::read(from)?, read_all_scalars(from)?);
        Ok(Self { grown, parameters: parameters.into(), readouts: Vec::read(from)?.into() })
    }
}

impl<T: Real> Record for Readout<T> {
    const SHORTEST: u64 = 3 * u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        self.place.after.write(to)?;
        self.place.grid.write(to)?;
        write_scalars(&self.parameters, to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        let place = Place { after: usize::read(from)?, grid: usize::read(from)? };
        Ok(Self { place, parameters: read_all_scalars(from)? })
    }
}

impl<T: Real> Trainer<T> {
    /// The best sweep so far; none before the first, and without a test set.
    pub fn best(&self) -> Option<&Best> {
        self.state.best.as_ref()
    }

    /// The network as the best sweep left it; none before the first, and where the settings keep the last model alone.
    pub fn best_model(&self) -> Option<Model<T>> {
        let Kept { network, parameters, readouts } = self.kept_best()?;
        Some(self.model_of(network, parameters.clone(), self.told(readouts).to_vec()))
    }

    /// What is kept of the best sweep.
    pub(super) fn kept_best(&self) -> Option<&Kept<T>> {
        self.kept.as_ref().filter(|_| self.state.best.is_some())
    }

    /// `Ok` where there are samples by which to tell the best sweep, or nobody asks for it.
    ///
    /// # Errors
    /// [`Error::Argument`] (`keep`, `patience`, `evaluate-every`).
    pub(super) fn require_judge(&self) -> Result {
        if let (Some(sweeps), None) = (self.settings.patience, &self.test) {
            let expected = "none, or a test set by which to tell the best sweep";
            return Err(Error::argument("patience", sweeps, expected));
        }
        if let Some(every) = self.settings.evaluate_every.filter(|_| self.test.is_none()) {
            let expected = "none, or a test set to pass";
            return Err(Error::argument("evaluate-every", every, expected));
        }
        match self.settings.keep {
            Keep::Best | Keep::Both if self.test.is_none() => {
                let expected = "last, or a test set by which to tell the best sweep";
                Err(Error::argument("keep", self.settings.keep, expected))
            }
            _ => Ok(()),
        }
    }

    /// Sweeps since the best one, or since the network has grown if that is later.
    pub(super) fn sweeps_without_better(&self) -> usize {
        let best = self.state.best.map_or(self.state.sweeps, |best| best.sweep);
        let grown = self.settings.grow.map_or(0, |growth| growth.sweeps);
        self.state.sweeps.saturating_sub(best.max(grown))
    }

    /// Keeps the last sweep if it is the best so far, by its score on the test set.
    pub(super) fn keep_best(&mut self, Score { loss, accuracy }: Score) {
        let measure = self.measure();
        // An accuracy counts a frequent class for more, which weights are to prevent.
        let by_loss = self.train.class_weights().is_some();
        let is_better = |best: Best| {
            let score = Score { loss: best.test_loss, accuracy: best.test_accuracy };
            if by_loss { loss < score.loss } else { Score { loss, accuracy }.is_better_than(&score, measure) }
        };
        if !self.state.best.is_none_or(is_better) {
            return;
        }
        self.state.best = Some(Best { sweep: self.state.sweeps, test_loss: loss, test_accuracy: accuracy });
        if let Some(kept) = &mut self.kept {
            kept.set(&self.network, &self.good, &self.good_readouts);
        }
    }

    /// What accuracies are.
    pub(super) fn measure(&self) -> Measure {
        Measure::of(self.train.outputs())
    }

    /// What a checkpoint has of the best sweep beside its score.
    pub(super) fn kept_record(&self) -> Option<KeptRecord<'_, T>> {
        let Kept { network, parameters, readouts } = self.kept_best()?;
        Some(KeptRecord {
            grown: self.is_grown(network),
            parameters: parameters.into(),
            readouts: readouts.into(),
        })
    }

    /// What a checkpoint's part comes to; `best` is its score, `path` for messages.
    ///
    /// # Errors
    /// [`Error::Format`] for parameters that are not those of the run's networks.
    pub(super) fn kept_of(
        &self,
        record: Option<KeptRecord<'_, T>>,
        best: Option<Best>,
        path: &Path,
    ) -> Result<Option<Kept<T>>> {
        let asked = self.settings.keep != Keep::Last;
        let refused = |found: String, expected: String| Err(Error::format(path, found, expected));
        let Some(KeptRecord { grown, parameters, readouts }) = record else {
            return match best {
                Some(_) if asked => refused("no model of the best sweep".into(), "one, as it is kept".into()),
                _ => asked.then(|| Kept::of(&self.settings, &self.network)).transpose(),
            };
        };
        if !asked || best.is_none() {
            return refused("a model of the best sweep".into(), "none, as none is kept".into());
        }
        let network = self.network_of(grown)?;
        if parameters.len() != network.parameters() {
            let found = format!("{} parameters of the best sweep", parameters.len());
            return refused(found, network.parameters().to_string());
        }
        match fault_of_readouts(&readouts, &network) {
            Some((found, expected)) => refused(format!("the best sweep: {found}"), expected),
            None => {
                let (parameters, readouts) = (parameters.into_owned(), readouts.into_owned());
                Ok(Some(Kept { network, parameters, readouts }))
            }
        }
    }
}
