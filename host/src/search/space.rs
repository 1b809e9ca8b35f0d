//! What a search tries: settings with their values, and the configurations that they make.

use crate::compare::is_common;
use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use crate::settings::by_key::{keys, parse, unchecked, with_useful};
use crate::settings::{Method, Settings, TrainOptions, Use};
use std::fmt;
use std::str::FromStr;

/// Configurations of a method at most: more are a slip of the pen.
const MOST: usize = 10_000;

/// Values of a range at most.
const MOST_OF_RANGE: usize = 1_000;

/// By what the default of a learning rate or of a weight of penalties is multiplied, and that of the damping.
const STEPS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
const DAMPINGS: [f64; 3] = [0.3, 1.0, 3.0];

/// A setting and the values that a search tries, as `KEY=VALUES`: an option of `train` without dashes, and values or ranges
/// separated by commas. `LOW:HIGH:logN` is N values at equal ratios, `LOW:HIGH:linN` at equal distances; those between the ends
/// are rounded to three digits that count, or to an integer where the setting takes no other number.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    key: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq)]
struct Value {
    text: String,
    options: TrainOptions,
}

impl Axis {
    /// The setting's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The setting's default times each of these.
    fn around(key: &str, default: f64, factors: &[f64]) -> Result<Self> {
        let values = factors.iter().map(|factor| match factor {
            1.0 => default.to_string(),
            factor => rounded(default * factor).to_string(),
        });
        let text = format!("{key}={}", values.collect::<Vec<_>>().join(","));
        text.parse()
    }
}

impl FromStr for Axis {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |expected: String| Error::argument("over", text, expected);
        let (key, list) = text.split_once('=').filter(|(_, list)| !list.is_empty()).ok_or_else(|| {
            refused("KEY=VALUES such as nu=1,3,10 or learning-rate=0.001:0.1:log5".to_owned())
        })?;
        let known = keys();
        let names =
            || known.iter().filter(|(name, heading)| varies(name, heading)).map(|(name, _)| name.as_str());
        if !names().any(|name| name == key) {
            let expected = match known.iter().any(|(name, _)| name == key) {
                true => format!("a setting of the method: `{key}` is the same for all runs"),
                false => format!("a setting of `train`{}", did_you_mean(key, names())),
            };
            return Err(refused(expected));
        }
        let mut values: Vec<Value> = Vec::new();
        for item in list.split(',') {
            for value in items(key, item).map_err(refused)? {
                if values.iter().any(|other| other.options == value.options) {
                    return Err(refused(format!("each value once, and {} comes again", value.text)));
                }
                values.push(value);
            }
        }
        Ok(Self { key: key.to_owned(), values })
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self.values.iter().map(|value| value.text.as_str()).collect();
        write!(f, "{}={}", self.key, values.join(","))
    }
}

/// Whether a setting of this key and heading may differ from run to run.
fn varies(key: &str, heading: &str) -> bool {
    let leaves_files = ["Checkpoints", "Output"].contains(&heading) || key == "drop-readouts";
    !["method", "grow"].contains(&key) && heading != "Stopping" && !leaves_files && !is_common(key)
}

/// The values of a range, or the one value that a text is; else what was expected.
fn items(key: &str, text: &str) -> Result<Vec<Value>, String> {
    let one = |text: &str| match parse(key, text) {
        Ok(options) => Ok(Value { text: text.to_owned(), options }),
        Err(reason) => Err(format!("values of `{key}`, and `{text}` is none ({reason})")),
    };
    let Some(range) = range(text)? else { return Ok(vec![one(text)?]) };
    let number = |number: &f64| {
        one(&number.to_string()).or_else(|error| one(&number.round().to_string()).map_err(|_| error))
    };
    range.iter().map(number).collect()
}

/// The numbers of `LOW:HIGH:logN` or `LOW:HIGH:linN`; none of a text of another form.
fn range(text: &str) -> Result<Option<Vec<f64>>, String> {
    let [low, high, steps] = text.split(':').collect::<Vec<_>>()[..] else { return Ok(None) };
    let (count, even_ratios) = match (steps.strip_prefix("log"), steps.strip_prefix("lin")) {
        (Some(count), _) => (count, true),
        (_, Some(count)) => (count, false),
        _ => return Ok(None),
    };
    let expected = |what: &str| format!("{what} in the range `{text}`");
    let end = |end: &str| end.parse::<f64>().ok().filter(|end| end.is_finite());
    let (Some(low), Some(high)) = (end(low), end(high)) else { return Err(expected("finite numbers")) };
    if low >= high {
        return Err(expected("the lower number first"));
    }
    if even_ratios && low <= 0.0 {
        return Err(expected("numbers above 0"));
    }
    let count = count.parse().ok().filter(|count| (2..=MOST_OF_RANGE).contains(count));
    let count: usize =
        count.ok_or_else(|| expected(&format!("log or lin with 2 to {MOST_OF_RANGE} values")))?;
    let between = |index: usize| {
        let share = index as f64 / (count - 1) as f64;
        rounded(if even_ratios { low * (high / low).powf(share) } else { low + (high - low) * share })
    };
    let inner = (1..count - 1).map(between);
    Ok(Some([low].into_iter().chain(inner).chain([high]).collect()))
}

/// The nearest number with three digits that count.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

/// Settings that a search tries.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// The method, and the settings in which it differs from the others.
    pub own: TrainOptions,
    /// Those settings as `KEY=VALUE`, separated by spaces; empty where it differs in none.
    pub text: String,
    /// All settings; of a run that is as long as the options say.
    pub settings: Settings,
}

impl Configuration {
    /// The method with its settings, for people.
    pub fn label(&self) -> String {
        let method = self.settings.method;
        if self.text.is_empty() { method.to_string() } else { format!("{method} {}", self.text) }
    }

    /// Those settings by key, each with the text of its value.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split(' ').filter_map(|setting| setting.split_once('='))
    }

    /// An error of one of its runs.
    pub(super) fn error(&self, source: Error) -> Error {
        Error::Entry { label: self.label(), source: Box::new(source) }
    }
}

/// The configurations of a method: every combination of the values of `axes`, without those that have no effect beside the
/// others. The first axis changes last.
pub(super) fn configurations(
    method: Method,
    axes: &[Axis],
    shared: &TrainOptions,
) -> Result<Vec<Configuration>> {
    let count = axes.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    let Some(count) = count.filter(|&count| count <= MOST) else {
        let all: Vec<_> = axes.iter().map(Axis::to_string).collect();
        return Err(Error::argument(
            "over",
            all.join(" "),
            format!("at most {MOST} configurations of a method"),
        ));
    };
    let mut all: Vec<Configuration> = Vec::new();
    for mut number in 0..count {
        let mut chosen: Vec<(&str, &Value)> = Vec::new();
        for Axis { key, values } in axes.iter().rev() {
            chosen.insert(0, (key, &values[number % values.len()]));
            number /= values.len();
        }
        let everything = unchecked(&own(method, &chosen).over(shared.clone()));
        chosen.retain(|(_, value)| value.options.check_effect(&everything).is_ok());
        let own = own(method, &chosen);
        if all.iter().any(|other| other.own == own) {
            continue;
        }
        let text =
            chosen.iter().map(|(key, value)| format!("{key}={}", value.text)).collect::<Vec<_>>().join(" ");
        let (options, _) = with_useful(&own, shared)?;
        let refused = |error| Error::Entry { label: format!("{method} {text}"), source: Box::new(error) };
        let settings = options.resolve().map_err(refused)?;
        all.push(Configuration { own, text, settings });
    }
    Ok(all)
}

fn own(method: Method, chosen: &[(&str, &Value)]) -> TrainOptions {
    let method = TrainOptions { method: Some(method), ..TrainOptions::default() };
    chosen.iter().fold(method, |own, (_, value)| value.options.clone().over(own))
}

/// What is tried where nobody said: the learning rate, or else nu, or else rho, and the damping, around what the settings say.
pub(super) fn usual_axes(method: Method, shared: &TrainOptions) -> Result<Vec<Axis>> {
    let settings = unchecked(&own(method, &[]).over(shared.clone()));
    let steps = [
        (Use::LearningRate, "learning-rate", settings.learning_rate),
        (Use::Nu, "nu", settings.nu),
        (Use::Rho, "rho", settings.rho),
    ];
    let steps = steps.into_iter().find(|&(setting, ..)| settings.uses(setting));
    let mut axes = Vec::new();
    if let Some((_, key, default)) = steps {
        axes.push(Axis::around(key, default, &STEPS)?);
    }
    let damping = TrainOptions { damping: Some(settings.damping), ..TrainOptions::default() };
    if damping.check_effect(&settings).is_ok() {
        axes.push(Axis::around("damping", settings.damping, &DAMPINGS)?);
    }
    Ok(axes)
}
