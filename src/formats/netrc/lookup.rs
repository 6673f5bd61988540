//! Finds a server's entry: one pass over the file if CPython accepts it, else two,
//! and no allocation per entry.

use super::scan::{Dialect, Event, Item, Kind, Scanner};
use super::token::Token;
use super::{
    IsKey, Names, Naming, SdkError, dialect_of, not_utf8, note, recovery, shown, single_quoted,
};
use crate::log::Note;
use crate::util::lines::{BOM, UTF16, is_utf16, newline_of};
use crate::util::secret::WipedBytes;

/// How many unknown tokens get a note each; the others are counted.
const MAX_UNKNOWN: usize = 8;

/// How many overridden entries are kept, the last ones; the others are counted.
const MAX_SHADOWED: usize = 4;

/// How the entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Under the server's own name, in any spelling.
    Exact,
    /// Under the other name of the cloud.
    Alias,
    /// Under the host without its port.
    BareHost,
}

/// The entry whose password is the server's key. The password is as written in
/// the file; it may be malformed unless found by [`Match::BareHost`].
pub(crate) struct Hit {
    pub password: WipedBytes,
    /// The position of the entry's `machine`.
    pub at: usize,
    pub how: Match,
    name: Token,
}

impl Hit {
    /// The machine name as written in this file, for a message.
    pub(crate) fn machine(&self, text: &[u8]) -> String {
        shown(&self.name.unescape(text))
    }
}

/// What the file says about a server, and what the user should know of the file.
#[derive(Default)]
pub(crate) struct Lookup {
    pub hit: Option<Hit>,
    pub notes: Vec<Note>,
    /// Why the SDK cannot read the file.
    pub sdk_error: Option<SdkError>,
    /// The position of the entry whose password the SDK takes, `default` included.
    pub sdk_at: Option<usize>,
    /// The position of the `default` entry, which is never used.
    pub default_at: Option<usize>,
    /// The last entries of this server that a later one overrides.
    pub shadowed: Vec<Shadowed>,
    /// How many further entries are overridden.
    pub more_shadowed: usize,
    pub crlf: bool,
    pub bom: bool,
}

/// An entry that a later one of the same machine overrides.
pub(crate) struct Shadowed {
    /// The position of its `machine`.
    pub at: usize,
    /// The position of the later entry.
    pub by: usize,
    password: Option<Token>,
}

impl Shadowed {
    /// The password as written in this file.
    pub(crate) fn password(&self, text: &[u8]) -> Option<WipedBytes> {
        self.password.map(|password| password.unescape(text))
    }
}

/// An entry under one of the server's names.
#[derive(Clone, Copy)]
struct Candidate {
    start: usize,
    name: Token,
    login: Option<Token>,
    password: Option<Token>,
}

/// One pass over the file: collects the last entry for each way of naming.
struct Pass<'t, 'n> {
    text: &'t [u8],
    names: &'n Names<'n>,
    is_key: IsKey,
    last: [Option<Candidate>; Naming::COUNT],
    current: Option<(Naming, Candidate)>,
    default: Option<(usize, Option<Token>)>,
    in_default: bool,
    shadowed: Vec<(Naming, Candidate)>,
    more_shadowed: usize,
    unknown: usize,
    notes: Vec<Note>,
}

/// Looks up a server's key. Where CPython 3.11 and later accept the file, the
/// result is theirs, except that the `default` entry is never used.
pub(crate) fn look_up(text: &[u8], names: &Names, is_key: IsKey) -> Lookup {
    let mut found = Lookup {
        crlf: newline_of(text) == b"\r\n",
        bom: text.starts_with(BOM),
        ..Lookup::default()
    };
    if is_utf16(text) {
        found.notes.push(note(text, 0, UTF16));
        found.sdk_error = dialect_of(text).1;
        return found;
    }
    let mut pass = Pass::new(text, names, is_key);
    let accepted = pass.run(Dialect::CPython);
    found.sdk_error = match accepted {
        Ok(()) => not_utf8(text),
        Err(error) => {
            pass = Pass::new(text, names, is_key);
            // The lenient dialect refuses nothing.
            pass.run(Dialect::Lenient).ok();
            Some(error)
        }
    };
    pass.finish(&mut found);
    found
}

impl<'t, 'n> Pass<'t, 'n> {
    fn new(text: &'t [u8], names: &'n Names<'n>, is_key: IsKey) -> Self {
        Pass {
            text,
            names,
            is_key,
            last: [None; Naming::COUNT],
            current: None,
            default: None,
            in_default: false,
            shadowed: Vec::new(),
            more_shadowed: 0,
            unknown: 0,
            notes: Vec::new(),
        }
    }

    fn run(&mut self, dialect: Dialect) -> Result<(), SdkError> {
        let mut scanner = Scanner::new(self.text, dialect);
        loop {
            if self.current.is_none() && !self.in_default {
                scanner.skip_plain_items(|name| Naming::of_bytes(name, self.names).is_some());
            }
            match scanner.next() {
                Ok(Some(item)) => self.add(&item),
                Ok(None) => break,
                Err(refusal) => return Err(refusal.describe(self.text)),
            }
        }
        self.close();
        Ok(())
    }

    #[inline(always)] // three times for each entry of a file, and most are not ours
    fn add(&mut self, item: &Item) {
        let start = item.keyword.start;
        match item.event {
            Event::Machine => {
                self.close();
                let naming = Naming::of(item.value, self.text, self.names);
                self.current = naming.map(|naming| {
                    let candidate = Candidate {
                        start,
                        name: *item.value,
                        login: None,
                        password: None,
                    };
                    (naming, candidate)
                });
            }
            Event::Field(kind) => self.field(kind, item.value),
            Event::Default => {
                self.close();
                self.default = Some((start, None));
                self.in_default = true;
            }
            Event::Macro { terminated } => {
                self.close();
                if !terminated {
                    let message = "macdef is not terminated by a blank line, so the rest of the \
                                   file is part of the macro";
                    self.notes.push(note(self.text, start, message));
                }
            }
            Event::Unknown { first: false } => {}
            Event::Unknown { first: true } => {
                self.unknown += 1;
                if self.unknown <= MAX_UNKNOWN {
                    let word = &self.text[start..item.keyword.end];
                    let message = recovery::describe(word);
                    self.notes.push(note(self.text, start, message));
                }
            }
        }
    }

    fn field(&mut self, kind: Kind, value: &Token) {
        match (&mut self.current, kind) {
            (Some((_, entry)), Kind::Login) => entry.login = Some(*value),
            (Some((_, entry)), Kind::Password) => entry.password = Some(*value),
            (None, Kind::Password) if self.in_default => {
                self.default = self.default.map(|(start, _)| (start, Some(*value)));
            }
            _ => {}
        }
    }

    /// Ends the current entry: it is the last one of its name so far.
    fn close(&mut self) {
        self.in_default = false;
        let Some((naming, entry)) = self.current.take() else {
            return;
        };
        if naming == Naming::BareHost && !(self.names.use_bare_host && self.serves_any_port(&entry))
        {
            return;
        }
        let previous = self.last[naming as usize].replace(entry);
        if let Some(previous) = previous
            && naming != Naming::BareHost
        {
            if self.shadowed.len() == MAX_SHADOWED {
                self.shadowed.remove(0);
                self.more_shadowed += 1;
            }
            self.shadowed.push((naming, previous));
        }
    }

    /// An entry without a port is used for a server with a port only if it can
    /// only be meant for W&B.
    fn serves_any_port(&self, entry: &Candidate) -> bool {
        let login = entry
            .login
            .is_none_or(|login| login.is_empty(self.text) || login.is(self.text, b"user"));
        login
            && entry
                .password
                .is_some_and(|password| (self.is_key)(&password.unescape(self.text)))
    }

    /// The order in which entries are tried.
    fn precedence(&self) -> [Naming; Naming::COUNT] {
        use Naming::*;
        if self.names.prefer_alias {
            [Alias, Netloc, Spelled, OtherCase, Quoted, BareHost]
        } else {
            [Netloc, Spelled, OtherCase, Quoted, Alias, BareHost]
        }
    }

    fn password(&self, naming: Naming) -> Option<(Candidate, Token)> {
        let entry = self.last[naming as usize]?;
        let password = entry
            .password
            .filter(|password| !password.is_empty(self.text))?;
        Some((entry, password))
    }

    fn finish(mut self, found: &mut Lookup) {
        found.hit = self.hit();
        self.compare_aliases();
        if self.unknown > MAX_UNKNOWN {
            self.notes.push(Note {
                line: 1,
                text: format!("ignored {} unknown tokens", self.unknown),
            });
        }
        if found.sdk_error.is_none() {
            found.sdk_at = self.sdk_entry();
        }
        found.default_at = self.default.map(|(at, _)| at);
        found.shadowed = self.shadowed();
        found.more_shadowed = self.more_shadowed;
        self.notes.sort_by_key(|note| note.line);
        found.notes = self.notes;
    }

    fn shadowed(&self) -> Vec<Shadowed> {
        let shadowed = self.shadowed.iter().map(|(naming, entry)| Shadowed {
            at: entry.start,
            by: self.last[*naming as usize].map_or(entry.start, |last| last.start),
            password: entry.password,
        });
        shadowed.collect()
    }

    /// The first entry with a password. Notes the entries before it that have
    /// none.
    fn hit(&mut self) -> Option<Hit> {
        for naming in self.precedence() {
            let Some(entry) = self.last[naming as usize] else {
                continue;
            };
            if let Some((_, password)) = self.password(naming) {
                return Some(Hit {
                    password: self.value(naming, password),
                    at: entry.start,
                    how: match naming {
                        Naming::Alias => Match::Alias,
                        Naming::BareHost => Match::BareHost,
                        _ => Match::Exact,
                    },
                    name: entry.name,
                });
            }
            let machine = shown(&entry.name.unescape(self.text));
            let message = format!("the entry for machine '{machine}' has no API key");
            self.notes.push(note(self.text, entry.start, message));
        }
        None
    }

    /// The password to send: without the single quotes that the SDK has written.
    fn value(&self, naming: Naming, password: Token) -> WipedBytes {
        let mut value = password.unescape(self.text);
        if naming == Naming::Quoted && single_quoted(&value).is_some_and(self.is_key) {
            value.pop();
            value.remove(0);
        }
        value
    }

    /// Notes that the two names of the cloud have different keys.
    fn compare_aliases(&mut self) {
        let (own, alias) = (self.password(Naming::Netloc), self.password(Naming::Alias));
        let (Some((own, key)), Some((alias, other))) = (own, alias) else {
            return;
        };
        if key.bytes(self.text).eq(other.bytes(self.text)) {
            return;
        }
        let unused = if self.names.prefer_alias { own } else { alias };
        let machine = shown(&unused.name.unescape(self.text));
        let message = format!(
            "the entry for machine '{machine}', an alias of the server, has a different key"
        );
        self.notes.push(note(self.text, unused.start, message));
    }

    /// The entry that the SDK takes the key from: that of the name as spelled, else
    /// `default`, else, for the cloud's new name only, that of its old name.
    fn sdk_entry(&self) -> Option<usize> {
        use Naming::*;
        let own = if self.names.spelled.is_some() {
            Spelled
        } else {
            Netloc
        };
        let (first, then) = if self.names.prefer_alias {
            (Alias, own)
        } else {
            (own, Alias)
        };
        let name = if self.names.prefer_alias {
            self.names.alias
        } else {
            Some(self.names.netloc)
        };
        let falls_back = name.is_some_and(|name| name.ends_with(".forge.coreweave.com"));
        let at = |naming: Naming| self.password(naming).map(|(entry, _)| entry.start);
        if self.last[first as usize].is_some() {
            return at(first);
        }
        match self.default {
            Some((start, password)) => password.filter(|p| !p.is_empty(self.text)).map(|_| start),
            None if falls_back => at(then),
            None => None,
        }
    }
}
