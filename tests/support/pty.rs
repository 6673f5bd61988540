//! A pseudo-terminal to run a program on, as a human would: type, wait for a
//! text, look at the terminal's attributes.
//!
//! Not a test by itself. Unit tests and integration tests include it by path.

#![allow(unreachable_pub)] // several test binaries share this file
#![allow(dead_code)] // each uses its own part of this

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Long enough for the slowest machine; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Pty {
    /// The human's side.
    master: File,
    /// The program's side, kept open so that its attributes can be read after
    /// the program is gone.
    slave: File,
    seen: Vec<u8>,
    /// Up to where `expect` has looked.
    looked: usize,
}

impl Pty {
    pub fn open() -> Pty {
        // `ptsname` answers in a buffer that all threads share.
        static NAMING: Mutex<()> = Mutex::new(());
        let at_once = if cfg!(target_os = "linux") {
            libc::O_CLOEXEC
        } else {
            0
        };
        // SAFETY: the descriptor is new and owned from here on; the name is
        // copied while the lock keeps others from asking for theirs.
        let (master, name) = unsafe {
            let fd = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | at_once);
            assert!(fd >= 0, "posix_openpt");
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            assert_eq!((libc::grantpt(fd), libc::unlockpt(fd)), (0, 0));
            let _naming = NAMING.lock().unwrap_or_else(|e| e.into_inner());
            let name = std::ffi::CStr::from_ptr(libc::ptsname(fd));
            (
                File::from_raw_fd(fd),
                name.to_str().expect("a path").to_owned(),
            )
        };
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(name)
            .expect("the other side");
        Pty {
            master,
            slave,
            seen: Vec::new(),
            looked: 0,
        }
    }

    /// Lets the command run in a session of its own with this as its controlling
    /// terminal and standard streams, and with default signal dispositions
    /// whatever the test runner's are. Streams can be redirected afterwards.
    pub fn attach<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let stream = || self.slave.try_clone().expect("a descriptor");
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let fd = self.slave.as_raw_fd();
        // SAFETY: only system calls between fork and exec.
        unsafe {
            command.pre_exec(move || {
                for signal in 1..32 {
                    libc::signal(signal, libc::SIG_DFL);
                }
                let none = libc::rlimit {
                    rlim_cur: 0,
                    rlim_max: 0,
                };
                libc::setrlimit(libc::RLIMIT_CORE, &none);
                libc::setsid();
                match libc::ioctl(fd, libc::TIOCSCTTY as _, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            })
        }
    }

    /// The terminal's attributes, byte for byte.
    pub fn attributes(&self) -> Vec<u8> {
        let found = self.termios();
        // SAFETY: plain integers, and padding that `termios` zeroed.
        let bytes = unsafe {
            std::slice::from_raw_parts((&raw const found).cast::<u8>(), size_of_val(&found))
        };
        bytes.to_vec()
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        self.termios().c_lflag & libc::ECHO != 0
    }

    fn termios(&self) -> libc::termios {
        // SAFETY: all zeros is a valid `termios`, which `tcgetattr` fills.
        unsafe {
            let mut found = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(self.slave.as_raw_fd(), &mut found), 0);
            found
        }
    }

    /// Changes the attributes, as `stty` would.
    pub fn change(&self, change: impl FnOnce(&mut libc::termios)) {
        let mut attributes = self.termios();
        change(&mut attributes);
        // SAFETY: an open descriptor and an initialised struct.
        let result = unsafe { libc::tcsetattr(self.slave.as_raw_fd(), libc::TCSANOW, &attributes) };
        assert_eq!(result, 0);
    }

    /// Sets the width, as a terminal emulator does. A new one has the width 0,
    /// which means unknown.
    pub fn resize(&self, columns: u16) {
        let size = libc::winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: an open descriptor and an initialised struct.
        let result = unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(result, 0);
    }

    pub fn send(&mut self, keys: impl AsRef<[u8]>) {
        self.master.write_all(keys.as_ref()).expect("typing");
    }

    /// Waits for a text after the one waited for before.
    pub fn expect(&mut self, text: &str) {
        let start = Instant::now();
        loop {
            let rest = &self.seen[self.looked..];
            if let Some(at) = rest.windows(text.len()).position(|w| w == text.as_bytes()) {
                self.looked += at + text.len();
                return;
            }
            if start.elapsed() > PATIENCE {
                panic!("{text:?} did not appear; seen: {:?}", self.seen());
            }
            self.receive(Duration::from_millis(100));
        }
    }

    /// All that the terminal has shown so far.
    pub fn seen(&mut self) -> String {
        while self.receive(Duration::ZERO) {}
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    fn receive(&mut self, wait: Duration) -> bool {
        let mut poll = libc::pollfd {
            fd: self.master.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one initialised element.
        if unsafe { libc::poll(&mut poll, 1, wait.as_millis() as libc::c_int) } < 1 {
            return false;
        }
        let mut bytes = [0; 4096];
        match self.master.read(&mut bytes) {
            Ok(n) => {
                self.seen.extend_from_slice(&bytes[..n]);
                n > 0
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => true,
            Err(_) => false,
        }
    }

    /// Pulls the plug.
    pub fn hang_up(self) {}
}

/// Waits until something holds that no text announces.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not so in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for the program's end.
pub fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_until("the program has ended", || {
        status = child.try_wait().expect("a child to wait for");
        status.is_some()
    });
    status.expect("a status")
}

pub fn kill(pid: u32, signal: libc::c_int) {
    // SAFETY: `kill` has no preconditions.
    assert_eq!(unsafe { libc::kill(pid as libc::pid_t, signal) }, 0);
}
