//! The system calls that std does not wrap.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The user who will own new files.
pub(super) fn effective_user() -> u32 {
    // SAFETY: takes nothing, touches no memory, cannot fail.
    unsafe { libc::geteuid() }
}

/// The state of a pipe.
pub(super) struct PipeState {
    pub readable: bool,
    /// There was a writer, and the last one has closed it.
    pub closed: bool,
}

/// Waits until the pipe can be read, its last writer closes it, or the time is up.
pub(super) fn wait_for_input(file: &File, time: Duration) -> io::Result<PipeState> {
    let mut slot = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // Rounded up, so that the last millisecond does not spin.
    let millis = i32::try_from(time.as_millis() + 1).unwrap_or(i32::MAX);
    // SAFETY: the pointer is to one pollfd that outlives the call, and the
    // count says one.
    if unsafe { libc::poll(&mut slot, 1, millis) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        slot.revents = 0;
    }
    Ok(PipeState {
        readable: slot.revents & libc::POLLIN != 0,
        closed: slot.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0,
    })
}

/// Opens a directory, to list it and to fsync it. O_NOATIME where possible: an
/// access time would have to be written to the disk with each login, too.
pub(super) fn open_dir(path: &Path) -> io::Result<File> {
    let open = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Ok(dir) = open(libc::O_DIRECTORY | libc::O_NOATIME) {
        return Ok(dir);
    }
    // O_NOATIME is refused for directories of other users.
    open(libc::O_DIRECTORY)
}

/// The names in a directory with this prefix, as far as they can be read.
pub(super) fn names(dir: &File, prefix: &[u8]) -> Vec<OsString> {
    let mut names = Vec::new();
    let Ok(copy) = dir.try_clone() else {
        return names;
    };
    // SAFETY: the descriptor is open; it is given away below if this succeeds.
    let stream = unsafe { libc::fdopendir(copy.as_raw_fd()) };
    if stream.is_null() {
        return names;
    }
    // The stream closes it.
    let _ = copy.into_raw_fd();
    loop {
        // SAFETY: the stream is open, and no other thread has it.
        let entry = unsafe { libc::readdir(stream) };
        if entry.is_null() {
            break;
        }
        // SAFETY: an entry has a name that ends with NUL, and stands until the
        // next call. It may be shorter than its type, so no reference is made.
        let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
        if name.to_bytes().starts_with(prefix) {
            names.push(OsStr::from_bytes(name.to_bytes()).to_owned());
        }
    }
    // SAFETY: the stream is open, and not used after this.
    unsafe { libc::closedir(stream) };
    names
}

/// Whether the file carries an access control list or user attributes, which a
/// new file would not have. Other attributes do not count: the kernel sets
/// `security.` labels on the new file as well, and network file systems (NFS,
/// Lustre) show some on every file.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_acl(file: &File) -> bool {
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

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_acl(_: &File) -> bool {
    false
}

/// Copies the access control list and the attributes to the new file, on
/// systems with a call for it.
#[cfg(target_os = "macos")]
pub(super) fn copy_acl(from: &File, to: &File) -> io::Result<()> {
    let what = libc::COPYFILE_ACL | libc::COPYFILE_XATTR;
    // SAFETY: both descriptors are open for the call; no state object is used.
    let done =
        unsafe { libc::fcopyfile(from.as_raw_fd(), to.as_raw_fd(), std::ptr::null_mut(), what) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(not(target_os = "macos"))]
pub(super) fn copy_acl(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
