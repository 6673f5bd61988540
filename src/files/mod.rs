//! Reads the user's files within limits, and changes them without losing data.
//!
//! Netrc, the settings files and the credentials file are shared with editors,
//! with other tools and with the Python SDK. Reading therefore never blocks and
//! never trusts the size of a file. A change is a transaction: lock, read, edit,
//! write a new copy in the same directory, compare, rename.

use std::io;
use std::path::{Path, PathBuf};

use crate::util::secret::WipedBytes;

#[cfg(unix)]
mod at;
#[cfg(unix)]
mod create;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod lock;
mod overwrite;
mod read;
#[cfg(unix)]
mod replace;
#[cfg(unix)]
mod resolve;
#[cfg_attr(windows, path = "windows/sys.rs")]
mod sys;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod update;
mod wait;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use lock::has_locks;
#[cfg(unix)]
pub(crate) use read::user_refused_by_root;
pub(crate) use read::{ReadProblem, Text, is_missing, read, read_secret};
#[cfg(unix)]
use resolve::OwnerProblem;
#[cfg(unix)]
pub(crate) use resolve::{HOW_TO_RESTRICT, User};
#[cfg(unix)]
pub(crate) use update::update;
#[cfg(windows)]
use windows::OwnerProblem;
#[cfg(windows)]
pub(crate) use windows::{HOW_TO_RESTRICT, User, has_locks, update};

/// A file to change.
pub(crate) struct Target<'a> {
    pub path: &'a Path,
    /// Create the directories that lead to it, for the owner alone.
    pub create_parents: bool,
    /// Lock a missing file before calling the edit, which may be slow, so that
    /// concurrent callers wait for the lock instead of repeating it. On Unix the
    /// file is created for that.
    pub create_first: bool,
    /// The largest text that is read or written, in bytes.
    pub limit: u64,
    /// Who writes.
    pub user: User,
}

/// Makes the new text from the old one, which is empty for a missing file;
/// `None` if there is nothing to change. It is called again when the file has
/// changed in the meantime.
pub(crate) type Edit<'a> = &'a mut dyn FnMut(&[u8]) -> Option<WipedBytes>;

/// Whether the caller wants to cancel; polled at least every 100 ms.
pub(crate) type Cancel<'a> = &'a dyn Fn() -> bool;

/// The result of a change.
#[derive(Debug)]
pub(crate) struct Updated {
    /// The file itself, behind any symbolic links.
    pub path: PathBuf,
    pub changed: bool,
    pub created: bool,
    /// Warnings for the user, each to be put after "PATH ".
    pub notes: Vec<String>,
}

impl Updated {
    fn unchanged(path: PathBuf, notes: Vec<String>) -> Updated {
        Updated {
            path,
            changed: false,
            created: false,
            notes,
        }
    }
}

/// Why a file was not changed, to be put after "PATH ". The file then holds the
/// text that it held before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteProblem {
    #[error(transparent)]
    Read(#[from] ReadProblem),
    #[error("is read-only")]
    ReadOnly,
    #[error(transparent)]
    Owner(#[from] OwnerProblem),
    #[error("is in a directory that does not exist")]
    NoDirectory,
    #[error("is locked by another program; gave up after {0} s")]
    Locked(u64),
    #[error("is being changed by another program again and again")]
    Unsteady,
    #[error("{doing}: {error}")]
    Io {
        doing: &'static str,
        error: io::Error,
    },
    #[error("cancelled")]
    Cancelled,
}

impl WriteProblem {
    /// For `map_err`: adds what failed to the system's error.
    fn when(doing: &'static str) -> impl Fn(io::Error) -> WriteProblem {
        move |error| WriteProblem::Io { doing, error }
    }
}
