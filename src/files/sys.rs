//! The system calls that std does not wrap.

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "sys/linux.rs")]
#[cfg_attr(target_os = "macos", path = "sys/macos.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_os = "macos")),
    path = "sys/other.rs"
)]
mod platform;

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::time::Duration;

pub(super) use platform::{PEEK, QUIET, SEARCH, copy_acl, has_acl};

/// How long to wait for another holder of the lock.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The user who will own new files.
pub(super) fn effective_user() -> u32 {
    // SAFETY: takes nothing, touches no memory, cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether the file's mount is read-only.
pub(super) fn is_on_read_only_mount(file: &File) -> bool {
    // SAFETY: an all-zero `statvfs` is valid: its members are integers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open for the call, and the pointer is to a live
    // `statvfs`.
    let status = unsafe { libc::fstatvfs(file.as_raw_fd(), &raw mut found) };
    status == 0 && found.f_flag & libc::ST_RDONLY != 0
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

/// The names in a directory, as far as they can be read.
pub(super) fn names(dir: &File) -> Vec<OsString> {
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
        names.push(OsStr::from_bytes(name.to_bytes()).to_owned());
    }
    // SAFETY: the stream is open, and not used after this.
    unsafe { libc::closedir(stream) };
    names
}

/// Writes all bytes at an offset.
pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    FileExt::write_all_at(file, bytes, offset)
}

/// Flushes a file or a directory to the disk.
pub(super) fn sync_all(file: &File) -> io::Result<()> {
    ignore_unsupported(file.sync_all())
}

/// Flushes a file's content to the disk.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    ignore_unsupported(file.sync_data())
}

/// Some file systems cannot flush. That is no reason not to save.
fn ignore_unsupported(synced: io::Result<()>) -> io::Result<()> {
    let unsupported = [libc::EINVAL, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
    match synced {
        Err(error)
            if error
                .raw_os_error()
                .is_some_and(|code| unsupported.contains(&code)) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Blocks SIGXFSZ for this thread: a write beyond RLIMIT_FSIZE then fails with
/// EFBIG, and does not end the program.
pub(super) struct FileSizeSignal {
    /// The mask to restore; `None` if the signal was blocked already.
    before: Option<libc::sigset_t>,
}

impl FileSizeSignal {
    pub(super) fn block() -> FileSizeSignal {
        let mut before = MaybeUninit::uninit();
        let signal = only_file_size_signal();
        // SAFETY: both sets are valid for the call, which fills in the second;
        // blocking a signal cannot fail.
        let before = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &signal, before.as_mut_ptr());
            before.assume_init()
        };
        // SAFETY: the set is initialized.
        let blocked = unsafe { libc::sigismember(&before, libc::SIGXFSZ) } == 1;
        FileSizeSignal {
            before: (!blocked).then_some(before),
        }
    }
}

impl Drop for FileSizeSignal {
    fn drop(&mut self) {
        let Some(before) = &self.before else {
            return;
        };
        let mut pending = MaybeUninit::uninit();
        let mut signal = 0;
        // SAFETY: the sets are valid for the calls. A pending signal is taken
        // before it is unblocked, and `sigwait` returns at once for one.
        unsafe {
            libc::sigpending(pending.as_mut_ptr());
            if libc::sigismember(pending.as_ptr(), libc::SIGXFSZ) == 1 {
                libc::sigwait(&only_file_size_signal(), &mut signal);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut());
        }
    }
}

fn only_file_size_signal() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call initializes the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ);
        set.assume_init()
    }
}
