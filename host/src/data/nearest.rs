//! Names of columns and classes for somebody who has misspelt one.

use crate::nearest::distance;

/// How many names are offered.
const OFFERED: usize = 3;

/// The names nearest to `text` by edit distance, upper and lower case taken as one, the nearest first and quoted.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let text = text.to_lowercase();
    let mut by_distance: Vec<_> =
        names.into_iter().map(|name| (distance(&text, &name.to_lowercase()), name)).collect();
    by_distance.sort_by_key(|&(distance, _)| distance);
    by_distance.truncate(OFFERED);
    by_distance.iter().map(|(_, name)| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// A text from a file as part of a line: on one line, in quotes, and not too long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let names = ["size", "PRICE", "rooms", "prices"];
        assert_eq!(nearest("prise", names), "`PRICE`, `prices`, `size`");
    }

    #[test]
    fn quoted_texts_stay_on_one_line() {
        assert_eq!(quoted("a\nb"), r"`a\nb`");
        assert_eq!(quoted(&"x".repeat(50)), format!("`{}...`", "x".repeat(40)));
    }
}
