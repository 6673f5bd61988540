//! Writing the new text: by rename, or in place where rename would lose data.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::resolve::{ResolvedPath, User};
use super::{WriteProblem, sys};

/// A change that is ready to be written.
pub(super) struct Change<'a> {
    pub resolved: &'a ResolvedPath,
    /// The file as it was read.
    pub file: &'a File,
    pub meta: &'a Metadata,
    pub old: &'a [u8],
    pub new: &'a [u8],
    /// The lock is held: no other process of this library writes the file.
    pub locked: bool,
    /// Whether the path still leads to this file, and the file holds `old`.
    pub undisturbed: &'a dyn Fn() -> Result<bool, WriteProblem>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// Another program has changed the file; nothing was written.
    Disturbed,
}

/// The outcome of an attempt to replace the file by rename.
enum Replacement {
    Replaced,
    Disturbed,
    /// Rename is impossible or would lose data, for this reason.
    MustOverwrite(&'static str),
}

impl Change<'_> {
    /// Writes by rename where that loses nothing, else in place.
    pub(super) fn write(
        &self,
        user: &User,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        let has_acl = sys::has_acl(self.file);
        let replacement = if self.meta.nlink() > 1 {
            Replacement::MustOverwrite("it has hard links")
        } else if has_acl {
            Replacement::MustOverwrite("it has an access control list or attributes of its own")
        } else {
            self.replace(user, notes)?
        };
        match replacement {
            Replacement::Replaced => Ok(Outcome::Written),
            Replacement::Disturbed => Ok(Outcome::Disturbed),
            Replacement::MustOverwrite(reason) => self.write_in_place(has_acl, reason, notes),
        }
    }

    fn replace(&self, user: &User, notes: &mut Vec<String>) -> Result<Replacement, WriteProblem> {
        const DOING: &str = "a new copy cannot be written beside it";
        let prefix = self.temp_prefix();
        let dir = sys::open_dir(self.resolved.dir());
        if self.locked
            && let Ok(dir) = &dir
        {
            self.remove_stale_copies(dir, &prefix, user);
        }
        let mut temp = match Temp::create(self.resolved.dir(), &prefix) {
            Ok(temp) => temp,
            Err(error) if is_impossible(&error) => {
                return Ok(Replacement::MustOverwrite(
                    "its directory cannot be written",
                ));
            }
            Err(error) => return Err(WriteProblem::when(DOING)(error)),
        };
        let made = temp.file.metadata().map_err(WriteProblem::when(DOING))?;
        let owner = Some((self.meta.uid(), self.meta.gid()));
        if chown_to(&temp.file, &made, owner).is_err() {
            return Ok(Replacement::MustOverwrite(
                "a new file would lose its owner",
            ));
        }
        if sys::copy_acl(self.file, &temp.file).is_err() {
            let reason = "a new file would lose its access control list";
            return Ok(Replacement::MustOverwrite(reason));
        }
        let note = tighten_mode(&temp.file, &made, self.meta.mode() & 0o700)
            .and_then(|note| {
                temp.file.write_all(self.new)?;
                temp.file.sync_all()?;
                Ok(note)
            })
            .map_err(WriteProblem::when(DOING))?;
        if !(self.undisturbed)()? {
            return Ok(Replacement::Disturbed);
        }
        match temp.rename_to(&self.resolved.path) {
            Ok(()) => {}
            // A process on another host, where our lock does not count, has
            // removed the copy as a stale one.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Replacement::Disturbed),
            Err(error) if is_impossible(&error) => {
                return Ok(Replacement::MustOverwrite("it cannot be replaced"));
            }
            Err(error) => return Err(WriteProblem::when("cannot be replaced")(error)),
        }
        notes.extend(note.or_else(|| self.tightened()));
        notes.extend(dir.and_then(|dir| dir.sync_all()).err().and_then(unsynced));
        Ok(Replacement::Replaced)
    }

    fn write_in_place(
        &self,
        has_acl: bool,
        reason: &str,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        if !(self.undisturbed)()? {
            return Ok(Outcome::Disturbed);
        }
        let mode = self.meta.mode();
        if !has_acl {
            let note = tighten_mode(self.file, self.meta, mode & 0o700).map_err(
                WriteProblem::when("its access by other users cannot be removed"),
            )?;
            notes.extend(note.or_else(|| self.tightened()));
        } else if mode & 0o077 != 0 {
            // With an access control list, the group bits are its mask, which
            // the user has set.
            notes.push(describe_mode(mode));
        }
        self.overwrite()
            .map_err(WriteProblem::when("cannot be written"))?;
        notes.push(format!("was written in place, because {reason}"));
        Ok(Outcome::Written)
    }

    /// Overwrites the old text from the first byte that differs. The part
    /// beyond the old end is written and flushed first: only that part takes
    /// space, so a full disk stops the write before an old byte has changed.
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
            // Restore the old text, as far as the disk allows.
            let _ = file.write_all_at(&old[same..], same as u64);
            let _ = file.set_len(old.len() as u64);
            let _ = file.sync_all();
        })
    }

    /// The prefix of the names of this file's temporary copies.
    fn temp_prefix(&self) -> OsString {
        let name = self.resolved.name();
        let mut prefix = OsString::new();
        if !name.as_bytes().starts_with(b".") {
            prefix.push(".");
        }
        prefix.push(name);
        prefix.push(".wandb-login-");
        prefix
    }

    /// Removes the copies that killed writers left. The lock is held, so none of
    /// them is in use.
    fn remove_stale_copies(&self, dir: &File, prefix: &OsString, user: &User) {
        for name in sys::names(dir, prefix.as_bytes()) {
            let path = self.resolved.dir().join(name);
            if let Ok(meta) = fs::symlink_metadata(&path)
                && meta.is_file()
                && user.may_write_for(meta.uid())
            {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The warning for a file that others could access before the change.
    fn tightened(&self) -> Option<String> {
        let mode = self.meta.mode() & 0o7777;
        (mode & 0o077 != 0).then(|| {
            format!(
                "permissions changed from {mode:04o} to {:04o} (it was open to other users)",
                mode & 0o700
            )
        })
    }
}

/// A temporary copy in the file's directory, removed on drop unless renamed.
struct Temp {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temp {
    fn create(dir: &Path, prefix: &OsString) -> io::Result<Temp> {
        loop {
            // Std seeds its hasher from the system's random numbers: the name
            // cannot be predicted.
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

    fn rename_to(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

/// The warning for a directory that could not be flushed after the rename. The
/// new text is in place; only a power failure could still undo the rename.
fn unsynced(error: io::Error) -> Option<String> {
    let unsupported = [ErrorKind::InvalidInput, ErrorKind::Unsupported];
    (!unsupported.contains(&error.kind()))
        .then(|| format!("was saved, but its directory cannot be flushed to disk: {error}"))
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the cause is the directory and not the disk.
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

/// Changes the owner of a new file, if it is another one.
pub(super) fn chown_to(file: &File, meta: &Metadata, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((owner, group)) if (owner, group) != (meta.uid(), meta.gid()) => {
            match fchown(file, Some(owner), Some(group)) {
                // The group has no access, so it need not be the right one.
                Err(_) if owner == meta.uid() => Ok(()),
                given => given,
            }
        }
        _ => Ok(()),
    }
}

/// Changes a file's mode, if it is another one. Returns a warning on file
/// systems that keep no modes.
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

/// The warning for a file that others can access.
pub(super) fn describe_mode(mode: u32) -> String {
    format!("is open to other users (mode {:04o})", mode & 0o7777)
}
