//! The lock on a file, and the wait for it.
//!
//! The lock is on the file itself. Any user who can open a file can lock it, so
//! a file that is open to others is guarded by a second lock, on a file in the
//! same directory that only its owner can open (see [`Guard`]). With the guard,
//! the file can be replaced even while another user holds its lock; the new
//! file is for the owner alone, and waiting processes go on with that.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::guard::Guard;
use super::resolve::{ResolvedPath, User};
use super::wait::LockWait;
use super::{ReadProblem, WriteProblem, replace};

/// How long to wait for a holder that may be another user, before the file is
/// replaced without its lock.
pub(super) const FOREIGN_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Held,
    /// Another user may hold it; the guard is held. The file may be replaced,
    /// and not be written in place.
    Foreign,
    /// The file system has no locks.
    Unsupported,
}

/// A file with an exclusive lock. The lock belongs to the open file and not to
/// the process: threads exclude each other, and a killed holder releases it.
pub(super) struct LockedFile {
    pub file: File,
    pub resolved: ResolvedPath,
    /// The file as it was when the lock was taken.
    pub meta: Metadata,
    pub lock: Lock,
    /// This call created the file.
    pub created: bool,
    /// The file has no content yet: it is removed if none is written.
    pub unfinished: bool,
    guard: Option<Guard>,
}

impl LockedFile {
    /// Waits for the lock; `None` if the path leads to another file by then.
    pub(super) fn lock(
        path: &Path,
        file: File,
        resolved: ResolvedPath,
        user: &User,
        wait: &LockWait,
    ) -> Result<Option<LockedFile>, WriteProblem> {
        let created = resolved.found.is_none();
        let mut locked = LockedFile {
            meta: file.metadata().map_err(ReadProblem::from)?,
            file,
            guard: None,
            resolved,
            lock: Lock::Unsupported,
            created,
            unfinished: created,
        };
        if locked.meta.mode() & 0o066 != 0 && locked.resolved.may_replace() {
            locked.guard = Guard::take(&locked.resolved, &locked.meta, user, wait)?;
        }
        if !locked.wait_for_lock(path, wait)? {
            return Ok(None);
        }
        locked.meta = locked.file.metadata().map_err(ReadProblem::from)?;
        // The checks before were of a file that was not locked yet.
        if !locked.is_current(path)? {
            return Ok(None);
        }
        locked.resolved.check(&locked.meta, user)?;
        Ok(Some(locked))
    }

    /// False if the file was replaced during the wait.
    fn wait_for_lock(&mut self, path: &Path, wait: &LockWait) -> Result<bool, WriteProblem> {
        let replaceable =
            self.guard.is_some() && replace::reason_to_overwrite(&self.file, &self.meta).is_none();
        let since = Instant::now();
        self.lock = loop {
            match self.file.try_lock() {
                Ok(()) => break Lock::Held,
                Err(TryLockError::WouldBlock) => {
                    if replaceable && since.elapsed() >= FOREIGN_TIMEOUT {
                        break Lock::Foreign;
                    }
                    wait.pause()?;
                    if !self.is_current(path)? {
                        return Ok(false);
                    }
                }
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) if is_unsupported(&error) => {
                    break Lock::Unsupported;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(WriteProblem::when("cannot be locked")(error));
                }
            }
        };
        Ok(true)
    }

    /// Whether the path still leads to this very file, by the directory that was
    /// opened.
    pub(super) fn is_current(&self, path: &Path) -> Result<bool, WriteProblem> {
        let dir = &self.resolved.dir;
        Ok(is_at(path, &self.meta)?
            && dir
                .holds(&self.resolved.name, &self.meta)
                .map_err(ReadProblem::from)?)
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        let (dir, name) = (&self.resolved.dir, &self.resolved.name);
        if self.unfinished
            && let Ok(meta) = self.file.metadata()
            && meta.len() == 0
            && dir.holds(name, &meta).unwrap_or(false)
        {
            let _ = dir.remove_file(name);
        }
        // Closing is not enough: a process forked by another thread has
        // inherited the descriptor, and the lock with it.
        let _ = self.file.unlock();
    }
}

/// Whether the path leads to this very file.
fn is_at(path: &Path, meta: &Metadata) -> Result<bool, WriteProblem> {
    match std::fs::metadata(path) {
        Ok(now) => Ok(super::at::is_same(&now, meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ReadProblem::from(error).into()),
    }
}

/// Errors of file systems without locks, and of NFS without its lock daemon.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let unsupported = [libc::ENOLCK, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
    error
        .raw_os_error()
        .is_some_and(|code| unsupported.contains(&code))
}

/// Whether the file system of a file has locks, as far as a reader can tell: a file
/// that is missing or cannot be opened counts as one with locks.
pub(crate) fn has_locks(path: &Path) -> bool {
    let mut options = File::options();
    // A FIFO or a device is not waited for.
    options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let Ok(file) = options.open(path) else {
        return true;
    };
    !matches!(file.try_lock_shared(), Err(TryLockError::Error(error)) if is_unsupported(&error))
}
