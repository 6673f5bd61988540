//! Standard output on Windows.

use std::fs::File;
use std::io::{IsTerminal, Result, Write, stdout};
use std::os::windows::io::AsHandle;

/// Writes to standard output without its buffer. A console gets its text through
/// std, which converts it from UTF-8 and passes whole lines on at once.
pub(super) fn write_unbuffered(bytes: &[u8]) -> Result<()> {
    let out = stdout();
    if out.is_terminal() {
        return out.lock().write_all(bytes);
    }
    File::from(out.as_handle().try_clone_to_owned()?).write_all(bytes)
}
