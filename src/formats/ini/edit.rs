//! Changing one option and not one byte else.

use std::ops::Range;

use super::lines::{Line, indent, lines, trim};
use super::{Document, Opt, SectionKind, is_comment, is_utf16};
use crate::log::Note;
use crate::util::secret::WipedBytes;
use crate::util::sort::sorted_indices;

/// A settings file as it is to be written.
pub(crate) struct Edited {
    pub text: WipedBytes,
    pub changed: bool,
    /// What the user should know of the new text; among them, that the SDK
    /// does not read it.
    pub notes: Vec<Note>,
}

/// A range of the old text, and what stands there in the new one.
struct Splice {
    old: Range<usize>,
    new: String,
}

/// Gives `key` the value in `[default]`: where it is defined, in the style
/// that is there, else behind the section's last option. Of duplicates, one
/// stays. A `%` is doubled, so that the value is read back as it is.
///
/// The note says why it cannot be done.
pub(crate) fn set(text: &[u8], key: &str, value: &str) -> Result<Edited, Note> {
    refuse_utf16(text)?;
    if value.is_empty()
        || value.contains(char::is_control)
        || trim(value.as_bytes()) != value.as_bytes()
    {
        return Err(refusal(
            0,
            format!("this value of `{key}` cannot be written"),
        ));
    }
    let document = Document::parse(text);
    let mut places = document.defined(key, SectionKind::Default).peekable();
    let first = places.next();
    let alone = places.peek().is_none();
    let there = document.get(key);
    let settled = alone && document.conflict(key).is_none();
    if settled && there.is_some_and(|v| v.fault.is_none() && *v.text == *value.as_bytes()) {
        return Ok(unchanged(text, &document));
    }
    let written = value.replace('%', "%%");
    let mut splices = Vec::new();
    let mut notes = Vec::new();
    match first {
        Some(option) => {
            splices.push(match option.value.is_empty() {
                // All that is behind the delimiter is white space.
                true => Splice {
                    old: option.value.start..option.first_end,
                    new: format!(" {written}"),
                },
                false => Splice {
                    old: option.value.clone(),
                    new: written,
                },
            });
            splices.extend(document.continuations(option));
            splices.extend(places.flat_map(|other| document.removal(other)));
        }
        None => {
            if !document.has_default
                && document
                    .options
                    .iter()
                    .any(|o| o.kind == SectionKind::Inherited)
            {
                notes.push(Note {
                    line: 0,
                    text: "the new [default] section makes the options of [DEFAULT] count".into(),
                });
            }
            splices.push(document.addition(&format!("{key} = {written}")));
        }
    }
    Ok(document.edited(splices, notes))
}

/// Removes every definition of `key` that counts for `[default]`, the
/// inherited ones in `[DEFAULT]` too: the value would shine through.
///
/// The note says why it cannot be done.
pub(crate) fn clear(text: &[u8], key: &str) -> Result<Edited, Note> {
    refuse_utf16(text)?;
    let document = Document::parse(text);
    let (gone, kept): (Vec<&Opt>, Vec<&Opt>) = document
        .visible()
        .partition(|option| option.key == key.as_bytes());
    if gone.is_empty() {
        return Ok(unchanged(text, &document));
    }
    // A reference to nothing would make the SDK die of the file.
    if let Some(user) = kept.iter().find(|o| document.refers_to(o, key.as_bytes())) {
        let text = format!("`{key}` is still used by %({key})s; remove both by hand");
        return Err(refusal(user.line, text));
    }
    let inherited = gone
        .iter()
        .find(|option| option.kind == SectionKind::Inherited);
    let notes = inherited.map(|option| Note {
        line: option.line,
        text: format!("`{key}` was removed from [DEFAULT], which other sections inherit"),
    });
    let splices = gone
        .iter()
        .flat_map(|option| document.removal(option))
        .collect();
    Ok(document.edited(splices, notes.into_iter().collect()))
}

fn refuse_utf16(text: &[u8]) -> Result<(), Note> {
    match is_utf16(text) {
        true => Err(refusal(1, "the file is UTF-16; save it as UTF-8".into())),
        false => Ok(()),
    }
}

fn refusal(line: usize, text: String) -> Note {
    Note { line, text }
}

fn unchanged(text: &[u8], document: &Document) -> Edited {
    Edited {
        text: WipedBytes::new(text.to_vec()),
        changed: false,
        notes: document.rejected_by_sdk.clone().into_iter().collect(),
    }
}

impl<'t> Document<'t> {
    fn defined<'d>(&'d self, key: &'d str, kind: SectionKind) -> impl Iterator<Item = &'d Opt<'t>> {
        let there = move |o: &&Opt| o.kind == kind && o.key == key.as_bytes();
        self.options.iter().filter(there)
    }

    /// Takes away the option's lines. Comments and blank lines between them
    /// stay: they cannot be told from the neighbours'.
    fn removal(&self, option: &Opt) -> Vec<Splice> {
        let mut splices = vec![cut(option.start..option.rest.start)];
        splices.extend(self.continuations(option));
        splices
    }

    /// Takes away the lines that continue the option's value.
    fn continuations(&self, option: &Opt) -> impl Iterator<Item = Splice> {
        let (text, rest) = (self.text, option.rest.clone());
        lines(&text[rest.clone()]).filter_map(move |line| {
            let (start, next) = (rest.start + line.start, rest.start + line.next);
            let piece = trim(&text[start..next]);
            (!piece.is_empty() && !is_comment(piece)).then(|| cut(start..next))
        })
    }

    /// A new option line at the end of `[default]`, or a new `[default]` at
    /// the end of the file.
    fn addition(&self, option: &str) -> Splice {
        let section = self
            .sections
            .iter()
            .position(|s| s.kind == SectionKind::Default);
        let Some(section) = section else {
            let newline = line_end(self.text, 0);
            let last = lines(self.text).last();
            let (unfinished, blank) = last.map_or((false, true), |line| {
                (
                    line.end == line.next,
                    trim(&self.text[line.start..line.end]).is_empty(),
                )
            });
            let close = if unfinished { newline } else { "" };
            let space = if blank { "" } else { newline };
            return insert(
                self.text.len(),
                format!("{close}{space}[default]{newline}{option}{newline}"),
            );
        };
        // As deep as its neighbour: what follows is not deeper than that, and
        // so cannot become a continuation of the new line.
        let (place, depth) = match self.options.iter().rfind(|o| o.section == section) {
            Some(last) => (last.rest.end, self.depth(last.start)),
            None => {
                let end = self.sections[section].end;
                (end, self.depth_of_next(end))
            }
        };
        let depth = String::from_utf8_lossy(depth);
        let newline = line_end(self.text, place);
        let finished = matches!(self.text[..place].last(), Some(b'\n' | b'\r'));
        let new = match finished {
            true => format!("{depth}{option}{newline}"),
            false => format!("{newline}{depth}{option}"),
        };
        insert(place, new)
    }

    /// The white space that the line at `start` begins with.
    fn depth(&self, start: usize) -> &'t [u8] {
        let line = &self.text[start..];
        let end = line.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let line = &line[..end.unwrap_or(line.len())];
        &line[..indent(line).0]
    }

    /// That of the first line at or behind `start` that says something.
    fn depth_of_next(&self, start: usize) -> &'t [u8] {
        let rest = &self.text[start..];
        let says = |line: &Line| {
            let value = trim(&rest[line.start..line.end]);
            !value.is_empty() && !is_comment(value)
        };
        let next = lines(rest).find(says);
        next.map_or(b"", |line| self.depth(start + line.start))
    }

    fn edited(&self, splices: Vec<Splice>, mut notes: Vec<Note>) -> Edited {
        let start = |at: usize| splices[at].old.start;
        let places = sorted_indices(splices.len(), &|a, b| start(a).cmp(&start(b)));
        let added: usize = splices.iter().map(|splice| splice.new.len()).sum();
        let mut text = WipedBytes::new(Vec::with_capacity(self.text.len() + added));
        let mut copied = 0;
        for Splice { old, new } in places.into_iter().map(|at| &splices[at]) {
            text.extend_from_slice(&self.text[copied..old.start]);
            text.extend_from_slice(new.as_bytes());
            copied = old.end;
        }
        text.extend_from_slice(&self.text[copied..]);
        notes.extend(Document::parse(&text).rejected_by_sdk);
        Edited {
            text,
            changed: true,
            notes,
        }
    }
}

fn cut(old: Range<usize>) -> Splice {
    Splice {
        old,
        new: String::new(),
    }
}

fn insert(at: usize, new: String) -> Splice {
    Splice { old: at..at, new }
}

/// The line end in use just before `place`, else the file's first.
fn line_end(text: &[u8], place: usize) -> &'static str {
    match text[..place] {
        [.., b'\r', b'\n'] => "\r\n",
        [.., b'\n'] => "\n",
        [.., b'\r'] => "\r",
        _ => match text.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            Some(at) if text[at..].starts_with(b"\r\n") => "\r\n",
            Some(at) if text[at] == b'\r' => "\r",
            _ => "\n",
        },
    }
}
