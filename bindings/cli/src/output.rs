//! Standard output. A closed one is an error, never a panic.

#[cfg_attr(unix, path = "output/unix.rs")]
#[cfg_attr(windows, path = "output/windows.rs")]
mod platform;

use std::io::Write;

use zeroize::Zeroizing;

/// Prints text that holds no secret.
pub(crate) fn print_text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints one line without the buffer of standard output, since the line may
/// hold a key.
pub(crate) fn print_line(parts: &[&[u8]]) -> std::io::Result<()> {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
    let mut line = Zeroizing::new(Vec::with_capacity(size));
    parts.iter().for_each(|part| line.extend_from_slice(part));
    line.push(b'\n');
    platform::write_unbuffered(&line)
}
