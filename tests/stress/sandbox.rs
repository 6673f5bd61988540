//! Logins in a landlock sandbox, which refuses what the files' modes allow.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::scenario::OTHER;
use crate::support::{self, Home, KEY_1, KEY_2, Run};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const READ: u64 = EXECUTE | READ_FILE | READ_DIR;
/// All rights of version 3, the first one that knows truncation.
const ALL: u64 = (1 << 15) - 1;

/// What is allowed below a path.
type Rule = (PathBuf, u64);

/// A rule set; `None`, with a message, where the kernel has no landlock.
fn rule_set(rules: &[Rule]) -> Option<OwnedFd> {
    // SAFETY: the attributes are one number, which outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &ALL, size_of::<u64>(), 0) };
    if fd < 0 {
        support::skip(&format!("landlock: {}", io::Error::last_os_error()));
        return None;
    }
    // SAFETY: the call returned a descriptor that nothing else owns.
    let set = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    for (path, rights) in rules {
        let file = File::open(path).expect("a directory");
        // The kernel's structure is packed: the rights, then the descriptor.
        let mut attributes = [0; 12];
        attributes[..8].copy_from_slice(&rights.to_ne_bytes());
        attributes[8..].copy_from_slice(&file.as_raw_fd().to_ne_bytes());
        let (fd, path_beneath) = (set.as_raw_fd(), 1);
        // SAFETY: the attributes are as long as the kernel's structure.
        let added = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                fd,
                path_beneath,
                attributes.as_ptr(),
                0,
            )
        };
        assert_eq!(added, 0, "{}", io::Error::last_os_error());
    }
    Some(set)
}

/// Runs the command where only these rules and reading the system's own files are
/// allowed.
fn run(home: &Home, rules: &[Rule], arguments: &[&str]) -> Option<Run> {
    let program = Path::new(support::wandb_login_path());
    let folder = program.parent().expect("a directory").to_path_buf();
    let system = ["/usr", "/lib", "/lib64", "/etc", "/dev", "/proc"].map(PathBuf::from);
    let system = system.into_iter().filter(|path| path.exists());
    let mut all: Vec<Rule> = system.chain([folder]).map(|path| (path, READ)).collect();
    all.extend_from_slice(rules);
    let set = rule_set(&all)?;
    let mut command = home.wandb_login(arguments);
    let restrict = move || {
        // SAFETY: these calls take numbers only.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::syscall(libc::SYS_landlock_restrict_self, set.as_raw_fd(), 0) == 0
        };
        done.then_some(()).ok_or_else(io::Error::last_os_error)
    };
    // SAFETY: it only makes system calls, which is allowed after a fork.
    unsafe { command.pre_exec(restrict) };
    Some(Run::of(&mut command))
}

fn home() -> Home {
    let home = Home::new();
    let entry = format!("machine x.example\n  login user\n  password {KEY_2}\n");
    home.write("home/.netrc", format!("{OTHER}{entry}"));
    home
}

const LOGIN: [&str; 3] = ["--host", "https://x.example", KEY_1];
const TOKEN: [&str; 3] = ["token", "--host", "https://x.example"];
const LOGOUT: [&str; 3] = ["logout", "--host", "https://x.example"];

#[test]
fn a_home_that_may_only_be_read_in_a_sandbox() {
    let home = home();
    let before = home.text("home/.netrc");
    let rules = [(home.base().to_path_buf(), READ)];
    let Some(token) = run(&home, &rules, &TOKEN) else {
        return;
    };
    assert_eq!(token.stdout, format!("{KEY_2}\n"), "{}", token.stderr);
    let login = run(&home, &rules, &LOGIN).expect("landlock");
    assert_eq!(login.code, Some(0), "{}", login.stderr);
    let reason = format!("{}/.netrc permission denied", home.home().display());
    let unsaved = format!("The API key was not saved: {reason}");
    assert!(login.stderr.contains(&unsaved), "{}", login.stderr);
    let logout = run(&home, &rules, &LOGOUT).expect("landlock");
    assert_eq!(logout.code, Some(1), "{}", logout.stderr);
    assert!(logout.stderr.contains(&reason), "{}", logout.stderr);
    assert_eq!(home.text("home/.netrc"), before);
}

#[test]
fn a_home_that_a_sandbox_does_not_show() {
    let home = home();
    let before = home.text("home/.netrc");
    let rules = [(home.cwd(), ALL)];
    let Some(token) = run(&home, &rules, &TOKEN) else {
        return;
    };
    assert_eq!((token.code, &*token.stdout), (Some(1), ""));
    let reason = format!("{}/.netrc permission denied", home.home().display());
    assert!(token.stderr.contains(&reason), "{}", token.stderr);
    let login = run(&home, &rules, &LOGIN).expect("landlock");
    assert_eq!(login.code, Some(0), "{}", login.stderr);
    assert!(login.stderr.contains("was not saved"), "{}", login.stderr);
    // Settings that cannot be read may name another server.
    home.write("home/.config/wandb/settings", "[default]\nentity = e\n");
    let login = run(&home, &rules, &["login", "--no-prompt"]).expect("landlock");
    assert_eq!(login.code, Some(1), "{}", login.stderr);
    let settings = "wandb/settings permission denied";
    assert!(login.stderr.contains(settings), "{}", login.stderr);
    assert_eq!(home.text("home/.netrc"), before);
}

#[test]
fn files_that_a_sandbox_lets_only_be_overwritten_are_written_in_place() {
    let home = home();
    let rights = READ | WRITE_FILE | TRUNCATE;
    let rules = [(home.base().to_path_buf(), rights)];
    let Some(login) = run(&home, &rules, &LOGIN) else {
        return;
    };
    assert_eq!(login.code, Some(0), "{}", login.stderr);
    let reason = "was written in place, because its directory cannot be written";
    assert!(login.stderr.contains(reason), "{}", login.stderr);
    let entry = format!("machine x.example\n  login user\n  password {KEY_1}\n");
    assert_eq!(home.text("home/.netrc"), Some(format!("{OTHER}{entry}")));
    // A file that cannot be made shorter stays as it was.
    let rules = [(home.base().to_path_buf(), READ | WRITE_FILE)];
    let before = home.text("home/.netrc");
    let logout = run(&home, &rules, &LOGOUT).expect("landlock");
    assert_eq!(logout.code, Some(1), "{}", logout.stderr);
    assert!(
        logout.stderr.contains("cannot be written"),
        "{}",
        logout.stderr
    );
    assert_eq!(home.text("home/.netrc"), before);
}
