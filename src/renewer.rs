//! Keeps the credential of a session good for as long as a training runs.
//!
//! An access token lives for an hour, a training for a week. A [`Renewer`] gives
//! the session that is good now, and replaces its token before it ends. It starts
//! no thread: one of the threads that ask makes the exchange, and as long as the
//! old token is valid the others do not wait for it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::env;
use crate::error::{Error, ExchangeError, Result};
use crate::log::Level;
use crate::login;
use crate::options::{Attempts, Flags, Options};
use crate::session::Session;
use crate::session::margin;

/// The pause after a failed renewal doubles from the first to the last of these.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

type OwnedLogFn = dyn Fn(Level, &str) + Send + Sync;
type OwnedCancelFn = dyn Fn() -> bool + Send + Sync;
type RenewedFn = dyn Fn(&Session) + Send + Sync;

/// What a renewal may use: [`Options`] that own what they refer to, so that they
/// can outlive the login and move between threads.
///
/// The callbacks run on the thread that calls [`Renewer::get`], never two at once.
#[derive(Default)]
#[non_exhaustive]
pub struct RenewerOptions {
    /// Switches; a renewal never prompts.
    pub flags: Flags,
    /// How long the server may take; default `WANDB_HTTP_TIMEOUT`, else 10 s.
    pub http_timeout: Option<Duration>,
    /// Takes the lines that would go to standard error.
    pub log: Option<Box<OwnedLogFn>>,
    /// Asked at least every 100 ms while a renewal waits; `true` ends it.
    pub cancel: Option<Box<OwnedCancelFn>>,
    /// Called with each new session.
    pub renewed: Option<Box<RenewedFn>>,
    /// `NAME=value` entries; `None`: the process's environment, captured by
    /// [`Renewer::new`].
    pub environment: Option<Vec<OsString>>,
    /// `None`: the process's working directory, captured by [`Renewer::new`].
    pub working_directory: Option<PathBuf>,
}

/// Gives the session that is good now. Clones share one state; any thread may use
/// them. A process that forked makes a renewer of its own.
#[derive(Clone)]
pub struct Renewer(Arc<Inner>);

struct Inner {
    options: RenewerOptions,
    current: RwLock<Current>,
    renewal: Mutex<Renewal>,
    finished: Condvar,
}

/// The session that `get` gives, and how long it is good.
#[derive(Clone)]
struct Current {
    session: Session,
    lease: Option<Lease>,
    refused: bool,
}

/// When a token has to be renewed, and when it ends. The monotonic clock counts
/// beside the wall clock: either may have been set back or stood still.
#[derive(Clone, Copy)]
struct Lease {
    due: (i64, Instant),
    end: (i64, Instant),
}

/// The renewal that is under way, or the last one that failed.
#[derive(Default)]
struct Renewal {
    running: bool,
    /// No attempt before this moment while the old credential is still usable.
    not_before: Option<Instant>,
    pause: Duration,
    error: Option<Error>,
}

impl Renewer {
    /// A renewer that begins with a session.
    pub fn new(session: &Session, mut options: RenewerOptions) -> Renewer {
        options.environment.get_or_insert_with(env::capture);
        if options.working_directory.is_none() {
            options.working_directory = env::capture_directory();
        }
        options.flags |= Flags::NO_PROMPT;
        Renewer(Arc::new(Inner {
            options,
            current: RwLock::new(Current::new(session.clone())),
            renewal: Mutex::default(),
            finished: Condvar::new(),
        }))
    }

    /// The session that is good now. Without need for a renewal this makes no
    /// system call but the clock's.
    ///
    /// A token is renewed before it ends: from the cache that the processes of
    /// the user share, else by one exchange. While the old token is valid, a
    /// failure is not an error: `get` gives the old session, and the next attempt
    /// follows after a pause.
    ///
    /// # Errors
    /// As [`crate::refresh`], once the old credential has ended or was refused.
    pub fn get(&self) -> Result<Session> {
        {
            let current = self
                .0
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if current.is_good() {
                return Ok(current.session.clone());
            }
        }
        self.0.renew()
    }

    /// Reports that the server refused a session with 401. Only a session that
    /// [`Renewer::get`] still gives counts. The next `get` gives another
    /// credential, or [`Error::Rejected`] if there is no other.
    pub fn refused(&self, session: &Session) {
        let mut renewal = self.0.lock();
        let mut current = self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !current.refused && current.session.authorization() == session.authorization() {
            current.refused = true;
            renewal.not_before = None;
            renewal.pause = Duration::ZERO;
        }
    }
}

impl Current {
    fn new(session: Session) -> Current {
        Current {
            lease: Lease::of(&session),
            session,
            refused: false,
        }
    }

    /// Nothing is to be done.
    fn is_good(&self) -> bool {
        !self.refused && self.lease.is_none_or(|lease| !has_passed(lease.due))
    }

    /// The server still accepts it, as far as is known.
    fn is_usable(&self) -> bool {
        !self.refused && self.lease.is_none_or(|lease| !has_passed(lease.end))
    }
}

impl Lease {
    /// `None` for a credential that does not end.
    fn of(session: &Session) -> Option<Lease> {
        let end = session.expires_at()?;
        let (now, clock) = (env::unix_time(), Instant::now());
        let left = end.saturating_sub(now).max(0);
        let life = session.issued_at().map_or(left, |issued| end - issued);
        let due = end - margin(life);
        let at = |time: i64| {
            let seconds = u64::try_from(time.saturating_sub(now)).unwrap_or(0);
            (
                time,
                clock
                    .checked_add(Duration::from_secs(seconds))
                    .unwrap_or(clock),
            )
        };
        Some(Lease {
            due: at(due),
            end: at(end),
        })
    }
}

fn has_passed((wall, monotonic): (i64, Instant)) -> bool {
    Instant::now() >= monotonic || env::unix_time() >= wall
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Renewal> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Renews the credential, or waits for the thread that does where the old one
    /// cannot be used meanwhile.
    fn renew(&self) -> Result<Session> {
        let mut renewal = self.lock();
        let old = loop {
            let current = self.current();
            if current.is_good() {
                return Ok(current.session);
            }
            if !renewal.running {
                match renewal.error_during_pause(&current) {
                    None => break current,
                    Some(_) if current.is_usable() => return Ok(current.session),
                    Some(error) => return Err(error),
                }
            }
            if current.is_usable() {
                return Ok(current.session);
            }
            renewal = self
                .finished
                .wait(renewal)
                .unwrap_or_else(PoisonError::into_inner);
            // Whoever waited shares the outcome, an error too.
            if let Some(error) = renewal.error.clone().filter(|_| !renewal.running) {
                return match self.current() {
                    current if current.is_usable() => Ok(current.session),
                    _ => Err(error),
                };
            }
        };
        renewal.running = true;
        renewal.error = None;
        drop(renewal);
        let finish = Finish(self);
        let outcome = self.attempt(&old);
        finish.with(&old, outcome)
    }

    /// Another credential than the old one.
    fn attempt(&self, old: &Current) -> std::result::Result<Session, ExchangeError> {
        let entries = self.options.environment.as_deref().unwrap_or_default();
        let environment: Vec<&OsStr> = entries.iter().map(OsString::as_os_str).collect();
        let options = self.options.borrowed(&environment);
        let attempts = match old.is_usable() {
            true => Attempts::One,
            false => Attempts::UntilDeadline,
        };
        let session = login::renew(&old.session, &options, attempts)?;
        if old.refused && session.authorization() == old.session.authorization() {
            return Err(Error::Rejected(format!(
                "{} refused the credential, and no other one is configured",
                session.base_url()
            ))
            .into());
        }
        if let Some(renewed) = &self.options.renewed {
            renewed(&session);
        }
        Ok(session)
    }
}

/// Ends a renewal on every path, a panic of a callback included.
struct Finish<'a>(&'a Inner);

impl Finish<'_> {
    fn with(
        self,
        old: &Current,
        outcome: std::result::Result<Session, ExchangeError>,
    ) -> Result<Session> {
        let mut renewal = self.0.lock();
        match outcome {
            Ok(session) => {
                let mut current = self
                    .0
                    .current
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                *current = Current::new(session.clone());
                renewal.pause = Duration::ZERO;
                renewal.not_before = None;
                Ok(session)
            }
            Err(failure) => {
                renewal.fail(&failure);
                match old.is_usable() {
                    true => Ok(old.session.clone()),
                    false => Err(failure.error),
                }
            }
        }
    }
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
        self.0.finished.notify_all();
    }
}

impl Renewal {
    fn fail(&mut self, failure: &ExchangeError) {
        self.pause = match self.pause.is_zero() {
            true => SHORTEST_PAUSE,
            false => (2 * self.pause).min(LONGEST_PAUSE),
        };
        let pause = failure.retry_after.unwrap_or_default().max(self.pause);
        self.not_before = Instant::now().checked_add(pause);
        self.error = Some(failure.error.clone());
    }

    /// The last error, while the pause after it lasts. A token that has ended is
    /// not made to wait for it.
    fn error_during_pause(&self, current: &Current) -> Option<Error> {
        let pausing = self.not_before.is_some_and(|time| Instant::now() < time);
        let counts = current.refused || current.is_usable();
        self.error.clone().filter(|_| pausing && counts)
    }
}

impl RenewerOptions {
    fn borrowed<'a>(&'a self, environment: &'a [&'a OsStr]) -> Options<'a> {
        let mut options = Options::new().flags(self.flags).environment(environment);
        options.http_timeout = self.http_timeout;
        options.working_directory = self.working_directory.as_deref();
        if let Some(log) = &self.log {
            options = options.log(&**log);
        }
        if let Some(cancel) = &self.cancel {
            options = options.cancel(&**cancel);
        }
        options
    }
}
