//! Writers killed at each system call, and system calls that fail: the file
//! holds the old text or the new one.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::*;

const OLD: &str = "machine a\n  login user\n  password old\n";

/// The text after `append`.
fn new() -> String {
    format!("{OLD}added\n")
}

/// How a traced child ended.
#[derive(Debug)]
struct Ended {
    outcome: Option<String>,
    killed: bool,
}

/// Runs `append` in a thread that strace is attached to, with these strace
/// options; `None` where strace is not available.
fn traced(path: &Path, words: &[&str]) -> Option<Ended> {
    let mut child = child(&[], "append on request", path, "added")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let thread = line_with(&mut said, "THREAD ").unwrap();
    let strace = Command::new("strace")
        .args(["-p", &thread])
        .args(words)
        .stderr(Stdio::piped())
        .spawn();
    let watched = strace.ok().and_then(|mut strace| {
        let mut told = BufReader::new(strace.stderr.take().unwrap());
        let attached = line_with(&mut told, "Process ");
        attached.map(|_| (strace, told))
    });
    let Some((mut strace, mut told)) = watched else {
        not_tested("failing system calls: strace cannot attach here");
        child.kill().and(child.wait()).unwrap();
        return None;
    };
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let said = line_with(&mut said, "OUTCOME ");
    let killed = child.wait().unwrap().signal() == Some(9);
    told.read_to_string(&mut String::new()).unwrap();
    strace.wait().unwrap();
    Some(Ended {
        outcome: said,
        killed,
    })
}

/// The rest of the first line with these words in it.
fn line_with(from: &mut impl BufRead, words: &str) -> Option<String> {
    let mut lines = from.lines().map_while(Result::ok);
    lines.find_map(|line| line.split_once(words).map(|(_, rest)| rest.to_owned()))
}

/// The system calls that `append` makes, each with its count among the calls of
/// that name.
fn calls(path: &Path) -> Option<Vec<(String, usize)>> {
    let log = path.with_extension("log");
    traced(path, &["-o", log.to_str().unwrap()])?;
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut calls = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let name = line.split('(').next().unwrap();
        let count = counts.entry(name).or_default();
        *count += 1;
        if line.contains("FILES-TEST-END") {
            break;
        }
        if inside {
            calls.push((name.to_owned(), *count));
        }
        inside |= line.contains("FILES-TEST-BEGIN");
    }
    assert!(calls.iter().any(|(name, _)| name == "flock"), "{text}");
    Some(calls)
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Missing,
    Alone,
    /// Open to other users, so that it is guarded by a second lock.
    Open,
    /// With a hard link, so that it is written in place.
    Linked,
}

fn set_up(scratch: &Scratch, state: State) -> std::path::PathBuf {
    let path = scratch.path("netrc");
    let _ = fs::remove_file(&path);
    let _ = fs::remove_file(scratch.path("linked"));
    if state != State::Missing {
        let mode = if state == State::Open { 0o644 } else { 0o600 };
        scratch.file("netrc", OLD, mode);
    }
    if state == State::Linked {
        fs::hard_link(&path, scratch.path("linked")).unwrap();
    }
    path
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn killed_at_any_system_call_the_file_is_old_or_new() {
    let scratch = Scratch::new();
    let mut points = 0;
    for state in [State::Missing, State::Alone, State::Open, State::Linked] {
        let path = set_up(&scratch, state);
        let Some(calls) = calls(&path) else { return };
        let old = if state == State::Missing { "" } else { OLD };
        let new = format!("{old}added\n");
        assert_eq!(text_of(&path), new);
        let mut seen = [0, 0];
        for (name, when) in calls {
            set_up(&scratch, state);
            let inject = format!("inject={name}:signal=KILL:when={when}");
            let ended = traced(&path, &["-o", "/dev/null", "-e", &inject]).unwrap();
            assert!(ended.killed, "{inject}: {ended:?}");
            let text = text_of(&path);
            assert!(text == old || text == new, "{inject}: {text:?}");
            seen[usize::from(text == new)] += 1;
            if path.exists() {
                let untouched = state == State::Open && text == old;
                let expected = if untouched { 0o644 } else { 0o600 };
                assert_eq!(mode(&path), expected, "{inject}");
            }
            // The next change works, and removes what was left.
            append(&path, "next").unwrap();
            assert_eq!(text_of(&path), format!("{text}next\n"), "{inject}");
            let left = scratch.names();
            assert!(
                left.iter().all(|n| n == "netrc" || n == "linked"),
                "{left:?}"
            );
        }
        assert!(seen[0] > 5 && seen[1] > 0, "{state:?} {seen:?}");
        points += seen[0] + seen[1];
    }
    eprintln!("one update killed at {points} system calls: 0 files damaged, 0 left over");
}

#[test]
fn no_failing_system_call_loses_data() {
    let scratch = Scratch::new();
    let mut failures = 0;
    for state in [State::Missing, State::Alone, State::Open, State::Linked] {
        let path = set_up(&scratch, state);
        let Some(calls) = calls(&path) else { return };
        let old = if state == State::Missing { "" } else { OLD };
        let mut problems = 0;
        for (name, when) in calls {
            let errors: &[&str] = match name.as_str() {
                "openat" => &[
                    "EMFILE", "ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EINTR",
                ],
                "write" | "pwrite64" => &["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EINTR"],
                "fsync" | "fdatasync" => &["EIO", "ENOSPC", "EDQUOT", "EINTR"],
                "renameat" | "renameat2" => &[
                    "EBUSY", "EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EINTR",
                ],
                "flock" | "pread64" | "statx" | "newfstatat" | "getdents64" => &["EIO", "EINTR"],
                "fchmod" | "fchown" | "ftruncate" | "flistxattr" => &["EACCES", "EROFS", "EIO"],
                _ => continue,
            };
            for error in errors {
                set_up(&scratch, state);
                let inject = format!("inject={name}:error={error}:when={when}");
                let ended = traced(&path, &["-o", "/dev/null", "-e", &inject]).unwrap();
                let said = ended.outcome.expect(&inject);
                failures += 1;
                let text = text_of(&path);
                if said.starts_with("problem: ") {
                    problems += 1;
                    assert_eq!(text, old, "{inject}: {said}");
                    // An interrupted call is repeated.
                    let transient = *error == "EINTR" && name != "statx";
                    assert!(!transient, "{inject}: {said}");
                } else {
                    assert_eq!(text, format!("{old}added\n"), "{inject}: {said}");
                }
                let left = scratch.names();
                let known = |n: &String| n == "netrc" || n == "linked";
                assert!(left.iter().all(known), "{inject}: {left:?}");
            }
        }
        assert!(problems > 5, "{state:?} {problems}");
    }
    eprintln!("one update with {failures} failures injected: 0 files damaged, 0 left over");
}

#[test]
fn without_fsync_the_file_is_saved() {
    let scratch = Scratch::new();
    for state in [State::Alone, State::Linked] {
        for error in ["EINVAL", "ENOSYS", "EOPNOTSUPP"] {
            let path = set_up(&scratch, state);
            let inject = format!("inject=fsync,fdatasync:error={error}");
            let Some(ended) = traced(&path, &["-o", "/dev/null", "-e", &inject]) else {
                return;
            };
            let outcome = ended.outcome.unwrap();
            assert!(outcome.contains("changed: true"), "{outcome}");
            assert!(!outcome.contains("flushed"), "{outcome}");
            assert_eq!(text_of(&path), new());
        }
    }
}

#[test]
fn without_locks_the_file_is_written_with_a_warning() {
    let scratch = Scratch::new();
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        let path = set_up(&scratch, State::Alone);
        let inject = format!("inject=flock:error={error}");
        let Some(ended) = traced(&path, &["-o", "/dev/null", "-e", &inject]) else {
            return;
        };
        let said = ended.outcome.unwrap();
        assert!(said.contains("is on a file system without locks"), "{said}");
        assert_eq!(text_of(&path), new());
    }
}

/// Runs `append` after a shell script, in a mount namespace of its own.
fn among_mounts(shell: &str, path: &Path) -> Option<String> {
    let shell = format!("{shell} && exec \"$0\" \"$@\"");
    let mut command = child(
        &["unshare", "-m", "sh", "-c", &shell],
        "append",
        path,
        "added",
    );
    match command.output() {
        Ok(output) => spoken(&output).or_else(|| {
            not_tested(&format!("a mount namespace: {output:?}"));
            None
        }),
        Err(error) => {
            not_tested(&format!("a mount namespace: {error}"));
            None
        }
    }
}

#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let scratch = Scratch::new();
    let path = set_up(&scratch, State::Alone);
    let mounted = scratch.file("mounted", OLD, 0o644);
    let shell = format!("mount --bind {} {}", mounted.display(), path.display());
    let Some(said) = among_mounts(&shell, &path) else {
        return;
    };
    assert!(
        said.contains("was written in place, because it cannot be replaced"),
        "{said}"
    );
    assert_eq!(text_of(&mounted), new());
    assert_eq!(mode(&mounted), 0o600);
    assert_eq!(scratch.names(), ["mounted", "netrc"]);
}

#[test]
fn a_full_disk_loses_no_data() {
    let scratch = Scratch::new();
    let dir = scratch.subdir("disk", 0o755);
    let path = dir.join("netrc");
    let seen = scratch.path("seen");
    for link in ["true", "ln netrc linked"] {
        // The text fills its last block, so that the new one needs another.
        let shell = format!(
            "mount -t tmpfs -o size=32k,mode=700 none {0} && cd {0} && \
             head -c 4096 /dev/zero >netrc && chmod 600 netrc && {link} && \
             {{ cat /dev/zero >filler 2>{0}/../errors; true; }} && \
             trap '{{ cat netrc; ls -A; }} >{1}' EXIT && \"$0\" \"$@\"; exit; true",
            dir.display(),
            seen.display(),
        );
        let Some(said) = among_mounts(&shell, &path) else {
            return;
        };
        assert!(said.starts_with("problem: "), "{said}");
        assert!(said.contains("No space left on device"), "{said}");
        let seen = fs::read(&seen).unwrap();
        assert_eq!(seen[..4096], [0; 4096]);
        let left = String::from_utf8_lossy(&seen[4096..]);
        assert_eq!(left.replace("linked\n", ""), "filler\nnetrc\n");
    }
}

#[test]
fn a_file_size_limit_loses_no_data() {
    let scratch = Scratch::new();
    let text = "x".repeat(4096);
    let path = scratch.file("netrc", &text, 0o600);
    for linked in [false, true] {
        if linked {
            fs::hard_link(&path, scratch.path("linked")).unwrap();
        }
        for trap in ["true", "trap '' XFSZ"] {
            // 4 KiB in the units of POSIX.
            let shell = format!("{trap}; ulimit -f 8; exec \"$0\" \"$@\"");
            let said = outcome(child(&["sh", "-c", &shell], "append", &path, "added")).unwrap();
            assert!(said.starts_with("problem: "), "{said}");
            assert!(said.contains("File too large"), "{said}");
            assert_eq!(text_of(&path), text);
        }
    }
    assert_eq!(scratch.names(), ["linked", "netrc"]);
}

#[test]
fn without_descriptors_no_data_is_lost() {
    let scratch = Scratch::new();
    let mut saved = 0;
    for state in [State::Alone, State::Open, State::Missing] {
        for left in 0..10 {
            let path = set_up(&scratch, state);
            let old = text_of(&path);
            let job = format!("append with descriptors {left}");
            let said = outcome(child(&[], &job, &path, "added")).unwrap();
            if said.starts_with("problem: ") {
                assert!(said.contains("Too many open files"), "{left}: {said}");
                assert_eq!(text_of(&path), old, "{left}: {said}");
            } else {
                saved += 1;
                assert_eq!(text_of(&path), format!("{old}added\n"), "{left}: {said}");
            }
            let left_over = scratch.names();
            assert!(
                left_over.iter().all(|name| name == "netrc"),
                "{left_over:?}"
            );
        }
    }
    assert!(saved > 5 && saved < 30, "{saved}");
}

#[test]
fn a_file_never_gets_the_number_of_a_closed_standard_stream() {
    let scratch = Scratch::new();
    for state in [State::Missing, State::Alone, State::Open, State::Linked] {
        for closed in ["0", "2", "0 2"] {
            let path = set_up(&scratch, state);
            let old = text_of(&path);
            let job = format!("append with closed {closed}");
            let said = outcome(child(&[], &job, &path, "added")).unwrap();
            assert!(said.contains("changed: true"), "{said}");
            assert_eq!(text_of(&path), format!("{old}added\n"), "{closed}");
        }
    }
}
