//! White space as Python sees it in a file opened as text.

use std::ops::Range;

/// Python's `str.strip()`, on a range of a text.
pub(super) fn trim_range(text: &[u8], range: Range<usize>) -> Range<usize> {
    let start = range.start + indent(&text[range.clone()]).0;
    start..start + trim_end(&text[start..range.end]).len()
}

/// Python's `str.rstrip()`.
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    loop {
        // Most lines end in a visible character.
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

/// The leading white space of a line, in bytes and in characters: configparser
/// compares indentation in characters.
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
