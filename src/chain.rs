//! The sources of a credential, in order. Each is one function that answers with
//! a credential and where it came from, or with nothing, or with what is wrong.
//! A login stops at the first answer; a report hears them all.

use std::path::PathBuf;

use crate::context::Context;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, Result};
use crate::files;
use crate::key::ApiKey;
use crate::netrc;
use crate::netrc_file;
use crate::options::Flags;
use crate::session::{Session, Source};
use crate::world::shown;

/// A place to look in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Explicit,
    Session,
    KeyVariable,
    IdentityTokenFile,
    KeyFile,
    WorkspaceSettings,
    SystemSettings,
    Netrc,
}

/// The order that W&B documents.
const DOCUMENTED: [Place; 8] = [
    Place::Explicit,
    Place::Session,
    Place::KeyVariable,
    Place::IdentityTokenFile,
    Place::KeyFile,
    Place::WorkspaceSettings,
    Place::SystemSettings,
    Place::Netrc,
];

/// The order of the Python SDK 0.30 and later.
const SDK: [Place; 8] = [
    Place::Explicit,
    Place::Session,
    Place::KeyVariable,
    Place::IdentityTokenFile,
    Place::KeyFile,
    Place::Netrc,
    Place::WorkspaceSettings,
    Place::SystemSettings,
];

/// The variables that name a credential: at most one of them may be set.
const VARIABLES: [(Place, &str); 3] = [
    (Place::KeyVariable, "WANDB_API_KEY"),
    (Place::IdentityTokenFile, "WANDB_IDENTITY_TOKEN_FILE"),
    (Place::KeyFile, "WANDB_API_KEY_FILE"),
];

/// The order of this call.
pub(crate) fn order(context: &Context) -> &'static [Place; 8] {
    if context.options.flags.has(Flags::SDK_ORDER) { &SDK } else { &DOCUMENTED }
}

impl Place {
    pub fn source(self) -> Source {
        match self {
            Place::Explicit => Source::Explicit,
            Place::Session => Source::Session,
            Place::KeyVariable => Source::Environment,
            Place::IdentityTokenFile => Source::IdentityToken,
            Place::KeyFile => Source::KeyFile,
            Place::WorkspaceSettings | Place::SystemSettings => Source::Settings,
            Place::Netrc => Source::Netrc,
        }
    }
}

/// What was found.
pub(crate) enum Proof {
    Key(ApiKey),
    Session(Session),
    /// A file whose token the server exchanges for an access token.
    IdentityToken(PathBuf),
}

/// A credential and where it came from.
pub(crate) struct Found {
    pub proof: Proof,
    pub place: Place,
    /// The variable or the file.
    pub name: Option<String>,
    pub line: Option<usize>,
}

impl Found {
    /// The key, where there is one to compare or to mask.
    pub fn key(&self) -> Option<&[u8]> {
        match &self.proof {
            Proof::Key(key) => Some(key.as_bytes()),
            Proof::Session(session) => session.api_key().map(|key| key.as_bytes()),
            Proof::IdentityToken(_) => None,
        }
    }
}

/// What stands in the way at one place, in one sentence that names it.
#[derive(Debug)]
pub(crate) struct Obstacle {
    pub text: String,
    pub name: Option<String>,
    pub line: Option<usize>,
}

/// What one place answers.
pub(crate) enum Answer {
    /// Nothing is there. The name is where one would be.
    Absent(Option<String>),
    Found(Found),
    /// Nothing can be read there; the next place is asked, after a warning.
    Unreadable(Obstacle),
    /// Something is there, for another server; the next place is asked.
    Elsewhere(Obstacle),
    /// A key is there that must not go to this server: the login ends.
    Withheld(Obstacle),
    /// What is there is malformed: the login ends.
    Malformed(Obstacle),
}

/// The first credential in the order of this call.
pub(crate) fn first(context: &Context, server: &Endpoint) -> Result<Option<Found>> {
    let relogin = context.relogin();
    for &place in order(context) {
        if relogin && place != Place::Explicit {
            continue;
        }
        match ask(context, server, place) {
            Answer::Absent(_) | Answer::Elsewhere(_) => {}
            Answer::Unreadable(obstacle) => context.log.warn(&obstacle.text),
            Answer::Found(found) => return Ok(Some(found)),
            Answer::Withheld(obstacle) | Answer::Malformed(obstacle) => {
                return Err(Error::Credentials(obstacle.text));
            }
        }
    }
    Ok(None)
}

/// Asks one place.
pub(crate) fn ask(context: &Context, server: &Endpoint, place: Place) -> Answer {
    match place {
        Place::Explicit => explicit(context, server),
        Place::Session => session(context, server),
        Place::KeyVariable | Place::IdentityTokenFile | Place::KeyFile => variable(context, server, place),
        Place::WorkspaceSettings | Place::SystemSettings => settings(context, server, place),
        Place::Netrc => netrc(context, server),
    }
}

fn explicit(context: &Context, server: &Endpoint) -> Answer {
    let Some(text) = context.options.api_key.filter(|key| !key.is_empty()) else {
        return Answer::Absent(None);
    };
    key_answer(context, server, Place::Explicit, text.as_bytes(), None, None)
}

fn session(context: &Context, server: &Endpoint) -> Answer {
    let Some(session) = context.options.session else {
        return Answer::Absent(None);
    };
    let name = session.source_name().map(str::to_string);
    let elsewhere = |text| Answer::Elsewhere(Obstacle { text, name: name.clone(), line: None });
    if !session.facts().base_url.same_server(&server.url) {
        return elsewhere(format!("the session is for {}", session.base_url()));
    }
    if session.expires_at().is_some_and(|end| end <= context.unix_time()) {
        return elsewhere("the session's access token has expired".into());
    }
    Answer::Found(Found {
        proof: Proof::Session(session.clone()),
        place: Place::Session,
        name: name.clone(),
        line: None,
    })
}

/// The three variables that name a credential.
fn variable(context: &Context, server: &Endpoint, place: Place) -> Answer {
    let world = &context.world;
    let is_set = |name: &str| world.is_set(name);
    let (_, name) = VARIABLES[place as usize - Place::KeyVariable as usize];
    if !is_set(name) {
        return Answer::Absent(Some(name.into()));
    }
    let obstacle = |text| Obstacle { text, name: Some(name.into()), line: None };
    if let Some((_, other)) = VARIABLES.iter().find(|(_, other)| *other != name && is_set(other)) {
        return Answer::Malformed(obstacle(format!(
            "Both {name} and {other} are set, which is not allowed; unset one of them."
        )));
    }
    if server.workspace_only {
        return Answer::Withheld(obstacle(withheld(server, name)));
    }
    if place == Place::KeyVariable {
        let value = world.secret(name).unwrap_or_default();
        return key_answer(context, server, place, &value, Some(name.into()), None);
    }
    let path = world.path(world.var(name).unwrap_or_default().as_ref());
    let shown_path = shown(world.absolute(&path));
    let text = match files::read_secret(&path, &|| context.cancelled()) {
        Ok(text) => text,
        Err(problem) => {
            return Answer::Malformed(obstacle(format!(
                "{shown_path}, which {name} names, cannot be used: {problem}; mount it, or unset the variable."
            )));
        }
    };
    if place == Place::IdentityTokenFile {
        return Answer::Found(Found {
            proof: Proof::IdentityToken(path),
            place,
            name: Some(shown_path),
            line: None,
        });
    }
    if text.world_readable() {
        context.log.security(&format!("{shown_path} can be read by every user of this machine"));
    }
    key_answer(context, server, place, &text.bytes, Some(shown_path), None)
}

fn settings(context: &Context, server: &Endpoint, place: Place) -> Answer {
    let all = context.settings();
    let file = match place {
        Place::WorkspaceSettings => &all.workspace,
        _ => &all.system,
    };
    let path = file.shown_path();
    let obstacle = |text, line| Obstacle { text, name: path.clone(), line };
    if let Some(problem) = file.unreadable() {
        return Answer::Unreadable(obstacle(problem, None));
    }
    let value = match file.api_key() {
        Ok(None) => return Answer::Absent(path),
        Ok(Some(value)) => value,
        Err(problem) => return Answer::Malformed(obstacle(problem.text, problem.line)),
    };
    // The key is for the server that its own file names, else for the one that
    // results without the caller's say.
    let home = match file.base_url() {
        Ok(Some(url)) => crate::host::BaseUrl::parse(&url.value).map_err(|problem| {
            obstacle(format!("{}: {problem}", url.place()), Some(url.line))
        }),
        Ok(None) => endpoint::configured(context)
            .map(|server| server.url)
            .map_err(|error| obstacle(error.to_string(), None)),
        Err(problem) => Err(obstacle(problem.text, problem.line)),
    };
    let home = match home {
        Ok(home) => home,
        Err(obstacle) => return Answer::Malformed(obstacle),
    };
    if !home.same_server(&server.url) {
        let text = format!("its key is for {}", home.as_str());
        return Answer::Elsewhere(obstacle(text, Some(value.line)));
    }
    if place == Place::SystemSettings && server.workspace_only {
        let name = path.clone().unwrap_or_default();
        return Answer::Withheld(obstacle(withheld(server, &name), Some(value.line)));
    }
    let line = value.line;
    key_answer(context, server, place, value.as_bytes(), path, Some(line))
}

fn netrc(context: &Context, server: &Endpoint) -> Answer {
    let file = match netrc_file::read(&context.world) {
        Ok(file) => file,
        Err(obstacle) => return Answer::Unreadable(obstacle),
    };
    let Some(text) = &file.text else {
        return Answer::Absent(file.shown_path);
    };
    let looked = netrc::look_up(&text.bytes, &netrc_file::names(server), ApiKey::is_key);
    for note in &looked.notes {
        context.log.warn(&format!("{} line {}: {}", file.shown(), note.line, note.text));
    }
    let Some(hit) = looked.hit else {
        return Answer::Absent(file.shown_path);
    };
    key_answer(context, server, Place::Netrc, &hit.password, file.shown_path, Some(hit.line))
}

/// What a text that should be a key comes to.
fn key_answer(
    context: &Context,
    server: &Endpoint,
    place: Place,
    text: &[u8],
    name: Option<String>,
    line: Option<usize>,
) -> Answer {
    let shown = match (&name, line) {
        (Some(name), Some(line)) => format!("{name} line {line}"),
        (Some(name), None) => name.clone(),
        (None, _) => "the given API key".into(),
    };
    match ApiKey::parse(text) {
        Ok(parsed) => {
            // A file that ends with a line feed is no mistake.
            if parsed.trimmed && place != Place::KeyFile {
                context.log.warn(&format!("white space around the key in {shown} was dropped"));
            }
            Answer::Found(Found { proof: Proof::Key(parsed.key), place, name, line })
        }
        Err(problem) => Answer::Malformed(Obstacle {
            text: format!(
                "{shown} invalid: {problem} Copy a whole key from {}.",
                context.authorize_url(server)
            ),
            name,
            line,
        }),
    }
}

/// Why a key is kept back from a server that only the working directory names.
fn withheld(server: &Endpoint, name: &str) -> String {
    format!(
        "the credential in {name} is not sent to {}, which only {} names: set WANDB_BASE_URL, pass host, or put base_url into the system settings",
        server.url.as_str(),
        server.origin_text(),
    )
}
