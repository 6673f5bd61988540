//! What only Unix has: other users, modes, links, pipes and devices.

mod privileged;
mod sources;
mod storage;
mod unreadable;

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::SERVER;
use crate::support::{Home, Run};

/// A user who owns no files and is not in the user database.
pub(crate) const STRANGER: u32 = 54321;

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command run by a user without root's privileges, in a home of their own.
pub(crate) fn as_plain_user(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.wandb_login(arguments);
    if is_root() {
        let copy = home.path("wandb-login");
        if !copy.exists() {
            // Copied by another process: a child of another thread would inherit
            // the descriptor, and a file open for writing cannot be executed.
            let real = crate::support::wandb_login_path();
            Run::ok(Command::new("cp").arg(real).arg(&copy));
        }
        command = home.command(copy);
        command.args(arguments).uid(STRANGER).gid(STRANGER);
        give(home.base(), STRANGER);
    }
    command.env("WANDB_BASE_URL", SERVER);
    command
}

pub(crate) fn give(path: &Path, owner: u32) {
    let meta = fs::symlink_metadata(path).expect("it is there");
    if meta.is_symlink() {
        return;
    }
    chown(path, Some(owner), Some(owner)).expect("root may");
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            give(&entry.expect("an entry").path(), owner);
        }
    }
}

pub(crate) fn fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the path is a live C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}
