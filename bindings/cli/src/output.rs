//! Standard output. A closed one is an error, never a panic.

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
    let out = std::io::stdout();
    #[cfg(unix)]
    let out = std::fs::File::from(std::os::fd::AsFd::as_fd(&out).try_clone_to_owned()?);
    (&out).write_all(&line)
}
