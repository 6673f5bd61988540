//! One call: what the caller asked, the world around it, and the configuration
//! that results, each part read when it is first needed and only once.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::dotfiles;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::host::BaseUrl;
use crate::log::{Log, Shown};
use crate::options::{Flags, Options, Timeout};
use crate::rank::Rank;
use crate::settings::{self, Settings};
use crate::world::{World, shown};

/// The most that is read of a settings file.
pub(crate) const SETTINGS_LIMIT: u64 = 1 << 20;

/// How long the server may take where nobody says otherwise.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// What `WANDB_MODE` says of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Online,
    Offline,
    Disabled,
}

pub(crate) struct Context<'a> {
    pub options: &'a Options<'a>,
    pub world: World<'a>,
    pub log: Log<'a>,
    settings: OnceCell<Settings>,
    rank: OnceCell<Option<Rank>>,
}

impl<'a> Context<'a> {
    /// A call that tells the user what it does.
    pub fn new(options: &'a Options<'a>) -> Result<Context<'a>> {
        let log = options.log.map_or_else(Log::stderr, Log::caller);
        let context = Context::with_log(options, log);
        context.log.show(if context.is_silent()? {
            Shown::Silent
        } else if options.log.is_none() && context.switch("WANDB_QUIET", "quiet")? {
            Shown::Quiet
        } else {
            Shown::Everything
        });
        context.tell_notes();
        Ok(context)
    }

    /// A call that answers a question: it talks only to the caller's own log.
    pub fn quiet(options: &'a Options<'a>) -> Context<'a> {
        Context::with_log(options, options.log.map_or_else(Log::nowhere, Log::caller))
    }

    /// A call that keeps what it would say, for a report.
    pub fn kept(options: &'a Options<'a>) -> Context<'a> {
        Context::with_log(options, Log::kept())
    }

    fn with_log(options: &'a Options<'a>, log: Log<'a>) -> Context<'a> {
        Context {
            options,
            world: World::new(options),
            log,
            settings: OnceCell::new(),
            rank: OnceCell::new(),
        }
    }

    /// The settings files, read at the first call.
    pub fn settings(&self) -> &Settings {
        self.settings.get_or_init(|| Settings::load(&self.world))
    }

    /// Passes on what was odd about the settings files.
    pub fn tell_notes(&self) {
        self.settings().tell(&self.log);
    }

    /// A switch: its variable, else its setting.
    fn switch(&self, variable: &str, key: &str) -> Result<bool> {
        match self.world.text(variable) {
            Some(value) => settings::boolean(&value).ok_or_else(|| {
                Error::Credentials(format!("{variable} is '{value}': set it to true or false"))
            }),
            None => Ok(self.settings().switch(key)?.unwrap_or(false)),
        }
    }

    pub fn is_silent(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::SILENT) || self.switch("WANDB_SILENT", "silent")?)
    }

    /// Whether what is configured is to be passed over.
    pub fn relogin(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::RELOGIN)
            || !self.options.command_line && self.switch("WANDB_RELOGIN", "relogin")?)
    }

    /// Whether the prompt goes straight to the key.
    pub fn force(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::FORCE) || self.switch("WANDB_FORCE", "force")?)
    }

    pub fn mode(&self) -> Result<Mode> {
        let (value, place) = match self.world.text("WANDB_MODE") {
            Some(value) => (value, "WANDB_MODE".to_string()),
            None => match self.settings().mode()? {
                Some(setting) => (setting.text(), setting.place()),
                None => return Ok(Mode::Online),
            },
        };
        match value.as_str() {
            "online" | "run" | "shared" => Ok(Mode::Online),
            "offline" | "dryrun" => Ok(Mode::Offline),
            "disabled" => Ok(Mode::Disabled),
            _ => Err(Error::Credentials(format!(
                "{place}: '{value}' is not a mode; use online, offline or disabled"
            ))),
        }
    }

    /// This process's rank, if it is one of several.
    pub fn rank(&self) -> Option<Rank> {
        *self.rank.get_or_init(|| Rank::of(&self.world))
    }

    /// Whether this process is the one that prompts, writes and verifies.
    pub fn acts(&self) -> bool {
        self.options.flags.has(Flags::ALL_RANKS) || self.rank().is_none_or(|rank| rank.index == 0)
    }

    /// Whether this call may write files.
    pub fn writes(&self) -> bool {
        self.acts() && !self.options.flags.has(Flags::NO_SAVE)
    }

    pub fn cancelled(&self) -> bool {
        self.options.cancel.is_some_and(|cancel| cancel())
    }

    pub fn unix_time(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// A path as a message shows it.
    pub fn shown(&self, path: &Path) -> String {
        shown(self.world.absolute(path))
    }

    /// The address of the server's web pages.
    pub fn app_url(&self, server: &BaseUrl) -> Result<String> {
        let own = match self.world.text("WANDB_APP_URL") {
            Some(url) => Some(url),
            None => self.settings().app_url_override()?,
        };
        Ok(server.app_url(own.as_deref()))
    }

    /// The team that the user works for, if the configuration names one.
    pub fn entity(&self) -> Result<Option<String>> {
        match self.world.text("WANDB_ENTITY") {
            Some(entity) => Ok(Some(entity)),
            None => self.settings().entity(),
        }
    }

    pub fn credentials_file(&self) -> Result<PathBuf> {
        let setting = self.settings().credentials_file()?;
        dotfiles::credentials(&self.world, setting.as_deref())
    }

    /// How long a prompt may last; `None`: without limit.
    pub fn prompt_timeout(&self) -> Result<Option<Duration>> {
        match self.options.prompt_timeout {
            Timeout::Never => Ok(None),
            Timeout::After(time) => Ok(Some(time)),
            Timeout::Configured => match self.world.text("WANDB_LOGIN_TIMEOUT") {
                Some(value) => seconds(&value, "WANDB_LOGIN_TIMEOUT"),
                None => match self.settings().login_timeout()? {
                    Some(setting) => seconds(&setting.text(), &setting.place()),
                    None => Ok(None),
                },
            },
        }
    }

    /// How long the server may take.
    pub fn http_timeout(&self) -> Result<Duration> {
        if let Some(time) = self.options.http_timeout {
            return Ok(time);
        }
        let configured = match self.world.text("WANDB_HTTP_TIMEOUT") {
            Some(value) => seconds(&value, "WANDB_HTTP_TIMEOUT")?,
            None => None,
        };
        Ok(configured.unwrap_or(HTTP_TIMEOUT))
    }

    /// The error for a login that finds nothing and may not ask.
    pub fn not_configured(&self, server: &Endpoint, why: Option<&str>) -> Error {
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        Error::NotConfigured(format!(
            "No API key configured for {}{why}. Set WANDB_API_KEY, run `wandb-login` once, or mount a key file and set WANDB_API_KEY_FILE to it.",
            server.url.as_str()
        ))
    }
}

/// A time limit in seconds, as the SDK takes it: none is infinite, and less
/// than nothing is nothing.
fn seconds(value: &str, place: &str) -> Result<Option<Duration>> {
    match value.trim().parse::<f64>() {
        Ok(seconds) if seconds == f64::INFINITY => Ok(None),
        Ok(seconds) if seconds <= 0.0 => Ok(Some(Duration::ZERO)),
        Ok(seconds) if seconds.is_finite() => {
            // Longer than a Duration can say is as good as for ever.
            Ok(Duration::try_from_secs_f64(seconds).ok())
        }
        _ => Err(Error::Credentials(format!(
            "{place}: '{value}' is not a number of seconds"
        ))),
    }
}
