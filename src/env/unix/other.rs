//! What differs on macOS and other Unix systems.

/// Whether the process runs as another user or group than its caller.
pub(in crate::env) fn is_privileged() -> bool {
    // SAFETY: these calls take nothing, touch no memory and cannot fail.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}
