//! What the caller gives, what variables name, and what settings files hold.

use super::{Answer, Found, FoundCredential, Obstacle, Place, Spot, VARIABLES};
use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Name};
use crate::config::settings::Which;
use crate::error::Error;
use crate::files;
use crate::key::ApiKey;
use crate::url::{BaseUrl, authorize_url};

pub(super) fn explicit(context: &Context, server: &Endpoint) -> Answer {
    let Some(text) = context.options.api_key.filter(|key| !key.is_empty()) else {
        return Answer::Absent(None);
    };
    key_answer(context, server, Place::Explicit, text.as_bytes(), &|| {
        (None, None)
    })
}

pub(super) fn session(context: &Context, server: &Endpoint) -> Answer {
    let Some(session) = context.options.session else {
        return Answer::Absent(None);
    };
    let name: Option<Name> = session.source_name().map(|name| name.to_string().into());
    let elsewhere = |text| {
        Answer::Elsewhere(Obstacle {
            text,
            name: name.clone(),
            line: None,
        })
    };
    if !session.data().base_url.same_server(&server.url) {
        return elsewhere(format!("the session is for {}", session.base_url()));
    }
    if session
        .expires_at()
        .is_some_and(|end| end <= context.unix_time())
    {
        return elsewhere("the session's access token has expired".into());
    }
    Answer::Found(Found {
        proof: FoundCredential::Session(session.clone()),
        place: Place::Session,
        name: name.clone(),
        line: None,
    })
}

/// The three variables that name a credential.
pub(super) fn variable(context: &Context, server: &Endpoint, place: Place) -> Answer {
    let env = &context.env;
    let (_, name) = VARIABLES[place as usize - Place::KeyVariable as usize];
    let Some(value) = env.secret(name) else {
        return Answer::Absent(Some(name.into()));
    };
    let obstacle = |text| Obstacle {
        text,
        name: Some(name.into()),
        line: None,
    };
    // That this one is set is known; asking would copy the key again.
    let is_set = |other: &str| other == name || env.is_set(other);
    let mut set = VARIABLES.iter().filter(|(_, other)| is_set(other));
    if let (Some((_, one)), Some((_, other))) = (set.next(), set.next()) {
        return Answer::Malformed(obstacle(format!(
            "Both {one} and {other} are set, which is not allowed; unset one of them."
        )));
    }
    if server.workspace_only {
        return Answer::Withheld(obstacle(withheld(context, server, name)));
    }
    if place == Place::KeyVariable {
        return key_answer(context, server, place, &value, &|| {
            (Some(name.into()), None)
        });
    }
    let path = env.absolute(env.var(name).unwrap_or_default());
    let shown_path = context.shown(&path);
    let text = match files::read_secret(&path, &|| context.cancelled()) {
        Ok(text) => text,
        Err(problem) => {
            return Answer::Malformed(Obstacle {
                text: format!(
                    "{shown_path}, which {name} names, {problem}: mount it, or unset the variable."
                ),
                name: Some(shown_path.into()),
                line: None,
            });
        }
    };
    if text.mode & 0o006 != 0 {
        context.log.security(&format!(
            "{shown_path} is open to every user of this machine"
        ));
    }
    if place == Place::IdentityTokenFile {
        return Answer::Found(Found {
            proof: FoundCredential::IdentityToken(path),
            place,
            name: Some(shown_path.into()),
            line: None,
        });
    }
    key_answer(context, server, place, &text.bytes, &|| {
        (Some(shown_path.clone().into()), None)
    })
}

pub(super) fn settings(context: &Context, server: &Endpoint, place: Place) -> Answer {
    let which = match place {
        Place::WorkspaceSettings => Which::Workspace,
        _ => Which::System,
    };
    let (location, file) = context.config().file(which);
    let path = || location.shown().map(Name::from);
    let obstacle = |text, line| Obstacle {
        text,
        name: path(),
        line,
    };
    if let Some(problem) = &location.problem {
        let path = path().unwrap_or_default();
        return Answer::Unreadable(obstacle(format!("{path} {problem}"), None));
    }
    let Some(file) = file else {
        return Answer::Absent(context.log.told(path));
    };
    let key = match file.api_key() {
        Ok(None) => return Answer::Absent(context.log.told(path)),
        Ok(Some(key)) => key,
        Err(problem) => {
            return Answer::Malformed(obstacle(problem.text.clone(), Some(problem.line)));
        }
    };
    let line = Some(key.line);
    // The key is for the server that its own file names, else for the one that
    // results without the caller's say.
    let own = file.base_url().map_err(Error::from);
    let home = own.and_then(|url| match url {
        Some(url) => BaseUrl::parse(url.value)
            .map_err(|problem| Error::Credentials(format!("{}: {problem}", url.place()))),
        None => endpoint::configured(context)
            .map(|server| server.url)
            .map_err(Error::from),
    });
    match home {
        Err(error) => Answer::Malformed(obstacle(error.to_string(), line)),
        Ok(home) if !home.same_server(&server.url) => Answer::Elsewhere(obstacle(
            format!(
                "its key is for {}: name that server to use it",
                home.as_str()
            ),
            line,
        )),
        Ok(_) if which == Which::System && server.workspace_only => {
            let name = path().unwrap_or_default();
            Answer::Withheld(obstacle(withheld(context, server, &name), line))
        }
        Ok(_) => key_answer(context, server, place, key.value.as_bytes(), &|| {
            (path(), line)
        }),
    }
}

/// What a text that should be a key comes to.
pub(super) fn key_answer(
    context: &Context,
    server: &Endpoint,
    place: Place,
    text: &[u8],
    spot: Spot,
) -> Answer {
    let shown = || match spot() {
        (Some(name), Some(line)) => format!("{name} line {line}"),
        (Some(name), None) if place == Place::KeyFile => {
            format!("{name}, which WANDB_API_KEY_FILE names,")
        }
        (Some(name), None) => name.to_string(),
        (None, _) if context.options.command_line => "the given key".into(),
        (None, _) => "the api_key option".into(),
    };
    match ApiKey::parse(text) {
        Ok(parsed) => {
            // A file that ends with a line feed is no mistake.
            let usual = place == Place::KeyFile && text == text.trim_ascii_start();
            if parsed.trimmed && !usual {
                context.log.warn(&format!(
                    "{}: white space around the key was dropped; the Python SDK refuses such a key",
                    shown()
                ));
            }
            let (name, line) = context.log.told(spot);
            Answer::Found(Found {
                proof: FoundCredential::Key(parsed.key),
                place,
                name,
                line,
            })
        }
        Err(problem) => {
            let (name, line) = spot();
            Answer::Malformed(Obstacle {
                text: format!(
                    "{} is invalid: {problem} Copy a whole key from {}.",
                    shown(),
                    authorize_url(&server.url.app_url(None), false, None)
                ),
                name,
                line,
            })
        }
    }
}

/// Why a key is kept back from a server that only the working directory names.
fn withheld(context: &Context, server: &Endpoint, name: &str) -> String {
    let host = match context.options.command_line {
        true => "use --host",
        false => "pass host",
    };
    format!(
        "the credential in {name} is not sent to {}, which only {} names: set WANDB_BASE_URL, {host}, or put base_url into the system settings",
        server.url.as_str(),
        server.origin_text(),
    )
}
