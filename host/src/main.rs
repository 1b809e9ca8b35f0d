//! altmin.
fn main() {}
