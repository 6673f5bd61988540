//! Putting a new text in the place of the old one.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::resolve::{Place, User};
use super::{WriteProblem, sys};

/// A change that is ready to be written.
pub(super) struct Change<'a> {
    pub place: &'a Place,
    /// The file as it was read.
    pub file: &'a File,
    pub meta: &'a Metadata,
    pub old: &'a [u8],
    pub new: &'a [u8],
    /// No other user of this library is at work on the file.
    pub alone: bool,
    /// Whether the path still leads to this file, and the file holds `old`.
    pub undisturbed: &'a dyn Fn() -> Result<bool, WriteProblem>,
}

pub(super) enum Outcome {
    Replaced,
    InPlace,
    /// Another program came in between, and nothing was written.
    Disturbed,
}

/// A reason to write in place.
type Reason = &'static str;

impl Change<'_> {
    /// By rename wherever that loses nothing, else in place.
    pub(super) fn write(
        &self,
        user: &User,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        let acl = sys::has_acl(self.file);
        let tied = if self.meta.nlink() > 1 {
            Some("it has more than one name")
        } else if acl {
            Some("it has an access control list or attributes of its own")
        } else {
            None
        };
        let reason = match tied {
            Some(reason) => reason,
            None => match self.replace(user, notes)? {
                Ok(outcome) => return Ok(outcome),
                Err(reason) => reason,
            },
        };
        if !(self.undisturbed)()? {
            return Ok(Outcome::Disturbed);
        }
        // Under an access control list the group bits are its mask, which is
        // the user's to set.
        if acl {
            if self.meta.mode() & 0o077 != 0 {
                notes.push(describe_mode(self.meta.mode()));
            }
        } else {
            let note = tighten_mode(self.file, self.meta, self.meta.mode() & 0o700)
                .map_err(WriteProblem::when("cannot be closed to other users"))?;
            notes.extend(note.or_else(|| self.restricted()));
        }
        self.overwrite()
            .map_err(WriteProblem::when("cannot be written"))?;
        notes.push(format!("was written in place, because {reason}"));
        Ok(Outcome::InPlace)
    }

    fn replace(
        &self,
        user: &User,
        notes: &mut Vec<String>,
    ) -> Result<Result<Outcome, Reason>, WriteProblem> {
        const DOING: &str = "a new copy cannot be written beside it";
        let prefix = self.temp_prefix();
        let dir = sys::open_dir(self.place.dir());
        if self.alone
            && let Ok(dir) = &dir
        {
            self.remove_strays(dir, &prefix, user);
        }
        let mut temp = match Temp::create(self.place.dir(), &prefix) {
            Ok(temp) => temp,
            Err(error) if is_impossible(&error) => {
                return Ok(Err("its directory cannot be written"));
            }
            Err(error) => return Err(WriteProblem::when(DOING)(error)),
        };
        let made = temp.file.metadata().map_err(WriteProblem::when(DOING))?;
        let owner = Some((self.meta.uid(), self.meta.gid()));
        if chown_to(&temp.file, &made, owner).is_err() {
            return Ok(Err("a new file would lose its owner"));
        }
        if sys::copy_acl(self.file, &temp.file).is_err() {
            return Ok(Err("a new file would lose its access control list"));
        }
        let note = tighten_mode(&temp.file, &made, self.meta.mode() & 0o700)
            .and_then(|note| {
                temp.file.write_all(self.new)?;
                temp.file.sync_all()?;
                Ok(note)
            })
            .map_err(WriteProblem::when(DOING))?;

        if !(self.undisturbed)()? {
            return Ok(Ok(Outcome::Disturbed));
        }
        match fs::rename(&temp.path, &self.place.path) {
            Ok(()) => temp.renamed = true,
            // Someone on another machine, whose locks ours do not meet, took
            // our copy for a stray one.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Ok(Outcome::Disturbed));
            }
            Err(error) if is_impossible(&error) => return Ok(Err("it cannot be replaced")),
            Err(error) => return Err(WriteProblem::when("cannot be replaced")(error)),
        }
        notes.extend(note.or_else(|| self.restricted()));
        // The new text is in place. What may be lost now, to a power cut, is
        // the rename; that is worth a word and no failure.
        if let Err(error) = dir.and_then(|dir| dir.sync_all())
            && !matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported
            )
        {
            notes.push(format!(
                "was saved, but its directory cannot be flushed to disk: {error}"
            ));
        }
        Ok(Ok(Outcome::Replaced))
    }

    /// Writes over the old text, from the first byte that differs. What lies
    /// beyond its end goes first and to the disk, for only that takes space: a
    /// full disk then stops us before an old byte is touched.
    fn overwrite(&self) -> io::Result<()> {
        let (file, old, new) = (self.file, self.old, self.new);
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let kept = old.len().min(new.len());
        let write = || {
            if new.len() > old.len() {
                file.write_all_at(&new[kept..], kept as u64)?;
                file.sync_data()?;
            }
            file.write_all_at(&new[same..kept], same as u64)?;
            if new.len() < old.len() {
                file.set_len(new.len() as u64)?;
            }
            file.sync_all()
        };
        write().inspect_err(|_| {
            // Back to what it was, as far as the disk lets us.
            let _ = file.write_all_at(&old[same..], same as u64);
            let _ = file.set_len(old.len() as u64);
            let _ = file.sync_all();
        })
    }

    /// The beginning of the names of this file's new copies.
    fn temp_prefix(&self) -> OsString {
        let name = self.place.name();
        let mut prefix = OsString::new();
        if !name.as_bytes().starts_with(b".") {
            prefix.push(".");
        }
        prefix.push(name);
        prefix.push(".wandb-login-");
        prefix
    }

    /// Removes what killed writers left. We hold the lock, so no other of our
    /// copies of this file can be in use.
    fn remove_strays(&self, dir: &File, prefix: &OsString, user: &User) {
        for name in sys::names(dir, prefix.as_bytes()) {
            let path = self.place.dir().join(name);
            if let Ok(meta) = fs::symlink_metadata(&path)
                && meta.is_file()
                && user.may_write_for(meta.uid())
            {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// What is said when others could read the file before.
    fn restricted(&self) -> Option<String> {
        let mode = self.meta.mode() & 0o7777;
        (mode & 0o077 != 0).then(|| {
            format!(
                "was open to other users (mode {mode:04o}) and is now closed to them ({:04o})",
                mode & 0o700
            )
        })
    }
}

/// A new copy beside the file, removed again unless it takes its place.
struct Temp {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temp {
    fn create(dir: &Path, prefix: &OsString) -> io::Result<Temp> {
        loop {
            // Std's hasher keys are the system's randomness: a name that
            // nobody can take beforehand.
            let mut name = prefix.clone();
            name.push(format!("{:016x}", RandomState::new().hash_one(0)));
            let path = dir.join(name);
            let created = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match created {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => {
                    return created.map(|file| Temp {
                        file,
                        path,
                        renamed: false,
                    });
                }
            }
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the directory, and not the disk, is what stands in the way.
fn is_impossible(error: &io::Error) -> bool {
    let reasons = [
        libc::EACCES,
        libc::EPERM,
        libc::EROFS,
        libc::EBUSY, // a mount point
        libc::EXDEV,
        libc::ENAMETOOLONG, // no room for the copy's longer name
    ];
    error
        .raw_os_error()
        .is_some_and(|code| reasons.contains(&code))
}

/// Gives a file of ours to its owner, if it is not theirs already.
pub(super) fn chown_to(file: &File, meta: &Metadata, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((owner, group)) if (owner, group) != (meta.uid(), meta.gid()) => {
            match fchown(file, Some(owner), Some(group)) {
                // A group that has no rights on it need not be the right one.
                Err(_) if owner == meta.uid() => Ok(()),
                given => given,
            }
        }
        _ => Ok(()),
    }
}

/// Sets a file's mode, if it is another. Some file systems keep no modes: then
/// says what stays open.
pub(super) fn tighten_mode(file: &File, meta: &Metadata, mode: u32) -> io::Result<Option<String>> {
    if meta.mode() & 0o7777 == mode {
        return Ok(None);
    }
    let set = file.set_permissions(Permissions::from_mode(mode));
    let now = file.metadata()?.mode();
    if now & 0o077 != 0 {
        return Ok(Some(describe_mode(now)));
    }
    set.map(|()| None)
}

/// What is said of a file that others may use.
pub(super) fn describe_mode(mode: u32) -> String {
    format!("is open to other users (mode {:04o})", mode & 0o7777)
}
