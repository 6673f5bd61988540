//! What differs on Linux and Android.

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Opens a directory without the right to list it.
pub(in crate::files) const SEARCH: c_int = libc::O_PATH;

/// Opens whatever is there, a link included.
pub(in crate::files) const PEEK: c_int = libc::O_PATH | libc::O_NOFOLLOW;

/// Opens without a new access time, which would have to be written to the disk. Refused
/// for what belongs to another user.
pub(in crate::files) const QUIET: c_int = libc::O_NOATIME;

/// Whether the file carries an access control list or user attributes, which a
/// new file would not have. Other attributes do not count: the kernel sets
/// `security.` labels on the new file as well, and network file systems (NFS,
/// Lustre) show some on every file.
pub(in crate::files) fn has_acl(file: &File) -> bool {
    let mut names = [0_u8; 4096];
    // SAFETY: the buffer is ours and as long as we say.
    let size =
        unsafe { libc::flistxattr(file.as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
    let Ok(size) = usize::try_from(size) else {
        // More names than fit, or attributes are not supported.
        return io::Error::last_os_error().raw_os_error() == Some(libc::ERANGE);
    };
    names[..size]
        .split(|&byte| byte == 0)
        .any(|name| name == b"system.posix_acl_access" || name.starts_with(b"user."))
}

/// A file with a list is written in place; see [`has_acl`].
pub(in crate::files) fn copy_acl(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
