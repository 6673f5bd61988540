use std::fs;
use std::thread;
use std::time::Duration;

use super::support::*;

/// Another thread forks during the update: the child inherits the descriptor,
/// and must not keep the lock.
#[test]
fn a_forked_child_does_not_inherit_the_lock() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let mut inherited = None;
    change(&target(&path), &mut |_| {
        // A duplicate of the locked descriptor, as a fork makes one.
        let fds = fs::read_dir("/dev/fd").unwrap().flatten();
        let fd = fds
            .map(|entry| entry.file_name().into_string().unwrap())
            .find(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|to| to == path));
        let fd = fd.map(|fd| fd.parse().unwrap());
        // SAFETY: `dup` takes a number, and what it gives is owned by us only.
        inherited = fd.map(|fd: i32| unsafe { libc::dup(fd) });
        None
    })
    .unwrap();
    let Some(inherited) = inherited else {
        return not_tested("an inherited lock: /proc does not show our descriptors");
    };
    fs::File::open(&path).unwrap().try_lock().unwrap();
    // SAFETY: the duplicate is open, and closed here only.
    unsafe { libc::close(inherited) };
}

/// Any user who can read a file can lock it.
#[test]
fn a_foreign_lock_on_an_open_file_does_not_prevent_a_change() {
    const WRITERS: usize = 64;
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o644);
    let foreign = fs::File::open(&path).unwrap();
    foreign.lock().unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|i| (i, &path))
            .map(|(i, path)| scope.spawn(move || append(path, &format!("{i}")).unwrap()))
            .collect();
        let updates: Vec<_> = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect();
        let note = "was replaced while another program had locked it";
        let replaced = |notes: &[String]| notes.iter().any(|found| found == note);
        let count = updates
            .iter()
            .filter(|updated| replaced(&updated.notes))
            .count();
        assert_eq!(count, 1);
    });
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    lines.sort_by_key(|line| line.parse::<usize>().unwrap());
    let expected: Vec<String> = (0..WRITERS).map(|i| i.to_string()).collect();
    assert_eq!(lines, expected);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(scratch.names(), ["netrc"]);
    // The foreign lock is of the old file.
    foreign.unlock().unwrap();
}

#[test]
fn a_change_of_an_open_file_waits_for_the_guard() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o644);
    let guard = fs::File::create(scratch.path(".netrc.wandb-login-lock")).unwrap();
    guard.lock().unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| append(&path, "two"));
        thread::sleep(Duration::from_millis(100));
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
        guard.unlock().unwrap();
        assert!(writer.join().unwrap().unwrap().changed);
    });
    assert_eq!(scratch.names(), ["netrc"]);
}
