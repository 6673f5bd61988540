//! Changing a file on Windows: lock, read, edit and replace. Starts over where
//! another program changed the file in between.
//!
//! A lock on a file there keeps other programs from reading it, so the lock is
//! a file of its own in the same directory. A new file is for its owner alone; a
//! replaced one keeps its access list and its attributes.

pub(super) mod access;
mod lock;
mod replace;
#[cfg(test)]
pub(super) mod tests;

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_READONLY;

use self::access::{AccessList, ProcessUser};
use self::lock::Lock;
use self::replace::{Change, IN_USE_TIMEOUT, Outcome, recover};
use super::read::{Kind, contents, examine, open};
use super::wait::LockWait;
use super::{Cancel, Edit, ReadProblem, Target, Updated, WriteProblem, sys};
use crate::util::secret::WipedBytes;
use crate::util::shell::word;

/// How many times a program that takes no lock may change the file in between.
const MAX_ATTEMPTS: u32 = 60;

/// An empty file may be one that is being rewritten: the Python SDK truncates
/// it, then writes. It is read again after this time.
const SETTLE_TIME: Duration = Duration::from_millis(20);

/// The number of links that are followed, as on Unix.
const MAX_LINKS: usize = 40;

/// How to restrict a file to its owner, for messages.
pub(crate) const HOW_TO_RESTRICT: &str = "remove them from its access list";

/// The warning for a file that others can access.
const OPEN: &str = "is open to other users by its access list";

/// The user who writes.
pub(crate) struct User(OnceLock<ProcessUser>);

impl User {
    /// The user of this process, also where a home directory is another user's:
    /// the access lists of the files decide.
    pub(crate) fn current(_home: Option<&Path>) -> User {
        User(OnceLock::new())
    }

    /// The only user with access to what is created.
    fn owner(&self) -> io::Result<&ProcessUser> {
        match self.0.get() {
            Some(user) => Ok(user),
            None => {
                let user = ProcessUser::current()?;
                Ok(self.0.get_or_init(|| user))
            }
        }
    }
}

/// Why a file was not changed for the sake of another user: never, because access lists
/// decide.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnerProblem {}

impl WriteProblem {
    /// How the user can solve the problem, with the path quoted in it.
    pub(crate) fn remedy(&self, path: &str) -> Option<String> {
        match self {
            WriteProblem::ReadOnly => {
                Some(format!("to change that, run: attrib -r {}", word(path)))
            }
            _ => None,
        }
    }
}

/// Whether files in the directory of a file can be locked: a lock file does for every
/// file system.
pub(crate) fn has_locks(_: &Path) -> bool {
    true
}

/// Whether a process is changing the file, or another one of its name.
pub(super) fn is_locked(path: &Path) -> bool {
    beside(path, lock::SUFFIX).exists()
}

/// Changes a file under its lock. Programs that use this library never undo
/// each other's change, and a reader sees the whole old text or the whole new
/// text.
pub(crate) fn update(target: &Target, edit: Edit, cancel: Cancel) -> Result<Updated, WriteProblem> {
    let path = follow_links(target.path)?;
    let wait = LockWait::new(cancel);
    let missing = Found::at(&path, target.limit, &wait)?.is_none();
    if missing && !target.create_first && edit(&[]).is_none() {
        return Ok(Updated::unchanged(path, Vec::new()));
    }
    if target.create_parents {
        create_parents(&path, &target.user)?;
    }
    let lock = Lock::take(&path, &wait)?;
    if lock.is_exclusive() {
        recover(&path);
    }
    for _ in 0..MAX_ATTEMPTS {
        let old = Found::at(&path, target.limit, &wait)?;
        let text: &[u8] = old.as_ref().map_or(&[], |old| &old.text);
        let Some(new) = edit(text).filter(|new| **new != *text) else {
            return Ok(Updated::unchanged(path, warnings(old.as_ref())));
        };
        if new.len() as u64 > target.limit {
            return Err(ReadProblem::TooLarge(target.limit).into());
        }
        let change = Change {
            path: &path,
            user: &target.user,
            old: old.as_ref(),
            new: &new,
            limit: target.limit,
            may_replace: lock.is_exclusive(),
        };
        let mut notes = warnings(old.as_ref());
        if change.write(&wait, &mut notes)? == Outcome::Written {
            return Ok(Updated {
                created: old.is_none(),
                changed: true,
                path,
                notes,
            });
        }
        wait.pause()?;
    }
    Err(WriteProblem::Unsteady)
}

/// The file as it was read.
struct Found {
    text: WipedBytes,
    attributes: u32,
    /// `None` on a file system without access lists.
    access: Option<AccessList>,
    hard_links: u32,
}

impl Found {
    /// Reads the file, also one that another program has open for itself alone for a
    /// moment; `None` for a missing file.
    fn at(path: &Path, limit: u64, wait: &LockWait) -> Result<Option<Found>, WriteProblem> {
        let until = Instant::now() + IN_USE_TIMEOUT;
        let file = loop {
            match open(path) {
                Ok(file) => break file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error)
                    if sys::is_error(&error, &[ERROR_SHARING_VIOLATION])
                        && Instant::now() < until =>
                {
                    wait.pause()?;
                }
                Err(error) => return Err(ReadProblem::from(error).into()),
            }
        };
        let size = match examine(&file, path).map_err(ReadProblem::from)? {
            Kind::File(size, _) => size,
            Kind::Pipe => return Err(ReadProblem::NotAFile("a pipe").into()),
            Kind::NullDevice => return Err(ReadProblem::NotAFile("a device").into()),
            Kind::Other(kind) => return Err(ReadProblem::NotAFile(kind).into()),
        };
        let attributes = file
            .metadata()
            .map_err(ReadProblem::from)?
            .file_attributes();
        if attributes & FILE_ATTRIBUTE_READONLY != 0 {
            return Err(WriteProblem::ReadOnly);
        }
        let mut text = contents(&file, size, limit)?;
        if text.is_empty() {
            std::thread::sleep(SETTLE_TIME);
            text = contents(&file, 0, limit)?;
        }
        Ok(Some(Found {
            text,
            attributes,
            access: AccessList::of(&file).ok(),
            hard_links: sys::hard_links(&file).map_err(ReadProblem::from)?,
        }))
    }
}

fn warnings(old: Option<&Found>) -> Vec<String> {
    let list = old.and_then(|old| old.access.as_ref());
    let open = list.is_some_and(|list| list.access().others);
    open.then(|| OPEN.to_owned()).into_iter().collect()
}

/// The file behind symbolic links at the end of the path, also a missing one.
fn follow_links(path: &Path) -> Result<PathBuf, WriteProblem> {
    let mut path = std::path::absolute(path).map_err(ReadProblem::from)?;
    if is_stream(&path) {
        return Err(ReadProblem::NotAFile("a stream of a file").into());
    }
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_symlink() => {
                let link = fs::read_link(&path).map_err(ReadProblem::from)?;
                path.pop();
                path.push(link);
            }
            _ => return Ok(path),
        }
    }
    Err(ReadProblem::LinkLoop.into())
}

/// Whether a path leads to a stream of a file, `file:stream`: one cannot be replaced,
/// and its lock file would be another stream.
fn is_stream(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().contains(&b':')
}

/// Creates the directories that lead to the file, for the owner alone.
fn create_parents(path: &Path, user: &User) -> Result<(), WriteProblem> {
    let missing = path.ancestors().skip(1).take_while(|dir| !dir.exists());
    let missing: Vec<&Path> = missing.collect();
    for dir in missing.into_iter().rev() {
        match user
            .owner()
            .and_then(|owner| sys::create_private_dir(dir, owner))
        {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(WriteProblem::when(
                    "is in a directory that cannot be created",
                )(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A name in the same directory: the path with an addition.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Whether the directory is gone, or the path leads through a file.
fn is_without_directory(error: &io::Error) -> bool {
    use ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
