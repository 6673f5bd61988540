use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::support::*;
use crate::files::read;

#[test]
fn concurrent_writers_lose_nothing_and_readers_see_whole_files() {
    let scratch = Scratch::new();
    let path = scratch.path("netrc");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = String::new();
            while !done.load(Ordering::Relaxed) {
                let Some(text) = read(&path, LIMIT).unwrap() else {
                    continue;
                };
                let text = String::from_utf8(text.bytes.to_vec()).unwrap();
                // Writers only append: each text starts with the previous one.
                assert!(text.starts_with(&seen), "{seen:?} became {text:?}");
                assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
                seen = text;
            }
            seen
        });
        let children: Vec<_> = (0..6)
            .map(|i| child(&[], "append 20", &path, &format!("process-{i}")))
            .map(|mut command| command.stdout(Stdio::null()).spawn().unwrap())
            .collect();
        let path = &path;
        let threads: Vec<_> = (0..6)
            .map(|i| {
                scope.spawn(move || {
                    for j in 0..20 {
                        append(path, &format!("thread-{i}-{j}")).unwrap();
                    }
                })
            })
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        for thread in threads {
            thread.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort();
    let mut wanted: Vec<String> = (0..6)
        .flat_map(|i| (0..20).map(move |j| (i, j)))
        .flat_map(|(i, j)| [format!("process-{i}-{j}"), format!("thread-{i}-{j}")])
        .collect();
    wanted.sort();
    assert_eq!(lines, wanted);
    assert_eq!(scratch.names(), ["netrc"]);
}

/// Starts a process that holds the file's lock, and waits until it does.
fn holder(path: &std::path::Path) -> std::process::Child {
    let mut holder = child(&[], "hold", path, "")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.as_mut().unwrap());
    let found = said.lines().any(|line| line.unwrap() == "HOLDING");
    assert!(found);
    holder
}

#[test]
fn a_killed_holder_releases_the_lock() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let mut holder = holder(&path);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| append(&path, "two"));
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(waiting.join().unwrap().unwrap().changed);
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
}

#[test]
fn the_wait_for_the_lock_times_out() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let mut holder = holder(&path);
    let problem = append(&path, "two");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(
        problem.unwrap_err().to_string(),
        "is locked by another program; gave up after 10 s"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
}

#[test]
fn a_waiting_writer_reads_the_new_text() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let target = target(&path);
    thread::scope(|scope| {
        let mut waiting = None;
        change(&target, &mut |old| {
            // It opens the file that is about to be replaced.
            waiting = Some(scope.spawn(|| {
                let mut seen = Vec::new();
                let looked = change(&target, &mut |old| {
                    seen.push(String::from_utf8(old.to_vec()).unwrap());
                    None
                });
                looked.map(|_| seen)
            }));
            thread::sleep(Duration::from_millis(100));
            Some(wiped(&[old, b"two\n"].concat()))
        })
        .unwrap();
        let seen = waiting.unwrap().join().unwrap().unwrap();
        assert_eq!(seen, ["one\ntwo\n"]);
    });
}

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
