//! Tests on a real file system: concurrent writers, crashes and injected errors.

mod accidents;
mod reading;
mod sharing;
mod support;
mod users;
mod writing;
