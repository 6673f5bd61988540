//! The login flow: resolve, prompt, verify, store, report.

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint};
use crate::config::offline_mode::Mode;
use crate::config::route;
use crate::error::{Error, ExchangeError, Result};
use crate::finding::{Code, Finding};
use crate::key::ApiKey;
use crate::options::{Anonymous, Attempts, Flags, Options};
use crate::prompt::{Answer, Prompt};
use crate::report::Report;
use crate::server;
use crate::session::{self, Credential, Session, SessionData, Source, Viewer};
use crate::sources::diagnostics;
use crate::sources::{self, Candidate, FoundCredential, Provider};
use crate::storage;
use crate::storage::token_cache::{self, Wanted};
use crate::util::secret::Secret;

/// How many keys the prompt accepts before the login fails.
const MAX_ATTEMPTS: u32 = 5;

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
    if let Some(rank) = context.rank().filter(|_| !context.is_active_rank()) {
        let message = format!(
            "Nothing was removed: only rank 0 removes credentials, and this is rank {} of {} ({}).",
            rank.index, rank.size, rank.variable
        );
        context
            .log
            .warn(Finding::new(Code::StillConfigured, message));
        return Ok(());
    }
    let forgot = storage::forget(&context, &server);
    context.check_cancelled()?;
    forgot?;
    diagnostics::warn_remaining(&context, &server);
    Ok(())
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

/// A new anonymous account at the server.
fn anonymous(context: &Context, server: &Endpoint) -> Result<FoundCredential> {
    let key = server::anonymous_key(context, server)?;
    Ok(FoundCredential::new_key(key, Provider::Anonymous))
}

/// Prompts until a key is accepted.
fn prompt_and_complete(context: &Context, server: &Endpoint) -> Result<Login> {
    let mut prompt = Prompt::open(context, server)?;
    let mut last = None;
    for attempt in 1..=MAX_ATTEMPTS {
        let problem = last.as_ref().map(Error::to_string);
        let found = match prompt.next_answer(attempt, problem.as_deref())? {
            Answer::Offline => {
                context.log.info("Using W&B in offline mode.");
                return Ok(Login::Offline);
            }
            Answer::Anonymous => anonymous(context, server)?,
            Answer::Key(text) => match parse_key(context, &text) {
                Ok(key) => FoundCredential::new_key(key, Provider::Prompt),
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            },
        };
        match complete(context, server, found, None) {
            Ok(session) => return Ok(Login::Session(session)),
            // Only a rejected key is a reason to prompt for another one.
            Err(error @ Error::Rejected(_)) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Prompt("no key was entered".into())))
}

fn parse_key(context: &Context, text: &Secret) -> Result<ApiKey> {
    let parsed = ApiKey::parse(text.as_bytes())
        .map_err(|problem| Error::Credentials(problem.to_string()))?;
    if parsed.trimmed {
        context.log.info("Removed white space around the API key.");
    }
    Ok(parsed.key)
}

/// Turns a found credential into a session: verify, store, report. A session that
/// replaces another one has its way to the server, and not its access token.
fn complete(
    context: &Context,
    server: &Endpoint,
    found: FoundCredential,
    replaced: Option<&Session>,
) -> Result<Session> {
    diagnostics::warn_plain_http(context, server);
    diagnostics::warn_unlikely_key(context, server, &found);
    let provider = found.provider;
    let source = provider.source();
    // A prompt says so before the key is typed.
    if source == Source::Explicit {
        diagnostics::warn_workspace_server(context, server);
    }
    // Both can fail, so they come before anything is sent or written.
    let app_url = context.app_url(&server.url)?;
    let entity = context.entity()?;
    let wanted = replaced.map_or(Wanted::Any, another_token);
    let (credential, known) = to_credential(context, server, found.candidate, wanted)?;
    let viewer = verify(context, server, &credential, source)?.or(known);
    let saved = persist(context, server, &credential, provider)?;
    let session = Session::new(SessionData {
        base_url: server.url.clone(),
        app_url,
        credential,
        source,
        source_name: found.location.name.map(|name| name.to_string()),
        saved,
        viewer,
        entity,
        workspace_only: server.workspace_only,
        route: match replaced {
            Some(session) => session.data().route.clone(),
            None => route::resolve(context, server).into_route(&context.log),
        },
    });
    log_session(context, server, &session);
    if is_new(source) && (saved || context.relogin().unwrap_or(false)) {
        diagnostics::warn_overrides(context, server, &session);
    }
    if context.writes() && server.is_named_by_caller() {
        diagnostics::warn_next_server(context, server);
    }
    Ok(session)
}

/// Another access token than the one of a session.
fn another_token(session: &Session) -> Wanted<'_> {
    match &session.data().credential {
        Credential::Access { access, .. } => Wanted::OtherThan(&access.token),
        Credential::Key(_) => Wanted::Any,
    }
}

/// The credential to send to the server, and its owner if already known.
fn to_credential(
    context: &Context,
    server: &Endpoint,
    candidate: Candidate,
    wanted: Wanted,
) -> Result<(Credential, Option<Viewer>)> {
    Ok(match candidate {
        Candidate::Key(key) => (Credential::Key(key), None),
        Candidate::Session(session) => {
            let data = session.data();
            (data.credential.clone(), data.viewer.clone())
        }
        Candidate::IdentityToken(identity_token_file) => {
            let access = token_cache::access_token(
                context,
                server,
                &identity_token_file,
                wanted,
                Attempts::UntilDeadline,
            )?;
            let credential = Credential::Access {
                access,
                identity_token_file,
            };
            (credential, None)
        }
    })
}

/// Whether the key is new with this login, which therefore stores it.
fn is_new(source: Source) -> bool {
    matches!(
        source,
        Source::Explicit | Source::Prompt | Source::Anonymous
    )
}

/// Asks the server for the owner of the credential if VERIFY is set. Storing
/// comes later, so that a rejected key never replaces a good one.
fn verify(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
    source: Source,
) -> Result<Option<Viewer>> {
    if !context.options.flags.has(Flags::VERIFY) || !context.is_active_rank() {
        return Ok(None);
    }
    match server::viewer(context, server, credential) {
        Err(error) if is_new(source) => Err(error.and(&format!(
            "Nothing was stored. To log in without verification, omit {}.",
            match context.options.command_line {
                true => "--verify",
                false => "the VERIFY flag",
            }
        ))),
        viewer => viewer.map(Some),
    }
}

/// Stores a new key and the choice of server, and returns whether the
/// credential is in a file where the next login here finds it, by the files as they
/// are then.
fn persist(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
    provider: Provider,
) -> Result<bool> {
    let source = provider.source();
    let saved = match credential {
        Credential::Key(key) if is_new(source) && context.writes() => {
            storage::key::store(context, server, key)
        }
        _ => matches!(source, Source::Settings | Source::Netrc),
    };
    // If waiting for the lock on netrc was cancelled, nothing has been changed.
    context.check_cancelled()?;
    if context.writes() {
        let anonymous = match source {
            Source::Anonymous => Some(true),
            // This may be the key of the anonymous account: keep the record.
            Source::Netrc | Source::Session => None,
            _ => Some(false),
        };
        storage::settings::remember(context, server, anonymous);
        context.reread_config();
        diagnostics::warn_other_server(context, server);
    }
    Ok(saved && diagnostics::is_used_next_time(context, server, provider))
}

/// Logs where the credential came from, and the SDK's line about the login.
fn log_session(context: &Context, server: &Endpoint, session: &Session) {
    let kind = match &session.data().credential {
        Credential::Key(key) => key.kind().to_string(),
        Credential::Access { .. } => "access token".to_string(),
    };
    let url = server.url.as_str();
    // The user may expect the cloud: say who configured another server.
    let detail = match server.is_remarkable() {
        true => format!("{kind}; server from {}", server.origin_text()),
        false => kind,
    };
    let line = match (session.source(), session.source_name()) {
        (Source::Explicit, _) => {
            format!("Using explicit session credentials for {url} ({detail}).")
        }
        (Source::Prompt, _) => format!("Using the key from the prompt for {url} ({detail})."),
        (Source::Anonymous, _) => format!("Using an anonymous account at {url} ({detail})."),
        (_, name) => {
            let name = name.unwrap_or("the session");
            format!("Loaded credentials for {url} from {name} ({detail}).")
        }
    };
    context.log.info(&format!("[wandb.login()] {line}"));
    let is_unsaved = is_new(session.source()) && context.writes() && !session.saved();
    // "API key is configured" would be wrong: the next login does not find it.
    if !is_unsaved || session.verified() {
        context.log.info(session.display());
    }
    if let Some(team) = session.entity() {
        context.log.info(&format!("Default team: {team}."));
    }
    if is_unsaved {
        context.log.warn(Finding::new(
            Code::NotSaved,
            "The API key is used for this login only: it was not saved.",
        ));
    }
}
