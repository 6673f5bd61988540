//! Writing the new text: by rename, or in place where rename would lose data.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use super::at::Dir;
use super::lock::{FOREIGN_TIMEOUT, Lock, LockedFile};
use super::overwrite::overwrite;
use super::resolve::User;
use super::{WriteProblem, guard, sys};

/// A change that is ready to be written.
pub(super) struct Change<'a> {
    pub locked: &'a LockedFile,
    pub old: &'a [u8],
    pub new: &'a [u8],
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

/// Why a new file in its place would lose something.
pub(super) fn reason_to_overwrite(file: &File, meta: &Metadata) -> Option<&'static str> {
    if meta.nlink() > 1 {
        Some("it has hard links")
    } else if sys::has_acl(file) {
        Some(ACL)
    } else {
        None
    }
}

const ACL: &str = "it has an access control list or attributes of its own";

impl Change<'_> {
    /// Writes by rename where that loses nothing, else in place.
    pub(super) fn write(
        &self,
        user: &User,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        let _blocked = sys::FileSizeSignal::block();
        let LockedFile {
            file,
            meta,
            resolved,
            lock,
            ..
        } = self.locked;
        let replacement = match reason_to_overwrite(file, meta) {
            Some(reason) => Replacement::MustOverwrite(reason),
            None if !resolved.may_replace() => {
                Replacement::MustOverwrite("its directory belongs to another user")
            }
            None => self.replace(user, notes)?,
        };
        match replacement {
            Replacement::Replaced => Ok(Outcome::Written),
            Replacement::Disturbed => Ok(Outcome::Disturbed),
            Replacement::MustOverwrite(_) if *lock == Lock::Foreign => {
                Err(WriteProblem::Locked(FOREIGN_TIMEOUT.as_secs()))
            }
            Replacement::MustOverwrite(reason) => self.write_in_place(reason, notes),
        }
    }

    fn replace(&self, user: &User, notes: &mut Vec<String>) -> Result<Replacement, WriteProblem> {
        const DOING: &str = "a new copy cannot be written beside it";
        let LockedFile {
            file,
            meta,
            resolved,
            ..
        } = self.locked;
        let prefix = temp_prefix(&resolved.name);
        let dir = resolved.dir.open_for_reading();
        if let Ok(dir) = &dir {
            remove_stale_copies(&resolved.dir, &sys::names(dir), &prefix, user);
        }
        let mut temp = match Temp::create(&resolved.dir, &prefix) {
            Ok(temp) => temp,
            Err(error) if is_impossible(&error) => {
                return Ok(Replacement::MustOverwrite(
                    "its directory cannot be written",
                ));
            }
            Err(error) => return Err(WriteProblem::when(DOING)(error)),
        };
        let made = temp.file.metadata().map_err(WriteProblem::when(DOING))?;
        if chown_to(&temp.file, &made, Some((meta.uid(), meta.gid()))).is_err() {
            return Ok(Replacement::MustOverwrite(
                "a new file would lose its owner",
            ));
        }
        if sys::copy_acl(file, &temp.file).is_err() {
            let reason = "a new file would lose its access control list";
            return Ok(Replacement::MustOverwrite(reason));
        }
        let note = temp
            .fill(self.new, &made, meta.mode() & 0o700)
            .map_err(WriteProblem::when(DOING))?;
        if !(self.undisturbed)()? {
            return Ok(Replacement::Disturbed);
        }
        match temp.rename_to(&resolved.name) {
            Ok(()) => {}
            // A process on another host, where our lock does not count, has
            // removed the copy as a stale one.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Replacement::Disturbed),
            Err(error) if is_impossible(&error) => {
                return Ok(Replacement::MustOverwrite("it cannot be replaced"));
            }
            Err(error) => return Err(WriteProblem::when("cannot be replaced")(error)),
        }
        notes.extend(note.or_else(|| tightened(meta)));
        // The new text is in place; a power failure could still undo the rename.
        if let Err(error) = dir.and_then(|dir| sys::sync_all(&dir)) {
            notes.push(format!(
                "was saved, but its directory cannot be flushed to disk: {error}"
            ));
        }
        Ok(Replacement::Replaced)
    }

    fn write_in_place(
        &self,
        reason: &str,
        notes: &mut Vec<String>,
    ) -> Result<Outcome, WriteProblem> {
        if !(self.undisturbed)()? {
            return Ok(Outcome::Disturbed);
        }
        let LockedFile { file, meta, .. } = self.locked;
        let mode = meta.mode();
        if reason != ACL {
            let note = tighten_mode(file, meta, mode & 0o700).map_err(WriteProblem::when(
                "its access by other users cannot be removed",
            ))?;
            notes.extend(note.or_else(|| tightened(meta)));
        } else if mode & 0o077 != 0 {
            // With an access control list, the group bits are its mask, which
            // the user has set.
            notes.push(describe_mode(mode));
        }
        overwrite(file, self.old, self.new).map_err(WriteProblem::when("cannot be written"))?;
        notes.push(format!("was written in place, because {reason}"));
        Ok(Outcome::Written)
    }
}

/// The prefix of the names of a file's temporary copies.
pub(super) fn temp_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::new();
    if !name.as_bytes().starts_with(b".") {
        prefix.push(".");
    }
    prefix.push(name);
    prefix.push(".wandb-login-");
    prefix
}

/// Whether this library gives such names: the prefix, then 16 hexadecimal digits
/// for a copy, or the guard's suffix.
fn is_our_name(name: &OsStr, prefix: &OsStr) -> bool {
    let Some(end) = name.as_bytes().strip_prefix(prefix.as_bytes()) else {
        return false;
    };
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    end == guard::SUFFIX.as_bytes() || end.len() == 16 && end.iter().all(is_digit)
}

/// Removes the copies that killed writers left. A writer locks its copy, so one
/// whose lock is free is stale.
fn remove_stale_copies(dir: &Dir, names: &[OsString], prefix: &OsStr, user: &User) {
    for name in names.iter().filter(|name| is_our_name(name, prefix)) {
        let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        if let Ok(file) = dir.open(name, flags, 0)
            && let Ok(meta) = file.metadata()
            && meta.is_file()
            && user.may_write_for(meta.uid())
            && file.try_lock().is_ok()
            && dir.holds(name, &meta).unwrap_or(false)
        {
            let _ = dir.remove_file(name);
        }
    }
}

/// The warning for a file that others could access before the change.
fn tightened(meta: &Metadata) -> Option<String> {
    let mode = meta.mode() & 0o7777;
    (mode & 0o077 != 0).then(|| {
        let tight = mode & 0o700;
        format!("permissions changed from {mode:04o} to {tight:04o} (it was open to other users)")
    })
}

/// A temporary copy in the file's directory, removed on drop unless renamed.
struct Temp<'a> {
    file: File,
    dir: &'a Dir,
    name: OsString,
    renamed: bool,
}

impl<'a> Temp<'a> {
    fn create(dir: &'a Dir, prefix: &OsStr) -> io::Result<Temp<'a>> {
        loop {
            // Std seeds its hasher from the system's random numbers: the name
            // cannot be predicted.
            let mut name = prefix.to_owned();
            name.push(format!("{:016x}", RandomState::new().hash_one(0)));
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
            match dir.open(&name, flags, 0o600) {
                // NFS can fail after it has made the file, and the kernel then tries
                // again. Nobody else has a file of this name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let _ = dir.remove_file(&name);
                }
                Err(error) => {
                    if error.kind() == ErrorKind::StaleNetworkFileHandle {
                        let _ = dir.remove_file(&name);
                    }
                    return Err(error);
                }
                Ok(file) => {
                    // Marks the copy as one in use, where there are locks.
                    let _ = file.try_lock();
                    return Ok(Temp {
                        file,
                        dir,
                        name,
                        renamed: false,
                    });
                }
            }
        }
    }

    /// Writes the text; returns the warning of `tighten_mode`.
    fn fill(&mut self, text: &[u8], meta: &Metadata, mode: u32) -> io::Result<Option<String>> {
        let note = tighten_mode(&self.file, meta, mode)?;
        self.file.write_all(text)?;
        sys::sync_all(&self.file)?;
        Ok(note)
    }

    fn rename_to(&mut self, name: &OsStr) -> io::Result<()> {
        self.dir.rename(&self.name, name)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = self.dir.remove_file(&self.name);
        }
        let _ = self.file.unlock();
    }
}

/// Whether the cause is the directory and not the disk.
pub(super) fn is_impossible(error: &io::Error) -> bool {
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
