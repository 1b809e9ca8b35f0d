//! The page in a browser, where there is one: nothing is wider than the window, and nothing is said on the console.

use super::{done, page, text, train};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// What a browser says of a page in a window of this width and where a pointer is over its curves.
fn opened(folder: &Path, page: &str, width: usize) -> Option<Output> {
    // A browser's window is not as narrow as a telephone: the page is in a frame, and tells the window what it came to. The
    // window's title is printed with the rest of it.
    let probe = "<script>addEventListener('load', () => {\
        document.querySelectorAll('details').forEach((folded) => { folded.open = true; });\
        const chart = document.querySelector('svg.chart'), box = chart.getBoundingClientRect();\
        const over = { clientX: box.left + box.width / 2, clientY: box.top + 9 };\
        chart.dispatchEvent(new PointerEvent('pointermove', over));\
        document.querySelector('.legend input').click();\
        const count = (what) => document.querySelectorAll(what).length;\
        const found = [innerWidth, document.documentElement.scrollWidth, count('.tip'), count('g.off')];\
        parent.postMessage(found.join(' '), '*');\
        })</script></body>";
    fs::write(folder.join("probed.html"), page.replace("</body>", probe)).expect("written");
    let frame = "<!DOCTYPE html><title>nothing</title><link rel='icon' href='data:,'>\
        <script>addEventListener('message', (event) => { document.title = event.data; })</script>";
    let size = format!("style='border:0' width='{width}' height='900'");
    let path = folder.join("frame.html");
    fs::write(&path, format!("{frame}<iframe src='probed.html' {size}></iframe>")).expect("written");
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        "--enable-logging=stderr",
    ]);
    chromium
        .arg("--window-size=1400,1000")
        .arg(format!("--user-data-dir={}", folder.join("profile").display()));
    match chromium.arg(format!("file://{}", path.display())).output() {
        Ok(output) => Some(output),
        Err(_) => {
            println!("skipped: there is no chromium");
            None
        }
    }
}

#[test]
fn it_fits_the_window_and_the_console_is_silent() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let digits = train(folder.path(), "digits", "--sweeps 6 --hidden 10 --method adam");
    let data = folder.path().join("table.csv");
    let row = |i: usize| format!("{},{},{}\n", i % 9, i % 4, (i % 9) * 1_000_000 + i % 4);
    let name = "a column with a name that is as long as it is wide ".repeat(4);
    fs::write(&data, format!("x,y,{name}\n") + &(0..120).map(row).collect::<String>()).expect("written");
    let out = folder.path().join("values");
    let options =
        ["--loss", "least-squares", "--hidden", "5", "--sweeps", "6", "--quiet", "--out", text(&out)];
    done(&[&["train", "--data", text(&data)], &options[..]].concat());
    for runs in [&[digits.as_path()][..], &[out.as_path()], &[digits.as_path(), out.as_path()]] {
        let page = page(folder.path(), runs, &[]);
        for width in [390, 1280] {
            let Some(output) = opened(folder.path(), &page, width) else { return };
            let (said, shown) =
                (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
            assert!(!said.contains("CONSOLE"), "{said}");
            let title = shown.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
            let title = title.unwrap_or_else(|| panic!("no title: {said}"));
            let numbers: Vec<usize> = title.split(' ').filter_map(|number| number.parse().ok()).collect();
            let [window, page, tips, hidden] = numbers[..] else { panic!("{title}: {said}") };
            assert!(page <= window && window == width, "{page} pixels in a window of {window}");
            assert!(tips == 1 && hidden >= 2, "{title}");
        }
    }
}
