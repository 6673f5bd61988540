//! What a caller may ask of a login.

use std::ffi::OsStr;
use std::ops::{BitOr, BitOrAssign};
use std::path::Path;
use std::time::Duration;

use crate::log::Level;
use crate::session::Session;
use crate::util::secret::Secret;

/// Everything that a call can be told. `Options::default()` is a plain login.
///
/// All of it is borrowed for the length of the call. The callbacks run on the
/// calling thread.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The key to log in with. It goes before every other source.
    pub api_key: Option<&'a str>,
    /// The server's address, such as `https://wandb.example.com`.
    pub host: Option<&'a str>,
    /// Who sent the user to the web page where keys are made; its `ref=`.
    pub referrer: Option<&'a str>,
    /// Switches.
    pub flags: Flags,
    /// Whether an account without a name will do.
    pub anonymous: Anonymous,
    /// How long a prompt may last.
    pub prompt_timeout: Timeout,
    /// How long the server may take; default `WANDB_HTTP_TIMEOUT`, else 10 s.
    pub http_timeout: Option<Duration>,
    /// Asks for a key in place of the terminal.
    pub prompt: Option<&'a dyn Fn(&PromptRequest<'_>) -> PromptAnswer>,
    /// Takes the lines that would go to standard error.
    pub log: Option<&'a LogFn<'a>>,
    /// SettingResult at least every 100 ms while the call waits; `true` ends it.
    pub cancel: Option<&'a dyn Fn() -> bool>,
    /// A session whose credential is used again where it is for this server.
    pub session: Option<&'a Session>,
    /// `NAME=value` entries in place of the process's environment.
    pub environment: Option<&'a [&'a OsStr]>,
    /// A directory in place of the process's working directory.
    pub working_directory: Option<&'a Path>,
    /// A human or a script runs this on purpose, not as a part of a training:
    /// the modes `offline` and `dryrun` do not stop it.
    pub command_line: bool,
    /// No information lines on standard error.
    pub quiet: bool,
}

/// Takes one line of what a login says.
pub type LogFn<'a> = dyn Fn(Level, &str) + 'a;

/// Switches of a call. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub(crate) u32);

impl Flags {
    /// Ask for a key although one is configured.
    pub const RELOGIN: Flags = Flags(1);
    /// Offer neither "create an account" nor "offline" in the prompt.
    pub const FORCE: Flags = Flags(2);
    /// Never ask.
    pub const NO_PROMPT: Flags = Flags(4);
    /// Check the key with the server before it is stored.
    pub const VERIFY: Flags = Flags(8);
    /// Write nothing.
    pub const NO_SAVE: Flags = Flags(16);
    /// No information lines, no terminal prompt.
    pub const SILENT: Flags = Flags(32);
    /// Use W&B's public cloud, whatever is configured.
    pub const CLOUD: Flags = Flags(64);
    /// Look into netrc before the settings files, as SDK 0.30 and later do.
    pub const SDK_ORDER: Flags = Flags(128);
    /// Prompt, write and verify on every rank of a job.
    pub const ALL_RANKS: Flags = Flags(256);

    const ALL: u32 = 511;

    /// The flags that these bits stand for; `None` if a bit stands for none.
    pub fn from_bits(bits: u32) -> Option<Flags> {
        (bits & !Flags::ALL == 0).then_some(Flags(bits))
    }

    /// Whether all of `other` is set.
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

/// Whether an anonymous account will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum Anonymous {
    /// No.
    #[default]
    Never = 0,
    /// If the user chooses it in the prompt.
    Allow = 1,
    /// Yes, unless a key is configured.
    Must = 2,
}

/// How long a prompt may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timeout {
    /// As `WANDB_LOGIN_TIMEOUT` or the `login_timeout` setting say, else without limit.
    #[default]
    Configured,
    /// Without limit, whatever is configured.
    Never,
    /// This long.
    After(Duration),
}

/// What a prompt callback is told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PromptRequest<'a> {
    /// The server that the key is for.
    pub server: &'a str,
    /// Where that server's name came from, such as `WANDB_BASE_URL`.
    pub server_source: &'a str,
    /// The web page where the user makes a key.
    pub authorize_url: &'a str,
    /// The web page where the user makes an account first.
    pub signup_url: &'a str,
    /// Whether [`PromptAnswer::Offline`] is allowed.
    pub may_offline: bool,
    /// Whether [`PromptAnswer::Anonymous`] is allowed.
    pub may_anonymous: bool,
    /// 1 for the first time, then counted up.
    pub attempt: u32,
    /// How much time is left; `None` if there is no limit.
    pub remaining: Option<Duration>,
    /// What was wrong with the answer before.
    pub problem: Option<&'a str>,
}

/// What a prompt callback answers.
#[derive(Debug)]
pub enum PromptAnswer {
    /// This key.
    Key(Secret),
    /// Go on without W&B.
    Offline,
    /// Ask on the terminal instead.
    Terminal,
    /// An anonymous account.
    Anonymous,
    /// No answer.
    GiveUp,
}
