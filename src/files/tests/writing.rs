use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::support::*;
use crate::files::{Target, WriteProblem, update};

#[test]
fn a_change_replaces_the_file_and_leaves_no_other() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let before = inode(&path);
    let updated = append(&path, "two").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    assert!(updated.changed && !updated.created);
    assert_eq!((updated.notes, updated.path), (vec![], path.clone()));
    assert_ne!(inode(&path), before);
    assert_eq!(scratch.names(), ["netrc"]);
}

#[test]
fn a_missing_file_is_created_for_its_owner_alone() {
    let scratch = Scratch::new();
    for umask in ["000", "022", "077", "777"] {
        for name in ["netrc", "deep/down/settings"] {
            let path = scratch.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut command = child(&[], "append", &path, "line");
            command.env(UMASK, umask);
            let said = outcome(command).unwrap();
            assert!(said.contains("created: true"), "{umask}: {said}");
            assert!(said.contains("notes: []"), "{umask}: {said}");
            assert_eq!(mode(&path), 0o600, "{umask}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "line\n");
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(scratch.names(), ["deep"]);
}

#[test]
fn a_file_created_first_exists_during_the_edit_and_is_removed_without_content() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    let first = Target {
        create_first: true,
        ..target(&path)
    };
    let mut edits = 0;
    let mut edit = |_: &[u8]| {
        edits += 1;
        assert!(path.exists());
        None
    };
    let updated = update(&first, &mut edit, &|| false).unwrap();
    assert!(!updated.created && !updated.changed);
    assert_eq!(edits, 1);
    assert!(!path.exists());
    assert!(append_to(&first, "line").unwrap().created);
}

#[test]
fn directories_are_created_on_request_only() {
    let scratch = Scratch::new();
    let path = scratch.path("a/b/settings");
    let problem = append(&path, "line").unwrap_err();
    assert_eq!(problem.to_string(), "is in a directory that does not exist");
    assert!(scratch.names().is_empty());
    let asking = Target {
        create_parents: true,
        ..target(&path)
    };
    assert!(append_to(&asking, "line").unwrap().created);
    for dir in ["a", "a/b"] {
        assert_eq!(mode(&scratch.path(dir)), 0o700);
    }
    assert_eq!(mode(&path), 0o600);
    // A file in the way of the directory stays what it is.
    scratch.file("file", "text", 0o600);
    let path = scratch.path("file/settings");
    let asking = Target {
        create_parents: true,
        ..target(&path)
    };
    append_to(&asking, "line").unwrap_err();
    assert_eq!(fs::read(scratch.path("file")).unwrap(), b"text");
}

#[test]
fn modes_are_tightened_and_never_widened() {
    let scratch = Scratch::new();
    for (before, after) in [
        (0o600, 0o600),
        (0o644, 0o600),
        (0o666, 0o600),
        (0o640, 0o600),
        (0o755, 0o700),
        (0o700, 0o700),
        (0o4755, 0o700),
    ] {
        for umask in ["000", "022", "777"] {
            let path = scratch.file("netrc", "one\n", before);
            let mut command = child(&[], "append", &path, "two");
            command.env(UMASK, umask);
            let said = outcome(command).unwrap();
            assert_eq!(mode(&path), after, "{before:o} {umask} {said}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
            let told = said.contains(&format!(
                "permissions changed from {before:04o} to {after:04o} (it was open to other users)"
            ));
            assert_eq!(told, before & 0o077 != 0, "{before:o}: {said}");
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_read_only_file_is_refused_even_to_root() {
    let scratch = Scratch::new();
    for mode in [0o400, 0o444, 0o000, 0o066] {
        let path = scratch.file("netrc", "one\n", mode);
        let problem = append(&path, "two").unwrap_err();
        assert_eq!(problem.to_string(), "is read-only", "{mode:o}");
        assert_eq!(fs::metadata(&path).unwrap().len(), 4);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn no_change_writes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o644);
    let before = (
        inode(&path),
        fs::metadata(&path).unwrap().modified().unwrap(),
    );
    for same in [None, Some("one\n")] {
        let edited = change(&target(&path), &mut |_| same.map(|s| wiped(s.as_bytes())));
        let updated = edited.unwrap();
        assert!(!updated.changed && !updated.created);
        assert_eq!(updated.notes, ["is open to other users (mode 0644)"]);
    }
    let after = (
        inode(&path),
        fs::metadata(&path).unwrap().modified().unwrap(),
    );
    assert_eq!(after, before);
    assert_eq!(mode(&path), 0o644);
    // A missing file is not created.
    let missing = scratch.path("missing");
    assert!(!change(&target(&missing), &mut |_| None).unwrap().changed);
    // It is removed when the second edit finds nothing to do.
    let mut asked = 0;
    let edited = change(&target(&missing), &mut |_| {
        asked += 1;
        (asked == 1).then(|| wiped(b"text"))
    });
    assert!(!edited.unwrap().created);
    assert_eq!(scratch.names(), ["netrc"]);
}

#[test]
fn links_are_kept_and_lead_to_the_new_text() {
    let scratch = Scratch::new();
    let dir = scratch.subdir("dotfiles", 0o755);
    let file = scratch.file("dotfiles/netrc", "one\n", 0o600);
    symlink("dotfiles/second", scratch.path("first")).unwrap();
    symlink(scratch.path("third"), dir.join("second")).unwrap();
    symlink("dotfiles/../dotfiles/netrc", scratch.path("third")).unwrap();
    let updated = append(&scratch.path("first"), "two").unwrap();
    assert_eq!(
        fs::canonicalize(updated.path).unwrap(),
        fs::canonicalize(&file).unwrap()
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\n");
    for link in ["first", "dotfiles/second", "third"] {
        assert!(scratch.path(link).is_symlink(), "{link}");
    }
    assert_eq!(names(&dir), ["netrc", "second"]);

    // A dangling link gets its file; without a directory there is none.
    symlink("dotfiles/new", scratch.path("dangling")).unwrap();
    assert!(append(&scratch.path("dangling"), "x").unwrap().created);
    assert_eq!(fs::read(dir.join("new")).unwrap(), b"x\n");
    assert!(scratch.path("dangling").is_symlink());
    symlink("nowhere/new", scratch.path("lost")).unwrap();
    let problem = append(&scratch.path("lost"), "x").unwrap_err();
    assert!(matches!(problem, WriteProblem::NoDirectory));

    symlink("b", scratch.path("a")).unwrap();
    symlink("a", scratch.path("b")).unwrap();
    let problem = append(&scratch.path("a"), "x").unwrap_err();
    assert_eq!(problem.to_string(), "has too many levels of symbolic links");
}

#[test]
fn other_file_types_are_not_written() {
    let scratch = Scratch::new();
    let _listener = UnixListener::bind(scratch.path("socket")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(scratch.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    symlink("pipe", scratch.path("link")).unwrap();
    for (path, text) in [
        (scratch.dir().to_path_buf(), "is a directory, not a file"),
        (scratch.dir().join(".."), "is a directory, not a file"),
        ("/".into(), "is a directory, not a file"),
        (scratch.path("socket"), "is a socket, not a file"),
        (scratch.path("pipe"), "is a pipe, not a file"),
        (scratch.path("link"), "is a pipe, not a file"),
        ("/dev/null".into(), "is a device, not a file"),
        ("/dev/full".into(), "is a device, not a file"),
    ] {
        let problem = append(&path, "x").unwrap_err();
        assert_eq!(problem.to_string(), text, "{path:?}");
    }
    for path in ["", "missing/.."] {
        append(Path::new(path), "x").unwrap_err();
    }
    assert_eq!(scratch.names(), ["link", "pipe", "socket"]);
}

#[test]
fn all_hard_links_get_the_new_text() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\ntwo\nthree\n", 0o644);
    fs::hard_link(&path, scratch.path("other")).unwrap();
    for text in [
        "one\n2\nthree\n",
        "one\ntwo again\nthree\nfour\n",
        "one\n",
        "",
        "quite another\n",
    ] {
        let updated = change(&target(&path), &mut |_| Some(wiped(text.as_bytes()))).unwrap();
        assert!(updated.changed);
        let told = updated.notes.last().unwrap();
        assert_eq!(told, "was written in place, because it has hard links");
        for name in ["netrc", "other"] {
            assert_eq!(fs::read_to_string(scratch.path(name)).unwrap(), text);
            assert_eq!(mode(&scratch.path(name)), 0o600);
        }
    }
    assert_eq!(inode(&path), inode(&scratch.path("other")));
    assert_eq!(scratch.names(), ["netrc", "other"]);
}

#[test]
fn copies_of_killed_writers_are_removed() {
    let scratch = Scratch::new();
    let path = scratch.file(".netrc", "one\n", 0o600);
    scratch.file(".netrc.wandb-login-0123456789abcdef", "half a co", 0o600);
    scratch.file(".netrc.wandb-login-lock", "", 0o600);
    let others = [
        ".netrc.wandb",
        ".netrc.wandb-login-",
        ".netrc.wandb-login-0123456789ABCDEF",
        ".netrc.wandb-login-0123456789abcde",
        ".netrc.wandb-login-0123456789abcdef0",
        ".netrc.wandb-login-backup",
        ".netrc.wandb-login-lock.txt",
        ".settings.wandb-login-0123456789abcdef",
    ];
    for name in others {
        scratch.file(name, "the user's own", 0o600);
    }
    scratch.subdir(".netrc.wandb-login-fedcba9876543210", 0o755);
    symlink(
        ".netrc.wandb",
        scratch.path(".netrc.wandb-login-1111111111111111"),
    )
    .unwrap();
    // A writer on another host, which does not share the lock of the file.
    let in_use = scratch.file(".netrc.wandb-login-2222222222222222", "half", 0o600);
    let writer = fs::File::open(&in_use).unwrap();
    writer.lock().unwrap();
    append(&path, "two").unwrap();
    let mut expected = others.to_vec();
    expected.extend([
        ".netrc",
        ".netrc.wandb-login-1111111111111111",
        ".netrc.wandb-login-2222222222222222",
        ".netrc.wandb-login-fedcba9876543210",
    ]);
    expected.sort_unstable();
    assert_eq!(scratch.names(), expected);
    drop(writer);
    append(&path, "three").unwrap();
    assert!(!in_use.exists());
}

#[test]
fn a_file_with_a_very_long_name_is_written_in_place() {
    let scratch = Scratch::new();
    let path = scratch.path(&"n".repeat(250));
    let updated = append(&path, "one").unwrap();
    let reason = "was written in place, because its directory cannot be written";
    assert!(updated.created && updated.notes == [reason], "{updated:?}");
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
}

#[test]
fn a_relative_path_starts_at_the_working_directory() {
    // The working directory is the package's; the name contains the process ID.
    let name = format!("files-test-{}", std::process::id());
    let updated = append(Path::new(&name), "one");
    let text = fs::read(&name);
    fs::remove_file(&name).unwrap();
    assert!(updated.unwrap().changed);
    assert_eq!(text.unwrap(), b"one\n");
}

#[test]
fn cancelling_ends_the_wait_for_the_lock() {
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o600);
    let theirs = fs::File::open(&path).unwrap();
    theirs.lock().unwrap();
    let asked = Cell::new(0);
    let cancel = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let problem = update(&target(&path), &mut |_| Some(wiped(b"x")), &cancel).unwrap_err();
    assert!(matches!(problem, WriteProblem::Cancelled));
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
}
