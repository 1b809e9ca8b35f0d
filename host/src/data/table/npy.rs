//! NumPy's file of one array, `.npy`, versions 1 to 3.

use std::path::Path;

use crate::data::nearest::quoted;
use crate::error::{Error, Result};
use crate::half::half;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The kinds of elements that are read, for messages.
const KINDS: &str = "numbers, bool or text (object arrays need pickle: save them with another dtype)";

/// An array's elements, the last index fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Elements {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// How an element lies in the file.
#[derive(Clone, Copy)]
struct Kind {
    big_endian: bool,
    letter: u8,
    /// Bytes of an element.
    size: usize,
}

/// Reads an array; `name` is what messages call it, if it is one of several.
///
/// # Errors
/// [`Error::Format`] for bytes that are no such file, elements that are no numbers, bools or texts, and another number of elements
/// than the shape has.
pub(crate) fn read(path: &Path, name: &str, bytes: &[u8]) -> Result<Array> {
    let refuse = |found: String, expected: &str| {
        let of = if name.is_empty() { String::new() } else { format!(" in array {}", quoted(name)) };
        Error::format(path, found + &of, expected)
    };
    let no_array = || refuse("no whole header".to_owned(), "an array as numpy.save writes it");
    let (header, data) = header(bytes).ok_or_else(no_array)?;
    let kind_text = entry(header, "descr").ok_or_else(no_array)?;
    let kind = kind(kind_text).ok_or_else(|| refuse(format!("elements {}", quoted(kind_text)), KINDS))?;
    let is_fortran = match entry(header, "fortran_order").ok_or_else(no_array)? {
        "True" => true,
        "False" => false,
        _ => return Err(no_array()),
    };
    let shape = entry(header, "shape").and_then(shape).ok_or_else(no_array)?;
    let count = shape.iter().try_fold(1usize, |count, &side| count.checked_mul(side));
    if count.and_then(|count| count.checked_mul(kind.size)) != Some(data.len()) {
        let expected = format!("those of {shape:?} elements of {} bytes", kind.size);
        return Err(refuse(format!("{} bytes", data.len()), &expected));
    }
    if data.is_empty() {
        // A side without elements leaves the others free to claim any number of columns.
        return Err(refuse(format!("no elements, of shape {shape:?}"), "at least one"));
    }
    let order = order(&shape, is_fortran, data.len() / kind.size.max(1));
    let element = |place: usize| &data[place * kind.size..][..kind.size];
    let elements = match kind.letter {
        b'U' | b'S' => {
            let text = |place| text(kind, element(place));
            let texts: Option<Vec<String>> = order.map(text).collect();
            Elements::Texts(texts.ok_or_else(|| refuse("a text that is none".to_owned(), "text in Unicode"))?)
        }
        _ => Elements::Numbers(order.map(|place| number(kind, element(place))).collect()),
    };
    Ok(Array { shape, elements })
}

/// The header's dictionary, and the bytes after it.
fn header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (&[version, _], rest) = rest.split_first_chunk()?;
    let (length, rest) = match version {
        1 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// The value of a key of the dictionary, quotes and brackets left out.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    let after = after.trim_start();
    let mut characters = after.chars();
    let end = match characters.next()? {
        '\'' => '\'',
        '(' => ')',
        _ => return after.split([',', '}']).next().map(str::trim),
    };
    characters.as_str().split_once(end).map(|(value, _)| value)
}

fn shape(text: &str) -> Option<Vec<usize>> {
    let sides = text.split(',').map(str::trim).filter(|side| !side.is_empty());
    sides.map(|side| side.parse().ok()).collect()
}

fn kind(text: &str) -> Option<Kind> {
    let (big_endian, rest) = match *text.as_bytes().first()? {
        b'>' => (true, &text[1..]),
        b'<' | b'|' | b'=' => (false, &text[1..]),
        _ => return None,
    };
    let letter = *rest.as_bytes().first()?;
    let width: usize = rest.get(1..)?.parse().ok()?;
    let size = match (letter, width) {
        (b'f', 2 | 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1) => width,
        (b'U', 1..) => width.checked_mul(4)?,
        (b'S', 1..) => width,
        _ => return None,
    };
    Some(Kind { big_endian, letter, size })
}

/// The places of elements in the file, in the order of the last index fastest.
fn order(shape: &[usize], is_fortran: bool, count: usize) -> impl Iterator<Item = usize> {
    let shape = shape.to_vec();
    (0..count).map(move |index| {
        if !is_fortran {
            return index;
        }
        let (mut rest, mut stride, mut place) = (index, count, 0);
        for &side in shape.iter().rev() {
            stride /= side;
            place += rest % side * stride;
            rest /= side;
        }
        place
    })
}

fn number(kind: Kind, bytes: &[u8]) -> f64 {
    let mut little = [0; 8];
    little[..bytes.len()].copy_from_slice(bytes);
    if kind.big_endian {
        little[..bytes.len()].reverse();
    }
    let bits = u64::from_le_bytes(little);
    match (kind.letter, kind.size) {
        (b'f', 2) => half(bits as u16),
        (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
        (b'f', _) => f64::from_bits(bits),
        (b'i', size) => {
            let unused = 64 - 8 * size as u32;
            ((bits << unused) as i64 >> unused) as f64
        }
        _ => bits as f64,
    }
}

/// A text, without the zeros that fill it up.
fn text(kind: Kind, bytes: &[u8]) -> Option<String> {
    let text = if kind.letter == b'S' {
        std::str::from_utf8(bytes).ok()?.to_owned()
    } else {
        let code = |bytes: &[u8; 4]| {
            char::from_u32(if kind.big_endian {
                u32::from_be_bytes(*bytes)
            } else {
                u32::from_le_bytes(*bytes)
            })
        };
        bytes.as_chunks().0.iter().map(code).collect::<Option<String>>()?
    };
    Some(text.trim_end_matches('\0').to_owned())
}
