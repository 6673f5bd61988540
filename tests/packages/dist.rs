//! Where `release/make` writes its files, and how they are named.

#![allow(dead_code)] // each test that shares this file uses its own part of it

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{root, skip};

/// The version of all packages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The target of this machine: packages for it can be installed and run here.
pub(crate) const HOST: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

/// The targets of a release on Linux.
pub(crate) const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-pc-windows-gnu",
];

/// The name of an archive of a target, without extension. It is also the name of the
/// folder in the archive.
pub(crate) fn archive_name(target: &str) -> String {
    format!("wandb-login-{VERSION}-{target}")
}

/// The folder with all files.
pub(crate) fn folder() -> PathBuf {
    root().join("target/dist")
}

/// The path of a file or folder that `release/make` writes. If it is missing, the test
/// says which command writes it, and is passed over; in strict mode it fails.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let path = folder().join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!(
        "target/dist/{name} is missing: run `release/make`"
    ));
    None
}

/// A program that `.ci/tools` installs for these tests from PyPI.
pub(crate) fn packaging_tool(name: &str) -> Option<PathBuf> {
    let folder = tools().join("packaging/bin").join(name);
    if folder.exists() {
        return Some(folder);
    }
    skip(&format!(
        "{} is missing: run `source .ci/tools`",
        folder.display()
    ));
    None
}

/// The folder in which `.ci/tools` installs.
pub(crate) fn tools() -> PathBuf {
    if let Some(folder) = std::env::var_os("WANDB_LOGIN_TOOLS") {
        return PathBuf::from(folder);
    }
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .unwrap_or_else(|| home.join(".cache"))
        .join("wandb-login-tools")
}

/// A copy of a file in which the byte in the middle is another one.
pub(crate) fn damaged(file: &Path, copy: &Path) {
    let mut bytes = fs::read(file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(copy, bytes).expect("its copy");
}
