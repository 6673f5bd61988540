//! Collects the changes to one text. All text between the changed ranges is
//! copied unchanged, so nothing of others is lost.

use std::ops::Range;

use super::entries::{Entries, Entry};
use super::scan::Kind;
use super::token::{Token, is_space};
use crate::formats::splice::{self, Splice};
use crate::util::lines::{has_newline, line_end, newline_len};
use crate::util::secret::WipedBytes;

/// How much of an entry is removed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Removal {
    Entry,
    /// Only the key, with `login user` in its place: for a file in which CPython
    /// would refuse a comment that no entry precedes.
    Key,
}

/// The changes to one text.
pub(super) struct Patch<'a> {
    pub entries: &'a Entries<'a>,
    /// How many entries are removed.
    pub removed: usize,
    removal: Removal,
    splices: Vec<Splice<'a>>,
}

impl<'a> Patch<'a> {
    pub(super) fn new(entries: &'a Entries<'a>, removal: Removal) -> Patch<'a> {
        Patch {
            entries,
            removed: 0,
            removal,
            splices: Vec::new(),
        }
    }

    /// The new text.
    pub(super) fn apply(self) -> WipedBytes {
        splice::apply(self.entries.text, self.splices)
    }

    /// Removes an entry with its lines, or only its key.
    pub(super) fn remove(&mut self, entry: &Entry) {
        self.removed += 1;
        if self.removal == Removal::Key {
            for field in entry.all(Kind::Password) {
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
                Some((_, span)) if !field.after_unknown => span.end = end,
                _ => spans.push((field.before, field.keyword.start..end)),
            }
        }
        for (before, span) in spans {
            let span = self.with_lines(before, span);
            self.splices.push(Splice::cut(span));
        }
    }

    /// Where a token ends that may be removed. An open quote ends at the end of
    /// its line: the lines after it were hardly meant to be part of it.
    fn end_of(&self, token: Token) -> usize {
        if token.quoted && token.open {
            return line_end(self.entries.text, token.start);
        }
        token.end
    }

    /// Widens a removed span by the white space around it.
    fn with_lines(&self, before: usize, span: Range<usize>) -> Range<usize> {
        let text = self.entries.text;
        let own_start = self.line_start(before..span.start);
        let mut end = span.end;
        while matches!(text.get(end), Some(b' ' | b'\t')) {
            end += 1;
        }
        let rest = &text[end..line_end(text, end)];
        // A comment after our last token is about our entry.
        let comment = own_start.is_some() && rest.starts_with(b"#") && !rest.contains(&b'\\');
        if !rest.is_empty() && !comment {
            // Another item follows on the line.
            return span.start..end;
        }
        end += rest.len();
        match own_start {
            Some(start) => start..end + newline_len(text, end),
            None => before..end,
        }
    }

    /// Where the line begins that the white space ends in, if no item precedes it
    /// on that line.
    fn line_start(&self, gap: Range<usize>) -> Option<usize> {
        let newline = |byte: &u8| matches!(byte, b'\n' | b'\r');
        match self.entries.text[gap.clone()].iter().rposition(newline) {
            Some(newline) => Some(gap.start + newline + 1),
            None => (gap.start == self.entries.origin).then_some(gap.start),
        }
    }

    /// Replaces a token, which may be missing, or quoted and without white space
    /// around it.
    fn replace(&mut self, keyword: Token, old: Token, word: &'a [u8]) {
        let text = self.entries.text;
        let mut close: &[u8] = b"";
        let span = if old.start == old.end {
            // The file may end in an escape or in quotes.
            let escape = keyword.open && text[..keyword.end].ends_with(b"\\");
            if keyword.open && keyword.quoted {
                close = b"\"";
            }
            keyword.end - usize::from(escape)..keyword.end
        } else {
            old.start..self.end_of(old)
        };
        let touches = |byte: Option<&u8>| byte.is_some_and(|&byte| !is_space(byte));
        let left: &[u8] = if touches(text[..span.start].last()) {
            b" "
        } else {
            b""
        };
        let right: &[u8] = if touches(text.get(span.end)) {
            b" "
        } else {
            b""
        };
        self.splices.push(Splice {
            range: span,
            with: vec![close, left, word, right],
        });
    }

    /// Inserts words after a token, and white space after them if none follows.
    fn insert_after(&mut self, token: Token, mut words: Vec<&'a [u8]>) {
        let next = self.entries.text.get(token.end);
        if next.is_some_and(|&byte| !is_space(byte)) {
            words.push(b" ");
        }
        self.splices.push(Splice::insert(token.end, words));
    }

    /// Gives an entry our login and key, unless it has that key already.
    pub(super) fn set(&mut self, entry: &Entry, name: &'a [u8], key: &'a [u8]) {
        let text = self.entries.text;
        let mut passwords = entry.all(Kind::Password).peekable();
        if passwords.peek().is_some() && passwords.all(|field| field.value.is(text, key)) {
            return;
        }
        self.add_missing_fields(entry, name, key);
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

    /// Adds a login after the name and a password after the login, where they are
    /// missing.
    fn add_missing_fields(&mut self, entry: &Entry, name: &'a [u8], key: &'a [u8]) {
        let name_end = entry.name.end;
        let multiline = entry
            .fields
            .first()
            .is_some_and(|field| has_newline(&self.entries.text[name_end..field.keyword.start]));
        let separator: [&[u8]; 2] = match multiline {
            true => [self.entries.newline, b"  "],
            false => [b"", b" "],
        };
        let mut after_name: Vec<&[u8]> = Vec::new();
        let login = entry.last(Kind::Login);
        if login.is_none() {
            after_name.extend(separator);
            after_name.push(b"login user");
        }
        if entry.last(Kind::Password).is_none() {
            let [newline, indent] = separator;
            let password = [newline, indent, b"password ", key];
            match login.filter(|login| !login.open && login.end > login.start) {
                Some(login) => self.insert_after(login, password.to_vec()),
                None => after_name.extend(password),
            }
        }
        if entry.name.open {
            // Text after an open name would become part of it.
            after_name.insert(0, name);
            self.splices.push(Splice {
                range: entry.name.start..name_end,
                with: after_name,
            });
        } else if !after_name.is_empty() {
            self.insert_after(entry.name, after_name);
        }
    }

    /// Inserts a new entry before the first `default` entry that comes after the
    /// position `after`, else at the end.
    pub(super) fn insert(
        &mut self,
        after: usize,
        netloc: &'a [u8],
        account: Option<&'a [u8]>,
        key: &'a [u8],
    ) {
        let Entries {
            text,
            newline,
            ref defaults,
            ref end,
            ..
        } = *self.entries;
        let before_default = defaults
            .iter()
            .find(|gap| (after..end.gap.end).contains(&gap.end));
        let gap = before_default.unwrap_or(&end.gap).clone();
        let place = gap.end;
        let own_line = self.line_start(gap);
        // In the middle of a line the entry gets no line ends: when it is removed
        // they could not be told from those of the file.
        let in_line = own_line.is_none() && place < text.len();
        let (mut with, newline, indent): (_, _, &[u8]) = match in_line {
            true => (Vec::new(), b" ".as_slice(), b""),
            false => (self.line_breaks(place, own_line.is_some()), newline, b"  "),
        };
        with.extend([b"machine ".as_slice(), netloc, newline]);
        with.extend([indent, b"login user", newline]);
        if let Some(account) = account {
            with.extend([indent, b"account ", account, newline]);
        }
        with.extend([indent, b"password ", key, newline]);
        self.splices
            .push(Splice::insert(own_line.unwrap_or(place), with));
    }

    /// The line breaks that a new entry needs before it: the end of the line before
    /// it, and the blank line that ends an open macro. After a CR, an LF would be
    /// part of the same line end, or escaped with it.
    fn line_breaks(&self, place: usize, own_line: bool) -> Vec<&'a [u8]> {
        let Entries {
            text,
            newline,
            ref end,
            ..
        } = *self.entries;
        let mut breaks = Vec::new();
        if !own_line {
            let after_cr = newline == b"\n" && text[..place].last() == Some(&b'\r');
            breaks.push(if after_cr { b"\r" } else { newline });
        }
        if end.open_macro && place == end.gap.end {
            let after_cr = own_line && text.last() == Some(&b'\r');
            breaks.push(if after_cr { b"\r" } else { newline });
        }
        breaks
    }
}
