//! Parts of which every section is made: tables that scroll by themselves, and pairs of a name and a value.

use super::markup::Markup;

/// A cell, and whether it is one to look at.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_best: bool,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_best: false }
    }
}

/// A row of a table: its name and the cells after it.
pub(super) struct Row {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// A box that scrolls by itself where a table is wider than the page; those who have no mouse reach it too.
pub(super) fn scrolled(name: &str, markup: &mut Markup, content: impl FnOnce(&mut Markup)) {
    let region = [("class", &"scroll" as &dyn std::fmt::Display), ("tabindex", &0), ("role", &"region")];
    markup.within("div", &[&region[..], &[("aria-label", &name)]].concat(), content);
}

/// A table with a row of titles, the first of which is that of the rows' names.
pub(super) fn table(name: &str, class: &str, titles: &[&str], rows: &[Row], markup: &mut Markup) {
    scrolled(name, markup, |markup| {
        markup.within("table", &[("class", &class)], |markup| {
            markup.within("thead", &[], |markup| {
                markup.within("tr", &[], |markup| {
                    titles.iter().for_each(|title| markup.element("th", &[("scope", &"col")], title));
                });
            });
            markup.within("tbody", &[], |markup| {
                for row in rows {
                    markup.within("tr", &[("class", &row.class)], |markup| {
                        markup.element("th", &[("scope", &"row")], &row.name);
                        for cell in &row.cells {
                            let class = if cell.is_best { "best" } else { "" };
                            markup.element("td", &[("class", &class)], &cell.text);
                        }
                    });
                }
            });
        });
    });
}

/// A name and its value, and what is to be said of it.
pub(super) struct Tile {
    name: String,
    value: String,
    note: String,
}

impl Tile {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), note: String::new() }
    }

    pub(super) fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// Names with their values side by side.
pub(super) fn tiles(tiles: &[Tile], markup: &mut Markup) {
    markup.within("dl", &[("class", &"tiles")], |markup| {
        for tile in tiles {
            markup.within("div", &[], |markup| {
                markup.element("dt", &[], &tile.name);
                markup.element("dd", &[], &tile.value);
                if !tile.note.is_empty() {
                    markup.element("dd", &[("class", &"note")], &tile.note);
                }
            });
        }
    });
}

/// A section under its heading.
pub(super) fn section(id: &str, title: &str, markup: &mut Markup, content: impl FnOnce(&mut Markup)) {
    markup.within("section", &[("id", &id)], |markup| {
        markup.element("h2", &[], title);
        content(markup);
    });
}

/// What is seen after a click on its title, or from the beginning.
pub(super) fn folded(title: &str, is_open: bool, markup: &mut Markup, content: impl FnOnce(&mut Markup)) {
    let open: &[(&str, &dyn std::fmt::Display)] = if is_open { &[("open", &"open")] } else { &[] };
    markup.within("details", open, |markup| {
        markup.element("summary", &[], title);
        content(markup);
    });
}

/// A number that may be missing.
pub(super) fn shown(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.filter(|value| !value.is_nan()).map_or_else(|| "-".to_owned(), show)
}
