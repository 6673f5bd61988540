//! The three requests: viewer, anonymous key, access token. Each is one POST.

use std::fmt::Display;

use percent_encoding::percent_encode;
use ureq::http::{HeaderName, HeaderValue, header};

use super::error::Subject;
use super::http::{self, Request, Response};
use super::settings::Transport;
use super::wait::Wait;
use super::{response, zeroizing};
use crate::error::{Error, ExchangeError, Result};
use crate::key;
use crate::session::AccessToken;
use crate::session::{Authorization, Viewer, basic};
use crate::url::RESERVED;
use crate::util::secret::{Secret, WipedBytes};

/// The request of the SDK's own client, byte for byte.
pub(super) const VIEWER: &[u8] = br#"{"query":"\nquery Viewer {\n\tviewer {\n\t\tid\n\t\tentity\n\t\tusername\n\t\temail\n\t\tflags\n\t\tteams {\n\t\t\tedges {\n\t\t\t\tnode {\n\t\t\t\t\tname\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}\n","operationName":"Viewer"}"#;

/// The request of the last SDK that had anonymous mode.
const ANONYMOUS: &[u8] = br#"{"query": "mutation CreateAnonymousApiKey {\n  createAnonymousEntity(input: {}) {\n    apiKey {\n      name\n    }\n  }\n}\n", "variables": {}}"#;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Asks the server which user a credential belongs to. An error calls the credential
/// `name`.
pub(crate) fn viewer(
    base_url: &str,
    authorization: Authorization,
    name: &dyn Display,
    transport: &Transport,
    wait: &Wait,
) -> Result<Viewer> {
    let (Authorization::Basic(secret) | Authorization::Bearer(secret)) = authorization;
    let value = authorization.header_value();
    // The server may quote the header with or without its scheme.
    let encoded = value.as_bytes();
    let encoded = encoded.strip_prefix(b"Basic ").unwrap_or(encoded);
    let secrets = vec![secret.clone(), Secret::new(encoded)];
    let subject = Subject {
        server: base_url,
        trust_anchors: &transport.trust_anchors,
        credential: name,
        secrets,
    };
    let response = graphql(VIEWER, &value, &subject, transport, wait)?;
    response::viewer(&response, &subject)
}

/// Asks the server for the key of a new anonymous account.
pub(crate) fn anonymous_key(base_url: &str, transport: &Transport, wait: &Wait) -> Result<Secret> {
    let subject = Subject {
        server: base_url,
        trust_anchors: &transport.trust_anchors,
        credential: &"anonymous use",
        secrets: Vec::new(),
    };
    let advice = |error: Error| match error {
        Error::Rejected(text) => Error::Rejected(format!("{text}. {ADVICE}")),
        Error::Server(text) => Error::Server(format!("{text}. {ADVICE}")),
        other => other,
    };
    const ADVICE: &str = "Create an account and use its API key instead";
    let response = graphql(ANONYMOUS, &basic(b"api:"), &subject, transport, wait)?;
    response::anonymous_key(&response, &subject).map_err(advice)
}

/// Exchanges an identity token, the content of its file, for an access token. An error
/// calls the token `name`.
pub(crate) fn exchange(
    base_url: &str,
    identity_token: &[u8],
    name: &dyn Display,
    now: i64,
    transport: &Transport,
    wait: &Wait,
) -> std::result::Result<AccessToken, ExchangeError> {
    let token = key::trim(identity_token);
    if token.is_empty() {
        return Err(Error::Credentials("the identity token is empty".to_owned()).into());
    }
    let subject = Subject {
        server: base_url,
        trust_anchors: &transport.trust_anchors,
        credential: name,
        secrets: vec![Secret::new(token)],
    };
    let request = Request {
        url: format!("{base_url}/oidc/token"),
        headers: headers(transport, [(header::CONTENT_TYPE, FORM)]),
        body: form(token),
    };
    let response = http::post(request, &subject, transport, wait)?;
    response::access_token(&response, &subject, now).map_err(|error| ExchangeError {
        error,
        retry_after: response.retry_after,
    })
}

fn graphql(
    query: &[u8],
    authorization: &Secret,
    subject: &Subject,
    transport: &Transport,
    wait: &Wait,
) -> Result<Response> {
    let value = zeroizing::wiped_header(authorization.as_bytes()).map_err(|_| {
        Error::Credentials(format!(
            "{} contains characters that cannot be sent",
            subject.credential
        ))
    })?;
    let own = [
        (header::AUTHORIZATION, value),
        (header::CONTENT_TYPE, JSON),
        (
            HeaderName::from_static("x-wandb-user-email"),
            transport.user_email.clone(),
        ),
        (
            HeaderName::from_static("x-wandb-username"),
            transport.username.clone(),
        ),
    ];
    let request = Request {
        url: format!("{}/graphql", subject.server),
        headers: headers(transport, own),
        body: WipedBytes::new(query.to_vec()),
    };
    http::post(request, subject, transport, wait)
}

/// The headers of a request. Extra headers replace the library's own.
fn headers<const N: usize>(
    transport: &Transport,
    own: [(HeaderName, HeaderValue); N],
) -> Vec<(HeaderName, HeaderValue)> {
    let agent = (header::USER_AGENT, HeaderValue::from_static("wandb-core"));
    let extra = &transport.headers;
    let mut headers: Vec<_> = std::iter::once(agent)
        .chain(own)
        .filter(|(name, _)| extra.iter().all(|(other, _)| other != name))
        .collect();
    headers.extend(extra.iter().cloned());
    headers
}

/// The form of an exchange.
fn form(token: &[u8]) -> WipedBytes {
    const GRANT: &[u8] = b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=";
    let mut body = WipedBytes::new(Vec::with_capacity(GRANT.len() + 3 * token.len()));
    body.extend_from_slice(GRANT);
    for part in percent_encode(token, RESERVED) {
        body.extend_from_slice(part.as_bytes());
    }
    body
}
