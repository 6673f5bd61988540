//! Which file a path leads to, and whether this user may change it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::read::kind;
use super::{ReadProblem, WriteProblem, sys};

/// The number of links that Linux follows.
const MAX_LINKS: usize = 40;

/// The user who writes, and whose files root may write.
pub(super) struct User {
    id: u32,
    home: Option<Home>,
}

/// The home directory of another user, whose files root may write.
struct Home {
    path: PathBuf,
    owner: u32,
    group: u32,
}

impl User {
    pub(super) fn current(home: Option<&Path>) -> User {
        let id = sys::effective_user();
        let home = home.filter(|_| id == 0).and_then(|path| {
            let path = fs::canonicalize(path).ok()?;
            let meta = fs::metadata(&path).ok()?;
            Some(Home {
                owner: meta.uid(),
                group: meta.gid(),
                path,
            })
        });
        let home = home.filter(|home| home.owner != id);
        User { id, home }
    }

    fn is_home_owner(&self, owner: u32) -> bool {
        self.home.as_ref().is_some_and(|home| home.owner == owner)
    }

    pub(super) fn may_write_for(&self, owner: u32) -> bool {
        owner == self.id || self.is_home_owner(owner)
    }

    /// The owner of a file that root creates in this directory, if that is the
    /// home's owner. The canonical path decides: a link in the home does not
    /// make a directory elsewhere part of it.
    pub(super) fn owner_of_new(&self, dir: &Path) -> Option<(u32, u32)> {
        let home = self.home.as_ref()?;
        let dir = fs::canonicalize(dir).ok()?;
        dir.starts_with(&home.path)
            .then_some((home.owner, home.group))
    }

    /// Refuses a link that another user can redirect: it could lead to any file
    /// that this user may write. Returns the home's owner if the link is theirs.
    fn trust_link(&self, link: &Path, owner: u32) -> Result<Option<u32>, WriteProblem> {
        let ours = |owner| owner == self.id || owner == 0;
        if ours(owner) {
            return Ok(None);
        }
        if self.is_home_owner(owner) {
            return Ok(Some(owner));
        }
        let dir = fs::metadata(parent(link)).map_err(ReadProblem::from)?;
        if dir.mode() & 0o022 != 0 || !ours(dir.uid()) {
            return Err(WriteProblem::StrangersLink(owner));
        }
        Ok(None)
    }
}

/// The file that a path leads to.
pub(super) struct ResolvedPath {
    pub path: PathBuf,
    /// The file, if it exists; never a link.
    pub found: Option<Metadata>,
    /// The home's owner, if root followed a link of theirs.
    redirected_by: Option<u32>,
}

impl ResolvedPath {
    /// Follows the links at the end of the path, also to a missing file. The
    /// kernel follows links among its directories.
    pub(super) fn of(path: &Path, user: &User) -> Result<ResolvedPath, WriteProblem> {
        let mut path = path.to_path_buf();
        let mut redirected_by = None;
        for _ in 0..=MAX_LINKS {
            let found = match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {
                    redirected_by = redirected_by.or(user.trust_link(&path, meta.uid())?);
                    let link = fs::read_link(&path).map_err(ReadProblem::from)?;
                    path = parent(&path).join(link);
                    continue;
                }
                Ok(meta) => Some(meta),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(ReadProblem::from(error).into()),
            };
            return Ok(ResolvedPath {
                path,
                found,
                redirected_by,
            });
        }
        Err(ReadProblem::LinkLoop.into())
    }

    /// Whether the existing file may be changed. The kernel lets root write any
    /// file, so this checks owner and mode itself.
    pub(super) fn check(&self, meta: &Metadata, user: &User) -> Result<(), WriteProblem> {
        let owner = meta.uid();
        if !meta.is_file() {
            return Err(ReadProblem::NotAFile(kind(meta.file_type())).into());
        }
        if !user.may_write_for(owner) {
            return Err(WriteProblem::Foreign(owner));
        }
        match self.redirected_by {
            // A user's link must not lead root to a file of somebody else.
            Some(owner_of_link) if owner_of_link != owner => {
                Err(WriteProblem::StrangersLink(owner_of_link))
            }
            _ if meta.mode() & 0o200 == 0 => Err(WriteProblem::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Whether a new file may be created there.
    pub(super) fn check_new(&self, user: &User) -> Result<(), WriteProblem> {
        match self.redirected_by {
            Some(owner_of_link) if user.owner_of_new(self.dir()).is_none() => {
                Err(WriteProblem::StrangersLink(owner_of_link))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        parent(&self.path)
    }

    pub(super) fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}
