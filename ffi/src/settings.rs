//! The settings of a training, as C says them: the same options as the command line's, resolved by the same function.

use std::ffi::c_char;
use std::path::Path;
use std::time::Duration;

use altmin::data::{DataSource, ImageShape};
use altmin::settings::{
    Batch, CheckpointEvery, Keep, Method, Settings, StepSchedule, TimeLimit, Tolerance, TrainOptions, Widths,
};
use altmin_level1::boundary::Memory;
use altmin_level1::error::{CallError, StatusError, altmin_status};

use crate::boundary::{Error, Result, caught, require_struct_size, text};
use crate::codes::{ALTMIN_DEFAULT, KERNELS, PRECISIONS, choice, meaning};

/// Settings of a training. altmin_settings_init fills in defaults, which every field says how to ask for: ALTMIN_DEFAULT
/// for codes, NaN for doubles, 0 for sizes, NULL for pointers. What they mean, and their defaults where they depend on the
/// method, is the same as of the options of `altmin train`, whose help says more. A setting that the method has no use for is
/// refused, unless it has its default here. Messages name settings as the command line does: `learning-rate`.
///
/// Nothing is kept of the memory that the pointers show.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct altmin_settings {
    /// sizeof(altmin_settings), set by altmin_settings_init.
    pub struct_size: usize,
    /// An altmin_method. Default: ALTMIN_METHOD_PDADMM; with `network` ALTMIN_METHOD_GSADMM.
    pub method: i32,
    /// An altmin_precision. Default: ALTMIN_PRECISION_F32.
    pub precision: i32,
    /// An altmin_kernel. Default: ALTMIN_KERNEL_FAST.
    pub kernel: i32,
    /// An altmin_activation, of hidden layers. Default: ALTMIN_ACTIVATION_RELU.
    pub activation: i32,
    /// An altmin_loss. Default: ALTMIN_LOSS_CROSS_ENTROPY, for classes and probabilities; values need another.
    pub loss: i32,
    /// An altmin_step: how far the weights move in an update. Default: ALTMIN_STEP_LEAST_SQUARES.
    pub step: i32,
    /// An altmin_step: how far the inputs of the layers move. Default: as step, but for DLAM, which has no least squares here.
    pub input_step: i32,
    /// An altmin_inner, of gsADMM and gsAM. Default: ALTMIN_INNER_ADAM.
    pub inner: i32,
    /// Of ALTMIN_ACTIVATION_LEAKY_RELU, a finite number, 0 or above; otherwise ignored. Default: 0.01.
    pub slope: f64,
    /// Widths of the hidden layers, hidden_count of them, each 1 or more. Default: 100, 100.
    pub hidden: *const usize,
    /// How many there are; 0 if `hidden` is NULL.
    pub hidden_count: usize,
    /// Instead of `hidden` and `activation` the blocks of a network, as `altmin train --network` takes them: "conv 32 3x3 same,
    /// relu, maxpool 2, flatten, dense 10", "mlp 512x9", "cnn", "resnet 24". For gsADMM, gsAM, and the methods of gradients.
    pub network: *const c_char,
    /// The shape of a sample that is an image, for convolutions: feature (channel * height + row) * width + column. All
    /// three, or 0 for samples without a shape.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Seed of the initial weights and of the order of mini-batches, at most 2^63 - 1. Default: 0.
    pub seed: u64,
    /// Threads; the result has the same bits for every number. Default: 0, all processors.
    pub threads: usize,
    /// Samples of a mini-batch, at most as many as altmin_trainer_set_data_* gets. Default: 0, all of them; of gsADMM and gsAM as
    /// their inner rule has it.
    pub batch: usize,
    /// Subnetworks that gsADMM and gsAM cut the network into. Default: 0, which stands for 2.
    pub subnetworks: usize,
    /// Sweeps in all after which altmin_trainer_step says ALTMIN_OUTCOME_SWEEP_LIMIT. Default: 0, no limit; then the steps of
    /// mini-batches keep their length, unless options name a schedule, which falls over 100 sweeps.
    pub sweeps: usize,
    /// Weight of the penalties inside the network, above 0. Default: by method and step.
    pub nu: f64,
    /// Weight of the constraint with a dual variable, above 0. Default: by method and step.
    pub rho: f64,
    /// Damping of least-squares weights, above 0, in units of the mean eigenvalue of the inputs' covariance. Default: 0.1.
    pub damping: f64,
    /// Length of a step along the gradient of the mean risk, above 0. Default: by method.
    pub learning_rate: f64,
    /// Weight of a subnetwork's distance from its output, above 0. Default: 0.1; with ALTMIN_INNER_PROXPROP 0.3.
    pub alpha: f64,
    /// What divides the gradient in a step of a subnetwork's input, above 0. Default: by method and inner.
    pub tau2: f64,
    /// Both residuals at most this, above 0, are ALTMIN_OUTCOME_CONVERGED. Default: NaN, none.
    pub tolerance: f64,
    /// Seconds of sweeps, above 0, after which comes ALTMIN_OUTCOME_TIME_LIMIT. Default: NaN, none.
    pub time_limit: f64,
    /// Any other options of `altmin train`, and these, as TOML in the form of its config.toml: "init = \"xavier\"\n
    /// regularizer = \"l2:0.1\"\n". A field above that has not its default wins over it, as a flag wins over a file. What is
    /// said of data files must suit data from memory, where samples are taken as they are. Default: NULL, none.
    pub options: *const c_char,
}

/// Fills in the defaults.
///
/// @param[out] settings what is filled
/// @param struct_size sizeof(altmin_settings)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_settings_init(
    settings: *mut altmin_settings,
    struct_size: usize,
) -> altmin_status {
    let result = caught(|| {
        // SAFETY: as the crate's documentation says.
        let expected = size_of::<altmin_settings>();
        if struct_size != expected && !settings.is_null() {
            return Err(CallError::StructSize { argument: "settings", found: struct_size, expected }.into());
        }
        let settings = unsafe { Memory::default().vector_out("settings", settings, 1)? };
        settings.fill(DEFAULTS);
        Ok(())
    });
    result.map_or_else(|error| error.status(), |()| altmin_status::Ok)
}

const DEFAULTS: altmin_settings = altmin_settings {
    struct_size: size_of::<altmin_settings>(),
    method: ALTMIN_DEFAULT,
    precision: ALTMIN_DEFAULT,
    kernel: ALTMIN_DEFAULT,
    activation: ALTMIN_DEFAULT,
    loss: ALTMIN_DEFAULT,
    step: ALTMIN_DEFAULT,
    input_step: ALTMIN_DEFAULT,
    inner: ALTMIN_DEFAULT,
    slope: f64::NAN,
    hidden: std::ptr::null(),
    hidden_count: 0,
    network: std::ptr::null(),
    channels: 0,
    height: 0,
    width: 0,
    seed: 0,
    threads: 0,
    batch: 0,
    subnetworks: 0,
    sweeps: 0,
    nu: f64::NAN,
    rho: f64::NAN,
    damping: f64::NAN,
    learning_rate: f64::NAN,
    alpha: f64::NAN,
    tau2: f64::NAN,
    tolerance: f64::NAN,
    time_limit: f64::NAN,
    options: std::ptr::null(),
};

/// Settings that a training can begin with.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) settings: Settings,
    /// Sweeps at most, if a limit was given.
    pub(crate) limit: Option<usize>,
    pub(crate) image: Option<ImageShape>,
}

/// Reads and checks settings.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn resolve(memory: &mut Memory, settings: *const altmin_settings) -> Result<Resolved> {
    // SAFETY: the caller's promise is this function's.
    unsafe {
        require_struct_size("settings", settings)?;
        let given = memory.structure("settings", settings)?;
        let fields = fields(memory, given)?;
        let file = match given.options.is_null() {
            true => TrainOptions::default(),
            false => TrainOptions::from_toml(text("options", given.options)?, Path::new("options"))?,
        };
        let limit = fields.sweeps.or(file.sweeps);
        let mut all = fields.clone().over(file);
        let method = if all.network.is_some() { Method::Gsadmm } else { Method::Pdadmm };
        all.method.get_or_insert(method);
        // What C is told after a step is of the weights after it.
        all.exact_metrics.get_or_insert(true);
        if all.method.is_some_and(|method| method.card().batch.is_some()) {
            all.batch.get_or_insert(Batch(None));
        }
        // Steps that fall over a run need to know its end.
        if limit.is_none() {
            all.step_schedule.get_or_insert(StepSchedule::Constant);
        }
        let settings = all.resolve()?;
        fields.check_effect(&settings)?;
        require_one_file(&settings)?;
        Ok(Resolved { settings, limit, image: image(given)? })
    }
}

/// `Ok` for settings that ask for no files but the one that altmin_trainer_save writes.
fn require_one_file(settings: &Settings) -> Result {
    let refused =
        |name, found: String, expected: &str| Err(altmin::Error::argument(name, found, expected).into());
    if settings.keep == Keep::Both {
        return refused(
            "keep",
            settings.keep.to_string(),
            "last or best: altmin_trainer_save writes one model",
        );
    }
    if settings.checkpoint_every.is_some() {
        let every = CheckpointEvery(settings.checkpoint_every).to_string();
        return refused("checkpoint-every", every, "none: a trainer in C writes no checkpoints");
    }
    Ok(())
}

/// The fields that do not have their default.
unsafe fn fields(memory: &mut Memory, given: &altmin_settings) -> Result<TrainOptions> {
    let number = |field: f64| (!field.is_nan()).then_some(field);
    let size = |field: usize| (field != 0).then_some(field);
    // SAFETY: the caller's promise is this function's.
    let (hidden, network) = unsafe { (hidden(memory, given)?, network(given)?) };
    Ok(TrainOptions {
        data: Some(DataSource::Memory),
        method: choice("method", given.method, f64::NAN)?,
        precision: meaning("precision", &PRECISIONS, given.precision)?,
        kernel: meaning("kernel", &KERNELS, given.kernel)?,
        activation: choice("activation", given.activation, given.slope)?,
        loss: choice("loss", given.loss, f64::NAN)?,
        step: choice("step", given.step, f64::NAN)?,
        input_step: choice("input_step", given.input_step, f64::NAN)?,
        inner: choice("inner", given.inner, f64::NAN)?,
        hidden,
        network,
        seed: (given.seed != 0).then_some(given.seed),
        threads: size(given.threads),
        batch: size(given.batch).map(|batch| Batch(Some(batch))),
        subnetworks: size(given.subnetworks),
        sweeps: size(given.sweeps),
        nu: number(given.nu),
        rho: number(given.rho),
        damping: number(given.damping),
        learning_rate: number(given.learning_rate),
        alpha: number(given.alpha),
        tau2: number(given.tau2),
        tolerance: number(given.tolerance).map(|tolerance| Tolerance(Some(tolerance))),
        time_limit: number(given.time_limit).map(time_limit).transpose()?,
        ..TrainOptions::default()
    })
}

unsafe fn hidden(memory: &mut Memory, given: &altmin_settings) -> Result<Option<Widths>> {
    if given.hidden.is_null() && given.hidden_count == 0 {
        return Ok(None);
    }
    if given.hidden_count == 0 {
        return Err(CallError::Zero { argument: "hidden_count" }.into());
    }
    // SAFETY: the caller's promise is this function's.
    let widths = unsafe { memory.array("hidden", given.hidden, given.hidden_count)? };
    Ok(Some(Widths(widths.to_vec())))
}

unsafe fn network(given: &altmin_settings) -> Result<Option<altmin::network::blocks::Architecture>> {
    if given.network.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise is this function's.
    Ok(Some(unsafe { text("network", given.network)? }.parse()?))
}

fn time_limit(seconds: f64) -> Result<TimeLimit> {
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| Error::Setting {
        argument: "time_limit",
        found: seconds.to_string(),
        expected: "seconds above 0",
    })?;
    Ok(TimeLimit(Some(duration)))
}

fn image(given: &altmin_settings) -> Result<Option<ImageShape>> {
    let &altmin_settings { channels, height, width, .. } = given;
    if channels == 0 && height == 0 && width == 0 {
        return Ok(None);
    }
    let sizes = [("channels", channels), ("height", height), ("width", width)];
    altmin_level1::boundary::require_some(&sizes)?;
    let image = ImageShape { channels, height, width };
    match image.n_features() {
        Some(_) => Ok(Some(image)),
        None => Err(CallError::Overflow { argument: "channels" }.into()),
    }
}
