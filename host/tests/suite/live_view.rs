//! Curves on a terminal while a run goes on. The terminal is that of `script` of util-linux.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// `altmin train` on a terminal of this size, which belongs to nobody else.
struct OnTerminal {
    child: Child,
    shown: String,
}

impl OnTerminal {
    /// None, and a word of it, where there is no `script`.
    fn begin(columns: usize, lines: usize, arguments: &str) -> Option<Self> {
        let is_there = Command::new("script").arg("--version").output();
        if !is_there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
            println!("skipped: no `script` of util-linux");
            return None;
        }
        let program = env!("CARGO_BIN_EXE_altmin");
        let command = format!("stty rows {lines} cols {columns}; exec '{program}' train {arguments}");
        // A run that waits for what does not come ends all the same.
        let child = Command::new("timeout")
            .args(["60", "script", "-qec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        Some(Self { child, shown: String::new() })
    }

    /// Reads until the terminal has been sent this.
    fn wait_for(&mut self, part: &str) {
        let stdout = self.child.stdout.as_mut().expect("a pipe");
        let mut bytes = [0; 4096];
        while !self.shown.contains(part) {
            let count = stdout.read(&mut bytes).expect("output");
            assert!(count > 0, "no {part:?} in {:?}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn press(&mut self, key: u8) {
        self.child.stdin.as_mut().expect("a pipe").write_all(&[key]).expect("a key");
    }

    /// Everything that the terminal was sent, and the exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = Vec::new();
        self.child.stdout.as_mut().expect("a pipe").read_to_end(&mut rest).expect("output");
        let code = self.child.wait().expect("it ends").code();
        (self.shown + &String::from_utf8_lossy(&rest), code)
    }
}

const CTRL_C: u8 = 3;
const ENDLESS: &str = "--sweeps 1000000 --hidden 10";

/// What only curves have. Of a text that is drawn the terminal is sent what is not blank.
const CURVES: &str = "┌";

#[test]
fn a_terminal_shows_curves_and_is_left_as_it_was_by_ctrl_c() {
    let Some(mut run) = OnTerminal::begin(80, 24, ENDLESS) else { return };
    run.wait_for(CURVES);
    run.wait_for("best");
    // It is a signal only where the terminal's keys are as they were.
    run.press(CTRL_C);
    let (shown, code) = run.end();
    assert_eq!(code, Some(130), "{shown}");
    // Sweeps are so short that the summary may come before the note of the signal.
    assert!(shown.contains("(stopped, "), "{shown}");
    for never in ["\u{1b}[?25l", "\u{1b}[?1049h", "\u{1b}[6n"] {
        assert!(!shown.contains(never), "{shown:?}");
    }
    assert_eq!(shown.matches("\u{1b}[?2026h").count(), shown.matches("\u{1b}[?2026l").count());
}

#[test]
fn a_second_ctrl_c_leaves_at_once_with_the_cursor_to_be_seen() {
    let arguments = "--method pdadmm --hidden 2000x9 --threads 1";
    let Some(mut run) = OnTerminal::begin(80, 24, arguments) else { return };
    run.wait_for(CURVES);
    run.press(CTRL_C);
    run.wait_for("another signal (Ctrl-C) stops immediately");
    run.press(CTRL_C);
    let (shown, code) = run.end();
    assert!(code == Some(130) && !shown.contains("(stopped") && !shown.contains("\u{1b}[?25l"), "{shown}");
}

#[test]
fn plain_quiet_and_small_terminals_have_no_curves() {
    for (columns, lines, flag, has_bar) in
        [(80, 24, "--plain", true), (80, 24, "--quiet", false), (59, 24, "", true), (80, 14, "", true)]
    {
        let arguments = format!("--sweeps 30 --hidden 10 {flag}");
        let Some(run) = OnTerminal::begin(columns, lines, &arguments) else { return };
        let (shown, code) = run.end();
        assert_eq!(code, Some(0), "{flag}: {shown}");
        assert!(!shown.contains(CURVES), "{columns} {lines} {flag}: {shown}");
        assert_eq!(shown.contains("/30 sweeps"), has_bar, "{columns} {lines} {flag}: {shown}");
    }
}

#[test]
fn output_into_a_pipe_has_no_curves() {
    let Some(run) = OnTerminal::begin(80, 24, "--sweeps 30 --hidden 10 | cat") else { return };
    let (shown, code) = run.end();
    assert!(code == Some(0) && !shown.contains(CURVES) && shown.contains("training accuracy"), "{shown}");
}

#[test]
fn plain_is_refused_where_it_has_no_effect() {
    for other in [&["--json"][..], &["--quiet"], &["--cross-validate", "2"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args([&["train", "--plain"], other].concat())
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{other:?}");
    }
}
