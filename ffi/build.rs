//! The shared library's soname, which carries the major version.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (os, major) = (std::env::var("CARGO_CFG_TARGET_OS"), std::env::var("CARGO_PKG_VERSION_MAJOR"));
    if let (Ok("linux"), Ok(major)) = (os.as_deref(), major) {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-soname,libaltmin.so.{major}");
    }
}
