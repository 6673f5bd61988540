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
mod proxy;
mod proxy_url;
mod response;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod wait;
mod zeroizing;

use std::path::Path;
use std::time::Instant;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::settings::SettingResult;
use crate::env;
use crate::error::{Error, ExchangeError, Result};
use crate::files;
use crate::key::ApiKey;
use crate::options::Attempts;
use crate::session::AccessToken;
use crate::session::{Credential, Viewer};
use crate::util::secret::{Secret, WipedText};
use proxy::ProxySettings;
use settings::{Transport, TransportSettings};
use wait::Wait;

/// Asks the server which user a credential belongs to.
pub(crate) fn viewer(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
) -> Result<Viewer> {
    with_transport(
        context,
        server,
        Attempts::UntilDeadline,
        |transport, wait| {
            let authorization = credential.authorization();
            api::viewer(server.url.as_str(), authorization, transport, wait)
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
            env::unix_time(),
            transport,
            wait,
        )
    })
}

/// Makes a call with the configured transport and time limit.
fn with_transport<T, E: From<Error>>(
    context: &Context,
    server: &Endpoint,
    attempts: Attempts,
    call: impl FnOnce(&Transport, &Wait) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let settings = transport_settings(context)?;
    let (transport, warning) = Transport::new(
        &|name| context.env.text(name).map(WipedText::new),
        &settings,
    )?;
    // Headers can hold secrets of a gateway, as a key is one of the server.
    let transport = match server.workspace_only {
        true => transport.without_identity(),
        false => transport,
    };
    if let Some(warning) = warning {
        context.log.security(warning);
    }
    let now = Instant::now();
    let deadline = now.checked_add(context.http_timeout()?).unwrap_or(now);
    call(
        &transport,
        &Wait {
            deadline,
            attempts,
            cancel: &|| context.cancelled(),
        },
    )
}

/// What the settings files say about the way to the server.
fn transport_settings(context: &Context) -> Result<TransportSettings> {
    let settings = context.settings();
    let text = |asked: SettingResult<'_, Secret>| -> Result<Option<WipedText>> {
        Ok(asked?.map(|placed| {
            String::from_utf8_lossy(placed.value.as_bytes())
                .into_owned()
                .into()
        }))
    };
    Ok(TransportSettings {
        proxies: ProxySettings {
            http: text(settings.http_proxy())?,
            https: text(settings.https_proxy())?,
        },
        insecure_disable_ssl: settings
            .insecure_disable_ssl()?
            .map(|placed| placed.value.to_string()),
        extra_headers: text(settings.x_extra_http_headers())?,
        working_directory: context.options.working_directory.map(Path::to_path_buf),
    })
}
