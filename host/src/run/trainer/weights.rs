//! Weights that are read, set and taken over from a file.

use std::path::Path;

use altmin_core::Real;
use altmin_core::block::{MapKind, Shape};
use altmin_core::view::{MatRef, copy};

use super::Trainer;
use crate::data::Outputs;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::evaluate::require_finite;
use crate::network::model::{Map, Model, Notation, maps};

impl<T: Real> Trainer<T> {
    /// The network's linear maps with their present weights, from input to output: those of layers, or those of blocks in
    /// the blocks' order, of a residual pair the first convolution, the second, and the projection if there is one; of batch
    /// normalisation weight and bias of the channels, each as one column, and then their running mean and variance.
    ///
    /// Weights are outputs x inputs, column-major. The inputs of a convolution are those of its patch: row `o` is the kernel
    /// of output channel `o`, column `(channel * height + y) * width + x` the place `(y, x)` in the patch of that input
    /// channel.
    pub fn maps(&self) -> impl ExactSizeIterator<Item = Map<'_, T>> {
        maps(&self.network, &self.good)
    }

    /// The present parameters of all maps, one map after the other: weights, column by column, then bias.
    pub fn parameters(&self) -> &[T] {
        &self.good
    }

    /// Sets weights (outputs x inputs) and biases of a linear map, laid out as [`Trainer::maps`] has them.
    ///
    /// The next sweep begins as the first one did: auxiliary variables come from a forward pass, duals, moments and
    /// momentum are zero. The count of sweeps, schedules and the order of mini-batches go on, and so can a run that had
    /// diverged.
    ///
    /// # Errors
    /// [`Error::Argument`] naming `index` if there is no such map, `weights` or `bias` for another size or a number that is
    /// NaN or infinite; nothing is changed then.
    pub fn set_map(&mut self, index: usize, weights: &MatRef<'_, T>, bias: &[T]) -> Result {
        let maps = self.network.maps();
        let count = maps.len();
        let Some(map) = maps.get(index) else {
            return Err(Error::argument("index", index, format!("below {count}, the number of linear maps")));
        };
        let (rows, columns) = weights.shape();
        if (rows, columns) != (map.n_out, map.n_in) {
            let expected = format!("{}x{}", map.n_out, map.n_in);
            return Err(Error::argument("weights", format!("{rows}x{columns}"), expected));
        }
        if bias.len() != map.n_out {
            return Err(Error::argument("bias", bias.len(), format!("{} numbers", map.n_out)));
        }
        require_finite("weights", weights)?;
        if let Some(i) = bias.iter().position(|number| !number.is_finite()) {
            return Err(Error::argument("bias", format!("{} at {i}", bias[i]), "finite numbers"));
        }
        if map.kind == MapKind::Statistics
            && let Some(variance) = bias.iter().find(|&&variance| variance < T::ZERO)
        {
            return Err(Error::argument("bias", variance, "variances of 0 or above"));
        }
        let (mut own_weights, own_bias) = map.write(&mut self.good);
        copy(weights, &mut own_weights);
        own_bias.copy_from_slice(bias);
        self.start_anew();
        Ok(())
    }

    /// Takes over the weights of a model's file; the next sweep begins as after [`Trainer::set_map`].
    ///
    /// The file's network must be the trainer's: the same maps and activation or blocks, classes or values, and as many of
    /// them. Its numbers may be of the other precision. What was done to the samples of its training, its
    /// [`Preprocessing`](crate::data::Preprocessing), is not taken over: see to it that the trainer's samples were treated
    /// alike.
    ///
    /// A safetensors file that is no model of this program is taken for the `state_dict` of a PyTorch module, of any precision: each map
    /// takes the module whose weight has its shape, and where several have it, their names must differ by a number alone, as in
    /// `nn.Sequential`, which is their order. A missing bias is 0. That activations are the same cannot be seen from such a file.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::Network`] for another network. Nothing is changed then.
    pub fn load(&mut self, path: &Path) -> Result {
        if let Some(parameters) = Model::parameters_of_state_dict(path, &self.network)? {
            self.good = parameters;
            self.start_anew();
            return Ok(());
        }
        let model = Model::<T>::load(path)?;
        let found = describe(&model.network, model.notation, &model.outputs);
        let expected = describe(&self.network, self.notation(), self.train.outputs());
        if found != expected {
            return Err(Error::Network { path: path.to_owned(), found, expected });
        }
        self.good = model.parameters;
        self.start_anew();
        Ok(())
    }

    /// Lets the next sweep begin from the weights alone, which are `good`.
    fn start_anew(&mut self) {
        self.restore_good();
        self.readouts_room.append(&mut self.good_readouts);
        self.state.initialized = false;
        self.state.diverged = false;
    }
}

/// All that makes two networks the same but for their weights.
fn describe(network: &Network, notation: Notation, outputs: &Outputs) -> String {
    let outputs = format!("{} {}", outputs.names().len(), outputs.kind());
    let Some(widths) = network.widths().filter(|_| notation == Notation::Layers) else {
        let Shape { channels, height, width } = network.input();
        return format!("`{network}` on {channels}x{height}x{width} for {outputs}");
    };
    let inputs: Vec<String> = widths[..widths.len() - 1].iter().map(usize::to_string).collect();
    let activation = network.activation();
    format!("layers on {} features with {activation} for {outputs}", inputs.join(", "))
}
