//! The dialect of Python's `configparser.ConfigParser()`, in which W&B's
//! settings files are written. Pure functions over bytes.
//!
//! Whenever Python accepts a file, [`Document::get`] gives the value that
//! Python gives. Where Python drops the whole file (no section header, a line
//! without delimiter, a duplicate, a byte-order mark) or dies (bytes that are
//! not UTF-8, a bare `%`), the good lines are kept, each oddity is noted with
//! its line, and [`Document::rejected_by_sdk`] names the first.

mod edit;
mod interpolate;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod invariants;
mod lines;
#[cfg(test)]
mod python;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::log::{self, Note};
use crate::util::secret::WipedBytes;
use crate::util::sort::sorted_indices;

pub(crate) use edit::{Edited, clear, set};
use lines::{indent, lines, trim, trim_end};

/// More notes than this tell a reader nothing new.
const MAX_NOTES: usize = 16;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A settings file, taken apart but not copied.
pub(crate) struct Document<'t> {
    text: &'t [u8],
    sections: Vec<Section<'t>>,
    options: Vec<Opt<'t>>,
    strays: Vec<Stray<'t>>,
    has_default: bool,
    /// How long the options' names are, a bit for each length.
    lengths: u64,
    /// What was skipped or is doubtful, in the order it was noticed.
    pub notes: Vec<Note>,
    /// Why the SDK reads nothing from this file, if so: its first obstacle.
    pub rejected_by_sdk: Option<Note>,
}

/// The value of an option as Python gives it, `%` interpolated.
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
    /// A `%(name)s` that leads nowhere, in a circle, too deep, or to a name
    /// with two different values. The text is left as it was written.
    Reference,
}

/// Where an option counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SectionKind {
    /// `[default]`, the section that the SDK reads.
    Default,
    /// `[DEFAULT]`, from which configparser lets every section inherit.
    Inherited,
    /// Any other section, which nobody reads.
    Other,
}

struct Section<'t> {
    name: &'t [u8],
    kind: SectionKind,
    line: usize,
    /// Just behind the header's line end.
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
    /// Its value on the first line, in the text; empty behind the delimiter if
    /// there is none.
    value: Range<usize>,
    /// The end of the first line, without the line end.
    first_end: usize,
    /// From behind the first line's end to behind its last continuation line.
    rest: Range<usize>,
}

/// A line that begins with what may be meant as an option's name, but is not
/// that option.
struct Stray<'t> {
    word: &'t [u8],
    line: usize,
}

impl<'t> Document<'t> {
    /// Takes the text apart, and notes all that is odd about it.
    pub fn parse(text: &'t [u8]) -> Document<'t> {
        let mut document = Document::read(text);
        document.find_duplicates();
        document.check_interpolation();
        document.notes = log::by_line(document.notes);
        document
    }

    /// Takes the text apart for its values; not every oddity is noted.
    pub fn read(text: &'t [u8]) -> Document<'t> {
        let mut document = Document {
            text,
            sections: Vec::new(),
            options: Vec::new(),
            strays: Vec::new(),
            has_default: false,
            lengths: 0,
            notes: Vec::new(),
            rejected_by_sdk: None,
        };
        if is_utf16(text) {
            document.reject(1, "the file is UTF-16; save it as UTF-8");
            return document;
        }
        document.scan();
        document
    }

    /// What the SDK's `parser.items("default")` holds for `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        let option = self.find(key.as_bytes())?;
        let (text, fault) = self.interpolated(option);
        Some(Value {
            text,
            line: option.line,
            fault,
        })
    }

    /// Whether any line may have to do with `key`: most files say little.
    pub fn mentions(&self, key: &str) -> bool {
        let is_key = |option: &Opt| *option.key == *key.as_bytes();
        self.lengths & length_bit(key.as_bytes()) != 0 && self.options.iter().any(is_key)
            || !self.strays.is_empty()
    }

    /// The lines of two definitions of `key` in the section that counts for
    /// it, if their values differ.
    pub fn conflict(&self, key: &str) -> Option<(usize, usize)> {
        self.conflict_of(key.as_bytes())
    }

    /// The first line that begins with the word `key` but does not define it:
    /// it lacks its delimiter, or stands before any section.
    pub fn stray(&self, key: &str) -> Option<usize> {
        self.strays
            .iter()
            .find(|stray| stray.word.eq_ignore_ascii_case(key.as_bytes()))
            .map(|stray| stray.line)
    }

    /// The names present in `[default]`, inherited ones included, with their
    /// lines; a name that is defined twice comes twice.
    pub fn keys(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.visible().map(|option| (&*option.key, option.line))
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

    /// An option's value before interpolation: its pieces, joined by newlines.
    fn raw(&self, option: &Opt) -> WipedBytes {
        let first = &self.text[option.value.clone()];
        let rest = &self.text[option.rest.clone()];
        let mut value = WipedBytes::new(Vec::with_capacity(first.len() + rest.len() + 1));
        value.extend_from_slice(first);
        for line in lines(rest) {
            let piece = trim(&rest[line.start..line.end]);
            if !is_comment(piece) {
                value.push(b'\n');
                value.extend_from_slice(piece);
            }
        }
        let length = trim_end(&value).len();
        value.truncate(length);
        value
    }

    /// One pass over the lines. The state is that of configparser's `_read`:
    /// the section, the option that a deeper line continues, and the depth of
    /// the last line that was not a continuation.
    fn scan(&mut self) {
        let text = self.text;
        let mut offset = 0;
        if text.starts_with(BOM) {
            self.reject(1, "the file begins with a byte-order mark");
            offset = BOM.len();
        }
        if let Err(error) = std::str::from_utf8(text) {
            let good = &text[..error.valid_up_to()];
            let line = lines(good).count() + usize::from(!ends_inside_line(good));
            self.reject(line, "bytes that are not UTF-8");
        }
        let mut open: Option<usize> = None;
        let mut depth = 0;
        for (index, span) in lines(&text[offset..]).enumerate() {
            let line = index + 1;
            let (start, end, next) = (offset + span.start, offset + span.end, offset + span.next);
            let bytes = &text[start..end];
            let value = trim(bytes);
            if value.is_empty() || is_comment(value) {
                continue;
            }
            let (indent_bytes, columns) = indent(bytes);
            if let Some(open) = open
                && columns > depth
            {
                self.options[open].rest.end = next;
                continue;
            }
            depth = columns;
            open = None;
            if let Some(name) = section_name(value) {
                let kind = SectionKind::of(name);
                self.has_default |= kind == SectionKind::Default;
                self.sections.push(Section {
                    name,
                    kind,
                    line,
                    end: next,
                });
                continue;
            }
            let Some(section) = self.sections.len().checked_sub(1) else {
                self.reject_stray(line, value, "a line before any [section] was ignored");
                continue;
            };
            let kind = self.sections[section].kind;
            let delimiter = value.iter().position(|b| matches!(b, b'=' | b':'));
            let Some(delimiter) = delimiter.filter(|at| *at > 0) else {
                let why = "a line without a name and `=` was ignored";
                match kind {
                    SectionKind::Other => self.reject(line, why),
                    _ => self.reject_stray(line, value, why),
                }
                continue;
            };
            let name = trim_end(&value[..delimiter]);
            if kind != SectionKind::Other && name.iter().any(u8::is_ascii_whitespace) {
                // `base_url https://host` is an option called `base_url https`.
                self.strays.push(Stray::new(line, value));
            }
            let behind = start + indent_bytes + delimiter + 1;
            let written = trim(&text[behind..end]);
            let value_start = match written.is_empty() {
                true => behind,
                false => written.as_ptr().addr() - text.as_ptr().addr(),
            };
            open = Some(self.options.len());
            let key = lower(name);
            self.lengths |= length_bit(&key);
            self.options.push(Opt {
                key,
                section,
                kind,
                line,
                start,
                value: value_start..value_start + written.len(),
                first_end: end,
                rest: next..next,
            });
        }
    }

    /// Notes options that stand twice in a section, and sections that stand
    /// twice. By sorting, so that a hostile file costs no more than n log n.
    fn find_duplicates(&mut self) {
        /// A section's name, the option's where it is one, and the line.
        type Named<'d> = (&'d [u8], Option<&'d [u8]>, usize);
        // [DEFAULT] may be opened as often as one likes.
        let sections = self
            .sections
            .iter()
            .filter(|s| s.kind != SectionKind::Inherited);
        let mut named: Vec<Named> = sections.map(|s| (s.name, None, s.line)).collect();
        let name = |option: &Opt| self.sections[option.section].name;
        named.extend(
            self.options
                .iter()
                .map(|o| (name(o), Some(&*o.key), o.line)),
        );
        let places = sorted_indices(named.len(), &|a, b| named[a].cmp(&named[b]));
        let pairs = places
            .windows(2)
            .map(|pair| (named[pair[1]], named[pair[0]]));
        let again: Vec<(Named, Named)> = pairs
            .filter(|((section, key, _), before)| (*section, *key) == (before.0, before.1))
            .collect();
        let line = |at: usize| again[at].0.2;
        let mut places = sorted_indices(again.len(), &|a, b| line(a).cmp(&line(b)));
        places.truncate(MAX_NOTES);
        let text = |at: usize| {
            let ((_, key, line), (_, _, before)) = again[at];
            let what = key.map_or("the section".to_owned(), shown);
            (line, format!("{what} was already on line {before}"))
        };
        let found: Vec<(usize, String)> = places.into_iter().map(text).collect();
        for (line, text) in found {
            self.reject(line, &text);
        }
    }

    fn reject_stray(&mut self, line: usize, value: &'t [u8], why: &str) {
        self.strays.push(Stray::new(line, value));
        self.reject(line, why);
    }

    fn note(&mut self, line: usize, text: &str) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(Note {
                line,
                text: text.to_owned(),
            });
        }
    }

    /// Notes something that makes the SDK read nothing from this file.
    fn reject(&mut self, line: usize, text: &str) {
        self.note(line, text);
        if self.rejected_by_sdk.as_ref().is_none_or(|r| r.line > line) {
            self.rejected_by_sdk = Some(Note {
                line,
                text: "the Python SDK reads nothing from this file because of this line".into(),
            });
        }
    }
}

impl<'t> Stray<'t> {
    fn new(line: usize, value: &'t [u8]) -> Stray<'t> {
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'=' | b':');
        let end = value.iter().position(ends).unwrap_or(value.len());
        Stray {
            word: &value[..end],
            line,
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

/// `\[(?P<header>.+)\]`, which is greedy: the name ends at the last bracket.
fn section_name(value: &[u8]) -> Option<&[u8]> {
    let inner = value.strip_prefix(b"[")?;
    let end = inner.iter().rposition(|b| *b == b']')?;
    (end > 0).then(|| &inner[..end])
}

fn is_comment(trimmed: &[u8]) -> bool {
    matches!(trimmed.first(), Some(b'#' | b';'))
}

fn is_utf16(text: &[u8]) -> bool {
    text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF")
}

fn ends_inside_line(text: &[u8]) -> bool {
    !matches!(text.last(), None | Some(b'\n' | b'\r'))
}

fn length_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

/// Python's `str.lower()`; borrowed where there is nothing to do.
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

/// An option's name for a message, if it can only be a name: a key that was
/// pasted in the wrong place is longer than any of them.
pub(crate) fn shown(key: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ');
    match key.len() <= 36 && key.iter().all(plain) {
        true => format!("`{}`", String::from_utf8_lossy(key)),
        false => "a name".to_owned(),
    }
}
