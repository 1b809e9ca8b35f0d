//! What there is to know of a trainer or a model.

use altmin::Model;
use altmin::Trainer;
use altmin::network::Measure;
use altmin::run::Metrics;
use altmin::settings::{Precision, Settings};
use altmin_core::{Choice, Real};

use crate::boundary::Error;
use crate::codes::{ALTMIN_DEFAULT, PRECISIONS, number};
use crate::session::{Session, with_trainer};

/// A trainer or a model as it stands. The caller sets struct_size, the library the rest.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct altmin_info {
    /// sizeof(altmin_info)
    pub struct_size: usize,
    /// An altmin_method; ALTMIN_DEFAULT of a model, whose file does not say.
    pub method: i32,
    /// An altmin_precision.
    pub precision: i32,
    /// Whether values are learnt and not classes: accuracies are then R^2, 1 for no error, 0 for what the mean would do.
    pub regression: i32,
    /// Threads; 1 of a model.
    pub threads: usize,
    /// Features of a sample; 0 before there is data, as with all sizes.
    pub features: usize,
    /// Outputs of the network: classes or values.
    pub outputs: usize,
    /// Training samples; 0 of a model.
    pub samples: usize,
    /// Linear maps of the network as it stands: of layers one each, of blocks as altmin_trainer_weights_shape counts them.
    pub maps: usize,
    /// Weights and biases of all of them.
    pub parameters: usize,
    /// Sweeps done.
    pub sweeps: usize,
    /// Bytes of the state that is carried from sweep to sweep.
    pub state_bytes: usize,
    /// What altmin_metrics says, of the last sweep; NaN before the first, and of a model.
    pub objective: f64,
    /// The same.
    pub primal_residual: f64,
    /// The same.
    pub dual_residual: f64,
    /// The same.
    pub loss: f64,
    /// The same.
    pub train_accuracy: f64,
    /// The same; NaN too if there is no test data.
    pub test_accuracy: f64,
    /// Seconds that the sweeps have taken; NaN before the first.
    pub seconds: f64,
}

impl altmin_info {
    /// Of a training.
    pub(crate) fn of(session: &Session) -> Self {
        let begun = with_trainer!(&session.run, trainer => Ok::<_, Error>(Self::of_trainer(trainer, &session.settings)));
        begun.unwrap_or_else(|_| Self::of_settings(&session.settings))
    }

    /// Of a model.
    pub(crate) fn of_model<T: Real>(model: &Model<T>, precision: Precision) -> Self {
        Self {
            precision: number(&PRECISIONS, precision),
            regression: model.outputs.are_values().into(),
            threads: 1,
            features: model.n_features(),
            outputs: model.outputs.names().len(),
            maps: model.maps().count(),
            parameters: model.n_parameters(),
            ..Self::nothing()
        }
    }

    fn of_settings(settings: &Settings) -> Self {
        Self {
            method: settings.method.code(),
            precision: number(&PRECISIONS, settings.precision),
            threads: settings.threads,
            ..Self::nothing()
        }
    }

    fn of_trainer<T: Real>(trainer: &Trainer<T>, settings: &Settings) -> Self {
        let info = trainer.info();
        let last = |of: fn(&Metrics) -> f64| trainer.metrics().map_or(f64::NAN, of);
        Self {
            regression: (info.measure == Measure::RSquared).into(),
            features: info.features,
            outputs: info.outputs,
            samples: info.samples,
            maps: info.maps,
            parameters: info.parameters,
            sweeps: info.sweeps,
            state_bytes: info.state_bytes,
            objective: last(|metrics| metrics.objective),
            primal_residual: last(|metrics| metrics.primal_residual),
            dual_residual: last(|metrics| metrics.dual_residual),
            loss: last(|metrics| metrics.loss),
            train_accuracy: last(|metrics| metrics.train_accuracy),
            test_accuracy: last(|metrics| metrics.test_accuracy),
            seconds: last(|metrics| metrics.seconds),
            ..Self::of_settings(settings)
        }
    }

    fn nothing() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            method: ALTMIN_DEFAULT,
            precision: ALTMIN_DEFAULT,
            regression: 0,
            threads: 0,
            features: 0,
            outputs: 0,
            samples: 0,
            maps: 0,
            parameters: 0,
            sweeps: 0,
            state_bytes: 0,
            objective: f64::NAN,
            primal_residual: f64::NAN,
            dual_residual: f64::NAN,
            loss: f64::NAN,
            train_accuracy: f64::NAN,
            test_accuracy: f64::NAN,
            seconds: f64::NAN,
        }
    }
}
