//! A temporary directory, and this test program run as another process.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[cfg(unix)]
use super::support as platform;
#[cfg(windows)]
use crate::files::windows::tests as platform;
use crate::files::{Target, Updated, User, WriteProblem, update};
use crate::util::secret::WipedBytes;
use crate::util::this_test;
use platform::{prepare, prepare_child};

pub(in crate::files) const LIMIT: u64 = 16 * 1024 * 1024;

/// A directory that goes when the test ends.
pub(in crate::files) struct Scratch(PathBuf);

impl Scratch {
    pub(in crate::files) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wandb-login-files-{}-{count}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        prepare(&dir);
        Scratch(dir)
    }

    pub(in crate::files) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(in crate::files) fn dir(&self) -> &Path {
        &self.0
    }

    /// Writes a file with the access that the system gives it.
    pub(in crate::files) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The names in it, sorted.
    pub(in crate::files) fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(in crate::files) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Reports a test that cannot run on this machine. In strict mode that is a
/// failure.
pub(in crate::files) fn not_tested(what: &str) {
    // The test harness captures `eprintln`.
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
    let strict = std::env::var("WANDB_LOGIN_TEST_STRICT");
    assert_ne!(strict.as_deref(), Ok("1"), "not tested: {what}");
}

pub(in crate::files) fn wiped(text: &[u8]) -> WipedBytes {
    WipedBytes::new(text.to_vec())
}

pub(in crate::files) fn target(path: &Path) -> Target<'_> {
    Target {
        path,
        create_parents: false,
        create_first: false,
        limit: LIMIT,
        user: User::current(None),
    }
}

pub(in crate::files) fn change(
    target: &Target,
    edit: &mut dyn FnMut(&[u8]) -> Option<WipedBytes>,
) -> Result<Updated, WriteProblem> {
    update(target, edit, &|| false)
}

/// Adds a line to the end, as a login adds an entry.
pub(in crate::files) fn append(path: &Path, line: &str) -> Result<Updated, WriteProblem> {
    append_to(&target(path), line)
}

pub(in crate::files) fn append_to(target: &Target, line: &str) -> Result<Updated, WriteProblem> {
    change(target, &mut |old| {
        Some(wiped(&[old, line.as_bytes(), b"\n"].concat()))
    })
}

/// The environment variables that tell a child process what to do.
pub(in crate::files) const JOB: &str = "FILES_TEST_JOB";
pub(in crate::files) const PATH: &str = "FILES_TEST_PATH";
pub(in crate::files) const LINE: &str = "FILES_TEST_LINE";

/// This test program again, to run one job only; started by the given command,
/// such as `sh -c`.
pub(in crate::files) fn child(starter: &[&str], job: &str, path: &Path, line: &str) -> Command {
    let mut command = this_test::command(starter, "files::tests::common::works_as_a_child");
    command
        .arg("--test-threads=1")
        .envs([(JOB, job), (LINE, line)])
        .env(PATH, path);
    command
}

/// The job of a child process. In the test run itself there is no job.
#[test]
fn works_as_a_child() {
    let var = |name| std::env::var(name).unwrap_or_default();
    prepare_child();
    let path = PathBuf::from(var(PATH));
    match do_job(&var(JOB), &path, &var(LINE)) {
        Some(Ok(updated)) => println!("\nOUTCOME {updated:?}"),
        Some(Err(problem)) => println!("\nOUTCOME problem: {problem}"),
        None => assert_eq!(var(JOB), "", "an unknown job"),
    }
}

fn do_job(job: &str, path: &Path, line: &str) -> Option<Result<Updated, WriteProblem>> {
    Some(match job {
        "append" => append(path, line),
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
        _ => return platform::do_job(job, path, line),
    })
}
