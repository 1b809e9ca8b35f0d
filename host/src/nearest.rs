//! Names that somebody may have meant.

/// At most so many names are offered.
const MOST: usize = 3;

/// The names nearest to `typed`, nearest first, of those that a slip or two of the pen would turn into it.
///
/// A slip is a letter too many, too few, or another one. A name of `n` letters may be `max(2, n / 3)` slips away; one
/// that begins as `typed` does is always near. Empty where nothing is.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|&(slips, name)| {
            let length = name.chars().count();
            let begins = !typed.is_empty() && name.starts_with(typed);
            begins || (slips <= 2.max(length / 3) && slips < length)
        })
        .collect();
    found.sort_by_key(|&(slips, _)| slips);
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// `, did you mean A or B?`, or nothing where no name is near.
pub fn did_you_mean<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(typed, names).join(" or ") {
        near if near.is_empty() => near,
        near => format!(", did you mean {near}?"),
    }
}

/// Levenshtein's distance: the fewest letters inserted, deleted or replaced that turn one text into the other.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // row[j]: the distance between what has been read of `from` and the first j letters of `to`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_known_pairs() {
        let pairs = [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("flaw", "lawn", 2),
            ("saturday", "sunday", 3),
            ("rho", "rho", 0),
        ];
        for (from, to, slips) in pairs {
            assert_eq!((distance(from, to), distance(to, from)), (slips, slips), "{from} {to}");
        }
    }

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let methods = ["pdadmm", "dladmm", "dlam", "gd", "adam"];
        assert_eq!(nearest("adma", methods), ["adam"]);
        assert_eq!(nearest("pdamm", methods)[0], "pdadmm");
        assert_eq!(nearest("learn", ["batch", "learning-rate"]), ["learning-rate"]);
        assert!(nearest("momentum", methods).is_empty());
        assert!(nearest("", methods).is_empty());
        assert_eq!(did_you_mean("adma", methods), ", did you mean adam?");
        assert_eq!(did_you_mean("momentum", methods), "");
    }
}
