//! The user's files: read within limits, and changed so that nothing is lost.
//!
//! Netrc, the settings files and the credentials file are shared with editors,
//! with other tools and with the Python SDK. Reading one therefore never
//! blocks and never trusts its size, and changing one is a transaction: lock,
//! read, edit, write a new copy beside it, look again, rename.

use std::io;
use std::path::{Path, PathBuf};

use crate::util::secret::WipedBytes;

mod read;
#[cfg(unix)]
mod replace;
#[cfg(unix)]
mod resolve;
#[cfg(unix)]
mod sys;
#[cfg(all(test, unix))]
mod tests;
#[cfg(unix)]
mod update;
#[cfg(windows)]
#[path = "windows.rs"]
mod update;

pub(crate) use read::{ReadProblem, Text, is_missing, read, read_secret};
pub(crate) use update::update;

/// A file to change.
pub(crate) struct Target<'a> {
    pub path: &'a Path,
    /// Make the directories that lead to it, for the owner alone.
    pub create_parents: bool,
    /// Make a missing file before the edit is asked: what the edit does takes
    /// long, and others shall wait for it and not do it as well.
    pub create_first: bool,
    /// The largest text that is read or written, in bytes.
    pub limit: u64,
    /// The home directory whose owner root may write for.
    pub home: Option<&'a Path>,
}

/// What a change of the text looks like: it gets the bytes as they are (none
/// for a missing file) and gives the new ones, or `None` where nothing is to
/// change. It is asked again when the file turns out to have changed meanwhile.
pub(crate) type Edit<'a> = &'a mut dyn FnMut(&[u8]) -> Option<WipedBytes>;

/// Whether the caller has lost interest; asked at least every 100 ms.
pub(crate) type Cancel<'a> = &'a dyn Fn() -> bool;

/// What a change came to.
#[derive(Debug)]
pub(crate) struct Updated {
    /// The file itself, behind any links.
    pub path: PathBuf,
    pub changed: bool,
    pub created: bool,
    /// Written over, and not replaced: `notes` says why.
    pub in_place: bool,
    /// What the user should know, each fit to follow "PATH: ".
    pub notes: Vec<String>,
}

/// Why a file was not changed, fit to follow "PATH: ". The file then holds
/// what it locked before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteProblem {
    #[error(transparent)]
    Read(#[from] ReadProblem),
    #[error("is read-only")]
    ReadOnly,
    #[error("belongs to another user (uid {0})")]
    Foreign(u32),
    #[error("is reached by a link that another user (uid {0}) can turn elsewhere")]
    StrangersLink(u32),
    #[error("is in a directory that does not exist")]
    NoDirectory,
    #[error("stayed locked by another program for {0} seconds")]
    Locked(u64),
    #[error("keeps being changed by another program")]
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
    /// For `map_err`: says what was being done when the system refused.
    fn when(doing: &'static str) -> impl Fn(io::Error) -> WriteProblem {
        move |error| WriteProblem::Io { doing, error }
    }
}
