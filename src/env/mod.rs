//! What surrounds a call: environment variables, working directory, home
//! directory and clock. Other modules get them only from here.

#[cfg(unix)]
mod passwd;
pub(crate) mod rank;
#[cfg(unix)]
mod unix;
pub(crate) mod variables;
#[cfg(windows)]
mod windows;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::util::secret::{WipedBytes, WipedText};
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

pub(crate) use platform::{NEW_NETRC, os_str};

/// Why the environment of a privileged process is ignored, for messages.
pub(crate) const IGNORED: &str = "This program runs with more rights than its caller \
     (set-user-ID, set-group-ID or file capabilities), so the caller's environment variables and \
     workspace settings were ignored; give the program its key and server explicitly.";

/// The current time in Unix seconds.
pub(crate) fn unix_time() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The environment of the process, as `NAME=value` entries. That of a process
/// with more rights than its caller holds its own home directory only.
pub(crate) fn capture() -> Vec<OsString> {
    if platform::is_privileged() {
        let entry = |home: PathBuf| {
            let mut entry = OsString::from(variables::HOME);
            entry.push("=");
            entry.push(home);
            entry
        };
        return platform::effective_home().map(entry).into_iter().collect();
    }
    let entry = |(mut name, value): (OsString, OsString)| {
        name.reserve_exact(value.len() + 1);
        name.push("=");
        name.push(value);
        name
    };
    std::env::vars_os().map(entry).collect()
}

/// The working directory of the process. One with more rights than its caller
/// ignores the workspace, which its caller chooses.
pub(crate) fn capture_directory() -> Option<PathBuf> {
    match platform::is_privileged() {
        true => platform::effective_home(),
        false => std::env::current_dir().ok(),
    }
}

/// The environment and working directory of the process, or those that the
/// caller passed instead. Nothing is copied: a variable is read on each request.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    block: Option<&'a [&'a OsStr]>,
    directory: Option<&'a Path>,
    is_privileged: bool,
}

impl<'a> Environment<'a> {
    /// A process with more rights than its caller must not trust what the caller
    /// passes to it: its environment counts as empty, and the workspace as
    /// absent. A `block` is the program's own.
    pub(crate) fn new(
        block: Option<&'a [&'a OsStr]>,
        directory: Option<&'a Path>,
    ) -> Environment<'a> {
        let is_privileged = block.is_none() && platform::is_privileged();
        Environment {
            block: block.or(is_privileged.then_some(&[][..])),
            directory,
            is_privileged,
        }
    }

    /// The environment of the process itself.
    pub(crate) fn of_process() -> Environment<'static> {
        Environment::new(None, None)
    }

    /// Whether the environment and the workspace are ignored because this
    /// process has more rights than its caller.
    pub(crate) fn is_privileged(&self) -> bool {
        self.is_privileged
    }

    /// A variable that is set and not empty. An empty one counts as unset.
    pub(crate) fn var(&self, name: &str) -> Option<Cow<'a, OsStr>> {
        let value = without_carriage_return(self.raw(name)?);
        (!value.is_empty()).then_some(value)
    }

    /// A variable as it is set.
    fn raw(&self, name: &str) -> Option<Cow<'a, OsStr>> {
        match self.block {
            None => std::env::var_os(name).map(Cow::Owned),
            Some(block) => {
                let value = block.iter().find_map(|entry| value_of(entry, name));
                value.map(Cow::Borrowed)
            }
        }
    }

    /// Whether a variable ends with a carriage return. It is not part of the value:
    /// a script with Windows line ends has set the variable.
    pub(crate) fn has_carriage_return(&self, name: &str) -> bool {
        let value = self
            .raw(name)
            .map(|value| WipedBytes::new(value.into_owned().into_encoded_bytes()));
        value.is_some_and(|value| value.ends_with(b"\r"))
    }

    /// A non-empty variable as a string. Bytes that are not UTF-8 become
    /// U+FFFD, which fails every later check of the value.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.var(name).map(|value| match value {
            Cow::Borrowed(value) => value.to_string_lossy().into_owned(),
            Cow::Owned(value) => value
                .into_string()
                .unwrap_or_else(|value| value.to_string_lossy().into_owned()),
        })
    }

    /// [`Environment::text`] as a copy that is wiped.
    pub(crate) fn secret_text(&self, name: &str) -> Option<WipedText> {
        let value = self.secret(name)?;
        Some(match std::str::from_utf8(&value) {
            Ok(text) => text.to_owned().into(),
            Err(_) => String::from_utf8_lossy(&value).into_owned().into(),
        })
    }

    /// A non-empty variable that holds a secret, as a copy that is wiped.
    pub(crate) fn secret(&self, name: &str) -> Option<WipedBytes> {
        self.var(name)
            .map(|value| WipedBytes::new(value.into_owned().into_encoded_bytes()))
    }

    /// Whether a variable is set and not empty.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.length(name).is_some_and(|length| length > 0)
    }

    /// Whether a variable is set to the empty string, which counts as unset.
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        self.length(name) == Some(0)
    }

    /// The length of a variable's value. The value may be a secret, so a copy
    /// of it is wiped.
    fn length(&self, name: &str) -> Option<usize> {
        let value = without_carriage_return(self.raw(name)?);
        match value {
            Cow::Borrowed(value) => Some(value.len()),
            Cow::Owned(value) => Some(WipedBytes::new(value.into_encoded_bytes()).len()),
        }
    }

    /// Resolves a path against the caller's working directory, if one was passed.
    pub(crate) fn path(&self, path: impl AsRef<OsStr>) -> PathBuf {
        match self.directory {
            Some(directory) => platform::join(directory, Path::new(path.as_ref())),
            None => PathBuf::from(path.as_ref()),
        }
    }

    /// The absolute form of a path.
    pub(crate) fn absolute(&self, path: impl AsRef<OsStr>) -> PathBuf {
        absolute(self.path(path))
    }

    /// The home directory, as Python finds it. Unix: `HOME`, else the user
    /// database. Windows: the profile directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        platform::home(self)
    }

    /// A path in the home directory. Without a home directory, an error names
    /// the file.
    pub(crate) fn in_home(&self, path: &str) -> Result<PathBuf> {
        let Some(mut home) = self.home() else {
            return Err(Error::Credentials(format!(
                "cannot find ~/{path}: there is no home directory; set {}",
                platform::HOME
            )));
        };
        home.push(path);
        Ok(home)
    }

    /// Expands a leading `~` or `~user`, as Python's `Path.expanduser` does.
    pub(crate) fn expand(&self, path: &OsStr) -> Result<PathBuf> {
        let Some(rest) = path.as_encoded_bytes().strip_prefix(b"~") else {
            return Ok(self.path(path));
        };
        let end = rest
            .iter()
            .position(|&byte| std::path::is_separator(byte.into()))
            .unwrap_or(rest.len());
        let home = match &rest[..end] {
            b"" => self.home(),
            name => platform::home_of(self, name),
        };
        let home = home.ok_or_else(|| {
            let name = String::from_utf8_lossy(&rest[..end]);
            Error::Credentials(format!(
                "unknown home directory ~{name}; write an absolute path"
            ))
        })?;
        let tail = Path::new(path).components().skip(1).collect::<PathBuf>();
        Ok(home.join(tail))
    }
}

/// The value without the carriage return at its end.
fn without_carriage_return(value: Cow<'_, OsStr>) -> Cow<'_, OsStr> {
    match value {
        Cow::Borrowed(value) => {
            let bytes = value.as_encoded_bytes();
            let shorter = bytes.strip_suffix(b"\r").and_then(os_str);
            Cow::Borrowed(shorter.unwrap_or(value))
        }
        Cow::Owned(value) if value.as_encoded_bytes().ends_with(b"\r") => {
            let bytes = WipedBytes::new(value.into_encoded_bytes());
            let shorter = bytes.strip_suffix(b"\r").and_then(os_str);
            Cow::Owned(shorter.unwrap_or_default().to_owned())
        }
        value => value,
    }
}

/// The value of a `NAME=value` entry, if that is its name.
fn value_of<'a>(entry: &'a OsStr, name: &str) -> Option<&'a OsStr> {
    let (found, rest) = entry.as_encoded_bytes().split_at_checked(name.len())?;
    let value = rest.strip_prefix(b"=")?;
    os_str(value).filter(|_| platform::is_same_name(found, name.as_bytes()))
}

/// The absolute form of a path. Most paths are absolute and normalized already,
/// and are returned as they are.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    match platform::is_normalized(&path) {
        true => path,
        false => std::path::absolute(&path).unwrap_or(path),
    }
}

/// The absolute form of a path, for a message.
pub(crate) fn display_path(path: &Path) -> String {
    let path = absolute(path.to_owned());
    path.into_os_string()
        .into_string()
        .unwrap_or_else(|path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(block: &'a [&'a OsStr]) -> Environment<'a> {
        Environment {
            block: Some(block),
            directory: None,
            is_privileged: false,
        }
    }

    #[test]
    fn variables_come_only_from_the_block() {
        let block = ["A=1", "AB=2", "EMPTY=", "A=3", "PLAIN"].map(OsStr::new);
        let env = env(&block);
        assert_eq!(env.text("A").as_deref(), Some("1"));
        assert_eq!(env.text("AB").as_deref(), Some("2"));
        assert_eq!(env.text("EMPTY"), None);
        assert_eq!(env.text("PLAIN"), None);
        assert_eq!(env.text("PATH"), None);
        assert!(env.is_set("A") && !env.is_set("EMPTY") && !env.is_set("PATH"));
    }

    #[test]
    fn a_carriage_return_at_the_end_is_not_part_of_a_value() {
        let block = ["A=1\r", "B=\r", "C=x\ry", "D=x\r\r", "E=x"].map(OsStr::new);
        let env = env(&block);
        let values = ["A", "B", "C", "D", "E"].map(|name| env.text(name));
        let expected = [Some("1"), None, Some("x\ry"), Some("x\r"), Some("x")];
        assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
        assert!(!env.is_set("B") && env.is_empty("B") && env.is_set("A"));
        let ends = ["A", "B", "C", "D", "E", "F"].map(|name| env.has_carriage_return(name));
        assert_eq!(ends, [true, true, false, true, false, false]);
    }

    #[test]
    fn an_environment_in_the_options_is_trusted() {
        assert!(!Environment::new(Some(&[]), None).is_privileged());
    }
}
