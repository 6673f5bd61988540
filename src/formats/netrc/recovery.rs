//! How the lenient dialect goes on after a token that it does not know.
//!
//! The rule: nothing that may be the beginning of another entry is read as part of
//! this one. Otherwise one machine's password would be sent to another.

use super::token::is_space;
use crate::util::lines::has_newline;

/// The words that begin an entry.
const OPENERS: [&[u8]; 2] = [b"machine", b"default"];

/// The words that are followed by a value of an entry.
const FIELDS: [&[u8]; 4] = [b"login", b"user", b"password", b"account"];

/// Words that git and Emacs read with a value, and CPython does not.
const EXTENSIONS: [&[u8]; 2] = [b"port", b"protocol"];

/// What was read so far.
#[derive(Default)]
pub(super) struct Recovery {
    /// Tokens before this position are on a line that is ignored.
    pub ignored_until: usize,
    /// The entry contains an unknown token.
    pub unknown_in_entry: bool,
    /// Which kinds of values the entry has.
    pub seen: [bool; 3],
    /// Where the line ends that was read last.
    pub line_end: usize,
    /// Where the last unknown token ended.
    unknown_end: usize,
    /// The indentation of the line, and of the line on which the entry begins.
    indent: usize,
    entry_indent: usize,
}

impl Recovery {
    /// An entry begins.
    pub(super) fn begin_entry(&mut self) {
        self.unknown_in_entry = false;
        self.seen = [false; 3];
        self.entry_indent = self.indent;
    }

    /// Takes note of the white space before a keyword.
    pub(super) fn indent(&mut self, gap: &[u8], first_of_file: bool) {
        if first_of_file || has_newline(gap) {
            let newline = |byte: &u8| matches!(byte, b'\n' | b'\r');
            let start = gap.iter().rposition(newline).map_or(0, |at| at + 1);
            self.indent = gap.len() - start;
        }
    }

    /// Takes note of an unknown token, which `gap` precedes from `before` on. Tells
    /// whether it may begin another entry: it resembles `machine`, or it begins a
    /// line that is not indented deeper than the entry, or it follows another
    /// unknown token, as a name follows a keyword.
    pub(super) fn ends_entry(&mut self, word: &[u8], gap: &[u8], before: usize) -> bool {
        self.unknown_in_entry = true;
        let starts_line = has_newline(gap);
        let follows = !starts_line && before == self.unknown_end;
        self.unknown_end = before + gap.len() + word.len();
        if takes_value(word) {
            return false;
        }
        begins_entry(word) || starts_line && self.indent <= self.entry_indent || follows
    }
}

/// Whether a word, or the text of a comment, begins as an entry does: with
/// `machine` or `default`, in any case of letters and with one letter wrong.
pub(super) fn begins_entry(text: &[u8]) -> bool {
    let start = text.iter().position(u8::is_ascii_alphabetic);
    let rest = &text[start.unwrap_or(text.len())..];
    let end = rest.iter().take(9).position(|b| !b.is_ascii_alphabetic());
    let word = &rest[..end.unwrap_or(rest.len().min(9))];
    OPENERS.iter().any(|opener| is_similar(word, opener))
}

/// Whether two words differ by at most one letter that is wrong, missing or added,
/// or by two neighbors that are exchanged.
fn is_similar(word: &[u8], other: &[u8]) -> bool {
    let word = word.to_ascii_lowercase();
    let same = word.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (word, other) = (&word[same..], &other[same..]);
    match (word, other) {
        ([], []) => true,
        ([a, b, rest @ ..], [c, d, tail @ ..]) if (a, b) == (d, c) && rest == tail => true,
        _ => {
            let behind = |text: &[u8]| text.get(1..).unwrap_or_default().to_vec();
            behind(word) == *other || *word == behind(other) || behind(word) == behind(other)
        }
    }
}

/// Whether the word is followed by a value of an entry, in other tools or if its
/// letters were in lower case.
pub(super) fn takes_value(word: &[u8]) -> bool {
    let mut fields = FIELDS.iter().chain(&EXTENSIONS);
    fields.any(|field| word.eq_ignore_ascii_case(field))
}

/// Why an unknown token was ignored. Shows it only if it is a keyword: it is often
/// a password.
pub(super) fn describe(word: &[u8]) -> String {
    let mut keywords = OPENERS.iter().chain(&FIELDS);
    let keyword = keywords.find(|keyword| word.eq_ignore_ascii_case(keyword));
    let name = String::from_utf8_lossy(word);
    match keyword {
        Some(keyword) if *keyword != word => {
            format!("ignored `{name}`: netrc keywords are in lower case")
        }
        Some(_) => format!("ignored `{name}`: it does not follow the name of a machine"),
        None => "ignored an unknown token".to_owned(),
    }
}

/// The bytes up to white space.
pub(super) fn bare_word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| is_space(byte));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_and_commented_keywords_begin_an_entry() {
        for text in [
            "machine",
            "Machine",
            "#machine y.com",
            "# MACHINE y.com",
            "##\tmachine",
            "machne",
            "mahcine",
            "machines",
            "achine",
            "nachine",
            "machine:y.com",
            "//machine",
            "\"machine",
            "default",
            "# Default",
            "defualt",
            "\u{feff}machine",
        ] {
            assert!(begins_entry(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "#",
            "port",
            "login",
            "# the machine",
            "mach",
            "machinery",
            "x",
        ] {
            assert!(!begins_entry(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn only_keywords_are_shown() {
        assert!(describe(b"Password").contains("`Password`: netrc keywords are in lower case"));
        assert!(describe(b"password").contains("`password`: it does not follow"));
        for word in [&b"hunter2"[..], b"\"password\"", b"passw0rd", b"port"] {
            assert_eq!(describe(word), "ignored an unknown token");
        }
    }
}
