//! Reading a file: never blocks on a pipe or a device, never exceeds its limit.

#[cfg(unix)]
#[path = "read/unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "read/windows.rs"]
mod platform;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::secret::WipedBytes;

use super::{Cancel, sys};

pub(super) use platform::examine;
#[cfg(unix)]
pub(super) use platform::kind;
#[cfg(windows)]
pub(super) use platform::open;
#[cfg(unix)]
pub(crate) use platform::user_refused_by_root;

/// The largest mounted secret, which holds one key or token.
const SECRET_LIMIT: u64 = 64 * 1024;

/// How long a pipe may take to deliver its secret.
const SECRET_TIMEOUT: Duration = Duration::from_secs(5);

/// How many times a file is opened that is replaced while it is read.
const MAX_ATTEMPTS: u32 = 10;

/// Which other users may read or write a file, by its mode or access list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub others: bool,
    /// Every user of the machine.
    pub everyone: bool,
}

/// A file's bytes, and who else may read them.
pub(crate) struct Text {
    pub bytes: WipedBytes,
    pub access: Access,
    /// Whether the file system is mounted read-only, so that the access cannot be
    /// changed. Known only of a secret that every user can read.
    pub on_read_only_mount: bool,
}

/// What a path leads to.
pub(super) enum Kind {
    /// A regular file, and its size.
    File(u64, Access),
    Pipe,
    NullDevice,
    /// What messages call it.
    Other(&'static str),
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
        platform::known_problem(&error).unwrap_or(ReadProblem::Io(error))
    }
}

impl ReadProblem {
    /// What the user can do about it, for a message.
    pub(crate) fn remedy(&self) -> String {
        let remedy = match self {
            ReadProblem::Missing => "mount the file",
            ReadProblem::Denied => {
                return format!("give {} the right to read it", platform::this_user());
            }
            ReadProblem::NotAFile(_) | ReadProblem::TooLarge(_) | ReadProblem::TimedOut(_) => {
                "name another file"
            }
            ReadProblem::LinkLoop => "correct the link",
            ReadProblem::Cancelled | ReadProblem::Io(_) => "try again",
        };
        remedy.to_owned()
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
    again_if_stale(|| read_once(path, limit))
}

fn read_once(path: &Path, limit: u64) -> Result<Option<Text>, ReadProblem> {
    let file = match platform::open_settled(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match examine(&file, path)? {
        Kind::File(size, access) => Ok(Some(Text {
            bytes: contents(&file, size, limit)?,
            access,
            on_read_only_mount: false,
        })),
        Kind::NullDevice => Ok(None),
        Kind::Pipe => Err(ReadProblem::NotAFile("a pipe")),
        Kind::Other(kind) => Err(ReadProblem::NotAFile(kind)),
    }
}

/// Reads a file that holds a single secret: a mounted file, or a pipe that the
/// shell makes for `<(command)`.
pub(crate) fn read_secret(path: &Path, cancel: Cancel) -> Result<Text, ReadProblem> {
    again_if_stale(|| read_secret_once(path, cancel))
}

fn read_secret_once(path: &Path, cancel: Cancel) -> Result<Text, ReadProblem> {
    let file = platform::open_settled(path)?;
    let (bytes, access) = match examine(&file, path)? {
        Kind::File(size, access) => (contents(&file, size, SECRET_LIMIT)?, access),
        Kind::Pipe => {
            let bytes = pipe(&file, SECRET_LIMIT, SECRET_TIMEOUT, cancel)?;
            (bytes, platform::pipe_access(&file))
        }
        Kind::NullDevice => (WipedBytes::default(), Access::default()),
        Kind::Other(kind) => return Err(ReadProblem::NotAFile(kind)),
    };
    Ok(Text {
        bytes,
        access,
        on_read_only_mount: access.everyone && sys::is_on_read_only_mount(&file),
    })
}

/// On a network file system, a file that another host replaces while it is open
/// cannot be read any more: the path then leads to the new file.
fn again_if_stale<T>(read: impl Fn() -> Result<T, ReadProblem>) -> Result<T, ReadProblem> {
    for _ in 1..MAX_ATTEMPTS {
        match read() {
            Err(ReadProblem::Io(error)) if is_stale(&error) => {}
            done => return done,
        }
    }
    read()
}

pub(super) fn is_stale(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StaleNetworkFileHandle
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
        match platform::read_at(file, &mut bytes[len..], len as u64) {
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
pub(super) fn pipe(
    mut file: &File,
    limit: u64,
    timeout: Duration,
    cancel: Cancel,
) -> Result<WipedBytes, ReadProblem> {
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
        let state = sys::wait_for_input(file, left.min(SLICE))?;
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

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
}
