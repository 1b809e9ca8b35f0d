//! The shared library's soname, which carries the major version, and the minor one too while that is 0.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let version = if major == "0" { format!("{major}.{minor}") } else { major.to_owned() };
    println!("cargo::rustc-env=ALTMIN_SONAME=libaltmin.so.{version}");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-soname,libaltmin.so.{version}");
    }
}
