//! Helpers that do not depend on the rest of the library.

pub(crate) mod lines;
pub(crate) mod redact;
pub(crate) mod secret;
#[cfg(unix)]
pub(crate) mod streams;
