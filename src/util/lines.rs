//! Lines as Python reads them from a text file, and the encodings that are not
//! UTF-8.

use std::ops::Range;

use memchr::{memchr_iter, memchr2};

/// UTF-8's byte-order mark.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One line: `start..end` is its text, `end..next` its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

/// The lines in a range of the text. Universal newlines: a line ends at LF,
/// CR LF or CR, and at no other character that Unicode calls a line end.
pub(crate) fn lines(text: &[u8], range: Range<usize>) -> impl Iterator<Item = Line> {
    let text = &text[..range.end];
    let mut start = range.start;
    std::iter::from_fn(move || {
        if start >= text.len() {
            return None;
        }
        let end = line_end(text, start);
        let next = end + newline_len(text, end);
        let line = Line { start, end, next };
        start = next;
        Some(line)
    })
}

/// The length of the line end at this place: 2 for CR LF, 0 for none.
pub(crate) fn newline_len(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') if text.get(at + 1) == Some(&b'\n') => 2,
        Some(b'\r') => 1,
        _ => 0,
    }
}

pub(crate) fn has_newline(text: &[u8]) -> bool {
    memchr2(b'\n', b'\r', text).is_some()
}

/// Where the line that contains this place ends, its line end excluded.
pub(crate) fn line_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

/// The line number of a place, from 1.
pub(crate) fn line_of(text: &[u8], at: usize) -> usize {
    let before = &text[..at.min(text.len())];
    let lone_cr = |at: &usize| before.get(at + 1) != Some(&b'\n');
    1 + memchr_iter(b'\n', before).count() + memchr_iter(b'\r', before).filter(lone_cr).count()
}

/// The line end that the file uses: its first one, LF if it has none.
pub(crate) fn newline_of(text: &[u8]) -> &'static [u8] {
    match &text[line_end(text, 0)..] {
        [b'\r', b'\n', ..] => b"\r\n",
        [b'\r', ..] => b"\r",
        _ => b"\n",
    }
}

/// The message for a file that [`is_utf16`].
pub(crate) const UTF16: &str = "the file is UTF-16; save it as UTF-8";

/// Windows PowerShell writes UTF-16, with or without a byte-order mark.
pub(crate) fn is_utf16(text: &[u8]) -> bool {
    let alternates = text
        .first_chunk::<12>()
        .is_some_and(|head| head.windows(2).all(|pair| (pair[0] == 0) != (pair[1] == 0)));
    matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || alternates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        let text = "a\nb\rc\r\n\nd\u{b}e\u{85}f\u{2028}g";
        let ends: Vec<&str> = lines(text.as_bytes(), 0..text.len())
            .map(|line| &text[line.start..line.end])
            .collect();
        assert_eq!(ends, ["a", "b", "c", "", "d\u{b}e\u{85}f\u{2028}g"]);
        assert_eq!(lines(b"", 0..0).count(), 0);
    }

    #[test]
    fn line_numbers_count_every_kind_of_line_end() {
        for (line, lines) in [
            ("password 0000000000\n", 1),
            ("password 0000000000\r\n", 1),
            ("login user\rpassword 0\r\r\n", 3),
            ("# Schl\u{fc}ssel \u{9b}\u{8a}\n", 1),
            ("\n", 1),
            ("\u{8d}", 0),
        ] {
            for count in [0, 1, 7, 255, 256, 1000] {
                let text = line.repeat(count);
                let found = line_of(text.as_bytes(), text.len());
                assert_eq!(found, 1 + lines * count, "{count} of {line:?}");
            }
        }
    }

    #[test]
    fn utf16_is_detected_with_and_without_a_mark() {
        for text in [&b"\xFF\xFE[\0"[..], b"\xFE\xFF\0[", b"m\0a\0c\0h\0i\0n\0"] {
            assert!(is_utf16(text), "{text:?}");
        }
        for text in [
            &b""[..],
            b"machine x.com",
            b"m\0a",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert!(!is_utf16(text), "{text:?}");
        }
    }
}
