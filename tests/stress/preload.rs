//! C libraries that are loaded into a program before its own.

use std::process::Command;

use crate::support::{Run, TempDir, root, tool};

/// A library of `tests/c`, compiled for `LD_PRELOAD`.
pub struct Preload {
    folder: TempDir,
}

impl Preload {
    /// `None`, with a message, if there is no compiler.
    pub fn build(name: &str) -> Option<Preload> {
        let gcc = tool("gcc")?;
        let folder = TempDir::new();
        let source = root().join("tests/c").join(name).with_extension("c");
        Run::ok(
            Command::new(gcc)
                .args(["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fPIC", "-shared"])
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
                .arg(source)
                .arg("-o")
                .arg(folder.path().join("preload.so")),
        );
        Some(Preload { folder })
    }

    pub fn path(&self) -> String {
        let path = self.folder.path().join("preload.so");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The words before a program that load it, with variables that it reads. A
    /// program that hangs ends with 124.
    pub fn starter(&self, variables: &[String]) -> Vec<String> {
        let words = ["timeout", "60", "env"].map(str::to_owned);
        let preload = format!("LD_PRELOAD={}", self.path());
        [&words[..], &[preload], variables].concat()
    }
}
