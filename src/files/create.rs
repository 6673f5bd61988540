//! Creating a missing file, and a missing directory on the path to it.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use super::at::Dir;
use super::replace::{chown_to, tighten_mode};
use super::resolve::{ResolvedPath, User};
use super::{WriteProblem, sys};

/// Creates an empty file to hold the lock; its content follows by rename. After
/// a crash in between it stays empty, which every reader takes for no file.
/// `None`: another process created it first.
pub(super) fn create(resolved: &ResolvedPath, user: &User) -> Result<Option<File>, WriteProblem> {
    resolved.check_new()?;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    let file = match resolved.dir.open(&resolved.name, flags, 0o600) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
        // The directory was removed after it was opened.
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(WriteProblem::NoDirectory),
        Err(error) => return Err(WriteProblem::when("cannot be created")(error)),
    };
    let owner = resolved.owner_of_new(user);
    let adopted = file.metadata().and_then(|meta| {
        chown_to(&file, &meta, owner)?;
        tighten_mode(&file, &meta, 0o600)
    });
    if let Err(error) = adopted {
        let _ = resolved.dir.remove_file(&resolved.name);
        return Err(WriteProblem::when("cannot be given to its owner")(error));
    }
    Ok(Some(file))
}

/// Creates a directory for the owner alone.
pub(super) fn create_dir(parent: &Dir, name: &OsStr, owner: Option<(u32, u32)>) -> io::Result<()> {
    match parent.create_dir(name, 0o700) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    let dir = match parent.open(name, libc::O_DIRECTORY | libc::O_NOFOLLOW, 0) {
        Ok(dir) => dir,
        // The umask shuts out the owner, too. Root never comes here.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return parent.set_mode(name, 0o700);
        }
        Err(error) => return Err(error),
    };
    if dir.metadata()?.mode() & 0o700 != 0o700 {
        dir.set_permissions(Permissions::from_mode(0o700))?;
    }
    let Some((owner, group)) = owner else {
        return Ok(());
    };
    // The owner of the parent may have put another directory in its place.
    // An empty one can be given away.
    if sys::names(&dir)
        .iter()
        .any(|name| name != "." && name != "..")
    {
        return Err(ErrorKind::DirectoryNotEmpty.into());
    }
    fchown(dir, Some(owner), Some(group))
}
