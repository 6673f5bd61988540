//! Changing our entry and not one byte else.
//!
//! An edit is a list of spans with what replaces them. Everything between the
//! spans is copied as it is, so nothing that is not ours can be lost.

use std::ops::Range;

use super::scan::{self, Dialect, Event, Kind, Scanner, Token};
use super::{IsKey, Names, Naming, Stop, UTF16, dialect_of, is_utf16, note, shown, single_quoted};
use crate::log::Note;
use crate::secret::WipedBytes;

/// The file as it shall be, and what is worth telling about it.
pub(crate) struct Edited {
    pub text: WipedBytes,
    /// False: the text is the old one, and nothing needs to be written.
    pub changed: bool,
    pub notes: Vec<Note>,
    /// Logins of entries of the same machine that belong to other tools, and
    /// stay; fit to be shown.
    pub foreign_logins: Vec<String>,
    /// The SDK cannot read the new text, and why.
    pub sdk_stops: Option<Stop>,
    /// How many entries went.
    pub removed: usize,
}

/// One field of an entry, with the end of what stands before its keyword.
struct Field {
    kind: Kind,
    before: usize,
    keyword: Token,
    value: Token,
    /// A stray word stands before it, which is not ours to remove.
    strayed: bool,
}

/// An entry under one of our names.
struct Entry {
    naming: Naming,
    before: usize,
    keyword: Token,
    name: Token,
    fields: Vec<Field>,
    /// Its login is `user` or absent, or its password is a key.
    ours: bool,
}

impl Entry {
    fn last(&self, kind: Kind) -> Option<Token> {
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
struct Survey<'a> {
    text: &'a [u8],
    accepted: bool,
    entries: Vec<Entry>,
    /// The `default` entries: start, and end of what stands before.
    defaults: Vec<(usize, usize)>,
    /// Where a new entry may stand at the latest, and what ends before it.
    end: (usize, usize),
    open_macro: bool,
    origin: usize,
    eol: &'static [u8],
}

impl<'a> Survey<'a> {
    fn of(text: &'a [u8], names: &Names, is_key: IsKey) -> Result<Survey<'a>, Note> {
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
            let before = scanner.gap;
            match event {
                Event::Machine { keyword, name } => {
                    item = (keyword.start, before);
                    (named, strayed) = (false, false);
                    if let Some(naming) = Naming::of(name, text, names) {
                        let fields = Vec::new();
                        entries.push(Entry {
                            naming,
                            before,
                            keyword,
                            name,
                            fields,
                            ours: false,
                        });
                        named = true;
                    }
                }
                Event::Field {
                    kind,
                    keyword,
                    value,
                } if named => {
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
                Event::Field { .. } => {}
                Event::Default { keyword } => {
                    item = (keyword.start, before);
                    defaults.push(item);
                    named = false;
                }
                Event::Macro { keyword } => {
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
        Ok(Survey {
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

    fn ours(&self, naming: Naming) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.ours && entry.naming == naming)
    }
}

/// The line end of the file: its first one.
fn eol(text: &[u8]) -> &'static [u8] {
    let end = scan::line_end(text, 0);
    match (text.get(end), scan::newline_len(text, end)) {
        (_, 2) => b"\r\n",
        (Some(b'\r'), _) => b"\r",
        _ => b"\n",
    }
}

/// A span and what stands there instead.
struct Change<'a> {
    span: Range<usize>,
    with: Vec<&'a [u8]>,
}

/// How much of an entry goes.
#[derive(Clone, Copy, PartialEq)]
enum Remove {
    Whole,
    /// Only the key, with `login user` where it stood: for a file in which
    /// CPython would trip over a comment that now follows our entry.
    Key,
}

/// The changes to one text, in the making.
struct Plan<'a> {
    survey: &'a Survey<'a>,
    remove: Remove,
    changes: Vec<Change<'a>>,
    removed: usize,
}

impl<'a> Plan<'a> {
    fn change(&mut self, span: Range<usize>, with: Vec<&'a [u8]>) {
        self.changes.push(Change { span, with });
    }

    /// Takes an entry out, with the lines that it has for itself.
    fn remove(&mut self, entry: &Entry) {
        self.removed += 1;
        if self.remove == Remove::Key {
            for field in entry
                .fields
                .iter()
                .filter(|field| field.kind == Kind::Password)
            {
                self.replace(field.keyword, field.keyword, b"login");
                self.replace(field.keyword, field.value, b"user");
            }
            return;
        }
        let name_end = self.end_of(entry.name);
        let mut spans = vec![(entry.before, entry.keyword.start..name_end)];
        for field in &entry.fields {
            let end = self.end_of(field.value).max(field.keyword.end);
            match spans.last_mut() {
                Some((_, span)) if !field.strayed => span.end = end,
                _ => spans.push((field.before, field.keyword.start..end)),
            }
        }
        for (before, span) in spans {
            let span = self.with_lines(before, span);
            self.change(span, Vec::new());
        }
    }

    /// Where a word ends that may go: an open quote only to the end of its
    /// line, since what follows was hardly meant to be part of it.
    fn end_of(&self, token: Token) -> usize {
        if token.quoted && token.open {
            return scan::line_end(self.survey.text, token.start);
        }
        token.end
    }

    /// Widens a span to be removed by the white space that goes with it.
    fn with_lines(&self, before: usize, span: Range<usize>) -> Range<usize> {
        let text = self.survey.text;
        let own_start = self.line_start(before, span.start);
        let mut end = span.end;
        while matches!(text.get(end), Some(b' ' | b'\t')) {
            end += 1;
        }
        let rest = &text[end..scan::line_end(text, end)];
        // A comment behind our last word is about our entry.
        let comment = own_start.is_some() && rest.starts_with(b"#") && !rest.contains(&b'\\');
        if !rest.is_empty() && !comment {
            // Something of others follows on the line.
            return span.start..end;
        }
        end += rest.len();
        match own_start {
            Some(start) => start..end + scan::newline_len(text, end),
            None => before..end,
        }
    }

    /// Where the line of a word begins, if nothing stands before it there.
    fn line_start(&self, before: usize, start: usize) -> Option<usize> {
        let gap = &self.survey.text[before..start];
        match gap.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(newline) => Some(before + newline + 1),
            None => (before == self.survey.origin).then_some(before),
        }
    }

    /// Puts a word in the place of another, which may be missing, or quoted
    /// and without white space around it.
    fn replace(&mut self, keyword: Token, old: Token, word: &'a [u8]) {
        let text = self.survey.text;
        let span = if old.start == old.end {
            keyword.end..keyword.end
        } else {
            old.start..self.end_of(old)
        };
        let glued = |byte: Option<&u8>| byte.is_some_and(|&byte| !scan::is_space(byte));
        let left: &[u8] = if glued(text[..span.start].last()) {
            b" "
        } else {
            b""
        };
        let right: &[u8] = if glued(text.get(span.end)) { b" " } else { b"" };
        self.change(span, vec![left, word, right]);
    }

    /// Puts words behind another, and white space behind them if none follows.
    fn put_behind(&mut self, token: Token, mut words: Vec<&'a [u8]>) {
        let next = self.survey.text.get(token.end);
        if next.is_some_and(|&byte| !scan::is_space(byte)) {
            words.push(b" ");
        }
        self.change(token.end..token.end, words);
    }

    /// Gives an entry our login and key, unless it has that key already.
    fn set(&mut self, entry: &Entry, name: &'a [u8], key: &'a [u8]) {
        let text = self.survey.text;
        let passwords = || {
            entry
                .fields
                .iter()
                .filter(|field| field.kind == Kind::Password)
        };
        if passwords().next().is_some() && passwords().all(|field| field.value.is(text, key)) {
            return;
        }
        let end = entry.name.end;
        let spread = entry
            .fields
            .first()
            .is_some_and(|field| scan::has_newline(&text[end..field.keyword.start]));
        let (eol, indent) = if spread {
            (self.survey.eol, b"  ".as_slice())
        } else {
            (b"".as_slice(), b" ".as_slice())
        };
        // The login goes behind the name, the password behind the login.
        let mut behind_name: Vec<&[u8]> = Vec::new();
        let login = entry.last(Kind::Login);
        if login.is_none() {
            behind_name.extend([eol, indent, b"login user"]);
        }
        if entry.last(Kind::Password).is_none() {
            let password = [eol, indent, b"password ", key];
            match login.filter(|login| !login.open && login.end > login.start) {
                Some(login) => self.put_behind(login, password.to_vec()),
                None => behind_name.extend(password),
            }
        }
        if entry.name.open {
            // Behind an open name nothing can be said.
            behind_name.insert(0, name);
            self.change(entry.name.start..end, behind_name);
        } else if !behind_name.is_empty() {
            self.put_behind(entry.name, behind_name);
        }
        for field in &entry.fields {
            let word = match field.kind {
                Kind::Login => b"user".as_slice(),
                Kind::Password => key,
                Kind::Account => continue,
            };
            if !field.value.is(text, word) {
                self.replace(field.keyword, field.value, word);
            }
        }
    }

    /// Puts a new entry at the end, or before a `default` entry; in any case
    /// behind `after`.
    fn insert(&mut self, after: usize, netloc: &'a [u8], account: Option<&'a [u8]>, key: &'a [u8]) {
        let Survey { text, eol, .. } = *self.survey;
        let early = self
            .survey
            .defaults
            .iter()
            .find(|(start, _)| (after..self.survey.end.0).contains(start));
        let (place, before) = early.copied().unwrap_or(self.survey.end);
        let mut with: Vec<&[u8]> = Vec::new();
        let own_line = self.line_start(before, place);
        if own_line.is_none() {
            with.push(eol);
        }
        if self.survey.open_macro && place == self.survey.end.0 {
            // The empty line that ends it; an LF behind a CR would be none.
            let after_cr = own_line.is_some() && text.last() == Some(&b'\r');
            with.push(if after_cr { b"\r" } else { eol });
        }
        with.extend([b"machine ".as_slice(), netloc, eol, b"  login user", eol]);
        if let Some(account) = account {
            with.extend([b"  account ".as_slice(), account, eol]);
        }
        with.extend([b"  password ".as_slice(), key, eol]);
        let at = own_line.unwrap_or(place);
        self.change(at..at, with);
    }

    /// The new text, in a buffer of its final size from the start.
    fn apply(mut self) -> WipedBytes {
        let text = self.survey.text;
        self.changes
            .sort_by_key(|change| (change.span.start, change.span.end));
        let words = self.changes.iter().flat_map(|change| &change.with);
        let added: usize = words.map(|word| word.len()).sum();
        let mut new = WipedBytes::new(Vec::with_capacity(text.len() + added));
        let mut copied = 0;
        for change in &self.changes {
            // Neighbours that go both claim the white space between them.
            let start = change.span.start.max(copied);
            new.extend_from_slice(&text[copied..start]);
            change
                .with
                .iter()
                .for_each(|word| new.extend_from_slice(word));
            copied = change.span.end.max(copied);
        }
        new.extend_from_slice(&text[copied..]);
        new
    }
}

/// Stores a key: in our entry, if there is one, else in a new one; and in an
/// entry under the cloud's other name, if there is one. A text that cannot be
/// edited is an error.
pub(crate) fn store(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) -> Result<Edited, Note> {
    if names.netloc == "default" {
        let message = "a machine called 'default' would stand for every other machine";
        return Err(note(text, 0, message));
    }
    let survey = Survey::of(text, names, is_key)?;
    let netloc = names.netloc.as_bytes();
    let foreign = survey
        .entries
        .iter()
        .rfind(|entry| !entry.ours && entry.naming == Naming::Netloc);
    let after = foreign.map_or(0, |entry| entry.keyword.start);
    let last = survey.ours(Naming::Netloc).next_back();
    let kept = last.filter(|entry| foreign.is_none() || entry.keyword.start > after);
    let mut edited = edit(&survey, |plan| {
        for naming in [
            Naming::Netloc,
            Naming::Quoted,
            Naming::Spelled,
            Naming::Alias,
        ] {
            let mut entries = survey.ours(naming).rev();
            match naming {
                Naming::Netloc if kept.is_none() => {}
                Naming::Quoted => {}
                _ => {
                    if let Some(entry) = entries.next() {
                        let name = match naming {
                            Naming::Spelled => names.spelled,
                            Naming::Alias => names.alias,
                            _ => None,
                        };
                        plan.set(entry, name.unwrap_or(names.netloc).as_bytes(), key);
                    }
                }
            }
            entries.for_each(|entry| plan.remove(entry));
        }
        if kept.is_none() {
            let account = last
                .and_then(|entry| entry.last(Kind::Account))
                .filter(|account| !account.open);
            let account = account.map(|account| &text[account.start..account.end]);
            plan.insert(
                after,
                netloc,
                account.filter(|account| !account.is_empty()),
                key,
            );
        }
    });
    tell_foreign(&survey, &mut edited, is_key);
    Ok(edited)
}

/// Removes the server's keys, under all its names but the bare host; entries
/// of other tools stay.
pub(crate) fn forget(text: &[u8], names: &Names, is_key: IsKey) -> Result<Edited, Note> {
    let survey = Survey::of(text, names, is_key)?;
    let mut edited = edit(&survey, |plan| {
        let ours = survey.entries.iter().filter(|entry| entry.ours);
        for entry in ours.filter(|entry| entry.naming != Naming::BareHost) {
            plan.remove(entry);
        }
    });
    tell_foreign(&survey, &mut edited, is_key);
    Ok(edited)
}

/// Makes the changes, in the way that leaves the file readable for CPython if
/// it was before.
fn edit<'a>(survey: &'a Survey<'a>, make: impl Fn(&mut Plan<'a>)) -> Edited {
    let attempt = |remove| {
        let mut plan = Plan {
            survey,
            remove,
            changes: Vec::new(),
            removed: 0,
        };
        make(&mut plan);
        let removed = plan.removed;
        let text = plan.apply();
        let changed = *text != survey.text;
        let (dialect, sdk_stops) = dialect_of(&text);
        let spoilt = survey.accepted && dialect != Dialect::CPython;
        let edited = Edited {
            text,
            changed,
            notes: Vec::new(),
            foreign_logins: Vec::new(),
            sdk_stops,
            removed,
        };
        (edited, spoilt)
    };
    let (edited, spoilt) = attempt(Remove::Whole);
    if !spoilt || edited.removed == 0 {
        return edited;
    }
    let (mut careful, still_spoilt) = attempt(Remove::Key);
    if still_spoilt {
        return edited;
    }
    careful.notes.push(Note {
        line: 1,
        text: "an entry of ours stays without its key: without the entry, the SDK could not read the comment behind it".into(),
    });
    careful
}

/// Names the entries of our machine that belong to other tools.
fn tell_foreign(survey: &Survey, edited: &mut Edited, is_key: IsKey) {
    for entry in survey
        .entries
        .iter()
        .filter(|entry| !entry.ours && entry.naming != Naming::BareHost)
    {
        let Some(login) = entry.last(Kind::Login) else {
            continue;
        };
        let login = login.unescape(survey.text);
        let bare = single_quoted(&login).unwrap_or(&login);
        // Some tools keep a token where the login belongs.
        let login = if is_key(bare) {
            "(a key)".to_owned()
        } else {
            shown(bare)
        };
        let machine = shown(&entry.name.unescape(survey.text));
        let message = format!(
            "the entry for machine '{machine}' with login '{login}' belongs to another tool and stays"
        );
        edited
            .notes
            .push(note(survey.text, entry.keyword.start, message));
        edited.foreign_logins.push(login);
    }
}
