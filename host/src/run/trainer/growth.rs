//! Growth: a shallow network is trained first, then the other layers are inserted as identity.
//!
//! A deep network that starts all at once from random weights stalls far below a grown one (pdADMM, end of section III).
//! Inserted layers are identity maps with bias 0 below the output layer, so the grown network says what the shallow one
//! said, because ReLU leaves its own outputs as they are. The auxiliary variables start anew from a forward pass, a
//! feasible point.

use super::net::{Net, widths};
use super::{Trainer, scratch};
use crate::error::Result;
use crate::settings::Settings;
use altmin_core::Real;

impl<T: Real> Trainer<T> {
    /// Whether layers are still to be inserted.
    pub(super) fn shallow(&self) -> bool {
        match &self.net {
            Net::Layers(widths) => widths.len() < self.settings.hidden.len() + 2,
            Net::Blocks(..) => false,
        }
    }

    /// Inserts the layers that are not there yet.
    pub(super) fn grow(&mut self) -> Result {
        if !self.shallow() {
            return Ok(());
        }
        let last = self.good.len() - 1;
        self.net =
            Net::Layers(widths(&self.settings.hidden, self.train.n_features(), self.train.n_outputs()));
        let mut layers = self.net.blank();
        let grown = layers.len() - 1;
        for (index, layer) in layers.iter_mut().enumerate() {
            match index {
                _ if index < last => *layer = self.good[index].clone(),
                _ if index == grown => *layer = self.good[last].clone(),
                _ => (0..layer.n_in).for_each(|i| layer.weight[i * layer.n_out + i] = T::ONE),
            }
        }
        self.good = layers;
        let samples = self.train.n_samples();
        // What schedules have changed stays changed.
        let settings = Settings { epsilon: self.schedule.epsilon(), ..self.settings.clone() };
        self.engine = self.net.engine(&settings, self.core, samples, &self.gemm)?;
        self.executor.reserve(scratch(&self.engine, self.core.activation, &self.gemm));
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
                trainer.sweep().expect("a sweep").expect("finite numbers");
            }
            let shallow = trainer.model();
            trainer.grow().expect("room to grow");
            let grown = trainer.model();
            assert_eq!((shallow.layers.len(), grown.layers.len()), (3, 6));
            let [before, after] = [&shallow, &grown].map(|model| outputs(model, &test, 1).expect("outputs"));
            assert!(before.iter().any(|&output| output != 0.0));
            assert_eq!(before, after, "{method}");
        }
    }
}
