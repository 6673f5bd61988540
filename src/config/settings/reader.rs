//! Reads the settings of one file and checks their values.

use std::path::Path;

use super::values::{parse_bool, parse_secret, parse_string, parse_timeout};
use super::{Field, Scope, Values};
use crate::config::location::SourceLocation;
use crate::config::offline_mode::parse_mode;
use crate::config::source_problem::SourceProblem;
use crate::env::display_path;
use crate::env::variables::setting;
use crate::finding::Code;
use crate::formats::ini::{Document, Fault};
use crate::log::Note;
use crate::util::redact::{is_quoted, looks_like_key};
use crate::util::secret::Secret;

/// What a boolean must be, for messages.
const BOOL: &str = "true or false";

/// How an invalid value is handled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// As an error: ignoring it could change the server or weaken security.
    Strict,
    /// It is ignored, with a note.
    Lenient,
}
use Strictness::{Lenient, Strict};

/// Reads the values of one file, and notes what it ignores.
pub(super) struct Reader<'d, 't> {
    document: &'d Document<'t>,
    path: &'d Path,
    scope: Scope,
    pub(super) notes: Vec<Note>,
    pub(super) security_notes: Vec<Note>,
}

impl<'d, 't> Reader<'d, 't> {
    pub(crate) fn new(scope: Scope, path: &'d Path, document: &'d Document<'t>) -> Reader<'d, 't> {
        Reader {
            document,
            path,
            scope,
            notes: Vec::new(),
            security_notes: Vec::new(),
        }
    }

    pub(crate) fn values(&mut self) -> Values {
        Values {
            api_key: self.read(setting::API_KEY, Strict, "a key", parse_secret),
            base_url: self.read(setting::BASE_URL, Strict, "UTF-8", parse_string),
            mode: self.read(
                setting::MODE,
                Strict,
                "online, offline, shared, disabled, dryrun or run",
                parse_mode,
            ),
            silent: self.read(setting::SILENT, Lenient, BOOL, parse_bool),
            quiet: self.read(setting::QUIET, Lenient, BOOL, parse_bool),
            entity: self.read(setting::ENTITY, Lenient, "UTF-8", parse_string),
            login_timeout: self.read(setting::LOGIN_TIMEOUT, Lenient, "seconds", parse_timeout),
            anonymous: self.read(setting::ANONYMOUS, Lenient, "UTF-8", parse_string),
            relogin: self.read_system(setting::RELOGIN, Lenient, BOOL, parse_bool),
            force: self.read_system(setting::FORCE, Lenient, BOOL, parse_bool),
            app_url_override: self.read_system(setting::APP_URL, Lenient, "UTF-8", parse_string),
            credentials_file: self.read_system(
                setting::CREDENTIALS_FILE,
                Lenient,
                "UTF-8",
                parse_string,
            ),
            insecure_disable_ssl: self.read_system(
                setting::INSECURE_DISABLE_SSL,
                Strict,
                BOOL,
                parse_bool,
            ),
            http_proxy: self.read_system(setting::HTTP_PROXY, Strict, "a URL", parse_secret),
            https_proxy: self.read_system(setting::HTTPS_PROXY, Strict, "a URL", parse_secret),
            x_extra_http_headers: self.extra_headers(),
        }
    }

    /// The SDK accepts `_name` for `x_name`. The later of the two takes effect.
    fn extra_headers(&mut self) -> Field<Secret> {
        let mut read = |key| self.read_system(key, Lenient, "JSON", parse_secret);
        let (new, old) = (
            read(setting::EXTRA_HTTP_HEADERS)?,
            read(setting::EXTRA_HTTP_HEADERS_OLD)?,
        );
        let line = |found: &Option<(Secret, usize)>| found.as_ref().map(|(_, line)| *line);
        Ok(if line(&old) > line(&new) { old } else { new })
    }

    /// Reads a setting that is ignored in a workspace file.
    fn read_system<T>(
        &mut self,
        key: &str,
        strictness: Strictness,
        want: &str,
        parse: fn(&[u8]) -> Option<T>,
    ) -> Field<T> {
        if self.scope == Scope::System {
            return self.read(key, strictness, want, parse);
        }
        if !self.document.mentions(key) {
            return Ok(None);
        }
        if let Some(value) = self.document.get(key).filter(|v| !v.text.is_empty()) {
            self.security_notes.push(Note {
                line: value.line,
                text: format!("`{key}` was ignored: in a workspace file it could expose your key"),
            });
        }
        Ok(None)
    }

    fn read<T>(
        &mut self,
        key: &str,
        strictness: Strictness,
        want: &str,
        parse: fn(&[u8]) -> Option<T>,
    ) -> Field<T> {
        if !self.document.mentions(key) {
            return Ok(None);
        }
        if strictness == Strict {
            self.check_unambiguous(key)?;
        }
        let Some(value) = self.document.get(key) else {
            return Ok(None);
        };
        if value.text.is_empty() {
            self.notes.push(Note {
                line: value.line,
                text: format!("`{key}` is empty, which counts as unset"),
            });
            return Ok(None);
        }
        let what = match value.fault {
            Some(Fault::Reference) => {
                "has an unresolvable %(name)s; write the value literally".to_owned()
            }
            _ => match parse(&value.text) {
                Some(parsed) => return Ok(Some((parsed, value.line))),
                None => what_is_wrong(&value.text, want),
            },
        };
        if strictness == Strict {
            return Err(self.problem(key, value.line, &what));
        }
        self.notes.push(Note {
            line: value.line,
            text: format!("`{key}` was ignored: it {what}"),
        });
        Ok(None)
    }

    /// An error if the setting is incomplete, or defined twice with different
    /// values.
    fn check_unambiguous(&self, key: &str) -> Result<(), SourceProblem> {
        if let Some((line, what)) = self.document.incomplete(key) {
            return Err(self.problem(key, line, what));
        }
        if let Some((first, second)) = self.document.conflict(key) {
            let what = format!("differs from its value on line {first}; remove one of the two");
            return Err(self.problem(key, second, &what));
        }
        Ok(())
    }

    fn problem(&self, key: &str, line: usize, what: &str) -> SourceProblem {
        let path = display_path(self.path);
        SourceProblem::at(
            SourceLocation::file_line(self.path, line),
            Code::InvalidValue,
            format!("{path}, line {line}: `{key}` {what}."),
        )
    }
}

/// What is wrong with a value that cannot be parsed. Never shows the value.
fn what_is_wrong(value: &[u8], want: &str) -> String {
    if looks_like_key(value) {
        "holds what looks like an API key; did you mean `api_key`?".to_owned()
    } else if is_quoted(&String::from_utf8_lossy(value)) {
        "is in quotes; remove them".to_owned()
    } else {
        format!("must be {want}; correct the line or remove it")
    }
}
