//! Julia, and copies of the package that Julia may write to.

#![allow(dead_code)] // each test file uses its own part of this

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{self, Home, Run};

/// Returns a working Julia; `None`, with a message, if there is none.
pub(crate) fn julia() -> Option<PathBuf> {
    let named = std::env::var_os("WANDB_LOGIN_TEST_JULIA").map(PathBuf::from);
    let julia = named.or_else(|| support::tool("julia"))?;
    // If Julia runs with another libunwind than it was built with, such as that of
    // Debian 11 on Debian 12, exceptions in compiled code crash it.
    let script = r#"f() = error("x"); try; f(); catch; print("caught"); end"#;
    let run = Run::of(
        Home::new()
            .command(&julia)
            .args(["--startup-file=no", "-e", script]),
    );
    if run.stdout != "caught" {
        support::skip("julia crashes when an exception is thrown (see its libunwind)");
        return None;
    }
    Some(julia)
}

/// Copies the package into a folder, because Julia writes a manifest into it, and makes a
/// depot there.
pub(crate) fn install(folder: &Path) {
    copy(
        &support::root().join("bindings/julia"),
        &folder.join("WandbLogin"),
    );
    depot(folder);
}

/// Makes a depot in a folder.
pub(crate) fn depot(folder: &Path) {
    // Pkg needs a registry; an empty one prevents network access.
    let registry = folder.join("depot/registries/Empty");
    fs::create_dir_all(&registry).expect("a folder");
    let text = "name = \"Empty\"\nuuid = \"23338594-aafe-5451-b93e-139f81909106\"\n\
                repo = \"\"\n\n[packages]\n";
    fs::write(registry.join("Registry.toml"), text).expect("a registry");
}

/// The arguments of Julia that select the package in the folder.
pub(crate) fn arguments(folder: &Path) -> [String; 2] {
    let project = folder.join("WandbLogin");
    [
        "--startup-file=no".to_owned(),
        format!("--project={}", project.display()),
    ]
}

/// The variables of Julia that select the depot in the folder.
pub(crate) fn variables(folder: &Path) -> [(&'static str, PathBuf); 1] {
    [("JULIA_DEPOT_PATH", folder.join("depot"))]
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
