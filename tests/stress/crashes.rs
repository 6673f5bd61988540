//! The command line killed at each of its system calls, and each of its system
//! calls made to fail, by strace. `refused_calls.rs` makes a call fail each time.

use std::collections::HashMap;
use std::fs;

use libc::{
    EACCES, EBUSY, EDQUOT, EINTR, EIO, EMFILE, ENOSPC, EROFS, SYS_fchmod, SYS_fchown,
    SYS_flistxattr, SYS_flock, SYS_fsync, SYS_ftruncate, SYS_getdents64, SYS_mkdirat,
    SYS_newfstatat, SYS_openat, SYS_pread64, SYS_pwrite64, SYS_renameat, SYS_statx, SYS_unlinkat,
    SYS_write, c_int, c_long,
};

use crate::scenario::{
    NETRC, OTHER, SETTINGS, Scenario, logins_and_logout, token_exchanges, token_server, words,
};
use crate::support::{self, KEY_1, KEY_2, Run};

/// System calls on files, each with its number and the errors that it can fail with.
pub const FILE_CALLS: [(&str, c_long, &[c_int]); 16] = [
    (
        "openat",
        SYS_openat,
        &[EMFILE, ENOSPC, EDQUOT, EACCES, EROFS, EIO, EINTR],
    ),
    ("write", SYS_write, &[ENOSPC, EDQUOT, EIO, EINTR]),
    ("pwrite64", SYS_pwrite64, &[ENOSPC, EDQUOT, EIO, EINTR]),
    ("fsync", SYS_fsync, &[EIO, ENOSPC, EDQUOT]),
    (
        "renameat",
        SYS_renameat,
        &[EBUSY, EACCES, EROFS, ENOSPC, EDQUOT, EIO],
    ),
    (
        "mkdirat",
        SYS_mkdirat,
        &[EACCES, EROFS, ENOSPC, EDQUOT, EIO],
    ),
    ("unlinkat", SYS_unlinkat, &[EACCES, EROFS, EIO]),
    ("flock", SYS_flock, &[EIO, EINTR]),
    ("pread64", SYS_pread64, &[EIO, EINTR]),
    ("statx", SYS_statx, &[EIO, EINTR]),
    ("newfstatat", SYS_newfstatat, &[EIO]),
    ("getdents64", SYS_getdents64, &[EIO, EINTR]),
    ("fchmod", SYS_fchmod, &[EACCES, EROFS, EIO]),
    ("fchown", SYS_fchown, &[EACCES, EROFS, EIO]),
    ("ftruncate", SYS_ftruncate, &[EACCES, EROFS, EIO]),
    ("flistxattr", SYS_flistxattr, &[EACCES, EROFS, EIO]),
];

/// System calls, each with its count among the calls of that name.
type Calls = Vec<(String, usize)>;

/// The system calls of a command; `None`, with a message, where strace cannot trace.
fn calls(scenario: &Scenario<'_>) -> Option<Calls> {
    let home = scenario.home();
    let log = home.base().join("log");
    let watched = ["strace", "-o", log.to_str()?];
    let run = scenario.command(&home, &watched).output();
    let log = fs::read_to_string(&log).unwrap_or_default();
    if run.is_err() || !log.contains("+++ exited with 0 +++") {
        support::skip(&format!(
            "failing system calls: strace cannot trace here\n{log}"
        ));
        return None;
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let name = line.split('(').next().unwrap_or_default();
        // Skips what comes before the program itself.
        if name.starts_with(['+', '-']) || (name == "execve" && calls.is_empty()) {
            continue;
        }
        // It starts no process, whose arguments or environment could show a key.
        assert!(!["fork", "vfork", "execve"].contains(&name), "{line}");
        let count = counts.entry(name).or_default();
        *count += 1;
        calls.push((name.to_owned(), *count));
    }
    Some(calls)
}

/// Runs a command with a fault that strace injects.
fn inject(scenario: &Scenario<'_>, inject: &str, new: &[Option<String>]) -> Run {
    let starter = ["strace", "-o", "/dev/null", "-e", inject];
    let survivor = scenario.survives(&starter, inject, new);
    survivor.is_reported(inject);
    survivor.run
}

/// Kills it at each call; returns how often.
fn survives_kill(scenario: &Scenario<'_>) -> Option<usize> {
    let (calls, new) = (calls(scenario)?, scenario.outcome());
    for (name, when) in &calls {
        let fault = format!("inject={name}:signal=KILL:when={when}");
        inject(scenario, &fault, &new);
    }
    Some(calls.len())
}

/// Kills it at each call where files are changed in place: the file begins
/// with the old text or the new one; a part of the other may follow.
fn starts_with_old_or_new(scenario: &Scenario<'_>) -> Option<usize> {
    let (calls, new) = (calls(scenario)?, scenario.outcome());
    for (name, when) in &calls {
        let home = scenario.home();
        let old = scenario.files(&home);
        let inject = format!("inject={name}:signal=KILL:when={when}");
        let starter = ["strace", "-o", "/dev/null", "-e", &inject];
        let run = Run::of(&mut scenario.command(&home, &starter));
        for ((now, old), new) in scenario.files(&home).iter().zip(&old).zip(&new) {
            let begins = |whole: &Option<String>| {
                let (now, whole) = (now.as_deref(), whole.as_deref());
                now.zip(whole)
                    .is_some_and(|(now, whole)| now.starts_with(whole))
            };
            assert!(
                begins(old) || begins(new),
                "{inject}: {now:?}\n{}",
                run.stderr
            );
        }
        Run::ok(&mut scenario.command(&home, &[]));
    }
    Some(calls.len())
}

/// Makes each call fail with each possible error; returns how often.
fn survives_errors(scenario: &Scenario<'_>) -> Option<usize> {
    let (calls, new) = (calls(scenario)?, scenario.outcome());
    let mut failures = 0;
    for (name, when) in &calls {
        let known = FILE_CALLS.iter().find(|(known, ..)| known == name);
        for error in known.map_or(&[][..], |(_, _, errors)| errors) {
            let fault = format!("inject={name}:error={error}:when={when}");
            let run = inject(scenario, &fault, &new);
            // Before `main` the loader fails, with 127.
            let known = [Some(0), Some(1), Some(127)].contains(&run.code);
            assert!(known, "{fault}: {:?} {}", run.code, run.stderr);
            failures += 1;
        }
    }
    Some(failures)
}

#[test]
fn killed_at_any_system_call_a_login_loses_no_data() {
    let mut points = 0;
    for scenario in logins_and_logout() {
        let Some(survived) = survives_kill(&scenario) else {
            return;
        };
        assert!(survived > 20, "{survived}");
        points += survived;
    }
    eprintln!("logins killed at {points} system calls: 0 files damaged, 0 left over");
}

#[test]
fn killed_while_writing_in_place_a_login_keeps_the_old_text() {
    let entry = |key: &str| format!("machine x.example\n  login user\n  password {key}\n{OTHER}");
    let settings = "[default]\nbase_url = https://o.example\nentity = e\n";
    let mut points = 0;
    // It grows, and it shrinks.
    for (before, after) in [
        (KEY_1.to_owned(), KEY_2.repeat(2)),
        (KEY_1.repeat(2), KEY_2.into()),
    ] {
        let scenario = Scenario {
            arguments: words(&["--host", "https://x.example", &after]),
            variables: Vec::new(),
            before: vec![(NETRC, entry(&before)), (SETTINGS, settings.to_owned())],
            linked: true,
            changes: &[NETRC, SETTINGS],
        };
        let Some(survived) = starts_with_old_or_new(&scenario) else {
            return;
        };
        points += survived;
    }
    eprintln!("logins in place killed at {points} system calls: 0 files damaged");
}

#[test]
fn no_failing_system_call_makes_a_login_lose_data() {
    let mut failures = 0;
    for scenario in logins_and_logout() {
        let Some(survived) = survives_errors(&scenario) else {
            return;
        };
        assert!(survived > 20, "{survived}");
        failures += survived;
    }
    eprintln!("logins with {failures} failures injected: 0 files damaged, 0 left over");
}

#[test]
fn killed_or_failing_at_any_system_call_the_token_cache_is_old_or_new() {
    let server = token_server();
    let (mut points, mut failures) = (0, 0);
    for scenario in token_exchanges(&server.url("127.0.0.1")) {
        let (Some(killed), Some(refused)) = (survives_kill(&scenario), survives_errors(&scenario))
        else {
            return;
        };
        points += killed;
        failures += refused;
    }
    eprintln!(
        "the cache of tokens: killed at {points} system calls, {failures} failures injected: \
         0 files damaged, 0 left over"
    );
}

/// Signals interrupt every second call, of one kind after another.
#[test]
fn interrupted_system_calls_make_no_login_lose_data() {
    let mut interrupted = 0;
    for scenario in logins_and_logout() {
        let Some(calls) = calls(&scenario) else {
            return;
        };
        let new = scenario.outcome();
        for (name, ..) in FILE_CALLS {
            if calls.iter().any(|(known, _)| known == name) {
                let fault = format!("inject={name}:error=EINTR:when=1+2");
                inject(&scenario, &fault, &new);
                interrupted += 1;
            }
        }
    }
    eprintln!("logins with {interrupted} kinds of calls interrupted: 0 files damaged");
}

/// NFS calls a file stale that another host has replaced. Files are then opened again,
/// both to read and to write them.
#[test]
fn a_stale_file_is_opened_again() {
    let [login, .., logout] = logins_and_logout();
    let mut stale = 0;
    for scenario in [login, logout] {
        let Some(calls) = calls(&scenario) else {
            return;
        };
        let new = scenario.outcome();
        let on_files = ["pread64", "flock", "fsync", "newfstatat", "renameat"];
        for (name, when) in calls {
            if on_files.contains(&name.as_str()) {
                let fault = format!("inject={name}:error=ESTALE:when={when}");
                let starter = ["strace", "-o", "/dev/null", "-e", &fault];
                let survivor = scenario.survives(&starter, &fault, &new);
                let loader = survivor.run.code == Some(127);
                assert!(
                    survivor.changed || loader,
                    "{fault}: {}",
                    survivor.run.stderr
                );
                stale += 1;
            }
        }
    }
    assert!(stale > 20, "{stale}");
}
