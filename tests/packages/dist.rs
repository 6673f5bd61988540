//! Where `release/make` writes its files, and how they are named.

use std::path::PathBuf;

use crate::support::{root, skip};

/// The version of all packages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The target of this machine: packages for it can be installed and run here.
pub(crate) const HOST: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

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
    let targets = [
        "x86_64-unknown-linux-gnu",
        "aarch64-unknown-linux-gnu",
        "x86_64-unknown-linux-musl",
        "aarch64-unknown-linux-musl",
        "x86_64-pc-windows-gnu",
    ];
    let target = targets.iter().find(|target| name.contains(*target));
    let target = target.unwrap_or(&HOST);
    skip(&format!(
        "target/dist/{name} is missing: run `release/make {target}`"
    ));
    None
}
