//! Which file a path really means, and whether it is ours to write.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::read::kind;
use super::{ReadProblem, WriteProblem, sys};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Who writes, and for whom.
pub(super) struct User {
    id: u32,
    home: Option<Home>,
}

/// The home that root, and nobody else, may keep in order for its owner.
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

    /// Who shall own what is made in this directory: its home's owner, if that
    /// is not who we are. The directory counts where it really is, so that a
    /// link in the home does not hand out places elsewhere.
    pub(super) fn owner_of_new(&self, dir: &Path) -> Option<(u32, u32)> {
        let home = self.home.as_ref()?;
        let dir = fs::canonicalize(dir).ok()?;
        dir.starts_with(&home.path)
            .then_some((home.owner, home.group))
    }

    /// A link that another user can turn elsewhere could make us write into
    /// any file of ours. Says whose word the link is, if not ours or root's.
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

/// Where a path leads.
pub(super) struct Place {
    pub path: PathBuf,
    /// What is there, which is not a link.
    pub found: Option<Metadata>,
    /// Root came here by a link of the home's owner.
    led_by: Option<u32>,
}

impl Place {
    /// Follows the links at the path's end, also to a file that is not there
    /// yet. Links among its directories are the kernel's business.
    pub(super) fn of(path: &Path, user: &User) -> Result<Place, WriteProblem> {
        let mut path = path.to_path_buf();
        let mut led_by = None;
        for _ in 0..=MAX_LINKS {
            let found = match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {
                    led_by = led_by.or(user.trust_link(&path, meta.uid())?);
                    let link = fs::read_link(&path).map_err(ReadProblem::from)?;
                    path = parent(&path).join(link);
                    continue;
                }
                Ok(meta) => Some(meta),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(ReadProblem::from(error).into()),
            };
            return Ok(Place {
                path,
                found,
                led_by,
            });
        }
        Err(ReadProblem::LinkLoop.into())
    }

    /// Whether the file that is there may be changed. Root could write any
    /// file, so this asks what the mode says and not what the kernel allows.
    pub(super) fn check(&self, meta: &Metadata, user: &User) -> Result<(), WriteProblem> {
        let owner = meta.uid();
        if !meta.is_file() {
            return Err(ReadProblem::NotAFile(kind(meta.file_type())).into());
        }
        if !user.may_write_for(owner) {
            return Err(WriteProblem::Foreign(owner));
        }
        match self.led_by {
            // A user's link must not take root to what is not that user's.
            Some(leader) if leader != owner => Err(WriteProblem::StrangersLink(leader)),
            _ if meta.mode() & 0o200 == 0 => Err(WriteProblem::ReadOnly),
            _ => Ok(()),
        }
    }

    /// The same for a file that is to be made.
    pub(super) fn check_new(&self, user: &User) -> Result<(), WriteProblem> {
        match self.led_by {
            Some(leader) if user.owner_of_new(self.dir()).is_none() => {
                Err(WriteProblem::StrangersLink(leader))
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
