//! An interactive dash on a pseudo-terminal, and the program that it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;

use crate::pty::{self, Pty};
use crate::stub::{Reply, Stub};
use crate::support::{self, Home, TempDir};

/// The key that is typed: no part of any output may hold it.
pub const CANARY: &str = "cafe0123456789abcdef0123456789abcdefcafe";
/// What is there before.
pub const OLD: &str = support::KEY_2;

pub const ASKED: &str = "Paste your API key and hit enter: ";
const READY: &str = "dash> ";

pub struct Shell {
    pub pty: Pty,
    pub home: Home,
    /// The server that WANDB_BASE_URL names.
    pub server: Stub,
    dash: Child,
    _library: TempDir,
    /// The terminal's attributes before the program.
    before: Vec<u8>,
    /// Where the program's own text begins and ends.
    start: usize,
    end: usize,
}

impl Shell {
    /// A shell whose programs find these variables, and a server that knows
    /// every key. `{HOME}` stands for the home directory. None where a tool is
    /// missing, which was said.
    pub fn new(variables: &[(&str, &str)]) -> Option<Shell> {
        Shell::with_server(variables, Stub::http([Reply::viewer()]))
    }

    pub fn with_server(variables: &[(&str, &str)], server: Stub) -> Option<Shell> {
        let dash = support::tool("dash")?;
        let program = program()?;
        let home = Home::new();
        let library = support::library();
        let bin = Path::new(crate::support::wandb_login_path());
        let folders = [bin.parent(), program.parent()];
        let mut paths: Vec<PathBuf> = folders.iter().flatten().map(PathBuf::from).collect();
        let own = std::env::var_os("PATH").unwrap_or_default();
        paths.extend(std::env::split_paths(&own));
        let mut dash = home.command(dash);
        dash.arg("-i")
            .env("PS1", READY)
            .env("PATH", std::env::join_paths(paths).expect("no colons"))
            .env("LD_LIBRARY_PATH", library.path())
            .env("TERM", "xterm")
            .env("WANDB_BASE_URL", server.url("127.0.0.1"));
        let place = home.home().display().to_string();
        for (name, value) in variables {
            dash.env(name, value.replace("{HOME}", &place));
        }
        let mut pty = Pty::open();
        // No line breaks, so that tests find whole sentences.
        pty.resize(1000);
        let before = pty.attributes();
        let dash = pty.attach(&mut dash).spawn().expect("dash");
        pty.expect(READY);
        Some(Shell {
            pty,
            home,
            server,
            dash,
            _library: library,
            before,
            start: 0,
            end: 0,
        })
    }

    pub fn url(&self) -> String {
        self.server.url("127.0.0.1")
    }

    pub fn netloc(&self) -> String {
        self.url().replace("http://", "")
    }

    /// Stores a key for the server, as an earlier login did.
    pub fn with_netrc(self, key: &str) -> Shell {
        self.home.write("home/.netrc", entry(&self.netloc(), key));
        self
    }

    /// Runs a program of this project in the foreground; its standard output
    /// goes to a file.
    pub fn run(&mut self, line: &str) {
        self.run_as_typed(&format!("{line} >\"$HOME/../out\""));
    }

    pub fn run_as_typed(&mut self, line: &str) {
        let before = self.pty.seen().len();
        let typed = format!("{line}\r\n");
        self.pty.send(format!("{line}\r"));
        self.pty.expect(&typed);
        let echo = self.pty.seen()[before..].find(&typed);
        self.start = before + echo.expect("it was expected") + typed.len();
    }

    /// The hidden prompt is open.
    pub fn asked(&mut self) {
        self.pty.expect(ASKED);
        pty::wait_until("the prompt hides what is typed", || !self.pty.echoes());
    }

    /// The program ended, or stopped, and gave the terminal back, byte for byte.
    /// The shell's `$?` of it.
    pub fn exit(&mut self) -> i32 {
        self.pty.expect(READY);
        self.is_given_back();
        self.status()
    }

    /// The same where the terminal may differ.
    pub fn status(&mut self) -> i32 {
        self.end = self.pty.seen().rfind(READY).expect("it was expected");
        self.pty.send("echo code $?\r");
        self.pty.expect("code $?\r\n");
        self.pty.expect("code ");
        self.pty.expect("\r\n");
        self.pty.expect(READY);
        let seen = self.pty.seen();
        let (_, rest) = seen.rsplit_once("code ").expect("it was expected");
        let digits = rest.split("\r\n").next().expect("a line");
        let code = digits.parse().unwrap_or_else(|_| panic!("{seen:?}"));
        self.keeps_the_secret();
        code
    }

    pub fn is_given_back(&self) {
        assert_eq!(self.pty.attributes(), self.before, "the terminal differs");
    }

    /// What the program has shown on the terminal.
    pub fn shown(&mut self) -> String {
        let seen = self.pty.seen();
        let end = if self.end > self.start {
            self.end
        } else {
            seen.len()
        };
        seen[self.start..end].to_owned()
    }

    /// The same without colors, as lines.
    pub fn lines(&mut self) -> Vec<String> {
        plain(&self.shown())
    }

    /// The process of this name that runs in the terminal's session.
    pub fn pid(&self, name: &str) -> u32 {
        let session = self.dash.id().to_string();
        let mut found = None;
        pty::wait_until("the program runs", || {
            let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
            found = processes
                .filter_map(|p| p.file_name().to_str()?.parse().ok())
                .find(|pid: &u32| {
                    let stat =
                        std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                    let Some((head, tail)) = stat.rsplit_once(") ") else {
                        return false;
                    };
                    head.ends_with(&format!("({name}")) && tail.split(' ').nth(3) == Some(&session)
                });
            found.is_some()
        });
        found.expect("a process")
    }

    /// Takes the terminal away, and waits for the end of the session's leader.
    pub fn hang_up(&mut self) -> ExitStatus {
        std::mem::replace(&mut self.pty, Pty::open()).hang_up();
        pty::wait(&mut self.dash)
    }

    /// What the program wrote to its standard output.
    pub fn out(&self) -> String {
        self.home.text("out").unwrap_or_default()
    }

    pub fn netrc(&self) -> String {
        self.home.text("home/.netrc").unwrap_or_default()
    }

    /// What netrc holds for the server, and nothing else.
    pub fn stored(&self, key: &str) {
        assert_eq!(self.netrc(), entry(&self.netloc(), key));
    }

    /// The typed key is in netrc at most: not on the terminal, not on standard
    /// output, not in any other file of the home.
    fn keeps_the_secret(&mut self) {
        let seen = self.pty.seen();
        // Half of it would be a leak as well.
        let part = &CANARY[..20];
        assert!(!seen.contains(part), "{seen:?}");
        let mut folders = vec![self.home.base().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for file in fs::read_dir(folder).expect("a folder").flatten() {
                let kind = file.file_type().expect("a type");
                if kind.is_dir() {
                    folders.push(file.path());
                } else if kind.is_file() && file.file_name() != ".netrc" {
                    let text = fs::read(file.path()).expect("a file");
                    let leak = text.windows(part.len()).any(|w| w == part.as_bytes());
                    assert!(!leak, "the key is in {}", file.path().display());
                }
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.dash.kill();
        let _ = self.dash.wait();
    }
}

/// Terminal text as lines without colors.
pub fn plain(text: &str) -> Vec<String> {
    let mut shown = String::new();
    let mut rest = text.chars().filter(|&c| c != '\r');
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => while !matches!(rest.next(), Some('m') | None) {},
            _ => shown.push(c),
        }
    }
    shown.lines().map(str::to_owned).collect()
}

pub fn entry(netloc: &str, key: &str) -> String {
    format!("machine {netloc}\n  login user\n  password {key}\n")
}

/// The C program `prompt`, compiled once.
fn program() -> Option<&'static Path> {
    static ONCE: OnceLock<Option<PathBuf>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let compiler = support::tool("gcc")?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("terminal");
        fs::create_dir_all(&folder).expect("a folder");
        let library = support::library();
        let new = folder.join(format!("prompt.{}", std::process::id()));
        let built = Command::new(compiler)
            .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"])
            .arg(support::root().join("include"))
            .arg(support::root().join("tests/c/prompt.c"))
            .arg("-L")
            .arg(library.path())
            .args(["-lwandb_login", "-o"])
            .arg(&new)
            .output()
            .expect("gcc");
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
        let done = folder.join("prompt");
        fs::rename(new, &done).expect("its name");
        Some(done)
    })
    .as_deref()
}
