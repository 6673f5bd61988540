//! C programs that look for keys in their own memory, call everything at once
//! and load the library again and again; under valgrind too.

use std::path::PathBuf;
use std::process::Command;

use crate::rounds;
use crate::stub::{Authority, Reply, Stub};
use crate::support::{self, Home, Run, TempDir, root, tool};

struct Program {
    path: PathBuf,
    library: TempDir,
    _folder: TempDir,
}

impl Program {
    fn build(name: &str, more: &[&str]) -> Option<Program> {
        let folder = TempDir::new();
        let path = folder.path().join(name);
        let library = support::library();
        Run::ok(
            Command::new(tool("gcc")?)
                .args([
                    "-std=c99",
                    "-g",
                    "-Wall",
                    "-Wextra",
                    "-Wpedantic",
                    "-Werror",
                ])
                .args(more)
                .arg(format!("-I{}", root().join("include").display()))
                .arg(root().join("tests/c").join(name).with_extension("c"))
                .arg("-o")
                .arg(&path)
                .arg(format!("-L{}", library.path().display()))
                .args(["-lwandb_login", "-pthread", "-ldl"]),
        );
        Some(Program {
            path,
            library,
            _folder: folder,
        })
    }

    /// In a home of its own.
    fn run(&self, starter: &[&str], arguments: &[&str]) -> Run {
        let home = Home::new();
        Run::ok(self.command(&home, starter).args(arguments))
    }

    fn command(&self, home: &Home, starter: &[&str]) -> Command {
        let mut command = match starter {
            [] => home.command(&self.path),
            [program, words @ ..] => {
                let mut command = home.command(program);
                command.args(words).arg(&self.path);
                command
            }
        };
        command.current_dir(home.home());
        command.env("LD_LIBRARY_PATH", self.library.path());
        command
    }
}

#[test]
fn a_freed_session_and_a_failed_login_leave_no_key_in_memory() {
    let Some(program) = Program::build("memory", &[]) else {
        return;
    };
    let home = Home::new();
    let mut command = program.command(&home, &[]);
    let authority = Authority::new();
    let servers = [
        Stub::http([Reply::viewer()]),
        Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]),
        Stub::http([Reply::new(401, "")]),
    ];
    if cfg!(feature = "http") {
        command.env("SSL_CERT_FILE", home.write("ca.pem", authority.pem()));
        command.args(servers.each_ref().map(|server| server.url("localhost")));
    }
    eprint!("{}", Run::ok(&mut command).stderr);
}

#[test]
fn everything_at_once_from_64_threads() {
    if let Some(program) = Program::build("everything", &[]) {
        program.run(&[], &[&rounds().to_string(), "64"]);
    }
    if let Some(program) = Program::build("everything", &["-fsanitize=address,undefined"]) {
        program.run(&[], &["1", "64"]);
    }
}

/// Threads run one after the other here, slowly, so that more of them would
/// wait too long for the lock: what is looked for is no accident but a rule that
/// is broken.
#[test]
fn everything_at_once_under_valgrind() {
    let (Some(program), Some(_)) = (Program::build("everything", &[]), tool("valgrind")) else {
        return;
    };
    let memcheck = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--errors-for-leak-kinds=all",
    ];
    program.run(&memcheck, &["1", "8"]);
    // Nothing needs to be suppressed.
    let helgrind = [
        "valgrind",
        "--quiet",
        "--tool=helgrind",
        "--error-exitcode=99",
    ];
    program.run(&helgrind, &["1", "8"]);
}

#[test]
fn loaded_and_unloaded_again_and_again() {
    let Some(program) = Program::build("reload", &[]) else {
        return;
    };
    let library = program.library.path().join("libwandb_login.so");
    let library = library.to_str().expect("UTF-8");
    program.run(&[], &[library, &(10 * rounds()).to_string()]);
}
