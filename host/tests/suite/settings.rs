//! Settings: text forms, defaults, files, flags over files, ranges.

use altmin::cli;
use altmin::data::DataSource;
use altmin::network::Initializer;
use altmin::network::{Activation, Loss};
use altmin::settings::{
    Convention, Inner, Keep, Method, Regularizer, Settings, StepRule, StepSchedule, Target, TrainOptions,
    Widths,
};
use altmin_core::method::proxprop::Carry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> Result<TrainOptions, altmin::Error> {
    TrainOptions::from_toml(text, Path::new("some.toml"))
}

fn resolved(text: &str) -> Settings {
    parse(text).expect("readable").resolve().expect("valid")
}

/// Every setting away from its default.
const ALL: &str = r#"
data = "some/folder"
pool = 2
samples = 5000
classes = "3,1,2"
holdout = true
seed = 9223372036854775807
hidden = "7,50x3"
activation = "leaky-relu:0.3"
loss = "least-squares"
regularizer = "l2:1e-7"
init = "normal:0.1"
grow = "none"
method = "dladmm"
nu = 0.1
rho = 3
step = "vector"
input-step = "backtracking"
damping = 0.3333333333333333
sweeps = 7
tolerance = 1e-300
time-limit = "90s"
threads = 3
precision = "f64"
kernel = "portable"
"#;

#[test]
fn every_setting_is_read() {
    let settings = resolved(ALL);
    assert_eq!(settings.data, DataSource::Directory("some/folder".into()));
    assert_eq!((settings.pool, settings.samples, settings.holdout), (2, Some(5000), true));
    assert_eq!(settings.classes, Some(vec![3, 1, 2]));
    assert_eq!((settings.seed, settings.sweeps, settings.threads), (i64::MAX as u64, 7, 3));
    assert_eq!(settings.hidden, [7, 50, 50, 50]);
    assert_eq!(
        (settings.activation, settings.loss),
        (Activation::LeakyRelu { slope: 0.3 }, Loss::LeastSquares)
    );
    assert_eq!((settings.init, settings.grow), (Initializer::Normal(0.1), None));
    assert_eq!((settings.method, settings.nu, settings.rho), (Method::Dladmm, 0.1, 3.0));
    assert_eq!((settings.step, settings.input_step), (StepRule::Vector, StepRule::Backtracking));
    assert_eq!((settings.damping, settings.tolerance), (1.0 / 3.0, Some(1e-300)));
    assert_eq!(settings.time_limit, Some(Duration::from_secs(90)));
}

#[test]
fn a_written_file_gives_the_same_settings() {
    let grown = "hidden = '30x4'\ngrow = '2:5'\ntime-limit = '1500ms'";
    let dlam = "method = 'dlam'\nepsilon = 0.5\nepsilon-rule = 'printed'\nepsilon-bounds = '0.1,2'\naccelerate = true";
    let adam = "method = 'adam'\nlearning-rate = 0.01\nbatch = 64\nactivation = 'tanh'";
    let scheduled = "method = 'pdadmm'\nrho-schedule = 'balance:5:3'\nnu-schedule = 'times:0.5:10'";
    let cut = "method = 'gsadmm'\nnetwork = 'resnet 3'\ncut = '2,5'\nguard = 0.1\nfreeze = 1\nalpha = 3\ntau2 = 0.1";
    let counted =
        "method = 'gsam'\nhidden = '5x3'\nsubnetworks = 3\ninner = 'sgd'\nepochs = 9\nconvention = 'sum'";
    let proximal = "method = 'gsadmm'\ninner = 'proxprop'\nnu = 2\ndamping = 0.3\nguard = 'none'";
    let (taylor, whole) = ("method = 'taylor'", "method = 'proxprop'\nbatch = 'all'");
    let batches =
        "batch = 10\nmomentum = 0.5\nstep-schedule = 'cosine'\nwarm-up = 0.5\nform = 'dual'\ncarry = '0.5:3'";
    let convolutions = "network = 'cnn'\ncarry = 'none'";
    let inside = "method = 'gsadmm'\ninner = 'proxprop'\nbatch = 60\nmomentum = 0.5\nform = 'primal'";
    let paper = "method = 'gsam'\npreset = 'paper'\ntau2 = 5";
    let [moved, mirrored] = ["shift:3,flip", "flip"].map(|moves| format!("augment = '{moves}'"));
    for text in [
        "",
        ALL,
        grown,
        dlam,
        adam,
        scheduled,
        cut,
        counted,
        proximal,
        taylor,
        whole,
        batches,
        convolutions,
        inside,
        paper,
        &moved,
        &mirrored,
    ] {
        let settings = resolved(text);
        let written = settings.to_toml().expect("writable");
        assert_eq!(resolved(&written), settings);
    }
}

/// Each method writes what it has a use for; together, with a table as data, a network and cuts, they write everything.
#[test]
fn written_files_name_every_flag_but_those_of_files_and_output() {
    let mut written = BTreeSet::new();
    let of_methods = Method::ALL.iter().map(|method| format!("method = '{method}'"));
    let others = ["method = 'adam'\nnetwork = 'cnn'", "method = 'gsadmm'\ncut = '2'"].map(str::to_owned);
    for run in of_methods.chain(others) {
        let text = resolved(&format!("{run}\ndata = 'x.csv'")).to_toml().expect("writable");
        written.extend(text.parse::<toml::Table>().expect("TOML").keys().cloned());
    }
    // A folder of images may hold two kinds of labels.
    let text = resolved("data = 'some/folder'").to_toml().expect("writable");
    written.extend(text.parse::<toml::Table>().expect("TOML").keys().cloned());
    let command = cli::command();
    let train = command.find_subcommand("train").expect("train");
    let mut flags: Vec<_> = train.get_arguments().filter_map(|argument| argument.get_long()).collect();
    flags.retain(|flag| {
        !["config", "resume", "cross-validate", "out", "json", "timeline", "plain", "quiet"].contains(flag)
    });
    flags.sort_unstable();
    assert_eq!(written.iter().collect::<Vec<_>>(), flags);
}

/// The default that a flag's help says, as far as it is one value.
fn told_default(argument: &clap::Arg) -> Option<(&str, String)> {
    // These defaults are said in words, or depend on data, method or machine.
    let in_words = [
        "data",
        "method",
        "scale",
        "keep",
        "input-step",
        "threads",
        "batch",
        "damping",
        "patience",
        "validation",
        "sweeps",
        "init",
        "weight-decay",
    ];
    let key = argument.get_long().filter(|key| !in_words.contains(key))?;
    let help = argument.get_help()?.to_string();
    let (_, default) = help.split_once("[default: ")?;
    let word = default.split([']', ';', ' ']).next()?;
    Some((key, word.trim_end_matches(',').to_owned()))
}

#[test]
fn help_tells_the_defaults() {
    let command = cli::command();
    let train = command.find_subcommand("train").expect("train");
    let told: BTreeMap<_, _> = train.get_arguments().filter_map(told_default).collect();
    let mut checked = BTreeSet::new();
    // Where the default differs from method to method, what help tells first is said.
    let gd = "method = 'gd'\nmomentum = 0.9\nstep-schedule = 'linear'";
    let local = "method = 'local'\ninner = 'adam'";
    let methods = ["method = 'pdadmm'", "method = 'dlam'", "method = 'gsadmm'", gd, local];
    for run in methods.into_iter().chain(["", "data = 'x.csv'", "data = 'some/folder'"]) {
        let written = resolved(run).to_toml().expect("writable").parse::<toml::Table>().expect("TOML");
        for (&key, default) in &told {
            let Some(value) = written.get(key) else { continue };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let numbers = (default.parse::<f64>(), value.parse::<f64>());
            let same = matches!(numbers, (Ok(a), Ok(b)) if a == b) || *default == value;
            assert!(same, "{run}: {key} is {value}, help says {default}");
            checked.insert(key);
        }
    }
    assert_eq!(checked, told.keys().copied().collect());
    assert!(checked.contains("epsilon") && checked.contains("labels"), "{checked:?}");
}

#[test]
fn flags_win_over_a_file_and_a_file_over_defaults() {
    let flags = TrainOptions { sweeps: Some(9), samples: "all".parse().ok(), ..TrainOptions::default() };
    let file = parse("sweeps = 3\nnu = 0.5\nsamples = 100").expect("readable");
    let settings = flags.over(file).resolve().expect("valid");
    assert_eq!((settings.sweeps, settings.nu, settings.samples), (9, 0.5, None));
    assert_eq!(settings.hidden, [100, 100]);
}

#[test]
fn inputs_step_as_weights_do_unless_said() {
    assert_eq!(resolved("step = 'scalar'").input_step, StepRule::Scalar);
    assert_eq!(resolved("step = 'scalar'\ninput-step = 'vector'").input_step, StepRule::Vector);
}

#[test]
fn default_weights_are_known_as_such() {
    for method in ["pdadmm", "dladmm"] {
        let settings = resolved(&format!("method = '{method}'"));
        assert!(settings.has_default_weights());
        assert!(!resolved(&format!("method = '{method}'\nnu = {}", 2.0 * settings.nu)).has_default_weights());
        assert!(
            !resolved(&format!("method = '{method}'\nrho = {}", 2.0 * settings.rho)).has_default_weights()
        );
    }
}

#[test]
fn widths_are_read_and_written_short() {
    for (text, widths) in
        [("100,100", vec![100, 100]), ("500x9", vec![500; 9]), ("2,5x3,1", vec![2, 5, 5, 5, 1])]
    {
        assert_eq!(text.parse::<Widths>().expect("widths").0, widths);
        assert_eq!(Widths(widths).to_string(), text);
    }
    for text in ["", "a", "10,", "10x", "x9", "10x0", "-1", "10x1000000000", "1.5"] {
        assert!(text.parse::<Widths>().is_err(), "{text}");
    }
}

#[test]
fn times_have_units() {
    for (text, milliseconds) in [("500ms", 500), ("60s", 60_000), ("5m", 300_000), ("2h", 7_200_000)] {
        let limit = resolved(&format!("time-limit = '{text}'")).time_limit;
        assert_eq!(limit, Some(Duration::from_millis(milliseconds)));
    }
    for text in ["60", "s", "1.5m", "-1s", "5 parsecs", "99999999999999999999h", "9999999999999999999h"] {
        assert!(parse(&format!("time-limit = '{text}'")).is_err(), "{text}");
    }
}

/// What is wrong, and the setting that the message must name.
const WRONG: &[(&str, &str)] = &[
    ("hidden = '100,0'", "hidden"),
    ("nu = 0", "nu"),
    ("nu = -1", "nu"),
    ("nu = nan", "nu"),
    ("rho = inf", "rho"),
    ("rho = 1e-60", "rho"),
    ("nu = 1e60", "nu"),
    ("damping = 0", "damping"),
    ("pool = 0", "pool"),
    ("target = 'y'", "target"),
    ("labels = 'coarse'", "labels"),
    ("data = 'fashion-mnist'\nlabels = 'coarse'", "labels"),
    ("data = 'x.csv'\ntarget = 'a,'", "target"),
    ("samples = 0", "samples"),
    ("classes = '1'", "classes"),
    ("classes = '1,2,1'", "classes"),
    ("seed = 9223372036854775808", "seed"),
    ("activation = 'leaky-relu:inf'", "activation"),
    ("activation = 'leaky-relu:-0.5'", "`activation` is `leaky-relu:-0.5`"),
    ("activation = 3", "`activation` is `3`"),
    ("input-step = 'vectors'", "vectors"),
    ("loss = 'hinge'", "`loss` is `hinge`, expected cross-entropy, least-squares or huber:DELTA"),
    ("regularizer = 'l2:0'", "regularizer"),
    ("regularizer = 'l1:-1'", "regularizer"),
    ("regularizer = 'l1:0.1'", "regularizer"),
    ("init = 'normal:0'", "init"),
    ("grow = '2:10'", "grow"),
    ("grow = '0:10'", "grow"),
    ("grow = '1:0'", "grow"),
    ("grow = '1:1000'\nsweeps = 1000", "grow"),
    ("hidden = '10,20,30'\ngrow = '1:5'", "grow"),
    ("hidden = '10x3'\nactivation = 'leaky-relu'\ngrow = '1:5'", "grow"),
    ("hidden = '10'\ngrow = '1:5'", "grow"),
    ("sweeps = 0", "sweeps"),
    ("tolerance = 0", "tolerance"),
    ("tolerance = -1", "tolerance"),
    ("holdout = true\npatience = 0", "patience"),
    ("patience = 3", "`patience` is `3`, expected none, or training samples to tell by"),
    ("data = 'some/folder'\nsplit-seed = 1", "`split-seed` is `1`, expected seed"),
    ("split-seed = 9223372036854775808", "split-seed"),
    ("time-limit = '0s'", "time-limit"),
    ("threads = 0", "threads"),
    ("method = 'sgd'", "method"),
    ("hiden = '100'", "hiden"),
    ("nu = 'much'", "nu"),
    ("nu", "config"),
];

#[test]
fn the_split_has_the_seed_of_the_run_unless_it_has_its_own() {
    assert_eq!(resolved("seed = 3").data_options().split_seed, 3);
    let own = resolved("seed = 3\nsplit-seed = 8");
    assert_eq!((own.seed, own.data_options().split_seed), (3, 8));
    // Repeated from a file with another seed the split follows, unless it has its own.
    let again = |settings: &Settings| {
        let file = parse(&settings.to_toml().expect("text")).expect("readable");
        TrainOptions { seed: Some(4), ..file }.resolve().expect("valid").data_options().split_seed
    };
    assert_eq!((again(&resolved("seed = 3")), again(&own)), (4, 8));
}

#[test]
fn patience_keeps_the_best_model_unless_told_otherwise() {
    let keep = |text: &str| resolved(&format!("holdout = true\n{text}")).keep;
    assert_eq!(keep("patience = 3"), Keep::Best);
    assert_eq!(keep("patience = 3\nkeep = 'last'"), Keep::Last);
    assert_eq!((keep(""), keep("patience = 'none'")), (Keep::Last, Keep::Last));
}

#[test]
fn wrong_settings_are_named_on_one_line() {
    for (text, setting) in WRONG {
        let error = parse(text).and_then(TrainOptions::resolve).expect_err(text);
        let message = error.to_string();
        assert!(message.contains(setting), "{text}: {message}");
        assert!(!message.contains('\n'), "{text}: {message}");
        assert!(error.is_usage(), "{text}: {message}");
    }
}

#[test]
fn a_file_error_names_its_line() {
    let message = parse("nu = 1\nrho = 2\nsweeps = 'x'").expect_err("a text for a number").to_string();
    assert!(message.contains("some.toml, line 3"), "{message}");
}

#[test]
fn an_unknown_key_is_told_with_those_that_are_near() {
    let said = |text: &str| parse(text).expect_err(text).to_string();
    let near = said("nu = 1\nlerning-rate = 2");
    assert!(near.contains("line 2: lerning-rate = 2"), "{near}");
    assert!(near.ends_with("(unknown field `lerning-rate`, did you mean learning-rate?)"), "{near}");
    let far = said("abracadabra = 2");
    assert!(far.ends_with("(unknown field `abracadabra`)"), "{far}");
}

/// A program may fill in what no text says.
#[test]
fn a_number_that_is_filled_in_is_checked_too() {
    for slope in [-0.5, f64::NAN, f64::INFINITY] {
        let activation = Some(Activation::LeakyRelu { slope });
        let error = TrainOptions { activation, ..TrainOptions::default() }.resolve().expect_err("a slope");
        assert!(error.is_usage() && error.to_string().contains("a slope that is"), "{error}");
    }
    for lambda in [-1.0, 0.0, f64::NAN] {
        let regularizer = Some(Regularizer::L2(lambda));
        let error = TrainOptions { regularizer, ..TrainOptions::default() }.resolve().expect_err("a lambda");
        assert!(error.is_usage() && error.to_string().contains("`regularizer` is"), "{error}");
    }
}

#[test]
fn small_numbers_are_fine_in_double_precision() {
    assert_eq!(resolved("rho = 1e-60\nprecision = 'f64'").rho, 1e-60);
}

#[test]
fn mini_batches_have_defaults_of_their_own() {
    let of = |text: &str| {
        let settings = resolved(text);
        assert_eq!(settings.method, Method::Proxprop, "{text}");
        (settings.batch, settings.nu, settings.damping, settings.momentum, settings.carry)
    };
    assert_eq!(of(""), (Some(128), 9.0, 1.0, 0.9, None));
    assert_eq!(of("hidden = '500x9'\nbatch = 50"), (Some(50), 100.0, 1.0, 0.9, None));
    assert_eq!(of("batch = 'all'"), (None, 3.0, 0.1, 0.0, None));
    let carry = Some(Carry { beta: 0.9, every: 10 });
    assert_eq!(of("network = 'cnn'"), (Some(128), 25.0, 1.0, 0.9, carry));
    assert_eq!(of("network = 'resnet 3'\ncarry = 'none'"), (Some(128), 100.0, 1.0, 0.9, None));
    assert_eq!(resolved("").step_schedule, StepSchedule::Linear);
    assert_eq!(resolved("method = 'adam'\nbatch = 128").step_schedule, StepSchedule::Constant);
}

#[test]
fn settings_of_mini_batches_out_of_range_or_without_effect_are_refused() {
    for (text, parts) in [
        ("momentum = 1", ["momentum", "below 1"]),
        ("momentum = -0.1", ["momentum", "0 or above"]),
        ("momentum = nan", ["momentum", "0 or above"]),
        ("warm-up = -1", ["warm-up", "0 or above"]),
        ("warm-up = inf", ["warm-up", "finite"]),
        ("carry = '1:3'", ["carry", "below 1"]),
        ("carry = '0.5:0'", ["carry", "1 or above"]),
        ("augment = 'shift:0'", ["augment", "at least 1 pixel"]),
    ] {
        let error = parse(text).expect("readable").resolve().expect_err(text);
        let message = error.to_string();
        assert!(error.is_usage() && parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
    for text in ["carry = '0.5'", "carry = 'x:3'", "form = 'best'", "step-schedule = 'falling'"] {
        assert!(parse(text).is_err(), "{text}");
    }
    for moves in [
        "",
        "shift",
        "shift:-1",
        "shift:x",
        "flip:2",
        "flip,flip",
        "shift:1,shift:1",
        "shift:2,",
        "none,flip",
    ] {
        let error = parse(&format!("augment = '{moves}'")).expect_err(moves).to_string();
        assert!(error.contains("shift:N, flip, or both as shift:2,flip, or none"), "{moves}: {error}");
    }
    for text in [
        "batch = 'all'\nmomentum = 0.5",
        "batch = 'all'\nstep-schedule = 'linear'",
        "batch = 'all'\nwarm-up = 1",
        "batch = 'all'\nform = 'dual'",
        "batch = 'all'\nexact-metrics = true",
        "method = 'adam'\nexact-metrics = true",
        "method = 'gsadmm'\nexact-metrics = true",
        "method = 'pdadmm'\ncarry = '0.5:3'",
        "method = 'gsadmm'\nmomentum = 0.5",
        "method = 'gsadmm'\ninner = 'sgd'\nstep-schedule = 'linear'",
        "method = 'gsadmm'\ninner = 'proxprop'\nmomentum = 0.5",
        "method = 'gsadmm'\ninner = 'proxprop'\nbatch = 60\nguard = 0\nform = 'dual'",
        "preset = 'paper'",
        "method = 'gsadmm'\naugment = 'flip'",
        "method = 'adam'\naugment = 'flip'",
    ] {
        let flags = parse(text).expect("readable");
        let settings = flags.clone().resolve().expect(text);
        assert!(flags.check_effect(&settings).expect_err(text).is_usage());
    }
}

/// TSSM, section 3.2.1, which takes mini-batches of 120.
#[test]
fn presets_of_subnetworks() {
    let settings = resolved("method = 'gsadmm'\npreset = 'paper'");
    let numbers = [settings.alpha, settings.rho, settings.tau2, settings.learning_rate];
    assert_eq!(numbers, [1.0, 1.0, 100.0, 0.01]);
    assert_eq!((settings.inner, settings.convention), (Inner::Sgd, Convention::Mean));
    assert_eq!((settings.batch, settings.guard), (Some(120), None));
    let settings = resolved("method = 'gsadmm'");
    assert!(settings.alpha == settings.rho && settings.rho == settings.tau2);
    assert_eq!((settings.inner, settings.convention), (Inner::Adam, Convention::Sum));
    // Full-batch sweeps are guarded, mini-batches have momentum instead.
    let text = "method = 'gsadmm'\ninner = 'proxprop'";
    let [whole, batches] = [text.to_owned(), format!("{text}\nbatch = 60")].map(|text| resolved(&text));
    assert_eq!((whole.guard, whole.batch, whole.momentum), (Some(0.0), None, 0.0));
    assert_eq!((batches.guard, batches.momentum), (None, 0.9));
    let guarded = resolved(&format!("{text}\nbatch = 60\nguard = 0"));
    assert_eq!((guarded.nu, guarded.damping, guarded.momentum), (whole.nu, whole.damping, 0.0));
}

#[test]
fn a_flag_without_effect_is_refused() {
    let method = Some(Method::Pdadmm);
    let step = Some(StepRule::Vector);
    let flags = TrainOptions { method, damping: Some(0.5), step, ..TrainOptions::default() };
    let settings = flags.clone().resolve().expect("valid");
    assert!(flags.check_effect(&settings).expect_err("no effect").to_string().contains("damping"));
    let flags = TrainOptions { step: Some(StepRule::LeastSquares), ..flags };
    let settings = flags.clone().resolve().expect("valid");
    assert!(flags.check_effect(&settings).is_ok());
}

#[test]
fn target_columns_are_read_as_a_row_of_csv() {
    for (text, names) in [
        ("price", vec!["price"]),
        (" price , 3 ", vec!["price", "3"]),
        ("\"price, net\",\"a \"\"b\"\"\"", vec!["price, net", "a \"b\""]),
        ("\"last\"", vec!["last"]),
        ("last,x", vec!["last", "x"]),
        ("\"two\nlines\"", vec!["two\nlines"]),
    ] {
        let target: Target = text.parse().expect(text);
        let expected: Vec<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(target.0, Some(expected), "{text}");
        assert_eq!(target.to_string().parse::<Target>().expect(text), target, "{text}");
    }
    assert_eq!("last".parse::<Target>().expect("a target"), Target(None));
    for text in ["", ",", "a,", "a\nb", "\"\""] {
        assert!(text.parse::<Target>().expect_err(text).is_usage(), "{text}");
    }
}

#[test]
fn a_table_has_a_target_and_scales_and_writes_them() {
    let settings = resolved("data = 'x.csv'");
    assert_eq!((settings.target.as_ref(), settings.scale, settings.is_regression()), (None, true, false));
    let text = "data = 'x.tsv'\ntarget = 'a, \"b,c\"'\nscale = false\nloss = 'least-squares'";
    for text in ["data = 'x.csv'", text, "data = 'x.csv'\ntarget = 3", "data = 'x.csv'\ntarget = '\"last\"'"]
    {
        let settings = resolved(text);
        assert_eq!(resolved(&settings.to_toml().expect("writable")), settings);
    }
    let settings = resolved(text);
    assert_eq!((settings.scale, settings.is_regression()), (false, true));
    let options = settings.data_options();
    assert_eq!((options.target, options.scale, options.regression), (settings.target, false, true));
    // What a table's file says goes away by a flag where the data has no columns.
    let file = parse(text).expect("readable");
    let flags = TrainOptions { data: "digits".parse().ok(), ..TrainOptions::default() };
    assert!(
        flags.clone().over(file.clone()).resolve().expect_err("no columns").to_string().contains("target")
    );
    let flags = TrainOptions { target: "last".parse().ok(), ..flags };
    assert!(!flags.over(file).resolve().expect("valid").is_regression());
}
