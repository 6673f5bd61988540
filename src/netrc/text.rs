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

    /// Becomes the next word; at the end of the text, an empty one. Gives the
    /// place to go on from: behind the white space character that ends the word,
    /// unless the word is quoted; the comment rule depends on that.
    ///
    /// In place, since a copy of a span that was just written stalls the
    /// processor for longer than it takes to read the word.
    pub fn read(&mut self, text: &[u8], at: usize) -> usize {
        let start = skip_blanks(text, at);
        *self = Token::absent(start);
        if text.get(start) == Some(&b'"') {
            self.read_quoted(text);
            return self.end;
        }
        self.end = skip_plain(text, start);
        if text.get(self.end) == Some(&b'\\') {
            self.read_escaped(text);
        }
        behind(text, self.end)
    }

    #[cold]
    fn read_quoted(&mut self, text: &[u8]) {
        (self.quoted, self.open) = (true, true);
        let mut at = self.start + 1;
        while let Some(&byte) = text.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    self.open = false;
                    break;
                }
                b'\\' => {
                    self.plain = false;
                    at += newline_len(text, at).max(1);
                }
                b'\r' => self.plain = false,
                _ => {}
            }
        }
        self.end = at.min(text.len());
    }

    /// Goes on with a word that an escape has stopped.
    #[cold]
    fn read_escaped(&mut self, text: &[u8]) {
        self.plain = false;
        let mut at = self.end;
        while let Some(&byte) = text.get(at).filter(|&&byte| !is_space(byte)) {
            at += 1;
            if byte == b'\\' {
                self.open = at == text.len();
                at += newline_len(text, at).max(1);
            }
        }
        self.end = at.min(text.len());
    }

    /// The span without the double quotes.
    #[inline]
    pub fn inner<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let raw = &text[self.start..self.end];
        match raw {
            _ if !self.quoted => raw,
            [b'"', rest @ .., b'"'] if !self.open => rest,
            [b'"', rest @ ..] if self.open => rest,
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
        if self.plain {
            return self.inner(text).is_empty();
        }
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

pub(super) fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|&byte| is_space(byte)) {
        at += 1;
    }
    at
}

/// The place behind the white space character that ends a word here.
pub(super) fn behind(text: &[u8], end: usize) -> usize {
    end + match text.get(end) {
        Some(b'\r') => newline_len(text, end),
        Some(_) => 1,
        None => 0,
    }
}

/// Skips what neither ends a word nor escapes: eight bytes at a time, since
/// keys are long.
fn skip_plain(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const BACKSLASH: u64 = u64::from_ne_bytes([b'\\'; 8]);
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        // Which bytes are below 0x21 or a backslash. The lowest mark is exact;
        // the ones above it may be carries.
        let below = word.wrapping_sub(ONES * 0x21);
        let backslash = (word ^ BACKSLASH).wrapping_sub(ONES);
        let marks = (below | backslash) & !word & HIGH;
        if marks == 0 {
            at += 8;
            continue;
        }
        at += marks.trailing_zeros() as usize / 8;
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
pub(crate) fn line_of(text: &[u8], at: usize) -> usize {
    let head = &text[..at.min(text.len())];
    let (newlines, returns) = line_ends(head);
    // A CR counts unless an LF follows it.
    let lone = |i: usize| head[i] == b'\r' && head.get(i + 1) != Some(&b'\n');
    let lone = match returns {
        true => (0..head.len()).filter(|&i| lone(i)).count(),
        false => 0,
    };
    1 + newlines + lone
}

/// How many LF there are, and whether there is any CR: eight bytes at a time,
/// since files may be long.
fn line_ends(text: &[u8]) -> (usize, bool) {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    const LF: u64 = u64::from_ne_bytes([b'\n'; 8]);
    const CR: u64 = u64::from_ne_bytes([b'\r'; 8]);
    let (chunks, rest) = text.as_chunks::<8>();
    let mut newlines = rest.iter().filter(|&&byte| byte == b'\n').count();
    let mut returns = 0;
    // Each of the eight lanes counts up to 255.
    for chunks in chunks.chunks(255) {
        let mut others = 0u64;
        for chunk in chunks {
            let word = u64::from_ne_bytes(*chunk);
            let other = word ^ LF;
            // The high bit of each byte that is no LF.
            others += ((((other & LOW) + LOW) | other) >> 7) & ONES;
            // The high bit of some byte only if one is a CR.
            returns |= (word ^ CR).wrapping_sub(ONES) & !word & !LOW;
        }
        let others: usize = others.to_ne_bytes().map(usize::from).iter().sum();
        newlines += 8 * chunks.len() - others;
    }
    (newlines, returns != 0 || rest.contains(&b'\r'))
}
