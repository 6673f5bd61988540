//! Standard output on Unix.

use std::fs::File;
use std::io::{Result, Write, stdout};
use std::os::fd::AsFd;

/// Writes to standard output without its buffer.
pub(super) fn write_unbuffered(bytes: &[u8]) -> Result<()> {
    File::from(stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}
