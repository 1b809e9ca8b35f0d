//! The messages by which processes tell each other what units have written.

use altmin_core::Real;
use altmin_core::executor::{Incoming, Outgoing, Owners, Pieces, Readers};

use super::grid::{Place, Role};

/// What is sent and what is received so that these pieces, one a unit, are where they are read. Pieces that lie side by side and
/// go the same way are one message.
pub(super) fn messages<'a, T: Real, L: Fn(usize) -> usize>(
    place: &Place,
    owners: Owners,
    readers: Readers,
    pieces: Pieces<'a, T, L>,
) -> (Vec<Outgoing<'a>>, Vec<Incoming<'a>>) {
    let (lengths, mut rest) = pieces.into_parts();
    let lengths: Vec<(usize, usize)> = lengths.collect();
    let (mut outgoing, mut incoming) = (Vec::new(), Vec::new());
    let mut unit = 0;
    while unit < lengths.len() {
        let role = |unit| place.role(owners, readers, unit, lengths.len());
        let (own, mut end, mut elements) = (role(unit), unit + 1, lengths[unit].0);
        while end < lengths.len() && lengths[end - 1].1 == 0 && role(end) == own {
            elements += lengths[end].0;
            end += 1;
        }
        let (piece, others) = rest.split_at_mut(elements);
        rest = &mut others[lengths[end - 1].1..];
        match own {
            _ if elements == 0 => {}
            Role::None => {}
            Role::To(cells) => {
                let values = T::values(piece);
                outgoing.extend(place.others(cells).map(|to| Outgoing { to, values }));
            }
            Role::From(from) => incoming.push(Incoming { from, values: T::values_mut(piece) }),
        }
        unit = end;
    }
    (outgoing, incoming)
}
