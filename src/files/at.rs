//! System calls relative to an open directory. Std has none of them.
//!
//! A path is resolved once, by [`super::resolve`]. From then on a file is named
//! by its directory's descriptor and its name in it, so that another user who
//! exchanges a directory on the path cannot redirect a later call.

use std::ffi::{CString, OsStr, OsString, c_int};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;

use super::sys::{PEEK, QUIET, SEARCH};

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir(File);

impl Dir {
    /// Opens the directory where absolute paths begin, or relative ones.
    pub(super) fn start(absolute: bool) -> io::Result<Dir> {
        let path = if absolute { "/" } else { "." };
        open_at(
            libc::AT_FDCWD,
            OsStr::new(path),
            SEARCH | libc::O_DIRECTORY,
            0,
        )
        .map(Dir)
    }

    /// Opens a directory in this one; fails for a link.
    pub(super) fn open_dir(&self, name: &OsStr) -> io::Result<Dir> {
        self.open(name, SEARCH | libc::O_DIRECTORY | libc::O_NOFOLLOW, 0)
            .map(Dir)
    }

    /// Opens this directory again, to list it and to fsync it.
    pub(super) fn open_for_reading(&self) -> io::Result<File> {
        let open = |flags| self.open(OsStr::new("."), libc::O_DIRECTORY | flags, 0);
        open(QUIET).or_else(|_| open(libc::O_RDONLY))
    }

    pub(super) fn open(&self, name: &OsStr, flags: c_int, mode: libc::c_uint) -> io::Result<File> {
        open_at(self.0.as_raw_fd(), name, flags, mode)
    }

    pub(super) fn try_clone(&self) -> io::Result<Dir> {
        self.0.try_clone().map(Dir)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// What the name stands for, not following a link; `None` for nothing.
    pub(super) fn peek(&self, name: &OsStr) -> io::Result<Option<Entry>> {
        let file = match self.open(name, PEEK, 0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let meta = file.metadata()?;
        Ok(Some(Entry { file, meta }))
    }

    /// Whether the name stands for this very file.
    pub(super) fn holds(&self, name: &OsStr, meta: &Metadata) -> io::Result<bool> {
        let name = c_string(name)?;
        let mut found = MaybeUninit::<libc::stat>::uninit();
        let (dir, flags) = (self.0.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
        // SAFETY: the name is a C string, and the buffer is a whole structure.
        match check(|| unsafe { libc::fstatat(dir, name.as_ptr(), found.as_mut_ptr(), flags) }) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            result => result?,
        };
        // SAFETY: the call has filled it in.
        let found = unsafe { found.assume_init() };
        #[allow(clippy::unnecessary_cast)] // the types depend on the system
        Ok((found.st_dev as u64, found.st_ino as u64) == (meta.dev(), meta.ino()))
    }

    /// Reads a link that `peek` has found.
    pub(super) fn read_link(&self, name: &OsStr, link: &Entry) -> io::Result<OsString> {
        // On Linux the descriptor names the link itself.
        let (dir, name) = match cfg!(any(target_os = "linux", target_os = "android")) {
            true => (link.file.as_raw_fd(), OsStr::new("")),
            false => (self.0.as_raw_fd(), name),
        };
        let name = c_string(name)?;
        let mut target = vec![0_u8; libc::PATH_MAX as usize];
        // SAFETY: the name is a C string, and the buffer is as long as stated.
        let len = check(|| unsafe {
            libc::readlinkat(dir, name.as_ptr(), target.as_mut_ptr().cast(), target.len()) as c_int
        })?;
        target.truncate(usize::try_from(len).unwrap_or(0));
        Ok(OsString::from_vec(target))
    }

    pub(super) fn create_dir(&self, name: &OsStr, mode: libc::mode_t) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the name is a C string that outlives the call.
        check(|| unsafe { libc::mkdirat(self.0.as_raw_fd(), name.as_ptr(), mode) })?;
        Ok(())
    }

    /// Changes the mode of a directory that this user may not open.
    pub(super) fn set_mode(&self, name: &OsStr, mode: libc::mode_t) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the name is a C string that outlives the call.
        check(|| unsafe { libc::fchmodat(self.0.as_raw_fd(), name.as_ptr(), mode, 0) })?;
        Ok(())
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let (dir, from, to) = (self.0.as_raw_fd(), c_string(from)?, c_string(to)?);
        // SAFETY: both names are C strings that outlive the call.
        check(|| unsafe { libc::renameat(dir, from.as_ptr(), dir, to.as_ptr()) })?;
        Ok(())
    }

    /// Removes a file. On NFS the directory can be stale for a moment, which a second
    /// attempt ends.
    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the name is a C string that outlives the call.
        let remove = || check(|| unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), 0) });
        match remove() {
            Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => remove()?,
            removed => removed?,
        };
        Ok(())
    }
}

/// What a name in a directory stands for.
pub(super) struct Entry {
    file: File,
    pub meta: Metadata,
}

pub(super) fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

fn open_at(dir: c_int, name: &OsStr, flags: c_int, mode: libc::c_uint) -> io::Result<File> {
    let name = c_string(name)?;
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the name is a C string that outlives the call.
    let fd = check(|| unsafe { libc::openat(dir, name.as_ptr(), flags, mode) })?;
    // SAFETY: the descriptor is new, and owned by the file only.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Repeats an interrupted call.
fn check(mut call: impl FnMut() -> c_int) -> io::Result<c_int> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn c_string(name: &OsStr) -> io::Result<CString> {
    CString::new(name.as_bytes()).map_err(|_| ErrorKind::InvalidInput.into())
}
