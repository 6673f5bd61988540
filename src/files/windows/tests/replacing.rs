//! Replacing: files that are in use, killed writers, hard links, and the lock.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::windows::fs::OpenOptionsExt;
use std::time::Duration;

use windows_sys::Win32::Storage::FileSystem::FILE_SHARE_READ;

use super::super::beside;
use super::super::lock::SUFFIX;
use super::{CRASH, CRASHED};
use crate::files::tests::common::*;
use crate::files::{WriteProblem, read, update};

/// A program that opens the file without sharing its deletion, as Python and virus
/// scanners do.
#[test]
fn a_file_that_is_in_use_is_replaced_when_it_is_free() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    for exclusive in [false, true] {
        let share = if exclusive { 0 } else { FILE_SHARE_READ };
        let reader = OpenOptions::new().read(true).share_mode(share).open(&path);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| append(&path, "more"));
            std::thread::sleep(Duration::from_millis(200));
            drop(reader.unwrap());
            assert!(writer.join().unwrap().unwrap().changed);
        });
    }
    assert_eq!(fs::read(&path).unwrap(), b"one\nmore\nmore\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn a_file_that_a_killed_writer_moved_away_comes_back() {
    let scratch = Scratch::new();
    let away = "_netrc.wandb-login-old-0123456789abcdef";
    for there in [false, true] {
        scratch.write(away, "one\n");
        if there {
            scratch.write("_netrc", "two\n");
        }
        append(&scratch.path("_netrc"), "new").unwrap();
        let expected = if there { "two\nnew\n" } else { "one\nnew\n" };
        assert_eq!(
            fs::read_to_string(scratch.path("_netrc")).unwrap(),
            expected
        );
        assert_eq!(scratch.names(), ["_netrc"]);
        fs::remove_file(scratch.path("_netrc")).unwrap();
    }
}

/// Where a rename cannot replace an open file, it is moved away first.
#[test]
fn a_reader_waits_for_a_file_that_is_being_moved() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let moved = scratch.path("moved");
    change(&target(&path), &mut |_| {
        // On a busy machine the file can be back too late.
        let is_read = (0..20).any(|_| {
            fs::rename(&path, &moved).unwrap();
            let started = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    started.wait();
                    read(&path, LIMIT)
                });
                started.wait();
                std::thread::sleep(Duration::from_millis(20));
                fs::rename(&moved, &path).unwrap();
                let text = reader.join().unwrap().unwrap();
                text.is_some_and(|text| *text.bytes == *b"one\n")
            })
        });
        assert!(is_read);
        None
    })
    .unwrap();
    assert!(read(&moved, LIMIT).unwrap().is_none());
}

#[test]
fn cancelling_ends_the_wait_for_a_file_in_use() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let reader = OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(&path)
        .unwrap();
    let asked = std::cell::Cell::new(0);
    let cancel = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let problem = update(&target(&path), &mut |_| Some(wiped(b"x")), &cancel).unwrap_err();
    assert!(matches!(problem, WriteProblem::Cancelled), "{problem}");
    drop(reader);
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn all_hard_links_get_the_new_text() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\ntwo\nthree\n");
    fs::hard_link(&path, scratch.path("other")).unwrap();
    for text in [
        "one\n2\nthree\n",
        "one\ntwo again\nthree\nfour\n",
        "one\n",
        "",
    ] {
        let updated = change(&target(&path), &mut |_| Some(wiped(text.as_bytes()))).unwrap();
        let note = "was written in place, because it has hard links";
        assert_eq!(updated.notes.last().unwrap(), note);
        for name in ["_netrc", "other"] {
            assert_eq!(fs::read_to_string(scratch.path(name)).unwrap(), text);
        }
    }
    assert_eq!(scratch.names(), ["_netrc", "other"]);
}

#[test]
fn copies_of_killed_writers_are_removed() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    scratch.write("_netrc.wandb-login-0123456789abcdef", "half a co");
    let others = [
        "_netrc.wandb-login-",
        "_netrc.wandb-login-0123456789ABCDEG",
        "_netrc.wandb-login-0123456789abcde",
        "_netrc.wandb-login-0123456789abcdef0",
        "other.wandb-login-0123456789abcdef",
    ];
    for name in others {
        scratch.write(name, "the user's own");
    }
    append(&path, "two").unwrap();
    let mut expected = others.to_vec();
    expected.push("_netrc");
    expected.sort_unstable();
    assert_eq!(scratch.names(), expected);
}

#[test]
fn killed_at_any_step_the_file_is_old_or_new() {
    const OLD: &str = "machine a\n  login user\n  password old\n";
    let scratch = Scratch::new();
    let path = scratch.path("_netrc");
    let mut crashes = 0;
    for (job, exists, linked) in [
        ("append", false, false),
        ("append", true, false),
        ("append", true, true),
        ("append by moving", true, false),
    ] {
        let old = if exists { OLD } else { "" };
        let new = format!("{old}added\n");
        for step in 0.. {
            for name in scratch.names() {
                fs::remove_file(scratch.path(&name)).unwrap();
            }
            if exists {
                scratch.write("_netrc", OLD);
            }
            if linked {
                fs::hard_link(&path, scratch.path("linked")).unwrap();
            }
            let mut child = child(&[], job, &path, "added");
            let output = child.env(CRASH, step.to_string()).output().unwrap();
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(text == old || text == new, "{job}, {step}: {text:?}");
            if output.status.code() != Some(CRASHED) {
                assert_eq!(text, new, "{job}, {step}: {output:?}");
                break;
            }
            crashes += 1;
            // The next change works, and removes what was left.
            append(&path, "next").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{text}next\n"));
            let left = scratch.names();
            assert!(
                left.iter().all(|name| name == "_netrc" || name == "linked"),
                "{left:?}"
            );
        }
    }
    assert!(crashes >= 15, "{crashes}");
}

#[test]
fn the_lock_is_a_file_that_goes() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let lock = beside(&path, SUFFIX);
    change(&target(&path), &mut |_| {
        assert!(lock.exists());
        let opened = OpenOptions::new().write(true).open(&lock);
        assert!(opened.is_err(), "it is for one process alone");
        None
    })
    .unwrap();
    assert!(!lock.exists());
    // One that a crash of the system left is taken over.
    File::create(&lock).unwrap().write_all(b"").unwrap();
    append(&path, "two").unwrap();
    assert_eq!(scratch.names(), ["_netrc"]);
}
