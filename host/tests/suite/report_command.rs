//! `altmin report` from outside: the page is well-formed and by itself, and says what the run's files say.

mod browser;
mod several;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(arguments: &[&str]) -> String {
    let output = altmin(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A run of few sweeps in a folder of this name.
fn train(folder: &Path, name: &str, options: &str) -> PathBuf {
    let out = folder.join(name);
    let options: Vec<_> = options.split_whitespace().collect();
    done(&[&["train", "--quiet", "--out", text(&out)], &options[..]].concat());
    out
}

/// The page of these runs, which is well-formed and asks for nothing.
fn page(folder: &Path, runs: &[&Path], options: &[&str]) -> String {
    let out = folder.join("page.html");
    let runs: Vec<_> = runs.iter().map(|run| text(run)).collect();
    done(&[&["report", "-o", text(&out)], &runs[..], options].concat());
    let page = fs::read_to_string(&out).expect("a page");
    document(&page);
    for part in ["http://", "https://", "src=\"//", "@import", "url(", "<script src", "<iframe", "<object"] {
        assert!(!page.contains(part), "{part}");
    }
    page
}

fn document(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(page, options).expect("well-formed");
    for node in document.descendants() {
        if let Some(source) = node.attribute("src") {
            assert!(source.starts_with("data:image/png;base64,"), "{source}");
        }
        assert!(node.attribute("href").is_none_or(|address| address == "data:,"));
    }
    document
}

fn by_id<'a, 'i>(document: &'a Document<'i>, id: &str) -> Node<'a, 'i> {
    let found = document.descendants().find(|node| node.attribute("id") == Some(id));
    found.unwrap_or_else(|| panic!("nothing is called {id}"))
}

fn all_text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect::<Vec<_>>().join(" ")
}

/// What is under a name among the tiles of a section.
fn tile(section: Node<'_, '_>, name: &str) -> String {
    let title = section.descendants().find(|node| node.has_tag_name("dt") && all_text(*node) == name);
    let title = title.unwrap_or_else(|| panic!("no {name} in {}", all_text(section)));
    all_text(title.next_sibling_element().expect("a value"))
}

/// The cells of the rows of a table by the name of the region that it is in.
fn rows(document: &Document<'_>, region: &str) -> Vec<Vec<String>> {
    let found = document.descendants().find(|node| node.attribute("aria-label") == Some(region));
    let region = found.unwrap_or_else(|| panic!("no table {region}"));
    let rows = region.descendants().filter(|node| node.has_tag_name("tr"));
    rows.map(|row| row.children().filter(Node::is_element).map(all_text).collect()).collect()
}

/// A column of a run's metrics.
fn column(run: &Path, name: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_path(run.join("metrics.csv")).expect("metrics");
    let place = reader.headers().expect("names").iter().position(|other| other == name).expect(name);
    reader.records().map(|row| row.expect("a row")[place].parse().expect("a number")).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// The points of the lines of a figure as they are drawn.
fn drawn(figure: Node<'_, '_>, class: &str) -> Vec<usize> {
    let chart = figure.descendants().find(|node| node.attribute("class") == Some(class)).expect(class);
    let lines = chart.descendants().filter(|node| node.has_tag_name("polyline"));
    lines.map(|line| line.attribute("points").expect("points").split(' ').count()).collect()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

#[test]
fn a_page_says_what_metrics_and_evaluate_say() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train(folder.path(), "run", "--sweeps 7 --hidden 20 --method pdadmm");
    let page = page(folder.path(), &[&run], &[]);
    let document = document(&page);
    let result = by_id(&document, "result");
    let test = column(&run, "test_accuracy");
    assert_eq!(tile(result, "final test accuracy"), percent(test[6]));
    assert_eq!(tile(result, "best test accuracy"), percent(test.iter().copied().fold(0.0, f64::max)));
    assert_eq!(tile(result, "training accuracy"), percent(column(&run, "train_accuracy")[6]));
    assert_eq!((tile(result, "sweeps"), tile(result, "parameters")), ("7".to_owned(), "1510".to_owned()));

    let points: Value = serde_json::from_str(&all_text(by_id(&document, "points"))).expect("JSON");
    let figures = [
        ("objective", &["objective"][..]),
        ("loss", &["loss"]),
        ("residuals", &["primal_residual", "dual_residual"]),
        ("scores", &["train_accuracy", "test_accuracy"]),
    ];
    for (figure, columns) in figures {
        let lines = points[figure]["lines"].as_array().expect(figure);
        assert_eq!(lines.len(), columns.len(), "{figure}");
        for (line, name) in lines.iter().zip(columns) {
            assert_eq!(numbers(&line["value"]), column(&run, name), "{name}");
            assert_eq!(numbers(&line["seconds"]), column(&run, "seconds"), "{name}");
        }
        for class in ["chart over-sweeps", "chart over-seconds"] {
            assert_eq!(drawn(by_id(&document, figure), class), vec![7; columns.len()], "{figure}");
        }
    }

    let evaluated = done(&["evaluate", "--model", text(&run), "--json"]);
    let evaluated: Value = serde_json::from_str(&evaluated).expect("an object");
    let samples = by_id(&document, "samples");
    let share = |name: &str| evaluated[name].as_f64().expect("a number");
    assert_eq!(tile(samples, "accuracy"), percent(share("accuracy")));
    assert_eq!(tile(samples, "mean loss"), format!("{:.6}", share("loss")));
    assert_eq!(tile(samples, "calibration error"), format!("{:.4}", share("calibration_error")));
    let confusion = rows(&document, "confusion matrix");
    let mut wrong = 0;
    for (label, row) in evaluated["confusion"].as_array().expect("rows").iter().enumerate() {
        let counts = numbers(row).iter().map(f64::to_string).collect::<Vec<_>>();
        assert_eq!(confusion[label + 1][1..], counts);
        wrong += numbers(row)
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != label)
            .map(|(_, n)| *n as usize)
            .sum::<usize>();
    }
    let classes = rows(&document, "classes");
    for (label, class) in evaluated["class_metrics"].as_array().expect("classes").iter().enumerate() {
        for (at, name) in [(2, "precision"), (3, "recall"), (4, "f1"), (5, "auroc")] {
            assert_eq!(classes[label + 1][at], format!("{:.4}", class[name].as_f64().expect("a number")));
        }
    }
    let images = document.descendants().filter(|node| node.has_tag_name("img")).count();
    assert!(wrong > 0 && images == wrong.min(40), "{images} images of {wrong} mistakes");
}

/// Its names are markup, and so is the name of its file.
fn hostile(folder: &Path) -> PathBuf {
    let names = ["<script>alert(1)</script>", "]]>&amp;'\"", "plain"];
    let row = |i: usize| format!("{},{},\"{}\"\n", i % 3, (i * 7) % 5, names[i % 3].replace('"', "\"\""));
    let data = folder.join("<b>&data.csv");
    fs::write(&data, "x,y,kind\n".to_owned() + &(0..90).map(row).collect::<String>()).expect("written");
    let out = folder.join("<i>run");
    let options = ["--hidden", "4", "--sweeps", "3", "--quiet", "--out", text(&out)];
    done(&[&["train", "--data", text(&data)], &options[..]].concat());
    out
}

#[test]
fn what_comes_from_files_is_no_markup() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = hostile(folder.path());
    let page = page(folder.path(), &[&run], &[]);
    let document = document(&page);
    let scripts = document.descendants().filter(|node| node.has_tag_name("script")).count();
    assert_eq!((scripts, page.matches("<script").count()), (2, 2));
    assert!(!page.contains("<b>") && !page.contains("<i>"));
    let names: Vec<_> = rows(&document, "classes").iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["class", "<script>alert(1)</script>", "]]>&amp;'\"", "plain", "mean"]);
    assert!(all_text(by_id(&document, "samples")).contains("<b>&data.csv"));
}

#[test]
fn values_have_errors_and_plots_in_their_own_units() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let row = |i: usize| {
        let x = (i * 37 % 101) as f64;
        format!("{x},{},{},{}\n", i % 7, 3000.0 * x + (i % 7) as f64, x / 50.0)
    };
    let data = folder.path().join("two.csv");
    fs::write(&data, "x,z,price,size\n".to_owned() + &(0..200).map(row).collect::<String>())
        .expect("written");
    let options =
        format!("--data {} --target price,size --loss least-squares --hidden 8 --sweeps 9", data.display());
    let run = train(folder.path(), "run", &options);
    let page = page(folder.path(), &[&run], &[]);
    let document = document(&page);
    let last = *column(&run, "validation_r2").last().expect("a sweep");
    assert_eq!(tile(by_id(&document, "result"), "final validation R^2"), format!("{last:.4}"));
    let evaluated = done(&["evaluate", "--model", text(&run), "--json"]);
    let evaluated: Value = serde_json::from_str(&evaluated).expect("an object");
    let r_squared = format!("{:.4}", evaluated["r2"].as_f64().expect("a number"));
    assert_eq!(tile(by_id(&document, "result"), "test R^2"), r_squared);
    assert_eq!(tile(by_id(&document, "samples"), "R^2"), r_squared);
    let errors = rows(&document, "errors");
    for (row, output) in errors[1..].iter().zip(evaluated["outputs"].as_array().expect("outputs")) {
        let number = |name: &str| output[name].as_f64().expect("a number");
        assert_eq!(
            (row[0].as_str(), row[1].clone()),
            (output["name"].as_str().expect("a name"), format!("{:.4}", number("r_squared")))
        );
        for (cell, name) in row[2..].iter().zip(["rmse", "mae"]) {
            assert!(
                (cell.parse::<f64>().expect("a number") / number(name) - 1.0).abs() < 1e-5,
                "{cell} {name}"
            );
        }
    }
    // Two plots for each output, with all 40 test samples.
    let clouds: Vec<_> = document.descendants().filter_map(|node| node.attribute("d")).collect();
    assert_eq!(clouds.iter().map(|cloud| cloud.matches('M').count()).collect::<Vec<_>>(), [40; 4]);
}

#[test]
fn without_data_the_page_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = hostile(folder.path());
    let whole = page(folder.path(), &[&run], &["--no-data"]);
    assert!(whole.contains("Left out: the data were not to be read.") && !whole.contains("confusion matrix"));
    fs::remove_file(folder.path().join("<b>&data.csv")).expect("removed");
    let out = folder.path().join("page.html");
    let output = altmin(&["report", text(&run), "-o", text(&out)]);
    assert!(output.status.success() && stderr(&output).starts_with("note: left out: <i>run: cannot read"));
    let page = fs::read_to_string(&out).expect("a page");
    let document = document(&page);
    let said: Vec<_> =
        document.descendants().filter(|node| node.attribute("class") == Some("note left-out")).collect();
    assert!(
        said.len() == 1 && all_text(said[0]).starts_with("Left out: cannot read `"),
        "{}",
        all_text(said[0])
    );
    // A model that is not there costs no curve.
    fs::remove_file(run.join("model.safetensors")).expect("removed");
    assert_eq!(
        drawn(by_id(&self::document(&self::page(folder.path(), &[&run], &[])), "loss"), "chart over-sweeps"),
        [3]
    );
}

#[test]
fn held_out_samples_keep_the_test_samples_unseen() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train(folder.path(), "run", "--holdout --sweeps 2 --hidden 10 --precision f64");
    let page = page(folder.path(), &[&run], &[]);
    let document = document(&page);
    assert!(all_text(by_id(&document, "samples")).contains("287 held-out samples"));
    let last = percent(column(&run, "held_out_accuracy")[1]);
    assert_eq!(tile(by_id(&document, "result"), "final held-out accuracy"), last);
    assert_eq!(tile(by_id(&document, "samples"), "accuracy"), last);
}

#[test]
fn what_is_no_run_or_no_page_is_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train(folder.path(), "run", "--sweeps 1 --hidden 4");
    let (run, out) = (text(&run), folder.path().join("page.html"));
    let (out, metrics) = (text(&out), format!("{run}/metrics.csv"));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["no/such", "-o", out], 2, "`no/such`, expected a folder written by"),
        (&[text(folder.path()), "-o", out], 2, "expected a folder written by"),
        (&[run, run, "-o", out], 2, "each run once"),
        (&[run, "-o", &metrics], 2, "ends in .html"),
        (&[run, "--format", "svg", "-o", run], 2, "exists"),
        (&[run, "-o", "no/such/page.html"], 1, "no/such/page.html"),
        (&[run], 2, "--out"),
        (&["-o", out], 2, "RUN"),
    ];
    for (arguments, code, part) in cases {
        let output = altmin(&[&["report"], *arguments].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {said}");
        let lines: Vec<_> = said.lines().filter(|line| !line.starts_with("hint: ")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("error: ") && lines[0].contains(part), "{said}");
        assert!(!Path::new(out).exists());
    }
    fs::write(&metrics, "sweep,objective\n1,2\n").expect("written");
    let output = altmin(&["report", run, "-o", out]);
    assert_eq!((output.status.code(), Path::new(out).exists()), (Some(1), false));
    assert!(stderr(&output).contains("a column `primal_residual`"), "{}", stderr(&output));
}

#[test]
fn pictures_are_the_figures_in_pixels() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train(folder.path(), "run", "--sweeps 3 --hidden 8 --seed 2");
    let [svg, png] = ["svg", "png"].map(|format| {
        let out = folder.path().join(format);
        done(&["report", text(&run), "--no-data", "--format", format, "-o", text(&out)]);
        let names = fs::read_dir(&out).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    });
    assert!(svg.len() >= 6 && svg.len() == png.len());
    for (svg, png) in svg.iter().zip(&png) {
        assert_eq!(svg.file_stem(), png.file_stem());
        let lines = fs::read_to_string(svg).expect("a figure");
        let root = Document::parse(&lines).expect("well-formed");
        let size =
            ["width", "height"].map(|name| root.root_element().attribute(name).expect(name).parse::<u32>());
        let mut picture = png::Decoder::new(std::io::Cursor::new(fs::read(png).expect("a picture")))
            .read_info()
            .expect("a PNG file");
        assert_eq!(
            size.map(|side| 2 * side.expect("a number")),
            [picture.info().width, picture.info().height]
        );
        let mut bytes = vec![0; picture.output_buffer_size().expect("a size")];
        picture.next_frame(&mut bytes).expect("pixels");
        let count = |color: [u8; 3]| bytes.chunks(3).filter(|pixel| *pixel == color).count();
        // The first line's colour, that of letters and that of the grid, on white.
        let line = root.descendants().find(|node| node.has_tag_name("polyline")).expect("a line");
        let color =
            u32::from_str_radix(&line.attribute("stroke").expect("a colour")[1..], 16).expect("a number");
        let [_, color @ ..] = color.to_be_bytes();
        let [line, ink, grid] = [color, [0x1f, 0x23, 0x28], [0xd9, 0xdd, 0xe2]].map(count);
        assert!(line > 500 && ink > 300 && grid > 2_000, "{}: {line} {ink} {grid}", png.display());
        assert!(count([255; 3]) > bytes.len() / 3 * 4 / 5, "{}", png.display());
    }
    let output = altmin(&["report", text(&run), "--format", "png", "-o", text(&folder.path().join("png"))]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
