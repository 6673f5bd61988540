//! Opening and examining a file on Unix.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{Access, Kind, ReadProblem};
use crate::files::sys;

/// The user of this process, for messages. In a container it may have no name.
pub(super) fn this_user() -> String {
    format!("user {}", sys::effective_user())
}

/// Opens without waiting for the other end of a pipe, and without acquiring a
/// controlling terminal. Std adds close-on-exec.
pub(in crate::files) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// The id of this user, if a regular file belongs to root and this user may not read it.
pub(crate) fn user_refused_by_root(path: &Path) -> Option<u32> {
    let found = std::fs::metadata(path).ok()?;
    let user = sys::effective_user();
    let refused = || open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    (found.is_file() && found.uid() == 0 && user != 0 && refused()).then_some(user)
}

/// Opens a file for reading only. A path leads to a whole file at any time.
pub(super) fn open_settled(path: &Path) -> io::Result<File> {
    open(path)
}

/// What was opened. Its path does not matter.
pub(in crate::files) fn examine(file: &File, _: &Path) -> io::Result<Kind> {
    let meta = file.metadata()?;
    let found = meta.file_type();
    Ok(if meta.is_file() {
        Kind::File(meta.len(), access(&meta))
    } else if found.is_fifo() {
        Kind::Pipe
    } else if is_null_device(&meta) {
        Kind::NullDevice
    } else {
        Kind::Other(kind(found))
    })
}

fn access(meta: &Metadata) -> Access {
    Access {
        others: meta.mode() & 0o066 != 0,
        everyone: meta.mode() & 0o006 != 0,
    }
}

/// Who else may open the pipe.
pub(super) fn pipe_access(file: &File) -> Access {
    file.metadata()
        .map(|meta| access(&meta))
        .unwrap_or_default()
}

/// How messages call what is not a regular file.
pub(in crate::files) fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a directory"
    } else if found.is_fifo() {
        "a pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Whether it is the null device, by any name: a container may mount it over a
/// file.
fn is_null_device(meta: &Metadata) -> bool {
    meta.file_type().is_char_device()
        && std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == meta.rdev())
}

/// The problem that a system error stands for.
pub(super) fn known_problem(error: &io::Error) -> Option<ReadProblem> {
    match error.raw_os_error()? {
        libc::ELOOP => Some(ReadProblem::LinkLoop),
        // The error for opening a socket, or a device without a driver.
        libc::ENXIO => Some(ReadProblem::NotAFile("a socket or a device")),
        _ => None,
    }
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    FileExt::read_at(file, buffer, offset)
}
