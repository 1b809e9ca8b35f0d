//! Names for somebody who has misspelt one.

/// How many names are offered.
const OFFERED: usize = 3;

/// The names nearest to `text` by edit distance, upper and lower case taken as one, the nearest first and quoted.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let text = text.to_lowercase();
    let mut by_distance: Vec<_> =
        names.into_iter().map(|name| (edit_distance(&text, &name.to_lowercase()), name)).collect();
    by_distance.sort_by_key(|&(distance, _)| distance);
    by_distance.truncate(OFFERED);
    by_distance.iter().map(|(_, name)| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// The fewest insertions, deletions and replacements of a character that turn one text into the other (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        // What stood in the row before at the place to the left.
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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
    fn distances_known_from_textbooks() {
        for (a, b, distance) in [
            ("kitten", "sitting", 3),
            ("saturday", "sunday", 3),
            ("", "abc", 3),
            ("flaw", "lawn", 2),
            ("a", "a", 0),
        ] {
            assert_eq!((edit_distance(a, b), edit_distance(b, a)), (distance, distance), "{a} {b}");
        }
    }

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
