//! The key on standard input, for scripts that keep it off the command line.

use std::io::Read;

use wandb_login::Error;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The most bytes that are read: more than the longest key.
const LIMIT: u64 = 70_000;

/// Reads standard input to its end.
pub(crate) fn read() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_end(&mut bytes)?;
    let key = key_in(&bytes).map_err(|problem| Error::Credentials(problem.to_string()))?;
    Ok(Zeroizing::new(key.to_string()))
}

/// The key in the input, or what is wrong with it. The line end after the key is
/// dropped. What else does not belong to a key is left to the library, which reports
/// it as for every other source.
fn key_in(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err("standard input is UTF-16; write the key as UTF-8 or ASCII");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "standard input is not UTF-8")?;
    match text.trim_start_matches('\u{feff}').trim_ascii() {
        "" => Err("there is no key on standard input"),
        _ => Ok(text.trim_ascii_end()),
    }
}
