//! The settings that a login writes: the server and the anonymous account.

use super::update::{Missing, Unsaved, edit_text, warn_of};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::SETTINGS_LIMIT;
use crate::config::settings::{Scope, SettingResult, SettingsFile};
use crate::env::variables::setting;
use crate::formats::ini;
use crate::log::Note;

/// A setting and its new value; `None` removes it.
type Setting<'a> = (&'a str, Option<&'a str>);

/// Records, as the SDK does after a successful login, the server that the
/// caller named and whether the account is anonymous (`None`: unchanged).
pub(crate) fn remember(context: &Context, server: &Endpoint, anonymous: Option<bool>) {
    let mut workspace: Vec<Setting> = Vec::new();
    let mut system: Vec<Setting> = Vec::new();
    if let Some(anonymous) = anonymous {
        workspace.push((setting::ANONYMOUS, None));
        system.push((setting::ANONYMOUS, anonymous.then_some("true")));
    }
    if server.is_named_by_caller() {
        let url = Some(server.url.as_str()).filter(|_| !server.url.is_default());
        workspace.push((setting::BASE_URL, None));
        system.push((setting::BASE_URL, url));
    }
    for (scope, changes) in [(Scope::Workspace, workspace), (Scope::System, system)] {
        if let Err(why) = rewrite(context, scope, &changes) {
            context.log.warn(&format!("Error updating settings: {why}"));
        }
    }
}

/// Removes the record of an anonymous account, and returns whether there was
/// one.
pub(super) fn forget_anonymous(context: &Context) -> std::result::Result<bool, Unsaved> {
    rewrite(context, Scope::System, &[(setting::ANONYMOUS, None)])
}

/// Applies the changes that are not in the file yet, and returns whether the
/// file was changed.
fn rewrite(
    context: &Context,
    scope: Scope,
    changes: &[Setting],
) -> std::result::Result<bool, Unsaved> {
    let (location, file) = context.config().file(scope);
    let missing: Vec<_> = changes
        .iter()
        .filter(|change| !is_set(file, change))
        .collect();
    let Some(path) = location.path.as_deref().filter(|_| !missing.is_empty()) else {
        return Ok(false);
    };
    let (updated, edited) = edit_text(
        context,
        path,
        SETTINGS_LIMIT,
        Missing::Folders,
        |text| apply(text, &missing),
        |edited| Some(std::mem::take(&mut edited.as_mut()?.text)),
    )?;
    if updated.changed {
        let shown = context.display_path(path);
        context.log.info(&format!("Updated settings file {shown}"));
        if let Some(edited) = edited.flatten() {
            warn_of(context, path, &edited.notes);
        }
    }
    Ok(updated.changed)
}

/// The text with all changes; `None` if it has them already.
fn apply(text: &[u8], changes: &[&Setting]) -> std::result::Result<Option<ini::Edited>, Note> {
    let mut last: Option<ini::Edited> = None;
    for (key, value) in changes {
        let current = last.as_ref().map_or(text, |edited| edited.text.as_slice());
        let edited = match value {
            Some(value) => ini::set(current, key, value),
            None => ini::clear(current, key),
        }?;
        if edited.changed {
            last = Some(edited);
        }
    }
    Ok(last)
}

/// Whether the file has the setting already. A file or a value that cannot be
/// read does not.
fn is_set(file: Option<&SettingsFile>, (key, value): &Setting) -> bool {
    let Some(file) = file else {
        return value.is_none();
    };
    let current: SettingResult<'_, String> = match *key {
        setting::BASE_URL => file.base_url(),
        _ => file.anonymous(),
    };
    current.is_ok_and(|found| found.map(|placed| placed.value.as_str()) == *value)
}
