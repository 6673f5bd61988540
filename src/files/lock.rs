//! The lock on a file, and the wait for it.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::resolve::ResolvedPath;
use super::{Cancel, ReadProblem, WriteProblem};

/// How long to wait for another holder of the lock.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pause between two attempts: a sixteenth of the time waited so far, so
/// that polling adds little to the wait. At least as long as an fsync on a fast
/// disk, at most as long as one on a slow disk.
const MIN_PAUSE: Duration = Duration::from_micros(250);
const MAX_PAUSE: Duration = Duration::from_millis(8);

/// A file with an exclusive lock. The lock belongs to the open file and not to
/// the process: threads exclude each other, and a killed holder releases it.
pub(super) struct LockedFile {
    pub file: File,
    pub resolved: ResolvedPath,
    /// The file as it was when the lock was taken.
    pub meta: Metadata,
    /// False where the file system has no locks.
    pub locked: bool,
    /// This call created the file.
    pub created: bool,
    /// The file has no content yet: it is removed if none is written.
    pub unfinished: bool,
}

impl LockedFile {
    pub(super) fn lock(
        file: File,
        resolved: ResolvedPath,
        wait: &LockWait,
    ) -> Result<LockedFile, WriteProblem> {
        let locked = loop {
            match file.try_lock() {
                Ok(()) => break true,
                Err(TryLockError::WouldBlock) => wait.pause()?,
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) if is_unsupported(&error) => break false,
                Err(TryLockError::Error(error)) => {
                    return Err(WriteProblem::when("cannot be locked")(error));
                }
            }
        };
        let created = resolved.found.is_none();
        Ok(LockedFile {
            meta: file.metadata().map_err(ReadProblem::from)?,
            file,
            resolved,
            locked,
            created,
            unfinished: created,
        })
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        let path = &self.resolved.path;
        if self.unfinished
            && let Ok(meta) = self.file.metadata()
            && meta.len() == 0
            && is_at(path, &meta).unwrap_or(false)
        {
            let _ = fs::remove_file(path);
        }
        // Closing is not enough: a process forked by another thread has
        // inherited the descriptor, and the lock with it.
        let _ = self.file.unlock();
    }
}

/// Whether the path leads to this very file.
pub(super) fn is_at(path: &Path, meta: &Metadata) -> Result<bool, WriteProblem> {
    match fs::metadata(path) {
        Ok(now) => Ok(now.dev() == meta.dev() && now.ino() == meta.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ReadProblem::from(error).into()),
    }
}

/// Errors of file systems without locks, and of NFS without its lock daemon.
fn is_unsupported(error: &io::Error) -> bool {
    let unsupported = [libc::ENOLCK, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
    error
        .raw_os_error()
        .is_some_and(|code| unsupported.contains(&code))
}

/// The time limit and the cancellation of a wait for the lock.
pub(super) struct LockWait<'a> {
    since: Instant,
    cancel: Cancel<'a>,
}

impl<'a> LockWait<'a> {
    pub(super) fn new(cancel: Cancel<'a>) -> LockWait<'a> {
        LockWait {
            since: Instant::now(),
            cancel,
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), WriteProblem> {
        if (self.cancel)() {
            Err(WriteProblem::Cancelled)
        } else if self.since.elapsed() >= TIMEOUT {
            Err(WriteProblem::Locked(TIMEOUT.as_secs()))
        } else {
            Ok(())
        }
    }

    pub(super) fn pause(&self) -> Result<(), WriteProblem> {
        self.check_cancelled()?;
        let pause = self.since.elapsed() / 16;
        std::thread::sleep(pause.clamp(MIN_PAUSE, MAX_PAUSE));
        Ok(())
    }
}
