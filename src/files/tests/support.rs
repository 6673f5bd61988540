//! Files with modes, and child processes with what only Unix has.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(super) use super::common::*;
use crate::files::{Updated, WriteProblem, read, sys};
use crate::util::streams::StandardStreams;

/// A user and group that own nothing.
pub(super) const NOBODY: u32 = 65534;

impl Scratch {
    pub(super) fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(super) fn subdir(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

/// The mode that the tests expect of the directory, under any umask.
pub(super) fn prepare(dir: &Path) {
    fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
}

pub(super) const UMASK: &str = "FILES_TEST_UMASK";

/// Sets the umask that was asked for.
pub(super) fn prepare_child() {
    if let Ok(umask) = std::env::var(UMASK) {
        let umask = libc::mode_t::from_str_radix(&umask, 8).unwrap();
        // SAFETY: takes a number, cannot fail.
        unsafe { libc::umask(umask) };
    }
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

pub(super) fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

pub(super) fn is_root() -> bool {
    sys::effective_user() == 0
}

/// Runs it, and returns the outcome that it prints; `None` if it was killed.
pub(super) fn outcome(mut command: Command) -> Option<String> {
    spoken(&command.output().unwrap())
}

pub(super) fn spoken(output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.split_once("OUTCOME "));
    line.map(|(_, outcome)| outcome.to_owned())
}

/// Runs a job as a user without root's privileges.
pub(super) fn as_plain_user(job: &str, path: &Path, line: &str) -> Option<String> {
    let mut command = child(&[], job, path, line);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.output() {
        Ok(output) => Some(spoken(&output).unwrap()),
        Err(error) => {
            not_tested(&format!("what stops a plain user: {error}"));
            None
        }
    }
}

/// The jobs that only Unix has.
pub(super) fn do_job(job: &str, path: &Path, line: &str) -> Option<Result<Updated, WriteProblem>> {
    // A marker in the strace log.
    let mark = |name: &str| {
        let _ = fs::metadata(format!("/FILES-TEST-{name}"));
    };
    if let Some(left) = job.strip_prefix("append with descriptors ") {
        return Some(append_with_descriptors(left.parse().ok()?, path, line));
    }
    if let Some(closed) = job.strip_prefix("append with closed ") {
        return Some(append_with_closed_streams(closed, path, line));
    }
    Some(match job {
        "read" => match read(path, LIMIT) {
            Ok(_) => panic!("it can be read"),
            Err(problem) => Err(problem.into()),
        },
        "append on request" => {
            let thread = fs::read_link("/proc/thread-self").unwrap_or_default();
            println!("\nTHREAD {}", thread.file_name()?.display());
            std::io::stdin().read_line(&mut String::new()).ok()?;
            mark("BEGIN");
            let appended = append(path, line);
            mark("END");
            appended
        }
        _ => return None,
    })
}

/// Appends with this many descriptors left to the process.
fn append_with_descriptors(left: usize, path: &Path, line: &str) -> Result<Updated, WriteProblem> {
    let limit = libc::rlimit {
        rlim_cur: 256,
        rlim_max: 256,
    };
    // SAFETY: the structure is complete and outlives the call.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    let mut taken = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len() - left);
    let appended = append(path, line);
    drop(taken);
    appended
}

/// Appends with closed standard streams, and writes to them during the edit.
fn append_with_closed_streams(
    closed: &str,
    path: &Path,
    line: &str,
) -> Result<Updated, WriteProblem> {
    let streams: Vec<i32> = closed
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    // SAFETY: closes descriptors that this process does not use otherwise.
    streams.iter().for_each(|&stream| unsafe {
        libc::close(stream);
    });
    let reserved = StandardStreams::reserve();
    let appended = change(&target(path), &mut |old| {
        for &stream in &streams {
            // SAFETY: the buffer is valid for its length.
            let written = unsafe { libc::write(stream, b"warning\n".as_ptr().cast(), 8) };
            assert_eq!(written, -1, "{stream} is open for writing");
        }
        Some(wiped(&[old, line.as_bytes(), b"\n"].concat()))
    });
    drop(reserved);
    for stream in streams {
        // SAFETY: reads the flags of a descriptor, which need not be open.
        let open = unsafe { libc::fcntl(stream, libc::F_GETFD) } >= 0;
        assert!(!open, "{stream} was left open");
    }
    appended
}
