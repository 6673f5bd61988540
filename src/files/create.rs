//! Creating a missing file and the directories that lead to it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

use super::replace::{chown_to, tighten_mode};
use super::resolve::{ResolvedPath, User};
use super::{Target, WriteProblem};

/// Creates an empty file to hold the lock; its content follows by rename. After
/// a crash in between it stays empty, which every reader takes for no file.
/// `None`: another process created it first.
pub(super) fn create(
    target: &Target,
    resolved: &ResolvedPath,
    user: &User,
) -> Result<Option<File>, WriteProblem> {
    resolved.check_new(user)?;
    if target.create_parents {
        create_dirs(resolved.dir(), user).map_err(WriteProblem::when(
            "is in a directory that cannot be created",
        ))?;
    }
    let created = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&resolved.path);
    let file = match created {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(WriteProblem::NoDirectory),
        Err(error) => return Err(WriteProblem::when("cannot be created")(error)),
    };
    let owner = user.owner_of_new(resolved.dir());
    let adopted = file.metadata().and_then(|meta| {
        chown_to(&file, &meta, owner)?;
        tighten_mode(&file, &meta, 0o600)
    });
    if let Err(error) = adopted {
        let _ = fs::remove_file(&resolved.path);
        return Err(WriteProblem::when("cannot be given to its owner")(error));
    }
    Ok(Some(file))
}

/// Creates the missing directories, for the owner alone.
fn create_dirs(dir: &Path, user: &User) -> io::Result<()> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<&Path> = dir.ancestors().take_while(missing).collect();
    for dir in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        if fs::symlink_metadata(dir)?.mode() & 0o700 != 0o700 {
            // The umask shuts out the owner, too.
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        if let Some((owner, group)) = user.owner_of_new(dir) {
            lchown(dir, Some(owner), Some(group))?;
        }
    }
    Ok(())
}
