//! What else the user should know: keys that disagree, what the Python SDK
//! would do differently, and what goes before a key that was just stored or
//! forgotten.

use crate::config::context::Context;
use crate::config::endpoint::{Endpoint, Name, Origin};
use crate::config::paths::CREDENTIALS_LIMIT;
use crate::config::settings::SettingsFile;
use crate::env::variables;
use crate::files;
use crate::session::Session;
use crate::sources::{self, Answer, Found, Place, VARIABLES};

/// The files that the user keeps, in no order.
const FILES: [Place; 3] = [
    Place::WorkspaceSettings,
    Place::SystemSettings,
    Place::Netrc,
];

/// Variables whose empty value the SDK does not take for an unset one.
const NEVER_EMPTY: [&str; 4] = [
    variables::BASE_URL,
    variables::MODE,
    variables::SILENT,
    variables::LOGIN_TIMEOUT,
];

/// Where the SDK goes when it drops the settings that name the server.
const SDK_DEFAULT: &str = "https://api.forge.coreweave.com";

/// Tells that a server takes the key in the clear.
pub(crate) fn plain_http(context: &Context, server: &Endpoint) {
    if server.url.is_plain_http_warned() {
        let url = server.url.as_str();
        context.log.security(&format!(
            "{url} is plain http: whoever sees the traffic sees the key; use https"
        ));
    }
}

/// Tells where the user's files hold another key than the one that won. The
/// SDK reads them in another order than W&B documents.
pub(crate) fn rivals(context: &Context, server: &Endpoint, winner: &Found) {
    if !FILES.contains(&winner.place) {
        return;
    }
    let later = sources::order(context)
        .iter()
        .skip_while(|&&place| place != winner.place)
        .skip(1);
    for &place in later {
        let Answer::Found(rival) = sources::ask(context, server, place) else {
            continue;
        };
        if rival.key() == winner.key() {
            continue;
        }
        let (used, other) = (winner.shown(), rival.shown());
        if winner.place == Place::WorkspaceSettings {
            context.log.security(&format!(
                "the key of the working directory, in {used}, goes before your own in {other}"
            ));
        }
        // The SDK looks into netrc before it looks into settings files.
        if place == Place::Netrc {
            context.log.warn(&format!(
                "{used} and {other} hold different keys: the first is used, as W&B documents; the Python SDK 0.30 and later would use {other}"
            ));
        } else if winner.place == Place::Netrc {
            context.log.warn(&format!(
                "{used} and {other} hold different keys: the first is used, as by the Python SDK 0.30 and later; W&B documents the order in which {other} would be used"
            ));
        }
    }
}

/// Tells a report that others can read the cache of access tokens.
pub(crate) fn open_cache(context: &Context) {
    let path = context.credentials_file().ok().flatten();
    if let Some(path) = path
        && let Ok(Some(text)) = files::read(&path, CREDENTIALS_LIMIT)
        && text.open_to_others()
    {
        let shown = context.shown(&path);
        context.log.security(&format!(
            "{shown} can hold access tokens and can be read by other users: chmod 600 it"
        ));
    }
}

/// Why a key lost to another, and how it could win.
pub(crate) fn loss(winner: &Found, loser: &Found) -> String {
    if winner.key().is_some() && winner.key() == loser.key() {
        return format!("the same key as in {}", winner.shown());
    }
    let place = winner.place;
    let remedy = match VARIABLES.iter().find(|(variable, _)| *variable == place) {
        Some((_, name)) => format!("unset {name} to use this one"),
        None if place == Place::Netrc => "`wandb-login logout` removes that one".into(),
        None if FILES.contains(&place) => "remove api_key there to use this one".into(),
        None => "leave it out to use this one".into(),
    };
    format!("comes after {}; {remedy}", winner.shown())
}

/// Tells a report what the SDK would make of an answer, where it would do
/// something else.
pub(crate) fn sdk_would(context: &Context, server: &Endpoint, place: Place, answer: &Answer) {
    let url = server.url.as_str();
    let named = |name: &Option<Name>| name.clone().unwrap_or_default();
    match (place, answer) {
        (_, Answer::Withheld(obstacle)) => context.log.detail(&format!(
            "the Python SDK would send the credential in {} to {url}",
            named(&obstacle.name)
        )),
        // It compares the server with what is configured altogether, not with
        // what the key's own file says.
        (Place::WorkspaceSettings | Place::SystemSettings, Answer::Elsewhere(obstacle))
            if !server.is_named_by_caller() =>
        {
            context.log.detail(&format!(
                "the Python SDK binds no key to the server of its file, and could send the one in {} to {url}",
                named(&obstacle.name)
            ));
        }
        (Place::KeyFile, Answer::Found(_)) => context.log.detail(
            "the Python SDK does not know WANDB_API_KEY_FILE; `wandb-login env` prints variables that it knows",
        ),
        _ => {}
    }
}

/// Tells a report where the SDK reads the configuration otherwise.
pub(crate) fn sdk_reads(context: &Context, server: &Endpoint) {
    let settings = context.settings();
    let files = || {
        [&settings.workspace, &settings.system]
            .into_iter()
            .flatten()
    };
    let has_key = |file: &SettingsFile| matches!(file.api_key(), Ok(Some(_)));
    if context.env.is_empty(variables::API_KEY) && files().any(has_key) {
        context.log.detail(
            "WANDB_API_KEY is set but empty, which counts as unset; in the Python SDK it hides api_key of the settings files",
        );
    }
    for name in NEVER_EMPTY {
        if context.env.is_empty(name) {
            context.log.detail(&format!(
                "{name} is set but empty, which counts as unset; the Python SDK ends with an error"
            ));
        }
    }
    let of = match server.origin {
        Origin::SystemSettings => &settings.system,
        Origin::WorkspaceSettings => &settings.workspace,
        _ => return,
    };
    // Under whatever name, it is where the SDK goes by itself.
    if server.url.is_cloud() {
        return;
    }
    let rejected = of.as_ref().is_some_and(|of| of.rejected_by_sdk.is_some());
    if rejected || files().any(|file| file.unknown_to_sdk) {
        context.log.detail(&format!(
            "the Python SDK would log in to {SDK_DEFAULT} instead: with the settings it drops base_url"
        ));
    }
}

/// Tells what will win again at the next login, now that there is a new key.
pub(crate) fn what_wins_again(context: &Context, server: &Endpoint, session: &Session) {
    let key = session.api_key().map(|key| key.as_bytes());
    for (place, name) in VARIABLES {
        let same = place == Place::KeyVariable
            && matches!(sources::ask(context, server, place), Answer::Found(found) if found.key() == key);
        if context.env.is_set(name) && !same {
            context.log.warn(&format!(
                "{name} is set and goes before this key at the next login: unset it to use the key"
            ));
        }
    }
    let before = sources::order(context)
        .iter()
        .take_while(|&&place| place != Place::Netrc);
    for place in before.filter(|place| FILES.contains(place)) {
        if let Answer::Found(found) = sources::ask(context, server, *place)
            && found.key() != key
        {
            context.log.warn(&format!(
                "api_key in {} goes before this key at the next login: remove it to use the key",
                found.shown()
            ));
        }
    }
}

/// Tells what still logs in, now that the stored key is gone.
pub(crate) fn what_still_wins(context: &Context, server: &Endpoint) {
    let url = server.url.as_str();
    for (_, name) in VARIABLES {
        if context.env.is_set(name) && !server.workspace_only {
            context.log.warn(&format!(
                "{name} is set and still logs in to {url}: unset it"
            ));
        }
    }
    for place in FILES {
        match sources::ask(context, server, place) {
            Answer::Found(found) if place == Place::Netrc => context.log.warn(&format!(
                "{} still logs in to {url}; its entry is not one that a login writes, so it stays: remove it by hand",
                found.shown()
            )),
            Answer::Found(found) => context.log.warn(&format!(
                "api_key in {} still logs in to {url}: remove it there",
                found.shown()
            )),
            Answer::Malformed(obstacle) => context.log.warn(&obstacle.text),
            _ => {}
        }
    }
}
