//! How lines are told apart: by colour, and by dashes for those who do not see it.

/// Colours on white with a contrast of 3 or more that people who confuse red and green can tell apart, after Okabe and Ito;
/// `page.css` has those on black.
const COLORS: [&str; 8] =
    ["#0072b2", "#c24d00", "#00805d", "#a8478a", "#946400", "#5b5b5b", "#4a3fb5", "#8a1538"];

/// Lengths of dashes and gaps; the first line has none.
const DASHES: [&str; 6] = ["none", "8 4", "2 3", "10 3 2 3", "5 2", "12 3 2 3 2 3"];

/// The colour and the dashes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    color: usize,
    dash: usize,
}

impl Look {
    /// Of the member of a group: groups differ in colour, all else in dashes.
    pub(super) fn of(group: usize, member: usize) -> Self {
        Self { color: group % COLORS.len(), dash: (group + member) % DASHES.len() }
    }

    /// The class by which a page may give it another colour.
    pub(super) fn class(self) -> String {
        format!("color-{}", self.color)
    }

    /// The colour on white.
    pub(super) fn color(self) -> &'static str {
        COLORS[self.color]
    }

    /// The value of `stroke-dasharray`.
    pub(super) fn dashes(self) -> &'static str {
        DASHES[self.dash]
    }
}
