//! Tests on a real file system: concurrent writers, crashes and injected errors.

#[cfg(unix)]
mod accidents;
pub(super) mod common;
mod everywhere;
#[cfg(unix)]
mod reading;
#[cfg(unix)]
mod sharing;
#[cfg(unix)]
mod support;
#[cfg(unix)]
mod users;
#[cfg(unix)]
mod writing;
