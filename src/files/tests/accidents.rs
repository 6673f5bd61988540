//! Killed at every step, refused at every step: the old text or the new one.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::*;

const OLD: &str = "machine a\n  login user\n  password old\n";

/// What `append` makes of it.
fn new() -> String {
    format!("{OLD}added\n")
}

/// How a traced child ended.
#[derive(Debug)]
struct Ended {
    said: Option<String>,
    killed: bool,
}

/// Runs `append` in a thread that strace watches, and interferes with, from
/// just before it begins; nothing where there is no strace.
fn traced(path: &Path, words: &[&str]) -> Option<Ended> {
    let mut child = child(&[], "append when told", path, "added")
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
        not_tested("accidents in system calls: strace cannot do its work here");
        child.kill().and(child.wait()).unwrap();
        return None;
    };
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let said = line_with(&mut said, "OUTCOME ");
    let killed = child.wait().unwrap().signal() == Some(9);
    told.read_to_string(&mut String::new()).unwrap();
    strace.wait().unwrap();
    Some(Ended { said, killed })
}

/// The rest of the first line with these words in it.
fn line_with(from: &mut impl BufRead, words: &str) -> Option<String> {
    let mut lines = from.lines().map_while(Result::ok);
    lines.find_map(|line| line.split_once(words).map(|(_, rest)| rest.to_owned()))
}

/// The system calls that `append` makes in this state of things, each with how
/// many of its name came before it.
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
    /// With a second name, so that it is written in place.
    Tied,
}

fn set_up(scratch: &Scratch, state: State) -> std::path::PathBuf {
    let path = scratch.path("netrc");
    let _ = fs::remove_file(&path);
    let _ = fs::remove_file(scratch.path("tied"));
    if state != State::Missing {
        scratch.file("netrc", OLD, 0o600);
    }
    if state == State::Tied {
        fs::hard_link(&path, scratch.path("tied")).unwrap();
    }
    path
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn killed_at_any_system_call_the_file_is_whole() {
    let scratch = Scratch::new();
    let mut points = 0;
    for state in [State::Missing, State::Alone, State::Tied] {
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
                assert_eq!(mode(&path), 0o600, "{inject}");
            }
            // The next one works, and clears up.
            append(&path, "next").unwrap();
            assert_eq!(text_of(&path), format!("{text}next\n"), "{inject}");
            let left = scratch.names();
            assert!(left.iter().all(|n| n == "netrc" || n == "tied"), "{left:?}");
        }
        assert!(seen[0] > 5 && seen[1] > 0, "{state:?} {seen:?}");
        points += seen[0] + seen[1];
    }
    eprintln!("one update killed at {points} system calls: 0 files damaged, 0 left over");
}

#[test]
fn refused_any_system_call_nothing_is_lost() {
    let scratch = Scratch::new();
    let mut failures = 0;
    for state in [State::Missing, State::Alone, State::Tied] {
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
                "rename" => &[
                    "EBUSY", "EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EINTR",
                ],
                "flock" | "pread64" | "statx" | "getdents64" => &["EIO", "EINTR"],
                "fchmod" | "fchown" | "ftruncate" | "flistxattr" => &["EACCES", "EROFS", "EIO"],
                _ => continue,
            };
            for error in errors {
                set_up(&scratch, state);
                let inject = format!("inject={name}:error={error}:when={when}");
                let ended = traced(&path, &["-o", "/dev/null", "-e", &inject]).unwrap();
                let said = ended.said.expect(&inject);
                failures += 1;
                let text = text_of(&path);
                if said.starts_with("problem: ") {
                    problems += 1;
                    assert_eq!(text, old, "{inject}: {said}");
                    // The same call is interrupted once, then works.
                    let passing = *error == "EINTR" && name != "rename" && name != "statx";
                    assert!(!passing, "{inject}: {said}");
                } else {
                    assert_eq!(text, format!("{old}added\n"), "{inject}: {said}");
                }
                let left = scratch.names();
                let known = |n: &String| n == "netrc" || n == "tied";
                assert!(left.iter().all(known), "{inject}: {left:?}");
            }
        }
        assert!(problems > 5, "{state:?} {problems}");
    }
    eprintln!("one update with {failures} failures injected: 0 files damaged, 0 left over");
}

#[test]
fn a_file_system_without_locks_is_written_all_the_same() {
    let scratch = Scratch::new();
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        let path = set_up(&scratch, State::Alone);
        let inject = format!("inject=flock:error={error}");
        let Some(ended) = traced(&path, &["-o", "/dev/null", "-e", &inject]) else {
            return;
        };
        let said = ended.said.unwrap();
        assert!(said.contains("its file system has no locks"), "{said}");
        assert_eq!(text_of(&path), new());
    }
}

/// Runs `append` after a few words of shell, as root of mounts of its own.
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
            not_tested(&format!("mounts of our own: {output:?}"));
            None
        }),
        Err(error) => {
            not_tested(&format!("mounts of our own: {error}"));
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
    assert!(said.contains("in_place: true"), "{said}");
    assert!(said.contains("because it cannot be replaced"), "{said}");
    assert_eq!(text_of(&mounted), new());
    assert_eq!(mode(&mounted), 0o600);
    assert_eq!(scratch.names(), ["mounted", "netrc"]);
}

#[test]
fn a_full_disk_loses_nothing() {
    let scratch = Scratch::new();
    let dir = scratch.subdir("disk", 0o755);
    let path = dir.join("netrc");
    let seen = scratch.path("seen");
    for tie in ["true", "ln netrc tied"] {
        // The text fills its last block, so that the new one needs another.
        let shell = format!(
            "mount -t tmpfs -o size=32k none {0} && cd {0} && \
             head -c 4096 /dev/zero >netrc && chmod 600 netrc && {tie} && \
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
        assert_eq!(left.replace("tied\n", ""), "filler\nnetrc\n");
    }
}

#[test]
fn a_size_limit_of_the_process_loses_nothing() {
    let scratch = Scratch::new();
    let text = "x".repeat(4096);
    let path = scratch.file("netrc", &text, 0o600);
    for tied in [false, true] {
        if tied {
            fs::hard_link(&path, scratch.path("tied")).unwrap();
        }
        // 4 KiB in the units of POSIX; the signal that goes with it is ignored.
        let shell = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
        let said = outcome(child(&["sh", "-c", shell], "append", &path, "added")).unwrap();
        assert!(said.starts_with("problem: "), "{said}");
        assert!(said.contains("File too large"), "{said}");
        assert_eq!(text_of(&path), text);
    }
    assert_eq!(scratch.names(), ["netrc", "tied"]);
}

#[test]
fn without_descriptors_nothing_is_lost() {
    let scratch = Scratch::new();
    let path = set_up(&scratch, State::Alone);
    let job = "append without descriptors";
    let said = outcome(child(&[], job, &path, "added")).unwrap();
    assert_eq!(
        said,
        "problem: a new copy cannot be written beside it: Too many open files (os error 24)"
    );
    assert_eq!(text_of(&path), OLD);
    assert_eq!(scratch.names(), ["netrc"]);
}
