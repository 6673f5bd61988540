//! The settings that a login reads from W&B's two settings files, with the
//! place each comes from. No input or output: the caller reads the files.
//!
//! The workspace file wins over the system file, key by key, but a strange
//! working directory must not take the user's key: what could hand it to
//! somebody else is read from the system file only. The Python SDK drops the
//! settings of both files when one line is wrong; here a wrong line costs
//! itself, and is an error where going on could change the server or the
//! safety of the login.
//!
//! An empty value is an unset one, as an empty variable is: it does not hide
//! the other file's value, as it does in the SDK.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::duration::{Limit, parse_limit};
use crate::env::shown_path;
use crate::env::variables::setting;
use crate::formats::ini::{Diagnostics, Document, Fault, shown};
use crate::log::Note;
use crate::util::secret::Secret;

/// The names that the SDK (wandb 0.31) accepts in a settings file, one per
/// line, sorted. Any other makes it drop the settings of both files.
const SDK_FIELDS: &str = include_str!("sdk_fields.txt");

/// More notes on unknown names than this tell a reader nothing new.
const MAX_UNKNOWN: usize = 8;

/// More names than this are not looked at: nobody's settings have them.
const MAX_NAMES: usize = 1000;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    System,
    Workspace,
}

/// Whether anybody is told what is odd about a file. To find it all takes longer
/// than to read the values, which do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    Told,
    Untold,
}

/// The SDK's modes, of which the library distinguishes those that do not
/// talk to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Online,
    Offline,
    Shared,
    Disabled,
    Dryrun,
    Run,
}

/// A value that must not be guessed is wrong: one sentence with path, line
/// and remedy, and never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub line: usize,
    pub text: String,
}

/// A value, and the file and line it comes from.
pub(crate) struct Located<'s, T> {
    pub value: &'s T,
    pub file: &'s SettingsFile,
    pub line: usize,
}

impl<T> Located<'_, T> {
    /// Where it stands, for a message.
    pub(crate) fn place(&self) -> String {
        format!("{} line {}", shown_path(&self.file.path), self.line)
    }
}

/// What asking for a key gives.
pub(crate) type SettingResult<'s, T> = Result<Option<Located<'s, T>>, &'s Problem>;

/// What was found in one file for a key.
type Field<T> = Result<Option<(T, usize)>, Problem>;

/// The keys that a login uses. Text that may hold a credential is a `Secret`.
struct Values {
    api_key: Field<Secret>,
    base_url: Field<String>,
    mode: Field<Mode>,
    silent: Field<bool>,
    quiet: Field<bool>,
    entity: Field<String>,
    login_timeout: Field<Limit>,
    anonymous: Field<String>,
    // From the system file only.
    relogin: Field<bool>,
    force: Field<bool>,
    app_url_override: Field<String>,
    credentials_file: Field<String>,
    insecure_disable_ssl: Field<bool>,
    http_proxy: Field<Secret>,
    https_proxy: Field<Secret>,
    /// A JSON object, as it is written.
    x_extra_http_headers: Field<Secret>,
}

/// One settings file.
pub(crate) struct SettingsFile {
    pub path: PathBuf,
    /// What was ignored, or is doubtful.
    pub notes: Vec<Note>,
    /// What was ignored because it could hand the key to a stranger: to be
    /// shown even by a silent login.
    pub security_notes: Vec<Note>,
    /// The first line for which the Python SDK reads nothing from this file.
    pub rejected_by_sdk: Option<Note>,
    /// It has a name for which the SDK drops the settings of both files.
    pub unknown_to_sdk: bool,
    values: Values,
}

/// Both files, where they exist. A file alone answers for itself; the two
/// together answer with the workspace's value before the system's.
pub(crate) struct Settings {
    pub system: Option<SettingsFile>,
    pub workspace: Option<SettingsFile>,
}

impl Settings {
    /// The paths and contents of the files that were there to read.
    pub(crate) fn from_files(
        system: Option<(&Path, &[u8])>,
        workspace: Option<(&Path, &[u8])>,
        notes: Notes,
    ) -> Settings {
        let read = |which| move |(path, text)| SettingsFile::parse(which, path, text, notes);
        Settings {
            system: system.map(read(Which::System)),
            workspace: workspace.map(read(Which::Workspace)),
        }
    }
}

macro_rules! getters {
    ($($key:ident: $type:ty,)*) => {
        $(pub(crate) fn $key(&self) -> SettingResult<'_, $type> {
            self.ask(|values| &values.$key)
        })*
    };
}

/// What one file says: these are bound to the file that says them.
impl SettingsFile {
    getters! {
        api_key: Secret,
        base_url: String,
        anonymous: String,
    }

    fn ask<'s, T>(&'s self, field: impl Fn(&'s Values) -> &'s Field<T>) -> SettingResult<'s, T> {
        let found = field(&self.values).as_ref()?.as_ref();
        Ok(found.map(|(value, line)| Located {
            value,
            file: self,
            line: *line,
        }))
    }
}

/// What both files say together.
impl Settings {
    getters! {
        mode: Mode,
        silent: bool,
        quiet: bool,
        entity: String,
        login_timeout: Limit,
        relogin: bool,
        force: bool,
        app_url_override: String,
        credentials_file: String,
        insecure_disable_ssl: bool,
        http_proxy: Secret,
        https_proxy: Secret,
        x_extra_http_headers: Secret,
    }

    fn ask<'s, T>(&'s self, field: impl Fn(&'s Values) -> &'s Field<T>) -> SettingResult<'s, T> {
        for file in [&self.workspace, &self.system].into_iter().flatten() {
            if let Some(found) = file.ask(&field)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl SettingsFile {
    pub(crate) fn parse(which: Which, path: &Path, text: &[u8], notes: Notes) -> SettingsFile {
        let document = Document::parse(text);
        let diagnostics = match notes {
            Notes::Told => document.diagnostics(),
            Notes::Untold => Diagnostics::default(),
        };
        let mut reader = Reader {
            notes: diagnostics.notes,
            security_notes: Vec::new(),
            document: &document,
            path,
            which,
        };
        let values = reader.values();
        let unknown_to_sdk = notes == Notes::Told && reader.note_unknown();
        let Reader {
            mut notes,
            security_notes,
            ..
        } = reader;
        notes.sort_by_key(|note| note.line);
        SettingsFile {
            path: path.to_owned(),
            notes,
            security_notes,
            rejected_by_sdk: diagnostics.rejected_by_sdk,
            unknown_to_sdk,
            values,
        }
    }
}

/// What happens to a key whose value is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// An error: going on could change the server or the login's safety.
    Guarded,
    /// A note, and the value is ignored.
    Lenient,
}
use Strictness::{Guarded, Lenient};

struct Reader<'d, 't> {
    document: &'d Document<'t>,
    path: &'d Path,
    which: Which,
    notes: Vec<Note>,
    security_notes: Vec<Note>,
}

impl Reader<'_, '_> {
    fn values(&mut self) -> Values {
        Values {
            api_key: self.read(setting::API_KEY, Guarded, "a key", secret),
            base_url: self.read(setting::BASE_URL, Guarded, "UTF-8", string),
            mode: self.read(
                setting::MODE,
                Guarded,
                "online, offline, shared, disabled, dryrun or run",
                parse_mode,
            ),
            silent: self.read(setting::SILENT, Lenient, BOOL, parse_bool),
            quiet: self.read(setting::QUIET, Lenient, BOOL, parse_bool),
            entity: self.read(setting::ENTITY, Lenient, "UTF-8", string),
            login_timeout: self.read(setting::LOGIN_TIMEOUT, Lenient, "seconds", parse_limit),
            anonymous: self.read(setting::ANONYMOUS, Lenient, "UTF-8", string),
            relogin: self.read_system(setting::RELOGIN, Lenient, BOOL, parse_bool),
            force: self.read_system(setting::FORCE, Lenient, BOOL, parse_bool),
            app_url_override: self.read_system(setting::APP_URL, Lenient, "UTF-8", string),
            credentials_file: self.read_system(setting::CREDENTIALS_FILE, Lenient, "UTF-8", string),
            insecure_disable_ssl: self.read_system(
                setting::INSECURE_DISABLE_SSL,
                Guarded,
                BOOL,
                parse_bool,
            ),
            http_proxy: self.read_system(setting::HTTP_PROXY, Guarded, "a URL", secret),
            https_proxy: self.read_system(setting::HTTPS_PROXY, Guarded, "a URL", secret),
            x_extra_http_headers: self.extra_headers(),
        }
    }

    /// The SDK takes `_name` for `x_name`; of the two the later counts.
    fn extra_headers(&mut self) -> Field<Secret> {
        let mut read = |key| self.read_system(key, Lenient, "JSON", secret);
        let (new, old) = (
            read(setting::EXTRA_HTTP_HEADERS)?,
            read(setting::EXTRA_HTTP_HEADERS_OLD)?,
        );
        let line = |found: &Option<(Secret, usize)>| found.as_ref().map(|(_, line)| *line);
        Ok(if line(&old) > line(&new) { old } else { new })
    }

    /// As `read`, for what a workspace file may not say.
    fn read_system<T>(
        &mut self,
        key: &str,
        strictness: Strictness,
        want: &str,
        parse: fn(&[u8]) -> Option<T>,
    ) -> Field<T> {
        if self.which == Which::System {
            return self.read(key, strictness, want, parse);
        }
        if !self.document.mentions(key) {
            return Ok(None);
        }
        if let Some(value) = self.document.get(key).filter(|v| !v.text.is_empty()) {
            self.security_notes.push(Note {
                line: value.line,
                text: format!(
                    "`{key}` was ignored: in a workspace file it could hand your key to a \
                     stranger; put it in the system settings"
                ),
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
        if strictness == Guarded {
            if let Some(line) = self.document.incomplete(key) {
                let what =
                    "lacks its value or stands outside [default]; correct the line or remove it";
                return Err(self.problem(key, line, what));
            }
            if let Some((first, second)) = self.document.conflict(key) {
                let what = format!("has another value than on line {first}; remove one of the two");
                return Err(self.problem(key, second, &what));
            }
        }
        let Some(value) = self.document.get(key).filter(|v| !v.text.is_empty()) else {
            return Ok(None);
        };
        let what = match value.fault {
            Some(Fault::Reference) => {
                "has a %(name)s that cannot be followed; write the value out".to_owned()
            }
            _ => match parse(&value.text) {
                Some(parsed) => return Ok(Some((parsed, value.line))),
                None => format!("must be {want}; correct the line or remove it"),
            },
        };
        if strictness == Guarded {
            return Err(self.problem(key, value.line, &what));
        }
        self.notes.push(Note {
            line: value.line,
            text: format!("`{key}` was ignored: it {what}"),
        });
        Ok(None)
    }

    fn problem(&self, key: &str, line: usize, what: &str) -> Problem {
        let path = shown_path(self.path);
        Problem {
            line,
            text: format!("{path}, line {line}: `{key}` {what}."),
        }
    }

    /// Tells whether there are any.
    fn note_unknown(&mut self) -> bool {
        let unknown = self.document.keys().take(MAX_NAMES);
        let mut unknown = unknown
            .filter(|(key, _)| !known_to_sdk(key))
            .take(MAX_UNKNOWN)
            .peekable();
        let any = unknown.peek().is_some();
        self.notes.extend(unknown.map(|(key, line)| Note {
            line,
            text: format!(
                "{} is no W&B setting; the Python SDK drops the settings of all files because of it",
                shown(key)
            ),
        }));
        any
    }
}

fn known_to_sdk(key: &[u8]) -> bool {
    let short: &[u8] = match key {
        [b'_', ..] => b"x", // for `x_…`
        _ => b"",
    };
    // A search by halves, in the text as it stands.
    let mut names = SDK_FIELDS.as_bytes();
    while !names.is_empty() {
        let is_end = |&byte: &u8| byte == b'\n';
        let (before, behind) = names.split_at(names.len() / 2);
        let start = before.iter().rposition(is_end).map_or(0, |end| end + 1);
        let rest = behind.iter().position(is_end);
        let end = rest.map_or(names.len(), |end| before.len() + end);
        match names[start..end].iter().cmp(short.iter().chain(key)) {
            Ordering::Equal => return true,
            Ordering::Greater => names = &names[..start],
            Ordering::Less => names = names.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

fn secret(text: &[u8]) -> Option<Secret> {
    Some(Secret::new(text))
}

fn string(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).ok().map(str::to_owned)
}

const BOOL: &str = "true or false";

/// A truth value in any of pydantic's spellings.
pub(crate) fn parse_bool(text: &[u8]) -> Option<bool> {
    let any = |words: &[&str]| {
        words
            .iter()
            .any(|w| text.eq_ignore_ascii_case(w.as_bytes()))
    };
    if any(&["true", "1", "yes", "on", "y", "t"]) {
        Some(true)
    } else if any(&["false", "0", "no", "off", "n", "f"]) {
        Some(false)
    } else {
        None
    }
}

pub(crate) fn parse_mode(text: &[u8]) -> Option<Mode> {
    Some(match text {
        b"online" => Mode::Online,
        b"offline" => Mode::Offline,
        b"shared" => Mode::Shared,
        b"disabled" => Mode::Disabled,
        b"dryrun" => Mode::Dryrun,
        b"run" => Mode::Run,
        _ => return None,
    })
}
