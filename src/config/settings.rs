//! The settings that a login reads from W&B's two settings files. No input or
//! output: the caller reads the files.
//!
//! A workspace value takes precedence over a system value. But the working
//! directory may not be the user's own, so settings that could send the key to
//! another server are read from the system file only.
//!
//! The Python SDK drops the settings of both files if one line is invalid. Here
//! only that line is ignored. It is an error where ignoring it could change the
//! server or weaken the login's security.
//!
//! An empty value counts as unset. Unlike in the SDK, it does not hide the value
//! of the other file.

mod diagnostics;
mod reader;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};

use crate::config::location::SourceLocation;
use crate::config::offline_mode::Mode;
use crate::config::source_problem::SourceProblem;
use crate::formats::ini::Document;
use crate::log::Note;
use crate::options::Timeout;
use crate::util::secret::{Secret, WipedBytes};

use reader::Reader;
pub(crate) use values::{parse_bool, parse_timeout};

/// Which of the two settings files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    System,
    Workspace,
}

/// A value, and the file and line it comes from.
pub(crate) struct Located<'s, T> {
    pub value: &'s T,
    pub file: &'s SettingsFile,
    pub line: usize,
}

impl<T> Located<'_, T> {
    pub(crate) fn location(&self) -> SourceLocation {
        SourceLocation::file_line(&self.file.path, self.line)
    }
}

/// The value of a setting, if it is set. The message of the error names path and line,
/// and not the value.
pub(crate) type SettingResult<'s, T> = Result<Option<Located<'s, T>>, &'s SourceProblem>;

/// The value of a setting in one file, and its line.
type Field<T> = Result<Option<(T, usize)>, SourceProblem>;

/// The settings that a login uses. A value that may be a secret is a `Secret`.
struct Values {
    api_key: Field<Secret>,
    base_url: Field<String>,
    mode: Field<Mode>,
    silent: Field<bool>,
    quiet: Field<bool>,
    entity: Field<String>,
    login_timeout: Field<Timeout>,
    anonymous: Field<String>,
    // System file only:
    relogin: Field<bool>,
    force: Field<bool>,
    app_url_override: Field<String>,
    credentials_file: Field<String>,
    insecure_disable_ssl: Field<bool>,
    http_proxy: Field<Secret>,
    https_proxy: Field<Secret>,
    /// A JSON object.
    x_extra_http_headers: Field<Secret>,
}

/// One settings file.
pub(crate) struct SettingsFile {
    pub path: PathBuf,
    /// Settings of a workspace file that were ignored because they could send
    /// the key to another server. A silent login shows these notes too.
    pub(crate) security_notes: Vec<Note>,
    /// Settings that were ignored because their value is invalid.
    notes: Vec<Note>,
    values: Values,
    /// The content, for [`SettingsFile::diagnostics`].
    text: WipedBytes,
}

/// Both settings files, if they exist.
pub(crate) struct Settings {
    pub system: Option<SettingsFile>,
    pub workspace: Option<SettingsFile>,
}

macro_rules! getters {
    ($($key:ident: $type:ty,)*) => {
        $(pub(crate) fn $key(&self) -> SettingResult<'_, $type> {
            self.get(|values| &values.$key)
        })*
    };
}

/// Settings that each file has for itself: a key is for the server of its file.
impl SettingsFile {
    getters! {
        api_key: Secret,
        base_url: String,
        anonymous: String,
    }

    fn get<'s, T>(&'s self, field: impl Fn(&'s Values) -> &'s Field<T>) -> SettingResult<'s, T> {
        let found = field(&self.values).as_ref()?.as_ref();
        Ok(found.map(|(value, line)| Located {
            value,
            file: self,
            line: *line,
        }))
    }
}

/// Settings for which the workspace file takes precedence over the system file.
impl Settings {
    getters! {
        mode: Mode,
        silent: bool,
        quiet: bool,
        entity: String,
        login_timeout: Timeout,
        relogin: bool,
        force: bool,
        app_url_override: String,
        credentials_file: String,
        insecure_disable_ssl: bool,
        http_proxy: Secret,
        https_proxy: Secret,
        x_extra_http_headers: Secret,
    }

    fn get<'s, T>(&'s self, field: impl Fn(&'s Values) -> &'s Field<T>) -> SettingResult<'s, T> {
        for file in [&self.workspace, &self.system].into_iter().flatten() {
            if let Some(found) = file.get(&field)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl SettingsFile {
    /// What makes this file private: the secret that it holds, if any.
    pub(crate) fn secret(&self) -> Option<&'static str> {
        let values = &self.values;
        let is_set = |field: &Field<Secret>| matches!(field, Ok(Some(_)));
        let has_password = |field: &Field<Secret>| matches!(field, Ok(Some((url, _))) if url.as_bytes().contains(&b'@'));
        if is_set(&values.api_key) {
            Some("an API key")
        } else if has_password(&values.http_proxy) || has_password(&values.https_proxy) {
            Some("the password of a proxy")
        } else if is_set(&values.x_extra_http_headers) {
            Some("HTTP headers")
        } else {
            None
        }
    }

    pub(crate) fn parse(scope: Scope, path: &Path, text: WipedBytes) -> SettingsFile {
        let document = Document::parse(&text);
        let mut reader = Reader::new(scope, path, &document);
        let values = reader.values();
        let (notes, security_notes) = (reader.notes, reader.security_notes);
        SettingsFile {
            path: path.to_owned(),
            security_notes,
            notes,
            values,
            text,
        }
    }
}
