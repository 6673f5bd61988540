//! Logins that ask the server, from the command line and from Rust, against a
//! stub on the loopback, over HTTP and TLS; and beside the SDK's own client.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(feature = "http")]

#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

mod anonymous;
mod elsewhere;
mod host_rustls;
#[cfg(unix)] // a trace of system calls, and a build of its own
mod offline;
mod renewer;
mod route;
#[cfg(unix)] // a Python with the SDK
mod sdk;
mod tokens;
mod verified;
mod workspace;

use std::ffi::{OsStr, OsString};
use std::process::Command;

use support::{Home, Run};
use wandb_login::{Login, Options, Session};

/// The key that is logged in with: no output may hold it.
const CANARY: &str = "cafe0123456789abcdef0123456789abcdefcafe";

/// Variables of a program or a call, beside its home.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// The command line in a home, with these variables.
fn wandb_login(home: &Home, variables: Variables, arguments: &[&str]) -> Command {
    let mut command = home.wandb_login(arguments);
    command.envs(variables.iter().copied());
    command
}

/// Runs it; whatever it prints is no secret.
fn run(home: &Home, variables: Variables, arguments: &[&str]) -> Run {
    let run = Run::of(&mut wandb_login(home, variables, arguments));
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(&CANARY[..20]), "{text}");
    }
    run
}

/// A login from Rust, in a world of its own: nothing of this process's.
fn login(home: &Home, variables: Variables, options: Options<'_>) -> wandb_login::Result<Session> {
    in_world(
        home,
        variables,
        options,
        |options| match wandb_login::login(options)? {
            Login::Session(session) => Ok(session),
            Login::Offline => panic!("offline"),
        },
    )
}

fn in_world<T>(
    home: &Home,
    variables: Variables,
    options: Options<'_>,
    call: impl FnOnce(&Options<'_>) -> T,
) -> T {
    let entries = entries(home, variables);
    let entries: Vec<&OsStr> = entries.iter().map(OsString::as_os_str).collect();
    let folder = home.cwd();
    let log = |_, line: &str| assert!(!line.contains(&CANARY[..20]), "{line}");
    call(
        &options
            .environment(&entries)
            .working_directory(&folder)
            .log(&log),
    )
}

/// The environment of a call: its home and these variables.
fn entries(home: &Home, variables: Variables) -> Vec<OsString> {
    let mut entries = vec![OsString::from(home.entry())];
    for (name, value) in variables {
        entries.push(format!("{name}={value}").into());
    }
    entries
}

/// The netrc entry of a server.
fn entry(url: &str, key: &str) -> String {
    let (_, netloc) = url.split_once("://").expect("a scheme");
    format!("machine {netloc}\n  login user\n  password {key}\n")
}
