//! Opening and examining a file on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_CANT_RESOLVE_FILENAME, ERROR_FILE_NOT_FOUND, ERROR_INVALID_NAME, ERROR_SHARING_VIOLATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE, GetFileType,
};

use super::{Access, Kind, ReadProblem};
use crate::files::sys::is_error;
use crate::files::windows::access::AccessList;
use crate::files::windows::is_locked;

/// The user of this process, for messages.
pub(super) fn this_user() -> String {
    "this user".to_owned()
}

/// How long another program may keep the file open for itself alone: a virus scanner
/// does. Shorter than the interval at which a caller may cancel.
const EXCLUSIVE_TIMEOUT: Duration = Duration::from_millis(90);

/// Opens a file, and a directory too, which `examine` then names.
pub(in crate::files) fn open(path: &Path) -> io::Result<File> {
    open_unless(path, |error| is_error(error, &[ERROR_SHARING_VIOLATION]))
}

/// Opens a file for reading only. One that is missing while another process holds its
/// lock may be about to be replaced: not every file system replaces an open file in
/// one step.
pub(super) fn open_settled(path: &Path) -> io::Result<File> {
    open_unless(path, |error| {
        is_error(error, &[ERROR_SHARING_VIOLATION])
            || is_error(error, &[ERROR_FILE_NOT_FOUND]) && is_locked(path)
    })
}

/// Opens a file, and tries again for a while after a passing error. A file whose name the
/// system does not allow is a missing one.
fn open_unless(path: &Path, is_passing: impl Fn(&io::Error) -> bool) -> io::Result<File> {
    let until = Instant::now() + EXCLUSIVE_TIMEOUT;
    loop {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path);
        match opened {
            Err(error) if is_passing(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if is_error(&error, &[ERROR_INVALID_NAME]) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            opened => return opened,
        }
    }
}

/// What was opened at a path.
pub(in crate::files) fn examine(file: &File, path: &Path) -> io::Result<Kind> {
    // SAFETY: the handle is open for the call.
    Ok(match unsafe { GetFileType(file.as_raw_handle()) } {
        FILE_TYPE_DISK => {
            let meta = file.metadata()?;
            match meta.is_dir() {
                true => Kind::Other("a directory"),
                // A file system without access lists says nothing about others.
                false => {
                    let list = AccessList::of(file).ok();
                    let access = list.map(|list| list.access()).unwrap_or_default();
                    Kind::File(meta.len(), access)
                }
            }
        }
        FILE_TYPE_PIPE => Kind::Pipe,
        FILE_TYPE_CHAR if is_named_nul(path) => Kind::NullDevice,
        _ => Kind::Other("a device"),
    })
}

/// Whether a path that leads to a device leads to the null device: `NUL`,
/// `C:\folder\nul`, `\\.\NUL`, `NUL.txt`.
fn is_named_nul(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    let name = name.rsplit(|byte| b"\\/".contains(byte)).next();
    let stem = name.and_then(|name| name.split(|byte| b".:".contains(byte)).next());
    stem.is_some_and(|stem| stem.trim_ascii_end().eq_ignore_ascii_case(b"NUL"))
}

/// Whoever may open a named pipe is the choice of its server.
pub(super) fn pipe_access(_: &File) -> Access {
    Access::default()
}

/// The problem that a system error stands for.
pub(super) fn known_problem(error: &io::Error) -> Option<ReadProblem> {
    is_error(error, &[ERROR_CANT_RESOLVE_FILENAME]).then_some(ReadProblem::LinkLoop)
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}
