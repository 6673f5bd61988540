//! What differs on other Unix systems, which are untested.

use std::ffi::c_int;
use std::fs::File;
use std::io;

/// Opens a directory; the right to list it is needed too.
pub(in crate::files) const SEARCH: c_int = libc::O_RDONLY;

/// Opens whatever is there; fails for a link.
pub(in crate::files) const PEEK: c_int = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

/// Opens without a new access time, where the system can.
pub(in crate::files) const QUIET: c_int = libc::O_RDONLY;

/// No call is known that tells.
pub(in crate::files) fn has_acl(_: &File) -> bool {
    false
}

/// No call is known that copies the access control list.
pub(in crate::files) fn copy_acl(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
