//! Which server a login is for, and who named it.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::host::BaseUrl;
use crate::options::Flags;

/// Who named the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    Cloud,
    Environment,
    WorkspaceSettings,
    SystemSettings,
    Default,
}

impl Origin {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Option => "option",
            Origin::Cloud => "cloud",
            Origin::Environment => "environment",
            Origin::WorkspaceSettings => "workspace_settings",
            Origin::SystemSettings => "system_settings",
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
    pub origin_name: Option<String>,
    /// Whether the working directory alone makes this the server: a key that was
    /// not stored for it must not follow.
    pub workspace_only: bool,
}

impl Endpoint {
    /// Where the name came from, in words.
    pub fn origin_text(&self) -> &str {
        match (&self.origin_name, self.origin) {
            (Some(name), _) => name,
            (None, Origin::Option) => "the host option",
            (None, Origin::Cloud) => "the cloud option",
            (None, _) => "the default",
        }
    }

    /// Whether it has to be named to the user: it is not the one that everybody expects.
    pub fn is_remarkable(&self) -> bool {
        !(self.origin == Origin::Default || self.url.is_default())
    }
}

/// The server that the options, else the environment and the settings name.
pub(crate) fn resolve(context: &Context) -> Result<Endpoint> {
    let options = context.options;
    let cloud = options.flags.has(Flags::CLOUD);
    match options.host.filter(|host| !host.is_empty()) {
        Some(_) if cloud => Err(Error::Argument(
            "the host and cloud options exclude each other: give one".into(),
        )),
        Some(host) => Ok(Endpoint {
            url: BaseUrl::parse(host).map_err(|problem| Error::Argument(problem.to_string()))?,
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
pub(crate) fn configured(context: &Context) -> Result<Endpoint> {
    if let Some(url) = context.world.text("WANDB_BASE_URL") {
        return named(&url, Origin::Environment, "WANDB_BASE_URL".into());
    }
    let settings = context.settings();
    let system = match settings.system.base_url()? {
        Some(url) => named(&url.value, Origin::SystemSettings, url.place())?,
        None => Endpoint {
            url: BaseUrl::cloud(),
            origin: Origin::Default,
            origin_name: None,
            workspace_only: false,
        },
    };
    let Some(url) = settings.workspace.base_url()? else {
        return Ok(system);
    };
    let workspace = named(&url.value, Origin::WorkspaceSettings, url.place())?;
    Ok(Endpoint {
        workspace_only: !workspace.url.same_server(&system.url),
        ..workspace
    })
}

fn named(url: &str, origin: Origin, name: String) -> Result<Endpoint> {
    let url = BaseUrl::parse(url)
        .map_err(|problem| Error::Credentials(format!("{name}: {problem}")))?;
    Ok(Endpoint {
        url,
        origin,
        origin_name: Some(name),
        workspace_only: false,
    })
}
