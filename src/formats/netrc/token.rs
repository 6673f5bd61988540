//! Tokens, as spans of the file's text.

use crate::util::lines::newline_len;
use crate::util::secret::WipedBytes;

/// One token of the file, as a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The raw span, quotes and escapes included.
    pub start: usize,
    pub end: usize,
    /// Begins with a double quote.
    pub quoted: bool,
    /// Has no escapes and no CR: [`Token::inner`] is its value.
    pub plain: bool,
    /// Lacks its closing quote, or ends with a backslash at the end of the file:
    /// text inserted after it would become part of it.
    pub open: bool,
}

impl Token {
    pub(super) fn absent(at: usize) -> Token {
        Token {
            start: at,
            end: at,
            quoted: false,
            plain: true,
            open: false,
        }
    }

    /// Becomes the next token; at the end of the text, an empty one. Returns the
    /// position to continue from: after the white space character that ends the
    /// token, unless the token is quoted. CPython's comment rule depends on that.
    ///
    /// Works in place: copying a span that was just written stalls the processor
    /// for longer than it takes to read the token.
    pub(super) fn read(&mut self, text: &[u8], at: usize) -> usize {
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
        after_separator(text, self.end)
    }

    /// Becomes the next token, which ends where its line ends at the latest: in the
    /// lenient dialect neither a quote nor an escape reaches across lines. A quote
    /// without a second one on its line is an ordinary character.
    pub(super) fn read_in_line(&mut self, text: &[u8], line_end: usize, at: usize) -> usize {
        let line = &text[..line_end];
        self.read(line, at);
        if self.quoted && self.open {
            *self = Token::absent(self.start);
            self.end = skip_plain(line, self.start);
            if line.get(self.end) == Some(&b'\\') {
                self.read_escaped(line);
            }
        }
        self.open = false;
        match self.quoted {
            true => self.end,
            false => after_separator(text, self.end),
        }
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

    /// Continues a token at its first escape.
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
    pub(super) fn inner<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let raw = &text[self.start..self.end];
        match raw {
            _ if !self.quoted => raw,
            [b'"', rest @ .., b'"'] if !self.open => rest,
            [b'"', rest @ ..] if self.open => rest,
            _ => raw,
        }
    }

    /// The bytes of the value: escapes resolved, line ends converted to LF as
    /// CPython does.
    pub(super) fn bytes<'a>(&self, text: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
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

    pub(super) fn is(&self, text: &[u8], word: &[u8]) -> bool {
        if self.plain {
            return self.inner(text) == word;
        }
        self.bytes(text).eq(word.iter().copied())
    }

    pub(super) fn is_empty(&self, text: &[u8]) -> bool {
        if self.plain {
            return self.inner(text).is_empty();
        }
        self.bytes(text).next().is_none()
    }

    /// The value, in a buffer that never grows: it may be a secret.
    pub(super) fn unescape(&self, text: &[u8]) -> WipedBytes {
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

/// The position after the white space character, if any, that ends a token here.
pub(super) fn after_separator(text: &[u8], end: usize) -> usize {
    end + match text.get(end) {
        Some(b'\r') => newline_len(text, end),
        Some(_) => 1,
        None => 0,
    }
}

/// Skips bytes that neither end a token nor escape: eight at a time, since keys
/// are long.
pub(super) fn skip_plain(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const BACKSLASH: u64 = u64::from_ne_bytes([b'\\'; 8]);
    let stops = |byte: u8| is_space(byte) || byte == b'\\';
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of each byte that is below 0x21 or a backslash.
        let below = word.wrapping_sub(ONES * 0x21);
        let backslash = (word ^ BACKSLASH).wrapping_sub(ONES);
        let marks = (below | backslash) & !word & HIGH;
        if marks == 0 {
            at += 8;
            continue;
        }
        // The lowest mark is exact; those above it may be carries.
        at += marks.trailing_zeros() as usize / 8;
        if stops(text[at]) {
            return at;
        }
        at += 1;
    }
    while text.get(at).is_some_and(|&byte| !stops(byte)) {
        at += 1;
    }
    at
}
