//! Changing a file: lock, read, edit and replace. Starts over where another
//! program changed the file in between.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::create::create;
use super::lock::{LockWait, LockedFile, is_at};
use super::read::contents;
use super::replace::{self, Outcome};
use super::resolve::{ResolvedPath, User};
use super::{Cancel, Edit, ReadProblem, Target, Updated, WriteProblem};
use crate::util::secret::WipedBytes;

/// How many times a program that takes no lock may change the file in between.
const MAX_ATTEMPTS: u32 = 60;

/// An empty file may be one that is being rewritten: the Python SDK truncates
/// it, then writes. It is read again after this time.
const SETTLE_TIME: Duration = Duration::from_millis(20);

/// Changes a file under its lock. Programs that use this library never undo
/// each other's change, and a reader sees the whole old text or the whole new
/// text.
pub(crate) fn update(target: &Target, edit: Edit, cancel: Cancel) -> Result<Updated, WriteProblem> {
    let user = User::current(target.home);
    let wait = LockWait::new(cancel);
    for _ in 0..MAX_ATTEMPTS {
        let Some(locked) = acquire(target, &user, edit, &wait)? else {
            return Ok(Updated::unchanged(target.path.to_path_buf(), Vec::new()));
        };
        let old = read_settled(&locked, target.limit)?;
        let Some(new) = edit(&old).filter(|new| **new != *old) else {
            let path = locked.resolved.path.clone();
            return Ok(Updated::unchanged(path, loose_mode(&locked)));
        };
        if new.len() as u64 > target.limit {
            return Err(ReadProblem::TooLarge(target.limit).into());
        }
        if let Some(updated) = commit(locked, target, &user, &old, &new)? {
            return Ok(updated);
        }
        wait.pause()?;
    }
    Err(WriteProblem::Unsteady)
}

/// Opens and locks the file that the path leads to; creates a missing one, or
/// returns `None` if the edit has nothing to write to it.
/// While it waited for the lock, the previous holder may have put another file
/// in its place: then it starts over with that one.
fn acquire(
    target: &Target,
    user: &User,
    edit: Edit,
    wait: &LockWait,
) -> Result<Option<LockedFile>, WriteProblem> {
    loop {
        let resolved = ResolvedPath::of(target.path, user)?;
        let opened = match &resolved.found {
            Some(meta) => {
                resolved.check(meta, user)?;
                open(&resolved.path)?
            }
            None if !target.create_first && edit(&[]).is_none() => {
                return Ok(None);
            }
            None => create(target, &resolved, user)?,
        };
        if let Some(file) = opened {
            let locked = LockedFile::lock(file, resolved, wait)?;
            if is_at(target.path, &locked.meta)? {
                // The check above was of a file that was not locked yet.
                locked.resolved.check(&locked.meta, user)?;
                return Ok(Some(locked));
            }
        }
        wait.check_cancelled()?;
    }
}

/// Opens the file; `None` if it is gone. Write access is needed because NFS
/// grants an exclusive lock to nothing else.
fn open(path: &Path) -> Result<Option<File>, WriteProblem> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(ReadProblem::Denied.into())
        }
        Err(error) => Err(WriteProblem::when("cannot be opened for writing")(error)),
    }
}

/// The text of the locked file, read twice if it seems to be empty.
fn read_settled(locked: &LockedFile, limit: u64) -> Result<WipedBytes, WriteProblem> {
    let text = contents(&locked.file, locked.meta.len(), limit)?;
    if !text.is_empty() || locked.created {
        return Ok(text);
    }
    std::thread::sleep(SETTLE_TIME);
    Ok(contents(&locked.file, 0, limit)?)
}

/// Writes the new text; `None` if another program has changed the file.
fn commit(
    mut locked: LockedFile,
    target: &Target,
    user: &User,
    old: &[u8],
    new: &[u8],
) -> Result<Option<Updated>, WriteProblem> {
    let change = replace::Change {
        resolved: &locked.resolved,
        file: &locked.file,
        meta: &locked.meta,
        old,
        new,
        locked: locked.locked,
        undisturbed: &|| is_undisturbed(&locked, target, old),
    };
    let mut notes = Vec::new();
    if !locked.locked {
        let note = "its file system has no locks, so that a change made by another program at \
                    the same moment may be lost";
        notes.push(note.to_owned());
    }
    if change.write(user, &mut notes)? == Outcome::Disturbed {
        return Ok(None);
    }
    locked.unfinished = false;
    Ok(Some(Updated {
        path: locked.resolved.path.clone(),
        changed: true,
        created: locked.created,
        notes,
    }))
}

/// Whether the path still leads to the locked file, and the file still holds
/// the text that was edited. The Python SDK takes no lock, and a change within
/// one tick of the file system's clock leaves the file's times as they were:
/// only the content shows it.
fn is_undisturbed(locked: &LockedFile, target: &Target, old: &[u8]) -> Result<bool, WriteProblem> {
    if !is_at(target.path, &locked.meta)? {
        return Ok(false);
    }
    match contents(&locked.file, old.len() as u64, target.limit) {
        Ok(now) => Ok(*now == *old),
        Err(ReadProblem::TooLarge(_)) => Ok(false),
        Err(problem) => Err(problem.into()),
    }
}

/// The warning for a file that is not changed and that others can access.
fn loose_mode(locked: &LockedFile) -> Vec<String> {
    let mode = locked.meta.mode();
    let loose = mode & 0o077 != 0;
    loose
        .then(|| replace::describe_mode(mode))
        .into_iter()
        .collect()
}
