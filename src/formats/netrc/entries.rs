//! The parsed file as an editor needs it: the entries of our server field by
//! field, and where a new one can be inserted.

use std::ops::Range;

use super::scan::{self, Dialect, Event, Item, Kind, Scanner};
use super::token::Token;
use super::{IsKey, Names, Naming, dialect_of, note, single_quoted};
use crate::log::Note;
use crate::util::lines::{UTF16, is_utf16, newline_of};
use crate::util::secret::WipedBytes;

/// One field of an entry.
pub(super) struct Field {
    pub kind: Kind,
    /// Where the item before it ended.
    pub before: usize,
    pub keyword: Token,
    pub value: Token,
    /// An unknown token precedes it; an edit must not remove that token.
    pub after_unknown: bool,
}

/// An entry under one of the server's names.
pub(super) struct Entry {
    pub naming: Naming,
    /// Where the item before it ended.
    pub before: usize,
    pub keyword: Token,
    pub name: Token,
    pub fields: Vec<Field>,
    /// Its login is `user` or missing, or its password is a key. All other
    /// entries belong to other tools.
    pub ours: bool,
}

impl Entry {
    /// The values of one kind.
    pub(super) fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.kind == kind)
    }

    /// The value that counts: the last one.
    pub(super) fn last(&self, kind: Kind) -> Option<Token> {
        self.all(kind).next_back().map(|field| field.value)
    }

    /// Its key, without the single quotes that the SDK writes; `None` for a password
    /// of another form.
    pub(super) fn key(&self, text: &[u8], is_key: IsKey) -> Option<WipedBytes> {
        let password = self.last(Kind::Password)?.unescape(text);
        let key = single_quoted(&password).unwrap_or(&password);
        is_key(key).then(|| WipedBytes::new(key.to_vec()))
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

/// The parsed file.
pub(super) struct Entries<'a> {
    pub text: &'a [u8],
    /// CPython accepts the file.
    pub accepted: bool,
    pub entries: Vec<Entry>,
    /// The white space before each `default` entry.
    pub defaults: Vec<Range<usize>>,
    /// The end of the file, where a new entry can be inserted.
    pub end: scan::End,
    /// Where the first token may be.
    pub origin: usize,
    pub newline: &'static [u8],
}

impl<'a> Entries<'a> {
    pub(super) fn parse(text: &'a [u8], names: &Names, is_key: IsKey) -> Result<Entries<'a>, Note> {
        if is_utf16(text) {
            return Err(note(text, 0, UTF16));
        }
        let (dialect, _) = dialect_of(text);
        let mut scanner = Scanner::new(text, dialect);
        let mut collector = Collector::default();
        loop {
            if !collector.in_entry {
                scanner.skip_plain_items(|name| Naming::of_bytes(name, names).is_some());
            }
            let Ok(Some(item)) = scanner.next() else {
                break;
            };
            let naming = match item.event {
                Event::Machine => Naming::of(item.value, text, names),
                _ => None,
            };
            collector.add(&item, naming);
        }
        let mut entries = collector.entries;
        for entry in &mut entries {
            entry.ours = entry.is_ours(text, is_key);
        }
        Ok(Entries {
            text,
            accepted: dialect == Dialect::CPython,
            entries,
            defaults: collector.defaults,
            end: scanner.end(),
            origin: scan::origin(text, dialect),
            newline: newline_of(text),
        })
    }

    /// Our entries under one of the server's names.
    pub(super) fn ours(&self, naming: Naming) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.ours && entry.naming == naming)
    }

    /// The entries of the server that belong to other tools.
    pub(super) fn foreign(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.ours)
    }
}

/// Collects items into entries.
#[derive(Default)]
struct Collector {
    entries: Vec<Entry>,
    defaults: Vec<Range<usize>>,
    /// The last entry of `entries` is still being read.
    in_entry: bool,
    after_unknown: bool,
}

impl Collector {
    /// Adds an item; `naming` is how a machine names the server.
    fn add(&mut self, item: &Item, naming: Option<Naming>) {
        match item.event {
            Event::Machine => {
                self.in_entry = naming.is_some();
                self.after_unknown = false;
                self.entries.extend(naming.map(|naming| Entry {
                    naming,
                    before: item.before,
                    keyword: *item.keyword,
                    name: *item.value,
                    fields: Vec::new(),
                    ours: false,
                }));
            }
            Event::Field(kind) => {
                if let Some(entry) = self.entries.last_mut().filter(|_| self.in_entry) {
                    entry.fields.push(Field {
                        kind,
                        before: item.before,
                        keyword: *item.keyword,
                        value: *item.value,
                        after_unknown: self.after_unknown,
                    });
                }
                self.after_unknown = false;
            }
            Event::Default => {
                self.in_entry = false;
                self.defaults.push(item.gap());
            }
            Event::Macro { .. } => self.in_entry = false,
            Event::Unknown { .. } => self.after_unknown = true,
        }
    }
}

/// What CPython reads in a text, the server's own entries excluded: machines,
/// macros and values, in order.
struct Others<'a> {
    scanner: Scanner<'a>,
    text: &'a [u8],
    names: &'a Names<'a>,
    ours: bool,
}

impl Iterator for Others<'_> {
    type Item = (Option<Kind>, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let item = self.scanner.next().ok()??;
            let (kind, token) = match item.event {
                Event::Machine => {
                    self.ours = Naming::of(item.value, self.text, self.names).is_some();
                    (None, *item.value)
                }
                Event::Default | Event::Macro { .. } => {
                    self.ours = false;
                    (None, *item.keyword)
                }
                Event::Field(kind) => (Some(kind), *item.value),
                Event::Unknown { .. } => continue,
            };
            if !self.ours {
                return Some((kind, token));
            }
        }
    }
}

/// Whether CPython reads the same in both texts, the server's own entries
/// excluded.
pub(super) fn others_unchanged(old: &[u8], new: &[u8], names: &Names) -> bool {
    same_items(old, new, names, Dialect::CPython)
}

/// Whether the same machines, macros and values are read in both texts, those
/// under the given names excluded.
pub(super) fn same_items(old: &[u8], new: &[u8], names: &Names, dialect: Dialect) -> bool {
    let others = |text| Others {
        scanner: Scanner::new(text, dialect),
        text,
        names,
        ours: false,
    };
    let (mut before, mut after) = (others(old), others(new));
    loop {
        match (before.next(), after.next()) {
            (None, None) => return true,
            (Some((kind, token)), Some((new_kind, new_token)))
                if kind == new_kind && token.bytes(old).eq(new_token.bytes(new)) => {}
            _ => return false,
        }
    }
}
