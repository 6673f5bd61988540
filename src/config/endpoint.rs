//! Which server a login is for, and who named it.

use std::borrow::Cow;

use crate::config::context::Context;
use crate::config::settings::{Located, SettingsFile};
use crate::env::shown_path;
use crate::env::variables;
use crate::error::Error;
use crate::formats::netrc::Names;
use crate::options::Flags;
use crate::session::Session;
use crate::url::BaseUrl;

/// What a place is called: a variable or a path.
pub(crate) type Name = Cow<'static, str>;

/// Who named the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    Cloud,
    Environment,
    WorkspaceSettings,
    SystemSettings,
    Session,
    Default,
}

impl Origin {
    /// The name that reports use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Origin::Option => "option",
            Origin::Cloud => "cloud",
            Origin::Environment => "environment",
            Origin::WorkspaceSettings => "workspace_settings",
            Origin::SystemSettings => "system_settings",
            Origin::Session => "session",
            Origin::Default => "default",
        }
    }
}

/// A server and where its name came from.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub url: BaseUrl,
    pub origin: Origin,
    /// The variable or the file that names it.
    pub origin_name: Option<Name>,
    /// Whether the working directory alone makes this the server: a key that was
    /// not stored for it must not follow.
    pub workspace_only: bool,
}

impl Endpoint {
    /// The server of a session, which is no question any more.
    pub(crate) fn of_session(session: &Session) -> Endpoint {
        Endpoint {
            url: session.data().base_url.clone(),
            origin: Origin::Session,
            origin_name: None,
            workspace_only: false,
        }
    }

    /// Whether the caller named it: then it is remembered after a login.
    pub(crate) fn is_named_by_caller(&self) -> bool {
        matches!(self.origin, Origin::Option | Origin::Cloud)
    }

    /// The names that its entry in netrc may have.
    pub(crate) fn netrc_names(&self) -> Names<'_> {
        Names {
            netloc: self.url.netloc(),
            spelled: self.url.spelled_netloc(),
            alias: self.url.alias_netloc(),
            prefer_alias: self.origin == Origin::Default,
            // A stranger's directory could name another port of the same machine.
            bare_host: self.url.bare_host().filter(|_| !self.workspace_only),
        }
    }

    /// Where the name came from, in words.
    pub(crate) fn origin_text(&self) -> &str {
        match (&self.origin_name, self.origin) {
            (Some(name), _) => name,
            (None, Origin::Option) => "the host option",
            (None, Origin::Cloud) => "the cloud option",
            (None, Origin::Session) => "the session",
            (None, _) => "the default",
        }
    }

    /// Whether it has to be named to the user: it is not the one that everybody expects.
    pub(crate) fn is_remarkable(&self) -> bool {
        !(self.origin == Origin::Default || self.url.is_default())
    }
}

/// A server's name that is none, and who said it.
#[derive(Debug)]
pub(crate) struct Unresolved {
    pub origin: Origin,
    /// The variable or the file that names it.
    pub origin_name: Option<Name>,
    pub error: Error,
}

impl From<Unresolved> for Error {
    fn from(unresolved: Unresolved) -> Error {
        unresolved.error
    }
}

/// What asking for the server gives.
pub(crate) type Resolved = std::result::Result<Endpoint, Unresolved>;

/// The server that the options, else the environment and the settings name.
pub(crate) fn resolve(context: &Context) -> Resolved {
    let options = context.options;
    let cloud = options.flags.has(Flags::CLOUD);
    let wrong = |problem: String| Unresolved {
        origin: Origin::Option,
        origin_name: None,
        error: Error::Argument(problem),
    };
    match options.host.filter(|host| !host.is_empty()) {
        Some(_) if cloud => Err(wrong(
            "the host and cloud options exclude each other: give one".into(),
        )),
        Some(host) => Ok(Endpoint {
            url: BaseUrl::parse(host).map_err(|problem| wrong(format!("host: {problem}")))?,
            origin: Origin::Option,
            origin_name: None,
            workspace_only: false,
        }),
        None if cloud => Ok(Endpoint {
            url: BaseUrl::cloud(),
            origin: Origin::Cloud,
            origin_name: None,
            workspace_only: false,
        }),
        None => configured(context),
    }
}

/// The server that results with the options left out: what a settings key is
/// for whose own file names no server.
pub(crate) fn configured(context: &Context) -> Resolved {
    if let Some(url) = context.env.text(variables::BASE_URL) {
        let name = variables::BASE_URL;
        return Endpoint::configured(&url, Origin::Environment, || name.into(), name.into());
    }
    let settings = context.settings();
    let system = match base_url(&settings.system, Origin::SystemSettings)? {
        Some(url) => Endpoint::in_settings(&url, Origin::SystemSettings)?,
        None => Endpoint {
            url: BaseUrl::cloud(),
            origin: Origin::Default,
            origin_name: None,
            workspace_only: false,
        },
    };
    let Some(url) = base_url(&settings.workspace, Origin::WorkspaceSettings)? else {
        return Ok(system);
    };
    let workspace = Endpoint::in_settings(&url, Origin::WorkspaceSettings)?;
    Ok(Endpoint {
        workspace_only: !workspace.url.same_server(&system.url),
        ..workspace
    })
}

/// What one settings file names.
fn base_url(
    file: &Option<SettingsFile>,
    origin: Origin,
) -> std::result::Result<Option<Located<'_, String>>, Unresolved> {
    let Some(file) = file else { return Ok(None) };
    file.base_url().map_err(|problem| Unresolved {
        origin,
        origin_name: Some(shown_path(&file.path).into()),
        error: Error::from(problem),
    })
}

impl Endpoint {
    /// The server that a line of a settings file names.
    fn in_settings(url: &Located<'_, String>, origin: Origin) -> Resolved {
        let name = shown_path(&url.file.path).into();
        Endpoint::configured(url.value, origin, || url.place(), name)
    }

    /// The server that a variable or a file names, at a place to complain about.
    fn configured(url: &str, origin: Origin, place: impl Fn() -> String, name: Name) -> Resolved {
        match BaseUrl::parse(url) {
            Ok(url) => Ok(Endpoint {
                url,
                origin,
                origin_name: Some(name),
                workspace_only: false,
            }),
            Err(problem) => Err(Unresolved {
                origin,
                origin_name: Some(name),
                error: Error::Credentials(format!("{}: {problem}", place())),
            }),
        }
    }
}
