//! What holds on every platform.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::common::*;
use crate::files::read;
use crate::files::sys::LOCK_TIMEOUT;

#[test]
fn every_byte_value_is_kept() {
    let scratch = Scratch::new();
    let path = scratch.path("netrc");
    let odd: Vec<u8> = (0..=255).chain([0xc3, 0x28, b'\r', b'\n', 0]).collect();
    fs::write(&path, &odd).unwrap();
    append(&path, "x").unwrap();
    assert_eq!(fs::read(&path).unwrap(), [&odd[..], b"x\n"].concat());
}

#[test]
fn files_up_to_the_limit_are_written_and_larger_ones_refused() {
    let scratch = Scratch::new();
    let text = "0123456789abcde\n".repeat(1024 * 1024 - 1);
    let path = scratch.write("netrc", &text);
    append(&path, "last").unwrap();
    assert!(fs::read_to_string(&path).unwrap() == text + "last\n");
    let before = fs::read(&path).unwrap();
    let problem = append(&path, "more than still fits").unwrap_err();
    assert_eq!(problem.to_string(), "is larger than 16 MiB");
    assert!(fs::read(&path).unwrap() == before);
    fs::write(&path, vec![0; LIMIT as usize + 1]).unwrap();
    let problem = append(&path, "x").unwrap_err();
    assert_eq!(problem.to_string(), "is larger than 16 MiB");
    assert_eq!(scratch.names(), ["netrc"]);
}

#[test]
fn a_concurrent_change_is_not_undone() {
    let scratch = Scratch::new();
    let path = scratch.path("netrc");
    let other = scratch.path("other");
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("one\ntheirs\n", &|| {
            fs::write(&path, "one\ntheirs\n").unwrap()
        }),
        // Of the same length, within one tick of the file's clock.
        ("ONE\n", &|| fs::write(&path, "ONE\n").unwrap()),
        ("by rename\n", &|| {
            fs::write(&other, "by rename\n").unwrap();
            fs::rename(&other, &path).unwrap();
        }),
        ("", &|| fs::remove_file(&path).unwrap()),
    ];
    for (left, spoil) in spoil {
        for names in [1, 2] {
            let _ = fs::remove_file(&path);
            fs::write(&path, "one\n").unwrap();
            let _ = fs::remove_file(scratch.path("second name"));
            if names == 2 {
                fs::hard_link(&path, scratch.path("second name")).unwrap();
            }
            let spoilt = Cell::new(false);
            change(&target(&path), &mut |old| {
                if !spoilt.replace(true) {
                    spoil();
                }
                Some(wiped(&[old, b"ours\n"].concat()))
            })
            .unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text, format!("{left}ours\n"));
        }
    }
}

#[test]
fn a_file_that_changes_all_the_time_is_not_written() {
    let scratch = Scratch::new();
    let path = scratch.write("netrc", "");
    let mut asked = 0;
    let problem = change(&target(&path), &mut |old| {
        asked += 1;
        fs::write(&path, format!("{asked}\n")).unwrap();
        Some(wiped(&[old, b"ours\n"].concat()))
    })
    .unwrap_err();
    assert_eq!(
        problem.to_string(),
        "is being changed by another program again and again"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{asked}\n"));
    assert_eq!(scratch.names(), ["netrc"]);
}

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
    let path = scratch.write("netrc", "one\n");
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
    let path = scratch.write("netrc", "one\n");
    let mut holder = holder(&path);
    let problem = append(&path, "two");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(
        problem.unwrap_err().to_string(),
        format!(
            "is locked by another program; gave up after {} s",
            LOCK_TIMEOUT.as_secs()
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
}

#[test]
fn a_waiting_writer_reads_the_new_text() {
    let scratch = Scratch::new();
    let path = scratch.write("netrc", "one\n");
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
