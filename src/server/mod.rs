//! All network access: verify a credential, create an anonymous account,
//! exchange an identity token. Runs only on request.

mod api;
mod ca;
mod connect;
mod echoed_secrets;
mod error;
mod gzip;
mod http;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod invariants;
mod provider;
mod proxy;
mod response;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
#[cfg_attr(any(windows, target_vendor = "apple"), path = "trust_store/service.rs")]
#[cfg_attr(
    not(any(windows, target_vendor = "apple")),
    path = "trust_store/files.rs"
)]
mod trust_store;
mod wait;
mod zeroizing;

use std::fmt::{self, Display};
use std::path::Path;
use std::time::Instant;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::route;
use crate::env;
use crate::error::{Error, ExchangeError, Result};
use crate::files;
use crate::finding::{Code, Finding};
use crate::key::ApiKey;
use crate::options::Attempts;
use crate::session::AccessToken;
use crate::session::{Credential, Viewer};
use settings::Transport;
use wait::Wait;

/// Asks the server which user a credential belongs to. An error calls the credential
/// `name`.
pub(crate) fn viewer(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
    name: &dyn Display,
) -> Result<Viewer> {
    with_transport(
        context,
        server,
        Attempts::UntilDeadline,
        |transport, wait| {
            let authorization = credential.authorization();
            api::viewer(server.url.as_str(), authorization, name, transport, wait)
        },
    )
}

/// Asks the server for an anonymous account.
pub(crate) fn anonymous_key(context: &Context, server: &Endpoint) -> Result<ApiKey> {
    if !context.is_active_rank() {
        return Err(context.not_configured(
            &server.url,
            Some("only rank 0 creates an anonymous account"),
        ));
    }
    let text = with_transport(
        context,
        server,
        Attempts::UntilDeadline,
        |transport, wait| api::anonymous_key(server.url.as_str(), transport, wait),
    )?;
    let parsed = ApiKey::parse(text.as_bytes()).map_err(|problem| {
        let url = server.url.as_str();
        Error::Server(format!(
            "{url} returned an invalid anonymous API key: {problem}"
        ))
    })?;
    Ok(parsed.key)
}

/// Exchanges the identity token in a file for an access token.
pub(crate) fn exchange(
    context: &Context,
    server: &Endpoint,
    file: &Path,
    attempts: Attempts,
) -> std::result::Result<AccessToken, ExchangeError> {
    // Read for each exchange, because the token file is renewed from outside.
    let text = files::read_secret(file, &|| context.cancelled());
    context.check_cancelled()?;
    let text = text.map_err(|problem| {
        Error::Credentials(format!("{} {problem}", context.display_path(file)))
    })?;
    with_transport(context, server, attempts, |transport, wait| {
        api::exchange(
            server.url.as_str(),
            &text.bytes,
            &IdentityTokenIn(file),
            env::unix_time(),
            transport,
            wait,
        )
    })
}

/// How a message names an identity token.
struct IdentityTokenIn<'a>(&'a Path);

impl Display for IdentityTokenIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the identity token in {}", env::display_path(self.0))
    }
}

/// Makes a call with the configured transport and time limit.
fn with_transport<T, E: From<Error>>(
    context: &Context,
    server: &Endpoint,
    attempts: Attempts,
    call: impl FnOnce(&Transport, &Wait) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let (transport, warning) = Transport::new(route::resolve(context, server))?;
    if let Some(warning) = warning {
        context
            .log
            .warn(Finding::new(Code::UnverifiedCertificate, warning));
    }
    let now = Instant::now();
    let timeout = context.http_timeout().map_err(Error::from)?;
    let deadline = now.checked_add(timeout).unwrap_or(now);
    call(
        &transport,
        &Wait {
            deadline,
            attempts,
            cancel: &|| context.cancelled(),
        },
    )
}
