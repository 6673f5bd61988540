//! The user database: the home directory of a user.

use std::path::PathBuf;

/// The home directory of the user called `name`.
pub(super) fn home_of(name: &[u8]) -> Option<PathBuf> {
    let name = std::ffi::CString::new(name).ok()?;
    look_up(|entry, buffer, found| {
        // SAFETY: `name` ends with NUL; `look_up` passes live pointers for the
        // rest, and `buffer.len()` is the size of the buffer.
        unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                entry,
                buffer.as_mut_ptr(),
                buffer.len(),
                found,
            )
        }
    })
}

/// The home directory of the process's real user, as Python takes it.
pub(super) fn own_home() -> Option<PathBuf> {
    // SAFETY: takes nothing, touches no memory, cannot fail.
    home_of_id(unsafe { libc::getuid() })
}

/// The home directory of the user whose rights the process has. The caller of a
/// set-user-ID program has no influence on it.
pub(super) fn effective_home() -> Option<PathBuf> {
    // SAFETY: takes nothing, touches no memory, cannot fail.
    home_of_id(unsafe { libc::geteuid() })
}

fn home_of_id(user: libc::uid_t) -> Option<PathBuf> {
    look_up(|entry, buffer, found| {
        // SAFETY: `look_up` passes live pointers, and `buffer.len()` is the
        // size of the buffer.
        unsafe { libc::getpwuid_r(user, entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })
}

/// Queries the database with a buffer that grows until the entry fits. `call`
/// gets the entry, the buffer for its strings and the result pointer.
fn look_up(
    call: impl Fn(&mut libc::passwd, &mut [libc::c_char], &mut *mut libc::passwd) -> libc::c_int,
) -> Option<PathBuf> {
    use std::ffi::{CStr, OsString};
    use std::os::unix::ffi::OsStringExt;

    let mut buffer = vec![0; 1024];
    loop {
        let mut found = std::ptr::null_mut();
        // SAFETY: an all-zero `passwd` is valid: its members are integers and
        // pointers.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let status = call(&mut entry, &mut buffer, &mut found);
        if status == libc::ERANGE && buffer.len() < 1 << 20 {
            buffer.resize(buffer.len() * 4, 0);
            continue;
        }
        if found.is_null() || entry.pw_dir.is_null() {
            return None;
        }
        // SAFETY: `pw_dir` points into `buffer`, at a string that ends with NUL.
        let home = unsafe { CStr::from_ptr(entry.pw_dir) };
        return Some(PathBuf::from(OsString::from_vec(home.to_bytes().to_vec())));
    }
}
