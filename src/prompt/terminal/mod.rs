//! Reads one hidden line from the controlling terminal, and restores the
//! terminal however the reading ends.
//!
//! The guarantees are those of OpenBSD's `readpassphrase`: echo is off only
//! while the prompt is open, a signal that ends or stops the process restores
//! the terminal first, and after a stop the prompt starts over. Three things
//! differ, because this runs inside other people's programs:
//!
//! * Ctrl-C, Ctrl-\ and Ctrl-Z arrive as bytes (`ISIG` is off), so that they
//!   end the prompt and not the host program.
//! * Signals from other processes are caught only if they have their default
//!   disposition, and no handler stays installed (see `signals`).
//! * No wait is unlimited: the terminal is polled, so the time limit and the
//!   caller's cancel function always apply.
//!
//! Line editing is our own: that of the kernel is limited to 4,095 bytes.
//!
//! On Windows the console takes the place of the terminal (see `windows`).

mod control_chars;
mod line;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use zeroize::Zeroize;

use super::wrap::columns;
use crate::util::secret::WipedBytes;
use line::{Line, Press};

pub(crate) use line::MAX_LINE;
#[cfg(all(test, unix))]
pub(crate) use unix::BACKGROUND;

/// The interval at which the clock, the cancel function and the signals are
/// checked. The C API promises 100 ms for `cancel_fn`.
const TICK: Duration = Duration::from_millis(50);

/// The columns of a terminal that does not know its size.
const DEFAULT_COLUMNS: usize = 80;

/// Why there is no terminal to prompt on, as a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable(&'static str);

const DUMB_TERMINAL: Unavailable = Unavailable("TERM is `dumb`");
const STDIN_NOT_TERMINAL: Unavailable = Unavailable("standard input is not a terminal");
const STDERR_NOT_TERMINAL: Unavailable = Unavailable("standard error is not a terminal");

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a terminal could not be opened for a prompt.
#[derive(Debug)]
pub(crate) enum OpenError {
    Unavailable(Unavailable),
    /// Another prompt of this process is open.
    Busy,
    Failed(io::Error),
}

/// Why reading a line failed.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// Ctrl-C or Ctrl-\.
    Interrupted,
    /// Ctrl-D; Ctrl-Z on Windows.
    EndOfInput,
    TimedOut,
    /// The caller's cancel function returned true.
    Cancelled,
    /// The terminal was closed.
    HungUp,
    Failed(io::Error),
}

/// How long a prompt may wait.
pub(crate) struct Wait<'a> {
    pub until: Option<Instant>,
    pub cancel: &'a dyn Fn() -> bool,
}

impl Wait<'_> {
    /// The time to sleep now, unless the waiting is over.
    fn tick(&self) -> Result<Duration, ReadError> {
        if (self.cancel)() {
            return Err(ReadError::Cancelled);
        }
        let left = match self.until {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => TICK,
        };
        if left.is_zero() {
            return Err(ReadError::TimedOut);
        }
        Ok(left.min(TICK))
    }
}

/// One line of input.
pub(crate) enum Entry {
    Line(WipedBytes),
    /// A line of so many bytes, more than `MAX_LINE`. It was dropped.
    TooLong(usize),
}

/// Why a prompt on the terminal is impossible; `None` if it is possible.
pub(crate) fn unavailable(dumb: bool) -> Option<Unavailable> {
    match dumb {
        true => Some(DUMB_TERMINAL),
        false => platform::unavailable(),
    }
}

/// The controlling terminal with echo, line editing and signal characters off.
/// Dropping it restores the terminal.
pub(crate) struct Terminal {
    tty: platform::Tty,
    typed: TypeAhead,
}

impl Terminal {
    /// Turns echo off. Input that was typed before is discarded: it was not meant
    /// for this prompt, and was visible.
    pub(crate) fn open(dumb: bool) -> Result<Terminal, OpenError> {
        if let Some(reason) = unavailable(dumb) {
            return Err(OpenError::Unavailable(reason));
        }
        Ok(Terminal {
            tty: platform::Tty::open()?,
            typed: TypeAhead::default(),
        })
    }

    /// The columns of the terminal.
    pub(crate) fn columns(&self) -> usize {
        self.tty.columns().unwrap_or(DEFAULT_COLUMNS)
    }

    /// Shows a text.
    pub(crate) fn write(&mut self, text: &str, wait: &Wait) -> Result<(), ReadError> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.tty.write(rest)? {
                0 => self.tty.wait_writable(wait.tick()?)?,
                n => rest = &rest[n..],
            }
        }
        Ok(())
    }

    /// Shows the prompt and reads a line, hidden unless `visible`. A visible line
    /// shows only its first characters, because a key may be pasted by mistake.
    pub(crate) fn read_line(
        &mut self,
        prompt: &str,
        visible: bool,
        wait: &Wait,
    ) -> Result<Entry, ReadError> {
        let entry = self.edit_line(prompt, visible, wait);
        // The next text begins on a new line. This fails only if the terminal is
        // gone, which its next use reports.
        let patient = Wait {
            until: Some(Instant::now() + TICK),
            cancel: &|| false,
        };
        let _ = self.write("\n", &patient);
        entry
    }

    fn edit_line(&mut self, prompt: &str, visible: bool, wait: &Wait) -> Result<Entry, ReadError> {
        let mut line = Line::new();
        let mut shown = String::new();
        self.write(prompt, wait)?;
        loop {
            match self.next_byte(wait)? {
                ControlFlow::Continue(None) => {}
                ControlFlow::Continue(Some(byte)) => {
                    match line.press(byte, self.tty.control_chars()) {
                        Press::Edited => {
                            if visible {
                                let now = line.preview();
                                self.write(&redraw(&shown, &now), wait)?;
                                shown = now;
                            }
                        }
                        Press::Enter => return Ok(line.finish()),
                        Press::Interrupt => return Err(ReadError::Interrupted),
                        Press::End => return Err(ReadError::EndOfInput),
                        Press::Suspend => {
                            self.typed.clear();
                            self.write("\n", wait)?;
                            self.tty.suspend();
                            self.resume(prompt, &mut line, &mut shown, wait)?;
                        }
                    }
                }
                // Stopped and continued from outside, or sent to the background.
                ControlFlow::Break(()) => self.resume(prompt, &mut line, &mut shown, wait)?,
            }
        }
    }

    /// Waits for the foreground, turns echo off and starts the line again: the
    /// user cannot see what was typed before the stop.
    fn resume(
        &mut self,
        prompt: &str,
        line: &mut Line,
        shown: &mut String,
        wait: &Wait,
    ) -> Result<(), ReadError> {
        self.typed.clear();
        line.clear();
        shown.clear();
        while self.tty.was_interrupted()? {
            std::thread::sleep(wait.tick()?);
        }
        self.tty.hide().map_err(ReadError::Failed)?;
        self.write(prompt, wait)
    }

    /// The next byte; `None` if nothing was typed in this tick. Breaks if the
    /// terminal was restored and must be hidden again.
    fn next_byte(&mut self, wait: &Wait) -> Result<ControlFlow<(), Option<u8>>, ReadError> {
        if self.typed.is_empty() {
            let nap = wait.tick()?;
            if self.tty.was_interrupted()? {
                return Ok(ControlFlow::Break(()));
            }
            self.typed.len = self.tty.read(&mut self.typed.bytes[..], nap)?;
        }
        Ok(ControlFlow::Continue(self.typed.next()))
    }
}

/// Bytes read but not used yet.
struct TypeAhead {
    /// On the heap, where moving the terminal leaves no copy behind.
    bytes: WipedBytes,
    next: usize,
    len: usize,
}

impl Default for TypeAhead {
    fn default() -> TypeAhead {
        TypeAhead {
            bytes: WipedBytes::new(vec![0; 1024]),
            next: 0,
            len: 0,
        }
    }
}

impl TypeAhead {
    fn is_empty(&self) -> bool {
        self.next == self.len
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes[..self.len].get(self.next)?;
        self.next += 1;
        if self.is_empty() {
            self.clear();
        }
        Some(byte)
    }

    fn clear(&mut self) {
        self.bytes.as_mut_slice().zeroize();
        (self.next, self.len) = (0, 0);
    }
}

/// The text that replaces `old`, which is before the cursor, by `new`.
fn redraw(old: &str, new: &str) -> String {
    match new.strip_prefix(old) {
        Some(added) => added.to_owned(),
        // The menu takes full-width digits, which cover two columns.
        None => "\u{8} \u{8}".repeat(columns(old)) + new,
    }
}
