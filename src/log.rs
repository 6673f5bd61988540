//! The log of one call: lines for a human, never with a secret.

use std::cell::{Cell, RefCell};

use crate::env::{Environment, variables};
use crate::finding::{Finding, Severity};
use crate::util::console;
use crate::util::redact::for_message;

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

/// A remark on one line (counted from 1) of a file.
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
    Disabled,
    /// Standard error, in the Python SDK's form.
    Stderr {
        verbosity: Cell<Verbosity>,
        style: Style,
    },
    /// The caller's function; it gets every line.
    Callback(&'a dyn Fn(Level, &str)),
    /// Findings, collected for a report.
    Buffer(RefCell<Vec<Finding>>),
}

/// Which lines are printed to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    All,
    /// Warnings and errors.
    Warnings,
    /// Security warnings only.
    Security,
}

impl<'a> Log<'a> {
    /// Drops every line.
    pub(crate) fn disabled() -> Log<'a> {
        Log {
            sink: Sink::Disabled,
        }
    }

    /// Passes every line to the caller's function.
    pub(crate) fn callback(log: &'a dyn Fn(Level, &str)) -> Log<'a> {
        Log {
            sink: Sink::Callback(log),
        }
    }

    /// Prints to standard error.
    pub(crate) fn stderr(env: &Environment) -> Log<'a> {
        Log {
            sink: Sink::Stderr {
                verbosity: Cell::new(Verbosity::All),
                style: stderr_style(env),
            },
        }
    }

    /// Collects warnings, and the details that only a report shows.
    pub(crate) fn buffered() -> Log<'a> {
        Log {
            sink: Sink::Buffer(RefCell::default()),
        }
    }

    /// Sets which lines are printed to standard error; other logs ignore it.
    pub(crate) fn set_verbosity(&self, new: Verbosity) {
        if let Sink::Stderr { verbosity, .. } = &self.sink {
            verbosity.set(new);
        }
    }

    /// Whether every line is dropped.
    pub(crate) fn is_disabled(&self) -> bool {
        matches!(self.sink, Sink::Disabled)
    }

    /// Whether the lines are collected for a report, which also shows details.
    pub(crate) fn is_buffered(&self) -> bool {
        matches!(self.sink, Sink::Buffer(_))
    }

    /// Adds a finding that only a report shows.
    pub(crate) fn detail(&self, finding: Finding) {
        if self.is_buffered() {
            self.warn(finding);
        }
    }

    /// Logs what was done.
    pub(crate) fn info(&self, line: &str) {
        self.write(Level::Info, line, false);
    }

    /// Logs something that the user may want to fix. A silent login prints it too
    /// if a key is at risk.
    pub(crate) fn warn(&self, finding: Finding) {
        match &self.sink {
            Sink::Buffer(findings) => {
                let finding = finding.printable();
                let mut findings = findings.borrow_mut();
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
            _ => {
                let is_risk = finding.code.severity() == Severity::Risk;
                self.write(Level::Warn, &finding.message, is_risk);
            }
        }
    }

    fn write(&self, level: Level, line: &str, security: bool) {
        match &self.sink {
            Sink::Disabled | Sink::Buffer(_) => {}
            Sink::Callback(log) => log(level, &for_message(line)),
            Sink::Stderr { verbosity, style } => {
                let is_printed = match verbosity.get() {
                    Verbosity::All => true,
                    Verbosity::Warnings => level != Level::Info,
                    Verbosity::Security => security,
                };
                if is_printed {
                    print_line(*style, level, line);
                }
            }
        }
    }

    /// What a buffered log has collected.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        match self.sink {
            Sink::Buffer(findings) => findings.into_inner(),
            _ => Vec::new(),
        }
    }
}

/// Prints one line to standard error with the SDK's prefix. A closed standard
/// error is ignored.
///
/// # Examples
/// ```
/// use wandb_login::{Level, print};
///
/// // wandb: WARNING The run is not synced.
/// print(Level::Warn, "The run is not synced.");
/// ```
pub fn print(level: Level, line: &str) {
    print_line(stderr_style(&Environment::of_process()), level, line);
}

fn print_line(style: Style, level: Level, line: &str) {
    let text = format!(
        "{}{}{}\n",
        style.prefix(),
        style.mark(level),
        for_message(line)
    );
    let _ = console::write_stderr(text.as_bytes());
}

/// The start of a line as the Python SDK prints it, with or without color.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub color: bool,
}

impl Style {
    /// The start of every line.
    pub(crate) fn prefix(self) -> &'static str {
        match self.color {
            true => "\x1b[34m\x1b[1mwandb\x1b[0m: ",
            false => "wandb: ",
        }
    }

    /// The level, after the prefix.
    pub(crate) fn mark(self, level: Level) -> &'static str {
        match (level, self.color) {
            (Level::Info, _) => "",
            (Level::Warn, true) => "\x1b[33mWARNING\x1b[0m ",
            (Level::Warn, false) => "WARNING ",
            (Level::Error, true) => "\x1b[32m\x1b[41mERROR\x1b[0m ",
            (Level::Error, false) => "ERROR ",
        }
    }
}

/// With color if standard error shows colors and `NO_COLOR` is unset.
pub(crate) fn stderr_style(env: &Environment) -> Style {
    Style {
        color: !env.is_set(variables::NO_COLOR) && console::shows_colors(),
    }
}
