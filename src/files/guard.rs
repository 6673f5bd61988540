//! The lock that only the owner of a file can take.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;

use super::WriteProblem;
use super::at::Dir;
use super::lock::is_unsupported;
use super::replace::{chown_to, is_impossible, temp_prefix, tighten_mode};
use super::resolve::{ResolvedPath, User};
use super::wait::LockWait;

/// The end of the guard's name.
pub(super) const SUFFIX: &str = "lock";

/// A locked file beside the target, for the owner alone. It exists only while a
/// target that is open to other users is changed.
pub(super) struct Guard {
    file: File,
    meta: Metadata,
    dir: Dir,
    name: OsString,
    locked: bool,
}

impl Guard {
    /// Waits for the guard of a file; `None` where there can be none: in a
    /// directory that cannot be written, or where another user took its name.
    pub(super) fn take(
        target: &ResolvedPath,
        meta: &Metadata,
        user: &User,
        wait: &LockWait,
    ) -> Result<Option<Guard>, WriteProblem> {
        loop {
            let Some(mut guard) = Guard::open(target, user, wait)? else {
                return Ok(None);
            };
            if !guard.meta.is_file() || !user.may_write_for(guard.meta.uid()) {
                return Ok(None);
            }
            match guard.file.try_lock() {
                Ok(()) => guard.locked = true,
                Err(TryLockError::WouldBlock) => {
                    wait.pause()?;
                    continue;
                }
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {
                    continue;
                }
                Err(TryLockError::Error(error)) => {
                    let _ = guard.dir.remove_file(&guard.name);
                    return match is_unsupported(&error) {
                        true => Ok(None),
                        false => Err(problem(error)),
                    };
                }
            }
            // The previous holder may have removed the file.
            if guard.dir.holds(&guard.name, &guard.meta).map_err(problem)? {
                let owner = Some((meta.uid(), meta.gid()));
                let adopted = chown_to(&guard.file, &guard.meta, owner)
                    .and_then(|()| tighten_mode(&guard.file, &guard.meta, 0o600));
                return Ok(adopted.is_ok().then_some(guard));
            }
        }
    }

    /// Opens the guard's file, creates it if missing.
    fn open(
        target: &ResolvedPath,
        user: &User,
        wait: &LockWait,
    ) -> Result<Option<Guard>, WriteProblem> {
        let flags =
            libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut name = temp_prefix(&target.name);
        name.push(SUFFIX);
        let dir = target.dir.try_clone().map_err(problem)?;
        loop {
            match dir.open(&name, flags, 0o600) {
                Ok(file) => {
                    let meta = file.metadata().inspect_err(|_| {
                        if file.try_lock().is_ok() {
                            let _ = dir.remove_file(&name);
                        }
                    });
                    return Ok(Some(Guard {
                        meta: meta.map_err(problem)?,
                        file,
                        dir,
                        name,
                        locked: false,
                    }));
                }
                // Another process has created it under a umask of 0777, and
                // will change its mode.
                Err(error)
                    if error.kind() == ErrorKind::PermissionDenied
                        && is_ours(&dir, &name, user) =>
                {
                    wait.pause()?;
                }
                Err(error) if is_impossible(&error) || is_other_type(&error) => return Ok(None),
                Err(error) => return Err(problem(error)),
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.locked {
            return;
        }
        if self.dir.holds(&self.name, &self.meta).unwrap_or(true) {
            let _ = self.dir.remove_file(&self.name);
        }
        let _ = self.file.unlock();
    }
}

fn problem(error: io::Error) -> WriteProblem {
    WriteProblem::when("its lock file cannot be created")(error)
}

fn is_ours(dir: &Dir, name: &OsStr, user: &User) -> bool {
    let entry = dir.peek(name).ok().flatten();
    entry.is_some_and(|entry| entry.meta.is_file() && user.may_write_for(entry.meta.uid()))
}

/// Errors of opening what is not a regular file.
fn is_other_type(error: &io::Error) -> bool {
    let types = [libc::ELOOP, libc::ENXIO, libc::EISDIR, libc::ENODEV];
    error
        .raw_os_error()
        .is_some_and(|code| types.contains(&code))
}
