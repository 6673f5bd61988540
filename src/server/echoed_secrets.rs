//! Secrets in responses. A server or proxy may repeat what was sent to it, so
//! every secret of a request is masked in the response before anything copies or
//! quotes it.

use std::fmt;
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::util::redact::clean;
use crate::util::secret::{Secret, WipedBytes};

/// Shorter secrets are masked in error texts only: elsewhere they could be part
/// of the protocol.
pub(super) const SHORTEST: usize = 8;

/// The length limit of quoted text.
const SHOWN: usize = 300;

/// Overwrites the secrets of at least `shortest` bytes with asterisks. Returns
/// whether there were any.
pub(super) fn mask(text: &mut [u8], secrets: &[Secret], shortest: usize) -> bool {
    let mut found = false;
    for secret in secrets.iter().map(Secret::as_bytes) {
        if secret.len() < shortest.max(1) {
            continue;
        }
        // Not memchr, which leaves parts of the text on the stack.
        let mut at = 0;
        while let Some(copy) = text.get_mut(at..at + secret.len()) {
            if copy == secret {
                copy.fill(b'*');
                found = true;
                at += secret.len();
            } else {
                at += 1;
            }
        }
    }
    found
}

/// Replaces JSON escapes of printable ASCII in place, so that a secret that was
/// written with escapes can be found, and a JSON parser needs no copy of it.
pub(super) fn unescape(text: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while from < text.len() {
        let (byte, size) = match text[from..] {
            [b'\\', b'/', ..] => (Some(b'/'), 2),
            [b'\\', b'u', b'0', b'0', high, low, ..] => (printable(high, low), 6),
            _ => (None, 0),
        };
        match byte {
            Some(byte) => {
                text[to] = byte;
                from += size;
                to += 1;
            }
            // An escaped backslash must not begin another escape.
            None => {
                let size = if text[from] == b'\\' { 2 } else { 1 };
                let end = text.len().min(from + size);
                text.copy_within(from..end, to);
                to += end - from;
                from = end;
            }
        }
    }
    text.truncate(to);
}

/// The character of an escape with these digits, if it may stand unescaped.
fn printable(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    let is_plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    is_plain.then_some(byte)
}

/// The text on one line, shortened, without control characters.
pub(super) fn show(text: &str) -> String {
    let mut shown = String::with_capacity(SHOWN + 16);
    for c in text.chars() {
        if shown.len() >= SHOWN {
            shown.push('…');
            break;
        }
        if !c.is_whitespace() {
            shown.push_str(&clean(c.encode_utf8(&mut [0; 4])));
        } else if !shown.is_empty() && !shown.ends_with(' ') {
            shown.push(' ');
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// Adds [`MaskedTransport`] to a connection, below HTTP and above TLS.
#[derive(Clone)]
pub(super) struct MaskConnector(pub Arc<[Secret]>);

impl Connector<Box<dyn Transport>> for MaskConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<Box<dyn Transport>>,
    ) -> Result<Option<Self::Out>, Error> {
        let inner = chained.ok_or(Error::ConnectionFailed)?;
        let secrets = Arc::clone(&self.0);
        Ok(Some(Box::new(MaskedTransport { inner, secrets })))
    }
}

/// A connection that masks secrets in what it receives: ureq copies headers to
/// memory that cannot be wiped.
struct MaskedTransport {
    inner: Box<dyn Transport>,
    secrets: Arc<[Secret]>,
}

impl Transport for MaskedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    /// ureq parses headers when all of them are in the buffer, so a secret that
    /// came in two parts is found with its second part.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let progress = self.inner.await_input(timeout)?;
        let buffers = self.inner.buffers();
        let mut input = WipedBytes::new(buffers.input().to_vec());
        if mask(&mut input, &self.secrets, SHORTEST) {
            buffers.input_consume(input.len());
            buffers.input_append_buf()[..input.len()].copy_from_slice(&input);
            buffers.input_appended(input.len());
            // Resets the "progress" that the first call recorded.
            buffers.input_consume(0);
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl fmt::Debug for MaskConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskConnector")
    }
}

impl fmt::Debug for MaskedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskedTransport")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_line_without_control_characters() {
        for (text, shown) in [
            ("", ""),
            ("  two \r\n\t lines ", "two lines"),
            (
                "\x1b[31mred\x1b[0m\x07",
                "\u{fffd}[31mred\u{fffd}[0m\u{fffd}",
            ),
            ("\u{202e}gnp ü", "\u{fffd}gnp ü"),
        ] {
            assert_eq!(show(text), shown);
        }
        let long = show(&"x".repeat(1 << 20));
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn every_copy_of_a_secret_is_masked() {
        let secrets = ["KEYKEYKEY", "pw", ""].map(|text| Secret::new(text.as_bytes()));
        for (text, shortest, masked) in [
            ("", 1, ""),
            ("bad key KEYKEYKEY.", 1, "bad key *********."),
            ("KEYKEYKEYKEYKEYKEYKEY", 1, "******************KEY"),
            ("ü KEYKEYKEYü pw", 1, "ü *********ü **"),
            ("KEYKEYKEY pw", SHORTEST, "********* pw"),
            ("KEYKEYKE pw", SHORTEST, "KEYKEYKE pw"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            assert_eq!(mask(&mut bytes, &secrets, shortest), text != masked);
            assert_eq!(bytes, masked.as_bytes());
        }
    }

    #[test]
    fn only_escapes_of_printable_ascii_are_replaced() {
        for (text, unescaped) in [
            (r"", r""),
            (r"\u004b\u0045\u0059\/\u002F", r"KEY//"),
            (
                r#"\u0022\u005c\u000a\u007f\u00e9\u2028"#,
                r#"\u0022\u005c\u000a\u007f\u00e9\u2028"#,
            ),
            (r#"\\u0041 \" \n \"#, r#"\\u0041 \" \n \"#),
            (r"\\\u0041", r"\\A"),
            (r"\u00", r"\u00"),
            (r"\u00+1", r"\u00+1"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            unescape(&mut bytes);
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), unescaped);
        }
    }
}
