//! How to reach a server, from variables and settings. Proxy URLs are checked
//! later: one that a request does not need is never an error.

use std::path::PathBuf;

use ureq::http::{HeaderName, HeaderValue};

use super::ca::TrustAnchors;
use super::proxy::{Proxies, ProxySettings};
use super::zeroizing::wiped_header;
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
    /// A JSON object of header names and values.
    pub extra_headers: Option<WipedText>,
    /// The base of relative CA file names; `None` for the process's directory.
    pub working_directory: Option<PathBuf>,
}

/// How to reach a server. It may hold secrets, so it has no `Debug`.
pub(crate) struct Transport {
    pub(super) proxies: Proxies,
    pub(super) trust_anchors: TrustAnchors,
    /// Sent with every request.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent with the requests of a login, empty where unset, as the SDK does.
    pub(super) username: HeaderValue,
    pub(super) user_email: HeaderValue,
}

impl Transport {
    /// `var` returns the value of a variable that is set and not empty. The second
    /// result is a warning to show.
    pub(super) fn new(
        var: &dyn Fn(&str) -> Option<WipedText>,
        settings: &TransportSettings,
    ) -> Result<(Transport, Option<&'static str>)> {
        let (headers, proxy_authorization) = extra_headers(var, settings)?;
        let insecure = insecure(var, settings)?;
        let directory = settings.working_directory.as_deref();
        let transport = Transport {
            proxies: Proxies::new(var, &settings.proxies, proxy_authorization),
            trust_anchors: if insecure {
                TrustAnchors::Unverified
            } else {
                TrustAnchors::from_variables(var, directory)
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

impl Transport {
    /// Removes what identifies the user: the extra headers, the user name and
    /// the e-mail address.
    pub(super) fn without_identity(mut self) -> Transport {
        self.headers.clear();
        self.username = HeaderValue::from_static("");
        self.user_email = HeaderValue::from_static("");
        self
    }
}

/// The value of a variable as a header value.
fn identity(var: &dyn Fn(&str) -> Option<WipedText>, name: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(&var(name).unwrap_or_default()).map_err(|_| {
        Error::Argument(format!(
            "{name} cannot be sent to the server: it contains control characters"
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

/// The extra headers, and separately the one for the proxy.
fn extra_headers(
    var: &dyn Fn(&str) -> Option<WipedText>,
    settings: &TransportSettings,
) -> Result<(Headers, Option<Secret>)> {
    const NAMES: [&str; 2] = [
        variables::EXTRA_HTTP_HEADERS,
        variables::EXTRA_HTTP_HEADERS_OLD,
    ];
    let variable = NAMES.iter().find_map(|name| Some((*name, var(name)?)));
    let setting = || Some((setting::EXTRA_HTTP_HEADERS, settings.extra_headers.clone()?));
    match variable.or_else(setting) {
        Some((source, text)) => parse_headers(source, &text),
        None => Ok((Headers::new(), None)),
    }
}

fn parse_headers(source: &str, text: &str) -> Result<(Headers, Option<Secret>)> {
    let json = WipedJson::parse(text.as_bytes());
    let Some(members) = json.as_ref().and_then(|json| json.0.as_object()) else {
        return Err(Error::Argument(format!(
            "{source} must be a JSON object of header values"
        )));
    };
    let mut headers = Headers::new();
    let mut proxy_authorization = None;
    for (name, value) in members {
        let invalid = |what| {
            Error::Argument(format!(
                "{source}: the {what} of the header {:?} is not valid",
                crate::util::redact::clean(name)
            ))
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name"))?;
        // CR and LF, which would start another header, are refused here.
        let value = value
            .as_str()
            .filter(|value| value.is_ascii())
            .and_then(|value| wiped_header(value.as_bytes()).ok())
            .ok_or_else(|| invalid("value"))?;
        match key.as_str() {
            "proxy-authorization" => proxy_authorization = Some(Secret::new(value.as_bytes())),
            // Set by the login or by the HTTP framing.
            "authorization" | "host" | "content-length" | "transfer-encoding" | "trailer"
            | "expect" | "connection" => {}
            _ => headers.push((key, value)),
        }
    }
    Ok((headers, proxy_authorization))
}
