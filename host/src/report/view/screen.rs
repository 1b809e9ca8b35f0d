//! A picture that is drawn anew in its place, below what a terminal already shows.
//!
//! The terminal stays as it is: nothing is switched that would have to be switched back, and no answer of it is waited for. Between
//! two frames the cursor stands at the beginning of the line below the picture. So a program may end at any moment, and what
//! it prints then, or a shell, stands below the last picture.

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Terminals that know these show a frame at once; others pass over them.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// Where the picture is, and what stands there.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    colors: bool,
    shown: Option<Buffer>,
}

impl<W: Write> Screen<W> {
    /// Below everything that `out` already shows.
    pub(super) fn new(out: W, colors: bool) -> Self {
        Self { out, colors, shown: None }
    }

    /// Shows a picture in the place of the one before.
    ///
    /// # Errors
    /// What `out` cannot write.
    pub(super) fn show(&mut self, picture: Buffer) -> io::Result<()> {
        let mut text = BEGIN.to_owned();
        let before = match self.shown.take() {
            Some(before) if before.area == picture.area => before,
            Some(before) => {
                let narrower = picture.area.width < before.area.width;
                // Who knows how many lines a narrower terminal has made of it: it stays where it is.
                if !narrower {
                    erase(before.area.height, &mut text);
                }
                begin(picture.area, &mut text)
            }
            None => begin(picture.area, &mut text),
        };
        self.draw(&before, &picture, &mut text);
        text.push_str(END);
        self.shown = Some(picture);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Writes whole lines above the picture, which is shown again below them.
    ///
    /// # Errors
    /// What `out` cannot write.
    pub(super) fn above(&mut self, lines: &str) -> io::Result<()> {
        let mut text = BEGIN.to_owned();
        if let Some(picture) = self.shown.take() {
            erase(picture.area.height, &mut text);
            text.push_str(lines);
            let empty = begin(picture.area, &mut text);
            self.draw(&empty, &picture, &mut text);
            self.shown = Some(picture);
        } else {
            text.push_str(lines);
        }
        text.push_str(END);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Writes what differs, from below the picture and back.
    fn draw(&self, before: &Buffer, picture: &Buffer, text: &mut String) {
        let below = picture.area.height;
        let mut place = (0, below);
        let mut look = Look::default();
        for (x, y, cell) in before.diff(picture) {
            go(&mut place, (x, y), text);
            let wanted = if self.colors { Look::of(cell) } else { Look::default() };
            if wanted != look {
                wanted.write(text);
                look = wanted;
            }
            text.push_str(cell.symbol());
            // Where the last column has been written terminals differ.
            place = if x + 1 == picture.area.width { (u16::MAX, y) } else { (x + 1, y) };
        }
        if look != Look::default() {
            Look::default().write(text);
        }
        go(&mut place, (0, below), text);
    }
}

/// Makes room for a picture, which is empty.
fn begin(area: Rect, text: &mut String) -> Buffer {
    text.extend((0..area.height).map(|_| '\n'));
    Buffer::empty(area)
}

/// Erases a picture of so many lines from the line below it, where it leaves the cursor at its beginning.
fn erase(height: u16, text: &mut String) {
    go(&mut (0, height), (0, 0), text);
    text.push_str("\x1b[J");
}

/// Moves the cursor, by the lines between and from the beginning of its line.
fn go(place: &mut (u16, u16), to: (u16, u16), text: &mut String) {
    if *place == to {
        return;
    }
    // Writing to a String cannot fail.
    let _ = match to.1.cmp(&place.1) {
        std::cmp::Ordering::Less => write!(text, "\x1b[{}A", place.1 - to.1),
        std::cmp::Ordering::Greater => write!(text, "\x1b[{}B", to.1 - place.1),
        std::cmp::Ordering::Equal => Ok(()),
    };
    text.push('\r');
    if to.0 > 0 {
        let _ = write!(text, "\x1b[{}C", to.0);
    }
    *place = to;
}

/// How letters look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    color: Color,
    bold: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self { color: cell.fg, bold: cell.modifier.contains(Modifier::BOLD) }
    }

    /// Only the colours that every terminal has, in its own shades.
    fn write(self, text: &mut String) {
        let color = match self.color {
            Color::Green => ";32",
            Color::Yellow => ";33",
            Color::Cyan => ";36",
            _ => "",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "\x1b[0{}{color}m", if self.bold { ";1" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal of 10 columns makes of the text: its lines, and the cursor's place.
    fn shown(text: &str) -> (Vec<String>, (usize, usize)) {
        let (mut lines, mut x, mut y) = (vec![[' '; 10]], 0, 0);
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '\n' => (x, y) = (0, y + 1),
                '\r' => x = 0,
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['));
                    let sequence: String =
                        rest.by_ref().take_while(|end| !end.is_ascii_alphabetic()).collect();
                    let before = text.len() - rest.as_str().len();
                    let end = text[..before].chars().next_back();
                    let count = || sequence.parse::<usize>().expect("a number");
                    match end {
                        Some('A') => y -= count(),
                        Some('B') => y += count(),
                        Some('C') => x += count(),
                        Some('J') => {
                            lines[y][x..].fill(' ');
                            lines.truncate(y + 1);
                        }
                        Some('m' | 'h' | 'l') => {
                            assert_ne!(sequence, "?25", "the cursor is always to be seen")
                        }
                        end => panic!("{end:?}"),
                    }
                }
                letter => {
                    lines[y][x] = letter;
                    x += 1;
                }
            }
            while lines.len() <= y {
                lines.push([' '; 10]);
            }
        }
        (lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect(), (x, y))
    }

    fn picture(lines: &[&str]) -> Buffer {
        let mut buffer = Buffer::with_lines(lines.iter().copied());
        buffer[(0, 0)].set_fg(Color::Cyan);
        buffer
    }

    #[test]
    fn pictures_take_each_others_place_and_text_goes_above_them() {
        let mut text = Vec::new();
        text.extend_from_slice(b"before\n");
        let mut screen = Screen::new(&mut text, true);
        screen.show(picture(&["one  two", "  three "])).expect("no error of a list");
        screen.show(picture(&["one  2  ", "  three "])).expect("no error of a list");
        screen.above("note: a\nnote: b\n").expect("no error of a list");
        screen.show(picture(&["1    2  ", "        "])).expect("no error of a list");
        let text = String::from_utf8(text).expect("text");
        assert!(text.contains("\u{1b}[0;36mone") || text.contains("\u{1b}[0;36mo"), "{text:?}");
        let (lines, cursor) = shown(&text);
        assert_eq!(lines, ["before", "note: a", "note: b", "1    2", "", ""]);
        assert_eq!(cursor, (0, 5));
    }

    #[test]
    fn a_picture_of_another_size_takes_the_place_unless_it_is_narrower() {
        let after = |next: Buffer| {
            let mut text = Vec::new();
            let mut screen = Screen::new(&mut text, false);
            screen.show(picture(&["12345", "abcde"])).expect("no error of a list");
            screen.show(next).expect("no error of a list");
            let text = String::from_utf8(text).expect("text");
            assert!(!text.contains('m'), "{text:?}");
            shown(&text).0
        };
        assert_eq!(after(picture(&["123456789", "x", "y"])), ["123456789", "x", "y", ""]);
        assert_eq!(after(picture(&["123", "x"])), ["12345", "abcde", "123", "x", ""]);
    }
}
