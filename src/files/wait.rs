//! The wait for the lock of a file.

use std::time::{Duration, Instant};

use super::sys::LOCK_TIMEOUT;
use super::{Cancel, WriteProblem};

/// The pause between two attempts: a sixteenth of the time waited so far, so
/// that polling adds little to the wait. At least as long as an fsync on a fast
/// disk, at most as long as one on a slow disk.
const MIN_PAUSE: Duration = Duration::from_micros(250);
const MAX_PAUSE: Duration = Duration::from_millis(8);

/// The time limit and the cancellation of a wait for the lock.
pub(super) struct LockWait<'a> {
    since: Instant,
    cancel: Cancel<'a>,
}

impl<'a> LockWait<'a> {
    pub(super) fn new(cancel: Cancel<'a>) -> LockWait<'a> {
        LockWait {
            since: Instant::now(),
            cancel,
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), WriteProblem> {
        if (self.cancel)() {
            Err(WriteProblem::Cancelled)
        } else if self.since.elapsed() >= LOCK_TIMEOUT {
            Err(WriteProblem::Locked(LOCK_TIMEOUT.as_secs()))
        } else {
            Ok(())
        }
    }

    pub(super) fn pause(&self) -> Result<(), WriteProblem> {
        self.check_cancelled()?;
        let pause = self.since.elapsed() / 16;
        std::thread::sleep(pause.clamp(MIN_PAUSE, MAX_PAUSE));
        Ok(())
    }
}
