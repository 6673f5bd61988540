//! Standard error as a terminal that may show colors.

use std::io::{IsTerminal, Result, Write};

/// Whether standard error shows escape sequences as colors.
pub(crate) fn shows_colors() -> bool {
    std::io::stderr().is_terminal()
}

/// Writes text with or without escape sequences to standard error.
pub(crate) fn write_stderr(text: &[u8]) -> Result<()> {
    std::io::stderr().write_all(text)
}
