//! Restores the console when an event from outside ends the process while a prompt
//! is open: Ctrl-Break, a closed window, the end of the session, or Ctrl-C that
//! another process sends.
//!
//! Windows calls the handler on a thread of its own. It restores the console, and
//! leaves the event to the handlers of the program, or to the default, which ends
//! the process. Where the program goes on, the prompt starts over.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

use super::Takeover;

/// How long the end of the process may take before the prompt starts over.
const GRACE: Duration = Duration::from_millis(500);

struct State {
    /// Whether a prompt is open.
    busy: bool,
    takeover: Option<Takeover>,
    /// When the handler restored the console.
    restored: Option<Instant>,
}

static STATE: Mutex<State> = Mutex::new(State {
    busy: false,
    takeover: None,
    restored: None,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handler of the prompt that is open in this process. Dropping it restores the
/// console and removes the handler.
pub(super) struct Guard(());

impl Guard {
    /// `None` if another prompt is open.
    pub(super) fn install() -> io::Result<Option<Guard>> {
        {
            let mut state = state();
            if state.busy {
                return Ok(None);
            }
            (state.busy, state.restored) = (true, None);
        }
        let guard = Guard(());
        // SAFETY: the handler is a function that needs nothing of its thread.
        match unsafe { SetConsoleCtrlHandler(Some(on_event), 1) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(Some(guard)),
        }
    }

    /// Sets the modes of a prompt. Where they are set already, it keeps what they
    /// were before.
    pub(super) fn take_over(&mut self, mut takeover: Takeover) -> io::Result<()> {
        let mut state = state();
        if let Some(before) = &state.takeover
            && takeover.input.shown == before.input.hidden
        {
            takeover = *before;
        }
        state.restored = None;
        // Recorded first: the event may come right after the change.
        state.takeover = Some(takeover);
        takeover.apply().inspect_err(|_| {
            takeover.undo();
            state.takeover = None;
        })
    }

    /// Whether the handler has restored the console. Where the process ends, this
    /// must not hide it again first.
    pub(super) fn was_restored(&self) -> bool {
        let mut state = state();
        match state.restored {
            Some(since) if since.elapsed() >= GRACE => {
                state.restored = None;
                state.takeover = None;
                // The caller sees one more interruption, and then hides again.
                true
            }
            Some(_) => true,
            None => false,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: removes the handler that `install` has added.
        unsafe { SetConsoleCtrlHandler(Some(on_event), 0) };
        let mut state = state();
        if let Some(takeover) = state.takeover.take() {
            takeover.undo();
        }
        (state.busy, state.restored) = (false, None);
    }
}

/// Returns 0: the event is not handled.
pub(super) extern "system" fn on_event(_: u32) -> i32 {
    let mut state = state();
    if let Some(takeover) = state.takeover.take() {
        takeover.undo();
        state.restored = Some(Instant::now());
    }
    0
}
