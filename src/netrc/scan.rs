//! The tokenizer: a netrc file as a stream of events with byte spans, without
//! an allocation.
//!
//! It speaks two dialects. [`Dialect::CPython`] is that of CPython 3.11 and
//! later, to the letter: what it accepts, the SDK reads, and so do we.
//! [`Dialect::Lenient`] serves for files that CPython refuses; it differs only
//! in what it puts up with: comments anywhere, a byte-order mark, stray words,
//! values left out.

use super::Stop;
use super::text::{Token, has_newline, is_space, line_end, line_of, newline_len, skip_plain};

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
    /// An entry begins.
    Machine { keyword: Token, name: Token },
    /// The entry for all other machines begins (`machine default` is the same).
    Default { keyword: Token },
    /// A value of the entry that began last.
    Field {
        kind: Kind,
        keyword: Token,
        value: Token,
    },
    /// A macro; no entry goes on behind it.
    Macro { keyword: Token },
    /// A word that is not netrc. Further words of its line may be silent.
    Stray { word: Token, silent: bool },
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
}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    dialect: Dialect,
    pos: usize,
    in_entry: bool,
    uncounted: usize,
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
            let token = self.token();
            let word = self.word(token);
            match word {
                Word::Empty
                    if self.dialect == Dialect::CPython || token.start == self.text.len() =>
                {
                    self.end = token.start;
                    self.pos = self.text.len();
                    self.last_end = self.gap;
                    return Ok(None);
                }
                Word::Comment if self.dialect == Dialect::CPython => {
                    // CPython skips the rest of the line only if it counted no
                    // line end while it read the word, the one that ends the
                    // word included; and outside entries only behind a lone #.
                    let counted = has_newline(&self.text[before..self.pos]);
                    if token.open {
                        self.open = Some(token.start);
                    }
                    if !counted && (self.in_entry || token.is(self.text, b"#")) {
                        self.read_line();
                    }
                    continue;
                }
                Word::Machine => return self.entry(token).map(Some),
                _ if token.start < self.junk_until => {
                    if token.open {
                        self.open = Some(token.start);
                    }
                    return Ok(Some(Event::Stray {
                        word: token,
                        silent: true,
                    }));
                }
                Word::Default => {
                    self.begin(token);
                    return Ok(Some(Event::Default { keyword: token }));
                }
                Word::Macdef => return self.skip_macro(token).map(Some),
                Word::Field(kind) if self.in_entry && !self.repeats(kind) => {
                    self.seen[kind as usize] = true;
                    let value = self.value(token);
                    return Ok(Some(Event::Field {
                        kind,
                        keyword: token,
                        value,
                    }));
                }
                _ => return self.stray(token).map(Some),
            }
        }
    }

    fn begin(&mut self, keyword: Token) {
        self.item = keyword.start;
        self.in_entry = true;
        self.strayed = false;
        self.seen = [false; 3];
        if keyword.open {
            self.open = Some(keyword.start);
        }
    }

    fn entry(&mut self, keyword: Token) -> Result<Event, Refusal> {
        self.begin(keyword);
        self.junk_until = 0;
        let name = self.value(keyword);
        if name.is_empty(self.text) {
            if self.dialect == Dialect::CPython {
                return Err(self.refuse("missing 'machine' name", keyword.start));
            }
            self.in_entry = false;
            return Ok(Event::Stray {
                word: keyword,
                silent: false,
            });
        }
        if name.is(self.text, b"default") {
            return Ok(Event::Default { keyword });
        }
        Ok(Event::Machine { keyword, name })
    }

    fn skip_macro(&mut self, keyword: Token) -> Result<Event, Refusal> {
        self.item = keyword.start;
        self.in_entry = false;
        let name = self.token();
        if name.open || name.start == self.text.len() {
            self.open = Some(keyword.start);
        }
        loop {
            let line = self.pos;
            if self.read_line() {
                if newline_len(self.text, line) > 0 {
                    return Ok(Event::Macro { keyword });
                }
            } else if self.dialect == Dialect::CPython {
                let message = "Macro definition missing null line terminator.";
                return Err(self.refuse(message, keyword.start));
            } else {
                self.open_macro = true;
                return Ok(Event::Macro { keyword });
            }
        }
    }

    fn stray(&mut self, word: Token) -> Result<Event, Refusal> {
        if self.dialect == Dialect::CPython {
            let message = if self.in_entry {
                "bad follower token"
            } else {
                "bad toplevel token"
            };
            return Err(self.refuse(message, word.start));
        }
        if word.open {
            self.open = Some(word.start);
        }
        // A line that begins with a stray word is not netrc as a whole: its
        // `password` could be that of a mistyped machine.
        if self.gap == self.origin || has_newline(&self.text[self.gap..word.start]) {
            self.junk_until = line_end(self.text, word.end);
        }
        self.strayed = true;
        Ok(Event::Stray {
            word,
            silent: false,
        })
    }

    /// Behind a stray word, a second value of one kind belongs to some other
    /// machine, whose name was mistyped: the entry has ended.
    fn repeats(&mut self, kind: Kind) -> bool {
        let ended = self.strayed && self.seen[kind as usize];
        self.in_entry &= !ended;
        ended
    }

    /// The word behind a keyword, whatever it is.
    fn value(&mut self, keyword: Token) -> Token {
        let before = self.pos;
        if self.dialect == Dialect::Lenient {
            // A value was left out where the next line goes on with a keyword
            // or a comment, or another machine begins. Otherwise that
            // machine's password would become this one's.
            self.skip_blanks();
            let new_line = has_newline(&self.text[keyword.end..self.pos]);
            let next = Scanner::bare_word(&self.text[self.pos..]);
            let left_out = match Word::of(next) {
                Word::Machine => true,
                Word::Other | Word::Empty => false,
                // Our own login, more often than the keyword.
                _ if next == b"user" => false,
                _ => new_line,
            };
            if left_out {
                self.pos = before;
                return Token::absent(keyword.end);
            }
        }
        let value = self.token();
        if value.open || value.start == self.text.len() {
            self.open = Some(self.item);
        }
        value
    }

    /// The first bytes up to white space, as many as tell a keyword.
    fn bare_word(text: &[u8]) -> &[u8] {
        let end = text.iter().take(9).position(|&byte| is_space(byte));
        &text[..end.unwrap_or(text.len().min(9))]
    }

    fn word(&self, token: Token) -> Word {
        let lenient = self.dialect == Dialect::Lenient;
        if token.plain {
            let value = token.inner(self.text);
            // A boundary between machines is one in any case of letters.
            return match Word::of(value) {
                Word::Other if lenient && value.eq_ignore_ascii_case(b"machine") => Word::Machine,
                Word::Other if lenient && value.eq_ignore_ascii_case(b"default") => Word::Default,
                word => word,
            };
        }
        let mut head = [0; 9];
        let mut len = 0;
        for (slot, byte) in head.iter_mut().zip(token.bytes(self.text)) {
            *slot = byte;
            len += 1;
        }
        Word::of(&head[..len])
    }

    fn refuse(&self, message: &'static str, at: usize) -> Refusal {
        Refusal {
            message,
            at,
            pos: self.pos,
            uncounted: self.uncounted,
        }
    }

    /// Reads one word and, unless it is quoted, the white space character that
    /// ends it: the comment rule depends on that.
    fn token(&mut self) -> Token {
        self.skip_blanks();
        let text = self.text;
        let start = self.pos;
        let mut at = start;
        let mut token = Token::absent(start);
        if text.get(at) == Some(&b'"') {
            at += 1;
            token.quoted = true;
            token.open = true;
            while let Some(&byte) = text.get(at) {
                match byte {
                    b'"' => {
                        at += 1;
                        token.open = false;
                        break;
                    }
                    b'\\' => {
                        token.plain = false;
                        at += 1;
                        at += newline_len(text, at).max(1);
                    }
                    b'\r' => {
                        token.plain = false;
                        at += 1;
                    }
                    _ => at += 1,
                }
            }
            token.end = at.min(text.len());
            self.pos = token.end;
        } else {
            loop {
                at = skip_plain(text, at);
                if text.get(at) != Some(&b'\\') {
                    break;
                }
                token.plain = false;
                token.open = at + 1 == text.len();
                at += 1;
                at += newline_len(text, at).max(1);
            }
            token.end = at.min(text.len());
            self.pos = match text.get(token.end) {
                Some(b'\r' | b'\n') => token.end + newline_len(text, token.end),
                Some(_) => token.end + 1,
                None => token.end,
            };
        }
        self.last_end = token.end;
        token
    }

    fn skip_blanks(&mut self) {
        while self.text.get(self.pos).is_some_and(|&byte| is_space(byte)) {
            self.pos += 1;
        }
    }

    /// Skips a comment of the lenient dialect, with its line end.
    fn skip_comment(&mut self) -> bool {
        self.skip_blanks();
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
