//! The library as a user installs it: built by CMake in release, once for all
//! tests. Include it with `#[path = …] mod prefix` beside `mod support`.

#![allow(unreachable_pub)] // several test binaries share this file
#![allow(dead_code)] // each test file uses its own part of this

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Run, root, tool};

/// A folder of `target` that outlives the test.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(name)
}

/// Where cargo builds for CMake: shared, since the release library takes long.
pub fn cargo_folder() -> PathBuf {
    folder("cmake-build").join("cargo")
}

/// A configuration of a CMake project in a build folder.
pub fn configure(cmake: &Path, source: &Path, build: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(cmake);
    command.arg("-S").arg(source).arg("-B").arg(build);
    for (name, value) in variables {
        command.arg(format!("-D{name}={value}"));
    }
    command
}

/// Variables of cargo: the library is built without link-time optimization, which takes most
/// of the time. What `release/make` builds has it; `tests/packages` uses that.
pub const CARGO_VARIABLES: [(&str, &str); 2] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

pub fn build(cmake: &Path, folder: &Path) -> Run {
    let mut command = Command::new(cmake);
    command.arg("--build").arg(folder).envs(CARGO_VARIABLES);
    Run::ok(&mut command)
}

/// The install prefix; `None`, loudly, where CMake is missing.
pub fn prefix() -> Option<&'static Path> {
    static ONCE: OnceLock<Option<PathBuf>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let cmake = tool("cmake")?;
        // Test files run as processes of their own.
        let lock = fs::File::create(folder("cmake-build.lock")).expect("a lock file");
        lock.lock().expect("the lock");
        let (made, prefix) = (folder("cmake-build"), folder("cmake-prefix"));
        Run::ok(&mut configure(
            &cmake,
            &root().join("bindings/cpp"),
            &made,
            &[("CMAKE_INSTALL_LIBDIR", "lib")],
        ));
        build(&cmake, &made);
        let _ = fs::remove_dir_all(&prefix);
        Run::ok(
            Command::new(&cmake)
                .arg("--install")
                .arg(&made)
                .arg("--prefix")
                .arg(&prefix),
        );
        Some(prefix)
    })
    .as_deref()
}
