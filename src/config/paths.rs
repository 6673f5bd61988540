//! The paths of the user's files, by the rules of the Python SDK.

use std::path::PathBuf;

use crate::env::{self, Environment, variables};
use crate::error::Result;

/// The size limit of a netrc file, in bytes.
pub(crate) const NETRC_LIMIT: u64 = 16 << 20;

/// The size limit of a settings file, in bytes.
pub(crate) const SETTINGS_LIMIT: u64 = 1 << 20;

/// The size limit of the token cache, in bytes.
pub(crate) const CREDENTIALS_LIMIT: u64 = 1 << 20;

/// The system settings file; an error without a home directory.
pub(crate) fn system_settings(env: &Environment) -> Result<PathBuf> {
    match env.var(variables::CONFIG_DIR) {
        Some(directory) => Ok(env.expand(&directory)?.join("settings")),
        // The SDK ignores `XDG_CONFIG_HOME`.
        None => env.in_home(".config/wandb/settings"),
    }
}

/// The settings file of the working directory, not of its parents. `None` for a
/// process with more rights than its caller, who chooses the directory.
pub(crate) fn workspace_settings(env: &Environment) -> Option<PathBuf> {
    if env.is_privileged() {
        return None;
    }
    let hidden = env.path(".wandb");
    Some(match hidden.exists() {
        true => hidden.join("settings"),
        false => env.path("wandb/settings"),
    })
}

/// The candidate paths of the netrc file. Only the first that exists is read.
pub(crate) struct Netrc {
    pub first: PathBuf,
    /// Whether `first` comes from `NETRC`; then there is no second path.
    named: bool,
}

impl Netrc {
    /// `~/_netrc`, unless `NETRC` is set.
    pub(crate) fn second(&self) -> Option<PathBuf> {
        (!self.named).then(|| self.first.with_file_name("_netrc"))
    }
}

/// The candidate paths; an error without a home directory.
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

/// The netrc file to write: the existing one, else that of the platform.
pub(crate) fn netrc_to_write(env: &Environment) -> Result<PathBuf> {
    let paths = netrc(env)?;
    Ok(match paths.second() {
        None => paths.first,
        Some(_) if paths.first.exists() => paths.first,
        Some(second) if second.exists() => second,
        Some(_) => paths.first.with_file_name(env::NEW_NETRC),
    })
}

/// A file that is not read because a variable or another file takes its place.
pub(crate) struct Unused {
    pub path: PathBuf,
    /// The variable that names the file in use.
    pub variable: Option<&'static str>,
    /// The file in use.
    pub used: PathBuf,
}

/// The files of the user that exist and are not read, but would be without a
/// variable or without another file.
pub(crate) fn unused(env: &Environment) -> Vec<Unused> {
    let moved = |variable, usual: &str, used: Option<PathBuf>| {
        let path = env.in_home(usual).ok()?;
        Some(Unused {
            path,
            variable: Some(variable),
            used: used.filter(|_| env.is_set(variable))?,
        })
    };
    let netrc = netrc(env).ok();
    let second = netrc.as_ref().and_then(|netrc| {
        let second = netrc.second().filter(|_| netrc.first.exists())?;
        Some(Unused {
            path: second,
            variable: None,
            used: netrc.first.clone(),
        })
    });
    let netrc = || netrc.as_ref().map(|netrc| netrc.first.clone());
    let all = [
        second,
        moved(variables::NETRC, ".netrc", netrc()),
        moved(variables::NETRC, "_netrc", netrc()),
        moved(
            variables::CONFIG_DIR,
            ".config/wandb/settings",
            system_settings(env).ok(),
        ),
        moved(
            variables::CREDENTIALS_FILE,
            ".config/wandb/credentials.json",
            credentials(env, None),
        ),
    ];
    let is_other = |file: &Unused| match (file.path.canonicalize(), file.used.canonicalize()) {
        (Ok(path), Ok(used)) => path != used,
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    };
    all.into_iter().flatten().filter(is_other).collect()
}

/// The token cache, shared with the SDK; `None` without a home directory.
pub(crate) fn credentials(env: &Environment, setting: Option<&str>) -> Option<PathBuf> {
    match env.var(variables::CREDENTIALS_FILE) {
        Some(path) => Some(env.path(path)),
        None => match setting {
            Some(path) => Some(env.path(path)),
            // `WANDB_CONFIG_DIR` does not apply to this file.
            None => env.in_home(".config/wandb/credentials.json").ok(),
        },
    }
}
