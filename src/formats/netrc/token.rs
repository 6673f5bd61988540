//! Words and lines of the file's text, as spans.

use crate::util::secret::WipedBytes;

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
    let stops = |byte: u8| is_space(byte) || byte == b'\\';
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let (chunks, tail) = rest.as_chunks::<8>();
        // Of each byte, whether it is below 0x21 or a backslash.
        let marks = chunks.iter().map(|chunk| {
            let word = u64::from_le_bytes(*chunk);
            let below = word.wrapping_sub(ONES * 0x21);
            let backslash = (word ^ BACKSLASH).wrapping_sub(ONES);
            (below | backslash) & !word & HIGH
        });
        at += match marks.enumerate().find(|(_, marks)| *marks != 0) {
            // The lowest mark is exact; the ones above it may be carries.
            Some((chunk, marks)) => 8 * chunk + marks.trailing_zeros() as usize / 8,
            None => {
                let len = tail.iter().position(|&byte| stops(byte));
                return at + 8 * chunks.len() + len.unwrap_or(tail.len());
            }
        };
        if stops(text[at]) {
            return at;
        }
        at += 1;
    }
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
    1 + line_ends(&text[..at.min(text.len())])
}

/// How many lines end in a text, which may be long: eight bytes at a time, as long as
/// they are ASCII and lines end with LF alone.
fn line_ends(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    const LF: u64 = u64::from_ne_bytes([b'\n'; 8]);
    const CR: u64 = u64::from_ne_bytes([b'\r'; 8]);
    // A CR counts unless an LF follows it.
    let ends = |at: &usize| match text[*at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        byte => byte == b'\n',
    };
    let mut lines = 0;
    let mut done = 0;
    // Each of the eight lanes counts up to 255.
    for chunks in text.as_chunks::<8>().0.chunks(255) {
        let (mut others, mut odd) = (0, 0);
        for chunk in chunks {
            let word = u64::from_ne_bytes(*chunk);
            // In ASCII, the high bit of each byte that is not the one looked for.
            others += ((word ^ LF).wrapping_add(LOW) >> 7) & ONES;
            odd |= word | !((word ^ CR).wrapping_add(LOW));
        }
        let end = done + 8 * chunks.len();
        lines += if odd & !LOW == 0 {
            end - done - others.to_ne_bytes().map(usize::from).iter().sum::<usize>()
        } else {
            (done..end).filter(ends).count()
        };
        done = end;
    }
    lines + (done..text.len()).filter(ends).count()
}
