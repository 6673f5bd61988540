//! The user database: where `~name` is.

use std::path::PathBuf;

/// The home directory of the user of that name.
#[cfg(unix)]
pub(crate) fn home_of(name: &[u8]) -> Option<PathBuf> {
    use std::ffi::{CStr, CString, OsString};
    use std::os::unix::ffi::OsStringExt;

    let name = CString::new(name).ok()?;
    let mut buffer = vec![0; 1024];
    loop {
        let mut found = std::ptr::null_mut();
        // SAFETY: an all-zero `passwd` is a valid one; it only receives.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        // SAFETY: every pointer is to a live local of the size that is told.
        let status = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &mut entry,
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut found,
            )
        };
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
