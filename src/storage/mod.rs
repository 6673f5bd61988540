//! What a login leaves in the user's files, and how it is removed again.

pub(crate) mod token_cache;
pub(crate) mod update;

use std::path::Path;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::{self, NETRC_LIMIT, SETTINGS_LIMIT};
use crate::config::settings::{SettingResult, SettingsFile, Which};
use crate::env::variables::setting;
use crate::error::{Error, Result};
use crate::files::{self, Updated};
use crate::formats::ini;
use crate::formats::netrc;
use crate::key::ApiKey;
use crate::log::Note;
use crate::storage::update::{Missing, Unsaved, update};
use crate::util::secret::WipedBytes;

/// Stores the key in netrc, and tells whether it is there. A key that cannot be
/// stored is good all the same: the log says why, and the login goes on.
pub(crate) fn key(context: &Context, server: &Endpoint, key: &ApiKey) -> bool {
    let stored = store_key(context, server, key);
    if let Err(why) = &stored {
        context
            .log
            .warn(&format!("The API key was not saved: {why}"));
    }
    stored.is_ok()
}

fn store_key(
    context: &Context,
    server: &Endpoint,
    key: &ApiKey,
) -> std::result::Result<(), Unsaved> {
    let path = paths::netrc_to_write(&context.env).map_err(|error| error.to_string())?;
    let shown = context.shown(&path);
    let names = server.netrc_names();
    let edit = |text: &[u8]| netrc::store(text, &names, key.as_bytes(), ApiKey::is_key);
    let (updated, edited) = edit_netrc(context, &path, edit)?;
    if updated.created {
        context.log.info("No netrc file found, creating one.");
    }
    if updated.changed {
        let netloc = server.url.netloc();
        context.log.info(&format!(
            "Appending key for {netloc} to your netrc file: {shown}"
        ));
    }
    if let Some(stop) = edited.and_then(|edited| edited.sdk_stops) {
        context.log.warn(&format!(
            "the Python SDK cannot read {shown}: it stops at line {} ({})",
            stop.line, stop.message
        ));
    }
    Ok(())
}

/// Removes what is stored for the server: our netrc entries, its cached access
/// token, the record of an anonymous account.
pub(crate) fn forget(context: &Context, server: &Endpoint) -> Result<()> {
    let netrc = forget_key(context, server);
    let token = forget_token(context, server);
    let record = rewrite_settings(context, Which::System, &[(setting::ANONYMOUS, None)]);
    let mut forgot = false;
    for done in [netrc, token, record] {
        forgot |= done.map_err(Error::Store)?;
    }
    if !forgot {
        let url = server.url.as_str();
        context.log.info(&format!("Nothing was stored for {url}."));
    }
    Ok(())
}

fn forget_key(context: &Context, server: &Endpoint) -> std::result::Result<bool, Unsaved> {
    // Without a home there is no netrc, and nothing to forget.
    let Ok(path) = paths::netrc_to_write(&context.env) else {
        return Ok(false);
    };
    if files::is_missing(&path) {
        return Ok(false);
    }
    let names = server.netrc_names();
    let edit = |text: &[u8]| netrc::forget(text, &names, ApiKey::is_key);
    let (updated, _) = edit_netrc(context, &path, edit)?;
    if updated.changed {
        let (netloc, shown) = (server.url.netloc(), context.shown(&path));
        context
            .log
            .info(&format!("Removed the key for {netloc} from {shown}"));
    }
    Ok(updated.changed)
}

fn forget_token(context: &Context, server: &Endpoint) -> std::result::Result<bool, Unsaved> {
    let path = context.credentials_file().ok().flatten();
    let Some(path) = path.filter(|path| !files::is_missing(path)) else {
        return Ok(false);
    };
    let changed = token_cache::forget(context, server, &path)?;
    if changed {
        let (url, shown) = (server.url.as_str(), context.shown(&path));
        context
            .log
            .info(&format!("Removed the access token for {url} from {shown}"));
    }
    Ok(changed)
}

/// Edits netrc and passes on what the editor has to say.
fn edit_netrc(
    context: &Context,
    path: &Path,
    edit: impl Fn(&[u8]) -> std::result::Result<netrc::Edited, Note>,
) -> std::result::Result<(Updated, Option<netrc::Edited>), Unsaved> {
    let mut outcome = None;
    let mut once = |text: &[u8]| {
        let edited = outcome.insert(edit(text)).as_mut().ok()?;
        edited.changed.then(|| std::mem::take(&mut edited.text))
    };
    let updated = update(context, path, NETRC_LIMIT, Missing::File, &mut once)?;
    let shown = context.shown(path);
    let edited = match outcome {
        Some(Err(note)) => return Err(format!("{shown} line {}: {}", note.line, note.text)),
        Some(Ok(edited)) => Some(edited),
        None => None,
    };
    for note in edited.iter().flat_map(|edited| &edited.notes) {
        context
            .log
            .warn(&format!("{shown} line {}: {}", note.line, note.text));
    }
    Ok((updated, edited))
}

/// After a successful login: remembers the server that the caller named, and
/// whether the account is an anonymous one (`None`: as recorded), as the SDK
/// does. What is recorded already is not written again.
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
    for (which, changes) in [(Which::Workspace, workspace), (Which::System, system)] {
        if let Err(why) = rewrite_settings(context, which, &changes) {
            context.log.warn(&format!("Error updating settings: {why}"));
        }
    }
}

/// A setting and its new value; `None` clears it.
type Setting<'a> = (&'a str, Option<&'a str>);

/// Makes the changes that are not there yet, and tells whether any was made.
fn rewrite_settings(
    context: &Context,
    which: Which,
    changes: &[Setting],
) -> std::result::Result<bool, Unsaved> {
    let (location, file) = context.config().file(which);
    let missing: Vec<_> = changes
        .iter()
        .filter(|change| !is_set(file, change))
        .collect();
    let Some(path) = location.path.as_deref().filter(|_| !missing.is_empty()) else {
        return Ok(false);
    };
    let mut refusal = None;
    let mut notes = Vec::new();
    let mut edit = |text: &[u8]| {
        let mut new: Option<WipedBytes> = None;
        for (key, value) in &missing {
            let old = new.as_deref().map_or(text, Vec::as_slice);
            let edited = match value {
                Some(value) => ini::set(old, key, value),
                None => ini::clear(old, key),
            };
            match edited {
                Ok(edited) if edited.changed => {
                    notes = edited.notes;
                    new = Some(edited.text);
                }
                Ok(_) => {}
                Err(note) => {
                    refusal = Some(note);
                    return None;
                }
            }
        }
        new
    };
    let updated = update(context, path, SETTINGS_LIMIT, Missing::Folders, &mut edit)?;
    let shown = context.shown(path);
    if let Some(note) = refusal {
        return Err(format!("{shown} line {}: {}", note.line, note.text));
    }
    if updated.changed {
        context.log.info(&format!("Updated settings file {shown}"));
        for note in notes {
            context
                .log
                .warn(&format!("{shown} line {}: {}", note.line, note.text));
        }
    }
    Ok(updated.changed)
}

/// Whether a settings file says so already.
fn is_set(file: Option<&SettingsFile>, (key, value): &Setting) -> bool {
    let Some(file) = file else {
        return value.is_none();
    };
    let asked: SettingResult<'_, String> = match *key {
        setting::BASE_URL => file.base_url(),
        _ => file.anonymous(),
    };
    // What is in doubt is not set.
    asked.is_ok_and(|there| there.map(|placed| placed.value.as_str()) == *value)
}
