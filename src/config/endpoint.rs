//! The server of a login, and where its URL comes from.

use crate::config::context::Context;
use crate::config::location::{SourceLocation, SourceName};
use crate::config::settings::{Scope, SettingsFile};
use crate::config::source_problem::SourceProblem;
use crate::env::variables;
use crate::error::Error;
use crate::finding::login_command;
use crate::formats::netrc::Names;
use crate::options::Flags;
use crate::session::Session;
use crate::url::BaseUrl;

/// How the server was chosen.
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
    /// The name in reports.
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

/// A server, and where its URL comes from.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub url: BaseUrl,
    pub origin: Origin,
    /// The variable or file that holds the URL.
    pub origin_name: Option<SourceName>,
    /// Whether only a workspace settings file chooses this server. A strange
    /// working directory must not redirect the user's key: what is configured
    /// outside of it is not sent to this server, except a netrc key by
    /// [`Endpoint::gets_netrc_key`].
    pub workspace_only: bool,
}

impl Endpoint {
    fn new(url: BaseUrl, origin: Origin, origin_name: Option<SourceName>) -> Endpoint {
        Endpoint {
            url,
            origin,
            origin_name,
            workspace_only: false,
        }
    }

    /// The server of a session.
    pub(crate) fn of_session(session: &Session) -> Endpoint {
        let data = session.data();
        Endpoint {
            workspace_only: data.workspace_only,
            ..Endpoint::new(data.base_url.clone(), Origin::Session, None)
        }
    }

    /// Whether a netrc key for this machine may be sent to this server. Netrc
    /// knows neither scheme nor path, so a workspace file must not choose them:
    /// another path can belong to another user of the host, and plain http shows
    /// the key to the network.
    pub(crate) fn gets_netrc_key(&self) -> bool {
        let is_whole_machine = self.url.is_https() && self.url.path().is_empty();
        !self.workspace_only || is_whole_machine || self.url.is_loopback()
    }

    /// Whether the caller chose the server; a login then stores it.
    pub(crate) fn is_named_by_caller(&self) -> bool {
        matches!(self.origin, Origin::Option | Origin::Cloud)
    }

    /// The command that logs in to the server. A configured server needs no option,
    /// which would be stored. Whether a server that only the workspace names is the
    /// right one, the user must say first.
    pub(crate) fn login_command(&self) -> Option<String> {
        match self.origin {
            Origin::Option => Some(login_command(self.url.as_str())),
            Origin::Cloud => Some("wandb-login --cloud".into()),
            _ if self.workspace_only => None,
            _ => Some("wandb-login".into()),
        }
    }

    /// The machine names to look up in netrc.
    pub(crate) fn netrc_names(&self) -> Names<'_> {
        Names {
            netloc: self.url.netloc(),
            spelled: self.url.spelled_netloc(),
            alias: self.url.alias_netloc(),
            prefer_alias: self.origin == Origin::Default,
            bare_host: self.url.bare_host(),
            // A workspace file could name another port of the same host.
            use_bare_host: self.url.is_safe_for_bare_host() && !self.workspace_only,
        }
    }

    /// Where the URL comes from, for a message.
    pub(crate) fn origin_text(&self) -> String {
        match (&self.origin_name, self.origin) {
            (Some(name), _) => name.to_string(),
            (None, Origin::Option) => "the host option".into(),
            (None, Origin::Cloud) => "the cloud option".into(),
            (None, Origin::Session) => "the session".into(),
            (None, _) => "the default".into(),
        }
    }

    /// Whether messages name the server: it is not the public cloud.
    pub(crate) fn is_remarkable(&self) -> bool {
        !(self.origin == Origin::Default || self.url.is_default())
    }
}

/// An invalid server URL, and where it comes from.
#[derive(Debug)]
pub(crate) struct Unresolved {
    pub origin: Origin,
    /// The variable, or the file and line, that holds the URL.
    pub location: SourceLocation,
    pub error: Error,
}

impl Unresolved {
    /// In the configuration.
    fn at(origin: Origin, location: SourceLocation, message: String) -> Unresolved {
        Unresolved {
            origin,
            location,
            error: Error::Credentials(message),
        }
    }
}

impl From<Unresolved> for Error {
    fn from(unresolved: Unresolved) -> Error {
        unresolved.error
    }
}

/// A server, or why there is none.
pub(crate) type Resolved = std::result::Result<Endpoint, Unresolved>;

/// The server of this call: from the options, else from the configuration.
pub(crate) fn resolve(context: &Context) -> Resolved {
    let server = choose(context)?;
    // A report has the problem in the row of the file. Without a log the files are
    // not read for it.
    if !context.log.is_buffered() && !context.log.is_disabled() {
        context.config().warn_unreadable(&context.log);
    }
    Ok(server)
}

fn choose(context: &Context) -> Resolved {
    let options = context.options;
    let cloud = options.flags.has(Flags::CLOUD);
    let invalid = |problem: String| Unresolved {
        origin: Origin::Option,
        location: SourceLocation::default(),
        error: Error::Argument(problem),
    };
    match options.host.filter(|host| !host.is_empty()) {
        Some(_) if cloud => Err(invalid(
            "the host and cloud options exclude each other: give one".into(),
        )),
        Some(host) => {
            let url =
                BaseUrl::parse(host).map_err(|problem| invalid(format!("host: {problem}")))?;
            Ok(Endpoint::new(url, Origin::Option, None))
        }
        None if cloud => Ok(Endpoint::new(BaseUrl::cloud(), Origin::Cloud, None)),
        None => configured(context),
    }
}

/// The server from variables and settings, without the options. A key in a
/// settings file without `base_url` is for this server.
pub(crate) fn configured(context: &Context) -> Resolved {
    if let Some(url) = context.env.text(variables::BASE_URL) {
        let name = SourceName::Variable(variables::BASE_URL);
        return parse(&url, Origin::Environment, SourceLocation::new(name));
    }
    for (scope, origin) in [
        (Scope::Workspace, Origin::WorkspaceSettings),
        (Scope::System, Origin::SystemSettings),
    ] {
        if let Some(problem) = unreadable(context, scope) {
            return Err(Unresolved::at(
                origin,
                problem.location,
                problem.finding.message,
            ));
        }
    }
    let settings = context.settings();
    let system = match in_file(&settings.system, Origin::SystemSettings)? {
        Some(system) => system,
        None => Endpoint::new(BaseUrl::cloud(), Origin::Default, None),
    };
    match in_file(&settings.workspace, Origin::WorkspaceSettings)? {
        None => Ok(system),
        Some(workspace) => Ok(Endpoint {
            workspace_only: !workspace.url.same_server(&system.url),
            ..workspace
        }),
    }
}

/// Why a settings file that exists could not be read: the server that it may name is
/// not guessed.
pub(crate) fn unreadable(context: &Context, scope: Scope) -> Option<SourceProblem> {
    let host = match context.options.command_line {
        true => "--host",
        false => "the host option",
    };
    let remedy = format!("name the server with {} or {host}", variables::BASE_URL);
    let (status, _) = context.config().file(scope);
    status.unreadable("may name the server", &remedy)
}

/// The server from one settings file.
fn in_file(
    file: &Option<SettingsFile>,
    origin: Origin,
) -> std::result::Result<Option<Endpoint>, Unresolved> {
    let Some(file) = file else { return Ok(None) };
    match file.base_url() {
        Ok(None) => Ok(None),
        Ok(Some(url)) => parse(url.value, origin, url.location()).map(Some),
        Err(problem) => {
            let SourceProblem { finding, location } = problem.clone();
            Err(Unresolved::at(origin, location, finding.message))
        }
    }
}

/// Parses a configured URL.
fn parse(url: &str, origin: Origin, location: SourceLocation) -> Resolved {
    match BaseUrl::parse(url) {
        Ok(url) => Ok(Endpoint::new(url, origin, location.name)),
        Err(problem) => {
            let message = format!("{location}: {problem}");
            Err(Unresolved::at(origin, location, message))
        }
    }
}
