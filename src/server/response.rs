//! Reads the server's responses.

use serde_json::Value;

use super::error::{Subject, status};
use super::http::{Response, is_temporary};
use crate::env::unix_time;
use crate::error::{Error, Result};
use crate::formats::json::WipedJson;
use crate::formats::token_cache::is_token;
use crate::session::AccessToken;
use crate::session::Viewer;
use crate::util::secret::Secret;

/// The JSON of a response with status 200. Any other status is an error.
fn read(response: &Response, subject: &Subject) -> Result<WipedJson> {
    let server = subject.server;
    let json = WipedJson::parse(&response.body).filter(|json| json.0.is_object());
    if response.status == 200 {
        return json.ok_or_else(|| not_wandb(response, server));
    }
    let quoted = quoted(response, json.as_ref());
    let status = status(response.status);
    Err(match response.status {
        401 | 403 if is_html(&response.body) => not_wandb(response, server),
        401 | 403 => Error::Rejected(format!(
            "{server} does not accept {} ({status}){quoted}",
            subject.credential
        )),
        300..=399 => Error::Server(match &response.location {
            Some(location) => format!(
                "{server} redirects to {} ({status}); redirects are not followed. If that is your \
                 server, configure its URL",
                response.quote(location.as_bytes())
            ),
            None => format!("{server} returned a redirect without a Location header ({status})"),
        }),
        code if is_temporary(code) => {
            let later = match response.retry_after {
                Some(pause) => format!("; Retry-After: {} s", pause.as_secs()),
                None => String::new(),
            };
            Error::Server(format!("{server} is unavailable ({status}){quoted}{later}"))
        }
        _ => Error::Server(format!("{server} returned {status}{quoted}")),
    })
}

/// The user a credential belongs to. `viewer: null` is the response to a key
/// that the server does not accept.
pub(super) fn viewer(response: &Response, subject: &Subject) -> Result<Viewer> {
    let json = read(response, subject)?;
    let server = subject.server;
    let errors = errors(response, &json.0);
    match json.0.get("data").and_then(|data| data.get("viewer")) {
        Some(Value::Object(viewer)) => {
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
                clock_skew: response.date.map(|date| unix_time().saturating_sub(date)),
            })
        }
        Some(Value::Null) => Err(Error::Rejected(match errors {
            Some(errors) => format!("{server} does not accept {}: {errors}", subject.credential),
            None => format!(
                "{server} does not know an account for {}",
                subject.credential
            ),
        })),
        _ => Err(failed(errors, response, server)),
    }
}

/// The key of the anonymous account that the server created.
pub(super) fn anonymous_key(response: &Response, subject: &Subject) -> Result<Secret> {
    let json = read(response, subject)?;
    let key = json.0.pointer("/data/createAnonymousEntity/apiKey/name");
    match key.and_then(Value::as_str) {
        Some(key) if is_token(key) => Ok(Secret::new(key.as_bytes())),
        _ => Err(failed(errors(response, &json.0), response, subject.server)),
    }
}

/// The access token that the server issued for an identity token.
pub(super) fn access_token(
    response: &Response,
    subject: &Subject,
    now: i64,
) -> Result<AccessToken> {
    let json = read(response, subject)?;
    let token = json.0.get("access_token").and_then(Value::as_str);
    let lifetime = json.0.get("expires_in").and_then(Value::as_i64);
    match (token, lifetime) {
        // With an asterisk it repeats the identity token, which is masked.
        (Some(token), Some(lifetime)) if is_token(token) && !token.contains('*') => {
            Ok(AccessToken {
                token: Secret::new(token.as_bytes()),
                expires_at: now.saturating_add(lifetime),
                issued_at: Some(now),
            })
        }
        _ => Err(failed(None, response, subject.server)),
    }
}

/// The error for a response without the expected data.
fn failed(errors: Option<String>, response: &Response, server: &str) -> Error {
    match errors {
        Some(errors) => Error::Server(format!("{server} returned an error: {errors}")),
        None => not_wandb(response, server),
    }
}

fn not_wandb(response: &Response, server: &str) -> Error {
    let what = match response.body.trim_ascii_start().first() {
        None => "an empty response",
        _ if is_html(&response.body) => "HTML",
        Some(_) => "other data",
    };
    let status = status(response.status);
    Error::Server(format!(
        "{server} returned {what} ({status}) instead of a W&B API response: check the URL, and for a login \
         page or captive portal in between"
    ))
}

/// The messages of a GraphQL response's `errors`.
fn errors(response: &Response, json: &Value) -> Option<String> {
    let errors = json.get("errors")?.as_array()?;
    let messages = errors
        .iter()
        .filter_map(|error| error.get("message")?.as_str());
    let messages: Vec<String> = messages
        .take(5)
        .map(|message| response.quote(message.as_bytes()))
        .collect();
    (!messages.is_empty()).then(|| response.quote(messages.join("; ").as_bytes()))
}

/// The server's own message about an error, as the end of a sentence.
fn quoted(response: &Response, json: Option<&WipedJson>) -> String {
    let text = match json {
        Some(json) => errors(response, &json.0).or_else(|| {
            ["error_description", "error", "message"]
                .iter()
                .find_map(|name| Some(response.quote(json.0.get(name)?.as_str()?.as_bytes())))
        }),
        // Markup is of no use in a message.
        None if is_html(&response.body) => None,
        None => Some(response.quote(&response.body)),
    };
    text.filter(|text| !text.is_empty())
        .map(|text| format!(": {text}"))
        .unwrap_or_default()
}

fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// A user's or a team's name, safe to print and to pass to C.
fn name_of(value: &Value) -> Option<String> {
    let name = value.as_str().filter(|name| !name.is_empty())?;
    Some(crate::util::redact::clean(name).into_owned())
}
