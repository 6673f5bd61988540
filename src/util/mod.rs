//! Helpers that do not depend on the rest of the library.

#[cfg_attr(windows, path = "console/windows.rs")]
pub(crate) mod console;
pub(crate) mod lines;
pub(crate) mod redact;
pub(crate) mod secret;
#[cfg_attr(unix, path = "shell/posix.rs")]
#[cfg_attr(windows, path = "shell/windows.rs")]
pub(crate) mod shell;
#[cfg_attr(windows, path = "streams/windows.rs")]
pub(crate) mod streams;
#[cfg(test)]
pub(crate) mod this_test;
