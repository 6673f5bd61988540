//! Which file a path leads to, and whether this user may change it.
//!
//! The path is walked once, from one open directory to the next, so that every
//! link on it is seen and judged. Two rules follow from who could redirect it:
//!
//! 1. A link that another user can redirect is not followed.
//! 2. Where root follows a link of the home's owner, it may do there what that
//!    owner may do: change the owner's files, and create files in the owner's
//!    directories.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::at::{Dir, Entry, is_same};
use super::create::create_dir;
use super::read::{self, kind};
use super::{ReadProblem, WriteProblem, sys};
use crate::util::shell::word;

/// The number of links that Linux follows.
const MAX_LINKS: usize = 40;

/// How to restrict a file to its owner, for messages.
pub(crate) const HOW_TO_RESTRICT: &str = "chmod 600 it";

/// The user who writes, and whose files root may write.
pub(crate) struct User {
    id: u32,
    /// The home directory of another user, for whom root writes.
    home: Option<Metadata>,
}

impl User {
    /// The user of this process. `home` is the home directory whose owner root may
    /// write for.
    pub(crate) fn current(home: Option<&Path>) -> User {
        let id = sys::effective_user();
        let home = home.filter(|_| id == 0);
        let home = home.and_then(|path| fs::metadata(path).ok());
        User {
            id,
            home: home.filter(|home| home.uid() != id),
        }
    }

    fn is_home_owner(&self, owner: u32) -> bool {
        self.home.as_ref().is_some_and(|home| home.uid() == owner)
    }

    fn home_owner(&self) -> Option<(u32, u32)> {
        let home = self.home.as_ref()?;
        Some((home.uid(), home.gid()))
    }

    pub(super) fn may_write_for(&self, owner: u32) -> bool {
        owner == self.id || self.is_home_owner(owner)
    }

    /// Whether this user trusts another one as much as root. The owner of `/` is
    /// root, also in a user namespace, where root may have another number.
    fn trusts(&self, owner: u32) -> bool {
        owner == self.id || owner == 0 || fs::metadata("/").is_ok_and(|root| root.uid() == owner)
    }

    /// Refuses a link that another user can redirect. Returns the home's owner
    /// if it is them: the link is theirs, or stands in a directory of theirs.
    fn check_link(&self, dir: &Metadata, link: &Metadata) -> Result<Option<u32>, WriteProblem> {
        let owners = if dir.mode() & 0o022 != 0 {
            [dir.uid(), link.uid()]
        } else {
            [dir.uid(); 2]
        };
        for owner in owners {
            if !self.is_home_owner(owner) && !self.trusts(owner) {
                return Err(OwnerProblem::StrangersLink(owner).into());
            }
        }
        let owners = [dir.uid(), link.uid()];
        Ok(owners.into_iter().find(|&owner| self.is_home_owner(owner)))
    }
}

/// The file that a path leads to.
pub(super) struct ResolvedPath {
    /// For messages only: the file is `name` in `dir`.
    pub path: PathBuf,
    pub dir: Dir,
    pub name: OsString,
    /// The file, if it exists; never a link.
    pub found: Option<Metadata>,
    dir_meta: Metadata,
    in_home: bool,
    /// The home's owner, if root followed a link that they can redirect.
    redirected_by: Option<u32>,
}

/// What to do about a missing directory on the path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parents {
    Existing,
    Create,
}

impl ResolvedPath {
    /// Follows all links, also to a missing file.
    pub(super) fn of(
        path: &Path,
        user: &User,
        parents: Parents,
    ) -> Result<ResolvedPath, WriteProblem> {
        let mut walk = Walk::from(path, user)?;
        while let Some(name) = walk.rest.pop_front() {
            if name == ".." {
                walk.climb()?;
            } else if walk.rest.is_empty() {
                match walk.peek(&name)? {
                    Some(entry) if entry.meta.is_symlink() => walk.follow(&name, &entry)?,
                    found => return walk.end(name, found.map(|entry| entry.meta)),
                }
            } else {
                walk.descend(&name, parents)?;
            }
        }
        // The path ends in `/` or `..`.
        Err(ReadProblem::NotAFile("a directory").into())
    }

    /// Whether the existing file may be changed. The kernel lets root write any
    /// file, so this checks owner and mode itself.
    pub(super) fn check(&self, meta: &Metadata, user: &User) -> Result<(), WriteProblem> {
        let owner = meta.uid();
        if !meta.is_file() {
            return Err(ReadProblem::NotAFile(kind(meta.file_type())).into());
        }
        if !user.may_write_for(owner) {
            return Err(OwnerProblem::Foreign(owner).into());
        }
        // A user's link must not lead root to a file of somebody else.
        if let Some(owner_of_link) = self.redirected_by
            && owner_of_link != owner
        {
            return Err(OwnerProblem::StrangersLink(owner_of_link).into());
        }
        // Neither must a hard link in the directory of another user.
        let host = self.dir_meta.uid();
        if meta.nlink() > 1 && host != owner && !user.trusts(host) {
            return Err(OwnerProblem::StrangersHardLink(host).into());
        }
        // Where any user can put a link, it may be one to a file of this user.
        if meta.nlink() > 1 && self.dir_meta.mode() & 0o002 != 0 {
            return Err(OwnerProblem::SharedHardLink.into());
        }
        if meta.mode() & 0o200 == 0 {
            return Err(WriteProblem::ReadOnly);
        }
        Ok(())
    }

    /// Whether a file may be created in the directory.
    pub(super) fn check_new(&self) -> Result<(), WriteProblem> {
        check_new(self.redirected_by, &self.dir_meta)
    }

    /// Whether the file may be replaced, which needs a new file beside it.
    pub(super) fn may_replace(&self) -> bool {
        self.check_new().is_ok()
    }

    /// The owner of a file that root creates in the directory, if that is the
    /// home's owner.
    pub(super) fn owner_of_new(&self, user: &User) -> Option<(u32, u32)> {
        user.home_owner().filter(|_| self.in_home)
    }
}

fn check_new(redirected_by: Option<u32>, dir: &Metadata) -> Result<(), WriteProblem> {
    match redirected_by {
        Some(owner_of_link) if owner_of_link != dir.uid() => {
            Err(OwnerProblem::StrangersLink(owner_of_link).into())
        }
        _ => Ok(()),
    }
}

/// A path that is walked from directory to directory.
struct Walk<'a> {
    user: &'a User,
    dir: Dir,
    path: PathBuf,
    in_home: bool,
    redirected_by: Option<u32>,
    links: usize,
    rest: VecDeque<OsString>,
}

impl Walk<'_> {
    fn from<'a>(path: &Path, user: &'a User) -> Result<Walk<'a>, WriteProblem> {
        if path.as_os_str().is_empty() {
            return Err(ReadProblem::Missing.into());
        }
        let mut walk = Walk {
            user,
            dir: Dir::start(false).map_err(ReadProblem::from)?,
            path: PathBuf::new(),
            in_home: false,
            redirected_by: None,
            links: 0,
            rest: VecDeque::new(),
        };
        walk.in_home = walk.is_at_home()?;
        walk.begin(path)?;
        Ok(walk)
    }

    /// Goes to where the path begins, and puts its names before the rest.
    fn begin(&mut self, path: &Path) -> Result<(), WriteProblem> {
        if path.is_absolute() {
            self.path = PathBuf::from("/");
            self.enter(Dir::start(true).map_err(ReadProblem::from)?, false)?;
        }
        let names = path
            .components()
            .rev()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(name.to_owned()),
                Component::ParentDir => Some(OsString::from("..")),
                _ => None,
            });
        names.for_each(|name| self.rest.push_front(name));
        Ok(())
    }

    fn enter(&mut self, dir: Dir, within_home: bool) -> Result<(), WriteProblem> {
        self.dir = dir;
        self.in_home = within_home || self.is_at_home()?;
        Ok(())
    }

    fn is_at_home(&self) -> Result<bool, WriteProblem> {
        let Some(home) = &self.user.home else {
            return Ok(false);
        };
        let meta = self.dir.metadata().map_err(ReadProblem::from)?;
        Ok(is_same(&meta, home))
    }

    fn climb(&mut self) -> Result<(), WriteProblem> {
        let parent = self
            .dir
            .open_dir(OsStr::new(".."))
            .map_err(ReadProblem::from)?;
        let within_home = self.in_home && !self.is_at_home()?;
        self.path.push("..");
        self.enter(parent, within_home)
    }

    /// Enters a directory, or follows a link in its place.
    fn descend(&mut self, name: &OsStr, parents: Parents) -> Result<(), WriteProblem> {
        let error = match self.dir.open_dir(name) {
            Ok(dir) => {
                self.path.push(name);
                return self.enter(dir, self.in_home);
            }
            Err(error) => error,
        };
        match error.raw_os_error() {
            Some(libc::ENOENT) if parents == Parents::Create => {
                self.create(name)?;
                self.rest.push_front(name.to_owned());
                Ok(())
            }
            Some(libc::ENOENT) => Err(WriteProblem::NoDirectory),
            // What a link answers depends on the system.
            Some(libc::ENOTDIR | libc::ELOOP) => match self.peek(name)? {
                Some(entry) if entry.meta.is_symlink() => self.follow(name, &entry),
                _ => Err(ReadProblem::from(error).into()),
            },
            _ => Err(ReadProblem::from(error).into()),
        }
    }

    fn create(&mut self, name: &OsStr) -> Result<(), WriteProblem> {
        let meta = self.dir.metadata().map_err(ReadProblem::from)?;
        check_new(self.redirected_by, &meta)?;
        let owner = self.user.home_owner().filter(|_| self.in_home);
        create_dir(&self.dir, name, owner).map_err(WriteProblem::when(
            "is in a directory that cannot be created",
        ))
    }

    fn peek(&self, name: &OsStr) -> Result<Option<Entry>, WriteProblem> {
        Ok(self.dir.peek(name).map_err(ReadProblem::from)?)
    }

    fn follow(&mut self, name: &OsStr, link: &Entry) -> Result<(), WriteProblem> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(ReadProblem::LinkLoop.into());
        }
        let dir = self.dir.metadata().map_err(ReadProblem::from)?;
        let owner = self.user.check_link(&dir, &link.meta)?;
        self.redirected_by = self.redirected_by.or(owner);
        let target = self.dir.read_link(name, link).map_err(ReadProblem::from)?;
        self.begin(Path::new(&target))
    }

    fn end(self, name: OsString, found: Option<Metadata>) -> Result<ResolvedPath, WriteProblem> {
        Ok(ResolvedPath {
            path: self.path.join(&name),
            dir_meta: self.dir.metadata().map_err(ReadProblem::from)?,
            dir: self.dir,
            name,
            found,
            in_home: self.in_home,
            redirected_by: self.redirected_by,
        })
    }
}

/// Why a file was not changed for the sake of another user, as in [`WriteProblem`].
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum OwnerProblem {
    #[error("belongs to another user (uid {0})")]
    Foreign(u32),
    #[error("is behind a symbolic link that another user (uid {0}) can redirect")]
    StrangersLink(u32),
    #[error("has a hard link that another user (uid {0}) can redirect")]
    StrangersHardLink(u32),
    #[error("has a hard link, in a directory that every user can write")]
    SharedHardLink,
}

impl WriteProblem {
    /// Whether the file was replaced on another host of a network file system.
    pub(super) fn is_stale(&self) -> bool {
        match self {
            WriteProblem::Read(ReadProblem::Io(error)) | WriteProblem::Io { error, .. } => {
                read::is_stale(error)
            }
            _ => false,
        }
    }

    /// How the user can solve the problem, with the path quoted in it.
    pub(crate) fn remedy(&self, path: &str) -> Option<String> {
        match self {
            WriteProblem::Owner(OwnerProblem::Foreign(_)) => Some(format!(
                "to make it yours, run: sudo chown \"$(id -u)\" {}",
                word(path)
            )),
            _ => None,
        }
    }
}
