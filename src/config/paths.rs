//! Where the user's files are: by the Python SDK's rules, so that both find the
//! same ones.

use std::path::PathBuf;

use crate::env::Environment;
use crate::env::variables;
use crate::error::Result;

/// The most that is read of a netrc file.
pub(crate) const NETRC_LIMIT: u64 = 16 << 20;

/// The most that is read of a settings file.
pub(crate) const SETTINGS_LIMIT: u64 = 1 << 20;

/// The most that is read of the cache of access tokens.
pub(crate) const CREDENTIALS_LIMIT: u64 = 1 << 20;

/// The system settings file; `None` without a home directory.
pub(crate) fn system_settings(env: &Environment) -> Result<PathBuf> {
    match env.var(variables::CONFIG_DIR) {
        Some(directory) => Ok(env.expand(&directory)?.join("settings")),
        // The SDK does not ask `XDG_CONFIG_HOME`.
        None => env.in_home(".config/wandb/settings"),
    }
}

/// The settings file of the working directory. Parent directories do not count.
pub(crate) fn workspace_settings(env: &Environment) -> PathBuf {
    let hidden = env.path(".wandb");
    if hidden.exists() {
        return hidden.join("settings");
    }
    env.path("wandb/settings")
}

/// The netrc files to look for; the first that exists is the only one that
/// counts.
pub(crate) struct Netrc {
    pub first: PathBuf,
    /// Whether the user has named the first: then there is no second.
    named: bool,
}

impl Netrc {
    pub(crate) fn second(&self) -> Option<PathBuf> {
        (!self.named).then(|| self.first.with_file_name("_netrc"))
    }
}

pub(crate) fn netrc(env: &Environment) -> Result<Netrc> {
    Ok(match env.var(variables::NETRC) {
        Some(path) => Netrc {
            first: env.expand(&path)?,
            named: true,
        },
        None => Netrc {
            first: env.in_home(".netrc")?,
            named: false,
        },
    })
}

/// The netrc file to write: the one that exists, else the platform's default.
pub(crate) fn netrc_to_write(env: &Environment) -> Result<PathBuf> {
    let paths = netrc(env)?;
    let second = paths.second().filter(|_| !paths.first.exists());
    let second = second.filter(|second| cfg!(windows) || second.exists());
    Ok(second.unwrap_or(paths.first))
}

/// The SDK's cache of access tokens; `None` without a home directory.
pub(crate) fn credentials(env: &Environment, setting: Option<&str>) -> Option<PathBuf> {
    match env.var(variables::CREDENTIALS_FILE) {
        Some(path) => Some(env.path(path)),
        None => match setting {
            Some(path) => Some(env.path(path)),
            // `WANDB_CONFIG_DIR` does not move this one.
            None => env.in_home(".config/wandb/credentials.json").ok(),
        },
    }
}
