//! A canary for a key: whatever is done with it, it is found in no output but
//! that of `token` and `env`, and in no file but those that the user knows.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use wandb_login::{Flags, Level, Login, Options};

use crate::program;
use crate::support::{self, Home, NETRC, Run};

/// No eight characters of it occur in anything else.
const CANARY: &str = "zq7Xv2Kp9Wm4Rt6Yb1Nc8Ls3Gh5Jd0Fk_QzXwVeB";

/// A report shows the last four characters, so that a key can be recognised.
fn sings(text: &str) -> bool {
    let pieces = CANARY.as_bytes().windows(8);
    // In base64, alone and behind `api:`, as in an Authorization header.
    let encoded = [
        "enE3WHYyS3A5V200UnQ2WWIxTmM4THMzR2g1SmQwRmtfUXpYd1ZlQg",
        "pxN1h2MktwOVdtNFJ0NlliMU5jOExzM0doNUpkMEZrX1F6WHdWZUI",
    ];
    let encoded = encoded.iter().flat_map(|text| text.as_bytes().windows(12));
    let mut pieces = pieces
        .chain(encoded)
        .map(|piece| std::str::from_utf8(piece).expect("ASCII"));
    pieces.any(|piece| text.contains(piece))
}

/// Files, variables and how the canary comes in.
struct Cage {
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
}

const SYSTEM: &str = "home/.config/wandb/settings";
const WORKSPACE: &str = "cwd/wandb/settings";

#[rustfmt::skip]
const CAGES: &[Cage] = &[
    // Where a key belongs.
    Cage { files: &[], variables: &[("WANDB_API_KEY", "{}")] },
    Cage { files: &[("cwd/secret", "{}\n")], variables: &[("WANDB_API_KEY_FILE", "secret")] },
    Cage { files: &[("cwd/secret", "{}.{}.{}\n")], variables: &[("WANDB_IDENTITY_TOKEN_FILE", "secret"), ("WANDB_BASE_URL", "http://127.0.0.1:1")] },
    Cage { files: &[(SYSTEM, "[default]\napi_key = {}\n")], variables: &[] },
    Cage { files: &[(WORKSPACE, "[default]\napi_key = {}\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password {}\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password wandb_v1_{}{}\n")], variables: &[] },
    // Where it loses.
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password {}\n"), (SYSTEM, "[default]\napi_key = x{}\n"), (WORKSPACE, "[default]\napi_key = y{}\n")], variables: &[] },
    Cage { files: &[(WORKSPACE, "[default]\nbase_url = https://strange.example\n")], variables: &[("WANDB_API_KEY", "{}")] },
    Cage { files: &[("cwd/secret", "{}")], variables: &[("WANDB_API_KEY", "{}"), ("WANDB_API_KEY_FILE", "secret")] },
    // Where it is malformed.
    Cage { files: &[], variables: &[("WANDB_API_KEY", "{}!")] },
    Cage { files: &[], variables: &[("WANDB_API_KEY", "{} {}")] },
    Cage { files: &[("cwd/secret", "key: {}\n")], variables: &[("WANDB_API_KEY_FILE", "secret")] },
    Cage { files: &[(SYSTEM, "[default]\napi_key = \"{}\"\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\napi_key = {}\napi_key = x{}\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\napi_key {}\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\n{}\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "{}\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\n{} = 1\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\napi_key = %({})s\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password {}!\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user passwd {}\n")], variables: &[] },
    Cage { files: &[(NETRC, "api.wandb.ai {}\n{}\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password \"{}\n")], variables: &[] },
    Cage { files: &[(NETRC, "machine api.wandb.ai login user password {} {}\n")], variables: &[] },
    // Where something else is secret.
    Cage { files: &[], variables: &[("WANDB_BASE_URL", "https://me:{}@corp.example")] },
    Cage { files: &[(SYSTEM, "[default]\nbase_url = https://{}@corp.example\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\nhttp_proxy = http://me:{}@127.0.0.1:1\n")], variables: &[("WANDB_BASE_URL", "http://corp.invalid")] },
    Cage { files: &[(WORKSPACE, "[default]\nhttps_proxy = http://me:{}@127.0.0.1:1\n")], variables: &[] },
    Cage { files: &[(SYSTEM, "[default]\nx_extra_http_headers = {\"X-Key\": \"{}\"}\n")], variables: &[("WANDB_BASE_URL", "http://127.0.0.1:1")] },
    Cage { files: &[(SYSTEM, "[default]\nx_extra_http_headers = {}\n")], variables: &[("WANDB_BASE_URL", "http://127.0.0.1:1")] },
    Cage { files: &[("home/.config/wandb/credentials.json", "{\"credentials\": {\"https://api.wandb.ai\": {\"expires_at\": \"2999-01-01 00:00:00\", \"access_token\": \"{}\"}}}"), ("cwd/secret", "a.b.c")], variables: &[("WANDB_IDENTITY_TOKEN_FILE", "secret")] },
];

fn caged(cage: &Cage) -> Home {
    let home = Home::new();
    for (path, text) in cage.files {
        home.write(path, text.replace("{}", CANARY));
    }
    home
}

fn run(cage: &Cage, command: &mut Command) -> Run {
    command.envs(
        cage.variables
            .iter()
            .map(|(name, value)| (name, value.replace("{}", CANARY))),
    );
    command
        .env("RUST_BACKTRACE", "full")
        .env("WANDB_HTTP_TIMEOUT", "1");
    Run::of(command)
}

/// The files with the canary in them; all others are empty of it, also those
/// that only a crash could have left. What is stored is for the user alone.
fn nests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(nests(&path));
        } else if sings(&String::from_utf8_lossy(&fs::read(&path).expect("a file"))) {
            assert!(support::is_private(&path), "{}", path.display());
            found.push(path);
        }
    }
    found
}

#[test]
fn a_key_is_in_no_output_and_no_new_file() {
    let mut scans = 0;
    for (index, cage) in CAGES.iter().enumerate() {
        let only_known_nests = |home: &Home| {
            for nest in nests(home.base()) {
                let known = cage.files.iter().any(|(path, _)| nest.ends_with(path));
                assert!(known, "cage {index}: {}", nest.display());
            }
        };
        let silent = |what: &str, run: &Run| {
            assert!(
                !sings(&run.stdout),
                "cage {index}, {what}, stdout:\n{}",
                run.stdout
            );
            assert!(
                !sings(&run.stderr),
                "cage {index}, {what}, stderr:\n{}",
                run.stderr
            );
        };
        for arguments in [
            &["status"][..],
            &["status", "--json"],
            &["status", "--order", "sdk"],
            &["status", "--host", "https://other.example"],
            &["login"],
            &["login", "--no-save"],
            &["login", "--relogin", "--no-prompt"],
            &["login", "--verify", "--host", "http://127.0.0.1:1"],
            &["logout"],
        ] {
            let home = caged(cage);
            silent(
                &arguments.join(" "),
                &run(cage, &mut home.wandb_login(arguments)),
            );
            only_known_nests(&home);
            scans += 3;
        }
        if program::is_built() {
            for arguments in [
                &["explain", "text"][..],
                &["explain", "json"],
                &["login"],
                &["forget"],
            ] {
                let home = caged(cage);
                let mut command = program::command(&home);
                command.args(arguments);
                silent(&arguments.join(" "), &run(cage, &mut command));
                only_known_nests(&home);
                scans += 3;
            }
        }
        // What they print is for the script; what they say is not.
        for command in ["token", "header", "env"] {
            let home = caged(cage);
            let run = run(cage, &mut home.wandb_login(&[command]));
            assert!(
                !sings(&run.stderr),
                "cage {index}, {command}, stderr:\n{}",
                run.stderr
            );
            assert!(
                run.code == Some(0) || ["", "false\n"].contains(&run.stdout.as_str()),
                "cage {index}, {command}"
            );
            scans += 1;
        }
    }
    eprintln!("canary in files and variables: {scans} scans, 0 finds");
}

#[test]
fn a_given_key_is_in_no_output_and_in_netrc_only() {
    let mut scans = 0;
    let malformed = [
        format!("{CANARY}!"),
        format!("{CANARY} {CANARY}"),
        CANARY[..30].to_string(),
    ];
    for key in malformed.iter().map(String::as_str).chain([CANARY]) {
        for more in [
            &[][..],
            &["--no-save"],
            &["--verify", "--host", "http://127.0.0.1:1"],
            &["--host", "ftp://x"],
        ] {
            let home = Home::new();
            let mut arguments = vec!["login", key];
            arguments.extend_from_slice(more);
            let given = Run::of(home.wandb_login(&arguments).env("WANDB_HTTP_TIMEOUT", "1"));

            arguments[1] = "--key-stdin";
            let mut command = home.wandb_login(&arguments);
            command
                .env("WANDB_HTTP_TIMEOUT", "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = command.spawn().expect("it starts");
            let _ = child
                .stdin
                .take()
                .expect("a pipe")
                .write_all(format!("{key}\n").as_bytes());
            let piped = Run::from(child.wait_with_output().expect("it ends"));
            for run in [given, piped] {
                assert!(
                    !sings(&run.stdout) && !sings(&run.stderr),
                    "{more:?}\n{}{}",
                    run.stdout,
                    run.stderr
                );
            }
            let stored = key == CANARY && more.is_empty();
            let netrc = home.path(NETRC);
            let expected: &[PathBuf] = if stored { &[netrc] } else { &[] };
            assert_eq!(nests(home.base()), expected, "{more:?}");
            scans += 5;
        }
    }
    eprintln!("a canary that is given: {scans} scans, 0 finds");
}

/// What a Rust program may show without a thought: results, errors, lines of
/// every level.
#[test]
fn a_key_is_in_no_debug_output_error_or_line() {
    let mut scans = 0;
    for (index, cage) in CAGES.iter().enumerate() {
        for key in [None, Some(format!("{CANARY}!")), Some(CANARY.to_owned())] {
            let home = caged(cage);
            let mut entries = vec![home.entry()];
            for (name, value) in cage.variables {
                entries.push(format!("{name}={}", value.replace("{}", CANARY)));
            }
            let environment: Vec<_> = entries.iter().map(OsStr::new).collect();
            let cwd = home.cwd();
            let said = RefCell::new(String::new());
            let log = |level: Level, line: &str| {
                let _ = writeln!(said.borrow_mut(), "{level:?} {line}");
            };
            let options = Options::new()
                .api_key(key.as_deref().unwrap_or_default())
                .flags(Flags::NO_PROMPT)
                .http_timeout(Duration::from_secs(1))
                .log(&log)
                .environment(&environment)
                .working_directory(&cwd);
            let told = |shown: &dyn Debug| {
                let _ = writeln!(said.borrow_mut(), "{shown:?} {shown:#?}");
            };
            match wandb_login::login(&options) {
                Ok(login) => {
                    told(&login);
                    if let Login::Session(session) = &login {
                        told(&session.display());
                        told(&wandb_login::refresh(session, &options));
                    }
                }
                Err(error) => told(&(error.to_string(), error)),
            }
            told(&wandb_login::check(&options));
            told(&wandb_login::forget(&options));
            let said = said.into_inner();
            assert!(!said.is_empty() && !sings(&said), "cage {index}:\n{said}");
            scans += 1;
        }
    }
    eprintln!("canary in Rust: {scans} scans, 0 finds");
}

/// The test above sees what it looks for.
#[test]
fn the_canary_sings_where_it_may() {
    let home = Home::new();
    for (command, sung) in [("token", true), ("env", true), ("status", false)] {
        let run = Run::ok(home.wandb_login(&[command]).env("WANDB_API_KEY", CANARY));
        assert_eq!(sings(&run.stdout), sung, "{command}");
    }
}
