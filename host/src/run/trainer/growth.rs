//! Growth: a shallow network is trained first, then the other layers are inserted as identity.
//!
//! A deep network that starts all at once from random weights stalls far below a grown one (pdADMM, end of section III).
//! Inserted layers are identity maps with bias 0 below the output layer, so the grown network says what the shallow one
//! said, because ReLU leaves its own outputs as they are. The auxiliary variables start anew from a forward pass, a
//! feasible point.

use super::{Trainer, problem, readouts_room, scratch};
use crate::allocate;
use crate::data::Dataset;
use crate::error::Result;
use crate::network::Network;
use crate::run::plan;
use crate::settings::Settings;
use altmin_core::Real;
use altmin_core::method::Hyperparameters;

/// The network that a run begins with: the shallow one, where it is to grow.
pub(super) fn first_network<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result<Network> {
    match settings.grow {
        Some(growth) => plan::of_hidden(settings, &settings.hidden[..growth.layers], train),
        None => plan::network(settings, train),
    }
}

/// Those of a network that has grown after `done` sweeps: its steps shorten over the sweeps that are left.
pub(super) fn hyperparameters<T>(of: Hyperparameters<T>, done: usize) -> Hyperparameters<T> {
    Hyperparameters { sweeps: of.sweeps.saturating_sub(done), ..of }
}

impl<T: Real> Trainer<T> {
    /// Whether layers are still to be inserted.
    pub(super) fn shallow(&self) -> bool {
        self.settings.grow.is_some() && !self.is_grown(&self.network)
    }

    /// Whether one of the run's two networks, where it grows, is the one with all layers.
    pub(super) fn is_grown(&self, network: &Network) -> bool {
        self.settings.grow.is_some() && network.blocks().len() > 2 * self.settings.hidden.len()
    }

    /// The network before or after it has grown.
    pub(super) fn network_of(&self, grown: bool) -> Result<Network> {
        match grown {
            true => plan::network(&self.settings, &self.train),
            false => first_network(&self.settings, &self.train),
        }
    }

    /// Inserts the layers that are not there yet.
    pub(super) fn grow(&mut self) -> Result {
        if !self.shallow() {
            return Ok(());
        }
        let grown = plan::network(&self.settings, &self.train)?;
        let (before, after) = (self.network.maps(), grown.maps());
        let mut parameters = allocate::zeros(grown.parameters())?;
        let last = before.len() - 1;
        for (index, map) in after.iter().enumerate() {
            let own = &mut parameters[map.offset..map.end()];
            let old = match index {
                _ if index < last => before[index],
                _ if index + 1 == after.len() => before[last],
                _ => {
                    (0..map.n_in).for_each(|i| own[i * map.n_out + i] = T::ONE);
                    continue;
                }
            };
            own.copy_from_slice(&self.good[old.offset..old.end()]);
        }
        let room = readouts_room(&self.settings, &grown)?;
        let hyperparameters = hyperparameters(self.hyperparameters, self.state.sweeps);
        let engine =
            plan::engine(&self.settings, &hyperparameters, &grown, problem(&self.train), &self.gemm)?;
        self.executor.reserve(scratch(&engine, &self.settings, &self.gemm))?;
        self.share_network(&grown)?;
        if let Some(kept) = &mut self.kept {
            kept.make_room(&grown)?;
        }
        (self.network, self.good, self.engine, self.readouts_room) = (grown, parameters, engine, room);
        self.good_readouts.clear();
        self.restore_good();
        self.state.initialized = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::network::evaluate::outputs;
    use crate::settings::TrainOptions;
    use std::sync::Arc;

    #[test]
    fn a_network_that_has_just_grown_says_what_the_shallow_one_said() {
        for method in ["pdadmm", "dladmm", "proxprop", "adam"] {
            let text = format!("method = '{method}'\nsamples = 200\nhidden = '30,20x4'\ngrow = '2:3'");
            let options = TrainOptions::from_toml(&text, "test.toml".as_ref()).expect("readable");
            let settings = options.resolve().expect("valid");
            let (train, test) =
                data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
            let test = Arc::new(test);
            let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::clone(&test)).expect("a trainer");
            for _ in 0..3 {
                trainer.sweep(&mut Vec::new()).expect("a sweep").expect("finite numbers");
            }
            let shallow = trainer.model();
            trainer.grow().expect("room to grow");
            let grown = trainer.model();
            assert_eq!((shallow.maps().count(), grown.maps().count()), (3, 6));
            let [before, after] = [&shallow, &grown].map(|model| outputs(model, &test, 1).expect("outputs"));
            assert!(before.iter().any(|&output| output != 0.0));
            assert_eq!(before, after, "{method}");
        }
    }
}
