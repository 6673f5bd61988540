//! The interface of `console.rs` for Windows, where a console shows escape
//! sequences only if it is told to.

use std::io::{IsTerminal, Result, Write};

use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetStdHandle,
    STD_ERROR_HANDLE, SetConsoleMode,
};

/// Whether standard error shows escape sequences as colors: a console of Windows 10
/// or later, or a terminal that is no console, such as that of Git for Windows.
pub(crate) fn shows_colors() -> bool {
    match mode() {
        Some(_) => EscapeSequences::enable().is_some(),
        None => std::io::stderr().is_terminal(),
    }
}

/// Writes text with or without escape sequences to standard error.
pub(crate) fn write_stderr(text: &[u8]) -> Result<()> {
    let _enabled = text.contains(&0x1b).then(EscapeSequences::enable);
    std::io::stderr().write_all(text)
}

/// Makes the console show escape sequences, until it is dropped. The program that
/// shares the console gets it back as it was.
struct EscapeSequences {
    before: CONSOLE_MODE,
}

impl EscapeSequences {
    /// `None` for a console that cannot, and where there is none.
    fn enable() -> Option<EscapeSequences> {
        let before = mode()?;
        set_mode(before | ENABLE_VIRTUAL_TERMINAL_PROCESSING).then_some(EscapeSequences { before })
    }
}

impl Drop for EscapeSequences {
    fn drop(&mut self) {
        set_mode(self.before);
    }
}

/// The mode of the console at standard error; `None` if it is no console.
fn mode() -> Option<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the pointer is live; a handle that is no console gives an error.
    let found = unsafe { GetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), &mut mode) };
    (found != 0).then_some(mode)
}

fn set_mode(mode: CONSOLE_MODE) -> bool {
    // SAFETY: a handle that is no console gives an error.
    unsafe { SetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), mode) != 0 }
}
