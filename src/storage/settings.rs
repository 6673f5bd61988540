//! The settings that a login writes: the server and the anonymous account.

use std::fmt;
use std::path::PathBuf;

use super::update::{Missing, Unsaved, edit_text, warn_of};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::files::Config;
use crate::config::paths::SETTINGS_LIMIT;
use crate::config::settings::{Scope, SettingResult, SettingsFile};
use crate::env::display_path;
use crate::env::variables::setting;
use crate::finding::{Code, Finding};
use crate::formats::ini;
use crate::log::Note;
use crate::url::BaseUrl;
use crate::util::secret::WipedBytes;

/// A setting and its new value; `None` removes it.
type Setting<'a> = (&'a str, Option<&'a str>);

/// Records, as the SDK does after a successful login, the server that the
/// caller named and whether the account is anonymous (`None`: unchanged).
pub(crate) fn remember(context: &Context, server: &Endpoint, anonymous: Option<bool>) {
    let mut changes: Vec<(Scope, Setting)> = Vec::new();
    if let Some(anonymous) = anonymous {
        let value = anonymous.then_some("true");
        changes.push((Scope::Workspace, (setting::ANONYMOUS, None)));
        changes.push((Scope::System, (setting::ANONYMOUS, value)));
    }
    if server.is_named_by_caller() {
        let url = Some(server.url.as_str()).filter(|_| !server.url.is_default());
        changes.push((Scope::Workspace, (setting::BASE_URL, None)));
        changes.push((Scope::System, (setting::BASE_URL, url)));
    }
    for (scope, change) in changes {
        if let Err(why) = rewrite(context, scope, change) {
            context.log.warn(Finding::new(
                Code::NotSaved,
                format!("Error updating settings: {why}"),
            ));
        }
    }
}

/// Removes the record of an anonymous account, and returns whether there was
/// one.
pub(super) fn forget_anonymous(context: &Context) -> std::result::Result<bool, Unsaved> {
    rewrite(context, Scope::System, (setting::ANONYMOUS, None))
}

/// Makes a change that is not in the file yet, and returns whether the file was
/// changed.
fn rewrite(context: &Context, scope: Scope, change: Setting) -> std::result::Result<bool, Unsaved> {
    let (location, file) = context.config().file(scope);
    let Some(path) = location.path.as_deref().filter(|_| !is_set(file, &change)) else {
        return Ok(false);
    };
    let edit = |text: &[u8]| {
        let (key, value) = change;
        let edited = match value {
            Some(value) => ini::set(text, key, value),
            None => ini::clear(text, key),
        }?;
        let parse = |text: &[u8]| SettingsFile::parse(scope, path, WipedBytes::new(text.to_vec()));
        let (before, after) = (parse(text), parse(&edited.text));
        keep_bindings(&Config::load(&context.env), scope, &before, &after)?;
        check_read_back(&before, &after, &change)?;
        Ok(edited)
    };
    let (updated, edited) = edit_text(
        context,
        path,
        SETTINGS_LIMIT,
        Missing::Folders,
        edit,
        |edited| {
            let changed = edited.changed;
            changed.then(|| std::mem::take(&mut edited.text))
        },
    )?;
    if updated.changed {
        let shown = context.display_path(path);
        context.log.info(&format!("Updated settings file {shown}"));
        if let Some(edited) = edited {
            warn_of(context, path, &edited.notes);
        }
    }
    Ok(updated.changed)
}

/// The rule of every write: it never changes which server a key in a settings
/// file is for. Such a key is for the `base_url` of its own file, else for that
/// of the other file, so both keys are compared before and after. `now` has the other
/// file as it is now: this login may have changed it, too.
fn keep_bindings<'f>(
    now: &'f Config,
    scope: Scope,
    before: &'f SettingsFile,
    after: &'f SettingsFile,
) -> std::result::Result<(), Note> {
    let bindings = |file: &'f SettingsFile| {
        let (system, workspace) = match scope {
            Scope::System => (Some(file), now.file(Scope::Workspace).1),
            Scope::Workspace => (now.file(Scope::System).1, Some(file)),
        };
        [
            Binding::of(system, [system, None]),
            Binding::of(workspace, [workspace, system]),
        ]
    };
    for (old, new) in bindings(before).iter().zip(&bindings(after)) {
        if !old.is_kept_by(new) {
            return Err(Note {
                line: 0,
                text: format!(
                    "{} was not changed: {old} and would be used for {}",
                    setting::BASE_URL,
                    new.server_text()
                ),
            });
        }
    }
    Ok(())
}

/// A key in a settings file, and the server that it is for.
struct Binding {
    /// The file that holds the key; `None` if there is no key.
    path: Option<PathBuf>,
    /// `None` if the configured URL is invalid: the key is for no server.
    server: Option<BaseUrl>,
}

impl Binding {
    /// The key of a file, for the first server that one of the files names.
    fn of(file: Option<&SettingsFile>, servers: [Option<&SettingsFile>; 2]) -> Binding {
        let has_key = |file: &&SettingsFile| !matches!(file.api_key(), Ok(None));
        let named = servers.into_iter().flatten().find_map(|file| {
            file.base_url()
                .map(|url| Some(BaseUrl::parse(url?.value).ok()))
                .unwrap_or(Some(None))
        });
        Binding {
            path: file.filter(has_key).map(|file| file.path.clone()),
            server: named.unwrap_or_else(|| Some(BaseUrl::cloud())),
        }
    }

    fn is_kept_by(&self, new: &Binding) -> bool {
        let is_same_server = match (&self.server, &new.server) {
            (Some(old), Some(new)) => old.same_server(new),
            (old, new) => old.is_none() && new.is_none(),
        };
        self.path == new.path && (self.path.is_none() || is_same_server)
    }

    fn server_text(&self) -> &str {
        self.server.as_ref().map_or("no server", BaseUrl::as_str)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().map(display_path).unwrap_or_default();
        write!(f, "the api_key in {path} is for {}", self.server_text())
    }
}

/// Whether the file has the setting already. A file or a value that cannot be
/// read does not.
fn is_set(file: Option<&SettingsFile>, (key, value): &Setting) -> bool {
    let Some(file) = file else {
        return value.is_none();
    };
    let found = current(file, key);
    found.is_ok_and(|found| found.map(|placed| placed.value.as_str()) == *value)
}

/// An error if the file as edited does not have the setting: the next login would
/// read another value, or fail.
fn check_read_back(
    before: &SettingsFile,
    after: &SettingsFile,
    change: &Setting,
) -> std::result::Result<(), Note> {
    if is_set(Some(after), change) {
        return Ok(());
    }
    let (key, value) = *change;
    let not_done = match value {
        Some(_) => "saved",
        None => "removed",
    };
    let problem = current(before, key).err();
    Err(Note {
        line: problem
            .and_then(|problem| problem.location.line)
            .unwrap_or(0),
        text: format!(
            "{key} was not {not_done}, because the next login would not read the file as \
             written; correct this line by hand"
        ),
    })
}

fn current<'f>(file: &'f SettingsFile, key: &str) -> SettingResult<'f, String> {
    match key {
        setting::BASE_URL => file.base_url(),
        _ => file.anonymous(),
    }
}
