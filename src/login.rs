//! The calls of the library: which server, and where the credential comes from. What they
//! have in common then is in [`steps`].

mod steps;

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint};
use crate::config::offline_mode::Mode;
use crate::error::{Error, ExchangeError, Result};
use crate::finding::{Code, Finding};
use crate::options::{Anonymous, Attempts, Flags, Options};
use crate::report::Report;
use crate::session::{self, Credential, Session};
use crate::sources::diagnostics;
use crate::sources::{self, Candidate, FoundCredential};
use crate::storage;
use crate::storage::token_cache::{self, Wanted};
use crate::util::secret::Secret;
use steps::{anonymous, complete, prompt_and_complete};

/// The outcome of a login that did not fail.
#[derive(Debug)]
pub enum Login {
    /// The credential and its owner.
    Session(Session),
    /// W&B is offline or disabled, or the user chose so: nothing was done.
    Offline,
}

/// Logs in with the `api_key` option, else with the first configured
/// credential, else with a key that the user is prompted for.
///
/// # Errors
/// [`Error::NotConfigured`] if there is no credential and no way to prompt for
/// one. Each variant of [`Error`] documents when it occurs.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Flags, Login, Options, Source, login};
///
/// // A fixed environment keeps the example away from your own configuration.
/// let environment = [
///     "HOME=/nonexistent",
///     "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
/// ]
/// .map(OsStr::new);
/// let options = Options::new()
///     .flags(Flags::NO_PROMPT | Flags::NO_SAVE)
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// match login(&options)? {
///     Login::Session(session) => assert_eq!(session.source(), Source::Environment),
///     Login::Offline => println!("continuing without W&B"),
/// }
/// # Ok(())
/// # }
/// ```
pub fn login(options: &Options<'_>) -> Result<Login> {
    let context = Context::new(options)?;
    if is_offline_mode(&context)? {
        return Ok(Login::Offline);
    }
    let server = endpoint::resolve(&context)?;
    if let Some(found) = sources::first(&context, &server, context.relogin()?)? {
        diagnostics::warn_conflicts(&context, &server, &found);
        return complete(&context, &server, found, None).map(Login::Session);
    }
    if options.anonymous == Anonymous::Must {
        let found = anonymous(&context, &server)?;
        return complete(&context, &server, found, None).map(Login::Session);
    }
    prompt_and_complete(&context, &server)
}

/// Prompts for a key even if one is configured, then verifies and stores it
/// as [`login`] does.
///
/// # Errors
/// Those of [`login`]; [`Error::Argument`] if the options hold a key or forbid
/// prompting.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Flags, Login, Options, PromptAnswer, PromptRequest, Secret};
///
/// // A program with a window of its own asks there, not on the terminal.
/// let ask = |request: &PromptRequest<'_>| {
///     assert_eq!(request.server, "https://api.wandb.ai");
///     PromptAnswer::Key(Secret::new("0123456789abcdef0123456789abcdef01234567"))
/// };
/// let environment = [OsStr::new("HOME=/nonexistent")];
/// let options = Options::new()
///     .flags(Flags::NO_SAVE)
///     .prompt(&ask)
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// let login = wandb_login::prompt_api_key(&options)?;
/// assert!(matches!(login, Login::Session(_)));
/// # Ok(())
/// # }
/// ```
pub fn prompt_api_key(options: &Options<'_>) -> Result<Login> {
    if options.api_key.is_some_and(|key| !key.is_empty()) {
        let text = "the api_key option cannot be combined with a prompt: use login instead";
        return Err(Error::Argument(text.into()));
    }
    if options.flags.has(Flags::NO_PROMPT) {
        let text = "the NO_PROMPT flag cannot be combined with a prompt";
        return Err(Error::Argument(text.into()));
    }
    let context = Context::new(options)?;
    if is_offline_mode(&context)? {
        return Ok(Login::Offline);
    }
    let server = endpoint::resolve(&context)?;
    prompt_and_complete(&context, &server)
}

/// Checks that [`login`] would find a credential without prompting.
///
/// # Errors
/// [`Error::NotConfigured`] if there is none, else the error of the login.
///
/// # Examples
/// ```
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Error, Options, check};
///
/// let environment = [OsStr::new("HOME=/nonexistent")];
/// let options = Options::new()
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// assert!(matches!(check(&options), Err(Error::NotConfigured(_))));
/// ```
pub fn check(options: &Options<'_>) -> Result<()> {
    let context = Context::read_only(options);
    let server = endpoint::resolve(&context)?;
    // WANDB_RELOGIN and the relogin setting make a login prompt again. They do
    // not change whether a key is configured, so only the flag counts here.
    let relogin = options.flags.has(Flags::RELOGIN);
    match sources::first(&context, &server, relogin)? {
        Some(_) => Ok(()),
        None => Err(context.not_configured(&server.url, None)),
    }
}

/// Reports which credential [`login`] would use and why.
///
/// # Errors
/// [`Error::Argument`] if the options contradict each other. Every other
/// problem is part of the report.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Format, Options, explain};
///
/// let environment = [
///     "HOME=/nonexistent",
///     "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
/// ]
/// .map(OsStr::new);
/// let options = Options::new()
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// let report = explain(&options)?;
/// assert!(report.is_configured());
/// assert!(report.render(Format::Text).contains("WANDB_API_KEY"));
/// # Ok(())
/// # }
/// ```
pub fn explain(options: &Options<'_>) -> Result<Report> {
    Report::new(options)
}

/// Removes the credentials that are stored for the server.
///
/// # Errors
/// [`Error::Store`] if a file could not be written.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Level, Options, forget};
///
/// let environment = [OsStr::new("HOME=/nonexistent")];
/// let log = |_: Level, line: &str| assert!(line.starts_with("Nothing was stored"));
/// let options = Options::new()
///     .log(&log)
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// forget(&options)?;
/// # Ok(())
/// # }
/// ```
pub fn forget(options: &Options<'_>) -> Result<()> {
    let context = Context::new(options)?;
    let server = endpoint::resolve(&context)?;
    if removes_nothing(&context) {
        return Ok(());
    }
    let forgot = storage::forget(&context, &server);
    context.check_cancelled()?;
    forgot?;
    diagnostics::warn_remaining(&context, &server);
    diagnostics::warn_second_netrc(&context);
    Ok(())
}

/// Removes the credentials that are stored for any server, also from a netrc file that
/// is not read because of another one. The keys in netrc are those that a W&B client
/// has written: the login is `user`.
///
/// # Errors
/// [`Error::Store`] if a file could not be written; what could be removed is removed.
/// [`Error::Credentials`] if the configured server is invalid, after the removal.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Level, Options, forget_all};
///
/// let environment = [OsStr::new("HOME=/nonexistent")];
/// let log = |_: Level, line: &str| assert!(line.starts_with("Nothing was stored"));
/// let options = Options::new()
///     .log(&log)
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// forget_all(&options)?;
/// # Ok(())
/// # }
/// ```
pub fn forget_all(options: &Options<'_>) -> Result<()> {
    let context = Context::new(options)?;
    if removes_nothing(&context) {
        return Ok(());
    }
    let server = endpoint::resolve(&context);
    let forgot = storage::forget_all(&context, server.as_ref().ok());
    context.check_cancelled()?;
    forgot?;
    let server = server?;
    diagnostics::warn_remaining(&context, &server);
    diagnostics::warn_remaining_settings(&context, &server);
    Ok(())
}

/// Whether this rank of a job may not remove anything; says so.
fn removes_nothing(context: &Context) -> bool {
    let Some(rank) = context.rank().filter(|_| !context.is_active_rank()) else {
        return false;
    };
    let message = format!(
        "Nothing was removed: only rank 0 removes credentials, and this is rank {} of {} ({}).",
        rank.index, rank.size, rank.variable
    );
    context
        .log
        .warn(Finding::new(Code::StillConfigured, message));
    true
}

/// Logs in again to the server of a session, without prompting. An access token
/// is replaced by another one, from the cache or from the server; an API key is
/// looked up again.
///
/// # Errors
/// Those of [`login`].
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Flags, Options, current, refresh};
///
/// let environment = [
///     "HOME=/nonexistent",
///     "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
/// ]
/// .map(OsStr::new);
/// let options = Options::new()
///     .flags(Flags::NO_SAVE)
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// let session = current(&options)?;
/// let renewed = refresh(&session, &options)?;
/// assert_eq!(renewed.base_url(), session.base_url());
/// # Ok(())
/// # }
/// ```
pub fn refresh(session: &Session, options: &Options<'_>) -> Result<Session> {
    let options = Options {
        // The command renews the token for a script, as `current` gets it.
        offline_without_exchange: options.command_line,
        ..without_prompt(options)
    };
    let context = Context::new(&options)?;
    let server = Endpoint::of_session(session);
    match &session.data().credential {
        Credential::Access {
            identity_token_file,
            ..
        } => {
            let found =
                sources::identity_token_of(&context, &server, session, identity_token_file)?;
            complete(&context, &server, found, Some(session))
        }
        Credential::Key(_) => key_of_server(&context, &server, Some(session)),
    }
}

/// Another credential for a session whose own one is about to end or was refused.
/// It logs nothing: a renewal is no event for the user.
pub(crate) fn renew(
    session: &Session,
    options: &Options<'_>,
    attempts: Attempts,
) -> std::result::Result<Session, ExchangeError> {
    let options = without_prompt(options);
    let context = Context::without_stderr(&options);
    let server = Endpoint::of_session(session);
    match &session.data().credential {
        Credential::Access {
            access,
            identity_token_file: file,
        } => {
            sources::identity_token_of(&context, &server, session, file)?;
            let wanted = Wanted::OtherThan(&access.token);
            let access = token_cache::access_token(&context, &server, file, wanted, attempts)?;
            Ok(session.with_access_token(access))
        }
        Credential::Key(_) => Ok(key_of_server(&context, &server, Some(session))?),
    }
}

/// The options of a call that must not prompt and must not take another server or
/// key than those of its session.
fn without_prompt<'a>(options: &Options<'a>) -> Options<'a> {
    Options {
        api_key: None,
        host: None,
        session: None,
        anonymous: Anonymous::Never,
        flags: options.flags | Flags::NO_PROMPT,
        ..*options
    }
}

/// A session with the key that is configured for a server, in place of `replaced`.
fn key_of_server(
    context: &Context,
    server: &Endpoint,
    replaced: Option<&Session>,
) -> Result<Session> {
    let found = configured_for(context, server)?;
    complete(context, server, found, replaced)
}

/// The credential that is configured for a server.
fn configured_for(context: &Context, server: &Endpoint) -> Result<FoundCredential> {
    sources::first(context, server, false)?.ok_or_else(|| context.not_configured(&server.url, None))
}

/// The session that [`login`] would return without prompting, even in offline mode.
/// Nothing is written but the cache of access tokens, and not even that with
/// [`Flags::NO_SAVE`].
///
/// # Errors
/// Those of [`login`].
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Options, current};
///
/// let environment = [
///     "HOME=/nonexistent",
///     "WANDB_MODE=offline",
///     "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
/// ]
/// .map(OsStr::new);
/// let options = Options::new()
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// assert_eq!(current(&options)?.source_name(), Some("WANDB_API_KEY"));
/// # Ok(())
/// # }
/// ```
pub fn current(options: &Options<'_>) -> Result<Session> {
    let options = for_current(options);
    let context = Context::new(&options)?;
    let server = endpoint::resolve(&context)?;
    key_of_server(&context, &server, None)
}

/// The options of a call that takes what is configured, and writes only the cache of
/// access tokens. While W&B is offline it asks no server, unless the caller does so
/// with VERIFY.
fn for_current<'a>(options: &Options<'a>) -> Options<'a> {
    Options {
        flags: options.flags | Flags::NO_PROMPT,
        quiet: true,
        caches_only: true,
        offline_without_exchange: !options.flags.has(Flags::VERIFY),
        ..*options
    }
}

/// What logs a child process in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Environ {
    /// The entries of [`Session::environ`].
    pub entries: Vec<Secret>,
    /// The session with the API key; `None` for an identity token, which the child
    /// exchanges itself.
    pub session: Option<Session>,
}

/// The variables that log a child process in, without asking the server.
///
/// # Errors
/// Those of [`login`] before it sends anything.
///
/// # Examples
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use std::path::Path;
/// use wandb_login::{Options, environ};
///
/// let environment = [
///     "HOME=/nonexistent",
///     "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
/// ]
/// .map(OsStr::new);
/// let options = Options::new()
///     .environment(&environment)
///     .working_directory(Path::new("/nonexistent"));
/// let environ = environ(&options)?;
/// assert!(environ.entries[0].as_bytes().starts_with(b"WANDB_API_KEY=0123"));
/// # Ok(())
/// # }
/// ```
pub fn environ(options: &Options<'_>) -> Result<Environ> {
    let options = for_current(options);
    let context = Context::new(&options)?;
    let server = endpoint::resolve(&context)?;
    let found = configured_for(&context, &server)?;
    if let Candidate::IdentityToken(file) = &found.candidate {
        diagnostics::warn_plain_http(&context, &server);
        return Ok(Environ {
            entries: session::environ(b"", file, &server.url),
            session: None,
        });
    }
    let session = complete(&context, &server, found, None)?;
    Ok(Environ {
        entries: session.environ(),
        session: Some(session),
    })
}

/// Whether the mode prevents the login; says so.
fn is_offline_mode(context: &Context) -> Result<bool> {
    let mode = context.mode()?;
    let offline = mode.prevents_login(context.options.command_line);
    if offline && context.options.api_key.is_some() {
        context.log.warn(Finding::new(
            Code::Offline,
            "W&B is offline or disabled: the API key was not used.",
        ));
    } else if offline && mode != Mode::Disabled {
        context.log.info("W&B is offline: not logged in.");
    }
    Ok(offline)
}
