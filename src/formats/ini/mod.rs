//! The dialect of Python's `configparser.ConfigParser()`, in which W&B's
//! settings files are written. Pure functions over bytes.
//!
//! Whenever Python accepts a file, [`Document::get`] returns the value that
//! Python returns. Where Python rejects the file (no section header, a line
//! without delimiter, a duplicate, a byte-order mark) or raises (bytes that are
//! not UTF-8, a bare `%`), the valid lines are kept, and
//! [`Document::diagnostics`] lists the problems with their lines.

mod edit;
mod interpolate;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod invariants;
#[cfg(test)]
mod python;
#[cfg(test)]
mod tests;
mod whitespace;

use std::borrow::Cow;
use std::ops::Range;

use crate::log::Note;
use crate::util::lines::{BOM, Line, UTF16, is_utf16, line_of, lines};
use crate::util::secret::WipedBytes;

pub(crate) use edit::{clear, set};
use whitespace::{indent, trim_end, trim_range};

/// A file that is wrong everywhere must not flood the log.
const MAX_NOTES: usize = 16;

/// A parsed settings file; its names and values are ranges of the text.
pub(crate) struct Document<'t> {
    text: &'t [u8],
    sections: Vec<Section<'t>>,
    options: Vec<Opt<'t>>,
    incomplete: Vec<IncompleteLine<'t>>,
    has_default: bool,
    /// The lengths of the options' names, as a bit set.
    lengths: u64,
    /// What parsing itself has found wrong.
    syntax: Diagnostics,
}

/// What the user should know of a settings file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diagnostics {
    /// What was ignored or is doubtful.
    pub notes: Vec<Note>,
    /// The first line for which the SDK rejects the whole file.
    pub rejected_by_sdk: Option<Note>,
}

/// The value of an option as Python returns it, `%` interpolated.
pub(crate) struct Value {
    pub text: WipedBytes,
    pub line: usize,
    pub fault: Option<Fault>,
}

/// Why Python would not give the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A `%` that begins neither `%%` nor `%(name)s`; it was taken literally.
    BarePercent,
    /// A `%(name)s` whose name is undefined, recursive, nested too deep, or
    /// defined twice with different values. The text is left as written.
    Reference,
}

/// Which sections see an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SectionKind {
    /// `[default]`, the section that the SDK reads.
    Default,
    /// `[DEFAULT]`, from which configparser lets every section inherit.
    Inherited,
    /// Any other section; it is not read.
    Other,
}

struct Section<'t> {
    name: &'t [u8],
    kind: SectionKind,
    line: usize,
    /// The end of the header's line, its line end included.
    end: usize,
}

struct Opt<'t> {
    /// In lower case, as `configparser` compares it.
    key: Cow<'t, [u8]>,
    section: usize,
    kind: SectionKind,
    line: usize,
    /// Where its first line begins.
    start: usize,
    /// Its value on the first line; if there is none, the empty range after the
    /// delimiter.
    value: Range<usize>,
    /// The end of the first line, without the line end.
    first_end: usize,
    /// Its continuation lines.
    rest: Range<usize>,
}

/// A line that begins with a word which may be meant as an option's name, but
/// does not define that option.
struct IncompleteLine<'t> {
    word: &'t [u8],
    line: usize,
    /// What is wrong, as the rest of a sentence about the word.
    problem: &'static str,
}

impl<'t> Document<'t> {
    /// Parses any text; lines that make no sense are left out.
    pub(crate) fn parse(text: &'t [u8]) -> Document<'t> {
        let mut document = Document {
            text,
            sections: Vec::new(),
            options: Vec::new(),
            incomplete: Vec::new(),
            has_default: false,
            lengths: 0,
            syntax: Diagnostics::default(),
        };
        if is_utf16(text) {
            document.syntax.reject(1, UTF16);
            return document;
        }
        let start = document.check_encoding();
        document.read_lines(start);
        document
    }

    /// What the user should know of the file. Costs more than parsing: call it
    /// only where the result is shown.
    pub(crate) fn diagnostics(&self) -> Diagnostics {
        let mut diagnostics = self.syntax.clone();
        self.report_duplicates(&mut diagnostics);
        self.report_interpolation(&mut diagnostics);
        diagnostics.notes.sort_by_key(|note| note.line);
        diagnostics
    }

    /// What the SDK's `parser.items("default")` holds for `key`.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        let option = self.find(key.as_bytes())?;
        let (text, fault) = self.interpolated(option);
        Some(Value {
            text,
            line: option.line,
            fault,
        })
    }

    /// A cheap test that is false only if no line has to do with `key`.
    pub(crate) fn mentions(&self, key: &str) -> bool {
        let is_key = |option: &Opt| *option.key == *key.as_bytes();
        self.lengths & length_bit(key.as_bytes()) != 0 && self.options.iter().any(is_key)
            || !self.incomplete.is_empty()
    }

    /// The lines of two definitions of `key` in the section that counts for
    /// it, if their values differ.
    pub(crate) fn conflict(&self, key: &str) -> Option<(usize, usize)> {
        self.conflict_of(key.as_bytes())
    }

    /// The first line that begins with the word `key` but does not define it: it
    /// has no delimiter, or is outside any section.
    pub(crate) fn incomplete(&self, key: &str) -> Option<(usize, &'static str)> {
        self.incomplete
            .iter()
            .find(|incomplete| incomplete.word.eq_ignore_ascii_case(key.as_bytes()))
            .map(|incomplete| (incomplete.line, incomplete.problem))
    }

    /// The names defined in `[default]`, inherited ones included, with their
    /// lines; one item for each definition.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.visible().map(|option| (&*option.key, option.line))
    }

    /// The sections that are not read although they hold an option that is `known`.
    pub(crate) fn ignored_sections(
        &self,
        known: fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = (&[u8], usize)> {
        let mut options = self
            .options
            .iter()
            .filter(move |option| option.kind == SectionKind::Other && known(&option.key));
        let mut last = None;
        std::iter::from_fn(move || {
            let option = options.find(|option| last != Some(option.section))?;
            last = Some(option.section);
            let section = &self.sections[option.section];
            Some((section.name, section.line))
        })
    }

    /// The options of `[default]`, and those it inherits.
    fn visible(&self) -> impl Iterator<Item = &Opt<'t>> {
        self.options.iter().filter(|option| match option.kind {
            SectionKind::Default => true,
            SectionKind::Inherited => self.has_default,
            SectionKind::Other => false,
        })
    }

    /// The definition in force: the last in `[default]`, else in `[DEFAULT]`.
    fn find(&self, key: &[u8]) -> Option<&Opt<'t>> {
        let mut found: Option<&Opt> = None;
        for option in self.visible().filter(|option| option.key == key) {
            if option.kind == SectionKind::Default
                || found.is_none_or(|f| f.kind == SectionKind::Inherited)
            {
                found = Some(option);
            }
        }
        found
    }

    fn conflict_of(&self, key: &[u8]) -> Option<(usize, usize)> {
        let winner = self.find(key)?;
        let mut raw = None;
        self.options
            .iter()
            .filter(|o| o.kind == winner.kind && o.line != winner.line && o.key == key)
            .find(|other| {
                let raw = raw.get_or_insert_with(|| self.raw(winner));
                *self.raw(other) != **raw
            })
            .map(|other| (other.line, winner.line))
    }

    /// An option's value before interpolation: its lines, joined by newlines.
    fn raw(&self, option: &Opt) -> WipedBytes {
        let first = &self.text[option.value.clone()];
        let capacity = first.len() + option.rest.len() + 1;
        let mut value = WipedBytes::new(Vec::with_capacity(capacity));
        value.extend_from_slice(first);
        for line in lines(self.text, option.rest.clone()) {
            let piece = &self.text[trim_range(self.text, line.start..line.end)];
            if !is_comment(piece) {
                value.push(b'\n');
                value.extend_from_slice(piece);
            }
        }
        let length = trim_end(&value).len();
        value.truncate(length);
        value
    }

    /// Reports a byte-order mark and bytes that are not UTF-8. Returns where the
    /// first line starts.
    fn check_encoding(&mut self) -> usize {
        let mut start = 0;
        if self.text.starts_with(BOM) {
            self.syntax
                .reject(1, "the file begins with a byte-order mark");
            start = BOM.len();
        }
        if let Err(error) = std::str::from_utf8(self.text) {
            let line = line_of(self.text, error.valid_up_to());
            self.syntax.reject(line, "invalid UTF-8");
        }
        start
    }

    /// One pass over the lines. The state is that of configparser's `_read`:
    /// the section, the option that a deeper line continues, and the depth of
    /// the last line that was not a continuation.
    fn read_lines(&mut self, start: usize) {
        let text = self.text;
        let mut continued: Option<usize> = None;
        let mut depth = 0;
        for (index, line) in lines(text, start..text.len()).enumerate() {
            let span = trim_range(text, line.start..line.end);
            if is_blank_or_comment(&text[span.clone()]) {
                continue;
            }
            let (_, columns) = indent(&text[line.start..line.end]);
            match continued {
                Some(option) if columns > depth => self.options[option].rest.end = line.next,
                _ => {
                    depth = columns;
                    continued = self.read_line(index + 1, line, span);
                }
            }
        }
    }

    /// Reads a line that continues no option; `span` is its text without the
    /// white space around it. Returns the option that it defines.
    fn read_line(&mut self, number: usize, line: Line, span: Range<usize>) -> Option<usize> {
        let value = &self.text[span.clone()];
        if let Some(name) = section_name(value) {
            let kind = SectionKind::of(name);
            self.has_default |= kind == SectionKind::Default;
            self.sections.push(Section {
                name,
                kind,
                line: number,
                end: line.next,
            });
            return None;
        }
        let kind = self.sections.last().map(|section| section.kind);
        let delimiter = value.iter().position(|b| matches!(b, b'=' | b':'));
        match (kind, delimiter.filter(|at| *at > 0)) {
            (Some(kind), Some(delimiter)) => {
                return Some(self.read_option(number, line, span, delimiter, kind));
            }
            (Some(kind), None) => {
                if kind != SectionKind::Other {
                    let problem = "has no `=` behind it; correct the line or remove it";
                    self.incomplete
                        .push(IncompleteLine::new(number, value, problem));
                }
                self.syntax
                    .reject(number, "ignored a line that is not `name = value`");
            }
            (None, _) => {
                let problem = "is outside any section; write [default] above it";
                self.incomplete
                    .push(IncompleteLine::new(number, value, problem));
                self.syntax
                    .reject(number, "ignored a line outside any [section]");
            }
        }
        None
    }

    /// Reads the first line of an option; its delimiter is at `delimiter` in
    /// `span`. Returns its index.
    fn read_option(
        &mut self,
        number: usize,
        line: Line,
        span: Range<usize>,
        delimiter: usize,
        kind: SectionKind,
    ) -> usize {
        let text = &self.text[span.clone()];
        let name = trim_end(&text[..delimiter]);
        if kind != SectionKind::Other && name.iter().any(u8::is_ascii_whitespace) {
            // `base_url https://host` is an option called `base_url https`.
            let problem = "is followed by other text before the delimiter; correct the line";
            self.incomplete
                .push(IncompleteLine::new(number, text, problem));
        }
        let after_delimiter = span.start + delimiter + 1;
        let value = trim_range(self.text, after_delimiter..line.end);
        let key = lower(name);
        self.lengths |= length_bit(&key);
        self.options.push(Opt {
            key,
            section: self.sections.len() - 1,
            kind,
            line: number,
            start: line.start,
            value: match value.is_empty() {
                true => after_delimiter..after_delimiter,
                false => value,
            },
            first_end: line.end,
            rest: line.next..line.next,
        });
        self.options.len() - 1
    }

    /// Reports sections and options that are defined twice. Sorts, so that a
    /// hostile file costs no more than n log n.
    fn report_duplicates(&self, diagnostics: &mut Diagnostics) {
        /// A section, or an option of it, and its line.
        type Definition<'d> = (&'d [u8], Option<&'d [u8]>, usize);
        // configparser accepts any number of [DEFAULT] headers.
        let sections = self
            .sections
            .iter()
            .filter(|section| section.kind != SectionKind::Inherited)
            .map(|section| (section.name, None, section.line));
        let options = self.options.iter().map(|option| {
            let section = self.sections[option.section].name;
            (section, Some(&*option.key), option.line)
        });
        let mut definitions: Vec<Definition> = sections.chain(options).collect();
        definitions.sort();
        let mut duplicates: Vec<(usize, usize, Option<&[u8]>)> = definitions
            .windows(2)
            .filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1))
            .map(|pair| (pair[1].2, pair[0].2, pair[1].1))
            .collect();
        duplicates.sort();
        for (line, first, key) in duplicates.into_iter().take(MAX_NOTES) {
            let what = key.map_or("the section".to_owned(), shown);
            diagnostics.reject(line, &format!("{what} is already defined on line {first}"));
        }
    }
}

impl Diagnostics {
    fn note(&mut self, line: usize, text: &str) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(Note {
                line,
                text: text.to_owned(),
            });
        }
    }

    /// Notes something that makes the SDK reject the file.
    fn reject(&mut self, line: usize, text: &str) {
        self.note(line, text);
        if self.rejected_by_sdk.as_ref().is_none_or(|r| r.line > line) {
            self.rejected_by_sdk = Some(Note {
                line,
                text: "the Python SDK rejects the whole file because of this line".into(),
            });
        }
    }
}

impl<'t> IncompleteLine<'t> {
    fn new(line: usize, value: &'t [u8], problem: &'static str) -> IncompleteLine<'t> {
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'=' | b':');
        let end = value.iter().position(ends).unwrap_or(value.len());
        IncompleteLine {
            word: &value[..end],
            line,
            problem,
        }
    }
}

impl SectionKind {
    fn of(section: &[u8]) -> SectionKind {
        match section {
            b"default" => SectionKind::Default,
            b"DEFAULT" => SectionKind::Inherited,
            _ => SectionKind::Other,
        }
    }
}

/// The name in a section header. configparser's `\[(?P<header>.+)\]` is greedy:
/// the name ends at the last bracket.
fn section_name(value: &[u8]) -> Option<&[u8]> {
    let inner = value.strip_prefix(b"[")?;
    let end = inner.iter().rposition(|b| *b == b']')?;
    (end > 0).then(|| &inner[..end])
}

fn is_comment(trimmed: &[u8]) -> bool {
    matches!(trimmed.first(), Some(b'#' | b';'))
}

fn is_blank_or_comment(trimmed: &[u8]) -> bool {
    trimmed.is_empty() || is_comment(trimmed)
}

fn length_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

/// Python's `str.lower()`; borrowed if the key is already in lower case.
fn lower(key: &[u8]) -> Cow<'_, [u8]> {
    if key.is_ascii() {
        return match key.iter().any(u8::is_ascii_uppercase) {
            false => Cow::Borrowed(key),
            true => Cow::Owned(key.to_ascii_lowercase()),
        };
    }
    match std::str::from_utf8(key) {
        Ok(key) => Cow::Owned(key.to_lowercase().into_bytes()),
        Err(_) => Cow::Owned(key.to_ascii_lowercase()),
    }
}

/// An option's name for a message. A name that is long or has special characters may
/// be a key that was pasted in the wrong place, and is not shown.
pub(crate) fn shown(key: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ');
    match key.len() <= 36 && key.iter().all(plain) {
        true => format!("`{}`", String::from_utf8_lossy(key)),
        false => "a name".to_owned(),
    }
}
