//! Lines and white space as Python sees them in a file opened as text.

/// One line of a text: `start..end` without its line end, which lies in
/// `end..next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

/// Universal newlines: a line ends at LF, CR LF, or a CR alone, and at nothing
/// else that Unicode might take for one.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Line> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let end = start + length.unwrap_or(rest.len());
        let next = end
            + match &text[end..] {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
        let line = Line { start, end, next };
        start = next;
        Some(line)
    })
}

/// Python's `str.strip()`.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    trim_end(&text[indent(text).0..])
}

/// Python's `str.rstrip()`.
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    loop {
        // Of most lines none is white.
        let longest = match text.last() {
            Some(last) if last.is_ascii_graphic() => return text,
            Some(last) if last.is_ascii() => 1,
            _ => text.len().min(3),
        };
        let size = (1..=longest)
            .find(|size| space(&text[text.len() - size..]) == Some(*size))
            .unwrap_or(0);
        if size == 0 {
            return text;
        }
        text = &text[..text.len() - size];
    }
}

/// How many bytes of white space a line begins with, and how many characters
/// these are: configparser compares depths in characters.
pub(super) fn indent(text: &[u8]) -> (usize, usize) {
    let (mut bytes, mut characters) = (0, 0);
    while let Some(size) = space(&text[bytes..]) {
        bytes += size;
        characters += 1;
    }
    (bytes, characters)
}

/// The size in UTF-8 of the white space character that `text` begins with:
/// those of Python's `str.isspace()`.
fn space(text: &[u8]) -> Option<usize> {
    match text {
        [b'!'..=b'~', ..] => None,
        [b'\t'..=b'\r' | 0x1C..=b' ', ..] => Some(1),
        [0xC2, 0x85 | 0xA0, ..] => Some(2),
        [0xE1, 0x9A, 0x80, ..] => Some(3),
        [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..] => Some(3),
        [0xE2, 0x81, 0x9F, ..] => Some(3),
        [0xE3, 0x80, 0x80, ..] => Some(3),
        _ => None,
    }
}
