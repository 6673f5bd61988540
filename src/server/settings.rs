//! Everything about how to reach a server, gathered once from variables and
//! settings. A value of it is checked as far as that is possible without
//! knowing the server: a proxy that is not needed cannot be wrong.

use std::path::PathBuf;

use serde_json::Value;
use ureq::http::{HeaderName, HeaderValue};

use super::ca::Trust;
use super::proxy::{Proxies, ProxySettings};
use super::zeroizing::sensitive;
use crate::config::settings::parse_bool;
use crate::env::variables::{self, setting};
use crate::error::{Error, Result};
use crate::formats::json::WipedJson;
use crate::util::secret::{Secret, WipedText};

/// What the settings files say; the variable of each wins.
#[derive(Default)]
pub(crate) struct TransportSettings {
    pub proxies: ProxySettings,
    pub insecure_disable_ssl: Option<String>,
    /// A JSON object of texts.
    pub extra_headers: Option<WipedText>,
    /// Where relative names of CA files start; the process's own if none.
    pub working_directory: Option<PathBuf>,
}

/// How to reach a server. It may hold secrets, so it has no `Debug`.
pub(crate) struct Transport {
    pub(super) proxies: Proxies,
    pub(super) trust: Trust,
    /// Sent with every request.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent with the requests of a login, empty where unset, as the SDK does.
    pub(super) username: HeaderValue,
    pub(super) user_email: HeaderValue,
}

impl Transport {
    /// `var` gives the value of a variable that is set and not empty. Besides
    /// the transport comes a warning, where there is one to be shown.
    pub fn new(
        var: &dyn Fn(&str) -> Option<WipedText>,
        settings: &TransportSettings,
    ) -> Result<(Transport, Option<&'static str>)> {
        let (headers, proxy_authorization) = extra_headers(var, settings)?;
        let insecure = insecure(var, settings)?;
        let directory = settings.working_directory.as_deref();
        let transport = Transport {
            proxies: Proxies::new(var, &settings.proxies, proxy_authorization),
            trust: if insecure {
                Trust::Anyone
            } else {
                Trust::from_variables(var, directory)
            },
            headers,
            username: identity(var, variables::USERNAME)?,
            user_email: identity(var, variables::USER_EMAIL)?,
        };
        let warning = "Disabling SSL verification.  Connections to this server are not \
                       verified and may be insecure!";
        Ok((transport, insecure.then_some(warning)))
    }
}

/// A variable that goes into a header as it is.
fn identity(var: &dyn Fn(&str) -> Option<WipedText>, name: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(&var(name).unwrap_or_default()).map_err(|_| {
        Error::Argument(format!(
            "{name} cannot be sent to the server: it holds control characters"
        ))
    })
}

fn insecure(var: &dyn Fn(&str) -> Option<WipedText>, settings: &TransportSettings) -> Result<bool> {
    const NAME: &str = variables::INSECURE_DISABLE_SSL;
    let (name, value) = match (var(NAME), &settings.insecure_disable_ssl) {
        (Some(value), _) => (NAME, value),
        (None, Some(value)) => (setting::INSECURE_DISABLE_SSL, value.clone().into()),
        (None, None) => return Ok(false),
    };
    parse_bool(value.trim().as_bytes())
        .ok_or_else(|| Error::Argument(format!("{name} must be true or false")))
}

type Headers = Vec<(HeaderName, HeaderValue)>;

/// The extra headers, and among them the one that is for the proxy alone.
fn extra_headers(
    var: &dyn Fn(&str) -> Option<WipedText>,
    settings: &TransportSettings,
) -> Result<(Headers, Option<Secret>)> {
    let mut headers = Headers::new();
    let mut proxy_authorization = None;
    let sources = [
        (
            variables::EXTRA_HTTP_HEADERS,
            var(variables::EXTRA_HTTP_HEADERS),
        ),
        (
            variables::EXTRA_HTTP_HEADERS_OLD,
            var(variables::EXTRA_HTTP_HEADERS_OLD),
        ),
        (setting::EXTRA_HTTP_HEADERS, settings.extra_headers.clone()),
    ];
    let Some((source, text)) = sources
        .into_iter()
        .find_map(|(name, text)| text.map(|text| (name, text)))
    else {
        return Ok((headers, proxy_authorization));
    };
    let json = WipedJson::parse(text.as_bytes());
    let Some(members) = json.as_ref().and_then(|json| json.0.as_object()) else {
        return Err(Error::Argument(format!(
            "{source} must be a JSON object of header values"
        )));
    };
    for (name, value) in members {
        let shown = crate::util::sanitize::clean(name);
        let wrong = |what| {
            Error::Argument(format!(
                "{source}: the {what} of the header {shown:?} is not valid"
            ))
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        let Value::String(value) = value else {
            return Err(wrong("value"));
        };
        // This also refuses CR and LF, which would begin another header.
        let value = sensitive(value.as_bytes())
            .ok()
            .filter(|value| value.as_bytes().is_ascii())
            .ok_or_else(|| wrong("value"))?;
        match key.as_str() {
            "proxy-authorization" => proxy_authorization = Some(Secret::new(value.as_bytes())),
            // The login's own, and those that frame the message.
            "authorization" | "host" | "content-length" | "transfer-encoding" | "trailer"
            | "expect" | "connection" => {}
            _ => headers.push((key, value)),
        }
    }
    Ok((headers, proxy_authorization))
}
