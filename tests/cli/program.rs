//! The C program of these tests, built against the library that is tested.

#[cfg_attr(unix, path = "program/unix.rs")]
#[cfg_attr(windows, path = "program/windows.rs")]
mod platform;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::Home;

/// Whether there is the program. Where not, the reason is said loudly.
pub fn is_built() -> bool {
    path().is_some()
}

/// The program, in a home.
pub fn command(home: &Home) -> Command {
    let mut command = home.command(path().expect("the program is built"));
    command.envs(platform::variables());
    command
}

fn path() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(platform::build).as_deref()
}
