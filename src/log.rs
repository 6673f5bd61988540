//! What a login says on its way: lines for a human, never a secret.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};

use crate::env::variables;
use crate::util::sanitize::clean;

/// How much a line matters. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something needs the user's attention.
    Warn = 2,
    /// What was done.
    Info = 3,
}

/// Something worth a warning, at a line (from 1) of the text it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub line: usize,
    pub text: String,
}

/// Where the lines of one call go.
pub(crate) struct Log<'a> {
    sink: Sink<'a>,
}

enum Sink<'a> {
    Nowhere,
    /// Standard error, in the Python SDK's form.
    Stderr {
        shown: Cell<Shown>,
        no_color: bool,
    },
    /// The caller's function: it gets everything.
    Caller(&'a dyn Fn(Level, &str)),
    /// Kept, for a report that lists them.
    Kept(RefCell<Vec<String>>),
}

/// What a human at standard error wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Everything,
    /// Warnings and errors, no information.
    Quiet,
    /// Only what concerns safety.
    Silent,
}

impl<'a> Log<'a> {
    pub(crate) fn nowhere() -> Log<'a> {
        Log {
            sink: Sink::Nowhere,
        }
    }

    pub(crate) fn caller(log: &'a dyn Fn(Level, &str)) -> Log<'a> {
        Log {
            sink: Sink::Caller(log),
        }
    }

    pub(crate) fn stderr(no_color: bool) -> Log<'a> {
        let shown = Cell::new(Shown::Everything);
        Log {
            sink: Sink::Stderr { shown, no_color },
        }
    }

    /// Sets what is shown of what goes to standard error.
    pub(crate) fn show(&self, shown: Shown) {
        if let Sink::Stderr { shown: cell, .. } = &self.sink {
            cell.set(shown);
        }
    }

    pub(crate) fn kept() -> Log<'a> {
        Log {
            sink: Sink::Kept(RefCell::default()),
        }
    }

    /// Whether this is for a report, which has room for details.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.sink, Sink::Kept(_))
    }

    /// Whether what is said goes anywhere.
    pub(crate) fn is_heard(&self) -> bool {
        !matches!(self.sink, Sink::Nowhere)
    }

    /// Something that is worked out only to be told.
    pub(crate) fn told<T: Default>(&self, what: impl FnOnce() -> T) -> T {
        match self.is_heard() {
            true => what(),
            false => T::default(),
        }
    }

    /// Something that only a report has room for.
    pub(crate) fn detail(&self, line: &str) {
        if self.is_kept() {
            self.warn(line);
        }
    }

    /// What happened.
    pub(crate) fn info(&self, line: &str) {
        self.say(Level::Info, line, false);
    }

    /// Something that the user may want to mend.
    pub(crate) fn warn(&self, line: &str) {
        self.say(Level::Warn, line, false);
    }

    /// Something that puts a key at risk: shown even where all is silent.
    pub(crate) fn security(&self, line: &str) {
        self.say(Level::Warn, line, true);
    }

    fn say(&self, level: Level, line: &str, security: bool) {
        match &self.sink {
            Sink::Nowhere => {}
            Sink::Caller(log) => log(level, &clean(line)),
            Sink::Kept(lines) if level != Level::Info => {
                let line = clean(line).into_owned();
                let mut lines = lines.borrow_mut();
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            Sink::Kept(_) => {}
            Sink::Stderr { shown, no_color } => {
                let hidden = match shown.get() {
                    Shown::Everything => false,
                    Shown::Quiet => level == Level::Info,
                    Shown::Silent => !security,
                };
                if !hidden {
                    print_in(*no_color, level, line);
                }
            }
        }
    }

    /// The lines of a log that keeps them.
    pub(crate) fn into_lines(self) -> Vec<String> {
        match self.sink {
            Sink::Kept(lines) => lines.into_inner(),
            _ => Vec::new(),
        }
    }
}

/// Prints one line to standard error with the SDK's prefix. A closed standard
/// error is no reason to fail a login.
pub fn print(level: Level, line: &str) {
    let no_color = std::env::var_os(variables::NO_COLOR).is_some_and(|value| !value.is_empty());
    print_in(no_color, level, line);
}

fn print_in(no_color: bool, level: Level, line: &str) {
    let (prefix, mark) = match (colours(no_color), level) {
        (false, Level::Info) => ("wandb: ", ""),
        (false, Level::Warn) => ("wandb: ", "WARNING "),
        (false, Level::Error) => ("wandb: ", "ERROR "),
        (true, Level::Info) => ("\x1b[34m\x1b[1mwandb\x1b[0m: ", ""),
        (true, Level::Warn) => ("\x1b[34m\x1b[1mwandb\x1b[0m: ", "\x1b[33mWARNING\x1b[0m "),
        (true, Level::Error) => (
            "\x1b[34m\x1b[1mwandb\x1b[0m: ",
            "\x1b[32m\x1b[41mERROR\x1b[0m ",
        ),
    };
    let text = format!("{prefix}{mark}{}\n", clean(line));
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether standard error shows colours, and the user wants them.
pub(crate) fn colours(no_color: bool) -> bool {
    !no_color && std::io::stderr().is_terminal()
}
