//! A machine with Debian 11: the oldest C library and Python that the tests can have.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dist;
use crate::machine::Machine;
use crate::support::{Run, root, skip};

/// A copy of the root that `.ci/tools` makes, with gcc 9 and Python 3.9. Its packages are
/// unpacked only, and there is no cargo.
pub(crate) struct Debian11 {
    machine: Machine,
    root: PathBuf,
}

impl Debian11 {
    /// `None`, with a message, if there is no such root, or if this user cannot enter it.
    pub(crate) fn new() -> Option<Debian11> {
        let original = dist::tools().join("debian-11");
        // SAFETY: the call has no arguments and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            skip("a chroot needs root");
            return None;
        }
        if !original.join("usr/bin/python3.9").exists() {
            skip(&format!(
                "{} has no Debian 11 with Python: run `source .ci/tools`",
                original.display()
            ));
            return None;
        }
        let machine = Machine::new();
        let root = machine.at("debian-11");
        let mut copy = machine.command("cp");
        Run::ok(copy.args(["-a", "--reflink=auto"]).arg(original).arg(&root));
        Some(Debian11 { machine, root })
    }

    /// The path of its root in the file system of the test.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A program of the test's own system, for what Debian 11 does not have.
    pub(crate) fn outside(&self, program: &str) -> Command {
        self.machine.command(program)
    }

    /// A program of Debian 11.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.machine.command("chroot");
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root");
        command.arg(&self.root).arg(program);
        command
    }

    /// Copies a file into `/tmp`, and returns its path there.
    pub(crate) fn copy(&self, file: &Path) -> String {
        let name = file.file_name().expect("a file").to_string_lossy();
        std::fs::copy(file, self.root.join("tmp").join(&*name)).expect("a copy");
        format!("/tmp/{name}")
    }

    /// Compiles `login.c` with these options to the program `/tmp/program`.
    pub(crate) fn compile_login(&self, options: &[&str]) -> &'static str {
        let source = self.copy(&root().join("tests/packages/login.c"));
        let mut command = self.command("gcc-9");
        command.args(["-std=c99", "-Wall", "-Wextra", "-Werror"]);
        command.args(["-o", "/tmp/program", &source]).args(options);
        Run::ok(&mut command);
        std::fs::remove_file(self.root.join("tmp/login.c")).expect("the source is removed");
        "/tmp/program"
    }

    /// Removes what the test itself has put there.
    pub(crate) fn remove(&self, paths: &[&str]) {
        for path in paths {
            std::fs::remove_file(self.root.join(path)).expect("it is there");
        }
    }
}
