//! Finding a server's entry: one pass over the file if CPython accepts it, two
//! if not, and no allocation per entry.

use super::scan::{BOM, Dialect, Event, Kind, Scanner};
use super::single_quoted;
use super::token::{Token, line_end, newline_len};
use super::{IsKey, Names, Naming, Stop, UTF16, dialect_of, is_utf16, not_utf8, note, shown};
use crate::log::{self, Note};
use crate::util::secret::WipedBytes;

/// Stray words that are worth a warning each; the rest is counted.
const STRAY_NOTES: usize = 8;

/// How the entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Under the server's own name, in whatever spelling.
    Exact,
    /// Under the other name of the cloud.
    Alias,
    /// Under the host without its port.
    BareHost,
}

/// The entry whose password is the server's key. The password is what the file
/// says, and may be malformed unless found by [`Match::BareHost`].
pub(crate) struct Hit {
    pub password: WipedBytes,
    /// Where the entry's `machine` stands.
    pub at: usize,
    pub how: Match,
    name: Token,
}

impl Hit {
    /// The machine name as this file has it, fit to be shown.
    pub fn machine(&self, text: &[u8]) -> String {
        shown(&self.name.unescape(text))
    }
}

/// What the file says about a server, and what is worth telling about the file.
#[derive(Default)]
pub(crate) struct Lookup {
    pub hit: Option<Hit>,
    pub notes: Vec<Note>,
    /// The SDK cannot read the file, and why.
    pub sdk_stops: Option<Stop>,
    /// Where the entry stands whose password the SDK takes, `default` included.
    pub sdk_at: Option<usize>,
    /// Where the `default` entry stands, which is never used.
    pub default_at: Option<usize>,
    /// Entries of this server that a later one of the same name replaces.
    pub shadowed: usize,
    pub crlf: bool,
    pub bom: bool,
}

/// An entry that bears one of the names.
#[derive(Clone, Copy)]
struct Seen {
    start: usize,
    name: Token,
    login: Option<Token>,
    password: Option<Token>,
}

/// What one pass has gathered: the last entry for each way of naming.
struct Pass<'t, 'n> {
    text: &'t [u8],
    names: &'n Names<'n>,
    is_key: IsKey,
    last: [Option<Seen>; Naming::COUNT],
    current: Option<(Naming, Seen)>,
    default: Option<(usize, Option<Token>)>,
    in_default: bool,
    shadowed: usize,
    strays: usize,
    notes: Vec<Note>,
}

/// Looks a server's key up. Whatever CPython 3.11 and later accept gives what
/// they give; the `default` entry is never used.
pub(crate) fn look_up(text: &[u8], names: &Names, is_key: IsKey) -> Lookup {
    let first_line_end = line_end(text, 0);
    let mut found = Lookup {
        crlf: newline_len(text, first_line_end) == 2,
        bom: text.starts_with(BOM),
        ..Lookup::default()
    };
    if is_utf16(text) {
        found.notes.push(note(text, 0, UTF16));
        found.sdk_stops = dialect_of(text).1;
        return found;
    }
    let mut pass = Pass::new(text, names, is_key);
    let accepted = pass.run(Dialect::CPython);
    found.sdk_stops = match accepted {
        Ok(()) => not_utf8(text),
        Err(stop) => {
            pass = Pass::new(text, names, is_key);
            // The lenient dialect refuses nothing.
            pass.run(Dialect::Lenient).ok();
            Some(stop)
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
            shadowed: 0,
            strays: 0,
            notes: Vec::new(),
        }
    }

    fn run(&mut self, dialect: Dialect) -> Result<(), Stop> {
        let mut scanner = Scanner::new(self.text, dialect);
        loop {
            match scanner.next() {
                Ok(Some(Event::Machine)) => {
                    self.close();
                    self.current =
                        Naming::of(&scanner.value, self.text, self.names).map(|naming| {
                            let seen = Seen {
                                start: scanner.keyword.start,
                                name: scanner.value,
                                login: None,
                                password: None,
                            };
                            (naming, seen)
                        });
                }
                Ok(Some(Event::Field(kind))) => self.field(kind, &scanner.value),
                Ok(Some(Event::Default)) => {
                    self.close();
                    self.default = Some((scanner.keyword.start, None));
                    self.in_default = true;
                }
                Ok(Some(Event::Macro)) => {
                    self.close();
                    if scanner.open_macro {
                        let text = "the macro has no empty line behind it, so the rest of the file belongs to it";
                        let start = scanner.keyword.start;
                        self.notes.push(note(self.text, start, text));
                    }
                }
                Ok(Some(Event::Stray { silent: true })) => {}
                Ok(Some(Event::Stray { silent: false })) => self.stray(scanner.keyword.start),
                Ok(None) => break,
                Err(refusal) => return Err(refusal.describe(self.text)),
            }
        }
        self.close();
        Ok(())
    }

    fn field(&mut self, kind: Kind, value: &Token) {
        match (&mut self.current, kind) {
            (Some((_, seen)), Kind::Login) => seen.login = Some(*value),
            (Some((_, seen)), Kind::Password) => seen.password = Some(*value),
            (None, Kind::Password) if self.in_default => {
                self.default = self.default.map(|(start, _)| (start, Some(*value)));
            }
            _ => {}
        }
    }

    fn stray(&mut self, start: usize) {
        self.strays += 1;
        if self.strays <= STRAY_NOTES {
            self.notes.push(note(
                self.text,
                start,
                "skipped a word that netrc does not know",
            ));
        }
    }

    /// The entry at hand has ended: it is the last of its name so far.
    fn close(&mut self) {
        self.in_default = false;
        let Some((naming, seen)) = self.current.take() else {
            return;
        };
        if naming == Naming::BareHost && !self.serves_any_port(&seen) {
            return;
        }
        let before = self.last[naming as usize].replace(seen);
        self.shadowed += usize::from(before.is_some() && naming != Naming::BareHost);
    }

    /// An entry without port is used for a server with one only if it cannot
    /// be meant for anything but W&B.
    fn serves_any_port(&self, seen: &Seen) -> bool {
        let login = seen
            .login
            .is_none_or(|login| login.is_empty(self.text) || login.is(self.text, b"user"));
        login
            && seen
                .password
                .is_some_and(|password| (self.is_key)(&password.unescape(self.text)))
    }

    fn turns(&self) -> [Naming; Naming::COUNT] {
        use Naming::*;
        if self.names.prefer_alias {
            [Alias, Netloc, Spelled, OtherCase, Quoted, BareHost]
        } else {
            [Netloc, Spelled, OtherCase, Quoted, Alias, BareHost]
        }
    }

    fn password(&self, naming: Naming) -> Option<(Seen, Token)> {
        let seen = self.last[naming as usize]?;
        let password = seen
            .password
            .filter(|password| !password.is_empty(self.text))?;
        Some((seen, password))
    }

    fn finish(mut self, found: &mut Lookup) {
        let text = self.text;
        for naming in self.turns() {
            let Some(seen) = self.last[naming as usize] else {
                continue;
            };
            if found.hit.is_some() {
                break;
            }
            match self.password(naming) {
                None => {
                    let machine = shown(&seen.name.unescape(text));
                    let message = format!("the entry for machine '{machine}' has no API key");
                    self.notes.push(note(text, seen.start, message));
                }
                Some((_, password)) => {
                    found.hit = Some(Hit {
                        password: self.value(naming, password),
                        at: seen.start,
                        how: match naming {
                            Naming::Alias => Match::Alias,
                            Naming::BareHost => Match::BareHost,
                            _ => Match::Exact,
                        },
                        name: seen.name,
                    });
                }
            }
        }
        self.compare_names();
        if self.strays > STRAY_NOTES {
            let message = format!("skipped {} words that netrc does not know", self.strays);
            self.notes.push(Note {
                line: 1,
                text: message,
            });
        }
        if found.sdk_stops.is_none() {
            found.sdk_at = self.sdk_entry();
        }
        found.default_at = self.default.map(|(at, _)| at);
        found.shadowed = self.shadowed;
        found.notes = log::by_line(self.notes);
    }

    /// The password as the server shall see it: what the SDK has put in single
    /// quotes comes out of them.
    fn value(&self, naming: Naming, password: Token) -> WipedBytes {
        let mut value = password.unescape(self.text);
        if naming == Naming::Quoted && single_quoted(&value).is_some_and(self.is_key) {
            value.pop();
            value.remove(0);
        }
        value
    }

    /// Both names of the cloud, with two keys: worth a word.
    fn compare_names(&mut self) {
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
            "the entry for machine '{machine}', another name of the server, holds another key"
        );
        self.notes.push(note(self.text, unused.start, message));
    }

    /// The entry that the SDK takes the key from: by the name as spelled, then
    /// `default`, then, on the cloud's new name only, by its old one.
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
        let at = |naming: Naming| self.password(naming).map(|(seen, _)| seen.start);
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
