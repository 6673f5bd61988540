//! What stands for a new machine, and what programs of the test do on it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::{Home, KEY_1, Run, root};

/// A folder with an empty home directory. Programs run in it with an empty environment.
/// `PATH` is that of the test, without the folders that have cargo.
pub(crate) struct Machine {
    home: Home,
    path: OsString,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).filter(|folder| !folder.join("cargo").exists());
        Machine {
            home: Home::new(),
            path: std::env::join_paths(folders).expect("they come from PATH"),
        }
    }

    /// The search path of this machine.
    pub(crate) fn path(&self) -> String {
        self.path.to_str().expect("UTF-8").to_owned()
    }

    /// The folder for everything that a test writes.
    pub(crate) fn folder(&self) -> &Path {
        self.home.base()
    }

    /// A path in the folder of the machine. The file need not exist.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.home.base().join(path)
    }

    /// A program on this machine.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.home.command(program);
        command.env("PATH", &self.path);
        command
    }

    /// The output of pkg-config for the library of a prefix.
    pub(crate) fn pkg_config(&self, prefix: &Path, options: &[&str]) -> String {
        let mut command = self.command("pkg-config");
        command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        Run::ok(command.args(options).arg("wandb_login")).stdout
    }

    /// Compiles `login.c` with these options, which come after the source, to `program`.
    pub(crate) fn compile_login(&self, options: &[&str]) -> PathBuf {
        let program = self.at("program");
        let source = root().join("tests/packages/login.c");
        let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
        let mut command = self.command("cc");
        command.args(strict).arg("-o").arg(&program).arg(source);
        Run::ok(command.args(options));
        program
    }
}

/// The words of a line that pkg-config and similar tools print.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs the installed command: a login with a key, which it stores in the home directory,
/// and a look at it.
pub(crate) fn command_logs_in(mut command: impl FnMut() -> Command) {
    Run::ok(command().args(["login", KEY_1]));
    let token = Run::ok(command().arg("token"));
    assert_eq!(token.stdout, format!("{KEY_1}\n"));
}

/// Runs a program that prints the key of its login. The key is in the environment.
pub(crate) fn program_logs_in(command: &mut Command) {
    let run = Run::ok(command.env("WANDB_API_KEY", KEY_1));
    assert_eq!(run.stdout, format!("{KEY_1}\n"), "{}", run.stderr);
}

/// Everything below a folder, by its path from there.
#[derive(PartialEq)]
pub(crate) struct Files(BTreeSet<PathBuf>);

impl Files {
    /// Paths for which `ignored` is true are left out, with everything below them.
    pub(crate) fn of(folder: &Path, ignored: impl Fn(&Path) -> bool) -> Files {
        let (mut found, mut open) = (BTreeSet::new(), vec![folder.to_owned()]);
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next).expect("a folder") {
                let entry = entry.expect("an entry");
                let path = entry.path();
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                if ignored(&name) {
                    continue;
                }
                if entry.file_type().expect("a type").is_dir() {
                    open.push(path);
                }
                found.insert(name);
            }
        }
        Files(found)
    }

    /// Those that are no folders in the same folder.
    pub(crate) fn regular(&self, folder: &Path) -> BTreeSet<PathBuf> {
        let files = self.0.iter().filter(|file| !folder.join(file).is_dir());
        files.cloned().collect()
    }

    /// Fails with the names of the files that are left behind or are missing.
    pub(crate) fn assert_equal(&self, before: &Files) {
        let left: Vec<_> = self.0.difference(&before.0).collect();
        let gone: Vec<_> = before.0.difference(&self.0).collect();
        assert!(
            left.is_empty() && gone.is_empty(),
            "left behind: {left:?}; removed, but not installed: {gone:?}"
        );
    }
}

/// Measures one way of installation. The time is information; there is no limit.
pub(crate) struct Stopwatch {
    way: &'static str,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start(way: &'static str) -> Stopwatch {
        let start = Instant::now();
        Stopwatch { way, start }
    }

    /// Prints the time since the start, also if the test harness captures output.
    pub(crate) fn logged_in(self) {
        let (way, seconds) = (self.way, self.start.elapsed().as_secs_f64());
        let line = format!("packages: {way}: {seconds:.1} s from an empty machine to a login\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
