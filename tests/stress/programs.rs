//! C programs that search their own memory for keys, call all functions from many
//! threads, and load the library repeatedly; also under valgrind and sanitizers.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;

use crate::preload::Preload;
use crate::rounds;
use crate::stub::{Authority, Reply, Stub};
use crate::support::{self, Home, Run, TempDir, root, tool};

/// Checks the C program's code, and the allocations of the library.
const SANITIZED: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// Reports leaks and invalid memory accesses.
const MEMCHECK: [&str; 6] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=all",
    "--errors-for-leak-kinds=all",
];

struct Program {
    path: PathBuf,
    library: TempDir,
    _folder: TempDir,
}

impl Program {
    fn build(name: &str, more: &[&str]) -> Option<Program> {
        let library = support::library();
        let link = format!("-L{}", library.path().display());
        let words = [
            more,
            &[
                &link,
                "-Wl,--as-needed",
                "-lwandb_login",
                "-pthread",
                "-ldl",
            ],
        ]
        .concat();
        Program::link(Program::compile(name, more)?, library, &words)
    }

    /// A folder with an object file.
    fn compile(name: &str, more: &[&str]) -> Option<TempDir> {
        let folder = TempDir::new();
        Run::ok(
            Command::new(tool("gcc")?)
                .args(["-std=c99", "-g", "-Wall", "-Wextra", "-Wpedantic"])
                .args(["-Werror", "-c"])
                .args(more)
                .arg(format!("-I{}", root().join("include").display()))
                .arg(root().join("tests/c").join(name).with_extension("c"))
                .arg("-o")
                .arg(folder.path().join("object.o")),
        );
        Some(folder)
    }

    fn link(folder: TempDir, library: TempDir, words: &[&str]) -> Option<Program> {
        let path = folder.path().join("program");
        Run::ok(
            Command::new(tool("gcc")?)
                .arg(folder.path().join("object.o"))
                .arg("-o")
                .arg(&path)
                .args(words),
        );
        Some(Program {
            path,
            library,
            _folder: folder,
        })
    }

    /// Uses a library that is compiled with the sanitizer.
    fn instrumented(name: &str, sanitizer: &str) -> Option<Program> {
        let (library, runtime) = sanitized_library(sanitizer)?;
        let link = format!("-L{}", library.path().display());
        let runtime = runtime.to_str().expect("UTF-8");
        // The program links the runtime; the library finds it there.
        let last = [
            "-Wl,--whole-archive",
            runtime,
            "-Wl,--no-whole-archive",
            "-rdynamic",
        ];
        let last = [
            &last[..],
            &[&link, "-lwandb_login", "-pthread", "-ldl", "-lm"],
        ]
        .concat();
        let more = format!("-fsanitize={sanitizer}");
        let object = Program::compile(name, &[&more])?;
        Program::link(object, library, &last)
    }

    /// Runs it with a new home.
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

/// The library, compiled with a sanitizer, and the runtime of the sanitizer. For the
/// thread sanitizer std is compiled with it too, so that it sees the locks.
fn sanitized_library(sanitizer: &str) -> Option<(TempDir, PathBuf)> {
    let rustup = tool("rustup")?;
    let nightly = |words: &[&str]| -> Command {
        let mut command = Command::new(&rustup);
        command.args(["run", "nightly"]).args(words);
        command.current_dir(root());
        command
    };
    let place = Run::of(&mut nightly(&["rustc", "--print", "target-libdir"])).stdout;
    let place = Path::new(place.trim());
    let letter = &sanitizer[..1];
    let runtime = place.join(format!("librustc-nightly_rt.{letter}san.a"));
    if !runtime.exists() {
        support::skip("no nightly compiler has the sanitizers");
        return None;
    }
    let triple = place.parent()?;
    let (with_std, mismatch): (&[&str], _) = match sanitizer {
        "thread" => (&["-Zbuild-std"], ""),
        _ => (&[], " -Cunsafe-allow-abi-mismatch=sanitizer"),
    };
    if !with_std.is_empty() && !triple.with_file_name("src").join("rust/library").is_dir() {
        support::skip("the nightly compiler has no component rust-src");
        return None;
    }
    let triple = triple.file_name()?.to_str()?;
    let target = root().join("target/sanitizers").join(sanitizer);
    let cargo = [
        "cargo",
        "rustc",
        "--quiet",
        "--package",
        "wandb-login-c",
        "--lib",
        "--crate-type",
        "cdylib",
    ];
    Run::ok(
        nightly(&cargo)
            .args(with_std)
            .args(["--no-default-features", "--target", triple])
            .arg("--target-dir")
            .arg(&target)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}{mismatch}")),
    );
    let built = target.join(triple).join("debug/libwandb_login.so");
    let library = TempDir::new();
    for name in ["libwandb_login.so", "libwandb_login.so.0"] {
        symlink(&built, library.path().join(name)).expect("a link");
    }
    Some((library, runtime))
}

/// The key of `memory.c`, and the header that carries it.
fn key_and_header() -> (String, String) {
    let letter = |i: usize| char::from(b"bcdfghjkmnpqrstv"[(i * 7 + i / 16) % 16]);
    let key: String = (0..40).map(letter).collect();
    let header = base64::engine::general_purpose::STANDARD.encode(format!("api:{key}"));
    (key, header)
}

/// Responses that repeat the key of `memory.c`: in headers and as JSON with
/// escapes; as bytes that are not UTF-8; and byte by byte.
fn repeated_key() -> [Reply; 3] {
    let (key, header) = key_and_header();
    let escaped: String = key.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let body =
        format!(r#"{{"errors":[{{"message":"bad\n{key} {escaped}"}}],"{key}\n":"{header}\n"}}"#);
    let size = body.len();
    let slow =
        format!("HTTP/1.1 401 {key}\r\nX-Key: {header}\r\nContent-Length: {size}\r\n\r\n{body}");
    let escaped = Reply::new(401, body)
        .header("Location", &format!("https://other.example/{key}?{header}"))
        .header("X-Key", &key)
        .header("WWW-Authenticate", &format!("Basic {header}"));
    let bytes = [b"\xff\xfe ", key.as_bytes(), b" \xff ", header.as_bytes()].concat();
    let slow = Reply::Drip(slow.into(), Duration::from_micros(100));
    [escaped, Reply::new(401, bytes), slow]
}

/// Runs `memory.c` with servers that repeat its key.
fn searches_memory(program: &Program, variables: &[(&str, String)]) -> Run {
    let home = Home::new();
    let mut command = program.command(&home, &[]);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let authority = Authority::new();
    let [escaped, bytes, slow] = repeated_key();
    let servers = [
        Stub::http([Reply::viewer()]),
        Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]),
        Stub::http([Reply::new(401, "")]),
        // Servers that repeat the key. Not over TLS: rustls does not wipe what it
        // received.
        Stub::http([escaped]),
        Stub::http([bytes]),
        Stub::http([slow]),
    ];
    if cfg!(feature = "http") {
        command.env("SSL_CERT_FILE", home.write("ca.pem", authority.pem()));
        command.args(servers.each_ref().map(|server| server.url("localhost")));
    }
    Run::of(&mut command)
}

#[test]
fn a_freed_session_and_a_failed_login_leave_no_key_in_memory() {
    let Some(program) = Program::build("memory", &[]) else {
        return;
    };
    let run = searches_memory(&program, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    eprint!("{}", run.stderr);
}

/// The same program with an allocator that ends it when a block is freed that holds
/// the key: also one that is reused before memory is searched.
#[test]
fn no_block_is_freed_while_it_holds_a_key() {
    let (Some(program), Some(allocator)) =
        (Program::build("memory", &[]), Preload::build("allocator"))
    else {
        return;
    };
    let (key, header) = key_and_header();
    let hidden = |text: &str| -> String {
        let digits = text.bytes().map(|byte| format!("{:02x}", byte ^ 0x5a));
        digits.collect()
    };
    let secrets = format!("{},{}", hidden(&key), hidden(&header));
    let variables = [
        ("LD_PRELOAD", allocator.path()),
        ("ALLOCATOR_SECRETS", secrets),
    ];
    let run = searches_memory(&program, &variables);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    // A block with the key is noticed.
    let mut leaky = Command::new(&program.path);
    let run = Run::of(
        leaky
            .arg("leak")
            .env("LD_LIBRARY_PATH", program.library.path())
            .envs(variables),
    );
    assert_eq!(run.code, Some(98), "{}", run.stderr);
}

#[test]
fn all_functions_from_64_threads() {
    if let Some(program) = Program::build("everything", &[]) {
        program.run(&[], &[&rounds().to_string(), "64"]);
    }
    if let Some(program) = Program::build("everything", &SANITIZED) {
        program.run(&[], &["1", "64"]);
    }
}

/// One renewer for 64 threads. For a token that has ended there is one exchange, however
/// many threads ask.
#[test]
fn a_renewer_in_64_threads() {
    let token = r#"{"access_token": "fresh", "expires_in": 3600}"#;
    let server = Stub::http([Reply::new(200, token)]);
    let url = server.url("127.0.0.1");
    if let Some(program) = Program::build("renewers", &[]) {
        program.run(&[], &[&rounds().to_string(), "64", &url]);
        assert_eq!(server.connections(), rounds());
        if tool("valgrind").is_some() {
            program.run(&MEMCHECK, &["1", "8"]);
        }
    }
    if let Some(program) = Program::build("renewers", &SANITIZED) {
        program.run(&[], &["1", "64"]);
    }
}

/// Few threads: valgrind runs them slowly and one at a time, and more would exceed
/// the time limit for the lock. It needs no collision to detect a data race.
#[test]
fn all_functions_under_valgrind() {
    let (Some(program), Some(_)) = (Program::build("everything", &[]), tool("valgrind")) else {
        return;
    };
    program.run(&MEMCHECK, &["1", "8"]);
    let suppressions = support::root().join("tests/c/helgrind.supp");
    let suppressions = format!("--suppressions={}", suppressions.display());
    let helgrind = [
        "valgrind",
        "--quiet",
        "--tool=helgrind",
        "--fair-sched=yes", // else a thread can wait for a file lock until it times out
        &suppressions,
        "--error-exitcode=99",
    ];
    program.run(&helgrind, &["1", "8"]);
}

/// Data races and invalid memory accesses, in the library's own code, too.
#[test]
fn all_functions_with_a_sanitized_library() {
    for sanitizer in ["thread", "address"] {
        let programs = [
            ("everything", &["1", "64"][..]),
            ("threads", &[]),
            ("renewers", &["3", "64"]),
        ];
        for (name, arguments) in programs {
            if let Some(program) = Program::instrumented(name, sanitizer) {
                program.run(&[], arguments);
            }
        }
    }
}

#[test]
fn loading_and_unloading_repeatedly() {
    let looped = |more: &[&str], starter: &[&str], loads: usize| {
        let Some(program) = Program::build("reload", more) else {
            return;
        };
        let library = program.library.path().join("libwandb_login.so");
        let library = library.to_str().expect("UTF-8");
        program.run(starter, &[library, &loads.to_string()]);
    };
    looped(&[], &[], 10 * rounds());
    looped(&SANITIZED, &[], 5);
    if tool("valgrind").is_some() {
        // One block stays reachable: the loader keeps the thread-local storage
        // for the next library.
        let lost = ["--errors-for-leak-kinds=definite,indirect,possible"];
        looped(&[], &[&MEMCHECK[..], &lost].concat(), 5);
    }
}
