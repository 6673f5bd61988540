//! The program, compiled once against the shared library.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{self, Run};

/// `None` where there is no C compiler.
pub fn build() -> Option<PathBuf> {
    let cc = support::tool("cc")?;
    let tests = std::env::current_exe().expect("the test's own path");
    let library = support::built_library("libwandb_login.so");
    // Beside the test's own binary: it is rebuilt with it and removed by `cargo clean`.
    let program = tests.with_extension("c-program");
    Run::ok(
        Command::new(cc)
            .args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg("-I")
            .arg(support::root().join("include"))
            .arg(support::root().join("tests/cli/program.c"))
            .arg(&library),
    );
    Some(program)
}

/// Where the loader finds the library under its soname.
pub fn variables() -> [(&'static str, PathBuf); 1] {
    static FOLDER: OnceLock<support::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(support::library);
    [("LD_LIBRARY_PATH", folder.path().to_owned())]
}
