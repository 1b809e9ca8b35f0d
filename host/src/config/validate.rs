//! Ranges, and which settings go together.

use super::choice::{Precision, StepRule};
use super::error::SettingError;
use super::settings::Settings;
use super::values::{Activation, Growth, Hidden, Init, Regularizer};

/// `Ok` when every setting is in its range and goes with the others.
pub(super) fn validate(settings: &Settings) -> Result<(), SettingError> {
    data(settings)?;
    network(settings)?;
    method(settings)?;
    stopping(settings)?;
    positive_count("threads", settings.threads)
}

fn data(settings: &Settings) -> Result<(), SettingError> {
    if settings.data.is_empty() {
        return Err(SettingError::new("data", "empty", "digits, fashion-mnist or a folder"));
    }
    positive_count("pool", settings.pool)?;
    if let Some(samples) = settings.samples {
        positive_count("samples", samples)?;
    }
    // TOML's integers end there, and the seed must come back from config.toml as it was.
    if i64::try_from(settings.seed).is_err() {
        return Err(SettingError::new("seed", settings.seed, "at most 9223372036854775807"));
    }
    settings.classes.as_deref().map_or(Ok(()), classes)
}

/// Checks a choice of classes: at least two, none twice.
pub(crate) fn classes(classes: &[usize]) -> Result<(), SettingError> {
    if classes.len() < 2 {
        return Err(SettingError::new("classes", "one class", "at least two, such as 0,1"));
    }
    for (index, class) in classes.iter().enumerate() {
        if classes[..index].contains(class) {
            return Err(SettingError::new(
                "classes",
                format!("a list with {class} twice"),
                "different classes",
            ));
        }
    }
    Ok(())
}

fn network(settings: &Settings) -> Result<(), SettingError> {
    if settings.hidden.is_empty() || settings.hidden.contains(&0) {
        let found = Hidden(settings.hidden.clone());
        return Err(SettingError::new("hidden", found, "widths of at least 1, such as 100,100"));
    }
    match settings.activation {
        Activation::Relu => {}
        Activation::LeakyRelu(slope) => positive("activation", "a leaky ReLU of slope ", slope)?,
    }
    match settings.regularizer {
        Regularizer::None => {}
        Regularizer::L1(lambda) | Regularizer::L2(lambda) => positive("regularizer", "", lambda)?,
    }
    if matches!(settings.regularizer, Regularizer::L1(_)) && settings.step == StepRule::LeastSquares {
        let expected = "l2, or another step rule such as vector (least-squares weights have no l1 form)";
        return Err(SettingError::new("regularizer", settings.regularizer, expected));
    }
    match settings.init {
        Init::He | Init::Xavier => {}
        Init::Normal(sigma) => positive("init", "a standard deviation of ", sigma)?,
    }
    settings.grow.map_or(Ok(()), |growth| grow(settings, growth))
}

fn grow(settings: &Settings, growth: Growth) -> Result<(), SettingError> {
    let hidden = &settings.hidden;
    if growth.layers == 0 || growth.layers >= hidden.len() {
        let expected =
            format!("K from 1 to {}, fewer than the {} hidden layers", hidden.len() - 1, hidden.len());
        let expected =
            if hidden.len() == 1 { "none: there is one hidden layer alone".into() } else { expected };
        return Err(SettingError::new("grow", growth, expected));
    }
    if growth.sweeps == 0 || growth.sweeps >= settings.sweeps {
        let expected = format!("sweeps from 1, fewer than the {} sweeps in all", settings.sweeps);
        return Err(SettingError::new("grow", growth, expected));
    }
    if settings.activation != Activation::Relu {
        let expected = "none, or the activation relu, which an identity layer passes on unchanged";
        return Err(SettingError::new("grow", growth, expected));
    }
    let first = hidden[growth.layers - 1];
    if hidden[growth.layers..].iter().any(|&width| width != first) {
        let expected = format!("none, or equal widths from hidden layer {} on", growth.layers);
        return Err(SettingError::new("grow", growth, expected));
    }
    Ok(())
}

fn method(settings: &Settings) -> Result<(), SettingError> {
    for (name, value) in [("nu", settings.nu), ("rho", settings.rho), ("damping", settings.damping)] {
        positive(name, "", value)?;
        // Below the smallest single, or above the largest, the computation would see 0 or infinity.
        if settings.precision == Precision::F32
            && !(f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&value)
        {
            return Err(SettingError::new(
                name,
                value,
                "a number that single precision can hold, or precision f64",
            ));
        }
    }
    Ok(())
}

fn stopping(settings: &Settings) -> Result<(), SettingError> {
    positive_count("sweeps", settings.sweeps)?;
    if let Some(tolerance) = settings.tolerance {
        positive("tolerance", "", tolerance)?;
    }
    if settings.time_limit.is_some_and(|limit| limit.is_zero()) {
        return Err(SettingError::new("time-limit", "0", "a time above 0, or none"));
    }
    Ok(())
}

/// Checks that a number is finite and above 0.
fn positive(setting: &'static str, what: &str, value: f64) -> Result<(), SettingError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(SettingError::new(setting, format!("{what}{value}"), "a finite number above 0"))
}

/// Checks that there is at least one.
pub(crate) fn positive_count(setting: &'static str, count: usize) -> Result<(), SettingError> {
    if count > 0 { Ok(()) } else { Err(SettingError::new(setting, 0, "at least 1")) }
}
