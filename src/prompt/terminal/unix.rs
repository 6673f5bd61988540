//! The controlling terminal, and its attributes.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use libc::termios;

use super::line::ControlChars;
use super::signals::{self, Guard, with_state};
use super::{OpenError, ReadError, Unavailable};

pub(super) fn unavailable() -> Option<Unavailable> {
    // Not `io::stdin()`: that allocates a buffer which the process never frees.
    // SAFETY: a system call without preconditions.
    if unsafe { libc::isatty(libc::STDIN_FILENO) } != 1 {
        return Some(Unavailable::StdinNotTerminal);
    }
    if !io::stderr().is_terminal() {
        return Some(Unavailable::StderrNotTerminal);
    }
    match open_tty().and_then(|tty| in_foreground(tty.as_raw_fd())) {
        Ok(true) => None,
        Ok(false) => Some(Unavailable::Background),
        Err(_) => Some(Unavailable::NoControllingTerminal),
    }
}

/// Non-blocking is a property of this open file alone: nobody else's reads and
/// writes are affected, and ours never wait where the clock cannot be seen.
/// (std adds O_CLOEXEC.)
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

/// Who a stop is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// This process, which was sent SIGTSTP.
    Process,
    /// The job, whose user pressed Ctrl-Z.
    Group,
}

/// The terminal with the attributes of a prompt.
pub(super) struct Tty {
    file: File,
    guard: Guard,
    keys: ControlChars,
    /// Signals are blocked on the thread that opened it; so it stays there.
    _not_send: PhantomData<*const ()>,
}

impl Tty {
    pub(super) fn open() -> Result<Tty, OpenError> {
        let guard = Guard::install().ok_or(OpenError::Busy)?;
        let mut tty = Tty {
            file: open_tty().map_err(OpenError::Failed)?,
            guard,
            keys: ControlChars::default(),
            _not_send: PhantomData,
        };
        tty.hide().map_err(OpenError::Failed)?;
        Ok(tty)
    }

    pub(super) fn keys(&self) -> &ControlChars {
        &self.keys
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

    /// Takes the terminal over, or makes sure that it still is.
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
            // A signal must find what to undo before there is something to.
            let hidden = hidden(&shown);
            let takeover = Takeover { fd, shown, hidden };
            state.takeover = Some(takeover);
            set_attributes(fd, &hidden)?;
            // `tcsetattr` succeeds when it could change anything at all.
            if attributes(fd)?.c_lflag & (libc::ECHO | libc::ECHONL) != 0 {
                takeover.undo();
                state.takeover = None;
                return Err(io::Error::other("cannot disable terminal echo"));
            }
            Ok(shown)
        })?;
        self.keys = keys(&shown);
        Ok(())
    }

    fn give_back(&self) {
        with_state(|state| {
            if let Some(takeover) = state.takeover.take() {
                takeover.undo();
            }
        });
    }

    pub(super) fn stop(&mut self, who: Who) {
        self.give_back();
        self.guard.stop(who == Who::Group);
    }

    /// True if something happened after which the terminal must be taken over
    /// again. If that was the wish to stop, the stop is over.
    pub(super) fn was_interrupted(&mut self) -> Result<bool, ReadError> {
        if with_state(|state| state.dying) {
            return Err(ReadError::Failed(signals::dying()));
        }
        if self.guard.take_stop_asked() {
            self.stop(Who::Process);
            return Ok(true);
        }
        if !self.in_foreground()? {
            self.give_back();
            return Ok(true);
        }
        Ok(self.guard.take_continued())
    }

    /// What has been typed, after at most `nap`; 0 bytes for nothing.
    pub(super) fn read(&mut self, buffer: &mut [u8], nap: Duration) -> Result<usize, ReadError> {
        self.nap(libc::POLLIN, nap)?;
        match self.file.read(buffer) {
            Ok(0) => Err(ReadError::HungUp),
            Ok(n) => Ok(n),
            Err(e) if nothing_yet(&e) => Ok(0),
            // Also what a read from the background gives: the next tick sees.
            Err(e) if e.raw_os_error() == Some(libc::EIO) => match self.in_foreground()? {
                true => Err(ReadError::HungUp),
                false => Ok(0),
            },
            Err(e) => Err(ReadError::Failed(e)),
        }
    }

    /// Writes what the terminal takes now, which may be nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        match self.file.write(bytes) {
            Ok(n) => Ok(n),
            Err(e) if nothing_yet(&e) => Ok(0),
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
        // Rounded up, so that the last nap does not become a busy loop.
        let millis = nap.as_micros().div_ceil(1000) as libc::c_int;
        // SAFETY: one initialised element, as the count says.
        match unsafe { libc::poll(&mut poll, 1, millis) } {
            -1 => match io::Error::last_os_error() {
                e if nothing_yet(&e) => Ok(()),
                e => Err(ReadError::Failed(e)),
            },
            // macOS cannot poll /dev/tty; there we look every few moments.
            _ if poll.revents & libc::POLLNVAL != 0 => {
                std::thread::sleep(nap.min(Duration::from_millis(20)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Tty {
    /// Also on the way of a panic. Gives the terminal back before the guard's
    /// own drop stops guarding it.
    fn drop(&mut self) {
        self.give_back();
    }
}

fn nothing_yet(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// A terminal whose attributes are ours for now.
#[derive(Clone, Copy)]
pub(super) struct Takeover {
    fd: RawFd,
    shown: termios,
    hidden: termios,
}

impl Takeover {
    /// Puts the attributes back. Called from signal handlers as well.
    ///
    /// In the background the terminal belongs to somebody else, who may have
    /// set it for their own use; then it is left alone.
    pub(super) fn undo(&self) {
        let is_ours = || attributes(self.fd).is_ok_and(|found| same(&found, &self.hidden));
        if in_foreground(self.fd).unwrap_or(false) || is_ours() {
            // There is nobody to tell if it fails: then the terminal is gone.
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

/// Sets the attributes and drops what was typed but not read: it was meant for
/// other eyes. Not with TCSAFLUSH, which would first wait for the output to
/// drain, for ever if the user had stopped it.
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

/// The attributes of a prompt: bytes come as typed, when typed, and unseen.
/// Output stays as it is. Without IXON, output that the user stopped goes on.
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

fn keys(shown: &termios) -> ControlChars {
    // "No such key" is 0 on Linux and 255 elsewhere; no keyboard sends either.
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
