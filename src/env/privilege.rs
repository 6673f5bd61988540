//! Whether this process has more rights than the user who started it.

/// Why the environment of a privileged process is ignored, for messages.
pub(crate) const IGNORED: &str = "This program runs with more rights than its caller \
     (set-user-ID, set-group-ID or file capabilities), so the caller's environment variables and \
     workspace settings were ignored; give the program its key and server explicitly.";

/// Whether the kernel marked this process at its start: a set-user-ID or
/// set-group-ID program, or one with file capabilities.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn is_privileged() -> bool {
    // SAFETY: takes a number, touches no memory of ours, and returns 0 for an
    // entry that the kernel did not pass.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether the process runs as another user or group than its caller.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(super) fn is_privileged() -> bool {
    // SAFETY: these calls take nothing, touch no memory and cannot fail.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

/// Windows has no such programs.
#[cfg(not(unix))]
pub(super) fn is_privileged() -> bool {
    false
}
