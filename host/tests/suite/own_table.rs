//! The page about tables of one's own: what it says is what happens.

use std::fs;
use std::path::Path;
use std::process::Command;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/own-table.md");
    fs::read_to_string(path).expect("the page")
}

/// The lines of the page's fenced blocks of this language.
fn fenced<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    let blocks = page.split(opening.as_str()).skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()).collect()
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
fn every_command_of_the_page_runs() {
    let (page, folder) = (page(), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("customers.csv"), customers(600, true)).expect("room");
    fs::write(folder.path().join("new-customers.csv"), customers(20, false)).expect("room");
    fs::write(folder.path().join("pixels.csv"), pixels(60)).expect("room");
    let arrays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arrays/packed");
    fs::copy(arrays, folder.path().join("samples.npz")).expect("a file of NumPy");
    let commands = fenced(&page, "sh");
    assert!(commands.len() >= 8, "{commands:?}");
    for line in commands {
        let arguments = line.strip_prefix("altmin ").expect("a command of altmin").split_whitespace();
        let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
        let output = command.current_dir(folder.path()).args(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        // What the page shows of it is what it prints.
        if line.contains("data show") {
            let said = String::from_utf8(output.stdout).expect("text");
            assert_eq!(said.lines().collect::<Vec<_>>(), fenced(&page, "text"), "{said}");
        }
    }
    let rows = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name).lines().count();
    assert_eq!(rows("predictions.csv"), 21);
    assert!(folder.path().join("customers.html").exists() && folder.path().join("customers.onnx").exists());
}
