//! Gives the shared library its soname, so that a program linked by path
//! records `libwandb_login.so.0` and not the place where it was built.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    // The ABI's number: it changes only when the ABI breaks.
    let abi = var("CARGO_PKG_VERSION_MAJOR");
    match var("CARGO_CFG_TARGET_OS").as_str() {
        "macos" => println!(
            "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libwandb_login.{abi}.dylib"
        ),
        "windows" => {}
        _ => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libwandb_login.so.{abi}"),
    }
}
