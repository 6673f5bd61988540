//! The console of a Windows process.
//!
//! It differs from a Unix terminal in four ways:
//!
//! * Keys are read as events, because reading characters waits without a limit
//!   after an event without a character, such as a resized window.
//! * Ctrl-Z is the end of input. There is no job control.
//! * Ctrl-Break and the end of the session cannot be read. A handler restores the
//!   console, and leaves their effect to the program.
//! * The console can be set to hide input by one prompt of this process only.

mod handler;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_INVALID_HANDLE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED, WAIT_FAILED,
};
use windows_sys::Win32::System::Console::*;
use windows_sys::Win32::System::Threading::WaitForSingleObject;

use super::control_chars::ControlChars;
use super::{OpenError, ReadError, STDERR_NOT_TERMINAL, STDIN_NOT_TERMINAL, Unavailable};
use handler::Guard;

const NO_CONSOLE: Unavailable = Unavailable("the process has no console");

/// Those that a Windows user knows, and those of a Unix terminal that have no
/// other meaning there. Backspace is known to the line editing itself.
const CONTROL_CHARS: ControlChars = ControlChars {
    interrupt: 0x03,  // Ctrl-C
    quit: 0x1c,       // Ctrl-\
    suspend: 0,       // none
    end: 0x1a,        // Ctrl-Z
    erase: 0,         // none but Backspace
    kill: 0x15,       // Ctrl-U
    word_erase: 0x17, // Ctrl-W
};

/// What the console must not do during a prompt: show input, edit it, take Ctrl-C
/// from it, or turn keys into escape sequences.
const VISIBLE: CONSOLE_MODE = ENABLE_ECHO_INPUT
    | ENABLE_LINE_INPUT
    | ENABLE_PROCESSED_INPUT
    | ENABLE_VIRTUAL_TERMINAL_INPUT
    | ENABLE_MOUSE_INPUT
    | ENABLE_WINDOW_INPUT;

/// The events that are read at once.
const EVENTS: usize = 64;

/// The most bytes that one event stands for in UTF-8.
const EVENT_BYTES: usize = 4;

/// The UTF-16 units that are written at once.
const OUTPUT_UNITS: usize = 4096;

pub(super) fn unavailable() -> Option<Unavailable> {
    if !is_console(STD_INPUT_HANDLE) {
        return Some(STDIN_NOT_TERMINAL);
    }
    if !is_console(STD_ERROR_HANDLE) {
        return Some(STDERR_NOT_TERMINAL);
    }
    open("CONIN$")
        .and_then(|_| open("CONOUT$"))
        .err()
        .map(|_| NO_CONSOLE)
}

/// Whether a standard stream is a console; a redirected one is not.
fn is_console(stream: STD_HANDLE) -> bool {
    // SAFETY: a system call without preconditions.
    let handle = unsafe { GetStdHandle(stream) };
    mode(handle).is_ok()
}

/// Opens the console itself, whatever the standard streams are.
fn open(name: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(name)
}

/// The console with the modes of a prompt.
pub(super) struct Tty {
    /// Dropped first: it restores the modes through the handles below.
    guard: Guard,
    input: File,
    output: File,
    /// The first half of a character outside of the basic plane.
    high: Option<u16>,
    /// The keys that were read last. Wiped after each use.
    events: Box<[INPUT_RECORD; EVENTS]>,
    /// A prompt stays on the thread that opened it, as on Unix.
    _not_send: PhantomData<*const ()>,
}

impl Tty {
    pub(super) fn open() -> Result<Tty, OpenError> {
        let guard = Guard::install().map_err(OpenError::Failed)?;
        let mut tty = Tty {
            guard: guard.ok_or(OpenError::Busy)?,
            input: open("CONIN$").map_err(OpenError::Failed)?,
            output: open("CONOUT$").map_err(OpenError::Failed)?,
            high: None,
            // SAFETY: an all-zero event is a valid value.
            events: Box::new(unsafe { std::mem::zeroed() }),
            _not_send: PhantomData,
        };
        tty.hide().map_err(OpenError::Failed)?;
        Ok(tty)
    }

    pub(super) fn control_chars(&self) -> &ControlChars {
        &CONTROL_CHARS
    }

    /// The width of the window.
    pub(super) fn columns(&self) -> Option<usize> {
        // SAFETY: an all-zero structure is a valid value.
        let mut found: CONSOLE_SCREEN_BUFFER_INFO = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is open, and the pointer is to a whole structure.
        if unsafe { GetConsoleScreenBufferInfo(self.output.as_raw_handle(), &mut found) } == 0 {
            return None;
        }
        let columns = found.srWindow.Right.checked_sub(found.srWindow.Left)?;
        usize::try_from(columns).ok().map(|columns| columns + 1)
    }

    /// Sets the modes of a prompt, unless they are still set, and discards what was
    /// typed before.
    pub(super) fn hide(&mut self) -> io::Result<()> {
        self.high = None;
        let (input, output) = (self.input.as_raw_handle(), self.output.as_raw_handle());
        self.guard.take_over(Takeover {
            input: Change::of(input, |mode| mode & !VISIBLE)?,
            output: Change::of(output, |mode| {
                mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING
            })?,
        })
    }

    /// A console cannot stop a process. No key asks for it.
    pub(super) fn suspend(&mut self) {}

    /// Whether the modes must be set again: the handler has restored them, and the
    /// program has gone on.
    pub(super) fn was_interrupted(&mut self) -> Result<bool, ReadError> {
        Ok(self.guard.was_restored())
    }

    /// Reads what was typed, and waits for it at most for `nap`. 0 if nothing was
    /// typed.
    pub(super) fn read(&mut self, buffer: &mut [u8], nap: Duration) -> Result<usize, ReadError> {
        let handle = self.input.as_raw_handle();
        // Rounded up: a timeout of 0 would make a busy loop.
        let millis = nap.as_micros().div_ceil(1000) as u32;
        // SAFETY: the handle is open for the call.
        if unsafe { WaitForSingleObject(handle, millis) } == WAIT_FAILED {
            return Err(last_error());
        }
        let mut count = 0;
        // SAFETY: the handle is open, and the pointer is live.
        check(unsafe { GetNumberOfConsoleInputEvents(handle, &mut count) })?;
        let room = EVENTS.min(buffer.len() / EVENT_BYTES) as u32;
        let wanted = count.min(room);
        if wanted == 0 {
            return Ok(0);
        }
        let events = self.events.as_mut_ptr();
        // SAFETY: the handle is open, and the array has room for so many events.
        check(unsafe { ReadConsoleInputW(handle, events, wanted, &mut count) })?;
        let mut used = 0;
        for index in 0..EVENTS.min(count as usize) {
            let (unit, repeat) = character(&self.events[index]);
            for _ in 0..repeat {
                used += self.push(unit, &mut buffer[used..]);
            }
        }
        // SAFETY: all zeros is a valid value of the array.
        unsafe { zeroize::zeroize_flat_type(&raw mut *self.events) };
        Ok(used)
    }

    /// Adds a UTF-16 unit as UTF-8. Returns the number of bytes; 0 for the first
    /// half of a character, and where there is no room.
    fn push(&mut self, unit: u16, buffer: &mut [u8]) -> usize {
        let high = self.high.take();
        let units = high.into_iter().chain([unit]);
        let decoded = char::decode_utf16(units).last();
        match decoded {
            Some(Ok(c)) if buffer.len() >= EVENT_BYTES => c.encode_utf8(buffer).len(),
            Some(Err(_)) if (0xd800..0xdc00).contains(&unit) => {
                self.high = Some(unit);
                0
            }
            _ => 0,
        }
    }

    /// Writes the beginning of a text, and returns the number of its bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(ReadError::Failed(io::Error::other(error))),
        };
        // A UTF-8 text has no fewer bytes than UTF-16 units.
        let cut = (0..=OUTPUT_UNITS.min(text.len())).rev();
        let end = cut.into_iter().find(|&end| text.is_char_boundary(end));
        let text = &text[..end.unwrap_or_default()];
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut rest = &units[..];
        while !rest.is_empty() {
            let mut written = 0;
            let (handle, length) = (self.output.as_raw_handle(), rest.len() as u32);
            // SAFETY: the handle is open, and the text is as long as stated.
            check(unsafe {
                WriteConsoleW(
                    handle,
                    rest.as_ptr(),
                    length,
                    &mut written,
                    std::ptr::null(),
                )
            })?;
            rest = &rest[rest.len().min(written as usize)..];
        }
        Ok(text.len())
    }

    /// A console takes all that is written.
    pub(super) fn wait_writable(&mut self, nap: Duration) -> Result<(), ReadError> {
        std::thread::sleep(nap);
        Ok(())
    }
}

/// The character of an event, and how often it was typed; 0 times for an event
/// without a character.
fn character(event: &INPUT_RECORD) -> (u16, u16) {
    /// Alt, released after a character was typed by its number.
    const ALT: u16 = 0x12;
    if u32::from(event.EventType) != KEY_EVENT {
        return (0, 0);
    }
    // SAFETY: the type says that this member is set, and its character is a number.
    let (key, unit) = unsafe { (event.Event.KeyEvent, event.Event.KeyEvent.uChar.UnicodeChar) };
    let is_typed = key.bKeyDown != 0 || key.wVirtualKeyCode == ALT;
    match unit != 0 && is_typed {
        true => (unit, key.wRepeatCount.max(1)),
        false => (0, 0),
    }
}

/// The modes of one side of the console, before and during a prompt.
#[derive(Clone, Copy)]
struct Change {
    /// A raw handle as a number, for the handler's thread.
    handle: usize,
    shown: CONSOLE_MODE,
    hidden: CONSOLE_MODE,
}

impl Change {
    fn of(handle: RawHandle, hidden: impl Fn(CONSOLE_MODE) -> CONSOLE_MODE) -> io::Result<Change> {
        let shown = mode(handle)?;
        Ok(Change {
            handle: handle as usize,
            shown,
            hidden: hidden(shown),
        })
    }

    fn set(&self, mode: CONSOLE_MODE) -> io::Result<()> {
        // SAFETY: the handle is open while there is a prompt.
        match unsafe { SetConsoleMode(self.handle as RawHandle, mode) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// A console with the modes of a prompt, and how to restore it.
#[derive(Clone, Copy)]
struct Takeover {
    input: Change,
    output: Change,
}

impl Takeover {
    fn apply(&self) -> io::Result<()> {
        self.discard_input();
        self.input.set(self.input.hidden)?;
        if mode(self.input.handle as RawHandle)? & ENABLE_ECHO_INPUT != 0 {
            return Err(io::Error::other("cannot disable console echo"));
        }
        // A console without escape sequences shows the prompt all the same.
        let _ = self.output.set(self.output.hidden);
        Ok(())
    }

    /// Restores the modes. It fails only if the console is gone.
    fn undo(&self) {
        self.discard_input();
        let _ = self.input.set(self.input.shown);
        let _ = self.output.set(self.output.shown);
    }

    /// What was typed and not read is not for this prompt, or not for what follows.
    fn discard_input(&self) {
        // SAFETY: the handle is open while there is a prompt.
        unsafe { FlushConsoleInputBuffer(self.input.handle as RawHandle) };
    }
}

fn mode(handle: RawHandle) -> io::Result<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the pointer is live; a handle that is no console gives an error.
    match unsafe { GetConsoleMode(handle, &mut mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(mode),
    }
}

fn check(result: i32) -> Result<(), ReadError> {
    match result {
        0 => Err(last_error()),
        _ => Ok(()),
    }
}

/// The error of the last call. A console that was closed is not there any more.
fn last_error() -> ReadError {
    const CLOSED: [u32; 4] = [
        ERROR_INVALID_HANDLE,
        ERROR_BROKEN_PIPE,
        ERROR_NO_DATA,
        ERROR_PIPE_NOT_CONNECTED,
    ];
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(code) if CLOSED.contains(&code.cast_unsigned()) => ReadError::HungUp,
        _ => ReadError::Failed(error),
    }
}
