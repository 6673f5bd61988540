//! A proxy in the form that the connection code uses.

use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::route::{ProxyUrl, Scheme, UserInfo};
use crate::util::secret::Secret;

/// A proxy to use.
pub(super) struct Proxy {
    pub uri: Uri,
    /// For messages: without user information, with the setting's name.
    pub shown: String,
    /// The value of a `Proxy-Authorization` header.
    pub authorization: Option<Secret>,
    /// User name and password, decoded.
    user_info: Option<UserInfo>,
    /// The proxy in the form of ureq, if it is a SOCKS proxy.
    pub socks: Option<ureq::Proxy>,
}

impl Proxy {
    pub(super) fn new(url: &ProxyUrl) -> Result<Proxy> {
        let scheme = match url.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Socks => "socks5",
        };
        let shown = format!("the proxy {}", url.address_and_name);
        let unusable = || Error::Proxy(format!("{shown} cannot be used"));
        let uri = format!("{scheme}://{}:{}/", url.host, url.port);
        let socks = match url.scheme {
            Scheme::Socks => Some(socks(url).ok_or_else(unusable)?),
            _ => None,
        };
        let uri = uri.parse().map_err(|_| unusable())?;
        Ok(Proxy {
            uri,
            shown,
            authorization: url.authorization.clone(),
            user_info: url.user_info.clone(),
            socks,
        })
    }

    /// Whether the connection to the proxy itself uses TLS.
    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// What a proxy may repeat and no message may contain.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let header = self.authorization.as_ref();
        let encoded = header.and_then(|header| header.as_bytes().strip_prefix(b"Basic "));
        let password = self.user_info.as_ref().map(|info| info.password.clone());
        let encoded = encoded.map(Secret::new);
        header
            .cloned()
            .into_iter()
            .chain(encoded)
            .chain(password)
            .collect()
    }
}

/// A SOCKS5 proxy that resolves host names itself.
fn socks(url: &ProxyUrl) -> Option<ureq::Proxy> {
    let mut proxy = ureq::Proxy::builder(ureq::ProxyProtocol::Socks5h)
        .host(&url.host)
        .port(url.port)
        .resolve_target(false);
    if let Some(info) = &url.user_info {
        proxy = proxy
            .username(std::str::from_utf8(info.user.as_bytes()).ok()?)
            .password(std::str::from_utf8(info.password.as_bytes()).ok()?);
    }
    proxy.build().ok()
}
