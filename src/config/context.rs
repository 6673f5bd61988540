//! The context of one call: options, environment, log and configuration. The
//! settings files and the rank are read when first needed, and only once.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::files::Config;
use crate::config::location::{SourceLocation, SourceName};
use crate::config::offline_mode::{Mode, parse_mode};
use crate::config::paths;
use crate::config::settings::{SettingResult, Settings, parse_bool, parse_timeout};
use crate::config::source_problem::SourceProblem;
use crate::env::rank::Rank;
use crate::env::variables::{self, VARIABLES};
use crate::env::{self, Environment, display_path};
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, move_key_command, unset_command};
use crate::log::{self, Log, Style, Verbosity};
use crate::options::{Flags, Options, Timeout};
use crate::url::BaseUrl;
use crate::util::redact::{is_quoted, looks_like_key, misplaced_key};
use crate::util::streams::StandardStreams;

/// A value, or why the configured one is invalid.
type ValueResult<T> = std::result::Result<T, SourceProblem>;

/// The expected value of a timeout variable, for messages.
const SECONDS: &str = "a number of seconds";

/// The default time limit of a request.
const DEFAULT_HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// The variables for a path or an address, where a key in its place is no error. Those
/// that the system sets are not among them: a user name can look like a key.
const UNCHECKED: [&str; 7] = [
    variables::NETRC,
    variables::CONFIG_DIR,
    variables::CREDENTIALS_FILE,
    variables::APP_URL,
    variables::SSL_CERT_FILE,
    variables::SSL_CERT_DIR,
    variables::REQUESTS_CA_BUNDLE,
];

pub(crate) struct Context<'a> {
    pub options: &'a Options<'a>,
    pub env: Environment<'a>,
    pub log: Log<'a>,
    config: OnceCell<Config>,
    /// The settings files as this login left them.
    written_config: OnceCell<Config>,
    rank: OnceCell<Option<Rank>>,
    /// Whether the caller's cancel function has returned true.
    cancelled: Cell<bool>,
    _streams: Option<StandardStreams>,
}

impl<'a> Context<'a> {
    /// For a call that logs: to the caller's function, else to standard error.
    pub(crate) fn new(options: &'a Options<'a>) -> Result<Context<'a>> {
        let log = match options.log {
            Some(log) => Log::callback(log),
            None => Log::stderr(&Environment::new(
                options.environment,
                options.working_directory,
            )),
        };
        let context = Context::with_log(options, log);
        context.log.set_verbosity(context.verbosity()?);
        context.log_environment();
        context.config().log_notes(&context.log);
        Ok(context)
    }

    /// For a call that never prints: it logs to the caller's function, if any.
    pub(crate) fn without_stderr(options: &'a Options<'a>) -> Context<'a> {
        let log = options.log.map_or_else(Log::disabled, Log::callback);
        Context::with_log(options, log)
    }

    /// For a call that only reads: it needs no reserved standard streams, and makes
    /// no system call for them.
    pub(crate) fn read_only(options: &'a Options<'a>) -> Context<'a> {
        let log = options.log.map_or_else(Log::disabled, Log::callback);
        Context {
            options,
            env: Environment::new(options.environment, options.working_directory),
            log,
            config: OnceCell::new(),
            written_config: OnceCell::new(),
            rank: OnceCell::new(),
            cancelled: Cell::new(false),
            _streams: None,
        }
    }

    /// For a report: it collects the warnings.
    pub(crate) fn for_report(options: &'a Options<'a>) -> Context<'a> {
        let context = Context::with_log(options, Log::buffered());
        context.log_environment();
        context
    }

    /// Logs what is odd about the environment.
    fn log_environment(&self) {
        if self.env.is_privileged() {
            self.log
                .warn(Finding::new(Code::PrivilegedProgram, env::IGNORED));
        }
        for variable in VARIABLES {
            let name = variable.name;
            if self.env.has_carriage_return(name) {
                self.log.warn(Finding::new(
                    Code::ExtraCharacters,
                    format!(
                        "{name}: the carriage return at its end was ignored; other programs may \
                         not ignore it"
                    ),
                ));
            }
            if UNCHECKED.contains(&name) && self.holds_key(name) {
                self.log.warn(self.misplaced_key(Code::MisplacedKey, name));
            }
        }
    }

    /// Whether a variable for a path holds what looks like a key and is no file.
    fn holds_key(&self, name: &str) -> bool {
        let value = self.env.secret(name).unwrap_or_default();
        let path = || self.env.path(self.env.var(name).unwrap_or_default());
        looks_like_key(&value) && !path().exists()
    }

    /// The finding about a variable that holds what looks like a key. The command does
    /// not replace another key.
    pub(crate) fn misplaced_key(&self, code: Code, name: &str) -> Finding {
        let command = match self.env.is_set(variables::API_KEY) {
            true => unset_command(name),
            false => move_key_command(name),
        };
        Finding::new(code, misplaced_key(name)).fixed_by(command)
    }

    fn with_log(options: &'a Options<'a>, log: Log<'a>) -> Context<'a> {
        Context {
            log,
            _streams: Some(StandardStreams::reserve()),
            ..Context::read_only(options)
        }
    }

    /// The settings files, read at the first call.
    pub(crate) fn config(&self) -> &Config {
        let before = || self.config.get_or_init(|| Config::load(&self.env));
        self.written_config.get().unwrap_or_else(before)
    }

    /// Reads the settings files again after this login wrote them, so that what
    /// it says about the next login is true of the files as they are.
    pub(crate) fn reread_config(&self) {
        self.written_config.get_or_init(|| Config::load(&self.env));
    }

    /// The error for a login that finds no key and cannot prompt for one; `why`
    /// says what prevents the prompt.
    pub(crate) fn not_configured(&self, server: &BaseUrl, why: Option<&str>) -> Error {
        let error = Error::not_configured(server.as_str(), why);
        match self.env.is_privileged() {
            true => error.and(env::IGNORED),
            false => error,
        }
    }

    /// The combined values of both settings files.
    pub(crate) fn settings(&self) -> &Settings {
        &self.config().settings
    }

    /// A value from its variable, else from its setting.
    fn value<T: Copy>(
        &self,
        variable: &'static str,
        parse: fn(&[u8]) -> Option<T>,
        want: &str,
        setting: for<'s> fn(&'s Settings) -> SettingResult<'s, T>,
    ) -> ValueResult<Option<T>> {
        match self.env.text(variable) {
            Some(value) => match parse(value.as_bytes()) {
                Some(parsed) => Ok(Some(parsed)),
                None => Err(self.invalid_variable(variable, &value, want)),
            },
            None => match setting(self.settings()) {
                Ok(found) => Ok(found.map(|found| *found.value)),
                Err(problem) => Err(problem.clone()),
            },
        }
    }

    /// What is wrong with the value of a variable.
    fn invalid_variable(&self, name: &'static str, value: &str, want: &str) -> SourceProblem {
        let location = SourceLocation::new(SourceName::Variable(name));
        if looks_like_key(value.as_bytes()) {
            let finding = self.misplaced_key(Code::InvalidValue, name);
            return SourceProblem { finding, location };
        }
        if is_quoted(value) {
            let message = format!("{name} is {value}, in quotes; remove them");
            let problem = SourceProblem::at(location, Code::InvalidValue, message);
            return problem.maybe_fixed_by(None);
        }
        let message = format!("{name} is '{value}'; set it to {want}, or unset it");
        SourceProblem::at(location, Code::InvalidValue, message)
    }

    /// A switch from its variable, else from its setting; off by default.
    fn switch(
        &self,
        variable: &'static str,
        setting: for<'s> fn(&'s Settings) -> SettingResult<'s, bool>,
    ) -> ValueResult<bool> {
        let value = self.value(variable, parse_bool, "true or false", setting)?;
        Ok(value.unwrap_or(false))
    }

    /// Which lines this call prints to standard error. Of the ranks of a job, only
    /// rank 0 prints what it did: one line for the job, not one for each process.
    pub(crate) fn verbosity(&self) -> ValueResult<Verbosity> {
        Ok(if self.is_silent()? {
            Verbosity::Security
        } else if self.options.log.is_none()
            && (self.options.quiet
                || self.switch(variables::QUIET, Settings::quiet)?
                || !self.is_active_rank())
        {
            Verbosity::Warnings
        } else {
            Verbosity::All
        })
    }

    pub(crate) fn is_silent(&self) -> ValueResult<bool> {
        Ok(self.options.flags.has(Flags::SILENT)
            || self.switch(variables::SILENT, Settings::silent)?)
    }

    /// Whether to ignore configured credentials, except an explicit one.
    pub(crate) fn relogin(&self) -> ValueResult<bool> {
        Ok(self.options.flags.has(Flags::RELOGIN)
            || !self.options.command_line && self.switch(variables::RELOGIN, Settings::relogin)?)
    }

    /// Whether the prompt offers nothing but entering a key.
    pub(crate) fn force(&self) -> ValueResult<bool> {
        Ok(self.options.flags.has(Flags::FORCE)
            || self.switch(variables::FORCE, Settings::force)?)
    }

    pub(crate) fn mode(&self) -> ValueResult<Mode> {
        let want = "online, offline or disabled";
        let mode = self.value(variables::MODE, parse_mode, want, Settings::mode)?;
        Ok(mode.unwrap_or(Mode::Online))
    }

    /// Where the mode is configured, if it is.
    pub(crate) fn mode_location(&self) -> Option<SourceLocation> {
        match self.settings().mode() {
            _ if self.env.is_set(variables::MODE) => {
                Some(SourceLocation::new(SourceName::Variable(variables::MODE)))
            }
            Ok(found) => found.map(|found| found.location()),
            Err(_) => None,
        }
    }

    /// An error if this call may not exchange an identity token, because it is one
    /// that obeys the mode.
    pub(crate) fn check_exchange(&self, server: &BaseUrl) -> Result<()> {
        if !self.options.offline_without_exchange || !self.mode()?.prevents_login(false) {
            return Ok(());
        }
        let by = self.mode_location().unwrap_or_default();
        Err(Error::Network(format!(
            "no access token is cached for {}, and the server was not asked for one: W&B is \
             offline or disabled by {by}; set WANDB_MODE=online to ask it",
            server.as_str()
        )))
    }

    /// The rank of this process, if it is part of a distributed job.
    pub(crate) fn rank(&self) -> Option<Rank> {
        *self.rank.get_or_init(|| Rank::detect(&self.env))
    }

    /// Whether this process may prompt, write and verify.
    pub(crate) fn is_active_rank(&self) -> bool {
        self.options.flags.has(Flags::ALL_RANKS) || self.rank().is_none_or(|rank| rank.index == 0)
    }

    /// Whether this call may write netrc and the settings.
    pub(crate) fn writes(&self) -> bool {
        self.is_active_rank()
            && !self.options.caches_only
            && !self.options.flags.has(Flags::NO_SAVE)
    }

    /// Polls the caller's cancel function. Once true, it stays true.
    pub(crate) fn cancelled(&self) -> bool {
        if !self.cancelled.get() {
            self.cancelled
                .set(self.options.cancel.is_some_and(|cancel| cancel()));
        }
        self.cancelled.get()
    }

    /// An error if the caller has cancelled an earlier wait of this call.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        match self.cancelled.get() {
            true => Err(Error::Cancelled("cancelled by the program".into())),
            false => Ok(()),
        }
    }

    /// The style of lines on standard error.
    pub(crate) fn style(&self) -> Style {
        log::stderr_style(&self.env)
    }

    /// The absolute form of a path, for a message.
    pub(crate) fn display_path(&self, path: &Path) -> String {
        display_path(&self.env.path(path))
    }

    /// The URL of the server's web app.
    pub(crate) fn app_url(&self, server: &BaseUrl) -> Result<String> {
        let configured = match self.env.text(variables::APP_URL) {
            Some(url) => Some(url),
            None => self
                .settings()
                .app_url_override()?
                .map(|url| url.value.clone()),
        };
        Ok(server.app_url(configured.as_deref()))
    }

    /// The default team, if one is configured.
    pub(crate) fn entity(&self) -> ValueResult<Option<String>> {
        match self.env.text(variables::ENTITY) {
            Some(entity) => Ok(Some(entity)),
            None => match self.settings().entity() {
                Ok(entity) => Ok(entity.map(|entity| entity.value.clone())),
                Err(problem) => Err(problem.clone()),
            },
        }
    }

    /// The cache of access tokens; `None` without a home directory for it.
    pub(crate) fn credentials_file(&self) -> Result<Option<PathBuf>> {
        let setting = self.settings().credentials_file()?;
        let setting = setting.map(|path| path.value.as_str());
        Ok(paths::credentials(&self.env, setting))
    }

    /// The time limit of the prompt; `None` if there is no limit.
    pub(crate) fn prompt_timeout(&self) -> ValueResult<Option<Duration>> {
        let timeout = match self.options.prompt_timeout {
            Timeout::Configured => self
                .value(
                    variables::LOGIN_TIMEOUT,
                    parse_timeout,
                    SECONDS,
                    Settings::login_timeout,
                )?
                .unwrap_or(Timeout::Never),
            given => given,
        };
        Ok(timeout.duration())
    }

    /// The time limit of a request.
    pub(crate) fn http_timeout(&self) -> ValueResult<Duration> {
        if let Some(timeout) = self.options.http_timeout {
            return Ok(timeout);
        }
        let no_setting = |_: &Settings| Ok(None);
        let timeout = self.value(variables::HTTP_TIMEOUT, parse_timeout, SECONDS, no_setting)?;
        Ok(timeout
            .and_then(Timeout::duration)
            .unwrap_or(DEFAULT_HTTP_TIMEOUT))
    }
}
