//! The key on standard input, for scripts that keep it off the command line.

use std::io::Read;

use wandb_login::Error;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The most bytes that are read: more than the longest key.
const LIMIT: u64 = 70_000;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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

/// The key in the input, or what is wrong with it. ASCII white space after the
/// key is dropped; white space before it is left to the library, which reports it.
fn key_in(bytes: &[u8]) -> Result<&str, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err("standard input is UTF-16; write the key as UTF-8 or ASCII".into());
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("standard input is not UTF-8".into());
    };
    let key = text.trim_ascii_end();
    if key.is_empty() {
        return Err("there is no key on standard input".into());
    }
    if let Some(space) = key.chars().find(|&c| is_invisible(c)) {
        let (name, code) = (name_of(space), u32::from(space));
        return Err(format!(
            "the key on standard input contains a {name} (U+{code:04X}): remove it"
        ));
    }
    Ok(key)
}

/// Non-ASCII white space and zero-width characters.
fn is_invisible(c: char) -> bool {
    !c.is_ascii() && c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn name_of(c: char) -> &'static str {
    match c {
        '\u{a0}' => "no-break space",
        '\u{202f}' => "narrow no-break space",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{3000}' => "ideographic space",
        '\u{feff}' => "byte-order mark",
        _ if c.is_whitespace() => "non-ASCII space",
        _ => "zero-width character",
    }
}
