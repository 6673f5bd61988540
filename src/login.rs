//! The story of a login: resolve, ask, verify, store, tell.

use std::borrow::Cow;

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint};
use crate::config::settings::Mode;
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::options::{Anonymous, Flags, Options};
use crate::prompt::{Prompt, Reply};
use crate::report::Report;
use crate::server;
use crate::session::{Credential, Session, SessionData, Source, Viewer};
use crate::sources::diagnostics;
use crate::sources::{self, Found, FoundCredential, Place};
use crate::storage::{self, token_cache};

/// How often a prompt is repeated before the last problem is the answer.
const MOST_ATTEMPTS: u32 = 5;

/// What a login came to, where nothing went wrong.
#[derive(Debug)]
pub enum Login {
    /// The credential is here.
    Session(Session),
    /// W&B is offline or disabled, or the user chose so: nothing was done.
    Offline,
}

/// Logs in: with the key in the options, else with the first one that is
/// configured, else with one that a human is asked for.
///
/// # Errors
/// [`Error::NotConfigured`] where there is no key and nobody to ask; the other
/// variants as their documentation says.
pub fn login(options: &Options<'_>) -> Result<Login> {
    let context = Context::new(options)?;
    if is_away(&context)? {
        return Ok(Login::Offline);
    }
    let server = endpoint::resolve(&context)?;
    if let Some(found) = sources::first(&context, &server, context.relogin()?)? {
        diagnostics::rivals(&context, &server, &found);
        return complete(&context, &server, found).map(Login::Session);
    }
    if options.anonymous == Anonymous::Must {
        let found = Found::new_key(server::anonymous_key(&context, &server)?, Place::Anonymous);
        return complete(&context, &server, found).map(Login::Session);
    }
    ask(&context, &server)
}

/// Asks for a key without looking for one, then checks and stores it.
///
/// # Errors
/// As for [`login`]; [`Error::Argument`] where the options hold a key or forbid
/// to ask.
pub fn prompt_api_key(options: &Options<'_>) -> Result<Login> {
    if options.api_key.is_some_and(|key| !key.is_empty()) {
        return Err(Error::Argument(
            "api_key cannot go with a prompt: call wandb_login for it".into(),
        ));
    }
    if options.flags.has(Flags::NO_PROMPT) {
        return Err(Error::Argument("NO_PROMPT cannot go with a prompt".into()));
    }
    let context = Context::new(options)?;
    if is_away(&context)? {
        return Ok(Login::Offline);
    }
    let server = endpoint::resolve(&context)?;
    ask(&context, &server)
}

/// Tells whether [`login`] would find a credential without asking anybody.
///
/// # Errors
/// [`Error::NotConfigured`] if there is none, else what the login would end with.
pub fn check(options: &Options<'_>) -> Result<()> {
    let context = Context::quiet(options);
    let server = endpoint::resolve(&context)?;
    // Whether a key is configured does not depend on whether a login would ask
    // for another: of what says so, only the caller's own flag counts.
    let relogin = options.flags.has(Flags::RELOGIN);
    match sources::first(&context, &server, relogin)? {
        Some(_) => Ok(()),
        None => Err(Error::not_configured(server.url.as_str(), None)),
    }
}

/// Says which key [`login`] would use and why.
///
/// # Errors
/// Only where the options themselves are wrong.
pub fn explain(options: &Options<'_>) -> Result<Report> {
    Report::new(options)
}

/// Removes what is stored for the server.
///
/// # Errors
/// [`Error::Store`] where a file could not be written.
pub fn forget(options: &Options<'_>) -> Result<()> {
    let context = Context::new(options)?;
    let server = endpoint::resolve(&context)?;
    if let Some(rank) = context.rank().filter(|_| !context.is_active_rank()) {
        context.log.info(&format!(
            "Nothing was removed: rank 0 does that, and this is rank {} of {} by {}.",
            rank.index, rank.size, rank.variable
        ));
        return Ok(());
    }
    let forgot = storage::forget(&context, &server);
    context.check_cancelled()?;
    forgot?;
    diagnostics::what_still_wins(&context, &server);
    Ok(())
}

/// Logs in again as a session did, without asking anybody.
///
/// # Errors
/// As for [`login`].
pub fn refresh(session: &Session, options: &Options<'_>) -> Result<Session> {
    let options = Options {
        api_key: None,
        host: None,
        session: None,
        anonymous: Anonymous::Never,
        flags: options.flags | Flags::NO_PROMPT,
        ..*options
    };
    let context = Context::new(&options)?;
    let server = Endpoint::of_session(session);
    let found = match &session.data().credential {
        Credential::Access(access) => Found {
            proof: FoundCredential::IdentityToken(access.identity_token_file.clone()),
            place: Place::IdentityTokenFile,
            name: session.source_name().map(|name| name.to_string().into()),
            line: None,
        },
        Credential::Key(_) => sources::first(&context, &server, false)?
            .ok_or_else(|| Error::not_configured(server.url.as_str(), None))?,
    };
    complete_with(&context, &server, found, true)
}

/// The session that a login would give without asking anybody and without
/// writing, whatever the mode.
///
/// # Errors
/// As for [`login`].
pub fn current(options: &Options<'_>) -> Result<Session> {
    let options = Options {
        flags: options.flags | Flags::NO_PROMPT | Flags::NO_SAVE,
        quiet: true,
        ..*options
    };
    let context = Context::new(&options)?;
    let server = endpoint::resolve(&context)?;
    let found = sources::first(&context, &server, false)?;
    complete(
        &context,
        &server,
        found.ok_or_else(|| Error::not_configured(server.url.as_str(), None))?,
    )
}

/// Whether the mode says to leave W&B alone.
fn is_away(context: &Context) -> Result<bool> {
    let mode = context.mode()?;
    let away = match mode {
        Mode::Online | Mode::Shared | Mode::Run => false,
        Mode::Offline | Mode::Dryrun => !context.options.command_line,
        Mode::Disabled => true,
    };
    if away && context.options.api_key.is_some() {
        context
            .log
            .warn("W&B is offline or disabled: the API key was not used.");
    } else if away && mode != Mode::Disabled {
        context.log.info("W&B is offline: not logged in.");
    }
    Ok(away)
}

/// Asks for a key until one is good.
fn ask(context: &Context, server: &Endpoint) -> Result<Login> {
    let mut prompt = Prompt::open(context, server)?;
    let mut last = None;
    for attempt in 1..=MOST_ATTEMPTS {
        let problem = last.as_ref().map(Error::to_string);
        let found = match prompt.ask(attempt, problem.as_deref())? {
            Reply::Key(text) => match ApiKey::parse(text.as_bytes()) {
                Ok(parsed) => {
                    if parsed.trimmed {
                        context.log.info("White space around the key was dropped.");
                    }
                    Found::new_key(parsed.key, Place::Prompt)
                }
                Err(problem) => {
                    last = Some(Error::Credentials(problem.to_string()));
                    continue;
                }
            },
            // A server that makes none is no fault of a key.
            Reply::Anonymous => {
                Found::new_key(server::anonymous_key(context, server)?, Place::Anonymous)
            }
            Reply::Offline => {
                context.log.info("Using W&B in offline mode.");
                return Ok(Login::Offline);
            }
        };
        match complete(context, server, found) {
            Ok(session) => return Ok(Login::Session(session)),
            // What else can be wrong here is no fault of the key.
            Err(error @ Error::Rejected(_)) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Prompt("no key was given".into())))
}

/// From a credential to a session: verify, store, tell.
fn complete(context: &Context, server: &Endpoint, found: Found) -> Result<Session> {
    complete_with(context, server, found, false)
}

/// The same; a `fresh` access token is one that no cache has.
fn complete_with(
    context: &Context,
    server: &Endpoint,
    found: Found,
    fresh: bool,
) -> Result<Session> {
    diagnostics::plain_http(context, server);
    let source = found.place.source();
    // What can be wrong with the configuration is wrong before anything is done.
    let app_url = context.app_url(&server.url)?;
    let entity = context.entity()?;
    let (credential, known) = to_credential(context, server, found.proof, fresh)?;
    let viewer = verify(context, server, &credential, source)?.or(known);
    let saved = persist(context, server, &credential, source)?;
    let session = Session::new(SessionData {
        base_url: server.url.clone(),
        app_url,
        credential,
        source,
        source_name: found.name.map(Cow::into_owned),
        saved,
        viewer,
        entity,
    });
    log_session(context, server, &session);
    if is_new(source) && (saved || context.relogin().unwrap_or(false)) {
        diagnostics::what_wins_again(context, server, &session);
    }
    Ok(session)
}

/// What is shown to the server, and what is known about it already.
fn to_credential(
    context: &Context,
    server: &Endpoint,
    proof: FoundCredential,
    fresh: bool,
) -> Result<(Credential, Option<Viewer>)> {
    Ok(match proof {
        FoundCredential::Key(key) => (Credential::Key(key), None),
        FoundCredential::Session(session) => {
            let facts = session.data();
            (facts.credential.clone(), facts.viewer.clone())
        }
        FoundCredential::IdentityToken(file) => {
            let access = token_cache::access_token(context, server, &file, fresh)?;
            (Credential::Access(access), None)
        }
    })
}

/// Whether the key came with this login, and is stored by it.
fn is_new(source: Source) -> bool {
    matches!(
        source,
        Source::Explicit | Source::Prompt | Source::Anonymous
    )
}

/// Asks the server whose credential it is, where that is wanted. This comes
/// before storing, so that a refused key never replaces a good one.
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
        Err(error) if is_new(source) => Err(error.and(
            "Nothing was stored; to log in unchecked, leave verification (--verify, VERIFY) out.",
        )),
        viewer => viewer.map(Some),
    }
}

/// Stores what is new, and tells whether the credential is in a file where the
/// next login finds it.
fn persist(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
    source: Source,
) -> Result<bool> {
    let saved = match credential {
        Credential::Key(key) if is_new(source) && context.writes() => {
            storage::key(context, server, key)
        }
        _ => matches!(source, Source::Settings | Source::Netrc),
    };
    // Where the wait for netrc was cancelled, nothing has been changed yet.
    context.check_cancelled()?;
    if context.writes() {
        let anonymous = match source {
            Source::Anonymous => Some(true),
            // It may be the anonymous account's own key.
            Source::Netrc | Source::Session => None,
            _ => Some(false),
        };
        storage::remember(context, server, anonymous);
    }
    Ok(saved)
}

/// One line about the key and one about the login, in the SDK's words.
fn log_session(context: &Context, server: &Endpoint, session: &Session) {
    let kind = match &session.data().credential {
        Credential::Key(key) => key.kind().to_string(),
        Credential::Access(_) => "access token".to_string(),
    };
    let url = server.url.as_str();
    // Whoever expects the cloud is told who named another server.
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
    context.log.info(session.display());
    if let Some(team) = session.entity() {
        context.log.info(&format!("Default team: {team}."));
    }
}
