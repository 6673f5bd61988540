//! What needs the server: whose key is this, an anonymous account, an access
//! token for an identity token. Nothing here runs unless it was asked for.

use std::path::Path;
use std::time::Instant;

use crate::chain::{Found, Place, Proof};
use crate::context::Context;
use crate::credentials;
use crate::dotfiles::CREDENTIALS_LIMIT;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::files;
use crate::key::ApiKey;
use crate::rewrite::{Missing, Unsaved, update};
use crate::secret::{Secret, WipedText};
use crate::server::{self, Authorization, ProxySettings, Transport, TransportSettings, Wait};
use crate::session::{AccessToken, Credential, Viewer};
use crate::settings::Asked;

/// Asks the server whose credential this is.
pub(crate) fn viewer(
    context: &Context,
    server: &Endpoint,
    credential: &Credential,
) -> Result<Viewer> {
    let authorization = match credential {
        Credential::Key(key) => Authorization::Basic(key.secret()),
        Credential::Access(access) => Authorization::Bearer(&access.token),
    };
    reach(context, |transport, wait| {
        server::viewer(server.url.as_str(), authorization, transport, wait)
    })
}

/// Asks the server for an anonymous account.
pub(crate) fn anonymous_key(context: &Context, server: &Endpoint) -> Result<Found> {
    if !context.acts() {
        return Err(Error::not_configured(
            server.url.as_str(),
            Some("only rank 0 makes an anonymous account"),
        ));
    }
    let text = reach(context, |transport, wait| {
        server::anonymous_key(server.url.as_str(), transport, wait)
    })?;
    let parsed = ApiKey::parse(text.as_bytes()).map_err(|problem| {
        let url = server.url.as_str();
        Error::Server(format!(
            "{url} gave an anonymous key that is none: {problem}"
        ))
    })?;
    Ok(Found {
        proof: Proof::Key(parsed.key),
        place: Place::Anonymous,
        name: None,
        line: None,
    })
}

/// An access token for the identity token in a file: from the cache that is
/// shared with the SDK, else from the server.
pub(crate) fn access_token(
    context: &Context,
    server: &Endpoint,
    file: &Path,
    fresh: bool,
) -> Result<AccessToken> {
    // Without a home there is no cache, as in a container with a random user.
    let Some(cache) = context.credentials_file()? else {
        return Ok(with_file(exchange(context, server, file)?, file));
    };
    let names = cache_names(server);
    let urls: Vec<&str> = names.iter().map(String::as_str).collect();
    let cached = |text: &[u8]| credentials::look_up(text, &urls, context.unix_time());
    if !fresh {
        match files::read(&cache, CREDENTIALS_LIMIT) {
            Ok(Some(text)) => {
                if let Some(access) = cached(&text.bytes) {
                    return Ok(with_file(access, file));
                }
            }
            Ok(None) => {}
            Err(problem) => {
                let shown = context.shown(&cache);
                context.log.warn(&format!("{shown} {problem}"));
            }
        }
    }
    if context.options.flags.has(crate::options::Flags::NO_SAVE) {
        return Ok(with_file(exchange(context, server, file)?, file));
    }
    // The exchange happens while the cache is locked, so that of many processes
    // that start together one asks the server and the others find its answer.
    let mut outcome = None;
    let mut edit = |text: &[u8]| {
        if let Some(access) = cached(text).filter(|_| !fresh) {
            outcome = Some(Ok(access));
            return None;
        }
        if outcome.is_none() {
            outcome = Some(exchange(context, server, file));
        }
        let access = outcome.as_ref()?.as_ref().ok()?;
        Some(credentials::store(text, server.url.as_str(), access))
    };
    let stored = update(
        context,
        &cache,
        CREDENTIALS_LIMIT,
        Missing::FoldersFirst,
        &mut edit,
    );
    if let Err(why) = stored {
        context
            .log
            .warn(&format!("The access token was not cached: {why}"));
    }
    let access = outcome.unwrap_or_else(|| exchange(context, server, file))?;
    Ok(with_file(access, file))
}

fn with_file(access: credentials::AccessToken, file: &Path) -> AccessToken {
    AccessToken {
        token: access.token,
        expires_at: access.expires_at,
        identity_token_file: file.to_path_buf(),
    }
}

fn exchange(context: &Context, server: &Endpoint, file: &Path) -> Result<credentials::AccessToken> {
    // Read anew each time: whoever mounts it renews it.
    let text = files::read_secret(file, &|| context.cancelled());
    context.go_on()?;
    let text =
        text.map_err(|problem| Error::Credentials(format!("{} {problem}", context.shown(file))))?;
    reach(context, |transport, wait| {
        server::exchange(server.url.as_str(), &text.bytes, transport, wait)
    })
}

/// Removes the server's access token from the cache, and tells whether there
/// was one.
pub(crate) fn forget_token(
    context: &Context,
    server: &Endpoint,
    cache: &Path,
) -> std::result::Result<bool, Unsaved> {
    let names = cache_names(server);
    let urls: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut edit = |text: &[u8]| credentials::forget(text, &urls);
    let updated = update(context, cache, CREDENTIALS_LIMIT, Missing::File, &mut edit)?;
    Ok(updated.changed)
}

/// The addresses under which the cache may know the server.
fn cache_names(server: &Endpoint) -> Vec<String> {
    let own = server.url.as_str().to_string();
    let twin = server
        .url
        .alias_netloc()
        .map(|netloc| format!("https://{netloc}"));
    [Some(own), twin].into_iter().flatten().collect()
}

/// Calls the server, in the way that the configuration says and within the
/// time that is allowed.
fn reach<T>(context: &Context, call: impl FnOnce(&Transport, &Wait) -> Result<T>) -> Result<T> {
    let settings = context.settings();
    let text = |asked: Asked<'_, Secret>| -> Result<Option<WipedText>> {
        Ok(asked?.map(|placed| {
            String::from_utf8_lossy(placed.value.as_bytes())
                .into_owned()
                .into()
        }))
    };
    let settings = TransportSettings {
        proxies: ProxySettings {
            http: text(settings.http_proxy())?,
            https: text(settings.https_proxy())?,
        },
        insecure_disable_ssl: settings
            .insecure_disable_ssl()?
            .map(|placed| placed.value.to_string()),
        extra_headers: text(settings.x_extra_http_headers())?,
        working_directory: context.options.working_directory.map(Path::to_path_buf),
    };
    let (transport, warning) = Transport::new(
        &|name| context.world.text(name).map(WipedText::new),
        &settings,
    )?;
    if let Some(warning) = warning {
        context.log.security(warning);
    }
    let now = Instant::now();
    let deadline = now.checked_add(context.http_timeout()?).unwrap_or(now);
    call(
        &transport,
        &Wait {
            deadline,
            cancel: &|| context.cancelled(),
        },
    )
}
