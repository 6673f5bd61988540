//! The session that a login returns.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::key::ApiKey;
use crate::route::Route;
use crate::url::BaseUrl;
use crate::util::secret::{Secret, WipedBytes};

/// Where a credential came from. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Source {
    /// No credential.
    None = 0,
    /// The `api_key` option.
    Explicit = 1,
    /// The `session` option.
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
    /// The prompt: the terminal or the callback.
    Prompt = 8,
    /// An anonymous account, created by the server.
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

/// A token is renewed this many seconds before it expires, or a fifth of its life
/// before, where that is less.
const LONGEST_MARGIN: i64 = 5 * 60;

/// What an identity token was exchanged for.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub token: Secret,
    /// Unix seconds.
    pub expires_at: i64,
    /// When the server issued it, in Unix seconds. The SDK does not record it.
    pub issued_at: Option<i64>,
}

impl AccessToken {
    /// How many seconds before its end the token is renewed. A token of the SDK,
    /// whose life is not known, is renewed as early as the SDK does it.
    pub(crate) fn margin(&self) -> i64 {
        let life = |issued| self.expires_at.saturating_sub(issued);
        self.issued_at
            .map_or(LONGEST_MARGIN, |issued| margin(life(issued)))
    }
}

/// How many seconds before its end a token with a life of so many is renewed.
pub(crate) fn margin(life: i64) -> i64 {
    (life / 5).clamp(0, LONGEST_MARGIN)
}

/// What identifies the user to the server.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Key(ApiKey),
    Access {
        access: AccessToken,
        /// The file with the identity token that was exchanged for it.
        identity_token_file: PathBuf,
    },
}

impl Credential {
    pub(crate) fn authorization(&self) -> Authorization<'_> {
        match self {
            Credential::Key(key) => Authorization::Basic(key.secret()),
            Credential::Access { access, .. } => Authorization::Bearer(&access.token),
        }
    }
}

/// How a credential is sent to the server.
pub(crate) enum Authorization<'a> {
    /// An API key, also one in the form of a JWT.
    Basic(&'a Secret),
    /// An access token.
    Bearer(&'a Secret),
}

impl Authorization<'_> {
    /// The value of the `Authorization` header.
    pub(crate) fn header_value(&self) -> Secret {
        match self {
            Authorization::Basic(key) => {
                basic(Secret::from_parts(&[b"api:", key.as_bytes()]).as_bytes())
            }
            Authorization::Bearer(token) => Secret::from_parts(&[b"Bearer ", token.as_bytes()]),
        }
    }
}

/// The owner of a credential, as the server reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub username: Option<String>,
    pub email: Option<String>,
    /// The default team, or the user's own entity.
    pub entity: Option<String>,
    pub teams: Vec<String>,
    /// By how many seconds this machine's clock is ahead of the server's. Not part of
    /// an exported session.
    pub clock_skew: Option<i64>,
}

/// The content of a session.
#[derive(Clone)]
pub(crate) struct SessionData {
    pub base_url: BaseUrl,
    pub app_url: String,
    pub credential: Credential,
    pub source: Source,
    pub source_name: Option<String>,
    pub saved: bool,
    pub viewer: Option<Viewer>,
    /// The team in the environment or the settings.
    pub entity: Option<String>,
    /// Whether only a workspace settings file named the server. A refresh must
    /// then not send a credential from elsewhere to it.
    pub workspace_only: bool,
    /// The way to the server.
    pub route: Route,
}

/// A successful login: the credential, its source and its owner.
///
/// A session is immutable. A clone is another handle to it; the secrets are
/// wiped when the last handle is dropped.
///
/// ```
/// # fn main() -> wandb_login::Result<()> {
/// use std::ffi::OsStr;
/// use wandb_login::{Options, Session, Source};
///
/// let key = "0123456789abcdef0123456789abcdef01234567";
/// let environment = [OsStr::new("HOME=/nonexistent")];
/// let options = Options::new().api_key(key).environment(&environment);
/// let session = wandb_login::current(&options)?;
///
/// assert_eq!(session.api_key().unwrap().as_bytes(), key.as_bytes());
/// assert_eq!(session.base_url(), "https://api.wandb.ai");
/// assert_eq!(session.source(), Source::Explicit);
/// assert_eq!(session.source_name(), None);
/// assert!(session.authorization().as_bytes().starts_with(b"Basic "));
///
/// // The environment that logs a child process in.
/// let entry = format!("WANDB_API_KEY={key}");
/// assert_eq!(session.environ()[0].as_bytes(), entry.as_bytes());
///
/// // The owner is known only after verification.
/// assert!(!session.verified() && session.username().is_none());
///
/// // A text form, for another process of the same job.
/// let copy = Session::import(session.export().as_bytes())?;
/// assert_eq!(copy.authorization(), session.authorization());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    data: SessionData,
    authorization: Secret,
    display: String,
}

impl Session {
    pub(crate) fn new(data: SessionData) -> Session {
        let authorization = data.credential.authorization().header_value();
        let display = display(&data);
        Session(Arc::new(Inner {
            data,
            authorization,
            display,
        }))
    }

    pub(crate) fn data(&self) -> &SessionData {
        &self.0.data
    }

    /// The API key; `None` where an identity token is used instead.
    pub fn api_key(&self) -> Option<&Secret> {
        match &self.0.data.credential {
            Credential::Key(key) => Some(key.secret()),
            Credential::Access { .. } => None,
        }
    }

    /// The value of an HTTP `Authorization` header for the server.
    pub fn authorization(&self) -> &Secret {
        &self.0.authorization
    }

    /// The server's URL.
    pub fn base_url(&self) -> &str {
        self.0.data.base_url.as_str()
    }

    /// The URL of the server's web pages.
    pub fn app_url(&self) -> &str {
        &self.0.data.app_url
    }

    /// The user's name; `None` if the credential was not verified.
    pub fn username(&self) -> Option<&str> {
        self.0.data.viewer.as_ref()?.username.as_deref()
    }

    /// The user's e-mail address; `None` if the credential was not verified.
    pub fn email(&self) -> Option<&str> {
        self.0.data.viewer.as_ref()?.email.as_deref()
    }

    /// The user's default team; `None` if the credential was not verified.
    pub fn entity(&self) -> Option<&str> {
        self.0.data.viewer.as_ref()?.entity.as_deref()
    }

    /// The user's teams; empty if the credential was not verified.
    pub fn teams(&self) -> &[String] {
        self.0
            .data
            .viewer
            .as_ref()
            .map_or(&[], |viewer| &viewer.teams)
    }

    /// Whether the server accepted the credential, in this login or in the one
    /// that created the session it was taken from.
    pub fn verified(&self) -> bool {
        self.0.data.viewer.is_some()
    }

    /// Where the credential came from.
    pub fn source(&self) -> Source {
        self.0.data.source
    }

    /// The variable or the file that the credential came from.
    pub fn source_name(&self) -> Option<&str> {
        self.0.data.source_name.as_deref()
    }

    /// Whether the key is stored where the next login finds it.
    pub fn saved(&self) -> bool {
        self.0.data.saved
    }

    /// When the credential expires, in Unix seconds; `None` if it does not.
    pub fn expires_at(&self) -> Option<i64> {
        match &self.0.data.credential {
            Credential::Key(_) => None,
            Credential::Access { access, .. } => Some(access.expires_at),
        }
    }

    /// The file of CA certificates that replaces the system's trust store, as an
    /// absolute path; also where the file does not exist.
    pub fn ca_file(&self) -> Option<&Path> {
        self.0.data.route.ca_file.as_deref()
    }

    /// The directory of CA certificates that replaces the system's trust store, as an
    /// absolute path; several are separated as in `PATH`.
    pub fn ca_dir(&self) -> Option<&Path> {
        self.0.data.route.ca_dir.as_deref()
    }

    /// Whether the user disabled the verification of certificates.
    pub fn tls_unchecked(&self) -> bool {
        self.0.data.route.tls_unchecked
    }

    /// The URL of the proxy for the server, with user name, password and port; its
    /// scheme is `http`, `https` or `socks5h`. `None` for a direct connection.
    pub fn proxy(&self) -> Option<&Secret> {
        self.0.data.route.proxy.as_ref()
    }

    /// Headers to send to the server with each request, as `Name: value`: the extra
    /// headers, the user name and the e-mail address. `Authorization` is not among
    /// them.
    pub fn headers(&self) -> &[Secret] {
        &self.0.data.route.headers
    }

    /// Whether both are handles to one session.
    #[cfg(feature = "ffi")]
    pub(crate) fn is_same(&self, other: &Session) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// When the server issued the credential, in Unix seconds, if that is known.
    pub(crate) fn issued_at(&self) -> Option<i64> {
        match &self.0.data.credential {
            Credential::Key(_) => None,
            Credential::Access { access, .. } => access.issued_at,
        }
    }

    /// A copy of the session with another access token for its identity token.
    pub(crate) fn with_access_token(&self, access: AccessToken) -> Session {
        let mut data = self.0.data.clone();
        if let Credential::Access { access: held, .. } = &mut data.credential {
            *held = access;
        }
        Session::new(data)
    }

    /// One line for the user, without a secret.
    pub fn display(&self) -> &str {
        &self.0.display
    }

    /// `NAME=value` entries that log a child process in: the credential, the
    /// other credential variables empty, and the server.
    pub fn environ(&self) -> Vec<Secret> {
        let url = &self.0.data.base_url;
        match &self.0.data.credential {
            Credential::Key(key) => environ(key.as_bytes(), Path::new(""), url),
            Credential::Access {
                identity_token_file,
                ..
            } => environ(b"", identity_token_file, url),
        }
    }
}

/// The variables for a child process. Either the key or the file is empty.
pub(crate) fn environ(key: &[u8], identity_token_file: &Path, server: &BaseUrl) -> Vec<Secret> {
    vec![
        Secret::from_parts(&[b"WANDB_API_KEY=", key]),
        Secret::from_parts(&[b"WANDB_IDENTITY_TOKEN_FILE=", bytes(identity_token_file)]),
        Secret::from_parts(&[b"WANDB_API_KEY_FILE="]),
        Secret::from_parts(&[b"WANDB_BASE_URL=", server.as_str().as_bytes()]),
    ]
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

/// The line that the Python SDK prints.
fn display(data: &SessionData) -> String {
    const RELOGIN: &str = "Use `wandb-login --relogin` to force relogin";
    let Some((viewer, username)) = data
        .viewer
        .as_ref()
        .and_then(|viewer| Some((viewer, viewer.username.as_ref()?)))
    else {
        let kind = match data.credential {
            Credential::Key(_) => "API key",
            Credential::Access { .. } => "access token",
        };
        return format!(
            "W&B {kind} is configured for {}. {RELOGIN}",
            data.base_url.as_str()
        );
    };
    // The SDK leaves the team out if it has the name of the user.
    let entity = data.entity.as_ref().or(viewer.entity.as_ref());
    let team = match entity {
        Some(entity) if viewer.teams.contains(entity) && entity != username => {
            format!(" ({entity})")
        }
        _ => String::new(),
    };
    format!(
        "Currently logged in as: {username}{team} to {}. {RELOGIN}",
        data.base_url.as_str()
    )
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
