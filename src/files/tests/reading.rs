use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::support::{LIMIT, Scratch, as_plain_user};
use crate::files::read::{contents, pipe};
use crate::files::{ReadProblem, is_missing, read, read_secret};

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn problem(path: &Path) -> String {
    read(path, LIMIT).err().unwrap().to_string()
}

#[test]
fn a_file_is_read_whole_with_its_mode() {
    let scratch = Scratch::new();
    for (mode, open) in [
        (0o600, false),
        (0o400, false),
        (0o644, true),
        (0o640, true),
        (0o602, true),
        (0o711, false),
    ] {
        let path = scratch.file("netrc", "machine a\nlogin \u{e9}\n", mode);
        let text = read(&path, LIMIT).unwrap().unwrap();
        assert_eq!(*text.bytes, *b"machine a\nlogin \xc3\xa9\n");
        let everyone = mode & 0o006 != 0;
        let access = (text.access.others, text.access.everyone);
        assert_eq!(access, (open, everyone), "{mode:o}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_examined_is_not_missing() {
    let scratch = Scratch::new();
    let round = scratch.path("round");
    std::os::unix::fs::symlink("round", &round).unwrap();
    assert!(!is_missing(&round) && !is_missing(scratch.dir()));
    assert!(is_missing(&scratch.path("nothing")));
    assert!(is_missing(std::path::Path::new("/dev/null/netrc")));
}

#[test]
fn missing_files_and_the_null_device_read_as_none() {
    let scratch = Scratch::new();
    symlink("nowhere", scratch.path("dangling")).unwrap();
    symlink("/dev/null", scratch.path("null")).unwrap();
    for path in [
        scratch.path("missing"),
        scratch.path("no/dir"),
        scratch.path("dangling"),
        scratch.path("null"),
        "/dev/null".into(),
    ] {
        assert!(read(&path, LIMIT).unwrap().is_none(), "{path:?}");
    }
    let empty = scratch.file("empty", "", 0o600);
    assert!(read(&empty, LIMIT).unwrap().unwrap().bytes.is_empty());
}

#[test]
fn other_file_types_are_refused_without_blocking() {
    let scratch = Scratch::new();
    mkfifo(&scratch.path("pipe"));
    symlink("pipe", scratch.path("link")).unwrap();
    let _listener = UnixListener::bind(scratch.path("socket")).unwrap();
    symlink("loop", scratch.path("loop")).unwrap();
    let file = scratch.file("file", "", 0o600);
    for (path, text) in [
        (scratch.path("pipe"), "is a pipe, not a file"),
        (scratch.path("link"), "is a pipe, not a file"),
        (scratch.dir().to_path_buf(), "is a directory, not a file"),
        (
            scratch.path("socket"),
            "is a socket or a device, not a file",
        ),
        ("/dev/zero".into(), "is a device, not a file"),
        ("/dev/full".into(), "is a device, not a file"),
        (
            scratch.path("loop"),
            "has too many levels of symbolic links",
        ),
        (
            file.join("below"),
            "cannot be read: Not a directory (os error 20)",
        ),
    ] {
        assert_eq!(problem(&path), text, "{path:?}");
    }
}

#[test]
fn the_size_limit_is_enforced() {
    let scratch = Scratch::new();
    let path = scratch.file("file", "0123456789", 0o600);
    for limit in [10, 11, 100, u64::MAX] {
        assert_eq!(read(&path, limit).unwrap().unwrap().bytes.len(), 10);
    }
    for (limit, text) in [(0, "is larger than 0 bytes"), (9, "is larger than 9 bytes")] {
        assert_eq!(read(&path, limit).err().unwrap().to_string(), text);
    }
    // A large file, to the last byte; one byte more is too much.
    let large = "x".repeat(LIMIT as usize);
    let path = scratch.file("large", &large, 0o600);
    assert_eq!(
        *read(&path, LIMIT).unwrap().unwrap().bytes,
        *large.as_bytes()
    );
    let path = scratch.file("larger", &(large + "x"), 0o600);
    assert_eq!(problem(&path), "is larger than 16 MiB");
}

#[test]
fn a_reported_size_is_not_trusted() {
    let scratch = Scratch::new();
    let text = "0123456789".repeat(1000);
    let file = File::open(scratch.file("file", &text, 0o600)).unwrap();
    // It grew or shrank after stat, or stat reported nothing.
    for size in [0, 1, 9_999, 10_000, 10_001, 50_000] {
        let bytes = contents(&file, size, 100_000).unwrap();
        assert_eq!(*bytes, *text.as_bytes(), "{size}");
    }
    for size in [0, 1, 9_998, 9_999] {
        let problem = contents(&file, size, 9_999).err().unwrap();
        assert!(matches!(problem, ReadProblem::TooLarge(9_999)), "{size}");
    }
    if cfg!(target_os = "linux") {
        let status = read(Path::new("/proc/self/status"), LIMIT).unwrap();
        assert!(status.unwrap().bytes.starts_with(b"Name:"));
    }
}

#[test]
fn an_unreadable_file_is_denied() {
    let scratch = Scratch::new();
    let path = scratch.file("file", "", 0o000);
    if let Some(said) = as_plain_user("read", &path, "") {
        assert_eq!(said, "problem: permission denied");
    }
}

#[test]
fn a_secret_is_read_from_a_file_or_a_pipe() {
    let scratch = Scratch::new();
    let secret = |path: &Path| read_secret(path, &|| false).map(|text| text.bytes.to_vec());
    assert_eq!(secret(&scratch.file("file", "key", 0o400)).unwrap(), b"key");
    assert_eq!(secret(Path::new("/dev/null")).unwrap(), b"");
    assert!(matches!(
        secret(&scratch.path("missing")),
        Err(ReadProblem::Missing)
    ));
    assert!(matches!(
        secret(scratch.dir()),
        Err(ReadProblem::NotAFile("a directory"))
    ));
    let large = scratch.file("large", &"k".repeat(64 * 1024), 0o400);
    assert_eq!(secret(&large).unwrap().len(), 64 * 1024);
    let large = scratch.file("larger", &"k".repeat(64 * 1024 + 1), 0o400);
    assert_eq!(
        secret(&large).err().unwrap().to_string(),
        "is larger than 64 KiB"
    );

    // As the shell makes it for <(command); written in pieces.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let writing = thread::spawn(move || {
        for piece in ["a", "secret", "\n"] {
            writer.write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
    });
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    assert_eq!(secret(Path::new(&path)).unwrap(), b"asecret\n");
    writing.join().unwrap();
    // Its writer has closed it before it is opened.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    assert_eq!(secret(Path::new(&path)).unwrap(), b"");
}

#[test]
fn a_named_pipe_waits_for_its_writer() {
    let scratch = Scratch::new();
    let path = scratch.path("pipe");
    mkfifo(&path);
    let late = path.clone();
    let writing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(150));
        fs::write(late, "late key").unwrap();
    });
    assert_eq!(*read_secret(&path, &|| false).unwrap().bytes, *b"late key");
    writing.join().unwrap();
}

#[test]
fn reading_a_pipe_ends_at_its_limits() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let file = File::open(format!("/dev/fd/{}", reader.as_raw_fd())).unwrap();
    let short = Duration::from_millis(120);
    let problem = pipe(&file, 100, short, &|| false).err().unwrap();
    assert!(matches!(problem, ReadProblem::TimedOut(_)));
    let problem = pipe(&file, 100, Duration::from_secs(3600), &|| true);
    assert!(matches!(problem.err(), Some(ReadProblem::Cancelled)));
    // The size limit holds for a pipe, too.
    writer.write_all(&[b'x'; 101]).unwrap();
    let problem = pipe(&file, 100, Duration::from_secs(3600), &|| false);
    assert!(matches!(problem.err(), Some(ReadProblem::TooLarge(100))));
    drop(writer);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}
