//! The API key in the netrc file.

use std::cell::RefCell;
use std::path::Path;

use super::update::{Missing, Unsaved, edit_text, warn_of};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::{self, NETRC_LIMIT};
use crate::files::{self, Updated};
use crate::finding::{Code, Finding};
use crate::formats::netrc::{self, BareHost};
use crate::key::ApiKey;
use crate::log::Note;
use crate::options::Flags;

/// Stores the key in netrc, and returns whether it is there. If it cannot be
/// stored, the log says why and the login continues.
pub(crate) fn store(context: &Context, server: &Endpoint, key: &ApiKey) -> bool {
    let stored = try_store(context, server, key);
    if let Err(why) = &stored {
        context.log.warn(Finding::new(
            Code::NotSaved,
            format!("The API key was not saved: {why}"),
        ));
    }
    stored.is_ok()
}

fn try_store(
    context: &Context,
    server: &Endpoint,
    key: &ApiKey,
) -> std::result::Result<(), Unsaved> {
    if !server.gets_netrc_key() {
        return Err(withheld_next_time(server));
    }
    let path = paths::netrc_to_write(&context.env).map_err(|error| error.to_string())?;
    let shown = context.display_path(&path);
    let names = server.netrc_names();
    let rule = match context.options.flags.has(Flags::BARE_HOST) {
        true => BareHost::Store,
        false => BareHost::Follow,
    };
    let edit = |text: &[u8]| netrc::store(text, &names, key.as_bytes(), ApiKey::is_key, rule);
    let (updated, edited) = edit_netrc(context, &path, edit)?;
    if updated.created {
        context.log.info("No netrc file found, creating one.");
    }
    if updated.changed {
        let machines = changed_machines(server, edited.as_ref());
        context.log.info(&format!(
            "Appending key for {machines} to your netrc file: {shown}"
        ));
    }
    if let Some(stop) = edited.and_then(|edited| edited.sdk_error) {
        context.log.warn(Finding::new(
            Code::SdkDiffers,
            format!(
                "the Python SDK cannot read {shown}: it stops at line {} ({})",
                stop.line, stop.message
            ),
        ));
    }
    Ok(())
}

/// Why a key is not stored that the next login here would not use.
fn withheld_next_time(server: &Endpoint) -> Unsaved {
    let url = server.url.as_str();
    format!(
        "{url} is configured only in {}, and a login does not send a netrc key there over plain \
         http or to a path. To name the server for good, run `wandb-login --host {url}`",
        server.origin_text()
    )
}

/// Removes our entries for the server, and returns whether there was one.
pub(super) fn forget(context: &Context, server: &Endpoint) -> std::result::Result<bool, Unsaved> {
    // Without a home directory there is no netrc file.
    let Ok(path) = paths::netrc_to_write(&context.env) else {
        return Ok(false);
    };
    if files::is_missing(&path) {
        return Ok(false);
    }
    let names = server.netrc_names();
    let edit = |text: &[u8]| netrc::forget(text, &names, ApiKey::is_key);
    let (updated, edited) = edit_netrc(context, &path, edit)?;
    if updated.changed {
        let machines = changed_machines(server, edited.as_ref());
        let shown = context.display_path(&path);
        context
            .log
            .info(&format!("Removed the key for {machines} from {shown}"));
    }
    Ok(updated.changed)
}

/// Removes the keys of all servers from the netrc files, also from one that is not
/// read because of another. Returns whether there was a key in each.
pub(super) fn forget_all(context: &Context) -> Vec<std::result::Result<bool, Unsaved>> {
    let Ok(paths) = paths::netrc(&context.env) else {
        return Vec::new();
    };
    let all = [Some(paths.first.clone()), paths.second()];
    let existing = all
        .into_iter()
        .flatten()
        .filter(|path| !files::is_missing(path));
    existing.map(|path| forget_in(context, &path)).collect()
}

/// Removes the keys of all servers from one file.
fn forget_in(context: &Context, path: &Path) -> std::result::Result<bool, Unsaved> {
    let machines = RefCell::new(Vec::new());
    let edit = |text: &[u8]| {
        let found = netrc::servers(text, ApiKey::is_key);
        let edited = netrc::forget_each(text, &found, ApiKey::is_key);
        machines.replace(found);
        edited
    };
    let (updated, _) = edit_netrc(context, path, edit)?;
    if updated.changed {
        let machines = machines.into_inner().join(", ");
        let shown = context.display_path(&updated.path);
        context
            .log
            .info(&format!("Removed the keys for {machines} from {shown}"));
    }
    Ok(updated.changed)
}

/// The machines of an edit, for a message.
fn changed_machines(server: &Endpoint, edited: Option<&netrc::Edited>) -> String {
    let netloc = server.url.netloc();
    match server.url.bare_host() {
        Some(host) if edited.is_some_and(|edited| edited.bare_host_changed) => {
            format!("{netloc} and {host}")
        }
        _ => netloc.to_owned(),
    }
}

/// Edits netrc and logs the notes of the editor.
fn edit_netrc(
    context: &Context,
    path: &Path,
    edit: impl Fn(&[u8]) -> std::result::Result<netrc::Edited, Note>,
) -> std::result::Result<(Updated, Option<netrc::Edited>), Unsaved> {
    let new_text = |edited: &mut netrc::Edited| {
        let changed = edited.changed;
        changed.then(|| std::mem::take(&mut edited.text))
    };
    let (updated, edited) = edit_text(context, path, NETRC_LIMIT, Missing::File, edit, new_text)?;
    if let Some(edited) = &edited {
        warn_of(context, path, &edited.notes);
    }
    Ok((updated, edited))
}
