//! What the netrc file holds.

use std::path::{Path, PathBuf};

use super::configured::key_answer;
use super::{Answer, Obstacle, Place};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::{self, NETRC_LIMIT};
use crate::files;
use crate::formats::netrc;
use crate::key::ApiKey;

pub(super) fn netrc(context: &Context, server: &Endpoint) -> Answer {
    // Without a home there is no netrc.
    let Ok(paths) = paths::netrc(&context.env) else {
        return Answer::Absent(None);
    };
    file(context, server, &paths.first, &|| paths.second())
        .or_else(|| file(context, server, &paths.second()?, &|| None))
        .unwrap_or_else(|| absent(context, &paths.first))
}

/// No key is there, and where one would be.
fn absent(context: &Context, path: &Path) -> Answer {
    Answer::Absent(context.log.told(|| Some(context.shown(path).into())))
}

/// What one file says, if it is there; then no other is looked at.
fn file(
    context: &Context,
    server: &Endpoint,
    path: &Path,
    other: &dyn Fn() -> Option<PathBuf>,
) -> Option<Answer> {
    match files::read(path, NETRC_LIMIT) {
        Ok(None) => None,
        Ok(Some(text)) => {
            if context.log.is_kept()
                && let Some(other) = other().filter(|path| path.exists())
            {
                let (name, other) = (context.shown(path), context.shown(&other));
                context
                    .log
                    .detail(&format!("{other} is not looked at because {name} exists"));
            }
            Some(netrc_text(context, server, &text, path))
        }
        Err(problem) => {
            let name = context.shown(path);
            let text = format!("Failed to read netrc file: {name} {problem}; mend or remove it");
            Some(Answer::Unreadable(Obstacle {
                text,
                name: Some(name.into()),
                line: None,
            }))
        }
    }
}

/// Looks the server up in the text of a netrc file.
fn netrc_text(context: &Context, server: &Endpoint, text: &files::Text, path: &Path) -> Answer {
    let name = || context.shown(path);
    let line_of = |at: usize| netrc::line_of(&text.bytes, at);
    let found = netrc::look_up(&text.bytes, &server.netrc_names(), ApiKey::is_key);
    for note in &found.notes {
        context
            .log
            .warn(&format!("{} line {}: {}", name(), note.line, note.text));
    }
    let detail = |line: String| context.log.detail(&format!("{} {line}", name()));
    if text.open_to_others() {
        detail("is open to other users: chmod 600 it".into());
    }
    if let Some(stop) = &found.sdk_error {
        let (line, why) = (stop.line, stop.message);
        detail(format!(
            "line {line}: the Python SDK stops here and reads no entry ({why})"
        ));
    }
    if found.shadowed > 0 {
        let count = found.shadowed;
        detail(format!(
            "has {count} more for this server, which the last entry shadows"
        ));
    }
    if found.bom {
        detail("begins with a byte-order mark".into());
    }
    if found.crlf {
        detail("has Windows line ends".into());
    }
    let Some(hit) = &found.hit else {
        return no_entry(context, server, &text.bytes, path, &found);
    };
    if hit.how != netrc::Match::Exact {
        let (machine, netloc) = (hit.machine(&text.bytes), server.url.netloc());
        let line = line_of(hit.at);
        detail(format!(
            "line {line}: the entry is stored for {machine}, not for {netloc}"
        ));
    }
    if found.sdk_error.is_none() {
        match found.sdk_at {
            Some(at) if at == hit.at || line_of(at) == line_of(hit.at) => {}
            Some(at) => detail(format!(
                "line {}: the Python SDK would use this entry",
                line_of(at)
            )),
            None => detail(format!(
                "line {}: the Python SDK does not find this entry",
                line_of(hit.at)
            )),
        }
    }
    let spot = || (Some(name().into()), Some(line_of(hit.at)));
    key_answer(context, server, Place::Netrc, &hit.password, &spot)
}

/// A netrc file without an entry for the server, and what is there instead.
fn no_entry(
    context: &Context,
    server: &Endpoint,
    text: &[u8],
    path: &Path,
    found: &netrc::Lookup,
) -> Answer {
    let elsewhere = |at, what: String| {
        Answer::Elsewhere(Obstacle {
            text: what,
            name: Some(context.shown(path).into()),
            line: Some(netrc::line_of(text, at)),
        })
    };
    if let Some(at) = found.default_at {
        let sdk = match found.sdk_at {
            Some(_) => "; the Python SDK would use it",
            None => "",
        };
        return elsewhere(
            at,
            format!("the default entry is for other machines and is never used{sdk}"),
        );
    }
    // The port may have been left out where it must not be.
    let names = netrc::Names {
        netloc: server.url.host(),
        ..netrc::Names::default()
    };
    let hit = match server.url.host() == server.url.netloc() {
        true => None,
        false => netrc::look_up(text, &names, ApiKey::is_key).hit,
    };
    match hit {
        Some(hit) => elsewhere(
            hit.at,
            format!(
                "the entry for {} without a port is not used for {}: log in to that server",
                hit.machine(text),
                server.url.netloc()
            ),
        ),
        None => absent(context, path),
    }
}
