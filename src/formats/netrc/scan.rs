//! The tokenizer: a netrc file as a stream of events with byte spans, without
//! an allocation. An event is a bare tag; its words stay in the scanner, as a
//! copy of them for each of thousands of entries would cost more than the scan.
//!
//! It speaks two dialects. [`Dialect::CPython`] is that of CPython 3.11 and
//! later, to the letter: what it accepts, the SDK reads, and so do we.
//! [`Dialect::Lenient`] serves for files that CPython refuses; it differs only
//! in what it puts up with: comments anywhere, a byte-order mark, stray words,
//! values left out.

use super::Stop;
use super::token::{
    Token, behind, has_newline, is_space, line_end, line_of, newline_len, skip_blanks,
};

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
    /// An entry begins; the value is the machine's name.
    Machine,
    /// The entry for all other machines begins (`machine default` is the same).
    Default,
    /// A value of the entry that began last.
    Field(Kind),
    /// A macro; no entry goes on behind it.
    Macro,
    /// A word that is not netrc. Further words of its line may be silent.
    Stray { silent: bool },
}

/// Why CPython refuses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub message: &'static str,
    /// The word that is the reason.
    at: usize,
    /// How far CPython has read, and the line ends that it has not counted.
    pos: usize,
    uncounted: usize,
}

impl Refusal {
    pub fn describe(&self, text: &[u8]) -> Stop {
        Stop {
            line: line_of(text, self.at),
            sdk_line: line_of(text, self.pos) - self.uncounted,
            message: self.message,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Empty,
    Comment,
    Machine,
    Default,
    Macdef,
    Field(Kind),
    Other,
}

impl Word {
    fn of(value: &[u8]) -> Word {
        match value {
            b"" => Word::Empty,
            b"machine" => Word::Machine,
            b"login" | b"user" => Word::Field(Kind::Login),
            b"password" => Word::Field(Kind::Password),
            b"account" => Word::Field(Kind::Account),
            b"default" => Word::Default,
            b"macdef" => Word::Macdef,
            [b'#', ..] => Word::Comment,
            _ => Word::Other,
        }
    }

    /// The keyword that stands here, and its length, if it is one of the three
    /// that most files are made of. To know the word spares the search for its
    /// end, which the place of every later word would wait for.
    fn usual(text: &[u8]) -> Option<(Word, usize)> {
        let (word, len) = if text.starts_with(b"machine") {
            (Word::Machine, 7)
        } else if text.starts_with(b"login") {
            (Word::Field(Kind::Login), 5)
        } else if text.starts_with(b"password") {
            (Word::Field(Kind::Password), 8)
        } else {
            return None;
        };
        text.get(len)
            .is_some_and(|&byte| is_space(byte))
            .then_some((word, len))
    }
}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    dialect: Dialect,
    pos: usize,
    in_entry: bool,
    uncounted: usize,
    /// The keyword of the last event, or its stray word.
    pub keyword: Token,
    /// What stands behind the keyword, where the event has a value.
    pub value: Token,
    /// Where the item that holds the next word began.
    item: usize,
    /// Where the last word, comment or macro ended, its line end excluded.
    pub last_end: usize,
    /// The same as it was before the keyword or stray word read last.
    pub gap: usize,
    /// Where the file ends for the reader: an empty word in place of a keyword
    /// ends it early.
    pub end: usize,
    /// Text put at the end would become part of what begins here: a quote or
    /// an escape is open, or a value is missing.
    pub open: Option<usize>,
    /// The last macro has no empty line behind it.
    pub open_macro: bool,
    /// Where the first word may stand: behind a byte-order mark.
    pub origin: usize,
    // The rest serves the lenient dialect.
    /// Words before this place belong to a line that began with a stray word.
    junk_until: usize,
    strayed: bool,
    seen: [bool; 3],
}

pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

impl<'a> Scanner<'a> {
    pub fn new(text: &'a [u8], dialect: Dialect) -> Scanner<'a> {
        let origin = match dialect {
            Dialect::Lenient if text.starts_with(BOM) => BOM.len(),
            _ => 0,
        };
        Scanner {
            text,
            dialect,
            pos: origin,
            in_entry: false,
            uncounted: 0,
            keyword: Token::absent(origin),
            value: Token::absent(origin),
            item: origin,
            last_end: origin,
            gap: origin,
            end: text.len(),
            open: None,
            open_macro: false,
            origin,
            junk_until: 0,
            strayed: false,
            seen: [false; 3],
        }
    }

    /// The next event, or `None` at the end; the error of CPython's dialect is
    /// its refusal of the whole file.
    pub fn next(&mut self) -> Result<Option<Event>, Refusal> {
        loop {
            let before = self.pos;
            if self.dialect == Dialect::Lenient && self.skip_comment() {
                continue;
            }
            self.gap = self.last_end;
            let word = self.read_keyword();
            let start = self.keyword.start;
            match word {
                Word::Empty if self.dialect == Dialect::CPython || start == self.text.len() => {
                    self.end = start;
                    self.pos = self.text.len();
                    self.last_end = self.gap;
                    return Ok(None);
                }
                Word::Comment if self.dialect == Dialect::CPython => {
                    // CPython skips the rest of the line only if it counted no
                    // line end while it read the word, the one that ends the
                    // word included; and outside entries only behind a lone #.
                    let counted = has_newline(&self.text[before..self.pos]);
                    if self.keyword.open {
                        self.open = Some(start);
                    }
                    if !counted && (self.in_entry || self.keyword.is(self.text, b"#")) {
                        self.read_line();
                    }
                    continue;
                }
                Word::Machine => return self.entry().map(Some),
                _ if start < self.junk_until => {
                    if self.keyword.open {
                        self.open = Some(start);
                    }
                    return Ok(Some(Event::Stray { silent: true }));
                }
                Word::Default => {
                    self.begin();
                    return Ok(Some(Event::Default));
                }
                Word::Macdef => return self.skip_macro().map(Some),
                Word::Field(kind) if self.in_entry && !self.repeats(kind) => {
                    self.seen[kind as usize] = true;
                    self.read_value();
                    return Ok(Some(Event::Field(kind)));
                }
                _ => return self.stray().map(Some),
            }
        }
    }

    fn begin(&mut self) {
        self.item = self.keyword.start;
        self.in_entry = true;
        self.strayed = false;
        self.seen = [false; 3];
        if self.keyword.open {
            self.open = Some(self.keyword.start);
        }
    }

    fn entry(&mut self) -> Result<Event, Refusal> {
        self.begin();
        self.junk_until = 0;
        self.read_value();
        if self.value.is_empty(self.text) {
            if self.dialect == Dialect::CPython {
                return Err(self.refuse("missing 'machine' name"));
            }
            self.in_entry = false;
            return Ok(Event::Stray { silent: false });
        }
        if self.value.is(self.text, b"default") {
            return Ok(Event::Default);
        }
        Ok(Event::Machine)
    }

    fn skip_macro(&mut self) -> Result<Event, Refusal> {
        self.item = self.keyword.start;
        self.in_entry = false;
        self.read_word();
        loop {
            let line = self.pos;
            if self.read_line() {
                if newline_len(self.text, line) > 0 {
                    return Ok(Event::Macro);
                }
            } else if self.dialect == Dialect::CPython {
                return Err(self.refuse("Macro definition missing null line terminator."));
            } else {
                self.open_macro = true;
                return Ok(Event::Macro);
            }
        }
    }

    fn stray(&mut self) -> Result<Event, Refusal> {
        if self.dialect == Dialect::CPython {
            return Err(self.refuse(if self.in_entry {
                "bad follower token"
            } else {
                "bad toplevel token"
            }));
        }
        let word = &self.keyword;
        if word.open {
            self.open = Some(word.start);
        }
        // A line that begins with a stray word is not netrc as a whole: its
        // `password` could be that of a mistyped machine.
        if self.gap == self.origin || has_newline(&self.text[self.gap..word.start]) {
            self.junk_until = line_end(self.text, word.end);
        }
        self.strayed = true;
        Ok(Event::Stray { silent: false })
    }

    /// Behind a stray word, a second value of one kind belongs to some other
    /// machine, whose name was mistyped: the entry has ended.
    fn repeats(&mut self, kind: Kind) -> bool {
        let ended = self.strayed && self.seen[kind as usize];
        self.in_entry &= !ended;
        ended
    }

    /// Reads the word behind a keyword, whatever it is.
    #[inline(always)] // three times for each entry of a file, and most are not ours
    fn read_value(&mut self) {
        if self.dialect == Dialect::Lenient && self.is_value_left_out() {
            self.value = Token::absent(self.keyword.end);
            return;
        }
        self.read_word();
    }

    fn read_word(&mut self) {
        self.pos = self.value.read(self.text, self.pos);
        self.last_end = self.value.end;
        if self.value.open || self.value.start == self.text.len() {
            self.open = Some(self.item);
        }
    }

    /// A value was left out where the next line goes on with a keyword or a
    /// comment, or another machine begins. Otherwise that machine's password
    /// would become this one's.
    fn is_value_left_out(&self) -> bool {
        let next = skip_blanks(self.text, self.pos);
        let word = Scanner::bare_word(&self.text[next..]);
        match Word::of(word) {
            Word::Machine => true,
            Word::Other | Word::Empty => false,
            // Our own login, more often than the keyword.
            _ if word == b"user" => false,
            _ => has_newline(&self.text[self.keyword.end..next]),
        }
    }

    /// The first bytes up to white space, as many as tell a keyword.
    fn bare_word(text: &[u8]) -> &[u8] {
        let end = text.iter().take(9).position(|&byte| is_space(byte));
        &text[..end.unwrap_or(text.len().min(9))]
    }

    fn read_keyword(&mut self) -> Word {
        let start = skip_blanks(self.text, self.pos);
        let word = match Word::usual(&self.text[start..]) {
            Some((word, len)) => {
                self.keyword = Token {
                    end: start + len,
                    ..Token::absent(start)
                };
                self.pos = behind(self.text, start + len);
                word
            }
            None => {
                self.pos = self.keyword.read(self.text, start);
                self.word()
            }
        };
        self.last_end = self.keyword.end;
        word
    }

    /// What the keyword is.
    fn word(&self) -> Word {
        let lenient = self.dialect == Dialect::Lenient;
        if self.keyword.plain {
            let value = self.keyword.inner(self.text);
            // A boundary between machines is one in any case of letters.
            return match Word::of(value) {
                Word::Other if lenient && value.eq_ignore_ascii_case(b"machine") => Word::Machine,
                Word::Other if lenient && value.eq_ignore_ascii_case(b"default") => Word::Default,
                word => word,
            };
        }
        let mut head = [0; 9];
        let mut len = 0;
        for (slot, byte) in head.iter_mut().zip(self.keyword.bytes(self.text)) {
            *slot = byte;
            len += 1;
        }
        Word::of(&head[..len])
    }

    /// The refusal of the keyword.
    fn refuse(&self, message: &'static str) -> Refusal {
        Refusal {
            message,
            at: self.keyword.start,
            pos: self.pos,
            uncounted: self.uncounted,
        }
    }

    /// Skips a comment of the lenient dialect, with its line end.
    fn skip_comment(&mut self) -> bool {
        self.pos = skip_blanks(self.text, self.pos);
        let comment = self.text.get(self.pos) == Some(&b'#');
        if comment {
            self.read_line();
        }
        comment
    }

    /// Skips the rest of the line; false at the end of the text.
    fn read_line(&mut self) -> bool {
        let start = self.pos;
        let end = line_end(self.text, start);
        let newline = newline_len(self.text, end);
        self.pos = end + newline;
        self.uncounted += usize::from(newline > 0);
        if self.pos > start {
            self.last_end = end;
        }
        self.pos > start
    }
}
