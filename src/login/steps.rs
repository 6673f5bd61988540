//! The steps of a login once it is known where the credential comes from: prompt, verify,
//! store, report.

use std::fmt;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::location::SourceLocation;
use crate::config::route;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding};
use crate::key::ApiKey;
use crate::login::Login;
use crate::options::{Attempts, Flags};
use crate::prompt::{Answer, Prompt};
use crate::server;
use crate::session::{Credential, Session, SessionData, Source, Viewer};
use crate::sources::diagnostics;
use crate::sources::{Candidate, FoundCredential, Provider};
use crate::storage;
use crate::storage::token_cache::{self, Wanted};
use crate::util::secret::Secret;

/// How many keys the prompt accepts before the login fails.
const MAX_ATTEMPTS: u32 = 5;

/// A new anonymous account at the server.
pub(super) fn anonymous(context: &Context, server: &Endpoint) -> Result<FoundCredential> {
    let key = server::anonymous_key(context, server)?;
    Ok(FoundCredential::new_key(key, Provider::Anonymous))
}

/// Prompts until a key is accepted.
pub(super) fn prompt_and_complete(context: &Context, server: &Endpoint) -> Result<Login> {
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
pub(super) fn complete(
    context: &Context,
    server: &Endpoint,
    found: FoundCredential,
    replaced: Option<&Session>,
) -> Result<Session> {
    diagnostics::warn_plain_http(context, server);
    diagnostics::warn_unlikely_server(context, server);
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
    let sent = Sent {
        credential: &credential,
        location: &found.location,
        provider,
    };
    let viewer = verify(context, server, &sent)?.or(known);
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

/// A credential that is sent to the server, and where it comes from. Its text form
/// names it in an error: the last four characters of a key, and the place.
struct Sent<'a> {
    credential: &'a Credential,
    location: &'a SourceLocation,
    provider: Provider,
}

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let preposition = match self.credential {
            Credential::Key(key) => {
                write!(f, "the {}", key.masked())?;
                "from"
            }
            Credential::Access { .. } => {
                f.write_str("the access token")?;
                "for the identity token in"
            }
        };
        match self.location.name {
            Some(_) => write!(f, " {preposition} {}", self.location),
            None => Ok(()),
        }
    }
}

/// Asks the server for the owner of the credential if VERIFY is set. Storing
/// comes later, so that a rejected key never replaces a good one.
fn verify(context: &Context, server: &Endpoint, sent: &Sent) -> Result<Option<Viewer>> {
    if !context.options.flags.has(Flags::VERIFY) || !context.is_active_rank() {
        return Ok(None);
    }
    match server::viewer(context, server, sent.credential, sent) {
        Err(error @ Error::Rejected(_)) if !is_new(sent.provider.source()) => {
            Err(match diagnostics::replace_advice(sent.provider) {
                Some(advice) => error.and(advice),
                None => error,
            })
        }
        Err(error) if is_new(sent.provider.source()) => Err(error.and(&format!(
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
