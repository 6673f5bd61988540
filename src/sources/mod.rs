//! The sources of a credential, in order. Each is one function that answers with
//! a credential and where it came from, or with nothing, or with what is wrong.
//! A login stops at the first answer; a report hears them all.

mod configured;
pub(crate) mod diagnostics;
mod netrc;

use std::path::PathBuf;

use crate::config::context::Context;
use crate::config::endpoint::{Endpoint, Name};
use crate::env::variables;
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::options::Flags;
use crate::session::{Credential, Session, Source};
use configured::{explicit, session, settings, variable};
use netrc::netrc;

/// A place to look in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Explicit,
    Session,
    KeyVariable,
    IdentityTokenFile,
    KeyFile,
    WorkspaceSettings,
    SystemSettings,
    Netrc,
    /// A human, or the caller's prompt: asked when all others had nothing.
    Prompt,
    /// The server, which makes an account without a name.
    Anonymous,
}

/// The order that W&B documents.
const DOCUMENTED: [Place; 8] = [
    Place::Explicit,
    Place::Session,
    Place::KeyVariable,
    Place::IdentityTokenFile,
    Place::KeyFile,
    Place::WorkspaceSettings,
    Place::SystemSettings,
    Place::Netrc,
];

/// The order of the Python SDK 0.30 and later.
const SDK: [Place; 8] = [
    Place::Explicit,
    Place::Session,
    Place::KeyVariable,
    Place::IdentityTokenFile,
    Place::KeyFile,
    Place::Netrc,
    Place::WorkspaceSettings,
    Place::SystemSettings,
];

/// The variables that name a credential: at most one of them may be set.
pub(crate) const VARIABLES: [(Place, &str); 3] = [
    (Place::KeyVariable, variables::API_KEY),
    (Place::IdentityTokenFile, variables::IDENTITY_TOKEN_FILE),
    (Place::KeyFile, variables::API_KEY_FILE),
];

/// The order of this call.
pub(crate) fn order(context: &Context) -> &'static [Place; 8] {
    if context.options.flags.has(Flags::SDK_ORDER) {
        &SDK
    } else {
        &DOCUMENTED
    }
}

impl Place {
    pub(crate) fn source(self) -> Source {
        match self {
            Place::Explicit => Source::Explicit,
            Place::Session => Source::Session,
            Place::KeyVariable => Source::Environment,
            Place::IdentityTokenFile => Source::IdentityToken,
            Place::KeyFile => Source::KeyFile,
            Place::WorkspaceSettings | Place::SystemSettings => Source::Settings,
            Place::Netrc => Source::Netrc,
            Place::Prompt => Source::Prompt,
            Place::Anonymous => Source::Anonymous,
        }
    }
}

/// What was found.
pub(crate) enum FoundCredential {
    Key(ApiKey),
    Session(Session),
    /// A file whose token the server exchanges for an access token.
    IdentityToken(PathBuf),
}

/// A credential and where it came from.
pub(crate) struct Found {
    pub proof: FoundCredential,
    pub place: Place,
    /// The variable or the file; not where nobody is told.
    pub name: Option<Name>,
    pub line: Option<usize>,
}

impl Found {
    /// A key that no file and no variable holds yet.
    pub(crate) fn new_key(key: ApiKey, place: Place) -> Found {
        Found {
            proof: FoundCredential::Key(key),
            place,
            name: None,
            line: None,
        }
    }

    /// The key, where there is one to compare or to mask.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match &self.proof {
            FoundCredential::Key(key) => Some(key.as_bytes()),
            FoundCredential::Session(session) => session.api_key().map(|key| key.as_bytes()),
            FoundCredential::IdentityToken(_) => None,
        }
    }

    /// Where it was found, for a message.
    pub(crate) fn shown(&self) -> String {
        match (&self.name, self.line) {
            (Some(name), Some(line)) => format!("{name} line {line}"),
            (Some(name), None) => name.to_string(),
            (None, _) if self.place == Place::Session => "the session".into(),
            (None, _) => "the options".into(),
        }
    }

    /// What may be shown of it.
    pub(crate) fn masked(&self) -> Option<String> {
        let of_session = |session: &Session| match &session.data().credential {
            Credential::Key(key) => Some(key.masked()),
            Credential::Access { .. } => None,
        };
        match &self.proof {
            FoundCredential::Key(key) => Some(key.masked()),
            FoundCredential::Session(session) => of_session(session),
            FoundCredential::IdentityToken(_) => None,
        }
    }
}

/// What stands in the way at one place, in one sentence that names it.
#[derive(Debug)]
pub(crate) struct Obstacle {
    pub text: String,
    pub name: Option<Name>,
    pub line: Option<usize>,
}

/// A file or a variable, and the line, as a message or a report names them. They
/// are worked out only where somebody reads them.
type Spot<'a> = &'a dyn Fn() -> (Option<Name>, Option<usize>);

/// What one place answers.
pub(crate) enum Answer {
    /// Nothing is there. The name is where one would be.
    Absent(Option<Name>),
    Found(Found),
    /// Nothing can be read there; the next place is asked, after a warning.
    Unreadable(Obstacle),
    /// Something is there, for another server; the next place is asked.
    Elsewhere(Obstacle),
    /// A key is there that must not go to this server: the login ends.
    Withheld(Obstacle),
    /// What is there is malformed: the login ends.
    Malformed(Obstacle),
}

/// The first credential in the order of this call; with `relogin`, only what
/// the caller gave counts.
pub(crate) fn first(context: &Context, server: &Endpoint, relogin: bool) -> Result<Option<Found>> {
    for &place in order(context) {
        if relogin && place != Place::Explicit {
            continue;
        }
        match ask(context, server, place) {
            Answer::Absent(_) | Answer::Elsewhere(_) => {}
            Answer::Unreadable(obstacle) if place == Place::Netrc => {
                context.log.warn(&obstacle.text);
            }
            // Of the settings files that was said when they were read.
            Answer::Unreadable(_) => {}
            Answer::Found(found) => return Ok(Some(found)),
            Answer::Withheld(obstacle) | Answer::Malformed(obstacle) => {
                context.check_cancelled()?;
                return Err(Error::Credentials(obstacle.text));
            }
        }
    }
    Ok(None)
}

/// Asks one place.
pub(crate) fn ask(context: &Context, server: &Endpoint, place: Place) -> Answer {
    match place {
        Place::Explicit => explicit(context, server),
        Place::Session => session(context, server),
        Place::KeyVariable | Place::IdentityTokenFile | Place::KeyFile => {
            variable(context, server, place)
        }
        Place::WorkspaceSettings | Place::SystemSettings => settings(context, server, place),
        Place::Netrc => netrc(context, server),
        // Nothing is there until somebody is asked.
        Place::Prompt | Place::Anonymous => Answer::Absent(None),
    }
}
