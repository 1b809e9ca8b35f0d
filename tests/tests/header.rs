//! The committed header is what the sources give.

use altmin_tests::header;

#[test]
fn the_header_is_fresh() {
    let committed = std::fs::read_to_string(header::path()).expect("include/altmin.h");
    assert!(
        committed == header::generate(),
        "include/altmin.h is out of date: cargo run -p altmin-tests --bin header"
    );
}
