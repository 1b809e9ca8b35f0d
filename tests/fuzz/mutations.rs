//! Small changes of an input, the same for the same number: what tests try beside the corpora, without a fuzzer.

/// Changes that inputs are tried with: what readers stumble over.
const WORDS: [&[u8]; 12] = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80",
    b"-1",
    b"1e999",
    b"nan",
    b",",
    b"\n",
    b"\"",
    b"x99999",
    b"\xf0\x9f",
];

/// A number in no order.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// The input after one to four changes.
pub(crate) fn mutated(bytes: &[u8], number: u64) -> Vec<u8> {
    let (mut bytes, mut state) = (bytes.to_vec(), number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for _ in 0..1 + next(&mut state) % 4 {
        let place = next(&mut state) % (bytes.len() + 1);
        let length = (next(&mut state) % 16).min(bytes.len() - place);
        match next(&mut state) % 6 {
            0 if length > 0 => bytes[place] ^= 1 << (next(&mut state) % 8),
            1 if length > 0 => bytes[place] = next(&mut state) as u8,
            2 => bytes.truncate(place),
            3 => drop(bytes.drain(place..place + length)),
            4 => {
                let again = bytes[place..place + length].to_vec();
                bytes.splice(place..place, again);
            }
            _ => {
                let word = WORDS[next(&mut state) % WORDS.len()];
                let end = (place + word.len()).min(bytes.len());
                let end = if next(&mut state).is_multiple_of(2) { place } else { end };
                bytes.splice(place..end, word.iter().copied());
            }
        }
    }
    bytes
}
