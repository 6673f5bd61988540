//! The controlling terminal, and its attributes.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use libc::termios;

use super::control_chars::ControlChars;
use super::signals::{self, Guard, with_state};
use super::{OpenError, ReadError, STDERR_NOT_TERMINAL, STDIN_NOT_TERMINAL, Unavailable};

const NO_CONTROLLING_TERMINAL: Unavailable = Unavailable("the process has no controlling terminal");
pub(crate) const BACKGROUND: Unavailable =
    Unavailable("the process runs in the background of its terminal");

pub(super) fn unavailable() -> Option<Unavailable> {
    // Not `io::stdin()`: that allocates a buffer which the process never frees.
    // SAFETY: a system call without preconditions.
    if unsafe { libc::isatty(libc::STDIN_FILENO) } != 1 {
        return Some(STDIN_NOT_TERMINAL);
    }
    if !io::stderr().is_terminal() {
        return Some(STDERR_NOT_TERMINAL);
    }
    match open_tty().and_then(|tty| in_foreground(tty.as_raw_fd())) {
        Ok(true) => None,
        Ok(false) => Some(BACKGROUND),
        Err(_) => Some(NO_CONTROLLING_TERMINAL),
    }
}

/// Opens the terminal again, non-blocking, so that each wait has a time limit.
/// Other open descriptors of the terminal stay blocking. (std adds O_CLOEXEC.)
fn open_tty() -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
        .open("/dev/tty")
}

fn in_foreground(tty: RawFd) -> io::Result<bool> {
    // SAFETY: a system call without preconditions.
    match unsafe { libc::tcgetpgrp(tty) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: a system call without preconditions.
        group => Ok(group == unsafe { libc::getpgrp() }),
    }
}

/// What is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StopScope {
    /// This process, after SIGTSTP from another process.
    Process,
    /// The foreground process group, after Ctrl-Z.
    Group,
}

/// The terminal with the attributes of a prompt.
pub(super) struct Tty {
    file: File,
    guard: Guard,
    control_chars: ControlChars,
    /// Signals are blocked on the thread that opened it, so it must not move to
    /// another thread.
    _not_send: PhantomData<*const ()>,
}

impl Tty {
    pub(super) fn open() -> Result<Tty, OpenError> {
        let guard = Guard::install().ok_or(OpenError::Busy)?;
        let mut tty = Tty {
            file: open_tty().map_err(OpenError::Failed)?,
            guard,
            control_chars: ControlChars::default(),
            _not_send: PhantomData,
        };
        tty.hide().map_err(OpenError::Failed)?;
        Ok(tty)
    }

    pub(super) fn control_chars(&self) -> &ControlChars {
        &self.control_chars
    }

    /// The width of the terminal, if it knows it.
    pub(super) fn columns(&self) -> Option<usize> {
        let mut size = MaybeUninit::<libc::winsize>::uninit();
        // SAFETY: `TIOCGWINSZ` fills the struct when it returns 0.
        match unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()) } {
            // SAFETY: it returned 0.
            0 => Some(unsafe { size.assume_init() }.ws_col.into()).filter(|&columns| columns > 0),
            _ => None,
        }
    }

    fn in_foreground(&self) -> Result<bool, ReadError> {
        in_foreground(self.file.as_raw_fd()).map_err(|_| ReadError::HungUp)
    }

    /// Sets the attributes of a prompt, unless they are still set.
    pub(super) fn hide(&mut self) -> io::Result<()> {
        let fd = self.file.as_raw_fd();
        let shown = with_state(|state| {
            if state.dying {
                return Err(signals::dying());
            }
            let found = attributes(fd)?;
            let shown = match &state.takeover {
                Some(takeover) if same(&found, &takeover.hidden) => takeover.shown,
                _ => found,
            };
            // Recorded first: a signal may arrive right after the change.
            let hidden = hidden(&shown);
            let takeover = Takeover { fd, shown, hidden };
            state.takeover = Some(takeover);
            set_attributes(fd, &hidden)?;
            // `tcsetattr` succeeds if it changed at least one attribute.
            if attributes(fd)?.c_lflag & (libc::ECHO | libc::ECHONL) != 0 {
                takeover.undo();
                state.takeover = None;
                return Err(io::Error::other("cannot disable terminal echo"));
            }
            Ok(shown)
        })?;
        self.control_chars = ControlChars::of(&shown);
        Ok(())
    }

    fn restore(&self) {
        with_state(|state| {
            if let Some(takeover) = state.takeover.take() {
                takeover.undo();
            }
        });
    }

    /// Stops the foreground process group, after Ctrl-Z.
    pub(super) fn suspend(&mut self) {
        self.stop(StopScope::Group);
    }

    fn stop(&mut self, scope: StopScope) {
        self.restore();
        self.guard.stop(scope == StopScope::Group);
    }

    /// Whether the terminal must be hidden again: the process was stopped and
    /// continued, or is in the background. Stops the process if that was
    /// requested.
    pub(super) fn was_interrupted(&mut self) -> Result<bool, ReadError> {
        if with_state(|state| state.dying) {
            return Err(ReadError::Failed(signals::dying()));
        }
        if self.guard.take_stop_request() {
            self.stop(StopScope::Process);
            return Ok(true);
        }
        if !self.in_foreground()? {
            self.restore();
            return Ok(true);
        }
        Ok(self.guard.take_continued())
    }

    /// Reads what was typed, and waits for it at most for `nap`. 0 if nothing was
    /// typed.
    pub(super) fn read(&mut self, buffer: &mut [u8], nap: Duration) -> Result<usize, ReadError> {
        self.nap(libc::POLLIN, nap)?;
        match self.file.read(buffer) {
            Ok(0) => Err(ReadError::HungUp),
            Ok(n) => Ok(n),
            Err(e) if is_not_ready(&e) => Ok(0),
            // A read from the background fails in this way too.
            Err(e) if e.raw_os_error() == Some(libc::EIO) => match self.in_foreground()? {
                true => Err(ReadError::HungUp),
                false => Ok(0),
            },
            Err(e) => Err(ReadError::Failed(e)),
        }
    }

    /// Writes what the terminal accepts now; 0 if it accepts nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        match self.file.write(bytes) {
            Ok(n) => Ok(n),
            Err(e) if is_not_ready(&e) => Ok(0),
            Err(e) if e.raw_os_error() == Some(libc::EIO) => Err(ReadError::HungUp),
            Err(e) => Err(ReadError::Failed(e)),
        }
    }

    pub(super) fn wait_writable(&mut self, nap: Duration) -> Result<(), ReadError> {
        self.nap(libc::POLLOUT, nap)
    }

    /// Sleeps until the terminal is ready, or for `nap`.
    fn nap(&self, events: libc::c_short, nap: Duration) -> Result<(), ReadError> {
        let mut poll = libc::pollfd {
            fd: self.file.as_raw_fd(),
            events,
            revents: 0,
        };
        // Rounded up: a timeout of 0 would make a busy loop.
        let millis = nap.as_micros().div_ceil(1000) as libc::c_int;
        // SAFETY: one initialised element, as the count says.
        match unsafe { libc::poll(&mut poll, 1, millis) } {
            -1 => match io::Error::last_os_error() {
                e if is_not_ready(&e) => Ok(()),
                e => Err(ReadError::Failed(e)),
            },
            // macOS cannot poll /dev/tty.
            _ if poll.revents & libc::POLLNVAL != 0 => {
                std::thread::sleep(nap.min(Duration::from_millis(20)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Tty {
    /// Restores the terminal, also in a panic, before the guard is dropped.
    fn drop(&mut self) {
        self.restore();
    }
}

impl ControlChars {
    /// Those of a terminal.
    pub(super) fn of(shown: &libc::termios) -> ControlChars {
        // A disabled control character is 0 on Linux and 255 on other systems.
        let key = |index: usize| match shown.c_cc[index] {
            0xff => 0,
            key => key,
        };
        ControlChars {
            interrupt: key(libc::VINTR),
            quit: key(libc::VQUIT),
            suspend: key(libc::VSUSP),
            end: key(libc::VEOF),
            erase: key(libc::VERASE),
            kill: key(libc::VKILL),
            word_erase: key(libc::VWERASE),
        }
    }
}

fn is_not_ready(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// A terminal with the attributes of a prompt, and how to restore it.
#[derive(Clone, Copy)]
pub(super) struct Takeover {
    fd: RawFd,
    shown: termios,
    hidden: termios,
}

impl Takeover {
    /// Restores the attributes. Signal handlers call it too.
    ///
    /// In the background another program uses the terminal. Its attributes are
    /// changed then only if they are still those of the prompt.
    pub(super) fn undo(&self) {
        let is_ours = || attributes(self.fd).is_ok_and(|found| same(&found, &self.hidden));
        if in_foreground(self.fd).unwrap_or(false) || is_ours() {
            // It fails only if the terminal is gone.
            let _ = set_attributes(self.fd, &self.shown);
        }
    }
}

fn attributes(fd: RawFd) -> io::Result<termios> {
    let mut found = MaybeUninit::uninit();
    // SAFETY: `tcgetattr` fills the struct when it returns 0.
    match unsafe { libc::tcgetattr(fd, found.as_mut_ptr()) } {
        // SAFETY: it returned 0.
        0 => Ok(unsafe { found.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets the attributes and discards input that was typed but not read. TCSAFLUSH
/// would wait for pending output without a limit if the user stopped it.
fn set_attributes(fd: RawFd, attributes: &termios) -> io::Result<()> {
    // SAFETY: system calls on a descriptor and a struct that outlive them.
    match unsafe {
        libc::tcflush(fd, libc::TCIFLUSH);
        libc::tcsetattr(fd, libc::TCSANOW, attributes)
    } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The attributes of a prompt: no echo, no line editing, no conversion of input.
/// Output is not changed. Without IXON, output that the user stopped continues.
fn hidden(shown: &termios) -> termios {
    let mut hidden = *shown;
    hidden.c_lflag &= !(libc::ECHO | libc::ECHONL | libc::ICANON | libc::ISIG | libc::IEXTEN);
    hidden.c_iflag &=
        !(libc::ICRNL | libc::INLCR | libc::IGNCR | libc::ISTRIP | libc::IXON | libc::PARMRK);
    hidden.c_cc[libc::VMIN] = 1;
    hidden.c_cc[libc::VTIME] = 0;
    hidden
}

fn same(a: &termios, b: &termios) -> bool {
    (a.c_iflag, a.c_oflag, a.c_cflag, a.c_lflag, a.c_cc)
        == (b.c_iflag, b.c_oflag, b.c_cflag, b.c_lflag, b.c_cc)
}
