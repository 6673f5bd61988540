//! The line being edited: the effect of each byte from the terminal.

use zeroize::Zeroize;

use super::Entry;
use super::control_chars::ControlChars;
use crate::util::secret::WipedBytes;

/// The longest line that is accepted. API keys are shorter than 64 KiB.
pub(crate) const MAX_LINE: usize = 65_536;

/// A menu choice is one digit. A longer input may be a key pasted too early.
const PREVIEW: usize = 3;

/// The effect of a byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Press {
    Edited,
    Enter,
    Interrupt,
    End,
    Suspend,
}

/// The position in an escape sequence. Arrow keys, function keys
/// and the marks around a bracketed paste (`ESC [ 200 ~`, `ESC [ 201 ~`) all
/// have one of these shapes, and none of them is part of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    No,
    Begun,
    /// `ESC [`, then parameters up to a final letter.
    Control,
    /// One more byte belongs to it.
    Last,
}

pub(super) struct Line {
    text: WipedBytes,
    escape: Escape,
    /// The bytes that did not fit.
    dropped: usize,
    /// Ctrl-D was pressed once after some text.
    ending: bool,
}

impl Line {
    pub(super) fn new() -> Line {
        Line {
            text: WipedBytes::new(Vec::with_capacity(MAX_LINE)),
            escape: Escape::No,
            dropped: 0,
            ending: false,
        }
    }

    pub(super) fn clear(&mut self) {
        // Wipes the whole buffer and keeps its memory.
        self.text.zeroize();
        (self.escape, self.dropped, self.ending) = (Escape::No, 0, false);
    }

    pub(super) fn finish(self) -> Entry {
        match self.dropped {
            0 => Entry::Line(self.text),
            dropped => Entry::TooLong(self.text.len() + dropped),
        }
    }

    pub(super) fn press(&mut self, byte: u8, control: &ControlChars) -> Press {
        let was_ending = std::mem::take(&mut self.ending);
        let is = |key: u8| key != 0 && byte == key;
        if is(control.interrupt) || is(control.quit) {
            return Press::Interrupt;
        }
        if is(control.suspend) {
            return Press::Suspend;
        }
        if self.in_escape(byte) {
            return Press::Edited;
        }
        match byte {
            b'\r' | b'\n' => return Press::Enter,
            _ if is(control.end) => {
                // As in the line editing of a terminal: after text, the first
                // one does nothing visible and the second one ends the line.
                if self.text.is_empty() {
                    return Press::End;
                }
                if was_ending {
                    return Press::Enter;
                }
                self.ending = true;
            }
            // Terminals disagree on what Backspace sends.
            0x08 | 0x7f => self.erase_char(),
            _ if is(control.erase) => self.erase_char(),
            _ if is(control.kill) => self.clear(),
            _ if is(control.word_erase) => self.erase_word(),
            b'\t' | b' '..=0x7e | 0x80.. => self.add(byte),
            _ => {}
        }
        Press::Edited
    }

    /// True for a byte that belongs to an escape sequence. A control character
    /// breaks off a sequence and keeps its own meaning.
    fn in_escape(&mut self, byte: u8) -> bool {
        let (next, inside) = match (self.escape, byte) {
            (_, 0x1b) => (Escape::Begun, true),
            (Escape::No, _) | (_, ..0x20) => (Escape::No, false),
            (Escape::Begun, b'[') => (Escape::Control, true),
            (Escape::Begun, b'O') => (Escape::Last, true),
            (Escape::Begun | Escape::Last, _) => (Escape::No, true),
            (Escape::Control, b'[') => (Escape::Last, true), // Linux console, F1 to F5
            (Escape::Control, 0x20..0x40) => (Escape::Control, true),
            (Escape::Control, _) => (Escape::No, true),
        };
        self.escape = next;
        inside
    }

    fn add(&mut self, byte: u8) {
        match self.text.len() < MAX_LINE {
            true => self.text.push(byte),
            false => self.dropped += 1,
        }
    }

    fn erase_char(&mut self) {
        while self.text.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    fn erase_word(&mut self) {
        let is_space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        while is_space(self.text.last()) {
            self.text.pop();
        }
        while !self.text.is_empty() && !is_space(self.text.last()) {
            self.text.pop();
        }
    }

    /// The part of the line that may be shown.
    pub(super) fn preview(&self) -> String {
        let valid = self.text.utf8_chunks().next().map_or("", |c| c.valid());
        valid
            .chars()
            .filter(|c| !c.is_control())
            .take(PREVIEW)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: ControlChars = ControlChars {
        interrupt: 3,
        quit: 0x1c,
        suspend: 0x1a,
        end: 4,
        erase: 0x7f,
        kill: 0x15,
        word_erase: 0x17,
    };

    /// The line after the input or its end, and the effect of the last byte.
    fn type_in(input: &[u8]) -> (Vec<u8>, Press) {
        let mut line = Line::new();
        let mut last = Press::Edited;
        for &byte in input {
            last = line.press(byte, &KEYS);
            if last != Press::Edited {
                break;
            }
        }
        match line.finish() {
            Entry::Line(text) => (text.to_vec(), last),
            Entry::TooLong(_) => (b"TOO LONG".to_vec(), last),
        }
    }

    /// Name, input, line, effect of the last byte.
    const CASES: &[(&str, &[u8], &[u8], Press)] = &[
        ("return", b"abc\r", b"abc", Press::Enter),
        ("newline", b"abc\n", b"abc", Press::Enter),
        ("backspace", b"abd\x7fc\r", b"abc", Press::Enter),
        ("the other backspace", b"abd\x08c\r", b"abc", Press::Enter),
        ("backspace at the start", b"\x7f\x7fa\r", b"a", Press::Enter),
        (
            "backspace over UTF-8",
            "a\u{20ac}\x7fb\r".as_bytes(),
            b"ab",
            Press::Enter,
        ),
        ("ctrl-u", b"old\x15new\r", b"new", Press::Enter),
        (
            "ctrl-w",
            b"one two  \x17three\r",
            b"one three",
            Press::Enter,
        ),
        ("ctrl-c", b"abc\x03", b"abc", Press::Interrupt),
        ("ctrl-backslash", b"\x1c", b"", Press::Interrupt),
        ("ctrl-z", b"a\x1a", b"a", Press::Suspend),
        ("ctrl-d at the start", b"\x04", b"", Press::End),
        ("ctrl-d once", b"abc\x04", b"abc", Press::Edited),
        ("ctrl-d twice", b"abc\x04\x04", b"abc", Press::Enter),
        (
            "ctrl-d, text, ctrl-d",
            b"abc\x04d\x04",
            b"abcd",
            Press::Edited,
        ),
        (
            "paste marks",
            b"\x1b[200~key\x1b[201~\r",
            b"key",
            Press::Enter,
        ),
        (
            "arrows",
            b"a\x1b[Db\x1bOCc\x1b[1;5Dd\r",
            b"abcd",
            Press::Enter,
        ),
        ("console F1", b"a\x1b[[Ab\r", b"ab", Press::Enter),
        ("alt-x", b"a\x1bxb\r", b"ab", Press::Enter),
        ("escape, return", b"a\x1b\r", b"a", Press::Enter),
        (
            "cut-off sequence, return",
            b"a\x1b[12\r",
            b"a",
            Press::Enter,
        ),
        (
            "cut-off sequence, ctrl-c",
            b"a\x1b[12\x03",
            b"a",
            Press::Interrupt,
        ),
        (
            "cut-off sequence, ctrl-u",
            b"a\x1b[1\x15b\r",
            b"b",
            Press::Enter,
        ),
        ("two escapes", b"a\x1b\x1b[Ab\r", b"ab", Press::Enter),
        (
            "control characters",
            b"a\x00\x01\x0cb\r",
            b"ab",
            Press::Enter,
        ),
        ("tab and space stay", b" a\tb \r", b" a\tb ", Press::Enter),
        (
            "bytes that are not UTF-8",
            b"a\xff\r",
            b"a\xff",
            Press::Enter,
        ),
    ];

    #[test]
    fn each_byte_does_what_its_key_says() {
        for (name, input, text, end) in CASES {
            let (got, last) = type_in(input);
            assert_eq!((got.as_slice(), &last), (*text, end), "{name}");
        }
    }

    #[test]
    fn a_disabled_control_character_does_nothing() {
        let mut line = Line::new();
        assert_eq!(line.press(3, &ControlChars::default()), Press::Edited);
        assert_eq!(line.press(0, &ControlChars::default()), Press::Edited);
        assert!(line.text.is_empty());
    }

    #[test]
    fn the_longest_line_fits_without_growing_and_one_more_is_too_long() {
        let mut line = Line::new();
        let buffer = line.text.as_ptr();
        for _ in 0..MAX_LINE {
            line.press(b'x', &KEYS);
        }
        assert_eq!(line.text.len(), MAX_LINE);
        assert_eq!(line.dropped, 0);
        line.press(b'x', &KEYS);
        assert_eq!(line.dropped, 1);
        assert_eq!(line.text.as_ptr(), buffer);
        line.press(0x15, &KEYS);
        assert_eq!(line.dropped, 0, "Ctrl-U starts over");
        assert_eq!(line.text.as_ptr(), buffer);
    }

    #[test]
    fn only_the_start_of_a_line_can_be_shown() {
        let mut line = Line::new();
        for byte in "\u{ff12}\u{7}abcdefghijkl".bytes() {
            line.press(byte, &KEYS);
        }
        assert_eq!(line.preview(), "\u{ff12}ab");
    }
}
