//! The sources of a credential, in order. Each is one function that answers with
//! a credential and where it came from, or with nothing, or with what is wrong.
//! A login stops at the first answer; a report hears them all.

use std::path::PathBuf;

use crate::context::Context;
use crate::dotfiles::{self, NETRC_LIMIT};
use crate::endpoint::{self, Endpoint, Name};
use crate::error::{Error, Result};
use crate::files;
use crate::host::{BaseUrl, authorize_url};
use crate::key::ApiKey;
use crate::netrc;
use crate::options::Flags;
use crate::session::{Credential, Session, Source};
use crate::settings::Which;

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
    /// A human, or the caller's prompt: asked when all others had nothing.
    Prompt,
    /// The server, which makes an account without a name.
    Anonymous,
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
pub(crate) const VARIABLES: [(Place, &str); 3] = [
    (Place::KeyVariable, "WANDB_API_KEY"),
    (Place::IdentityTokenFile, "WANDB_IDENTITY_TOKEN_FILE"),
    (Place::KeyFile, "WANDB_API_KEY_FILE"),
];

/// The order of this call.
pub(crate) fn order(context: &Context) -> &'static [Place; 8] {
    if context.options.flags.has(Flags::SDK_ORDER) {
        &SDK
    } else {
        &DOCUMENTED
    }
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
            Place::Prompt => Source::Prompt,
            Place::Anonymous => Source::Anonymous,
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
    pub name: Option<Name>,
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

impl Found {
    /// Where it was found, for a message.
    pub fn shown(&self) -> String {
        match (&self.name, self.line) {
            (Some(name), Some(line)) => format!("{name} line {line}"),
            (Some(name), None) => name.to_string(),
            (None, _) => "the options".into(),
        }
    }

    /// What may be shown of it.
    pub fn masked(&self) -> Option<String> {
        let of_session = |session: &Session| match &session.facts().credential {
            Credential::Key(key) => Some(key.masked()),
            Credential::Access(_) => None,
        };
        match &self.proof {
            Proof::Key(key) => Some(key.masked()),
            Proof::Session(session) => of_session(session),
            Proof::IdentityToken(_) => None,
        }
    }
}

/// What stands in the way at one place, in one sentence that names it.
#[derive(Debug)]
pub(crate) struct Obstacle {
    pub text: String,
    pub name: Option<Name>,
    pub line: Option<usize>,
}

/// What one place answers.
pub(crate) enum Answer {
    /// Nothing is there. The name is where one would be.
    Absent(Option<Name>),
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

/// The first credential in the order of this call; with `relogin`, only what
/// the caller gave counts.
pub(crate) fn first(context: &Context, server: &Endpoint, relogin: bool) -> Result<Option<Found>> {
    for &place in order(context) {
        if relogin && place != Place::Explicit {
            continue;
        }
        match ask(context, server, place) {
            Answer::Absent(_) | Answer::Elsewhere(_) => {}
            Answer::Unreadable(obstacle) if place == Place::Netrc => {
                context.log.warn(&obstacle.text);
            }
            // Of the settings files that was said when they were read.
            Answer::Unreadable(_) => {}
            Answer::Found(found) => return Ok(Some(found)),
            Answer::Withheld(obstacle) | Answer::Malformed(obstacle) => {
                context.go_on()?;
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
        Place::KeyVariable | Place::IdentityTokenFile | Place::KeyFile => {
            variable(context, server, place)
        }
        Place::WorkspaceSettings | Place::SystemSettings => settings(context, server, place),
        Place::Netrc => netrc(context, server),
        // Nothing is there until somebody is asked.
        Place::Prompt | Place::Anonymous => Answer::Absent(None),
    }
}

fn explicit(context: &Context, server: &Endpoint) -> Answer {
    let Some(text) = context.options.api_key.filter(|key| !key.is_empty()) else {
        return Answer::Absent(None);
    };
    key_answer(
        context,
        server,
        Place::Explicit,
        text.as_bytes(),
        None,
        None,
    )
}

fn session(context: &Context, server: &Endpoint) -> Answer {
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
    if !session.facts().base_url.same_server(&server.url) {
        return elsewhere(format!("the session is for {}", session.base_url()));
    }
    if session
        .expires_at()
        .is_some_and(|end| end <= context.unix_time())
    {
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
    let (_, name) = VARIABLES[place as usize - Place::KeyVariable as usize];
    let Some(value) = world.secret(name) else {
        return Answer::Absent(Some(name.into()));
    };
    let obstacle = |text| Obstacle {
        text,
        name: Some(name.into()),
        line: None,
    };
    let mut set = VARIABLES.iter().filter(|(_, name)| world.is_set(name));
    if let (Some((_, one)), Some((_, other))) = (set.next(), set.next()) {
        return Answer::Malformed(obstacle(format!(
            "Both {one} and {other} are set, which is not allowed; unset one of them."
        )));
    }
    if server.workspace_only {
        return Answer::Withheld(obstacle(withheld(server, name)));
    }
    if place == Place::KeyVariable {
        return key_answer(context, server, place, &value, Some(name.into()), None);
    }
    let path = world.absolute(world.var(name).unwrap_or_default());
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
            proof: Proof::IdentityToken(path),
            place,
            name: Some(shown_path.into()),
            line: None,
        });
    }
    key_answer(
        context,
        server,
        place,
        &text.bytes,
        Some(shown_path.into()),
        None,
    )
}

fn settings(context: &Context, server: &Endpoint, place: Place) -> Answer {
    let which = match place {
        Place::WorkspaceSettings => Which::Workspace,
        _ => Which::System,
    };
    let (location, file) = context.config().file(which);
    let path: Option<Name> = location.shown().map(Name::from);
    let obstacle = |text, line| Obstacle {
        text,
        name: path.clone(),
        line,
    };
    if let Some(problem) = &location.problem {
        let path = path.as_deref().unwrap_or_default();
        return Answer::Unreadable(obstacle(format!("{path} {problem}"), None));
    }
    let Some(file) = file else {
        return Answer::Absent(path);
    };
    let key = match file.api_key() {
        Ok(None) => return Answer::Absent(path),
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
            let name = path.clone().unwrap_or_default();
            Answer::Withheld(obstacle(withheld(server, &name), line))
        }
        Ok(_) => key_answer(context, server, place, key.value.as_bytes(), path, line),
    }
}

fn netrc(context: &Context, server: &Endpoint) -> Answer {
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
                let text = format!("Failed to read netrc file: {name} {problem}");
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

/// What a text that should be a key comes to.
fn key_answer(
    context: &Context,
    server: &Endpoint,
    place: Place,
    text: &[u8],
    name: Option<Name>,
    line: Option<usize>,
) -> Answer {
    let shown = || match (&name, line) {
        (Some(name), Some(line)) => format!("{name} line {line}"),
        (Some(name), None) if place == Place::KeyFile => {
            format!("{name}, which WANDB_API_KEY_FILE names,")
        }
        (Some(name), None) => name.to_string(),
        (None, _) => "the api_key option".into(),
    };
    match ApiKey::parse(text) {
        Ok(parsed) => {
            // A file that ends with a line feed is no mistake.
            let usual = place == Place::KeyFile && text == text.trim_ascii_start();
            if parsed.trimmed && !usual {
                context.log.warn(&format!(
                    "white space around the key in {} was dropped; the Python SDK refuses such a key",
                    shown()
                ));
            }
            Answer::Found(Found {
                proof: Proof::Key(parsed.key),
                place,
                name,
                line,
            })
        }
        Err(problem) => Answer::Malformed(Obstacle {
            text: format!(
                "{} invalid: {problem} Copy a whole key from {}.",
                shown(),
                authorize_url(&server.url.app_url(None), false, None)
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
