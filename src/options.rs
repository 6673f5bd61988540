//! The options of a call, and the types of its prompt callback.

use std::ffi::OsStr;
use std::ops::{BitOr, BitOrAssign};
use std::path::Path;
use std::time::Duration;

use crate::log::Level;
use crate::session::Session;
use crate::util::secret::Secret;

/// The options of one call, all borrowed for the length of the call.
///
/// [`Options::new`] is a plain login; each method sets one option. Callbacks
/// run on the calling thread.
///
/// ```
/// use wandb_login::{Flags, Options};
///
/// let options = Options::new()
///     .host("https://wandb.example.com")
///     .flags(Flags::VERIFY | Flags::NO_PROMPT);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    pub(crate) api_key: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) referrer: Option<&'a str>,
    pub(crate) flags: Flags,
    pub(crate) anonymous: Anonymous,
    pub(crate) prompt_timeout: Timeout,
    pub(crate) http_timeout: Option<Duration>,
    pub(crate) prompt: Option<&'a PromptFn<'a>>,
    pub(crate) log: Option<&'a LogFn<'a>>,
    pub(crate) cancel: Option<&'a CancelFn<'a>>,
    pub(crate) session: Option<&'a Session>,
    pub(crate) environment: Option<&'a [&'a OsStr]>,
    pub(crate) working_directory: Option<&'a Path>,
    pub(crate) command_line: bool,
    pub(crate) quiet: bool,
    /// Write nothing but the cache of access tokens.
    pub(crate) caches_only: bool,
    /// Exchange no identity token where the mode is offline or disabled.
    pub(crate) offline_without_exchange: bool,
}

/// Whether a request that failed for the moment is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempts {
    /// Once only.
    One,
    /// Again, with a pause that doubles, until the deadline.
    UntilDeadline,
}

/// A callback that supplies a key in place of the terminal.
pub(crate) type PromptFn<'a> = dyn Fn(&PromptRequest<'_>) -> PromptAnswer + 'a;

/// A callback that takes one line of the log.
pub(crate) type LogFn<'a> = dyn Fn(Level, &str) + 'a;

/// A callback that returns `true` to cancel the call.
pub(crate) type CancelFn<'a> = dyn Fn() -> bool + 'a;

impl<'a> Options<'a> {
    /// The options of a plain login.
    pub fn new() -> Options<'a> {
        Options::default()
    }

    /// The API key to log in with. It takes precedence over every other source.
    pub fn api_key(mut self, api_key: &'a str) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// The server's URL, such as `https://wandb.example.com`.
    pub fn host(mut self, host: &'a str) -> Self {
        self.host = Some(host);
        self
    }

    /// The `ref=` parameter of the web page where the user creates a key.
    pub fn referrer(mut self, referrer: &'a str) -> Self {
        self.referrer = Some(referrer);
        self
    }

    /// Switches, joined by `|`.
    pub fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    /// Whether an anonymous account may be used; default: never.
    pub fn anonymous(mut self, anonymous: Anonymous) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// The time limit of the prompt.
    pub fn prompt_timeout(mut self, timeout: Timeout) -> Self {
        self.prompt_timeout = timeout;
        self
    }

    /// The time limit of each server request; default: `WANDB_HTTP_TIMEOUT`,
    /// else 10 s.
    pub fn http_timeout(mut self, timeout: Duration) -> Self {
        self.http_timeout = Some(timeout);
        self
    }

    /// A callback that supplies a key in place of the terminal.
    pub fn prompt(mut self, prompt: &'a PromptFn<'a>) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// A callback for the lines that would go to standard error.
    pub fn log(mut self, log: &'a LogFn<'a>) -> Self {
        self.log = Some(log);
        self
    }

    /// A callback that is polled at least every 100 ms while the call waits;
    /// `true` cancels the call.
    pub fn cancel(mut self, cancel: &'a CancelFn<'a>) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// A session whose credential is used again if it is for this server.
    pub fn session(mut self, session: &'a Session) -> Self {
        self.session = Some(session);
        self
    }

    /// `NAME=value` entries in place of the environment of the process.
    pub fn environment(mut self, environment: &'a [&'a OsStr]) -> Self {
        self.environment = Some(environment);
        self
    }

    /// A directory in place of the working directory of the process.
    pub fn working_directory(mut self, directory: &'a Path) -> Self {
        self.working_directory = Some(directory);
        self
    }

    /// Whether the user asked for a login explicitly, as at a shell: the modes
    /// `offline` and `dryrun` then do not prevent it, and messages name the options of
    /// the command.
    #[cfg(feature = "unstable")]
    pub fn command_line(mut self, command_line: bool) -> Self {
        self.command_line = command_line;
        self
    }

    /// Whether information lines are left out of standard error.
    #[cfg(feature = "unstable")]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }
}

/// Switches of a call. Their numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub(crate) u32);

impl Flags {
    /// Prompt for a key even if one is configured.
    pub const RELOGIN: Flags = Flags(1);
    /// Offer neither "create an account" nor "offline" in the prompt.
    pub const FORCE: Flags = Flags(2);
    /// Never prompt.
    pub const NO_PROMPT: Flags = Flags(4);
    /// Verify the key with the server before it is stored.
    pub const VERIFY: Flags = Flags(8);
    /// Write no file.
    pub const NO_SAVE: Flags = Flags(16);
    /// Write no information lines and do not prompt on the terminal.
    pub const SILENT: Flags = Flags(32);
    /// Use W&B's public cloud, whatever is configured.
    pub const CLOUD: Flags = Flags(64);
    /// Read netrc before the settings files, as the Python SDK 0.30 and later do.
    pub const SDK_ORDER: Flags = Flags(128);
    /// Prompt, write and verify on every rank of a distributed job.
    pub const ALL_RANKS: Flags = Flags(256);

    /// If the server has a port, store the key for the host without it as well.
    pub const BARE_HOST: Flags = Flags(512);

    const ALL: u32 = 1023;

    /// The flags with these bits; `None` if a bit is unknown.
    pub fn from_bits(bits: u32) -> Option<Flags> {
        (bits & !Flags::ALL == 0).then_some(Flags(bits))
    }

    /// Whether every flag of `other` is set.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Whether an anonymous account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
#[non_exhaustive]
pub enum Anonymous {
    /// Never.
    #[default]
    Never = 0,
    /// If the user chooses it in the prompt.
    Allow = 1,
    /// Always, unless a key is configured.
    Must = 2,
}

/// The time limit of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Timeout {
    /// `WANDB_LOGIN_TIMEOUT` or the `login_timeout` setting; unlimited if
    /// neither is set.
    #[default]
    Configured,
    /// Unlimited, whatever is configured.
    Never,
    /// This long.
    After(Duration),
}

/// What a prompt callback is given.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PromptRequest<'a> {
    /// The URL of the server that the key is for.
    pub server: &'a str,
    /// Where that URL was configured, such as `WANDB_BASE_URL`.
    pub server_source: &'a str,
    /// The web page where the user creates a key.
    pub authorize_url: &'a str,
    /// The web page where the user creates an account first.
    pub signup_url: &'a str,
    /// Whether [`PromptAnswer::Offline`] is allowed.
    pub may_offline: bool,
    /// Whether [`PromptAnswer::Anonymous`] is allowed.
    pub may_anonymous: bool,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The time that is left; `None` if there is no limit.
    pub remaining: Option<Duration>,
    /// What was wrong with the previous key.
    pub problem: Option<&'a str>,
}

/// What a prompt returns.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptAnswer {
    /// This key, not yet checked.
    Key(Secret),
    /// Continue without W&B.
    Offline,
    /// Prompt on the terminal instead.
    Terminal,
    /// Create an anonymous account.
    Anonymous,
    /// No key: the login ends with an error.
    GiveUp,
}
