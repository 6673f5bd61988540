//! Tests of the CMake package, the pkg-config file and the installation, used by a project
//! of somebody else: [cmake-project](cmake-project).

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

mod support;

#[path = "cmake/bad_input.rs"]
mod bad_input;
#[path = "packages/dist.rs"]
mod dist;
#[path = "cmake/downstream.rs"]
mod downstream;
#[path = "cmake/installed.rs"]
mod installed;
#[path = "support/prefix.rs"]
mod prefix;
#[path = "cmake/windows.rs"]
mod windows;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prefix::prefix;
use support::{Run, TempDir, root, skip, tool};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// CMake, a generator, and the compilers for C and C++.
#[derive(Clone, Copy)]
struct Tools {
    /// The version that `.ci/tools` installs; empty: the one of the system.
    cmake: &'static str,
    generator: &'static str,
    compilers: [&'static str; 2],
}

/// The oldest that are supported.
const OLDEST: Tools = Tools {
    cmake: "3.16",
    generator: "Unix Makefiles",
    compilers: ["gcc-9", "g++-9"],
};
const SYSTEM: Tools = Tools {
    cmake: "",
    generator: "Ninja",
    compilers: ["gcc", "g++"],
};
const NEWEST: Tools = Tools {
    cmake: "4.4",
    generator: "Ninja",
    compilers: ["clang", "clang++"],
};

/// CMake of a version; `None`, with a message, if it is not installed.
fn cmake(version: &str) -> Option<PathBuf> {
    if version.is_empty() {
        return tool("cmake");
    }
    let folder = std::env::var_os("WANDB_LOGIN_TOOLS").unwrap_or_default();
    let name = format!("cmake-{version}/cmake/data/bin/cmake");
    let path = Path::new(&folder).join(name);
    if path.is_file() {
        return Some(path);
    }
    skip(&format!("CMake {version} is not in WANDB_LOGIN_TOOLS"));
    None
}

impl Tools {
    /// A configuration of a project; `None`, with a message, if a tool is not installed.
    fn configuration(
        &self,
        source: &Path,
        build: &Path,
        variables: &[(&str, &str)],
    ) -> Option<Command> {
        tool(if self.generator == "Ninja" {
            "ninja"
        } else {
            "make"
        })?;
        let mut command = prefix::configure(&cmake(self.cmake)?, source, build, variables);
        command.args(["-G", self.generator]);
        for (language, compiler) in ["C", "CXX"].iter().zip(self.compilers) {
            let compiler = tool(compiler)?;
            command.arg(format!(
                "-DCMAKE_{language}_COMPILER={}",
                compiler.display()
            ));
        }
        Some(command)
    }

    fn configure(&self, source: &Path, build: &Path, variables: &[(&str, &str)]) -> Option<Run> {
        let mut command = self.configuration(source, build, variables)?;
        Some(Run::of(&mut command))
    }

    fn build(&self, folder: &Path) -> Run {
        let cmake = cmake(self.cmake).expect("it has configured the folder");
        prefix::build(&cmake, folder)
    }
}

/// An unpacked release: what is installed, and the file for projects around it.
struct Release {
    folder: TempDir,
}

impl Release {
    fn new() -> Option<Release> {
        let folder = TempDir::new();
        let path = folder.path().join("wandb-login");
        Run::ok(Command::new("cp").arg("-a").arg(prefix()?).arg(&path));
        let root_file = root().join("bindings/cpp/cmake/archive/CMakeLists.txt");
        fs::copy(root_file, path.join("CMakeLists.txt")).expect("a copy");
        Some(Release { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("wandb-login")
    }

    /// The archive, and its checksum.
    fn pack(&self) -> (PathBuf, String) {
        let archive = self.folder.path().join("wandb-login.tar.gz");
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(self.folder.path())
            .arg("-czf")
            .arg(&archive);
        Run::ok(tar.arg("wandb-login"));
        let sum = Run::ok(Command::new("sha256sum").arg(&archive)).stdout;
        let sum = sum.split(' ').next().expect("a checksum").to_owned();
        (archive, sum)
    }

    fn library(&self) -> PathBuf {
        self.path().join(format!("lib/libwandb_login.so.{VERSION}"))
    }
}

/// A message of CMake without the line breaks that depend on the length of paths.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
