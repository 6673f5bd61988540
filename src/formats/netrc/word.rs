//! The words of netrc.

use std::ops::Range;

use super::scan::Kind;
use super::token::{is_space, skip_blanks, skip_plain};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Empty,
    Comment,
    Machine,
    Default,
    Macdef,
    Field(Kind),
    Other,
}

impl Word {
    pub(super) fn of(value: &[u8]) -> Word {
        match value {
            b"" => Word::Empty,
            b"machine" => Word::Machine,
            b"login" | b"user" => Word::Field(Kind::Login),
            b"password" => Word::Field(Kind::Password),
            b"account" => Word::Field(Kind::Account),
            b"default" => Word::Default,
            b"macdef" => Word::Macdef,
            [b'#', ..] => Word::Comment,
            _ => Word::Other,
        }
    }

    /// The keyword at the start of the text, and its length, if it is one of the
    /// three most frequent. Knowing the keyword saves searching for its end, on
    /// which the position of every later token depends.
    pub(super) fn usual(text: &[u8]) -> Option<(Word, usize)> {
        let (word, len) = if text.starts_with(b"machine") {
            (Word::Machine, 7)
        } else if text.starts_with(b"login") {
            (Word::Field(Kind::Login), 5)
        } else if text.starts_with(b"password") {
            (Word::Field(Kind::Password), 8)
        } else {
            return None;
        };
        text.get(len)
            .is_some_and(|&byte| is_space(byte))
            .then_some((word, len))
    }
}

/// The item at this position, if it is one of the three most frequent keywords and
/// a value without quotes and escapes: the keyword, its position, and the value's.
#[inline(always)] // the condition of the loop in `skip_plain_items`
pub(super) fn plain_item(text: &[u8], at: usize) -> Option<(Word, usize, Range<usize>)> {
    let start = skip_blanks(text, at);
    let (word, len) = Word::usual(&text[start..])?;
    let value = skip_blanks(text, start + len);
    let end = skip_plain(text, value);
    let plain = end > value && text[value] != b'"' && text.get(end).is_some_and(|&b| is_space(b));
    plain.then_some((word, start, value..end))
}
