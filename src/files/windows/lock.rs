//! The lock of a file: a second file beside it, open for one process alone. It
//! goes when its handle is closed, also by the end of a killed process.

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DELETE_PENDING, ERROR_SHARING_VIOLATION, ERROR_WRITE_PROTECT,
    GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_TEMPORARY, FILE_FLAG_DELETE_ON_CLOSE,
};

use super::super::sys::is_error;
use super::super::wait::LockWait;
use super::{WriteProblem, beside, is_without_directory};

/// The end of its name.
pub(super) const SUFFIX: &str = ".wandb-login-lock";

/// A file that is being deleted denies access for a moment. A directory that
/// cannot be written denies it for longer.
const DELETION_TIMEOUT: Duration = Duration::from_secs(1);

/// The lock of a file, until it is dropped. `None` in a directory where no file
/// can be created: the file can only be written in place there, and is opened
/// for that without sharing.
pub(super) struct Lock(Option<File>);

impl Lock {
    pub(super) fn take(path: &Path, wait: &LockWait) -> Result<Lock, WriteProblem> {
        let name = beside(path, SUFFIX);
        let mut denied: Option<Instant> = None;
        loop {
            let error = match open(&name) {
                Ok(file) => return Ok(Lock(Some(file))),
                Err(error) => error,
            };
            if is_error(&error, &[ERROR_ACCESS_DENIED]) {
                let since = *denied.get_or_insert_with(Instant::now);
                if since.elapsed() >= DELETION_TIMEOUT && !name.exists() {
                    return Ok(Lock(None));
                }
            } else if is_error(&error, &[ERROR_SHARING_VIOLATION, ERROR_DELETE_PENDING]) {
                denied = None;
            } else if is_error(&error, &[ERROR_WRITE_PROTECT]) {
                return Ok(Lock(None));
            } else if is_without_directory(&error) {
                return Err(WriteProblem::NoDirectory);
            } else {
                return Err(WriteProblem::when("its lock file cannot be created")(error));
            }
            wait.pause()?;
        }
    }

    /// Whether no other process that uses this library can change the file.
    pub(super) fn is_exclusive(&self) -> bool {
        self.0.is_some()
    }
}

fn open(name: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .access_mode(GENERIC_WRITE | DELETE)
        .share_mode(0)
        .attributes(FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_TEMPORARY)
        .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
        .open(name)
}
