//! Changing a file on Windows. Locks are mandatory there, so the lock is a
//! separate file in the same directory, which is never deleted. New files
//! inherit owner-only access from the profile directory.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::secret::WipedBytes;

use super::read::{contents, kind};
use super::{Cancel, Edit, ReadProblem, Target, Updated, WriteProblem};

const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
const MAX_ATTEMPTS: u32 = 20;

/// Whether the file system of a file has locks. A lock file beside it is used here.
pub(crate) fn has_locks(_: &Path) -> bool {
    true
}

/// Changes a file under its lock; a reader sees the old text or the new one.
pub(crate) fn update(target: &Target, edit: Edit, cancel: Cancel) -> Result<Updated, WriteProblem> {
    // Follows links, except to a missing file.
    let path = fs::canonicalize(target.path).unwrap_or_else(|_| target.path.to_path_buf());
    let mut updated = Updated {
        path,
        changed: false,
        created: false,
        notes: Vec::new(),
    };
    if !target.create_first
        && current(&updated.path, target.limit)?.is_none()
        && edit(&[]).is_none()
    {
        return Ok(updated);
    }
    if target.create_parents
        && let Some(dir) = updated.path.parent()
    {
        fs::create_dir_all(dir).map_err(WriteProblem::when(
            "is in a directory that cannot be created",
        ))?;
    }
    let _held = lock(&updated.path, cancel)?;
    for _ in 0..MAX_ATTEMPTS {
        let old = current(&updated.path, target.limit)?;
        let text: &[u8] = old.as_ref().map_or(&[], |old| old);
        let new = match edit(text) {
            Some(new) if *new != *text => new,
            _ => return Ok(updated),
        };
        if new.len() as u64 > target.limit {
            return Err(ReadProblem::TooLarge(target.limit).into());
        }
        let temp = beside(
            &updated.path,
            &format!(".{:016x}", RandomState::new().hash_one(0)),
        );
        let outcome = write_new(&temp, &new).and_then(|()| {
            let now = current(&updated.path, target.limit)?;
            if now.as_deref() != old.as_deref() {
                return Ok(false);
            }
            fs::rename(&temp, &updated.path).map_err(WriteProblem::when("cannot be replaced"))?;
            Ok(true)
        });
        if !matches!(outcome, Ok(true)) {
            let _ = fs::remove_file(&temp);
        }
        if outcome? {
            updated.changed = true;
            updated.created = old.is_none();
            return Ok(updated);
        }
        std::thread::sleep(PAUSE);
    }
    Err(WriteProblem::Unsteady)
}

fn write_new(path: &Path, text: &[u8]) -> Result<(), WriteProblem> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()
        })
        .map_err(WriteProblem::when("a new copy cannot be written beside it"))
}

fn current(path: &Path, limit: u64) -> Result<Option<WipedBytes>, WriteProblem> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadProblem::from(error).into()),
    };
    if !meta.is_file() {
        return Err(ReadProblem::NotAFile(kind(meta.file_type())).into());
    }
    if meta.permissions().readonly() {
        return Err(WriteProblem::ReadOnly);
    }
    let file = File::open(path).map_err(ReadProblem::from)?;
    Ok(Some(contents(&file, meta.len(), limit)?))
}

fn lock(path: &Path, cancel: Cancel) -> Result<File, WriteProblem> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(path, ".wandb-login-lock"))
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => WriteProblem::NoDirectory,
            _ => WriteProblem::when("its lock file cannot be opened")(error),
        })?;
    let until = Instant::now() + TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(WriteProblem::when("cannot be locked")(error));
            }
            Err(TryLockError::WouldBlock) if cancel() => return Err(WriteProblem::Cancelled),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(WriteProblem::Locked(TIMEOUT.as_secs()));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}

fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
