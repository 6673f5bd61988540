//! What only Windows has: access lists, attributes, files that are in use, and the
//! lock file. A child process ends at each step of a change.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt, symlink_file};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_COMPRESSED, FILE_ATTRIBUTE_ENCRYPTED, FILE_ATTRIBUTE_HIDDEN,
    FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, WRITE_DAC,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use super::access::AccessList;
use super::lock::SUFFIX;
use super::replace::Change;
use super::{Found, OPEN, User, beside};
use crate::files::read::{Access, read_secret};
use crate::files::tests::common::*;
use crate::files::wait::LockWait;
use crate::files::{Target, Updated, WriteProblem, read, sys, update};

/// The step of a change at which a child process ends itself.
const CRASH: &str = "FILES_TEST_CRASH";

/// The exit code of that end.
const CRASHED: i32 = 77;

/// A new directory needs no preparation here.
pub(in crate::files) fn prepare(_: &Path) {}

/// Neither does a child process.
pub(in crate::files) fn prepare_child() {}

/// There are no other jobs than those of every platform.
pub(in crate::files) fn do_job(
    _: &str,
    _: &Path,
    _: &str,
) -> Option<Result<Updated, WriteProblem>> {
    None
}

/// Ends the process, as killing it does, at the step that was asked for.
pub(in crate::files) fn crash_point() {
    static STEP: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var(CRASH) else {
        return;
    };
    if wanted == STEP.fetch_add(1, Ordering::Relaxed).to_string() {
        // SAFETY: the pseudo handle is always valid.
        unsafe { TerminateProcess(GetCurrentProcess(), CRASHED.cast_unsigned()) };
    }
}

fn access(path: &Path) -> Access {
    AccessList::of(&File::open(path).unwrap()).unwrap().access()
}

/// Makes a file that every user can read, as one outside of a profile is.
fn open_to_others(scratch: &Scratch, name: &str, text: &str) -> std::path::PathBuf {
    let path = scratch.write(name, text);
    let file = OpenOptions::new()
        .access_mode(GENERIC_WRITE | WRITE_DAC)
        .open(&path)
        .unwrap();
    AccessList::open_to_everyone().give_to(&file).unwrap();
    path
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("_netrc");
    let updated = append(&path, "one").unwrap();
    assert!(updated.created && updated.notes.is_empty(), "{updated:?}");
    assert_eq!(access(&path), Access::default());
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn new_directories_are_for_their_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.path(r"a\b\settings");
    let problem = append(&path, "line").unwrap_err();
    assert_eq!(problem.to_string(), "is in a directory that does not exist");
    assert!(scratch.names().is_empty());
    let asking = Target {
        create_parents: true,
        ..target(&path)
    };
    assert!(append_to(&asking, "line").unwrap().created);
    for dir in ["a", r"a\b"] {
        let opened = crate::files::read::open(&scratch.path(dir)).unwrap();
        assert_eq!(AccessList::of(&opened).unwrap().access(), Access::default());
    }
    assert_eq!(access(&path), Access::default());
}

#[test]
fn a_replaced_file_keeps_its_access_list_and_its_attributes() {
    let scratch = Scratch::new();
    let path = open_to_others(&scratch, "_netrc", "one\r\n");
    let before = access(&path);
    assert!(before.everyone && before.others, "{before:?}");
    sys::set_attributes(&path, FILE_ATTRIBUTE_HIDDEN).unwrap();
    let updated = append(&path, "two").unwrap();
    assert_eq!(updated.notes, [OPEN]);
    assert_eq!(fs::read(&path).unwrap(), b"one\r\ntwo\n");
    assert_eq!(access(&path), before);
    let attributes = fs::metadata(&path).unwrap().file_attributes();
    assert_ne!(attributes & FILE_ATTRIBUTE_HIDDEN, 0, "{attributes:x}");
    sys::set_attributes(&path, FILE_ATTRIBUTE_NORMAL).unwrap();
}

#[test]
fn a_file_that_others_can_read_is_reported() {
    let scratch = Scratch::new();
    let path = open_to_others(&scratch, "secret", "key");
    let text = read(&path, LIMIT).unwrap().unwrap();
    assert!(text.access.others && text.access.everyone);
    assert!(read_secret(&path, &|| false).unwrap().access.everyone);
    // A change of nothing says so as well.
    let updated = change(&target(&path), &mut |_| None).unwrap();
    assert!(!updated.changed);
    assert_eq!(updated.notes, [OPEN]);
}

#[test]
fn a_read_only_file_is_not_changed() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions.clone()).unwrap();
    let problem = append(&path, "two").unwrap_err();
    assert_eq!(problem.to_string(), "is read-only");
    assert!(problem.remedy("F").unwrap().contains("attrib -r \"F\""));
    #[allow(clippy::permissions_set_readonly_false)] // this is Windows
    permissions.set_readonly(false);
    fs::set_permissions(&path, permissions).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
}

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
fn a_link_is_kept_and_leads_to_the_new_text() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("dotfiles")).unwrap();
    let file = scratch.write(r"dotfiles\netrc", "one\n");
    if let Err(error) = symlink_file(r"dotfiles\netrc", scratch.path("_netrc")) {
        return not_tested(&format!("symbolic links: {error}"));
    }
    if !scratch.path("_netrc").is_symlink() {
        return not_tested("symbolic links: the system does not show them");
    }
    append(&scratch.path("_netrc"), "two").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"one\ntwo\n");
    assert!(scratch.path("_netrc").is_symlink());
}

#[test]
fn devices_and_directories_are_not_written() {
    let scratch = Scratch::new();
    for path in ["NUL", "nul", r"\\.\NUL"] {
        assert!(read(Path::new(path), LIMIT).unwrap().is_none(), "{path}");
        let problem = append(Path::new(path), "x").unwrap_err();
        assert_eq!(problem.to_string(), "is a device, not a file", "{path}");
    }
    let text = read_secret(Path::new("NUL"), &|| false).unwrap();
    assert!(text.bytes.is_empty());
    let problem = append(scratch.dir(), "x").unwrap_err();
    assert_eq!(problem.to_string(), "is a directory, not a file");
    assert!(scratch.names().is_empty());
}

#[test]
fn a_stream_of_a_file_is_not_written() {
    let scratch = Scratch::new();
    for name in ["file:stream", "file::$DATA"] {
        let problem = append(&scratch.path(name), "x").unwrap_err();
        assert_eq!(problem.to_string(), "is a stream of a file, not a file");
    }
    assert!(scratch.names().is_empty());
}

/// What an attribute says about the file itself would be lost with it.
#[test]
fn an_encrypted_or_compressed_file_is_written_in_place() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let wait = LockWait::new(&|| false);
    let mut found = Found::at(&path, LIMIT, &wait).unwrap().unwrap();
    assert_eq!(found.reason_to_keep(), None);
    for (attribute, reason) in [
        (FILE_ATTRIBUTE_ENCRYPTED, "it is encrypted"),
        (FILE_ATTRIBUTE_COMPRESSED, "it is compressed"),
    ] {
        found.attributes = FILE_ATTRIBUTE_NORMAL | attribute;
        assert_eq!(found.reason_to_keep(), Some(reason));
    }
}

/// A file system that does not take the access list: the file itself is kept.
#[test]
fn a_file_whose_access_list_cannot_be_copied_is_written_in_place() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let wait = LockWait::new(&|| false);
    let mut found = Found::at(&path, LIMIT, &wait).unwrap().unwrap();
    found.access = Some(AccessList::malformed());
    let change = Change {
        path: &path,
        user: &User::current(None),
        old: Some(&found),
        new: b"two\n",
        limit: LIMIT,
        may_replace: true,
    };
    let mut notes = Vec::new();
    change.write(&wait, &mut notes).unwrap();
    let note = "was written in place, because its access list cannot be copied";
    assert_eq!(notes, [note]);
    assert_eq!(fs::read(&path).unwrap(), b"two\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

/// Each path leads to the same file, in a directory that is longer than the system's
/// limit for a path without a prefix.
#[test]
fn every_form_of_a_path_leads_to_the_file() {
    let scratch = Scratch::new();
    let long = scratch.path(&vec!["a".repeat(100); 4].join("\\"));
    let asking = |path| Target {
        create_parents: true,
        ..target(path)
    };
    let path = long.join("_netrc");
    assert!(path.as_os_str().len() > 400);
    append_to(&asking(&path), "0").unwrap();
    let text = path.to_str().unwrap();
    for (index, form) in [
        text.to_owned(),
        text.replace('\\', "/"),
        format!(r"\\?\{text}"),
        format!("{}\\.\\{}", long.display(), "_netrc"),
        text.to_uppercase(),
    ]
    .iter()
    .enumerate()
    {
        let updated = append(Path::new(form), &(index + 1).to_string()).unwrap();
        assert!(!updated.created, "{form}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"0\n1\n2\n3\n4\n5\n");
    assert_eq!(fs::read_dir(&long).unwrap().count(), 1);
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
    for (exists, linked) in [(false, false), (true, false), (true, true)] {
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
            let mut child = child(&[], "append", &path, "added");
            let output = child.env(CRASH, step.to_string()).output().unwrap();
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(text == old || text == new, "{step}: {text:?}");
            if output.status.code() != Some(CRASHED) {
                assert_eq!(text, new, "{step}: {output:?}");
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
    assert!(crashes >= 10, "{crashes}");
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

#[test]
fn a_pipe_that_another_program_fills_is_read() {
    let name = format!(r"\\.\pipe\wandb-login-test-{}", std::process::id());
    let server = NamedPipe::create(&name);
    let path = name.clone();
    let reader = std::thread::spawn(move || read_secret(Path::new(&path), &|| false));
    server.send(b"the secret\n");
    server.0.sync_all().unwrap(); // waits until it is read
    drop(server);
    let text = reader.join().unwrap().unwrap();
    assert_eq!(*text.bytes, *b"the secret\n");
}

/// The writing end of a pipe with a name.
struct NamedPipe(File);

impl NamedPipe {
    fn create(name: &str) -> NamedPipe {
        use std::os::windows::io::FromRawHandle;
        use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_OUTBOUND;
        use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_WAIT};
        let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let (access, mode) = (PIPE_ACCESS_OUTBOUND, PIPE_WAIT);
        // SAFETY: the name ends with zero, and outlives the call; the rest is numbers.
        let handle = unsafe {
            CreateNamedPipeW(
                wide.as_ptr(),
                access,
                mode,
                1,
                4096,
                4096,
                0,
                std::ptr::null(),
            )
        };
        // SAFETY: the handle is new, and owned by the file only.
        NamedPipe(unsafe { File::from_raw_handle(handle) })
    }

    /// Waits for a reader, and sends the text.
    fn send(&self, text: &[u8]) {
        use windows_sys::Win32::Foundation::ERROR_PIPE_LISTENING;
        loop {
            match (&self.0).write(text) {
                Ok(count) => return assert_eq!(count, text.len()),
                Err(error) if sys::is_error(&error, &[ERROR_PIPE_LISTENING]) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
