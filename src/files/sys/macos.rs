//! What differs on macOS.

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Opens a directory without the right to list it.
pub(in crate::files) const SEARCH: c_int = libc::O_SEARCH;

/// Opens whatever is there, a link included.
pub(in crate::files) const PEEK: c_int = libc::O_SYMLINK | libc::O_NONBLOCK | libc::O_NOCTTY;

/// Opens without a new access time, where the system can.
pub(in crate::files) const QUIET: c_int = libc::O_RDONLY;

/// A new file gets the list of the old one; see [`copy_acl`].
pub(in crate::files) fn has_acl(_: &File) -> bool {
    false
}

/// Copies the access control list and the attributes to the new file.
pub(in crate::files) fn copy_acl(from: &File, to: &File) -> io::Result<()> {
    let what = libc::COPYFILE_ACL | libc::COPYFILE_XATTR;
    // SAFETY: both descriptors are open for the call; no state object is used.
    let done =
        unsafe { libc::fcopyfile(from.as_raw_fd(), to.as_raw_fd(), std::ptr::null_mut(), what) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
