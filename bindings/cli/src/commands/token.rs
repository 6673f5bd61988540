//! `token` and `header`: the credential, for scripts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wandb_login::{Flags, Level, Session};
use zeroize::Zeroizing;

use crate::arguments::{ServerArguments, TokenArguments};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let session = session(arguments)?;
    if arguments.json {
        return Ok(output::print_line(&[&json(&session)])?);
    }
    let (_, credential) = scheme_and_credential(&session);
    Ok(output::print_line(&[credential])?)
}

/// Prints the line of an HTTP request.
pub(super) fn header(arguments: &ServerArguments) -> Result<(), Failure> {
    let session = wandb_login::current(&super::options(arguments, Flags::ALL_RANKS)?)?;
    let authorization = session.authorization().as_bytes();
    Ok(output::print_line(&[b"Authorization: ", authorization])?)
}

/// The current session, renewed if it expires within `--min-ttl`.
fn session(arguments: &TokenArguments) -> Result<Session, Failure> {
    let options = super::options(&arguments.server, Flags::ALL_RANKS)?.quiet(true);
    let session = wandb_login::current(&options)?;
    let Some(ttl) = arguments.min_ttl else {
        return Ok(session);
    };
    if !expires_within(&session, ttl) {
        return Ok(session);
    }
    let session = wandb_login::refresh(&session, &options)?;
    if expires_within(&session, ttl) {
        wandb_login::print(
            Level::Warn,
            &format!(
                "the new access token expires in less than {} s (--min-ttl)",
                ttl.as_secs()
            ),
        );
    }
    Ok(session)
}

fn expires_within(session: &Session, ttl: Duration) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let end = i128::from(now.as_secs()) + i128::from(ttl.as_secs());
    session
        .expires_at()
        .is_some_and(|expires_at| i128::from(expires_at) < end)
}

/// The scheme of the `Authorization` header, and the key or access token.
fn scheme_and_credential(session: &Session) -> (&'static str, &[u8]) {
    match session.api_key() {
        Some(key) => ("Basic", key.as_bytes()),
        None => (
            "Bearer",
            &session.authorization().as_bytes()["Bearer ".len()..],
        ),
    }
}

/// One JSON object. It is not built by serde_json, whose buffers are not wiped.
fn json(session: &Session) -> Zeroizing<Vec<u8>> {
    let (scheme, credential) = scheme_and_credential(session);
    let authorization = session.authorization().as_bytes();
    let base_url = session.base_url().as_bytes();
    // A byte of a string takes at most six: `\u0000`.
    let strings = authorization.len() + credential.len() + base_url.len();
    let mut json = Zeroizing::new(Vec::with_capacity(6 * strings + 200));
    for (name, value) in [
        ("{\"authorization\": ", authorization),
        (", \"scheme\": ", scheme.as_bytes()),
        (", \"credential\": ", credential),
        (", \"base_url\": ", base_url),
    ] {
        json.extend_from_slice(name.as_bytes());
        let text = String::from_utf8_lossy(value);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *json, &*text);
    }
    let expires_at = session
        .expires_at()
        .map_or("null".into(), |time| time.to_string());
    json.extend_from_slice(format!(", \"expires_at\": {expires_at}}}").as_bytes());
    json
}
