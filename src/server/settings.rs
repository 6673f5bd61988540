//! The way to a server in the form that the requests use.

use ureq::http::{HeaderName, HeaderValue};

use super::ca::TrustAnchors;
use super::proxy::Proxy;
use super::zeroizing::wiped_header;
use crate::config::route::ConfiguredRoute;
use crate::error::{Error, Result};
use crate::route::{Header, ProxyUrl};
use crate::util::secret::Secret;

/// How to reach a server. It may hold secrets, so it has no `Debug`.
pub(crate) struct Transport {
    proxy: Option<ProxyUrl>,
    pub(super) trust_anchors: TrustAnchors,
    /// Sent with every request.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent with the requests of a login, empty where unset, as the SDK does.
    pub(super) username: HeaderValue,
    pub(super) user_email: HeaderValue,
}

impl Transport {
    /// The second result is a warning to show.
    pub(super) fn new(route: ConfiguredRoute) -> Result<(Transport, Option<&'static str>)> {
        let headers = route
            .headers?
            .iter()
            .map(extra_header)
            .collect::<Result<_>>()?;
        let unchecked = route.tls_unchecked?;
        let transport = Transport {
            headers,
            trust_anchors: match unchecked {
                true => TrustAnchors::Unverified,
                false if route.ca.is_empty() => TrustAnchors::Platform,
                false => TrustAnchors::Configured(route.ca),
            },
            username: identity(route.username?)?,
            user_email: identity(route.user_email?)?,
            proxy: route.proxy?,
        };
        let warning = "Disabling SSL verification.  Connections to this server are not \
                       verified and may be insecure!";
        Ok((transport, unchecked.then_some(warning)))
    }

    /// The proxy, or `None` for a direct connection.
    pub(super) fn proxy(&self) -> Result<Option<Proxy>> {
        self.proxy.as_ref().map(Proxy::new).transpose()
    }
}

fn extra_header(header: &Header) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(header.name.as_bytes());
    let value = wiped_header(header.value.as_bytes());
    match (name, value) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(Error::Argument("an extra header cannot be sent".to_owned())),
    }
}

fn identity(value: Option<Secret>) -> Result<HeaderValue> {
    let value = value.as_ref().map_or(&b""[..], Secret::as_bytes);
    wiped_header(value)
        .map_err(|_| Error::Argument("the user name or e-mail address cannot be sent".to_owned()))
}
