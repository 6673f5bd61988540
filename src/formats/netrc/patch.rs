//! The changes to one text, in the making: spans with what replaces them.
//! Everything between the spans is copied as it is, so nothing that is not ours
//! can be lost.

use std::ops::Range;

use super::entries::{Entries, Entry};
use super::scan::Kind;
use super::token::{Token, has_newline, is_space, line_end, newline_len};
use crate::util::secret::WipedBytes;
use crate::util::sort::sorted_indices;

/// A span and what stands there instead.
pub(super) struct Change<'a> {
    span: Range<usize>,
    with: Vec<&'a [u8]>,
}

/// How much of an entry goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Remove {
    Whole,
    /// Only the key, with `login user` where it stood: for a file in which
    /// CPython would trip over a comment that now follows our entry.
    Key,
}

/// The changes to one text, in the making.
pub(super) struct Patch<'a> {
    pub survey: &'a Entries<'a>,
    pub remove: Remove,
    pub changes: Vec<Change<'a>>,
    pub removed: usize,
}

impl<'a> Patch<'a> {
    fn change(&mut self, span: Range<usize>, with: Vec<&'a [u8]>) {
        self.changes.push(Change { span, with });
    }

    /// Takes an entry out, with the lines that it has for itself.
    pub fn remove(&mut self, entry: &Entry) {
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
            return line_end(self.survey.text, token.start);
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
        let rest = &text[end..line_end(text, end)];
        // A comment behind our last word is about our entry.
        let comment = own_start.is_some() && rest.starts_with(b"#") && !rest.contains(&b'\\');
        if !rest.is_empty() && !comment {
            // Something of others follows on the line.
            return span.start..end;
        }
        end += rest.len();
        match own_start {
            Some(start) => start..end + newline_len(text, end),
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
        let mut close: &[u8] = b"";
        let span = if old.start == old.end {
            // The keyword may be cut off in an escape or in quotes.
            let escape = keyword.open && text[..keyword.end].ends_with(b"\\");
            if keyword.open && keyword.quoted {
                close = b"\"";
            }
            keyword.end - usize::from(escape)..keyword.end
        } else {
            old.start..self.end_of(old)
        };
        let glued = |byte: Option<&u8>| byte.is_some_and(|&byte| !is_space(byte));
        let left: &[u8] = if glued(text[..span.start].last()) {
            b" "
        } else {
            b""
        };
        let right: &[u8] = if glued(text.get(span.end)) { b" " } else { b"" };
        self.change(span, vec![close, left, word, right]);
    }

    /// Puts words behind another, and white space behind them if none follows.
    fn put_behind(&mut self, token: Token, mut words: Vec<&'a [u8]>) {
        let next = self.survey.text.get(token.end);
        if next.is_some_and(|&byte| !is_space(byte)) {
            words.push(b" ");
        }
        self.change(token.end..token.end, words);
    }

    /// Gives an entry our login and key, unless it has that key already.
    pub fn set(&mut self, entry: &Entry, name: &'a [u8], key: &'a [u8]) {
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
            .is_some_and(|field| has_newline(&text[end..field.keyword.start]));
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
    pub fn insert(
        &mut self,
        after: usize,
        netloc: &'a [u8],
        account: Option<&'a [u8]>,
        key: &'a [u8],
    ) {
        let Entries { text, eol, .. } = *self.survey;
        let early = self
            .survey
            .defaults
            .iter()
            .find(|(start, _)| (after..self.survey.end.0).contains(start));
        let (place, before) = early.copied().unwrap_or(self.survey.end);
        let mut with: Vec<&[u8]> = Vec::new();
        let own_line = self.line_start(before, place);
        if own_line.is_none() {
            // An LF behind a CR that is escaped would be escaped with it.
            let after_cr = eol == b"\n" && text[..place].last() == Some(&b'\r');
            with.push(if after_cr { b"\r" } else { eol });
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
    pub fn apply(self) -> WipedBytes {
        let text = self.survey.text;
        let place = |at: usize| (self.changes[at].span.start, self.changes[at].span.end);
        let places = sorted_indices(self.changes.len(), &|a, b| place(a).cmp(&place(b)));
        let words = self.changes.iter().flat_map(|change| &change.with);
        let added: usize = words.map(|word| word.len()).sum();
        let mut new = WipedBytes::new(Vec::with_capacity(text.len() + added));
        let mut copied = 0;
        for change in places.into_iter().map(|at| &self.changes[at]) {
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
