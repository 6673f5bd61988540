//! What the netrc file holds.

use super::sources::key_answer;
use super::{Answer, Obstacle, Place};
use crate::context::Context;
use crate::dotfiles::{self, NETRC_LIMIT};
use crate::endpoint::Endpoint;
use crate::files;
use crate::key::ApiKey;
use crate::netrc;

pub(super) fn netrc(context: &Context, server: &Endpoint) -> Answer {
    // Without a home there is no netrc.
    let paths = dotfiles::netrc(&context.world).unwrap_or_default();
    for (index, path) in paths.iter().enumerate() {
        let name = context.shown(path);
        match files::read(path, NETRC_LIMIT) {
            Ok(None) => {}
            Ok(Some(text)) => {
                let other = paths.get(index + 1).filter(|_| context.log.is_kept());
                if let Some(other) = other.filter(|path| path.exists()) {
                    let other = context.shown(other);
                    context
                        .log
                        .detail(&format!("{other} is not looked at because {name} exists"));
                }
                return netrc_text(context, server, &text, name);
            }
            Err(problem) => {
                let text =
                    format!("Failed to read netrc file: {name} {problem}; mend or remove it");
                return Answer::Unreadable(Obstacle {
                    text,
                    name: Some(name.into()),
                    line: None,
                });
            }
        }
    }
    Answer::Absent(paths.first().map(|path| context.shown(path).into()))
}

/// Looks the server up in the text of a netrc file.
fn netrc_text(context: &Context, server: &Endpoint, text: &files::Text, name: String) -> Answer {
    let found = netrc::look_up(&text.bytes, &server.netrc_names(), ApiKey::is_key);
    for note in &found.notes {
        context
            .log
            .warn(&format!("{name} line {}: {}", note.line, note.text));
    }
    let detail = |line: String| context.log.detail(&format!("{name} {line}"));
    if text.open_to_others() {
        detail("is open to other users: chmod 600 it".into());
    }
    if let Some(stop) = &found.sdk_stops {
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
    let Some(hit) = found.hit else {
        let netrc::Lookup {
            default_line,
            sdk_line,
            ..
        } = found;
        return no_entry(server, &text.bytes, name, default_line, sdk_line);
    };
    if hit.how != netrc::Match::Exact {
        let (machine, netloc) = (hit.machine(&text.bytes), server.url.netloc());
        detail(format!(
            "line {}: the entry is stored for {machine}, not for {netloc}",
            hit.line
        ));
    }
    if found.sdk_stops.is_none() {
        match found.sdk_line {
            Some(line) if line == hit.line => {}
            Some(line) => detail(format!("line {line}: the Python SDK would use this entry")),
            None => detail(format!(
                "line {}: the Python SDK does not find this entry",
                hit.line
            )),
        }
    }
    key_answer(
        context,
        server,
        Place::Netrc,
        &hit.password,
        Some(name.into()),
        Some(hit.line),
    )
}

/// A netrc file without an entry for the server, and what is there instead.
fn no_entry(
    server: &Endpoint,
    text: &[u8],
    name: String,
    default_line: Option<usize>,
    sdk_line: Option<usize>,
) -> Answer {
    let elsewhere = |line, text: String| {
        Answer::Elsewhere(Obstacle {
            text,
            name: Some(name.clone().into()),
            line: Some(line),
        })
    };
    if let Some(line) = default_line {
        let sdk = match sdk_line {
            Some(_) => "; the Python SDK would use it",
            None => "",
        };
        return elsewhere(
            line,
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
            hit.line,
            format!(
                "the entry for {} without a port is not used for {}: log in to that server",
                hit.machine(text),
                server.url.netloc()
            ),
        ),
        None => Answer::Absent(Some(name.into())),
    }
}
