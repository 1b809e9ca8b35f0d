//! The network and its loss.

#[rustfmt::skip]
macro_rules! network_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Network" {

    /// Widths of the hidden layers: `100,100`, or `500x9` for nine layers of 500 [default: 100,100]
    hidden: Widths as Vec<usize> {
        arg(value_name = "WIDTHS"),
        default = vec![100, 100], range = widths, when(of) = of.network.is_none(),
    }

    /// Blocks of the network, separated by commas, or `mlp WIDTHS [residual]`, `cnn`, `resnet N`,
    /// instead of --hidden
    ///
    /// `dense N`; `conv N KHxKW [same|pad P] [stride S]`; `maxpool SIZE [stride S]`; `avgpool SIZE [stride S]`, or `avgpool`
    /// for the mean of each channel; `flatten`; `dropout SHARE`, which drops that share of the features in every
    /// step and otherwise passes all on; `batchnorm`, by mini-batches in steps and otherwise by running numbers; `residual N [stride S]`, two 3x3 convolutions with a skip connection; `residual dense`,
    /// x + relu(W x + b); an activation as in --activation. The last one is `dense CLASSES`; short forms have it. mlp: `dense` and `relu` for each width, or, with `residual`, `residual dense` where a width
    /// repeats. cnn and resnet: the networks of TSSM's section 3.2, `cnn` with 32 filters, 2x2 pooling and
    /// two dense 512, `resnet 24` with 64 channels and 24 residual pairs; `altmin info --network 'resnet 24'` shows the
    /// blocks. pdadmm, dladmm, dlam and taylor train networks whose blocks alternate `dense` and one activation.
    network: Architecture as Option<Architecture> {
        arg(value_name = "BLOCKS"),
        default = None,
    }

    /// Activation f of the hidden layers [default: relu]
    ///
    /// The update of z takes about forty times as long with a smooth activation as with ReLU. The defaults of nu and rho were
    /// chosen with ReLU.
    activation: Activation<f64> {
        arg(value_name = "F", value_parser = parser::<Activation<f64>>()),
        serde(with = "core_choice", default),
        default = Activation::Relu, range = as_read, when(of) = of.network.is_none(),
    }

    /// Loss of the output, summed over the samples; R in formulas [default: cross-entropy]
    ///
    /// A loss for arbitrary values can learn numeric --target columns of a CSV file.
    loss: Loss {
        arg(value_name = "R", value_parser = parser::<Loss>()),
        serde(with = "core_choice", default),
        default = Loss::CrossEntropy,
    }

    /// Regulariser Omega on the weights of each layer [default: none]
    ///
    /// It is added to a loss that is summed over the samples, so scale LAMBDA with their number. l1 needs a step rule other
    /// than least-squares.
    regularizer: Regularizer<f64> {
        arg(value_name = "OMEGA", value_parser = parser::<Regularizer<f64>>()),
        serde(with = "core_choice", default),
        default = Regularizer::None, range = positive_lambda,
    }

    /// Initial weights: `he`, `xavier`, `normal:SIGMA` or `identity`
    /// [default: he; xavier for a CSV file without --shape]
    ///
    /// he: normal with variance 2 / n_in. xavier: uniform within sqrt(6 / (n_in + n_out)) of 0. normal: with standard
    /// deviation SIGMA. identity: 1 on the diagonal. Biases start at 0. `he` preserves the scale of signals through ReLU
    /// layers. With sigmoid and tanh, neither `he` nor `xavier` was consistently better.
    init: Initializer {
        arg(value_name = "INIT"),
        default(of) = if of.is_tabular() { Initializer::Xavier } else { Initializer::He }, range = positive_sigma,
    }

    /// Begin with the weights of this safetensors file, a model of the same network or a PyTorch module's `state_dict`, or `none`
    /// [default: none]
    ///
    /// Of a `state_dict` each map takes the weight of its shape; where several have it, their names must differ by a number
    /// alone, as those of nn.Sequential do. See to it that the samples are scaled as they were for that model.
    weights: WeightsFile as Option<PathBuf> {
        arg(value_name = "FILE|none"),
        default = None,
    }

    /// Train the first K hidden layers for SWEEPS sweeps, then insert the others as identity layers; or `none`
    /// [default: none]
    ///
    /// Requires ReLU and equal widths from layer K on. Deep networks that start from random weights in all layers stall
    /// (pdADMM section III.B, last paragraph).
    grow: Grow as Option<Growth> {
        arg(value_name = "K:SWEEPS|none"),
        default = None, when(of) = of.network.is_none(),
    }

    } } };
}
