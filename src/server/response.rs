//! What the server's answer means.

use serde_json::Value;
use ureq::http::StatusCode;

use super::error::Subject;
use super::http::{Answer, is_temporary};
use super::redact::show;
use crate::error::{Error, Result};
use crate::formats::json::WipedJson;
use crate::formats::token_cache::{AccessToken, is_token};
use crate::session::Viewer;
use crate::util::secret::Secret;

/// The JSON of an answer with status 200; what any other status means is an
/// error.
fn read(answer: &Answer, subject: &Subject) -> Result<WipedJson> {
    let server = subject.server;
    let json = WipedJson::parse(&answer.body).filter(|json| json.0.is_object());
    if answer.status == 200 {
        return json.ok_or_else(|| not_wandb(answer, server));
    }
    let said = said(answer, json.as_ref(), subject.secrets);
    let status = match StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|s| s.canonical_reason())
    {
        Some(reason) => format!("HTTP {} {reason}", answer.status),
        None => format!("HTTP {}", answer.status),
    };
    Err(match answer.status {
        401 | 403 => Error::Rejected(format!(
            "{server} does not accept {} ({status}){said}",
            subject.credential
        )),
        300..=399 => Error::Server(match &answer.location {
            Some(location) => format!(
                "{server} points to another place, {}, which is not followed: if that is your \
                 server, use its address ({status})",
                show(location, subject.secrets)
            ),
            None => format!("{server} points to another place, which it does not name ({status})"),
        }),
        code if is_temporary(code) => {
            let later = match answer.retry_after {
                Some(pause) => format!("; it asks to come back in {} s", pause.as_secs()),
                None => String::new(),
            };
            Error::Server(format!(
                "{server} is busy or out of order ({status}){said}{later}"
            ))
        }
        _ => Error::Server(format!("{server} answered {status}{said}")),
    })
}

/// The user behind a key. A viewer that the server does not tell is an
/// anonymous one: it did not accept the key.
pub(super) fn viewer(answer: &Answer, subject: &Subject) -> Result<Viewer> {
    let json = read(answer, subject)?;
    let server = subject.server;
    let errors = errors(&json.0, subject.secrets);
    match json.0.get("data").and_then(|data| data.get("viewer")) {
        Some(Value::Object(viewer)) => {
            let name_of = |value: &Value| name_of(value, subject.secrets);
            let text = |name: &str| name_of(viewer.get(name)?);
            let teams = json
                .0
                .pointer("/data/viewer/teams/edges")
                .and_then(Value::as_array);
            Ok(Viewer {
                username: text("username"),
                email: text("email"),
                entity: text("entity"),
                teams: teams
                    .into_iter()
                    .flatten()
                    .filter_map(|edge| name_of(edge.pointer("/node/name")?))
                    .collect(),
            })
        }
        Some(Value::Null) => Err(Error::Rejected(match errors {
            Some(errors) => format!("{server} does not accept {}: {errors}", subject.credential),
            None => format!(
                "{server} does not know an account for {}",
                subject.credential
            ),
        })),
        _ => Err(failed(errors, answer, server)),
    }
}

/// The key of the account that the server made.
pub(super) fn anonymous_key(answer: &Answer, subject: &Subject) -> Result<Secret> {
    let json = read(answer, subject)?;
    let key = json.0.pointer("/data/createAnonymousEntity/apiKey/name");
    match key.and_then(Value::as_str) {
        Some(key) if is_token(key) => Ok(Secret::new(key.as_bytes())),
        _ => Err(failed(
            errors(&json.0, subject.secrets),
            answer,
            subject.server,
        )),
    }
}

/// The access token that the server gave for an identity token.
pub(super) fn access_token(answer: &Answer, subject: &Subject, now: i64) -> Result<AccessToken> {
    let json = read(answer, subject)?;
    let token = json.0.get("access_token").and_then(Value::as_str);
    let lifetime = json.0.get("expires_in").and_then(Value::as_i64);
    match (token, lifetime) {
        (Some(token), Some(lifetime)) if is_token(token) => Ok(AccessToken {
            token: Secret::new(token.as_bytes()),
            expires_at: now.saturating_add(lifetime),
        }),
        _ => Err(failed(None, answer, subject.server)),
    }
}

/// An error for an answer that has not what was asked for.
fn failed(errors: Option<String>, answer: &Answer, server: &str) -> Error {
    match errors {
        Some(errors) => Error::Server(format!("{server} could not answer: {errors}")),
        None => not_wandb(answer, server),
    }
}

fn not_wandb(answer: &Answer, server: &str) -> Error {
    let what = match answer.body.trim_ascii_start().first() {
        None => "an empty answer",
        Some(b'<') => "a web page",
        Some(_) => "something else",
    };
    Error::Server(format!(
        "{server} sent {what} in place of W&B's answer: is this the address of a W&B server, and \
         is there no log-in page in between?"
    ))
}

/// The messages of a GraphQL answer's `errors`.
fn errors(json: &Value, secrets: &[&[u8]]) -> Option<String> {
    let errors = json.get("errors")?.as_array()?;
    let messages = errors
        .iter()
        .filter_map(|error| error.get("message")?.as_str());
    let messages: Vec<String> = messages
        .take(5)
        .map(|message| show(message, secrets))
        .collect();
    (!messages.is_empty()).then(|| show(&messages.join("; "), &[]))
}

/// What the server said about an error, as the end of a sentence.
fn said(answer: &Answer, json: Option<&WipedJson>, secrets: &[&[u8]]) -> String {
    let text = match json {
        Some(json) => errors(&json.0, secrets).or_else(|| {
            ["error_description", "error", "message"]
                .iter()
                .find_map(|name| Some(show(json.0.get(name)?.as_str()?, secrets)))
        }),
        // The markup of a page says nothing.
        None if answer.body.trim_ascii_start().starts_with(b"<") => None,
        None => Some(show(&String::from_utf8_lossy(&answer.body), secrets)),
    };
    text.filter(|text| !text.is_empty())
        .map(|text| format!(": {text}"))
        .unwrap_or_default()
}

/// A user's or a team's name, safe to print and to pass on to C. What holds the
/// secret is nobody's name.
fn name_of(value: &Value, secrets: &[&[u8]]) -> Option<String> {
    let name = value.as_str().filter(|name| !name.is_empty())?;
    let holds = |secret: &&[u8]| {
        let mut windows = name.as_bytes().windows(secret.len().max(1));
        windows.any(|window| window == *secret)
    };
    (!secrets.iter().any(holds)).then(|| crate::util::sanitize::clean(name).into_owned())
}
