//! Writing the new text: by rename, or in place where rename would lose data.

#[cfg(test)]
pub(super) mod tests;

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DELETE_PENDING, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION,
    ERROR_UNABLE_TO_MOVE_REPLACEMENT, ERROR_UNABLE_TO_MOVE_REPLACEMENT_2,
    ERROR_UNABLE_TO_REMOVE_REPLACED, ERROR_USER_MAPPED_FILE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_COMPRESSED, FILE_ATTRIBUTE_ENCRYPTED, FILE_SHARE_READ,
};

use super::super::overwrite::overwrite;
use super::super::sys::{self, is_error};
use super::super::wait::LockWait;
use super::{Found, User, WriteProblem, beside, is_without_directory};

/// How long a reader or a virus scanner may keep the file open.
pub(super) const IN_USE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long only a rename is tried. After that, and then as often, the file is moved
/// out of the way: that works on file systems where a rename cannot replace an open
/// file. It is short because others wait for the lock.
const RENAME_TIMEOUT: Duration = Duration::from_millis(50);

/// The errors of replacing a file that another program has open.
const IN_USE: [u32; 6] = [
    ERROR_ACCESS_DENIED,
    ERROR_SHARING_VIOLATION,
    ERROR_LOCK_VIOLATION,
    ERROR_DELETE_PENDING,
    ERROR_USER_MAPPED_FILE,
    ERROR_UNABLE_TO_REMOVE_REPLACED,
];

/// The errors of a replacement that has moved the file away.
const HALFWAY: [u32; 2] = [
    ERROR_UNABLE_TO_MOVE_REPLACEMENT,
    ERROR_UNABLE_TO_MOVE_REPLACEMENT_2,
];

/// What names of copies have after the name of the file, before 16 hexadecimal
/// digits.
const COPY: &str = ".wandb-login-";

/// The same for a file that was moved out of the way.
const AWAY: &str = ".wandb-login-old-";

/// A change that is ready to be written.
pub(super) struct Change<'a> {
    pub path: &'a Path,
    pub user: &'a User,
    /// `None` for a missing file.
    pub old: Option<&'a Found>,
    pub new: &'a [u8],
    /// The largest text that is read.
    pub limit: u64,
    /// Whether files can be created in the directory.
    pub may_replace: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// Another program has changed the file; nothing was written.
    Disturbed,
}

impl Change<'_> {
    /// Writes by rename where that loses nothing, else in place.
    pub(super) fn write(
        &self,
        wait: &LockWait,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        let Some(old) = self.old else {
            return self.replace(self.copy()?, wait);
        };
        let reason = match old.reason_to_keep() {
            Some(reason) => reason,
            None if !self.may_replace => "its directory cannot be written",
            None => {
                let temp = self.copy()?;
                match temp.become_like(old) {
                    Ok(()) => return self.replace(temp, wait),
                    Err(_) => "its access list cannot be copied",
                }
            }
        };
        let outcome = self.write_in_place(old, wait)?;
        if outcome == Outcome::Written {
            notes.push(format!("was written in place, because {reason}"));
        }
        Ok(outcome)
    }

    /// A new copy with the new text, for the owner alone.
    fn copy(&self) -> Result<Temp, WriteProblem> {
        let doing = WriteProblem::when("a new copy cannot be written beside it");
        let temp = match Temp::create(self.path, self.user) {
            Ok(temp) => temp,
            Err(error) if is_without_directory(&error) => return Err(WriteProblem::NoDirectory),
            Err(error) => return Err(doing(error)),
        };
        temp.fill(self.new).map_err(doing)?;
        Ok(temp)
    }

    fn replace(&self, mut temp: Temp, wait: &LockWait) -> Result<Outcome, WriteProblem> {
        let since = Instant::now();
        let mut moved = since;
        loop {
            if !temp.has_last_copy && !self.is_undisturbed(wait)? {
                return Ok(Outcome::Disturbed);
            }
            let renamed = match moved.elapsed() >= RENAME_TIMEOUT && !temp.has_last_copy {
                true => {
                    moved = Instant::now();
                    temp.move_in(self.path)
                }
                false => temp.rename_to(self.path),
            };
            match renamed {
                Ok(()) => return Ok(Outcome::Written),
                Err(error) if !is_error(&error, &IN_USE) && !temp.has_last_copy => {
                    return Err(WriteProblem::when("cannot be replaced")(error));
                }
                Err(error) if since.elapsed() >= IN_USE_TIMEOUT => {
                    temp.undo(self.path);
                    return Err(WriteProblem::when("cannot be replaced")(error));
                }
                Err(_) => wait.pause().inspect_err(|_| temp.undo(self.path))?,
            }
        }
    }

    /// Writes over the old text. The file is open for reading only to others.
    fn write_in_place(&self, old: &Found, wait: &LockWait) -> Result<Outcome, WriteProblem> {
        let until = Instant::now() + IN_USE_TIMEOUT;
        let file = loop {
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .share_mode(FILE_SHARE_READ)
                .open(self.path);
            match opened {
                Ok(file) => break file,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Ok(Outcome::Disturbed);
                }
                Err(error) if is_error(&error, &IN_USE[1..]) && Instant::now() < until => {
                    wait.pause()?;
                }
                Err(error) => {
                    return Err(WriteProblem::when("cannot be opened for writing")(error));
                }
            }
        };
        if !self.is_undisturbed(wait)? {
            return Ok(Outcome::Disturbed);
        }
        sys::crash_point();
        overwrite(&file, &old.text, self.new).map_err(WriteProblem::when("cannot be written"))?;
        Ok(Outcome::Written)
    }

    /// Whether the file still holds the text that was edited. The Python SDK takes
    /// no lock.
    fn is_undisturbed(&self, wait: &LockWait) -> Result<bool, WriteProblem> {
        let now = Found::at(self.path, self.limit, wait)?;
        let now = now.as_ref().map(|now| &*now.text);
        Ok(now == self.old.map(|old| &*old.text))
    }
}

impl Found {
    /// Why the file itself must be kept, and another one must not take its place.
    pub(super) fn reason_to_keep(&self) -> Option<&'static str> {
        if self.hard_links > 1 {
            Some("it has hard links")
        } else if self.attributes & FILE_ATTRIBUTE_ENCRYPTED != 0 {
            Some("it is encrypted")
        } else if self.attributes & FILE_ATTRIBUTE_COMPRESSED != 0 {
            Some("it is compressed")
        } else {
            None
        }
    }
}

/// A temporary copy in the file's directory, removed on drop unless renamed.
struct Temp {
    path: PathBuf,
    /// The file itself is gone, and this copy must take its place.
    has_last_copy: bool,
    /// Where the file is that was moved out of the way.
    moved_away: Option<PathBuf>,
    renamed: bool,
}

impl Temp {
    /// Creates an empty file for the owner alone.
    fn create(path: &Path, user: &User) -> io::Result<Temp> {
        let owner = user.owner()?;
        loop {
            let path = new_name(path, COPY);
            sys::crash_point();
            match sys::create_private_file(&path, owner) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                // Closed at once, and opened again by name: a virus scanner may
                // hold it.
                Ok(_) => {
                    return Ok(Temp {
                        path,
                        has_last_copy: false,
                        moved_away: None,
                        renamed: false,
                    });
                }
            }
        }
    }

    fn fill(&self, text: &[u8]) -> io::Result<()> {
        let mut file: File = OpenOptions::new().write(true).open(&self.path)?;
        sys::crash_point();
        file.write_all(text)?;
        sys::crash_point();
        file.sync_all()
    }

    /// Gives the copy the attributes and the access list of the file that it replaces.
    fn become_like(&self, old: &Found) -> io::Result<()> {
        sys::crash_point();
        if let Some(access) = &old.access {
            access.give_to(&sys::open_to_restrict(&self.path)?)?;
        }
        sys::set_attributes(&self.path, old.attributes)
    }

    fn rename_to(&mut self, path: &Path) -> io::Result<()> {
        sys::crash_point();
        fs::rename(&self.path, path)?;
        self.renamed = true;
        sys::crash_point();
        Ok(())
    }

    /// Moves the file out of the way, and this copy to its place. Without a name for the
    /// file that is moved, the system would choose one, and may leave it.
    fn move_in(&mut self, path: &Path) -> io::Result<()> {
        let away = new_name(path, AWAY);
        sys::crash_point();
        let moved = sys::replace_file(path, &self.path, &away);
        sys::crash_point();
        self.renamed = moved.is_ok();
        if let Err(error) = &moved {
            let halfway = is_error(error, &HALFWAY);
            self.has_last_copy = halfway && !path.exists();
        }
        self.moved_away = away.exists().then_some(away);
        moved
    }

    /// Gives up: what was moved away comes back. If that fails, no copy is removed.
    fn undo(&mut self, path: &Path) {
        if let Some(away) = &self.moved_away
            && !path.exists()
            && fs::rename(away, path).is_err()
        {
            (self.renamed, self.moved_away) = (true, None);
        }
    }
}

/// A new name in the directory of the file. Std seeds its hasher from the system's random
/// numbers: the name cannot be predicted.
fn new_name(path: &Path, text: &str) -> PathBuf {
    let name = format!("{text}{:016x}", RandomState::new().hash_one(0));
    beside(path, &name)
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(away) = &self.moved_away {
            let _ = fs::remove_file(away);
        }
    }
}

/// Clears up after killed writers: a file that one has moved away comes back where no
/// other has taken its place, and copies are removed. The lock is held, so no copy is in
/// use.
pub(super) fn recover(path: &Path) {
    for away in named_beside(path, AWAY) {
        let _ = match path.exists() {
            true => fs::remove_file(away),
            false => fs::rename(away, path),
        };
    }
    for copy in named_beside(path, COPY) {
        let _ = fs::remove_file(copy);
    }
}

/// The files whose names are that of the file, this text and 16 hexadecimal digits.
fn named_beside(path: &Path, text: &str) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let prefix = beside(Path::new(name), text).into_os_string();
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let found = entry.file_name();
            let end = found
                .as_encoded_bytes()
                .strip_prefix(prefix.as_encoded_bytes());
            end.is_some_and(|end| end.len() == 16 && end.iter().all(is_digit))
                && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
        .map(|entry| entry.path())
        .collect()
}
