//! The pages of the manual that go through a task: what they say is what happens.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::common::real_data;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(path).expect("the page")
}

/// The lines of the page's fenced blocks of this language.
fn fenced<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    let blocks = page.split(opening.as_str()).skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()).collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The words of a command, of which those between quotes are one.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(i, part)| if i % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
        .collect()
}

/// Runs every command of a page in a folder, where `DIR` is MNIST's; calls `look` with what each has printed.
fn run(page: &str, folder: &Path, least: usize, look: impl Fn(&str, &str)) {
    let commands = fenced(page, "sh");
    assert!(commands.len() >= least, "{commands:?}");
    let mnist = page.contains(" DIR ").then(|| real_data("mnist")).flatten();
    for line in commands {
        let mut words = words(line.strip_prefix("altmin ").expect("a command of altmin"));
        if let Some(data) = words.iter_mut().find(|word| **word == "DIR") {
            let Some(mnist) = &mnist else { continue };
            *data = mnist.to_str().expect("text");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
        let output = command.current_dir(folder).args(words).output().expect("the program starts");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        look(line, &String::from_utf8(output.stdout).expect("text"));
    }
}

/// 600 rows with an index, holes, a city and a comment; who is old or rich and not in Rome stays.
fn customers(count: usize, with_answer: bool) -> String {
    let cell = |missing: bool, text: String| if missing { String::new() } else { text };
    let row = |i: usize| {
        let (age, income, city) =
            (18 + i * 37 % 72, 15_000 + i * 7919 % 30_000, ["Bern", "Oslo", "Paris", "Rome"][i * 13 % 4]);
        let stays = (age > 50) ^ (income > 30_000 && city != "Rome");
        let answer = if !with_answer {
            ""
        } else if stays {
            ",yes"
        } else {
            ",no"
        };
        let (age, city) = (cell(i % 12 == 5, age.to_string()), cell(i % 11 == 3, city.to_owned()));
        format!("{i},{age},{income},{city},customer says {i}{answer}\n")
    };
    let answer = if with_answer { ",stays" } else { "" };
    format!(",age,income,city,comment{answer}\n") + &(0..count).map(row).collect::<String>()
}

/// Images of 28 x 28 whose left or right half is bright.
fn pixels(count: usize) -> String {
    let names: Vec<String> = (0..784).map(|index| format!("pixel{index}")).collect();
    let row = |i: usize| {
        let pixel = |index: usize| {
            (index * 7 + i * 11) % 50 + 150 * usize::from((index % 28 < 14) == i.is_multiple_of(2))
        };
        let pixels: Vec<String> = (0..784).map(|index| pixel(index).to_string()).collect();
        format!("{},{}\n", ["left", "right"][i % 2], pixels.join(","))
    };
    format!("label,{}\n", names.join(",")) + &(0..count).map(row).collect::<String>()
}

#[test]
fn every_command_about_tables_runs() {
    let (page, folder) = (page("own-table.md"), folder());
    fs::write(folder.path().join("customers.csv"), customers(600, true)).expect("room");
    fs::write(folder.path().join("new-customers.csv"), customers(20, false)).expect("room");
    fs::write(folder.path().join("pixels.csv"), pixels(60)).expect("room");
    let arrays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arrays/packed");
    fs::copy(arrays, folder.path().join("samples.npz")).expect("a file of NumPy");
    run(&page, folder.path(), 8, |line, said| {
        // What the page shows of it is what it prints.
        if line.contains("data show") {
            assert_eq!(said.lines().collect::<Vec<_>>(), fenced(&page, "text"), "{said}");
        }
    });
    let rows = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name).lines().count();
    assert_eq!(rows("predictions.csv"), 21);
    assert!(folder.path().join("customers.html").exists() && folder.path().join("customers.onnx").exists());
}

#[test]
fn every_command_about_images_runs() {
    let folder = folder();
    run(&page("images.md"), folder.path(), 12, |_, _| {});
    let rows =
        fs::read_to_string(folder.path().join("predictions.csv")).expect("predictions").lines().count();
    assert_eq!(rows, 361, "the digits for tests and a head");
    assert!(folder.path().join("digits.png").exists() && folder.path().join("digits.onnx").exists());
}

/// The page says that a repeated run has the same bits.
#[test]
fn every_command_about_comparisons_runs() {
    let folder = folder();
    run(&page("compare.md"), folder.path(), 14, |_, _| {});
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).expect(run);
    assert!(model("seed-0") == model("again") && model("seed-0") != model("seed-1"));
    assert!(folder.path().join("figures/loss-sweeps.svg").exists());
}
