//! Writes the headers that are made anew.

use altmin_tests::header;

fn main() -> std::io::Result<()> {
    let texts = header::MADE.iter().zip(header::generate());
    texts.into_iter().try_for_each(|(name, text)| std::fs::write(header::include().join(name), text))
}
