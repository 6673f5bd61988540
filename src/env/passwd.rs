//! The user database: where a user's home is.

use std::path::PathBuf;

/// The home directory of the user of that name.
#[cfg(unix)]
pub(crate) fn home_of(name: &[u8]) -> Option<PathBuf> {
    let name = std::ffi::CString::new(name).ok()?;
    look_up(|entry, buffer, found| {
        // SAFETY: `name` ends with NUL; the rest is as `look_up` says.
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

/// The home directory of the user that this process runs as.
#[cfg(unix)]
pub(crate) fn own_home() -> Option<PathBuf> {
    look_up(|entry, buffer, found| {
        // SAFETY: as `look_up` says.
        unsafe {
            libc::getpwuid_r(
                libc::geteuid(),
                entry,
                buffer.as_mut_ptr(),
                buffer.len(),
                found,
            )
        }
    })
}

/// Asks the database, with a buffer that grows until the entry fits. The call
/// is given live places for the entry, its texts and the pointer to it.
#[cfg(unix)]
fn look_up(
    call: impl Fn(&mut libc::passwd, &mut [libc::c_char], &mut *mut libc::passwd) -> libc::c_int,
) -> Option<PathBuf> {
    use std::ffi::{CStr, OsString};
    use std::os::unix::ffi::OsStringExt;

    let mut buffer = vec![0; 1024];
    loop {
        let mut found = std::ptr::null_mut();
        // SAFETY: an all-zero `passwd` is a valid one; it only receives.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let status = call(&mut entry, &mut buffer, &mut found);
        if status == libc::ERANGE && buffer.len() < 1 << 20 {
            buffer.resize(buffer.len() * 4, 0);
            continue;
        }
        if found.is_null() || entry.pw_dir.is_null() {
            return None;
        }
        // SAFETY: `pw_dir` points into `buffer`, at text that ends with NUL.
        let home = unsafe { CStr::from_ptr(entry.pw_dir) };
        return Some(PathBuf::from(OsString::from_vec(home.to_bytes().to_vec())));
    }
}

/// Only this user's own profile is known there.
#[cfg(not(unix))]
pub(crate) fn home_of(_name: &[u8]) -> Option<PathBuf> {
    None
}

/// The profile directory.
#[cfg(not(unix))]
pub(crate) fn own_home() -> Option<PathBuf> {
    dirs::home_dir()
}
