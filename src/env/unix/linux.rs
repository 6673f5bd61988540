//! What differs on Linux and Android.

/// Whether the kernel marked this process at its start: a set-user-ID or set-group-ID
/// program, or one with file capabilities.
pub(in crate::env) fn is_privileged() -> bool {
    // SAFETY: takes a number, touches no memory of ours, and returns 0 for an
    // entry that the kernel did not pass.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
