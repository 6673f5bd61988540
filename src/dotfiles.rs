//! Where the user's files are: by the Python SDK's rules, so that both find the
//! same ones.

use std::path::PathBuf;

use crate::error::Result;
use crate::world::World;

/// The most that is read of a netrc file.
pub(crate) const NETRC_LIMIT: u64 = 16 << 20;

/// The most that is read of a settings file.
pub(crate) const SETTINGS_LIMIT: u64 = 1 << 20;

/// The most that is read of the cache of access tokens.
pub(crate) const CREDENTIALS_LIMIT: u64 = 1 << 20;

/// The system settings file; `None` without a home directory.
pub(crate) fn system_settings(world: &World) -> Result<PathBuf> {
    match world.var("WANDB_CONFIG_DIR") {
        Some(directory) => Ok(world.expand(&directory)?.join("settings")),
        // The SDK does not ask `XDG_CONFIG_HOME`.
        None => world.in_home(".config/wandb/settings"),
    }
}

/// The settings file of the working directory. Parent directories do not count.
pub(crate) fn workspace_settings(world: &World) -> PathBuf {
    let hidden = world.path(".wandb");
    if hidden.exists() {
        return hidden.join("settings");
    }
    world.path("wandb/settings")
}

/// The netrc files to look for; the first that exists is the only one that
/// counts.
pub(crate) struct Netrc {
    pub first: PathBuf,
    /// Whether the user has named the first: then there is no second.
    named: bool,
}

impl Netrc {
    pub fn second(&self) -> Option<PathBuf> {
        (!self.named).then(|| self.first.with_file_name("_netrc"))
    }
}

pub(crate) fn netrc(world: &World) -> Result<Netrc> {
    Ok(match world.var("NETRC") {
        Some(path) => Netrc {
            first: world.expand(&path)?,
            named: true,
        },
        None => Netrc {
            first: world.in_home(".netrc")?,
            named: false,
        },
    })
}

/// The netrc file to write: the one that exists, else the platform's default.
pub(crate) fn netrc_to_write(world: &World) -> Result<PathBuf> {
    let paths = netrc(world)?;
    let second = paths.second().filter(|_| !paths.first.exists());
    let second = second.filter(|second| cfg!(windows) || second.exists());
    Ok(second.unwrap_or(paths.first))
}

/// The SDK's cache of access tokens; `None` without a home directory.
pub(crate) fn credentials(world: &World, setting: Option<&str>) -> Option<PathBuf> {
    match world.var("WANDB_CREDENTIALS_FILE") {
        Some(path) => Some(world.path(path)),
        None => match setting {
            Some(path) => Some(world.path(path)),
            // `WANDB_CONFIG_DIR` does not move this one.
            None => world.in_home(".config/wandb/credentials.json").ok(),
        },
    }
}
