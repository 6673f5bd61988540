//! The netrc file as a text: finds the key of a server in it, and changes that
//! key without touching another byte. Pure functions over bytes; which file it
//! is, and how it is locked and replaced, is decided elsewhere.
//!
//! [`scan`] is the one tokenizer; looking up and editing both stand on it.

mod edit;
mod entries;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod invariants;
mod lookup;
mod patch;
mod scan;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use edit::{Edited, forget, store};
pub(crate) use lookup::{Lookup, Match, look_up};

use crate::log::Note;
use scan::{Dialect, Scanner};
use token::Token;
pub(crate) use token::line_of;

/// Tells whether a password has the form of an API key.
pub(crate) type IsKey = fn(&[u8]) -> bool;

/// The names under which a server's entry may stand, best first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names<'a> {
    /// `host[:port]` in normal form: lower case, default port dropped.
    pub netloc: &'a str,
    /// The same as spelled in the configured URL, where that differs.
    pub spelled: Option<&'a str>,
    /// The other name of the cloud.
    pub alias: Option<&'a str>,
    /// No server is named anywhere: the alias is looked up first.
    pub prefer_alias: bool,
    /// The host without its port, where an entry under it may be used at all
    /// (https or the loopback).
    pub bare_host: Option<&'a str>,
}

/// In which way a machine name of the file names the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    Netloc,
    Spelled,
    OtherCase,
    /// In single quotes, which the SDK writes around names with odd characters
    /// and which netrc readers take for part of the name.
    Quoted,
    Alias,
    BareHost,
}

impl Naming {
    const COUNT: usize = 6;

    fn of(name: &Token, text: &[u8], names: &Names) -> Option<Naming> {
        if !name.plain {
            let name = name.unescape(text);
            return Naming::of_bytes(&name, names);
        }
        Naming::of_bytes(name.inner(text), names)
    }

    fn of_bytes(name: &[u8], names: &Names) -> Option<Naming> {
        let is = |other: Option<&str>| other.is_some_and(|other| other.as_bytes() == name);
        if is(Some(names.netloc)) {
            Some(Naming::Netloc)
        } else if is(names.spelled) {
            Some(Naming::Spelled)
        } else if is(names.alias) {
            Some(Naming::Alias)
        } else if is(names.bare_host) {
            Some(Naming::BareHost)
        } else if name.eq_ignore_ascii_case(names.netloc.as_bytes()) {
            Some(Naming::OtherCase)
        } else {
            let bare = single_quoted(name)?;
            let ours = bare.eq_ignore_ascii_case(names.netloc.as_bytes())
                || names.spelled.is_some_and(|name| name.as_bytes() == bare);
            ours.then_some(Naming::Quoted)
        }
    }
}

/// What stands between single quotes, if the word is made so.
fn single_quoted(word: &[u8]) -> Option<&[u8]> {
    word.strip_prefix(b"'")?.strip_suffix(b"'")
}

/// Why and where the Python SDK stops reading the file, and with it drops every
/// entry. It never quotes the word it stops at: that is a password too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The line that is the reason.
    pub line: usize,
    /// The line that the SDK's own message names: it does not count the lines
    /// of comments and macros.
    pub sdk_line: usize,
    /// The SDK's message, without the word.
    pub message: &'static str,
}

const NOT_UTF8: &str = "not UTF-8";
const UTF16: &str = "the file is in UTF-16, which no netrc reader understands; save it as UTF-8";

/// Finds the dialect to read the file in: CPython's if it accepts the file,
/// else the lenient one, with the reason why it does not.
fn dialect_of(text: &[u8]) -> (Dialect, Option<Stop>) {
    let mut scanner = Scanner::new(text, Dialect::CPython);
    loop {
        match scanner.next() {
            Ok(Some(_)) => {}
            Ok(None) => return (Dialect::CPython, not_utf8(text)),
            Err(refusal) => return (Dialect::Lenient, Some(refusal.describe(text))),
        }
    }
}

/// CPython reads UTF-8 only; other bytes end the SDK's process.
fn not_utf8(text: &[u8]) -> Option<Stop> {
    let at = std::str::from_utf8(text).err()?.valid_up_to();
    let line = line_of(text, at);
    Some(Stop {
        line,
        sdk_line: line,
        message: NOT_UTF8,
    })
}

/// Windows PowerShell writes UTF-16, with or without its mark.
fn is_utf16(text: &[u8]) -> bool {
    let alternates = text
        .first_chunk::<12>()
        .is_some_and(|head| head.windows(2).all(|pair| (pair[0] == 0) != (pair[1] == 0)));
    matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || alternates
}

fn note(text: &[u8], at: usize, message: impl Into<String>) -> Note {
    Note {
        line: line_of(text, at),
        text: message.into(),
    }
}

/// A name from the file, fit to be shown: short, and no control characters.
fn shown(name: &[u8]) -> String {
    let head = &name[..name.len().min(64)];
    let more = if name.len() > head.len() { "…" } else { "" };
    format!("{}{more}", String::from_utf8_lossy(head).escape_debug())
}
