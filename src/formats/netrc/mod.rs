//! The netrc file as text: finds the key of a server in it, and changes that key
//! without touching another byte. Pure functions over bytes; `files` reads, locks
//! and replaces the file.
//!
//! [`scan`] is the tokenizer of both [`lookup`] and [`edit`].

mod bare_host;
mod edit;
mod entries;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod invariants;
mod lookup;
mod other_servers;
mod patch;
mod recovery;
mod scan;
#[cfg(test)]
mod tests;
mod token;
mod word;

pub(crate) use bare_host::BareHost;
pub(crate) use edit::{Edited, forget, forget_each, store};
pub(crate) use lookup::{Hit, Lookup, Match, Shadowed, look_up};
pub(crate) use other_servers::{first_line, other_servers, servers};

use crate::log::Note;
pub(crate) use crate::util::lines::line_of;
use scan::{Dialect, Scanner};
use token::Token;

/// Tells whether a password has the form of an API key.
pub(crate) type IsKey = fn(&[u8]) -> bool;

/// The names that a server's entry may have, best first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names<'a> {
    /// `host[:port]` in normal form: lower case, default port dropped.
    pub netloc: &'a str,
    /// `host[:port]` as spelled in the configured URL, where that differs.
    pub spelled: Option<&'a str>,
    /// The other name of the cloud.
    pub alias: Option<&'a str>,
    /// No server is configured: the alias is looked up first.
    pub prefer_alias: bool,
    /// The host without its port, where the server has one.
    pub bare_host: Option<&'a str>,
    /// Whether a look-up may use an entry of the bare host.
    pub use_bare_host: bool,
}

impl<'a> Names<'a> {
    /// The names of a server that has only this one.
    pub(crate) fn only(netloc: &'a str) -> Names<'a> {
        Names {
            netloc,
            ..Names::default()
        }
    }

    /// The names without that of the bare host, whose entry may belong to another
    /// server.
    fn with_port(&self) -> Names<'a> {
        Names {
            bare_host: None,
            ..*self
        }
    }
}

/// How a machine name in the file refers to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    Netloc,
    Spelled,
    OtherCase,
    /// In single quotes: the SDK writes them around names with special
    /// characters, and netrc readers take them for part of the name.
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

/// The content of a single-quoted word.
fn single_quoted(word: &[u8]) -> Option<&[u8]> {
    word.strip_prefix(b"'")?.strip_suffix(b"'")
}

/// Why and where the Python SDK stops reading the file; it then ignores every
/// entry. The message never quotes the token: it is often a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SdkError {
    pub line: usize,
    /// The SDK's message, without the token.
    pub message: &'static str,
}

const NOT_UTF8: &str = "not UTF-8";

/// The dialect to read the file in: CPython's if it accepts the file, else the
/// lenient one. The error is set if the SDK cannot read the file.
fn dialect_of(text: &[u8]) -> (Dialect, Option<SdkError>) {
    let mut scanner = Scanner::new(text, Dialect::CPython);
    loop {
        scanner.skip_plain_items(|_| false);
        match scanner.next() {
            Ok(Some(_)) => {}
            Ok(None) => return (Dialect::CPython, not_utf8(text)),
            Err(refusal) => return (Dialect::Lenient, Some(refusal.describe(text))),
        }
    }
}

/// CPython reads UTF-8 only; other bytes raise an exception that the SDK does not
/// catch.
fn not_utf8(text: &[u8]) -> Option<SdkError> {
    let at = std::str::from_utf8(text).err()?.valid_up_to();
    Some(SdkError {
        line: line_of(text, at),
        message: NOT_UTF8,
    })
}

fn note(text: &[u8], at: usize, message: impl Into<String>) -> Note {
    Note {
        line: line_of(text, at),
        text: message.into(),
    }
}

/// A name from the file for a message: shortened, control characters escaped.
fn shown(name: &[u8]) -> String {
    let head = &name[..name.len().min(64)];
    let more = if name.len() > head.len() { "…" } else { "" };
    format!("{}{more}", String::from_utf8_lossy(head).escape_debug())
}
