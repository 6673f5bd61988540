//! Sets or clears one option and leaves every other byte as it is.

use super::whitespace::{indent, trim_range};
use super::{Document, Opt, SectionKind, is_blank_or_comment, shown};
use crate::formats::splice::{Splice, apply};
use crate::log::Note;
use crate::util::lines::{UTF16, is_utf16, lines, newline_of};
use crate::util::secret::WipedBytes;

/// A settings file as it is to be written.
pub(crate) struct Edited {
    pub text: WipedBytes,
    pub changed: bool,
    /// What the user should know of the new text, including that the SDK rejects
    /// it.
    pub notes: Vec<Note>,
}

/// Sets `key` in `[default]`: where it is defined, in the style found there, else
/// after the section's last option. Removes duplicate definitions. A `%` is
/// doubled, so that the value is read back unchanged. A new `[default]` section
/// is refused if it would inherit options of `[DEFAULT]` that were without effect.
///
/// The error says why the file cannot be edited.
pub(crate) fn set(text: &[u8], key: &str, value: &str) -> Result<Edited, Note> {
    reject_utf16(text)?;
    reject_value(key, value)?;
    let document = Document::parse(text);
    if document.defines(key, value) {
        return Ok(unchanged(text, &document));
    }
    let written = value.replace('%', "%%");
    let mut definitions = document.defined_in_default(key);
    let splices = match definitions.next() {
        Some(first) => {
            let duplicates = definitions.flat_map(|other| document.removal(other));
            let mut splices = document.replacement(first, &written);
            splices.extend(duplicates);
            splices
        }
        None => {
            document.reject_inheritance(key)?;
            vec![document.addition([key.as_bytes(), b" = ", written.as_bytes()])]
        }
    };
    Ok(edited(text, splices, Vec::new()))
}

/// Removes every definition of `key` that `[default]` sees, including those in
/// `[DEFAULT]`: it would inherit their value.
///
/// The error says why the file cannot be edited.
pub(crate) fn clear(text: &[u8], key: &str) -> Result<Edited, Note> {
    reject_utf16(text)?;
    let document = Document::parse(text);
    let (removed, kept): (Vec<&Opt>, Vec<&Opt>) = document
        .visible()
        .partition(|option| option.key == key.as_bytes());
    if removed.is_empty() {
        return Ok(unchanged(text, &document));
    }
    // The SDK raises on a reference to an undefined name.
    if let Some(user) = kept.iter().find(|o| document.refers_to(o, key.as_bytes())) {
        return Err(Note {
            line: user.line,
            text: format!("`{key}` is referenced here by %({key})s; remove both by hand"),
        });
    }
    let inherited = removed
        .iter()
        .find(|option| option.kind == SectionKind::Inherited);
    let notes = inherited.map(|option| Note {
        line: option.line,
        text: format!("removed `{key}` from [DEFAULT], which other sections inherit"),
    });
    let splices = removed
        .iter()
        .flat_map(|option| document.removal(option))
        .collect();
    Ok(edited(text, splices, notes.into_iter().collect()))
}

fn reject_utf16(text: &[u8]) -> Result<(), Note> {
    match is_utf16(text) {
        true => Err(Note {
            line: 1,
            text: UTF16.into(),
        }),
        false => Ok(()),
    }
}

fn reject_value(key: &str, value: &str) -> Result<(), Note> {
    let bytes = value.as_bytes();
    let trimmed = trim_range(bytes, 0..bytes.len()) == (0..bytes.len());
    if !value.is_empty() && trimmed && !value.contains(char::is_control) {
        return Ok(());
    }
    Err(Note {
        line: 1,
        text: format!(
            "cannot store `{key}`: the value is empty, has control characters, or has white \
             space at its start or end"
        ),
    })
}

fn unchanged(text: &[u8], document: &Document) -> Edited {
    Edited {
        text: WipedBytes::new(text.to_vec()),
        changed: false,
        notes: document.diagnostics().rejected_by_sdk.into_iter().collect(),
    }
}

fn edited(text: &[u8], splices: Vec<Splice>, mut notes: Vec<Note>) -> Edited {
    let text = apply(text, splices);
    notes.extend(Document::parse(&text).diagnostics().rejected_by_sdk);
    Edited {
        text,
        changed: true,
        notes,
    }
}

impl<'t> Document<'t> {
    /// An error if a new `[default]` section would inherit another option than
    /// `key`.
    fn reject_inheritance(&self, key: &str) -> Result<(), Note> {
        let inherits =
            |option: &&Opt| option.kind == SectionKind::Inherited && option.key != key.as_bytes();
        let inherited = match self.has_default {
            true => None,
            false => self.options.iter().find(inherits),
        };
        inherited.map_or(Ok(()), |option| {
            Err(Note {
                line: option.line,
                text: format!(
                    "`{key}` was not written: the new [default] section would put {} of \
                     [DEFAULT] into effect; rename [DEFAULT] to [default] or remove it",
                    shown(&option.key)
                ),
            })
        })
    }

    fn defined_in_default(&self, key: &str) -> impl Iterator<Item = &Opt<'t>> {
        self.options
            .iter()
            .filter(move |o| o.kind == SectionKind::Default && o.key == key.as_bytes())
    }

    /// Whether `key` has this value, with no duplicates.
    fn defines(&self, key: &str, value: &str) -> bool {
        self.defined_in_default(key).nth(1).is_none()
            && self.conflict(key).is_none()
            && self
                .get(key)
                .is_some_and(|v| v.fault.is_none() && *v.text == *value.as_bytes())
    }

    /// Replaces an option's value, continuation lines included.
    fn replacement<'a>(&self, option: &Opt, value: &'a str) -> Vec<Splice<'a>> {
        let mut splices = vec![match option.value.is_empty() {
            // Only white space follows the delimiter.
            true => Splice {
                range: option.value.start..option.first_end,
                with: vec![b" ", value.as_bytes()],
            },
            false => Splice {
                range: option.value.clone(),
                with: vec![value.as_bytes()],
            },
        }];
        splices.extend(self.continuations(option));
        splices
    }

    /// Removes an option's lines. The comments and blank lines between them may
    /// belong to its neighbors, and stay.
    fn removal<'a>(&self, option: &Opt) -> Vec<Splice<'a>> {
        let mut splices = vec![Splice::cut(option.start..option.rest.start)];
        splices.extend(self.continuations(option));
        splices
    }

    /// Removes the lines that continue an option's value.
    fn continuations<'a>(&self, option: &Opt) -> impl Iterator<Item = Splice<'a>> {
        lines(self.text, option.rest.clone())
            .filter(|line| {
                let piece = trim_range(self.text, line.start..line.end);
                !is_blank_or_comment(&self.text[piece])
            })
            .map(|line| Splice::cut(line.start..line.next))
    }

    /// Adds an option line at the end of `[default]`. If there is no such
    /// section, adds it at the end of the file.
    fn addition<'a>(&self, option: [&'a [u8]; 3]) -> Splice<'a>
    where
        't: 'a,
    {
        let is_default = |kind| kind == SectionKind::Default;
        let Some(section) = self.sections.iter().position(|s| is_default(s.kind)) else {
            return self.new_section(option);
        };
        // The new line is indented like its neighbor: the next line is not
        // deeper than that, so it cannot become a continuation of the new one.
        let (place, depth) = match self.options.iter().rfind(|o| o.section == section) {
            Some(last) => (last.rest.end, self.depth(last.start)),
            None => {
                let end = self.sections[section].end;
                (end, self.depth_of_next(end))
            }
        };
        let newline = newline_before(self.text, place);
        let [key, delimiter, value] = option;
        let with = match self.text[..place].last() {
            Some(b'\n' | b'\r') => vec![depth, key, delimiter, value, newline],
            _ => vec![newline, depth, key, delimiter, value],
        };
        Splice::insert(place, with)
    }

    /// Adds `[default]` with one option at the end of the file, after a blank
    /// line.
    fn new_section<'a>(&self, [key, delimiter, value]: [&'a [u8]; 3]) -> Splice<'a> {
        let newline = newline_of(self.text);
        let mut with: Vec<&[u8]> = Vec::new();
        if let Some(last) = lines(self.text, 0..self.text.len()).last() {
            if last.end == last.next {
                with.push(newline);
            }
            if !trim_range(self.text, last.start..last.end).is_empty() {
                with.push(newline);
            }
        }
        with.extend([b"[default]", newline, key, delimiter, value, newline]);
        Splice::insert(self.text.len(), with)
    }

    /// The white space at the start of a line.
    fn depth(&self, start: usize) -> &'t [u8] {
        let line = lines(self.text, start..self.text.len()).next();
        line.map_or(b"", |line| {
            let text = &self.text[line.start..line.end];
            &text[..indent(text).0]
        })
    }

    /// The white space at the start of the first line, from `start` on, that is
    /// neither blank nor a comment.
    fn depth_of_next(&self, start: usize) -> &'t [u8] {
        let next = lines(self.text, start..self.text.len()).find(|line| {
            let value = trim_range(self.text, line.start..line.end);
            !is_blank_or_comment(&self.text[value])
        });
        next.map_or(b"", |line| self.depth(line.start))
    }
}

/// The line end just before `place`, else the file's first one.
fn newline_before(text: &[u8], place: usize) -> &'static [u8] {
    match text[..place] {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        [.., b'\r'] => b"\r",
        _ => newline_of(text),
    }
}
