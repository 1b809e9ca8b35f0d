//! Writes `include/altmin.h` anew.

fn main() -> std::io::Result<()> {
    std::fs::write(altmin_tests::header::path(), altmin_tests::header::generate())
}
