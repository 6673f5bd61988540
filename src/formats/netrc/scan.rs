//! The tokenizer: a netrc file as a stream of items with byte spans, without an
//! allocation.
//!
//! It has two dialects. [`Dialect::CPython`] is exactly that of CPython 3.11 and
//! later: what CPython accepts, the SDK reads, and so do we.
//! [`Dialect::Lenient`] is for files that CPython refuses; it also accepts
//! comments anywhere, a byte-order mark, unknown tokens and missing values.

use std::ops::Range;

use super::SdkError;
use super::recovery::{self, Recovery, bare_word};
use super::token::{Token, after_separator, skip_blanks};
use super::word::{Word, plain_item};
use crate::util::lines::{BOM, has_newline, line_end, line_of, newline_len};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    CPython,
    Lenient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Account,
    Password,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// An entry begins; the item's value is the machine's name.
    Machine,
    /// The entry for all other machines begins (also `machine default`).
    Default,
    /// A value of the entry that began last.
    Field(Kind),
    /// A macro, which ends the entry before it. It should end with a blank line.
    Macro { terminated: bool },
    /// A token that is not netrc. `first`: it does not follow another one on a
    /// line that is ignored as a whole.
    Unknown { first: bool },
}

/// What the scanner has just read. It borrows the tokens: copying them for each
/// of thousands of entries would cost more than scanning the file.
pub(super) struct Item<'s> {
    pub event: Event,
    /// Where the item before it ended: white space separates the two.
    pub before: usize,
    /// The keyword or the unknown token.
    pub keyword: &'s Token,
    /// The token after the keyword, where the event has a value.
    pub value: &'s Token,
}

impl Item<'_> {
    /// The white space before the item.
    pub(super) fn gap(&self) -> Range<usize> {
        self.before..self.keyword.start
    }
}

/// The end of a file, as an editor needs it.
pub(super) struct End {
    /// The white space in which a new entry can be added. It is not at the end of
    /// the text if a quote or an escape is open there, or a value is missing: what
    /// follows would become part of that item.
    pub gap: Range<usize>,
    /// The last macro has no blank line after it.
    pub open_macro: bool,
}

/// Why CPython refuses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub message: &'static str,
    /// The token that is the reason.
    at: usize,
}

impl Refusal {
    pub(super) fn describe(&self, text: &[u8]) -> SdkError {
        SdkError {
            line: line_of(text, self.at),
            message: self.message,
        }
    }
}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    dialect: Dialect,
    pos: usize,
    in_entry: bool,
    keyword: Token,
    value: Token,
    /// Where the last token, comment or macro ended, its line end excluded.
    last_end: usize,
    /// `last_end` as it was before the keyword was read.
    before: usize,
    /// The white space before the entry or macro that is being read.
    item_gap: Range<usize>,
    /// The white space before the item that text at the end would become part of.
    open: Option<Range<usize>>,
    open_macro: bool,
    recovery: Recovery,
}

/// Where the first token may be: after a byte-order mark, which only the lenient
/// dialect accepts.
pub(super) fn origin(text: &[u8], dialect: Dialect) -> usize {
    match dialect {
        Dialect::Lenient if text.starts_with(BOM) => BOM.len(),
        _ => 0,
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8], dialect: Dialect) -> Scanner<'a> {
        let origin = origin(text, dialect);
        Scanner {
            text,
            dialect,
            pos: origin,
            in_entry: false,
            keyword: Token::absent(origin),
            value: Token::absent(origin),
            last_end: origin,
            before: origin,
            item_gap: origin..origin,
            open: None,
            open_macro: false,
            recovery: Recovery::default(),
        }
    }

    /// The next item, or `None` at the end. An error means that CPython refuses
    /// the whole file; the lenient dialect returns none.
    pub(super) fn next(&mut self) -> Result<Option<Item<'_>>, Refusal> {
        loop {
            let start = self.pos;
            if self.dialect == Dialect::Lenient && self.skip_comment() {
                continue;
            }
            self.before = self.last_end;
            let event = match self.read_keyword() {
                // CPython takes an empty token in place of a keyword for the end.
                Word::Empty
                    if self.dialect == Dialect::CPython
                        || self.keyword.start == self.text.len() =>
                {
                    self.pos = self.text.len();
                    return Ok(None);
                }
                Word::Comment if self.dialect == Dialect::CPython => {
                    self.skip_hash_token(start);
                    continue;
                }
                word => self.read_item(word)?,
            };
            return Ok(Some(Item {
                event,
                before: self.before,
                keyword: &self.keyword,
                value: &self.value,
            }));
        }
    }

    /// Skips machines that are not `wanted`, and values, all without quotes and
    /// escapes: in most files, all but a few items. Takes a third of the time of
    /// [`Scanner::next`], which continues after them. Only in CPython's dialect.
    pub(super) fn skip_plain_items(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        while self.dialect == Dialect::CPython
            && let Some((word, start, value)) = plain_item(self.text, self.pos)
        {
            let name = &self.text[value.clone()];
            match word {
                Word::Machine if name == b"default" || wanted(name) => break,
                Word::Machine => {
                    self.item_gap = self.last_end..start;
                    self.in_entry = true;
                }
                _ if self.in_entry => {}
                _ => break,
            }
            self.last_end = value.end;
            self.pos = after_separator(self.text, value.end);
        }
    }

    /// The end of the file, once [`Scanner::next`] has returned `None`.
    pub(super) fn end(self) -> End {
        let last_gap = self.before..self.keyword.start;
        End {
            open_macro: self.open_macro && self.open.is_none(),
            gap: self.open.unwrap_or(last_gap),
        }
    }

    #[inline(always)] // the body of the loop in `next`
    fn read_item(&mut self, word: Word) -> Result<Event, Refusal> {
        match word {
            Word::Machine => self.read_machine(),
            _ if self.keyword.start < self.recovery.ignored_until => {
                Ok(Event::Unknown { first: false })
            }
            Word::Default => {
                self.begin_entry();
                Ok(Event::Default)
            }
            Word::Macdef => self.skip_macro(),
            Word::Field(kind) if self.in_entry && !self.ends_entry(kind) => {
                self.recovery.seen[kind as usize] = true;
                self.read_value();
                Ok(Event::Field(kind))
            }
            _ => self.unknown(),
        }
    }

    fn begin_entry(&mut self) {
        self.item_gap = self.before..self.keyword.start;
        self.in_entry = true;
        self.recovery.begin_entry();
        if self.keyword.open {
            self.open = Some(self.item_gap.clone());
        }
    }

    fn read_machine(&mut self) -> Result<Event, Refusal> {
        self.begin_entry();
        self.recovery.ignored_until = 0;
        self.read_value();
        if self.value.is_empty(self.text) {
            if self.dialect == Dialect::CPython {
                return Err(self.refuse("missing 'machine' name"));
            }
            self.in_entry = false;
            return Ok(Event::Unknown { first: true });
        }
        if self.value.is(self.text, b"default") {
            return Ok(Event::Default);
        }
        Ok(Event::Machine)
    }

    fn skip_macro(&mut self) -> Result<Event, Refusal> {
        self.item_gap = self.before..self.keyword.start;
        self.in_entry = false;
        self.read_token();
        loop {
            let line = self.pos;
            if self.read_line() {
                if newline_len(self.text, line) > 0 {
                    return Ok(Event::Macro { terminated: true });
                }
            } else if self.dialect == Dialect::CPython {
                return Err(self.refuse("Macro definition missing null line terminator."));
            } else {
                self.open_macro = true;
                return Ok(Event::Macro { terminated: false });
            }
        }
    }

    fn unknown(&mut self) -> Result<Event, Refusal> {
        if self.dialect == Dialect::CPython {
            return Err(self.refuse(if self.in_entry {
                "bad follower token"
            } else {
                "bad toplevel token"
            }));
        }
        // A line that begins with an unknown token is ignored as a whole: its
        // `password` could be that of a machine whose keyword is misspelled.
        let gap = &self.text[self.before..self.keyword.start];
        if self.is_first_of_file() || has_newline(gap) {
            self.recovery.ignored_until = line_end(self.text, self.keyword.end);
        }
        let word = &self.text[self.keyword.start..self.keyword.end];
        if self.recovery.ends_entry(word, gap, self.before) {
            self.in_entry = false;
        }
        if recovery::takes_value(word) {
            self.skip_value();
        }
        Ok(Event::Unknown { first: true })
    }

    /// Skips the value of a keyword that is ignored.
    fn skip_value(&mut self) {
        if self.is_value_missing() {
            return;
        }
        let end = self.end_of_line();
        let pos = self.value.read_in_line(self.text, end, self.pos);
        if self.value.end > self.value.start {
            self.pos = pos;
            self.last_end = self.value.end;
        }
    }

    fn is_first_of_file(&self) -> bool {
        self.before == origin(self.text, self.dialect)
    }

    fn note_open_keyword(&mut self) {
        if self.keyword.open {
            self.open = Some(self.keyword.start..self.keyword.start);
        }
    }

    /// After an unknown token, a second value of one kind belongs to some other
    /// machine, whose keyword is misspelled: the entry has ended.
    fn ends_entry(&mut self, kind: Kind) -> bool {
        let ended = self.recovery.unknown_in_entry && self.recovery.seen[kind as usize];
        self.in_entry &= !ended;
        ended
    }

    /// Reads the token after a keyword, unless the value is missing.
    #[inline(always)] // three times for each entry of a file, and most are not ours
    fn read_value(&mut self) {
        if self.dialect == Dialect::Lenient && self.is_value_missing() {
            self.value = Token::absent(self.keyword.end);
            return;
        }
        self.read_token();
    }

    fn read_token(&mut self) {
        self.pos = match self.dialect {
            Dialect::CPython => self.value.read(self.text, self.pos),
            Dialect::Lenient => {
                let end = self.end_of_line();
                self.value.read_in_line(self.text, end, self.pos)
            }
        };
        self.last_end = self.value.end;
        if self.value.open || self.value.start == self.text.len() {
            self.open = Some(self.item_gap.clone());
        }
    }

    /// The end of the next token's line. It is searched once per line: a line can
    /// have millions of tokens.
    fn end_of_line(&mut self) -> usize {
        let start = skip_blanks(self.text, self.pos);
        if start >= self.recovery.line_end {
            self.recovery.line_end = line_end(self.text, start);
        }
        self.recovery.line_end
    }

    /// A value is missing where another machine begins, or where the next line
    /// begins with anything but a value. Otherwise that machine's password would
    /// become this one's.
    fn is_value_missing(&mut self) -> bool {
        let end = self.end_of_line();
        let mut next = Token::absent(self.pos);
        next.read_in_line(self.text, end, self.pos);
        let word = &self.text[next.start..next.end];
        if word.eq_ignore_ascii_case(b"machine") {
            return true;
        }
        if word.is_empty() || !has_newline(&self.text[self.keyword.end..next.start]) {
            return false;
        }
        // More often our own login than the keyword.
        let keyword = word != b"user" && Word::of(word) != Word::Other;
        let rest = &self.text[next.end..end];
        keyword || recovery::begins_entry(word) || !Scanner::can_follow_value(rest)
    }

    /// Whether a value on a line of its own can be followed by this text: by
    /// nothing, a comment or a keyword. Anything else makes its line that of a
    /// keyword which is not known.
    fn can_follow_value(rest: &[u8]) -> bool {
        let word = bare_word(rest.trim_ascii_start());
        Word::of(word) != Word::Other
    }

    fn read_keyword(&mut self) -> Word {
        let start = skip_blanks(self.text, self.pos);
        let word = match Word::usual(&self.text[start..]) {
            Some((word, len)) => {
                self.keyword = Token {
                    end: start + len,
                    ..Token::absent(start)
                };
                self.pos = after_separator(self.text, start + len);
                word
            }
            None => {
                self.pos = match self.dialect {
                    Dialect::CPython => self.keyword.read(self.text, start),
                    Dialect::Lenient => {
                        let end = self.end_of_line();
                        self.keyword.read_in_line(self.text, end, start)
                    }
                };
                self.word()
            }
        };
        if self.dialect == Dialect::Lenient {
            let gap = &self.text[self.before..start];
            let first = self.is_first_of_file();
            self.recovery.indent(gap, first);
        }
        self.last_end = self.keyword.end;
        word
    }

    /// The keyword's meaning.
    fn word(&self) -> Word {
        if self.keyword.plain {
            return Word::of(self.keyword.inner(self.text));
        }
        let mut head = [0; 9];
        let mut len = 0;
        for (slot, byte) in head.iter_mut().zip(self.keyword.bytes(self.text)) {
            *slot = byte;
            len += 1;
        }
        Word::of(&head[..len])
    }

    fn refuse(&self, message: &'static str) -> Refusal {
        Refusal {
            message,
            at: self.keyword.start,
        }
    }

    /// Skips a token that begins with `#`, and with it the rest of the line where
    /// CPython does: if it counted no line end while it read the token, the one
    /// that ends the token included, and outside entries only after a lone `#`.
    fn skip_hash_token(&mut self, start: usize) {
        self.note_open_keyword();
        let counted = has_newline(&self.text[start..self.pos]);
        if !counted && (self.in_entry || self.keyword.is(self.text, b"#")) {
            self.read_line();
        }
    }

    /// Skips a comment of the lenient dialect, with its line end. One that may be the
    /// beginning of an entry ends the entry before it.
    fn skip_comment(&mut self) -> bool {
        self.pos = skip_blanks(self.text, self.pos);
        let comment = self.text.get(self.pos) == Some(&b'#');
        if comment {
            let start = self.pos;
            self.read_line();
            if recovery::begins_entry(&self.text[start..self.last_end]) {
                self.in_entry = false;
            }
        }
        comment
    }

    /// Skips the rest of the line; false at the end of the text.
    fn read_line(&mut self) -> bool {
        let start = self.pos;
        let end = line_end(self.text, start);
        self.pos = end + newline_len(self.text, end);
        if self.pos > start {
            self.last_end = end;
        }
        self.pos > start
    }
}
