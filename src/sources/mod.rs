//! The credential provider chain. Each provider looks in one place and returns
//! a credential with its location, or why there is none. A login stops at the
//! first credential; a report queries every provider.

mod configured;
pub(crate) mod diagnostics;
mod netrc;

pub(crate) use netrc::{ShadowedEntry, query_with_shadowed};

use std::path::{Path, PathBuf};

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::location::{SourceLocation, SourceName};
use crate::config::settings::Scope;
use crate::config::source_problem::SourceProblem;
use crate::env::{Environment, variables};
use crate::error::Result;
use crate::key::ApiKey;
use crate::options::Flags;
use crate::session::{Credential, Session, Source};

/// Where a credential can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Explicit,
    Session,
    KeyVariable,
    IdentityTokenFile,
    KeyFile,
    WorkspaceSettings,
    SystemSettings,
    Netrc,
    /// The terminal or the prompt callback, if no other provider has a key.
    Prompt,
    /// The server, which creates an anonymous account.
    Anonymous,
}

/// The order that W&B documents.
const DOCUMENTED_ORDER: [Provider; 8] = [
    Provider::Explicit,
    Provider::Session,
    Provider::KeyVariable,
    Provider::IdentityTokenFile,
    Provider::KeyFile,
    Provider::WorkspaceSettings,
    Provider::SystemSettings,
    Provider::Netrc,
];

/// The order of the Python SDK 0.30 and later.
const SDK_ORDER: [Provider; 8] = [
    Provider::Explicit,
    Provider::Session,
    Provider::KeyVariable,
    Provider::IdentityTokenFile,
    Provider::KeyFile,
    Provider::Netrc,
    Provider::WorkspaceSettings,
    Provider::SystemSettings,
];

/// The variables that give a credential.
pub(crate) const CREDENTIAL_VARIABLES: [(Provider, &str); 3] = [
    (Provider::KeyVariable, variables::API_KEY),
    (Provider::IdentityTokenFile, variables::IDENTITY_TOKEN_FILE),
    (Provider::KeyFile, variables::API_KEY_FILE),
];

/// The order of this call.
pub(crate) fn order(context: &Context) -> &'static [Provider; 8] {
    if context.options.flags.has(Flags::SDK_ORDER) {
        &SDK_ORDER
    } else {
        &DOCUMENTED_ORDER
    }
}

impl Provider {
    pub(crate) fn source(self) -> Source {
        match self {
            Provider::Explicit => Source::Explicit,
            Provider::Session => Source::Session,
            Provider::KeyVariable => Source::Environment,
            Provider::IdentityTokenFile => Source::IdentityToken,
            Provider::KeyFile => Source::KeyFile,
            Provider::WorkspaceSettings | Provider::SystemSettings => Source::Settings,
            Provider::Netrc => Source::Netrc,
            Provider::Prompt => Source::Prompt,
            Provider::Anonymous => Source::Anonymous,
        }
    }

    /// The variable that names the file of this provider, if it is set.
    pub(crate) fn path_variable(self, env: &Environment) -> Option<&'static str> {
        let name = match self {
            Provider::IdentityTokenFile => variables::IDENTITY_TOKEN_FILE,
            Provider::KeyFile => variables::API_KEY_FILE,
            Provider::SystemSettings => variables::CONFIG_DIR,
            Provider::Netrc => variables::NETRC,
            _ => return None,
        };
        env.is_set(name).then_some(name)
    }

    /// The variable that gives this credential.
    pub(crate) fn credential_variable(self) -> Option<&'static str> {
        let of = CREDENTIAL_VARIABLES
            .iter()
            .find(|(provider, _)| *provider == self);
        of.map(|(_, name)| *name)
    }

    /// Whether the credential is in a file that the user edits.
    fn is_user_file(self) -> bool {
        matches!(
            self,
            Provider::WorkspaceSettings | Provider::SystemSettings | Provider::Netrc
        )
    }
}

/// What a provider found, before it is verified or exchanged.
pub(crate) enum Candidate {
    Key(ApiKey),
    Session(Session),
    /// A file whose token the server exchanges for an access token.
    IdentityToken(PathBuf),
}

/// A credential, and where it comes from.
pub(crate) struct FoundCredential {
    pub candidate: Candidate,
    pub provider: Provider,
    pub location: SourceLocation,
}

impl FoundCredential {
    /// A key that is in no file and no variable yet.
    pub(crate) fn new_key(key: ApiKey, provider: Provider) -> FoundCredential {
        FoundCredential {
            candidate: Candidate::Key(key),
            provider,
            location: SourceLocation::default(),
        }
    }

    /// The API key, if it is one.
    pub(crate) fn key(&self) -> Option<&ApiKey> {
        match &self.candidate {
            Candidate::Key(key) => Some(key),
            Candidate::Session(session) => match &session.data().credential {
                Credential::Key(key) => Some(key),
                Credential::Access { .. } => None,
            },
            Candidate::IdentityToken(_) => None,
        }
    }

    /// The API key in masked form.
    pub(crate) fn masked(&self) -> Option<String> {
        self.key().map(ApiKey::masked)
    }

    /// Where it was found, for a message.
    pub(crate) fn origin(&self) -> String {
        match (&self.location.name, self.provider) {
            (None, Provider::Session) => "the session".into(),
            _ => self.location.to_string(),
        }
    }
}

/// The result of querying one provider.
pub(crate) enum Outcome {
    /// There is no credential. The name says where one would be.
    Absent(Option<SourceName>),
    Found(FoundCredential),
    /// Netrc cannot be read. The login warns and goes on.
    Unreadable(SourceProblem),
    /// There may be a credential, which was not read because another variable
    /// always takes precedence over it.
    Overridden(SourceProblem),
    /// There is a credential for another server. The login goes on.
    OtherServer(SourceProblem),
    /// There is a credential that must not be sent to this server: an error.
    Withheld(SourceProblem),
    /// The configured value is invalid: an error.
    Malformed(SourceProblem),
}

/// The first credential in the order of this call. With `relogin`, only an
/// explicit key is used.
pub(crate) fn first(
    context: &Context,
    server: &Endpoint,
    relogin: bool,
) -> Result<Option<FoundCredential>> {
    for &provider in order(context) {
        if relogin && provider != Provider::Explicit {
            continue;
        }
        match query(context, server, provider) {
            Outcome::Absent(_) | Outcome::OtherServer(_) | Outcome::Overridden(_) => {}
            Outcome::Unreadable(problem) => context.log.warn(problem.finding),
            Outcome::Found(found) => return Ok(Some(found)),
            Outcome::Withheld(problem) | Outcome::Malformed(problem) => {
                context.check_cancelled()?;
                return Err(problem.into());
            }
        }
    }
    Ok(None)
}

/// The identity token that a session was made with, to renew its access token.
/// It is withheld as in a login.
pub(crate) fn identity_token_of(
    context: &Context,
    server: &Endpoint,
    session: &Session,
    file: &Path,
) -> Result<FoundCredential> {
    let location = SourceLocation::of_session(session);
    if server.workspace_only {
        let problem = configured::withheld(context, server, location);
        return Err(problem.into());
    }
    Ok(FoundCredential {
        candidate: Candidate::IdentityToken(file.to_owned()),
        provider: Provider::IdentityTokenFile,
        location,
    })
}

/// Queries one provider.
pub(crate) fn query(context: &Context, server: &Endpoint, provider: Provider) -> Outcome {
    match provider {
        Provider::Explicit => configured::explicit(context, server),
        Provider::Session => configured::session(context, server),
        Provider::KeyVariable => configured::key_variable(context, server),
        Provider::IdentityTokenFile => configured::identity_token_file(context, server),
        Provider::KeyFile => configured::key_file(context, server),
        Provider::WorkspaceSettings => configured::settings(context, server, Scope::Workspace),
        Provider::SystemSettings => configured::settings(context, server, Scope::System),
        Provider::Netrc => query_with_shadowed(context, server).0,
        // These give a key only during a login.
        Provider::Prompt | Provider::Anonymous => Outcome::Absent(None),
    }
}
