//! Text of HTML and SVG that is well-formed as XML too, and in which nothing from a file can become markup.

use crate::units::printable;
use serde::Serialize;
use std::fmt::{Display, Write as _};
use std::io;

/// Names of attributes with their values.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// Markup that grows at its end. Names of elements and attributes are the program's own; texts and values are escaped.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// An element with what `content` writes.
    pub(super) fn within(&mut self, name: &str, attributes: Attributes<'_>, content: impl FnOnce(&mut Self)) {
        self.begin(name, attributes);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// An element with a text.
    pub(super) fn element(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.within(name, attributes, |markup| markup.text(text));
    }

    /// An element that ends where it begins: one of HTML that has no content, or a shape.
    pub(super) fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.begin(name, attributes);
        self.0.push_str("/>");
    }

    fn begin(&mut self, name: &str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            // Writing to a String cannot fail.
            let _ = write!(self.0, " {attribute}=\"");
            self.text(&value.to_string());
            self.0.push('"');
        }
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        for character in printable(text).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // No character of XML.
                '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                _ => self.0.push(character),
            }
        }
    }

    /// A part of the program itself, as it is.
    pub(super) fn own(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    /// A value as JSON that neither ends the element around it nor is markup.
    ///
    /// # Errors
    /// A value that is no JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        for character in serde_json::to_string(value)?.chars() {
            match character {
                '&' | '<' | '>' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.0, "\\u{:04x}", u32::from(character));
                }
                _ => self.0.push(character),
            }
        }
        Ok(())
    }

    /// More markup.
    pub(super) fn append(&mut self, more: Self) {
        self.0.push_str(&more.0);
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_are_no_markup() {
        let mut markup = Markup::default();
        markup.element("p", &[("title", &"\"><b>")], "<i>&\u{1}\u{ffff}");
        assert_eq!(markup.into_text(), "<p title=\"&quot;&gt;&lt;b&gt;\">&lt;i&gt;&amp;\\u{1}\u{fffd}</p>");
    }

    #[test]
    fn json_does_not_end_its_script() {
        let mut markup = Markup::default();
        markup.json(&"</script>]]>&").expect("a text");
        assert_eq!(markup.into_text(), r#""\u003c/script\u003e]]\u003e\u0026""#);
    }
}
