//! The file as an editor sees it: our entries field by field, and where a new
//! one may stand.

use super::scan::{Dialect, Event, Kind, Scanner};
use super::token::{Token, line_end, newline_len};
use super::{IsKey, Names, Naming, UTF16, dialect_of, is_utf16, note};
use crate::log::Note;

/// One field of an entry, with the end of what stands before its keyword.
pub(super) struct Field {
    pub kind: Kind,
    pub before: usize,
    pub keyword: Token,
    pub value: Token,
    /// A stray word stands before it, which is not ours to remove.
    pub strayed: bool,
}

/// An entry under one of our names.
pub(super) struct Entry {
    pub naming: Naming,
    pub before: usize,
    pub keyword: Token,
    pub name: Token,
    pub fields: Vec<Field>,
    /// Its login is `user` or absent, or its password is a key.
    pub ours: bool,
}

impl Entry {
    pub fn last(&self, kind: Kind) -> Option<Token> {
        let field = self.fields.iter().rev().find(|field| field.kind == kind)?;
        Some(field.value)
    }

    fn is_ours(&self, text: &[u8], is_key: IsKey) -> bool {
        let login = self.last(Kind::Login).is_none_or(|login| {
            let login = login.unescape(text);
            login.is_empty() || *login == b"user" || *login == b"'user'"
        });
        login
            || self
                .last(Kind::Password)
                .is_some_and(|password| is_key(&password.unescape(text)))
    }
}

/// The file as an editor sees it.
pub(super) struct Entries<'a> {
    pub text: &'a [u8],
    pub accepted: bool,
    pub entries: Vec<Entry>,
    /// The `default` entries: start, and end of what stands before.
    pub defaults: Vec<(usize, usize)>,
    /// Where a new entry may stand at the latest, and what ends before it.
    pub end: (usize, usize),
    pub open_macro: bool,
    pub origin: usize,
    pub eol: &'static [u8],
}

impl<'a> Entries<'a> {
    pub fn of(text: &'a [u8], names: &Names, is_key: IsKey) -> Result<Entries<'a>, Note> {
        if is_utf16(text) {
            return Err(note(text, 0, UTF16));
        }
        let (dialect, _) = dialect_of(text);
        let mut scanner = Scanner::new(text, dialect);
        let mut entries: Vec<Entry> = Vec::new();
        let mut defaults = Vec::new();
        // Where items begin, for an open one to be found again.
        let mut item = (scanner.origin, scanner.origin);
        let (mut named, mut strayed) = (false, false);
        while let Ok(Some(event)) = scanner.next() {
            let (before, keyword, value) = (scanner.gap, scanner.keyword, scanner.value);
            match event {
                Event::Machine => {
                    item = (keyword.start, before);
                    (named, strayed) = (false, false);
                    if let Some(naming) = Naming::of(&value, text, names) {
                        let fields = Vec::new();
                        entries.push(Entry {
                            naming,
                            before,
                            keyword,
                            name: value,
                            fields,
                            ours: false,
                        });
                        named = true;
                    }
                }
                Event::Field(kind) if named => {
                    if let Some(entry) = entries.last_mut() {
                        entry.fields.push(Field {
                            kind,
                            before,
                            keyword,
                            value,
                            strayed,
                        });
                    }
                    strayed = false;
                }
                Event::Field(_) => {}
                Event::Default => {
                    item = (keyword.start, before);
                    defaults.push(item);
                    named = false;
                }
                Event::Macro => {
                    item = (keyword.start, before);
                    named = false;
                }
                Event::Stray { .. } => strayed = true,
            }
        }
        for entry in &mut entries {
            entry.ours = entry.is_ours(text, is_key);
        }
        let end = match scanner.open {
            Some(at) if at == item.0 => item,
            Some(at) => (at, at),
            None => (scanner.end, scanner.last_end),
        };
        Ok(Entries {
            text,
            accepted: dialect == Dialect::CPython,
            entries,
            defaults,
            end,
            open_macro: scanner.open_macro && scanner.open.is_none(),
            origin: scanner.origin,
            eol: eol(text),
        })
    }

    pub fn ours(&self, naming: Naming) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.ours && entry.naming == naming)
    }
}

/// What CPython reads in a text for everybody but us: machines, macros and
/// values, in their order.
struct Others<'a> {
    scanner: Scanner<'a>,
    text: &'a [u8],
    names: &'a Names<'a>,
    ours: bool,
}

impl<'a> Iterator for Others<'a> {
    type Item = (Option<Kind>, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let event = self.scanner.next().ok()??;
            let (keyword, value) = (self.scanner.keyword, self.scanner.value);
            let item = match event {
                Event::Machine => {
                    self.ours = Naming::of(&value, self.text, self.names).is_some();
                    (None, value)
                }
                Event::Default | Event::Macro => {
                    self.ours = false;
                    (None, keyword)
                }
                Event::Field(kind) => (Some(kind), value),
                Event::Stray { .. } => continue,
            };
            if !self.ours {
                return Some(item);
            }
        }
    }
}

/// Whether CPython reads the same in both texts for everybody but us.
pub(super) fn same_for_others(old: &[u8], new: &[u8], names: &Names) -> bool {
    let others = |text| Others {
        scanner: Scanner::new(text, Dialect::CPython),
        text,
        names,
        ours: false,
    };
    let (mut before, mut after) = (others(old), others(new));
    loop {
        match (before.next(), after.next()) {
            (None, None) => return true,
            (Some((kind, word)), Some((other_kind, other))) => {
                if kind != other_kind || !word.bytes(old).eq(other.bytes(new)) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// The line end of the file: its first one.
fn eol(text: &[u8]) -> &'static [u8] {
    let end = line_end(text, 0);
    match (text.get(end), newline_len(text, end)) {
        (_, 2) => b"\r\n",
        (Some(b'\r'), _) => b"\r",
        _ => b"\n",
    }
}
