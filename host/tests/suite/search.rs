//! Searches: the halving by hand and on a problem whose best setting is known, and `altmin search` from outside.

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use altmin::compare::Better;
use altmin::data;
use altmin::search::halving::{halve, rungs};
use altmin::search::{Axis, Budget, Record, Request, Run, Search};
use altmin::settings::{Method, TrainOptions};
use serde_json::Value;

fn altmin(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(arguments.split_whitespace());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn done(arguments: &str) -> Output {
    let output = altmin(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    output
}

fn json(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

/// The lines of one kind that a search prints.
fn lines(arguments: &str, kind: &str) -> Vec<Value> {
    json(&done(arguments)).into_iter().filter(|line| line["kind"] == kind).collect()
}

/// A table without the seconds, its sixth column.
fn without_seconds(table: &str) -> Vec<String> {
    let row = |line: &str| {
        let mut cells: Vec<_> =
            line.split('|').map(|cell| cell.trim_matches([' ', '-', ':']).to_owned()).collect();
        if cells.len() > 6 {
            cells.remove(6);
        }
        cells.join("|")
    };
    table.lines().map(row).collect()
}

fn table_of(folder: &Path) -> Vec<String> {
    without_seconds(&fs::read_to_string(folder.join("table.md")).expect("a table"))
}

// The halving.

/// Configurations and sweeps of each rung.
fn counts(configurations: usize, factor: usize, sweeps: usize) -> Vec<(usize, usize)> {
    let rungs = rungs(configurations, factor, sweeps);
    rungs.into_iter().map(|rung| (rung.configurations, rung.sweeps(sweeps))).collect()
}

#[test]
fn rungs_worked_out_by_hand() {
    assert_eq!(counts(27, 3, 81), [(27, 3), (9, 9), (3, 27), (1, 81)]);
    assert_eq!(counts(15, 3, 100), [(15, 11), (5, 33), (2, 100)]);
    assert_eq!(counts(10, 3, 100), [(10, 11), (4, 33), (2, 100)]);
    assert_eq!(counts(9, 3, 100), [(9, 11), (3, 33), (1, 100)]);
    assert_eq!(counts(8, 3, 100), [(8, 33), (3, 100)]);
    assert_eq!(counts(5, 2, 10), [(5, 3), (3, 5), (2, 10)]);
    // Fewer than three are not divided, nor is a run of fewer than three sweeps.
    assert_eq!(counts(2, 3, 100), [(2, 100)]);
    assert_eq!(counts(27, 3, 2), [(27, 2)]);
    assert_eq!(counts(27, 3, 8), [(27, 3), (9, 8)]);
    assert_eq!(counts(1, 3, 1), [(1, 1)]);
}

#[test]
fn the_best_of_a_known_problem_is_found_with_the_runs_that_halving_takes() {
    // A parabola with its top at configuration 17 of 27; the shorter a run, the more even numbers lie about it.
    let rungs = rungs(27, 3, 81);
    let score = |rung: usize, x: usize| {
        let lie = if x.is_multiple_of(2) { 20.0 / rungs[rung].sweeps(81) as f64 } else { 0.0 };
        lie - (x as f64 - 17.0).powi(2)
    };
    let mut calls = Vec::new();
    let places = halve(&rungs, Better::High, |rung, x| {
        calls.push((rung, x));
        Ok(ControlFlow::Continue(Some(score(rung, x))))
    })
    .expect("no errors");
    assert_eq!(places[0].configuration, 17);
    // In the first rung 16 and 18 lead. Nine go on, around 17; then three; then one.
    assert_eq!(calls.len(), 27 + 9 + 3 + 1);
    let of = |rung| calls.iter().filter(|call| call.0 == rung).map(|call| call.1).collect::<Vec<_>>();
    assert_eq!(of(1), [13, 14, 15, 16, 17, 18, 19, 20, 21]);
    assert_eq!(of(2), [16, 17, 18]);
    assert_eq!(of(3), [17]);
    // All 27 have a place, those of longer runs first.
    let places: Vec<_> = places.iter().map(|place| (place.rung, place.configuration)).collect();
    assert_eq!(places[..4], [(3, 17), (2, 16), (2, 18), (1, 15)]);
    assert_eq!(places.len(), 27);
}

#[test]
fn a_loss_is_better_the_lower_and_no_score_is_the_worst() {
    let scores = [Some(0.5), None, Some(0.25), Some(0.5), Some(-1.0)];
    let order = |better| {
        let places =
            halve(&rungs(5, 3, 1), better, |_, x| Ok(ControlFlow::Continue(scores[x]))).expect("no errors");
        places.iter().map(|place| place.configuration).collect::<Vec<_>>()
    };
    assert_eq!(order(Better::Low), [4, 2, 0, 3, 1]);
    assert_eq!(order(Better::High), [0, 3, 2, 4, 1]);
}

#[test]
fn what_is_broken_off_keeps_what_was_done() {
    let mut calls = 0;
    let places = halve(&rungs(9, 3, 9), Better::High, |_, x| {
        calls += 1;
        Ok(if calls > 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(Some(x as f64)) })
    })
    .expect("no errors");
    // Nine, and of the best three the one of the lowest number.
    let places: Vec<_> = places.iter().map(|place| (place.rung, place.configuration)).collect();
    assert_eq!(places[..4], [(1, 6), (0, 8), (0, 7), (0, 5)]);
    assert_eq!(places.len(), 9);
}

// The space.

#[test]
fn ranges_are_written_out() {
    let written = |text: &str| text.parse::<Axis>().expect(text).to_string();
    // 0.001 times 100^(1/5) = 2.5119, 6.3096, 15.849, 39.811.
    assert_eq!(
        written("learning-rate=0.001:0.1:log6"),
        "learning-rate=0.001,0.00251,0.00631,0.0158,0.0398,0.1"
    );
    assert_eq!(written("momentum=0:0.9:lin4"), "momentum=0,0.3,0.6,0.9");
    assert_eq!(written("nu=1,10:1000:log3,3"), "nu=1,10,100,1000,3");
    // 32 times 16^(1/3) = 80.6, 203.2, and a size is an integer.
    assert_eq!(written("batch=32:512:log4"), "batch=32,81,203,512");
    assert_eq!(written("batch=64,all"), "batch=64,all");
    assert_eq!(written("step-schedule=linear,cosine"), "step-schedule=linear,cosine");
    assert_eq!(written("nu-schedule=times:10:100"), "nu-schedule=times:10:100");
}

/// The settings of all configurations, by method.
fn configurations(methods: &[Method], over: &[&str], options: &str) -> Vec<Vec<String>> {
    let options = TrainOptions::from_toml(options, "some.toml".as_ref()).expect("readable");
    let over = over.iter().map(|axis| axis.parse().expect("an axis")).collect();
    let search = Search::new(Request { over, ..Request::new(methods.to_vec(), options) }).expect("a search");
    let texts = |contest: &altmin::search::Contest| {
        contest.configurations.iter().map(|one| one.text.clone()).collect()
    };
    search.contests().iter().map(texts).collect()
}

#[test]
fn a_setting_is_left_out_for_a_method_without_a_use_for_it() {
    let over = ["nu=1,2", "learning-rate=0.1", "momentum=0,0.9"];
    let methods = [Method::Proxprop, Method::Gd, Method::Adam, Method::Pdadmm];
    assert_eq!(
        configurations(&methods, &over, ""),
        [
            &["nu=1 momentum=0", "nu=1 momentum=0.9", "nu=2 momentum=0", "nu=2 momentum=0.9"][..],
            &["learning-rate=0.1 momentum=0", "learning-rate=0.1 momentum=0.9"],
            &["learning-rate=0.1"],
            &["nu=1", "nu=2"],
        ]
    );
    // What has a use depends on the other settings.
    let over = ["inner=sgd,proxprop", "nu=1,2", "learning-rate=0.1"];
    assert_eq!(
        configurations(&[Method::Local], &over, ""),
        [["inner=sgd learning-rate=0.1", "inner=proxprop nu=1", "inner=proxprop nu=2"]]
    );
}

#[test]
fn what_is_usual_lies_around_the_settings() {
    let steps = ["0.5", "1", "2", "4", "8"].map(|rate| format!("learning-rate={rate}"));
    assert_eq!(configurations(&[Method::Gd], &[], "learning-rate = 2")[0], steps);
    // A method that none of the settings concerns gets what is usual.
    assert_eq!(configurations(&[Method::Gd], &["nu=1"; 0], "learning-rate = 2")[0], steps);
    let both = configurations(&[Method::Gd, Method::Pdadmm], &["nu=3,4"], "learning-rate = 2");
    assert_eq!((&both[0][..], &both[1][..]), (&steps[..], &["nu=3".to_owned(), "nu=4".to_owned()][..]));
    // nu and the damping of least squares; a rule without a damping has nu alone.
    let proximal = configurations(&[Method::Proxprop], &[], "nu = 4\ndamping = 1");
    assert_eq!((proximal[0].len(), proximal[0][0].as_str()), (15, "nu=1 damping=0.3"));
    assert_eq!(configurations(&[Method::Pdadmm], &[], "step = 'vector'")[0].len(), 5);
}

// The engine on data.

const SMALL: &str = "samples = 100\nhidden = '8'\nsweeps = 4\nthreads = 1";

/// Searches the digits; the records and the search.
fn searched(request: impl FnOnce(Request) -> Request) -> (Search, Vec<Run>) {
    let options = TrainOptions::from_toml(SMALL, "some.toml".as_ref()).expect("readable");
    let search = Search::new(request(Request::new(vec![Method::Gd], options))).expect("a search");
    let settings = search.common();
    let (train, held_out) = data::load::<f64>(&settings.data, &settings.data_options()).expect("digits");
    let mut records = Vec::new();
    let (train, held_out) = (Arc::new(train), Arc::new(held_out));
    let findings =
        search.run(&train, &held_out, &[], &mut records, &AtomicBool::new(false)).expect("no errors");
    assert!(findings.iter().all(|findings| findings.complete));
    let run = |record| match record {
        Record::Run(run) => Some(run),
        Record::Timing(_) => None,
    };
    (search, records.into_iter().filter_map(run).collect())
}

fn axes(over: &[&str]) -> Vec<Axis> {
    over.iter().map(|axis| axis.parse().expect("an axis")).collect()
}

#[test]
fn a_budget_gives_every_method_the_sweeps_of_its_operations() {
    // 64-8-10 with 100 samples: 2 (2 * 512 + 3 * 80) 100 = 252,800 operations a sweep of gd, and 2 (0.5 * 64) 100 = 6,400
    // more of proxprop.
    let methods = vec![Method::Gd, Method::Proxprop];
    let over = axes(&["momentum=0,0.9"]);
    let budget = Budget::Operations(259_200.0 * 8.0 - 1.0);
    let (_, runs) = searched(|request| Request { methods, over, budget, ..request });
    let found: Vec<_> = runs.iter().map(|run| (run.settings.method, run.sweeps, run.operations)).collect();
    let (gd, proximal) =
        ((Some(Method::Gd), 8, 8.0 * 252_800.0), (Some(Method::Proxprop), 7, 7.0 * 259_200.0));
    assert_eq!(found, [gd, gd, proximal, proximal]);
}

#[test]
fn seconds_give_at_least_a_sweep() {
    let over = axes(&["learning-rate=0.1,0.2"]);
    let budget = Budget::Seconds(1e-12);
    let (_, runs) = searched(|request| Request { over, budget, ..request });
    assert_eq!(runs.iter().map(|run| run.sweeps).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn the_last_rung_is_the_mean_over_seeds() {
    let over = axes(&["learning-rate=0.05:0.8:log5"]);
    let (_, runs) = searched(|request| Request { over, seeds: 3, ..request });
    // Five runs of a sweep, two full ones of three seeds.
    let found: Vec<_> = runs.iter().map(|run| (run.rung, run.sweeps, run.seed)).collect();
    let last = [(2, 4, 0), (2, 4, 1), (2, 4, 2)];
    assert_eq!(found, [[(1, 1, 0); 5].as_slice(), &last, &last].concat());
    let scores: Vec<_> = runs[5..8].iter().map(|run| run.score.expect("a score")).collect();
    assert!(scores.iter().any(|&score| score != scores[0]), "{scores:?}");
}

// The command.

const RUN: &str = "search --samples 150 --hidden 10 --sweeps 9 --methods adam,proxprop \
                   --over learning-rate=0.005,0.02,0.08 --over nu=1:9:log3 --over damping=0.3,1,3";

#[test]
fn wrong_use_is_2_and_one_line() {
    let cases = [
        ("--over hight=3", "a setting of `train`"),
        ("--over learningrate=3", "did you mean learning-rate?"),
        ("--over seed=1,2", "`seed` is the same for all runs"),
        ("--over sweeps=1,2", "`sweeps` is the same for all runs"),
        ("--over nu", "KEY=VALUES"),
        ("--over nu=", "KEY=VALUES"),
        ("--over nu=1,much", "`much` is none"),
        ("--over nu=1,2,1", "each value once"),
        ("--over nu=1 --over nu=2", "all values of `nu` in one list"),
        ("--over nu=1:10:log1", "2 to 1000 values"),
        ("--over nu=0:10:log3", "numbers above 0"),
        ("--over nu=10:1:lin3", "the lower number first"),
        ("--over nu=a:1:lin3", "finite numbers"),
        ("--over nu=0,1", "proxprop nu=0: `nu` is `0`"),
        ("--method adam --over nu=1,2", "a setting that adam uses"),
        ("--methods adam,gd --over epsilon=1,2", "a setting that adam or gd uses"),
        ("--over nu=1,2 --nu 3", "a setting that --nu does not fix"),
        ("--methods adam,gd --nu 3", "none of adam, gd uses it"),
        ("--methods adam,adam", "each method once"),
        ("--methods adma", "pdadmm"),
        ("--methods adam --method gd", "--method"),
        ("--holdout=false", "never looks at the test set"),
        ("--checkpoint-every 3", "none"),
        ("--keep best --out found", "last"),
        ("--over keep=last,best", "keep"),
        ("--budget 0", "`budget` is `0`"),
        ("--budget 1e3", "the operations of one sweep"),
        ("--budget 1e9 --sweeps 3", "--sweeps"),
        ("--seconds nan", "`seconds` is `NaN`"),
        ("--seconds 3 --budget 1e9", "--seconds"),
        ("--halving 1", "`halving` is `1`"),
        ("--seeds 0", "`seeds` is `0`"),
        ("--over nu=1:2:lin100 --over damping=1:2:lin100 --over momentum=0,0.1", "at most 10000"),
        ("--network cnn --batch 100000", "at most 1150"),
        ("--method pdadmm --grow 1:2 --sweeps 9 --over nu=1:9:lin9", "pdadmm nu=1: `grow` is `1:2`"),
        ("--data no/such/folder", "no/such/folder"),
        ("--resume x --out y", "--out"),
    ];
    for (arguments, part) in cases {
        let output = altmin(&format!("search {arguments}")).output().expect("it starts");
        let stderr = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}: {stderr}");
        let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("hint: ")).collect();
        let [line] = &lines[..] else { panic!("{arguments}: {stderr}") };
        assert!(line.starts_with("error: ") && line.contains(part), "{arguments}: {stderr}");
    }
}

#[test]
fn a_score_is_that_of_train_on_the_held_out_samples() {
    let runs = lines(
        "search --samples 150 --hidden 10 --sweeps 9 --method adam --over learning-rate=0.01,0.1 --json",
        "run",
    );
    for (run, rate) in runs.iter().zip(["0.01", "0.1"]) {
        let alone = format!(
            "train --samples 150 --hidden 10 --sweeps 9 --method adam --holdout --learning-rate {rate} --json"
        );
        let sweeps = lines(&alone, "sweep");
        let course: Vec<_> = sweeps.iter().map(|sweep| sweep["held_out_accuracy"].clone()).collect();
        assert_eq!(run["course"], Value::Array(course));
        assert_eq!(run["score"], sweeps[8]["held_out_accuracy"]);
    }
    assert_eq!(runs.len(), 2);
}

#[test]
fn the_folder_holds_all_runs_and_settings_that_train_takes() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let out = parent.path().join("new/found");
    let printed = text(&done(&format!("{RUN} --threads 2 --out {}", out.display())).stdout);
    assert_eq!(fs::read_to_string(out.join("table.md")).expect("a table"), printed);
    let rungs = [
        "- adam: 3 configurations for 3 sweeps, 1 for 9",
        "- proxprop: 9 configurations for 1 sweep, 3 for 3, 1 for 9",
    ];
    assert_eq!(printed.lines().take(2).collect::<Vec<_>>(), rungs);
    // A head and a row for every configuration.
    assert_eq!(printed.lines().filter(|line| line.starts_with("| ")).count(), 1 + 3 + 9);
    let journal = fs::read_to_string(out.join("search.jsonl")).expect("a journal");
    assert_eq!(journal.lines().count(), 1 + (3 + 1) + (9 + 3 + 1));
    let svg = fs::read_to_string(out.join("curves.svg")).expect("curves");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    assert!(texts.contains(&"held-out accuracy") && texts.contains(&"operations"), "{texts:?}");
    for method in ["adam", "proxprop"] {
        let best = printed.lines().find(|line| line.starts_with(&format!("| {method} "))).expect(method);
        let settings = best.split('|').nth(2).expect("settings").split_whitespace();
        assert!(texts.iter().any(|text| text.starts_with(&format!("{method} "))), "{texts:?}");
        let config = out.join(method).join("best.toml");
        let lines = fs::read_to_string(&config).expect("the best settings");
        for (key, value) in settings.map(|setting| setting.split_once('=').expect("a setting")) {
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let line = lines.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).expect(key);
            assert_eq!(number(line), number(value), "{key}");
        }
        assert!(lines.contains("holdout = false\n") && lines.contains("sweeps = 9\n"), "{lines}");
        // On the samples that were held out it does what it did in the search.
        let again = self::lines(&format!("train --config {} --holdout --json", config.display()), "summary")
            .remove(0);
        let score = best.rsplit('|').nth(1).expect("a score").trim();
        assert_eq!(format!("{:.2} %", 100.0 * again["held_out_accuracy"].as_f64().expect("a number")), score);
    }
    // The same bits for another number of threads.
    let other = without_seconds(&text(&done(&format!("{RUN} --threads 1")).stdout));
    assert_eq!(other, table_of(&out));
}

#[test]
fn a_search_that_was_cut_off_goes_on_to_the_same_end() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [whole, cut] = ["whole", "cut"].map(|name| parent.path().join(name));
    done(&format!("{RUN} --quiet --out {}", whole.display()));
    let journal = fs::read(whole.join("search.jsonl")).expect("a journal");
    let ends: Vec<usize> =
        journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    // In the middle of a line of the second method, at the end of one, and right after the first line.
    for place in [ends[8] + 37, ends[6], ends[0]] {
        fs::create_dir(&cut).expect("a folder");
        fs::write(cut.join("search.jsonl"), &journal[..place]).expect("room");
        fs::write(cut.join(".table.md.123-4.tmp"), "half").expect("room");
        let output = done(&format!("search --resume {} --threads 1 --json", cut.display()));
        let runs = json(&output).into_iter().filter(|line| line["kind"] == "run").count();
        let known = ends.iter().filter(|&&end| end <= place).count();
        assert_eq!(runs, ends.len() - known, "only what is missing runs");
        assert_eq!(table_of(&cut), table_of(&whole));
        for method in ["adam", "proxprop"] {
            let best =
                |folder: &Path| fs::read_to_string(folder.join(method).join("best.toml")).expect("the best");
            let threads = |text: String| {
                text.lines()
                    .filter(|line| !line.starts_with("threads"))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(threads(best(&cut)), threads(best(&whole)));
        }
        assert!(!cut.join(".table.md.123-4.tmp").exists());
        // What is known is not run again, and its seconds are those of then.
        let table = fs::read(cut.join("table.md")).expect("a table");
        assert!(lines(&format!("search --resume {} --json", cut.display()), "run").is_empty());
        assert!(fs::read(cut.join("table.md")).expect("a table") == table);
        fs::remove_dir_all(&cut).expect("it is there");
    }
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let journal = folder.path().join("search.jsonl");
    let refused = |code: i32, part: &str| {
        let output =
            altmin(&format!("search --resume {}", folder.path().display())).output().expect("it starts");
        let stderr = text(&output.stderr);
        assert!(output.status.code() == Some(code) && stderr.contains(part), "{stderr}");
    };
    refused(1, "cannot read");
    fs::write(&journal, "{\"kind\":\"sea").expect("room");
    refused(1, "no whole line");
    fs::write(&journal, "{\"kind\":\"run\"}\n").expect("room");
    refused(1, "line 1");
    let out = folder.path().join("found");
    done(&format!(
        "search --samples 50 --hidden 5 --sweeps 1 --method gd --over momentum=0,0.9 --quiet --out {}",
        out.display()
    ));
    let found = fs::read_to_string(out.join("search.jsonl")).expect("a journal");
    // A broken line that is not the last one, another version, other samples.
    let (head, rest) = found.split_once('\n').expect("a head");
    fs::write(&journal, format!("{head}\nhalf\n{rest}")).expect("room");
    refused(1, "line 2");
    fs::write(&journal, found.replacen("\"version\":\"", "\"version\":\"99.", 1)).expect("room");
    refused(2, "found version 99.");
    fs::write(&journal, found.replacen("checksum ", "checksum 0", 1)).expect("room");
    refused(2, "found training samples");
    fs::write(&journal, &found).expect("room");
    let output =
        altmin(&format!("search --nu 3 --resume {}", folder.path().display())).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn a_run_that_diverges_is_the_worst_and_no_error() {
    let network = "--samples 100 --hidden 10x6 --activation leaky-relu:10 --kernel portable --sweeps 6";
    let output = done(&format!("search {network} --method gd --over learning-rate=1e30,1e-12,1e20 --json"));
    let standings: Vec<_> = json(&output).into_iter().filter(|line| line["kind"] == "standing").collect();
    assert_eq!(standings[0]["settings"]["learning-rate"], 1e-12);
    assert_eq!((&standings[1]["score"], &standings[2]["score"]), (&Value::Null, &Value::Null));
    let table =
        text(&done(&format!("search {network} --method gd --over learning-rate=1e30,1e-12,1e20")).stdout);
    assert!(table.ends_with("\n\n- gd: the best learning-rate is the lowest that was tried\n"), "{table}");
    let folder = tempfile::tempdir().expect("temporary folder");
    let out = folder.path().join("found");
    let all = format!("search {network} --method gd --over learning-rate=1e30,1e20 --out {}", out.display());
    let output = done(&all);
    assert!(
        text(&output.stderr).contains("warning: gd: every full run diverged"),
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stdout).contains("diverged") && !out.join("gd").exists());
}

#[test]
fn values_are_scored_by_their_loss() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let rows: String = (0..60).map(|i| format!("{i},{}\n", 3 * i + i % 7)).collect();
    let file = folder.path().join("line.csv");
    fs::write(&file, format!("x,y\n{rows}")).expect("room");
    let data = format!("--data {} --loss least-squares --init he --hidden 8 --sweeps 5", file.display());
    let standings = lines(
        &format!("search {data} --method gd --over learning-rate=0.00001,0.05,0.01 --halving 5 --json"),
        "standing",
    );
    let found: Vec<_> = standings.iter().map(|line| line["score"].as_f64().expect("a loss")).collect();
    assert!(found.is_sorted() && found[2] > 2.0 * found[0], "{found:?}");
    assert_eq!(standings[2]["settings"]["learning-rate"], 0.00001);
}

#[test]
#[cfg(unix)]
fn a_signal_leaves_what_is_done_and_the_search_goes_on() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [whole, out] = ["whole", "stopped"].map(|name| parent.path().join(name));
    let search = "search --samples 200 --hidden 40,40 --sweeps 150 --method gd --over learning-rate=0.02:0.5:log6 --threads 1";
    done(&format!("{search} --quiet --out {}", whole.display()));
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let child = altmin(&format!("{search} --out {}", out.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let begun = Instant::now();
        // A first run is over, and five and two more are to come.
        while !fs::read_to_string(out.join("search.jsonl"))
            .is_ok_and(|text| text.contains("\"kind\":\"run\""))
        {
            assert!(begun.elapsed() < Duration::from_secs(60), "no run ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        let killed =
            Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
        assert!(killed.success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("stopped before the end"), "{}", text(&output.stdout));
        assert!(
            out.join("table.md").is_file() && out.join("curves.svg").is_file() && !out.join("gd").exists()
        );
        done(&format!("search --resume {} --quiet", out.display()));
        assert_eq!(table_of(&out), table_of(&whole));
        assert!(out.join("gd/best.toml").is_file());
        fs::remove_dir_all(&out).expect("it is there");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    let mut child = altmin(
        "search --samples 100 --hidden 5 --sweeps 3 --method gd --over learning-rate=0.001:1:log500 --json",
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a first run").expect("text");
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
