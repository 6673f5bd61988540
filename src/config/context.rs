//! One call: what the caller asked, the env around it, and the configuration
//! that results, each part read when it is first needed and only once.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::duration::{Limit, parse_limit};
use crate::config::files::Config;
use crate::config::paths;
use crate::config::settings::{Mode, Notes, SettingResult, Settings, parse_bool, parse_mode};
use crate::env::rank::Rank;
use crate::env::variables;
use crate::env::{self, Environment, shown};
use crate::error::{Error, Result};
use crate::log::{self, Log, Shown};
use crate::options::{Flags, Options, Timeout};
use crate::url::BaseUrl;

/// What a variable that is a time limit takes.
const SECONDS: &str = "a number of seconds";

/// How long the server may take where nobody says otherwise.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Context<'a> {
    pub options: &'a Options<'a>,
    pub env: Environment<'a>,
    pub log: Log<'a>,
    config: OnceCell<Config>,
    rank: OnceCell<Option<Rank>>,
    /// The caller's cancel function has said so.
    stopped: Cell<bool>,
}

impl<'a> Context<'a> {
    /// A call that tells the user what it does.
    pub(crate) fn new(options: &'a Options<'a>) -> Result<Context<'a>> {
        let log = match options.log {
            Some(log) => Log::caller(log),
            None => Log::stderr(Environment::new(options).is_set(variables::NO_COLOR)),
        };
        let context = Context::with_log(options, log);
        context.log.show(if context.is_silent()? {
            Shown::Silent
        } else if options.log.is_none()
            && (options.quiet || context.switch(variables::QUIET, Settings::quiet)?)
        {
            Shown::Quiet
        } else {
            Shown::Everything
        });
        context.config().tell(&context.log);
        Ok(context)
    }

    /// A call that answers a question: it talks only to the caller's own log.
    pub(crate) fn quiet(options: &'a Options<'a>) -> Context<'a> {
        Context::with_log(options, options.log.map_or_else(Log::nowhere, Log::caller))
    }

    /// A call that keeps what it would say, for a report.
    pub(crate) fn kept(options: &'a Options<'a>) -> Context<'a> {
        Context::with_log(options, Log::kept())
    }

    fn with_log(options: &'a Options<'a>, log: Log<'a>) -> Context<'a> {
        Context {
            options,
            env: Environment::new(options),
            log,
            config: OnceCell::new(),
            rank: OnceCell::new(),
            stopped: Cell::new(false),
        }
    }

    /// The settings files, read at the first call.
    pub(crate) fn config(&self) -> &Config {
        let notes = match self.log.is_heard() {
            true => Notes::Told,
            false => Notes::Untold,
        };
        self.config.get_or_init(|| Config::load(&self.env, notes))
    }

    /// What both settings files say together.
    pub(crate) fn settings(&self) -> &Settings {
        &self.config().settings
    }

    /// A value: its variable, else its setting.
    fn value<T: Copy>(
        &self,
        variable: &str,
        parse: fn(&[u8]) -> Option<T>,
        want: &str,
        setting: for<'s> fn(&'s Settings) -> SettingResult<'s, T>,
    ) -> Result<Option<T>> {
        match self.env.text(variable) {
            Some(value) => parse(value.as_bytes()).map(Some).ok_or_else(|| {
                Error::Credentials(format!(
                    "{variable} is '{value}'; set it to {want}, or unset it"
                ))
            }),
            None => Ok(setting(self.settings())?.map(|placed| *placed.value)),
        }
    }

    /// A switch: its variable, else its setting.
    fn switch(
        &self,
        variable: &str,
        setting: for<'s> fn(&'s Settings) -> SettingResult<'s, bool>,
    ) -> Result<bool> {
        let value = self.value(variable, parse_bool, "true or false", setting)?;
        Ok(value.unwrap_or(false))
    }

    pub(crate) fn is_silent(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::SILENT)
            || self.switch(variables::SILENT, Settings::silent)?)
    }

    /// Whether what is configured is to be passed over.
    pub(crate) fn relogin(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::RELOGIN)
            || !self.options.command_line && self.switch(variables::RELOGIN, Settings::relogin)?)
    }

    /// Whether the prompt goes straight to the key.
    pub(crate) fn force(&self) -> Result<bool> {
        Ok(self.options.flags.has(Flags::FORCE)
            || self.switch(variables::FORCE, Settings::force)?)
    }

    pub(crate) fn mode(&self) -> Result<Mode> {
        let want = "online, offline or disabled";
        let mode = self.value(variables::MODE, parse_mode, want, Settings::mode)?;
        Ok(mode.unwrap_or(Mode::Online))
    }

    /// This process's rank, if it is one of several.
    pub(crate) fn rank(&self) -> Option<Rank> {
        *self.rank.get_or_init(|| Rank::of(&self.env))
    }

    /// Whether this process is the one that prompts, writes and verifies.
    pub(crate) fn is_active_rank(&self) -> bool {
        self.options.flags.has(Flags::ALL_RANKS) || self.rank().is_none_or(|rank| rank.index == 0)
    }

    /// Whether this call may write files.
    pub(crate) fn writes(&self) -> bool {
        self.is_active_rank() && !self.options.flags.has(Flags::NO_SAVE)
    }

    /// Asks the caller's cancel function. What it has said holds for the call.
    pub(crate) fn cancelled(&self) -> bool {
        if !self.stopped.get() {
            self.stopped
                .set(self.options.cancel.is_some_and(|cancel| cancel()));
        }
        self.stopped.get()
    }

    /// An error where the caller has cancelled a wait: whatever that wait was
    /// for, the call ends there.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        match self.stopped.get() {
            true => Err(Error::Cancelled("cancelled by the program".into())),
            false => Ok(()),
        }
    }

    /// Whether standard error shows colours, and the user wants them.
    pub(crate) fn colours(&self) -> bool {
        log::colours(self.env.is_set(variables::NO_COLOR))
    }

    pub(crate) fn unix_time(&self) -> i64 {
        env::unix_time()
    }

    /// A path as a message shows it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        shown(self.env.absolute(path))
    }

    /// The address of the server's web pages.
    pub(crate) fn app_url(&self, server: &BaseUrl) -> Result<String> {
        let own = match self.env.text(variables::APP_URL) {
            Some(url) => Some(url),
            None => self
                .settings()
                .app_url_override()?
                .map(|url| url.value.clone()),
        };
        Ok(server.app_url(own.as_deref()))
    }

    /// The team that the user works for, if the configuration names one.
    pub(crate) fn entity(&self) -> Result<Option<String>> {
        match self.env.text(variables::ENTITY) {
            Some(entity) => Ok(Some(entity)),
            None => Ok(self.settings().entity()?.map(|entity| entity.value.clone())),
        }
    }

    /// The cache of access tokens; `None` without a home directory for it.
    pub(crate) fn credentials_file(&self) -> Result<Option<PathBuf>> {
        let setting = self.settings().credentials_file()?;
        let setting = setting.map(|path| path.value.as_str());
        Ok(paths::credentials(&self.env, setting))
    }

    /// How long a prompt may last; `None`: without limit.
    pub(crate) fn prompt_timeout(&self) -> Result<Option<Duration>> {
        match self.options.prompt_timeout {
            Timeout::Never => Ok(None),
            Timeout::After(time) => Ok(Some(time)),
            Timeout::Configured => {
                let variable = variables::LOGIN_TIMEOUT;
                let limit = self.value(variable, parse_limit, SECONDS, Settings::login_timeout)?;
                Ok(limit.and_then(length))
            }
        }
    }

    /// How long the server may take.
    pub(crate) fn http_timeout(&self) -> Result<Duration> {
        if let Some(time) = self.options.http_timeout {
            return Ok(time);
        }
        let limit = self.value(variables::HTTP_TIMEOUT, parse_limit, SECONDS, |_| Ok(None))?;
        Ok(limit.and_then(length).unwrap_or(HTTP_TIMEOUT))
    }
}

/// A limit as a length of time; `None`: without limit.
fn length(limit: Limit) -> Option<Duration> {
    match limit {
        Limit::Never => None,
        Limit::After(time) => Some(time),
    }
}
