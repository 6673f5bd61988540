//! Tests of the Julia package: its own tests and the terminal prompt.
//!
//! `WANDB_LOGIN_TEST_JULIA` is the path of Julia if it is not in `PATH`.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

#[path = "support/julia.rs"]
mod julia;
#[path = "support/pty.rs"]
mod pty;
#[path = "support/stub.rs"]
mod stub;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pty::Pty;
use stub::{Identity, Reply, Stub};
use support::{Home, KEY_1, Run, TempDir};

/// A copy of the package, a separate depot, and the library.
struct Package {
    home: Home,
    library: TempDir,
    julia: PathBuf,
}

impl Package {
    fn new(julia: PathBuf) -> Package {
        let home = Home::new();
        julia::install(home.base());
        Package {
            home,
            library: support::library(),
            julia,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(&self.julia);
        command
            .env("JULIA_NUM_THREADS", "4")
            .env(
                "WANDB_LOGIN_LIBRARY",
                self.library.path().join("libwandb_login.so"),
            )
            .args(julia::arguments(self.home.base()))
            .envs(julia::variables(self.home.base()))
            .args(arguments);
        command
    }

    /// Compiles a C source for the tests of the package.
    fn compile(&self, cc: &Path, flags: &[&str], source: &Path, name: &str) -> PathBuf {
        let out = self.home.base().join(name);
        let mut command = self.home.command(cc);
        command
            .args(flags)
            .arg("-I")
            .arg(support::root().join("include"));
        Run::ok(command.arg(source).arg("-o").arg(&out));
        out
    }
}

/// Julia has one thread unless the user asks for more.
#[test]
fn the_tests_with_threads_end_with_one_thread() {
    let Some(julia) = julia::julia() else { return };
    let package = Package::new(julia);
    let script = "using Pkg; Pkg.test(test_args = [\"threads\"])";
    let mut command = package.command(&["-e", script]);
    let run = Run::of(command.env("JULIA_NUM_THREADS", "1"));
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
}

/// Runs `Pkg.test()` with the layout of the header, with libraries of other versions,
/// with one that panics, and with test servers. The loader finds a library by its name too.
#[test]
fn the_package_passes_its_own_tests() {
    let (Some(julia), Some(cc)) = (julia::julia(), support::tool("cc")) else {
        return;
    };
    let package = Package::new(julia);
    let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
    let source = support::root().join("tests/julia/layout.c");
    let layout = package.compile(&cc, &strict, &source, "layout");
    let layout = Run::ok(&mut package.home.command(layout)).stdout;
    let layout = package.home.write("layout.txt", layout);
    let other = |name: &str, version: u32| {
        let text = format!("unsigned wandb_login_version_number(void) {{ return {version}; }}\n");
        let source = package.home.write(&format!("{name}.c"), text);
        package.compile(
            &cc,
            &["-shared", "-fPIC"],
            &source,
            &format!("lib{name}.so"),
        )
    };
    let servers = [
        ("good", Stub::http([Reply::viewer()])),
        ("rejected", Stub::http([Reply::new(401, "no")])),
        ("server", Stub::http([Reply::new(404, "no")])),
        ("timeout", Stub::http([Reply::Hang])),
        ("proxy", Stub::http([Reply::new(407, "")])),
        (
            "tls",
            Stub::https(
                &Identity::self_signed(&["127.0.0.1"], false),
                [Reply::viewer()],
            ),
        ),
        (
            "tokens",
            Stub::http([Reply::new(
                200,
                r#"{"access_token": "token-of-the-server", "expires_in": 3600}"#,
            )]),
        ),
    ];
    let addresses = servers.each_ref().map(|(name, server)| {
        let address = server.url("127.0.0.1");
        format!("{name}={address}")
    });
    let panicking = support::panic_library().join("libwandb_login.so");
    let run = Run::of(
        package
            .command(&["-e", "using Pkg; Pkg.test()"])
            .env("LD_LIBRARY_PATH", package.library.path())
            .env("WANDB_LOGIN_TEST_PANIC_LIBRARY", panicking)
            .env("WANDB_LOGIN_TEST_SERVERS", addresses.join(" "))
            .env("WANDB_LOGIN_TEST_LAYOUT", layout)
            .env("WANDB_LOGIN_TEST_OLD_LIBRARY", other("old", 9))
            .env("WANDB_LOGIN_TEST_NEW_LIBRARY", other("new", 10_000)),
    );
    let said = format!("{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(0), "{said}");
    assert!(said.contains("Testing WandbLogin tests passed"), "{said}");
    assert!(
        !said.contains("is not set"),
        "some tests were skipped:\n{said}"
    );
    assert!(
        !said.contains("shred"),
        "a SecretBuffer was left to the collector:\n{said}"
    );
}

#[test]
fn the_package_has_the_version_of_the_crate() {
    let project = fs::read_to_string(support::root().join("bindings/julia/Project.toml"));
    let line = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(
        project
            .expect("Project.toml")
            .lines()
            .any(|other| other == line)
    );
}

/// The server is named; the key is not echoed and can be edited and pasted; other tasks
/// run meanwhile; the time limit applies.
#[test]
fn julia_prompts_on_the_terminal() {
    let Some(julia) = julia::julia() else { return };
    let package = Package::new(julia);
    let script = r#"
        using WandbLogin
        other = @async begin
            while !isfile(ARGS[1])
                sleep(0.02)
            end
            println("another task runs")
        end
        session = login()
        println("logged in from ", session.source, " with ", length(session.api_key))
        println(login(relogin = true).api_key == session.api_key)
        try
            login(relogin = true, prompt_timeout = 0.3)
        catch problem
            println("then ", problem.status, ": ", problem.text)
        end
    "#;
    let started = package.home.base().join("started");
    let mut terminal = Pty::open();
    let mut command = package.command(&["-e", script]);
    command.arg(&started);
    command.env("WANDB_BASE_URL", "https://wandb.example.com");
    let mut child = terminal.attach(&mut command).spawn().expect("julia starts");
    terminal.expect("The API key is for https://wandb.example.com (server from WANDB_BASE_URL).");
    terminal.expect("hit enter: ");
    fs::write(&started, "").expect("a file");
    terminal.expect("another task runs");
    assert!(!terminal.echoes());
    terminal.send("oops\x15x\x7f");
    terminal.send(format!("{KEY_1}\r"));
    terminal.expect("logged in from prompt with 40");
    terminal.expect("hit enter: ");
    // As a terminal sends pasted text.
    terminal.send(format!("\r\x1b[200~{KEY_1}\x1b[201~\r"));
    terminal.expect("Received 40 characters.");
    terminal.expect("true");
    terminal.expect("then prompt: W&B disabled due to login timeout.");
    assert!(pty::wait(&mut child).success());
    assert!(terminal.echoes());
    assert!(!terminal.seen().contains(KEY_1), "{}", terminal.seen());
    let netrc = package.home.text("home/.netrc").expect("it was stored");
    assert!(netrc.contains(KEY_1));
}

/// The library prompts if Julia has one thread, and the package if it has two.
#[test]
fn a_prompt_ends_with_the_same_error_with_one_thread_and_with_two() {
    let Some(julia) = julia::julia() else { return };
    let package = Package::new(julia);
    let script = r#"
        using WandbLogin
        for round in 1:2
            try
                login(force = true)
            catch problem
                println("caught ", typeof(problem), " ", problem.status, ": ", problem.text)
            end
        end
    "#;
    for threads in ["1", "2"] {
        let mut terminal = Pty::open();
        let mut command = package.command(&["-e", script]);
        command.env("JULIA_NUM_THREADS", threads);
        let mut child = terminal.attach(&mut command).spawn().expect("julia starts");
        terminal.expect("hit enter: ");
        terminal.send("\x03");
        terminal.expect("caught LoginError prompt: The prompt was interrupted.");
        terminal.expect("hit enter: ");
        terminal.send("\x04");
        terminal.expect("caught LoginError prompt: End of input before a key was entered.");
        assert!(pty::wait(&mut child).success());
        assert!(terminal.echoes());
    }
}

/// With one thread the library prompts, with its menu. Afterwards Ctrl-C works in
/// Julia.
#[test]
fn the_library_prompts_if_julia_has_one_thread() {
    let Some(julia) = julia::julia() else { return };
    let package = Package::new(julia);
    let script = r#"
        using WandbLogin
        ccall(:jl_exit_on_sigint, Cvoid, (Cint,), 0)
        session = login()
        println("logged in from ", session.source, " with ", length(session.api_key))
        try
            println("now sleeping")
            sleep(60)
        catch problem
            println("caught ", typeof(problem))
        end
        println(login(relogin = true))
    "#;
    let mut terminal = Pty::open();
    let mut command = package.command(&["-e", script]);
    command.env("JULIA_NUM_THREADS", "1");
    let mut child = terminal.attach(&mut command).spawn().expect("julia starts");
    terminal.expect("Use an existing W&B account");
    terminal.expect("Enter your choice: ");
    terminal.send("2\r");
    terminal.expect("hit enter: ");
    terminal.send(format!("{KEY_1}\r"));
    terminal.expect("logged in from prompt with 40");
    terminal.expect("now sleeping");
    terminal.send("\x03");
    terminal.expect("caught InterruptException");
    terminal.expect("Enter your choice: ");
    terminal.send("3\r");
    terminal.expect("nothing");
    assert!(pty::wait(&mut child).success());
    assert!(!terminal.seen().contains(KEY_1), "{}", terminal.seen());
}
