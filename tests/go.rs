//! Tests of the Go package: its own tests with the race detector, a program that uses
//! it as README.md describes, the terminal, and headers and libraries of other versions.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

mod support;

#[path = "support/pty.rs"]
mod pty;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pty::Pty;
use support::{Home, KEY_1, Run, root, tool};

/// The Go command with a separate home directory.
struct Go {
    program: PathBuf,
    home: Home,
}

impl Go {
    fn new() -> Option<Go> {
        let program = tool("go")?;
        tool("cc")?;
        Some(Go {
            program,
            home: Home::new(),
        })
    }

    /// A Go command in the package directory, without the user's configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        self.run(&self.program, arguments)
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Command {
        let target = root().join("target/go");
        let mut command = self.home.command(program);
        command
            .args(arguments)
            .current_dir(package())
            .env("GOCACHE", target.join("cache"))
            .env("GOPATH", target.join("path"))
            .env("GOENV", "off")
            .env("GOFLAGS", "-buildvcs=false")
            .env("GOPROXY", "off")
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "1")
            .env("PKG_CONFIG_PATH", prefix())
            .env("LD_LIBRARY_PATH", prefix());
        command
    }

    /// Writes a changed header and returns the compiler flag that selects it. Each call
    /// uses a new directory, because Go's build cache does not detect changed headers.
    fn changed_header(&self, from: &str, to: &str) -> String {
        let header = fs::read_to_string(root().join("include/wandb_login.h")).expect("the header");
        assert!(header.contains(from), "the header has no {from:?}");
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = format!("include-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let path = format!("{folder}/wandb_login.h");
        self.home.write(&path, header.replace(from, to));
        format!("-I{}", self.home.base().join(folder).display())
    }
}

/// A directory with the built libraries and a pkg-config file, as if
/// installed. It is always the same one, because Go's build cache keeps the flags of
/// pkg-config.
fn prefix() -> &'static Path {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    ONCE.get_or_init(|| {
        let prefix = root().join("target/go/prefix");
        fs::create_dir_all(&prefix).expect("a folder");
        for (file, name) in [
            ("libwandb_login.so", "libwandb_login.so"),
            ("libwandb_login.so", "libwandb_login.so.0"),
            ("libwandb_login.a", "libwandb_login.a"),
        ] {
            let file = support::built_library(file);
            let link = prefix.join(name);
            let _ = fs::remove_file(&link);
            symlink(file, link).expect("a link");
        }
        let text = format!(
            "Name: wandb_login\nDescription: for the tests\nVersion: {}\nCflags: -I{}\nLibs: -L{} -lwandb_login\n",
            env!("CARGO_PKG_VERSION"),
            root().join("include").display(),
            prefix.display(),
        );
        fs::write(prefix.join("wandb_login.pc"), text).expect("write");
        prefix
    })
}

fn package() -> PathBuf {
    root().join("bindings/go")
}

#[test]
fn the_package_passes_its_own_tests() {
    let Some(go) = Go::new() else { return };
    let goroot = Run::ok(&mut go.command(&["env", "GOROOT"])).stdout;
    let gofmt = Path::new(goroot.trim()).join("bin/gofmt");
    let unformatted = Run::ok(&mut go.run(&gofmt, &["-l", "."])).stdout;
    assert_eq!(unformatted, "", "files that need gofmt -w");
    let examples = root().join("examples/go");
    let unformatted = Run::ok(go.run(&gofmt, &["-l", "."]).current_dir(&examples)).stdout;
    assert_eq!(unformatted, "", "examples that need gofmt -w");
    Run::ok(go.command(&["vet", "./..."]).current_dir(&examples));
    let all = ["./...", "./testdata/terminal"];
    Run::ok(&mut go.command(&[&["vet"], &all[..]].concat()));
    Run::ok(&mut go.command(&[&["test", "-race", "-count=1"], &all[..]].concat()));
    // Without the race detector, whose memory would hide a leak.
    Run::ok(&mut go.command(&["test", "-count=1", "-run", "DoesNotLeak", "."]));
}

#[test]
fn a_panic_of_the_library_returns_an_internal_error() {
    let Some(go) = Go::new() else { return };
    let library = support::panic_library();
    let tags = ["-tags", "wandb_login_panic_test"];
    let mut test = go.command(&["test", "-race", "-count=1", "-v"]);
    let run = Run::ok(
        test.args(tags)
            .args(["-run", "PanicOfTheLibrary", "."])
            .env("PKG_CONFIG", "true")
            .env(
                "CGO_CFLAGS",
                format!("-I{}", root().join("include").display()),
            )
            .env(
                "CGO_LDFLAGS",
                format!("-L{} -lwandb_login", library.display()),
            )
            .env("LD_LIBRARY_PATH", library),
    );
    let passed = "--- PASS: TestPanicOfTheLibrary";
    assert!(run.stdout.contains(passed), "{}", run.stdout);
    Run::ok(go.command(&["vet"]).args(tags).arg("."));
}

/// The module path, which only go.mod sets.
fn module_path() -> String {
    let text = fs::read_to_string(package().join("go.mod")).expect("go.mod");
    let path = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("module "));
    path.expect("the first line names the module").to_owned()
}

/// Writes the module and the program of README.md to a new directory.
fn downstream(go: &Go) -> PathBuf {
    let path = module_path();
    let module = format!(
        "module example.com/train\n\ngo 1.24\n\nrequire {path} v{}\n\nreplace {path} => {}\n",
        env!("CARGO_PKG_VERSION"),
        package().display(),
    );
    let program = r#"package main

import (
	"context"
	"fmt"

	wandb "MODULE"
)

func main() {
	session, err := wandb.Login(context.Background(), wandb.WithNoPrompt())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	fmt.Println(wandb.Version(), session.APIKey())
}
"#;
    go.home.write("train/go.mod", module);
    go.home
        .write("train/main.go", program.replace("MODULE", &path));
    go.home.base().join("train")
}

/// Builds the program and returns the libraries that it needs.
fn build_downstream(go: &Go, arguments: &[&str]) -> (PathBuf, String) {
    let folder = downstream(go);
    let program = folder.join("train");
    Run::ok(
        go.command(&[&["build"], arguments].concat())
            .current_dir(&folder),
    );
    let needed = Run::ok(go.home.command("readelf").arg("-d").arg(&program)).stdout;
    (program, needed)
}

fn logs_in(command: &mut Command) {
    let run = Run::ok(command.env("WANDB_API_KEY", KEY_1));
    assert_eq!(
        run.stdout,
        format!("{} {KEY_1}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(run.stderr.contains("WANDB_API_KEY") && !run.stderr.contains(KEY_1));
}

#[test]
fn another_module_uses_the_shared_library() {
    let Some(go) = Go::new() else { return };
    let (program, needed) = build_downstream(&go, &[]);
    assert!(needed.contains("libwandb_login.so.0"), "{needed}");
    logs_in(go.home.command(&program).env("LD_LIBRARY_PATH", prefix()));
    let run = Run::of(&mut go.home.command(&program));
    assert_ne!(run.code, Some(0));
    assert!(
        run.stderr.contains("libwandb_login.so.0: cannot open"),
        "{}",
        run.stderr
    );
}

#[test]
fn another_module_uses_the_static_library() {
    let Some(go) = Go::new() else { return };
    let (program, needed) = build_downstream(&go, &["-tags", "wandb_login_static"]);
    assert!(!needed.contains("libwandb_login"), "{needed}");
    assert!(!needed.contains("libgcc_s"), "{needed}");
    logs_in(&mut go.home.command(&program));

    let static_program = [
        "-tags",
        "wandb_login_static",
        "-ldflags",
        "-extldflags -static",
    ];
    let (program, needed) = build_downstream(&go, &static_program);
    assert!(!needed.contains("NEEDED"), "{needed}");
    logs_in(&mut go.home.command(&program));
}

/// The only error names cgo. A cross-compiling Go has cgo off by default.
#[test]
fn without_cgo_the_package_says_that_it_needs_cgo() {
    let Some(go) = Go::new() else { return };
    let run = Run::of(go.command(&["build", "."]).env("CGO_ENABLED", "0"));
    assert_ne!(run.code, Some(0));
    let errors: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains(".go:"))
        .collect();
    let problem =
        "undefined: this_package_needs_cgo__install_a_C_compiler_and_set_CGO_ENABLED_to_1";
    assert!(
        errors.len() == 1 && errors[0].ends_with(problem),
        "{}",
        run.stderr
    );
}

/// Without a pkg-config file, as README.md describes.
#[test]
fn another_module_uses_a_source_tree() {
    let Some(go) = Go::new() else { return };
    let folder = downstream(&go);
    let archive = prefix().join("libwandb_login.a");
    let include = format!("-I{}", root().join("include").display());
    Run::ok(
        go.command(&["build"])
            .current_dir(&folder)
            .env("PKG_CONFIG", "true")
            .env("CGO_CFLAGS", include)
            .env("CGO_LDFLAGS", archive),
    );
    logs_in(&mut go.home.command(folder.join("train")));
}

#[test]
fn the_terminal_prompt_does_not_change_signal_handlers() {
    let Some(go) = Go::new() else { return };
    let program = go.home.base().join("terminal");
    let output = program.display().to_string();
    Run::ok(&mut go.command(&["build", "-o", &output, "./testdata/terminal"]));
    let mut pty = Pty::open();
    let start = |pty: &Pty| {
        let mut command = go.home.command(&program);
        command
            .env("LD_LIBRARY_PATH", prefix())
            .env("TERM", "xterm");
        pty.attach(command.env("WANDB_FORCE", "true"))
            .spawn()
            .expect("the program starts")
    };
    let before = pty.attributes();

    let mut child = start(&pty);
    pty.expect("Paste your API key and hit enter: ");
    assert!(!pty.echoes());
    pty.send(format!("{KEY_1}\n"));
    pty.expect("logged in: true");
    assert!(pty.attributes() == before);
    for (signal, name) in [
        (libc::SIGUSR1, "user defined signal 1"),
        (libc::SIGINT, "interrupt"),
        (libc::SIGTERM, "terminated"),
    ] {
        pty::kill(child.id(), signal);
        pty.expect(&format!("signal: {name}"));
    }
    assert!(pty::wait(&mut child).success());

    // A signal from another process cancels the context, which cancels the prompt.
    let mut child = start(&pty);
    pty.expect("Paste your API key and hit enter: ");
    pty::kill(child.id(), libc::SIGTERM);
    pty.expect("cancelled: true");
    assert!(pty::wait(&mut child).success());
    assert!(pty.attributes() == before);

    // Ctrl-C at the prompt does not send a signal.
    let mut child = start(&pty);
    pty.expect("Paste your API key and hit enter: ");
    pty.send("\x03");
    pty.expect("cancelled: false prompt: true");
    assert!(pty::wait(&mut child).success());
    assert!(pty.attributes() == before);
    assert!(!pty.seen().contains(KEY_1));
}

#[test]
fn a_header_of_another_version_does_not_compile() {
    let Some(go) = Go::new() else { return };
    let macro_line = |number: u32| format!("WANDB_LOGIN_VERSION_NUMBER {number}");
    let number = env!("CARGO_PKG_VERSION")
        .split('.')
        .fold(0, |number, part| {
            number * 100 + part.parse::<u32>().expect("a number")
        });
    for (to, problem) in [
        (
            macro_line(number - 1),
            "wandb_login.h is older than this Go package",
        ),
        (
            macro_line(number + 10_000),
            "wandb_login.h is of another major version",
        ),
        (
            "WANDB_LOGIN_OTHER_NUMBER 1".to_owned(),
            "has no WANDB_LOGIN_VERSION_NUMBER",
        ),
    ] {
        let flags = go.changed_header(&macro_line(number), &to);
        let run = Run::of(go.command(&["build", "."]).env("CGO_CPPFLAGS", flags));
        assert_ne!(run.code, Some(0), "{to}");
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
}

/// The Go tests report a member of the options that the package does not know.
#[test]
fn a_new_member_of_the_options_fails_the_go_tests() {
    let Some(go) = Go::new() else { return };
    let last = "  size_t error_buf_size;";
    let flags = go.changed_header(last, &format!("{last}\n  uint32_t novelty;"));
    let run = Run::of(
        go.command(&["test", "-run", "EveryMember", "."])
            .env("CGO_CPPFLAGS", flags),
    );
    assert_ne!(run.code, Some(0));
    assert!(
        run.stdout
            .contains("this package has no option for novelty"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_library_older_than_the_header_is_an_error() {
    let Some(go) = Go::new() else { return };
    let flags = go.changed_header(
        "WANDB_LOGIN_VERSION_NUMBER 200",
        "WANDB_LOGIN_VERSION_NUMBER 203",
    );
    let folder = downstream(&go);
    Run::ok(
        go.command(&["build"])
            .current_dir(&folder)
            .env("CGO_CPPFLAGS", flags),
    );
    let program = folder.join("train");
    let run = Run::ok(go.home.command(&program).env("LD_LIBRARY_PATH", prefix()));
    let problem = "libwandb_login 0.2.0 is loaded, but the program was built for 0.2.3";
    assert!(run.stdout.contains(problem), "{}", run.stdout);
}

#[test]
fn the_versions_in_the_package_are_that_of_cargo_toml() {
    let read = |name: &str| fs::read_to_string(package().join(name)).expect(name);
    let number = |part: &str| part.parse::<u32>().expect("a number");
    let number = number(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
        + number(env!("CARGO_PKG_VERSION_MINOR")) * 100
        + number(env!("CARGO_PKG_VERSION_PATCH"));
    let bridge = read("bridge.h");
    assert!(bridge.contains(&format!("#define WANDB_GO_VERSION_NUMBER {number}\n")));
    let version = env!("CARGO_PKG_VERSION");
    assert!(bridge.contains(&format!("install libwandb_login {version} or later")));
    assert!(read("README.md").contains(&format!("{} v{version}\n", module_path())));
}
