//! The system calls that std does not wrap.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The user in whose name files are made.
pub(super) fn effective_user() -> u32 {
    // SAFETY: takes nothing, touches no memory, cannot fail.
    unsafe { libc::geteuid() }
}

/// What a pipe has to say.
pub(super) struct PipeState {
    pub readable: bool,
    /// There was a writer, and the last one is gone.
    pub closed: bool,
}

/// Waits until the pipe can be read or its writers have gone, or the time is up.
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

/// Opens a directory, to list it and to flush it. To list it is no access that the
/// system shall remember, where it lets us choose: the time of it would have to be
/// flushed to the disk, too, with each login.
pub(super) fn open_dir(path: &Path) -> io::Result<File> {
    let open = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Ok(dir) = open(libc::O_DIRECTORY | libc::O_NOATIME) {
        return Ok(dir);
    }
    // Of other people's directories the system does remember it.
    open(libc::O_DIRECTORY)
}

/// The names in a directory that begin so, as far as they can be read.
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

/// Whether the file carries an access control list or attributes of the user's
/// own, which a new file would not have. Others are not counted: labels under
/// `security.` come anew with the new file, and NFS, Lustre and their like show
/// some on every file.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_acl(file: &File) -> bool {
    let mut names = [0_u8; 4096];
    // SAFETY: the buffer is ours and as long as we say.
    let size =
        unsafe { libc::flistxattr(file.as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
    let Ok(size) = usize::try_from(size) else {
        // More names than any file has by itself, or none at all here.
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

/// Gives a new file the access control list and the attributes of the old one,
/// where the system can do so in one call.
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
