//! What only Windows has: access lists, attributes, files that are in use, and the
//! lock file. A child process ends at each step of a change.

mod access;
mod paths;
mod replacing;

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::WRITE_DAC;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use super::access::AccessList;
use super::replace::tests::append_by_moving;
use crate::files::read::Access;
use crate::files::tests::common::*;
use crate::files::{Updated, WriteProblem};

/// The step of a change at which a child process ends itself.
const CRASH: &str = "FILES_TEST_CRASH";

/// The exit code of that end.
const CRASHED: i32 = 77;

/// A new directory needs no preparation here.
pub(in crate::files) fn prepare(_: &Path) {}

/// Neither does a child process.
pub(in crate::files) fn prepare_child() {}

/// The jobs that only Windows has.
pub(in crate::files) fn do_job(
    job: &str,
    path: &Path,
    line: &str,
) -> Option<Result<Updated, WriteProblem>> {
    (job == "append by moving").then(|| append_by_moving(path, line))
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

pub(super) fn access(path: &Path) -> Access {
    AccessList::of(&File::open(path).unwrap()).unwrap().access()
}

/// Makes a file that every user can read, as one outside of a profile is.
pub(super) fn open_to_others(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.write(name, text);
    let file = OpenOptions::new()
        .access_mode(GENERIC_WRITE | WRITE_DAC)
        .open(&path)
        .unwrap();
    AccessList::open_to_everyone().give_to(&file).unwrap();
    path
}
