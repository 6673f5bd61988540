//! Reading a file: never blocks on a pipe or a device, never exceeds its limit.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::secret::WipedBytes;

use super::Cancel;
#[cfg(unix)]
use super::sys::is_on_read_only_mount;

/// The largest mounted secret, which holds one key or token.
const SECRET_LIMIT: u64 = 64 * 1024;

/// How long a pipe may take to deliver its secret.
const SECRET_TIMEOUT: Duration = Duration::from_secs(5);

/// A file's bytes, and who else may read them.
pub(crate) struct Text {
    pub bytes: WipedBytes,
    /// Permission bits; 0600 where the system has none.
    pub mode: u32,
    /// Whether the file system is mounted read-only, so that the mode cannot be
    /// changed. Known only of a secret that every user can read.
    pub on_read_only_mount: bool,
}

impl Text {
    /// Whether the mode lets group or others read or write it.
    pub(crate) fn open_to_others(&self) -> bool {
        self.mode & 0o066 != 0
    }
}

/// Why a file could not be read, to be put after "PATH ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadProblem {
    #[error("does not exist")]
    Missing,
    #[error("permission denied")]
    Denied,
    #[error("is {0}, not a file")]
    NotAFile(&'static str),
    #[error("is larger than {}", size_text(*.0))]
    TooLarge(u64),
    #[error("has too many levels of symbolic links")]
    LinkLoop,
    #[error("timed out after {0} s waiting for end of file")]
    TimedOut(u64),
    #[error("cancelled")]
    Cancelled,
    #[error("cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for ReadProblem {
    fn from(error: io::Error) -> ReadProblem {
        match error.kind() {
            io::ErrorKind::NotFound => return ReadProblem::Missing,
            io::ErrorKind::PermissionDenied => return ReadProblem::Denied,
            _ => {}
        }
        #[cfg(unix)]
        match error.raw_os_error() {
            Some(libc::ELOOP) => return ReadProblem::LinkLoop,
            // The error for opening a socket, or a device without a driver.
            Some(libc::ENXIO) => return ReadProblem::NotAFile("a socket or a device"),
            _ => {}
        }
        ReadProblem::Io(error)
    }
}

fn size_text(size: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match size {
        size if size >= MIB && size % MIB == 0 => format!("{} MiB", size / MIB),
        size if size >= KIB && size % KIB == 0 => format!("{} KiB", size / KIB),
        size => format!("{size} bytes"),
    }
}

/// Whether the file is missing. A file that cannot be examined may exist.
pub(crate) fn is_missing(path: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    let found = std::fs::metadata(path);
    found.is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

/// Reads a dotfile of at most `limit` bytes; `None` for a missing file, a
/// dangling link and the null device.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Text>, ReadProblem> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let meta = file.metadata()?;
    if meta.is_file() {
        let bytes = contents(&file, meta.len(), limit)?;
        Ok(Some(text(bytes, &meta)))
    } else if is_null_device(&meta) {
        Ok(None)
    } else {
        Err(ReadProblem::NotAFile(kind(meta.file_type())))
    }
}

/// Reads a file that holds a single secret: a mounted file, or a pipe that the
/// shell makes for `<(command)`.
pub(crate) fn read_secret(path: &Path, cancel: Cancel) -> Result<Text, ReadProblem> {
    let file = open(path)?;
    let meta = file.metadata()?;
    let bytes = if meta.is_file() {
        contents(&file, meta.len(), SECRET_LIMIT)?
    } else if is_pipe(&meta) {
        pipe(&file, SECRET_LIMIT, SECRET_TIMEOUT, cancel)?
    } else if is_null_device(&meta) {
        WipedBytes::default()
    } else {
        return Err(ReadProblem::NotAFile(kind(meta.file_type())));
    };
    let mut text = text(bytes, &meta);
    text.on_read_only_mount = text.mode & 0o006 != 0 && is_on_read_only_mount(&file);
    Ok(text)
}

/// Opens without waiting for the other end of a pipe, and without acquiring a
/// controlling terminal. Std adds close-on-exec.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    options.open(path)
}

/// The whole file from its beginning, independent of the file offset.
pub(super) fn contents(file: &File, size: u64, limit: u64) -> Result<WipedBytes, ReadProblem> {
    if size > limit {
        return Err(ReadProblem::TooLarge(limit));
    }
    // One byte more than the file's size: while that byte stays unused, no
    // second read is needed to find the end. Files in /proc report size 0 and
    // are not empty, so an empty file gets a buffer as well.
    let room = if size > 0 { size } else { limit.min(4095) };
    let mut bytes = zeros(room.saturating_add(1));
    let mut len = 0;
    loop {
        match read_at(file, &mut bytes[len..], len as u64) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        if len as u64 == size {
            break;
        }
        if len as u64 > limit {
            return Err(ReadProblem::TooLarge(limit));
        }
        if len == bytes.len() {
            // The file grew while it was read. The smaller buffer is wiped on drop.
            let mut bigger = zeros((2 * len as u64).min(limit).saturating_add(1));
            bigger[..len].copy_from_slice(&bytes);
            bytes = bigger;
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

fn zeros(size: u64) -> WipedBytes {
    WipedBytes::new(vec![0; usize::try_from(size).unwrap_or(usize::MAX)])
}

/// Everything written to a pipe until its last writer closes it.
#[cfg(unix)]
pub(super) fn pipe(
    mut file: &File,
    limit: u64,
    timeout: Duration,
    cancel: Cancel,
) -> Result<WipedBytes, ReadProblem> {
    use std::io::Read;

    /// Short enough to poll for cancellation every 100 ms.
    const SLICE: Duration = Duration::from_millis(50);
    let until = Instant::now() + timeout;
    let mut bytes = zeros(limit + 1);
    let mut len = 0;
    loop {
        if cancel() {
            return Err(ReadProblem::Cancelled);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ReadProblem::TimedOut(timeout.as_secs()));
        }
        let state = super::sys::wait_for_input(file, left.min(SLICE))?;
        if !state.readable && !state.closed {
            continue;
        }
        match file.read(&mut bytes[len..]) {
            // A named pipe without a writer yet reads as end of file, too; it is
            // the end only after a writer has closed it.
            Ok(0) if state.closed => break,
            Ok(0) => std::thread::sleep(SLICE.min(left)),
            Ok(count) => len += count,
            Err(error) if is_transient(&error) => {}
            Err(error) => return Err(error.into()),
        }
        if len as u64 > limit {
            return Err(ReadProblem::TooLarge(limit));
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg(unix)]
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
fn text(bytes: WipedBytes, meta: &Metadata) -> Text {
    use std::os::unix::fs::MetadataExt;
    Text {
        bytes,
        mode: meta.mode() & 0o7777,
        on_read_only_mount: false,
    }
}

/// How messages call what is not a regular file.
#[cfg(unix)]
pub(super) fn kind(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
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

#[cfg(unix)]
fn is_pipe(meta: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&meta.file_type())
}

/// Whether it is the null device, by any name: a container may mount it over a
/// file.
#[cfg(unix)]
fn is_null_device(meta: &Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    meta.file_type().is_char_device()
        && std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == meta.rdev())
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(windows)]
fn text(bytes: WipedBytes, _: &Metadata) -> Text {
    Text {
        bytes,
        mode: 0o600,
        on_read_only_mount: false,
    }
}

#[cfg(windows)]
fn is_on_read_only_mount(_: &File) -> bool {
    false
}

#[cfg(windows)]
pub(super) fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a directory"
    } else {
        "a device"
    }
}

#[cfg(windows)]
fn is_pipe(_: &Metadata) -> bool {
    false
}

#[cfg(windows)]
fn is_null_device(_: &Metadata) -> bool {
    false
}

#[cfg(windows)]
fn pipe(_: &File, _: u64, _: Duration, _: Cancel) -> Result<WipedBytes, ReadProblem> {
    Err(ReadProblem::NotAFile("a pipe"))
}
