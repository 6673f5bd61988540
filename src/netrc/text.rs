//! Words and lines of the file's text, as spans.

use crate::secret::WipedBytes;

/// One word of the file, as a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The raw span, quotes and escapes included.
    pub start: usize,
    pub end: usize,
    /// Begins with a double quote.
    pub quoted: bool,
    /// No escape and no line end inside: [`Token::inner`] is its value.
    pub plain: bool,
    /// A quote without its end, or a backslash at the end of the file: text
    /// put behind it would become part of it.
    pub open: bool,
}

impl Token {
    pub fn absent(at: usize) -> Token {
        Token {
            start: at,
            end: at,
            quoted: false,
            plain: true,
            open: false,
        }
    }

    /// The span without the double quotes.
    pub fn inner<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let raw = &text[self.start..self.end];
        match raw {
            [b'"', rest @ ..] if self.quoted && self.open => rest,
            [b'"', rest @ .., b'"'] if self.quoted => rest,
            _ => raw,
        }
    }

    /// The value, byte by byte: escapes resolved, line ends as CPython reads
    /// them.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        let inner = self.inner(text);
        let mut at = 0;
        std::iter::from_fn(move || {
            if inner.get(at) == Some(&b'\\') {
                at += 1;
            }
            let byte = *inner.get(at)?;
            at += newline_len(inner, at).max(1);
            Some(if byte == b'\r' { b'\n' } else { byte })
        })
    }

    pub fn is(&self, text: &[u8], word: &[u8]) -> bool {
        if self.plain {
            return self.inner(text) == word;
        }
        self.bytes(text).eq(word.iter().copied())
    }

    pub fn is_empty(&self, text: &[u8]) -> bool {
        self.bytes(text).next().is_none()
    }

    /// The value in a buffer that never grows: it may be a secret.
    pub fn unescape(&self, text: &[u8]) -> WipedBytes {
        let mut value = WipedBytes::new(Vec::with_capacity(self.end - self.start));
        match self.plain {
            true => value.extend_from_slice(self.inner(text)),
            false => value.extend(self.bytes(text)),
        }
        value
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Skips what neither ends a word nor escapes: eight bytes at a time, since
/// keys are long.
pub(super) fn skip_plain(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const BACKSLASH: u64 = u64::from_ne_bytes([b'\\'; 8]);
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let below_0x21 = word.wrapping_sub(ONES * 0x21) & !word & HIGH;
        let other = word ^ BACKSLASH;
        let backslash = other.wrapping_sub(ONES) & !other & HIGH;
        let stops = below_0x21 | backslash;
        if stops == 0 {
            at += 8;
            continue;
        }
        // The lowest mark is exact; the ones above it may be carries.
        at += stops.trailing_zeros() as usize / 8;
        if is_space(text[at]) || text[at] == b'\\' {
            return at;
        }
        at += 1;
    }
    while let Some(&byte) = text.get(at) {
        if is_space(byte) || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// The length of the line end at this place: 2 for CRLF, 0 for none.
pub(super) fn newline_len(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') if text.get(at + 1) == Some(&b'\n') => 2,
        Some(b'\r') => 1,
        _ => 0,
    }
}

pub(super) fn has_newline(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Where the line that holds this place ends, its line end excluded.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let len = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    at + len.unwrap_or(rest.len())
}

/// The line number of a place, from 1.
pub(super) fn line_of(text: &[u8], at: usize) -> usize {
    let head = &text[..at.min(text.len())];
    let newlines = count(head, b'\n');
    // A CR counts unless an LF follows it.
    let lone = |i: usize| head[i] == b'\r' && head.get(i + 1) != Some(&b'\n');
    let returns = if head.contains(&b'\r') {
        (0..head.len()).filter(|&i| lone(i)).count()
    } else {
        0
    };
    1 + newlines + returns
}

/// How often a byte is there: eight at a time, since files may be long.
fn count(text: &[u8], byte: u8) -> usize {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let wanted = u64::from_ne_bytes([byte; 8]);
    let (chunks, rest) = text.as_chunks::<8>();
    // Each of the eight lanes counts up to 255.
    let lanes = chunks.chunks(255).map(|chunks| {
        let sum = chunks.iter().fold(0u64, |sum, chunk| {
            let other = u64::from_ne_bytes(*chunk) ^ wanted;
            // The high bit of each byte that is not zero.
            let differs = ((other & LOW) + LOW) | other;
            sum + ((!differs & !LOW) >> 7)
        });
        sum.to_ne_bytes().map(usize::from).iter().sum::<usize>()
    });
    lanes.sum::<usize>() + rest.iter().filter(|&&other| other == byte).count()
}
