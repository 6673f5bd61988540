//! What differs on Unix: the home directory, privileged programs, and the rules of names and paths.

#[cfg_attr(
    any(target_os = "linux", target_os = "android"),
    path = "unix/linux.rs"
)]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    path = "unix/other.rs"
)]
mod platform;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Environment, passwd, variables};

pub(super) use passwd::{effective_home, own_home};
pub(super) use platform::is_privileged;

/// The variable that sets the home directory, for messages.
pub(super) const HOME: &str = variables::HOME;

/// The name of a netrc file that did not exist before.
pub(crate) const NEW_NETRC: &str = ".netrc";

/// `HOME`, else the user database.
pub(super) fn home(env: &Environment) -> Option<PathBuf> {
    match env.var(variables::HOME) {
        Some(home) => Some(env.path(home)),
        None if env.is_privileged => effective_home(),
        None => own_home(),
    }
}

/// A path in the working directory of the caller.
pub(super) fn join(directory: &Path, path: &Path) -> PathBuf {
    directory.join(path)
}

/// The home directory of the user called `name`.
pub(super) fn home_of(_: &Environment, name: &[u8]) -> Option<PathBuf> {
    passwd::home_of(name)
}

/// Whether both are the name of the same variable.
pub(super) fn is_same_name(a: &[u8], b: &[u8]) -> bool {
    a == b
}

/// Bytes as an `OsStr`; always possible.
pub(crate) fn os_str(bytes: &[u8]) -> Option<&OsStr> {
    Some(OsStr::from_bytes(bytes))
}

/// Whether a path is absolute and has no parts to remove. Most paths have none.
pub(super) fn is_normalized(path: &Path) -> bool {
    let text = path.as_os_str().as_bytes();
    let mut parts = text.split(|&byte| byte == b'/').skip(1);
    path.is_absolute() && parts.all(|part| !matches!(part, b"" | b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(block: &'a [&'a OsStr]) -> Environment<'a> {
        Environment {
            block: Some(block),
            directory: Some(Path::new("/here")),
            is_privileged: false,
        }
    }

    #[test]
    fn paths_expand_as_in_python() {
        let block = ["HOME=/home/u"].map(OsStr::new);
        let env = env(&block);
        let cases = [
            ("/abs/file", "/abs/file"),
            ("file", "/here/file"),
            ("~", "/home/u"),
            ("~/file", "/home/u/file"),
            ("~root/file", "/root/file"),
            ("a~", "/here/a~"),
            (" ", "/here/ "),
        ];
        for (path, expected) in cases {
            let expanded = env.expand(OsStr::new(path)).expect(path);
            assert_eq!(expanded, Path::new(expected), "{path}");
        }
        let error = env
            .expand(OsStr::new("~no-such-user/x"))
            .expect_err("unknown user");
        assert!(error.to_string().contains("~no-such-user"), "{error}");
    }

    #[test]
    fn home_falls_back_to_the_user_database() {
        assert_eq!(env(&[]).home(), own_home());
    }

    #[test]
    fn a_relative_home_is_resolved_against_the_working_directory() {
        let block = ["HOME=h"].map(OsStr::new);
        assert_eq!(env(&block).home().as_deref(), Some(Path::new("/here/h")));
    }
}
