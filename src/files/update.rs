//! Changing a file: lock, read, edit and replace. Starts over where another
//! program changed the file in between.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::create::create;
use super::lock::{Lock, LockedFile};
use super::read::contents;
use super::replace::{self, Outcome};
use super::resolve::{Parents, ResolvedPath, User};
use super::wait::LockWait;
use super::{Cancel, Edit, ReadProblem, Target, Updated, WriteProblem};
use crate::util::secret::WipedBytes;

/// How many times a program that takes no lock may change the file in between.
const MAX_ATTEMPTS: u32 = 60;

/// How many times the server of a network file system may call an open file stale.
const MAX_STALE: u32 = 10;

/// An empty file may be one that is being rewritten: the Python SDK truncates
/// it, then writes. It is read again after this time.
const SETTLE_TIME: Duration = Duration::from_millis(20);

/// Changes a file under its lock. Programs that use this library never undo
/// each other's change, and a reader sees the whole old text or the whole new
/// text.
pub(crate) fn update(target: &Target, edit: Edit, cancel: Cancel) -> Result<Updated, WriteProblem> {
    let user = &target.user;
    let wait = LockWait::new(cancel);
    let mut stale = 0;
    for _ in 0..MAX_ATTEMPTS {
        match attempt(target, user, edit, &wait) {
            Ok(Some(updated)) => return Ok(updated),
            Ok(None) => {}
            Err(problem) if problem.is_stale() && stale < MAX_STALE => stale += 1,
            Err(problem) => return Err(problem),
        }
        wait.pause()?;
    }
    Err(WriteProblem::Unsteady)
}

/// `None` if another program has changed the file in between.
fn attempt(
    target: &Target,
    user: &User,
    edit: Edit,
    wait: &LockWait,
) -> Result<Option<Updated>, WriteProblem> {
    let Some(locked) = acquire(target, user, edit, wait)? else {
        let path = target.path.to_path_buf();
        return Ok(Some(Updated::unchanged(path, Vec::new())));
    };
    let old = read_settled(&locked, target.limit)?;
    let Some(new) = edit(&old).filter(|new| **new != *old) else {
        let path = locked.resolved.path.clone();
        return Ok(Some(Updated::unchanged(path, loose_mode(&locked))));
    };
    if new.len() as u64 > target.limit {
        return Err(ReadProblem::TooLarge(target.limit).into());
    }
    commit(locked, target, user, &old, &new)
}

/// Opens and locks the file that the path leads to; creates a missing one, or
/// returns `None` if the edit has nothing to write to it. While it waited for
/// the lock, the previous holder may have put another file in its place: then
/// it starts over with that one.
fn acquire(
    target: &Target,
    user: &User,
    edit: Edit,
    wait: &LockWait,
) -> Result<Option<LockedFile>, WriteProblem> {
    loop {
        let Some(resolved) = resolve(target, user, edit)? else {
            return Ok(None);
        };
        let opened = match &resolved.found {
            Some(meta) => {
                resolved.check(meta, user)?;
                open(&resolved)?
            }
            None => create(&resolved, user)?,
        };
        if let Some(file) = opened
            && let Some(locked) = LockedFile::lock(target.path, file, resolved, user, wait)?
        {
            return Ok(Some(locked));
        }
        wait.check_cancelled()?;
    }
}

/// Finds the file, and creates the directories that lead to it on request;
/// `None` if it is missing and the edit has nothing to write to it.
fn resolve(target: &Target, user: &User, edit: Edit) -> Result<Option<ResolvedPath>, WriteProblem> {
    let existing = ResolvedPath::of(target.path, user, Parents::Existing);
    let missing = match &existing {
        Ok(resolved) => resolved.found.is_none(),
        Err(problem) => matches!(problem, WriteProblem::NoDirectory),
    };
    if missing && !target.create_first && edit(&[]).is_none() {
        return Ok(None);
    }
    match existing {
        Err(WriteProblem::NoDirectory) if target.create_parents => {
            ResolvedPath::of(target.path, user, Parents::Create).map(Some)
        }
        resolved => resolved.map(Some),
    }
}

/// Opens the file; `None` if it is gone. Write access is needed because NFS
/// grants an exclusive lock to nothing else.
fn open(resolved: &ResolvedPath) -> Result<Option<File>, WriteProblem> {
    let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match resolved.dir.open(&resolved.name, flags, 0) {
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
        locked: &locked,
        old,
        new,
        undisturbed: &|| is_undisturbed(&locked, target, old),
    };
    let mut notes = Vec::new();
    match locked.lock {
        Lock::Held => {}
        Lock::Foreign => notes.push("was replaced while another program had locked it".to_owned()),
        Lock::Unsupported => notes.push(
            "is on a file system without locks, so that a change made by another program at the \
             same moment may be lost"
                .to_owned(),
        ),
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
    if !locked.is_current(target.path)? {
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
