//! What a login leaves in the caller's hand.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::key::ApiKey;
use crate::url::BaseUrl;
use crate::util::secret::{Secret, WipedBytes};

/// Where a credential came from. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Source {
    /// No credential.
    None = 0,
    /// The caller's options.
    Explicit = 1,
    /// A session that the caller passed in.
    Session = 2,
    /// `WANDB_API_KEY`.
    Environment = 3,
    /// `WANDB_IDENTITY_TOKEN_FILE`.
    IdentityToken = 4,
    /// `WANDB_API_KEY_FILE`.
    KeyFile = 5,
    /// A settings file.
    Settings = 6,
    /// The netrc file.
    Netrc = 7,
    /// A human, or the prompt callback.
    Prompt = 8,
    /// The server, which made an anonymous account.
    Anonymous = 9,
}

/// Every source with its name in reports and in exported sessions.
const SOURCES: [(Source, &str); 10] = [
    (Source::None, "none"),
    (Source::Explicit, "explicit"),
    (Source::Session, "session"),
    (Source::Environment, "environment"),
    (Source::IdentityToken, "identity_token"),
    (Source::KeyFile, "key_file"),
    (Source::Settings, "settings"),
    (Source::Netrc, "netrc"),
    (Source::Prompt, "prompt"),
    (Source::Anonymous, "anonymous"),
];

impl Source {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        SOURCES[self as usize].1
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<Source> {
        SOURCES
            .iter()
            .find(|(_, known)| known.as_bytes() == name)
            .map(|&(source, _)| source)
    }
}

/// What proves to the server who the caller is.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Key(ApiKey),
    Access(AccessToken),
}

/// A short-lived token that the server gave for an identity token.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub token: Secret,
    /// Unix seconds.
    pub expires_at: i64,
    /// The file whose identity token it was exchanged for.
    pub identity_token_file: PathBuf,
}

/// Who the server says the credential belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub username: Option<String>,
    pub email: Option<String>,
    /// The default team, or the user's own entity.
    pub entity: Option<String>,
    pub teams: Vec<String>,
}

/// What a session is made of.
#[derive(Clone)]
pub(crate) struct SessionData {
    pub base_url: BaseUrl,
    pub app_url: String,
    pub credential: Credential,
    pub source: Source,
    pub source_name: Option<String>,
    pub saved: bool,
    pub viewer: Option<Viewer>,
    /// The team that the environment or the settings name.
    pub entity: Option<String>,
}

/// A login that succeeded: the credential, where it came from and whose it is.
/// It never changes; a clone is one more handle to the same. Its secrets are
/// wiped when the last handle goes.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    facts: SessionData,
    authorization: Secret,
    display: String,
}

impl Session {
    pub(crate) fn new(facts: SessionData) -> Session {
        let authorization = match &facts.credential {
            Credential::Key(key) => {
                basic(Secret::from_parts(&[b"api:", key.as_bytes()]).as_bytes())
            }
            Credential::Access(access) => {
                Secret::from_parts(&[b"Bearer ", access.token.as_bytes()])
            }
        };
        let display = display(&facts);
        Session(Arc::new(Inner {
            facts,
            authorization,
            display,
        }))
    }

    pub(crate) fn data(&self) -> &SessionData {
        &self.0.facts
    }

    /// The API key; `None` where an identity token is used instead.
    pub fn api_key(&self) -> Option<&Secret> {
        match &self.0.facts.credential {
            Credential::Key(key) => Some(key.secret()),
            Credential::Access(_) => None,
        }
    }

    /// The value of an HTTP `Authorization` header for the server.
    pub fn authorization(&self) -> &Secret {
        &self.0.authorization
    }

    /// The server's address.
    pub fn base_url(&self) -> &str {
        self.0.facts.base_url.as_str()
    }

    /// The address of the server's web pages.
    pub fn app_url(&self) -> &str {
        &self.0.facts.app_url
    }

    /// The user's name; `None` unless the server was asked.
    pub fn username(&self) -> Option<&str> {
        self.0.facts.viewer.as_ref()?.username.as_deref()
    }

    /// The user's e-mail address; `None` unless the server was asked.
    pub fn email(&self) -> Option<&str> {
        self.0.facts.viewer.as_ref()?.email.as_deref()
    }

    /// The user's default team; `None` unless the server was asked.
    pub fn entity(&self) -> Option<&str> {
        self.0.facts.viewer.as_ref()?.entity.as_deref()
    }

    /// The user's teams; empty unless the server was asked.
    pub fn teams(&self) -> &[String] {
        self.0
            .facts
            .viewer
            .as_ref()
            .map_or(&[], |viewer| &viewer.teams)
    }

    /// Whether the server accepted the credential, during this login or that of
    /// the session that it was taken from.
    pub fn verified(&self) -> bool {
        self.0.facts.viewer.is_some()
    }

    /// Where the credential came from.
    pub fn source(&self) -> Source {
        self.0.facts.source
    }

    /// The variable or the file that it came from.
    pub fn source_name(&self) -> Option<&str> {
        self.0.facts.source_name.as_deref()
    }

    /// Whether this login stored the key, or found it stored already.
    pub fn saved(&self) -> bool {
        self.0.facts.saved
    }

    /// When the credential expires, in Unix seconds; `None`: never.
    pub fn expires_at(&self) -> Option<i64> {
        match &self.0.facts.credential {
            Credential::Key(_) => None,
            Credential::Access(access) => Some(access.expires_at),
        }
    }

    /// One line for a human, without a secret.
    pub fn display(&self) -> &str {
        &self.0.display
    }

    /// `NAME=value` entries that log a child process in: the credential, the
    /// other credential variables empty, and the server.
    pub fn environ(&self) -> Vec<Secret> {
        let (key, file): (&[u8], &[u8]) = match &self.0.facts.credential {
            Credential::Key(key) => (key.as_bytes(), b""),
            Credential::Access(access) => (b"", bytes(&access.identity_token_file)),
        };
        vec![
            Secret::from_parts(&[b"WANDB_API_KEY=", key]),
            Secret::from_parts(&[b"WANDB_IDENTITY_TOKEN_FILE=", file]),
            Secret::from_parts(&[b"WANDB_API_KEY_FILE="]),
            Secret::from_parts(&[b"WANDB_BASE_URL=", self.base_url().as_bytes()]),
        ]
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("base_url", &self.base_url())
            .field("source", &self.source())
            .field("source_name", &self.source_name())
            .finish_non_exhaustive()
    }
}

/// `Basic` authorization of a `user:password`; the user of an API key is `api`.
pub(crate) fn basic(user_and_password: &[u8]) -> Secret {
    let mut encoded = WipedBytes::new(vec![0; user_and_password.len().div_ceil(3) * 4]);
    // The buffer has exactly the size that base64 needs.
    let size = STANDARD
        .encode_slice(user_and_password, &mut encoded)
        .unwrap_or(0);
    Secret::from_parts(&[b"Basic ", &encoded[..size]])
}

/// The line of the SDK.
fn display(facts: &SessionData) -> String {
    const RELOGIN: &str = "Use `wandb-login --relogin` to force relogin";
    let Some((viewer, username)) = facts
        .viewer
        .as_ref()
        .and_then(|viewer| Some((viewer, viewer.username.as_ref()?)))
    else {
        return format!(
            "W&B API key is configured for {}. {RELOGIN}",
            facts.base_url.as_str()
        );
    };
    // The team is worth a word only where it says more than the name.
    let entity = facts.entity.as_ref().or(viewer.entity.as_ref());
    let team = match entity {
        Some(entity) if viewer.teams.contains(entity) && entity != username => {
            format!(" ({entity})")
        }
        _ => String::new(),
    };
    format!(
        "Currently logged in as: {username}{team} to {}. {RELOGIN}",
        facts.base_url.as_str()
    )
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
