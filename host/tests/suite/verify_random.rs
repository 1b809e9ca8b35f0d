//! `altmin verify` over random settings: methods, networks, activations, losses and data, inside the theorems' conditions and
//! outside of them. A run is verified or refused; a correct one never panics, fails or is called broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use altmin::random::{Purpose, uniform};

/// Draws of a setting, the same for the same number.
struct Drawn {
    number: u32,
    count: u64,
}

impl Drawn {
    fn uniform(&mut self) -> f64 {
        self.count += 1;
        uniform(13, Purpose::Features, self.number, self.count)
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count - 1)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// A positive number of any size between 10^-n and 10^n.
    fn positive(&mut self, n: f64) -> String {
        format!("{:.3e}", 10_f64.powf(n * (2.0 * self.uniform() - 1.0)))
    }
}

const ACTIVATIONS: [&str; 6] = ["relu", "leaky-relu:0.01", "leaky-relu:0.5", "sigmoid", "tanh", "softplus"];

/// Options of `altmin verify`, most of which go together.
fn options(number: u32, tables: &[PathBuf; 2]) -> Vec<String> {
    let mut drawn = Drawn { number, count: 0 };
    let mut options = Vec::new();
    let mut say = |name: &str, value: String| options.push(format!("--{name}={value}"));
    let method = drawn.of(&["pdadmm", "dladmm", "dlam", "gsadmm", "gsam", "local"]);
    say("method", method.into());
    let [classes, values] = tables.each_ref().map(|table| table.display().to_string());
    let losses: &[&str] = match drawn.below(4) {
        0 | 1 => {
            say("pool", drawn.of(&["2", "4"]).into());
            &["cross-entropy", "cross-entropy", "least-squares", "huber:0.5"]
        }
        2 => {
            say("data", classes);
            &["cross-entropy"]
        }
        _ => {
            say("data", values);
            &["least-squares", "huber:1"]
        }
    };
    say("loss", drawn.of(losses).into());
    say("samples", (1 + drawn.below(60)).to_string());
    say("sweeps", (1 + drawn.below(8)).to_string());
    say("seed", drawn.below(1000).to_string());
    say("threads", (1 + drawn.below(2)).to_string());
    let widths: Vec<String> = (0..1 + drawn.below(4)).map(|_| (1 + drawn.below(9)).to_string()).collect();
    let is_cut = ["gsadmm", "gsam", "local"].contains(&method);
    if is_cut && drawn.below(2) == 0 {
        say("network", format!("mlp {}", widths.join(",")));
    } else {
        say("hidden", widths.join(","));
        say("activation", drawn.of(&ACTIVATIONS).into());
    }
    if drawn.below(3) == 0 {
        say("init", drawn.of(&["he", "xavier"]).into());
    }
    if drawn.below(4) == 0 {
        say("kernel", "portable".into());
    }
    if drawn.below(2) == 0 {
        let size = if drawn.below(4) == 0 { 12.0 } else { 3.0 };
        match method {
            "pdadmm" | "dladmm" => {
                say("nu", drawn.positive(size));
                say("rho", drawn.positive(size));
            }
            "dlam" => say("rho", drawn.positive(size)),
            "local" => say("nu", drawn.positive(size)),
            _ => {
                say("rho", drawn.positive(size));
                say("alpha", drawn.positive(size));
            }
        }
    }
    if !is_cut && drawn.below(2) == 0 {
        say("step", drawn.of(&["scalar", "vector", "backtracking", "least-squares"]).into());
    }
    if !is_cut && drawn.below(3) == 0 {
        say("regularizer", drawn.of(&["l2:0.01", "l1:0.1", "l2:10", "nonnegative"]).into());
    }
    if method == "dlam" && drawn.below(2) == 0 {
        say("epsilon-rule", drawn.of(&["fixed", "adaptive"]).into());
    }
    if is_cut && method != "local" {
        if drawn.below(2) == 0 {
            say("inner", drawn.of(&["sgd", "adam", "proxprop"]).into());
        }
        if drawn.below(2) == 0 {
            say("subnetworks", (1 + drawn.below(3)).to_string());
        }
    }
    if is_cut && drawn.below(2) == 0 {
        say("batch", (1 + drawn.below(30)).to_string());
    }
    options
}

/// How many were verified, and how many refused; complains of every run that came to something else.
fn verify(numbers: std::ops::Range<u32>) -> (usize, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |i: u32, last: String| format!("{}.5,{},{last}\n", i % 7, i * i % 11);
    let put = |name: &str, text: String| {
        let path = Path::new(folder.path()).join(name);
        fs::write(&path, text).expect("a table");
        path
    };
    let value = |i: u32| row(i, format!("{}.25", f64::from(i % 7) - f64::from(i * i % 11)));
    let class = |i: u32| row(i, ["one", "two", "three"][(i % 3) as usize].into());
    let tables = [
        put("classes.csv", format!("a,b,y\n{}", (0..60).map(class).collect::<String>())),
        put("values.csv", format!("a,b,y\n{}", (0..40).map(value).collect::<String>())),
    ];
    let run = |number: u32| -> (u32, Vec<String>, Output) {
        let options = options(number, &tables);
        let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
        let output = command.arg("verify").args(&options).output().expect("the program starts");
        (number, options, output)
    };
    let half = |first: u32| {
        let (run, numbers) = (&run, numbers.clone());
        move || numbers.filter(|number| number % 2 == first).map(run).collect::<Vec<_>>()
    };
    let (even, odd) = thread::scope(|scope| {
        let even = scope.spawn(half(0));
        let odd = half(1)();
        (even.join().expect("runs"), odd)
    });
    let (mut verified, mut refused, mut wrong) = (0, 0, Vec::new());
    for (number, options, output) in even.into_iter().chain(odd) {
        match output.status.code() {
            Some(0) => verified += 1,
            Some(2) => refused += 1,
            code => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                // So few samples may be of one class, or of one value.
                if code == Some(1) && said.starts_with("error: data set ") {
                    refused += 1;
                    continue;
                }
                let broken = String::from_utf8_lossy(&output.stdout).into_owned();
                let broken =
                    broken.split("\n\n").filter(|block| block.starts_with("BROKEN")).collect::<String>();
                wrong
                    .push(format!("{number}: {code:?}: altmin verify {}\n{said}{broken}", options.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), numbers.len(), wrong.join("\n"));
    (verified, refused)
}

#[test]
fn a_thousand_correct_runs_are_never_broken() {
    let (verified, refused) = verify(0..1000);
    assert!(verified > 500 && verified + refused == 1000, "{verified} verified, {refused} refused");
}
