//! A temporary directory, and this test program run as another process.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::files::{Target, Updated, WriteProblem, read, sys, update};
use crate::util::secret::WipedBytes;
use crate::util::streams::StandardStreams;

pub(super) const LIMIT: u64 = 16 * 1024 * 1024;

/// A user and group that own nothing.
pub(super) const NOBODY: u32 = 65534;

/// A directory that goes when the test ends.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wandb-login-files-{}-{count}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        Scratch(dir)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

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

    /// The names in it, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
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

/// Reports a test that cannot run on this machine. In strict mode that is a
/// failure.
pub(super) fn not_tested(what: &str) {
    // The test harness captures `eprintln`.
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
    let strict = std::env::var("WANDB_LOGIN_TEST_STRICT");
    assert_ne!(strict.as_deref(), Ok("1"), "not tested: {what}");
}

pub(super) fn wiped(text: &[u8]) -> WipedBytes {
    WipedBytes::new(text.to_vec())
}

pub(super) fn target(path: &Path) -> Target<'_> {
    Target {
        path,
        create_parents: false,
        create_first: false,
        limit: LIMIT,
        home: None,
    }
}

pub(super) fn change(
    target: &Target,
    edit: &mut dyn FnMut(&[u8]) -> Option<WipedBytes>,
) -> Result<Updated, WriteProblem> {
    update(target, edit, &|| false)
}

/// Adds a line to the end, as a login adds an entry.
pub(super) fn append(path: &Path, line: &str) -> Result<Updated, WriteProblem> {
    append_to(&target(path), line)
}

pub(super) fn append_to(target: &Target, line: &str) -> Result<Updated, WriteProblem> {
    change(target, &mut |old| {
        Some(wiped(&[old, line.as_bytes(), b"\n"].concat()))
    })
}

/// The environment variables that tell a child process what to do.
pub(super) const JOB: &str = "FILES_TEST_JOB";
pub(super) const PATH: &str = "FILES_TEST_PATH";
pub(super) const LINE: &str = "FILES_TEST_LINE";
pub(super) const UMASK: &str = "FILES_TEST_UMASK";

/// This test program again, to run one job only; started by the given command,
/// such as `sh -c`.
pub(super) fn child(starter: &[&str], job: &str, path: &Path, line: &str) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut command = match starter {
        [] => Command::new(exe),
        [program, words @ ..] => {
            let mut command = Command::new(program);
            command.args(words).arg(exe);
            command
        }
    };
    command
        .args(["--exact", "files::tests::support::works_as_a_child"])
        .args(["--nocapture", "--test-threads=1"])
        .envs([(JOB, job), (LINE, line)])
        .env(PATH, path);
    command
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

/// The job of a child process. In the test run itself there is no job.
#[test]
fn works_as_a_child() {
    let var = |name| std::env::var(name).unwrap_or_default();
    if let Ok(umask) = std::env::var(UMASK) {
        let umask = libc::mode_t::from_str_radix(&umask, 8).unwrap();
        // SAFETY: takes a number, cannot fail.
        unsafe { libc::umask(umask) };
    }
    let path = PathBuf::from(var(PATH));
    match do_job(&var(JOB), &path, &var(LINE)) {
        Some(Ok(updated)) => println!("\nOUTCOME {updated:?}"),
        Some(Err(problem)) => println!("\nOUTCOME problem: {problem}"),
        None => assert_eq!(var(JOB), "", "an unknown job"),
    }
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

fn do_job(job: &str, path: &Path, line: &str) -> Option<Result<Updated, WriteProblem>> {
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
        "append" => append(path, line),
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
        "append 20" => {
            for i in 0..19 {
                append(path, &format!("{line}-{i}")).unwrap();
            }
            append(path, &format!("{line}-19"))
        }
        "hold" => change(&target(path), &mut |_| {
            println!("\nHOLDING");
            // Not for ever, in case the test dies before it kills this process.
            std::thread::sleep(Duration::from_secs(60));
            None
        }),
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
