//! The URL of a proxy.

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::url::has_valid_escapes;
use crate::util::redact::clean;
use crate::util::secret::{Secret, WipedBytes};

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

struct UserInfo {
    user: Secret,
    password: Secret,
}

impl Proxy {
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

    /// Parses the value of the setting `name`. `authorization` is used where the URL
    /// has no user information.
    pub(super) fn parse(name: &str, value: &str, authorization: Option<&Secret>) -> Result<Proxy> {
        let value = value.trim();
        let (scheme, rest) = match value.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // `host:port` is short for `http://host:port`.
            None => ("http".to_owned(), value),
        };
        if !["http", "https", "socks5", "socks5h"].contains(&scheme.as_str()) {
            return Err(Error::Proxy(format!(
                "{name}: unsupported proxy scheme {:?}; use an http, https or socks5 proxy",
                clean(&scheme)
            )));
        }
        // The value is not quoted: a typing error may put the password anywhere.
        let (user_info, host, uri) = parse_authority(&scheme, rest).ok_or_else(|| {
            let advice = match rest.contains('@') {
                true => {
                    "; percent-encode special characters such as # / % @ in the user name and \
                     password"
                }
                false => "",
            };
            Error::Proxy(format!("{name} is not a valid proxy URL{advice}"))
        })?;
        let mut proxy = Proxy {
            shown: format!("the proxy {scheme}://{host} ({name})"),
            uri,
            authorization: None,
            user_info,
            socks: None,
        };
        if scheme.starts_with("socks") {
            proxy.socks = Some(proxy.to_socks().ok_or_else(|| {
                Error::Proxy(format!("the user name or password in {name} is not UTF-8"))
            })?);
        } else {
            let own = proxy.user_info.as_ref().map(UserInfo::basic);
            proxy.authorization = own.or_else(|| authorization.cloned());
        }
        Ok(proxy)
    }

    /// A SOCKS5 proxy that resolves host names itself: Go, and so the SDK's client,
    /// does this for both `socks5` and `socks5h`.
    fn to_socks(&self) -> Option<ureq::Proxy> {
        let mut proxy = ureq::Proxy::builder(ureq::ProxyProtocol::Socks5h)
            .host(self.uri.host()?)
            .port(self.uri.port_u16()?)
            .resolve_target(false);
        if let Some(info) = &self.user_info {
            proxy = proxy
                .username(std::str::from_utf8(info.user.as_bytes()).ok()?)
                .password(std::str::from_utf8(info.password.as_bytes()).ok()?);
        }
        proxy.build().ok()
    }
}

/// User information, host as written, and URI of the text after the scheme.
fn parse_authority<'a>(scheme: &str, rest: &'a str) -> Option<(Option<UserInfo>, &'a str, Uri)> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Most likely the end of a password that is not percent-encoded.
    if path.contains('@') {
        return None;
    }
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(UserInfo::parse(user)?), host),
        None => (None, authority),
    };
    Some((user_info, host, proxy_uri(scheme, host)?))
}

impl UserInfo {
    /// Decodes `user:password` of a URL.
    fn parse(text: &str) -> Option<UserInfo> {
        if !has_valid_escapes(text) {
            return None;
        }
        let decode = |text: &str| {
            let mut plain = WipedBytes::new(Vec::with_capacity(text.len()));
            plain.extend(percent_decode_str(text));
            Secret::new(&plain)
        };
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Some(UserInfo {
            user: decode(user),
            password: decode(password),
        })
    }

    /// The value of a `Proxy-Authorization` header.
    fn basic(&self) -> Secret {
        let parts = [self.user.as_bytes(), b":", self.password.as_bytes()];
        crate::session::basic(Secret::from_parts(&parts).as_bytes())
    }
}

/// The URI of a proxy, with a port if it is a SOCKS proxy.
fn proxy_uri(scheme: &str, host: &str) -> Option<Uri> {
    let uri: Uri = format!("{scheme}://{host}/").parse().ok()?;
    let name = uri.host().filter(|name| !name.is_empty())?;
    match uri.port_u16() {
        Some(_) => Some(uri),
        // `Uri` accepts an invalid port and reports none.
        None if name != host => None,
        None if scheme.starts_with("socks") => format!("{scheme}://{host}:1080/").parse().ok(),
        None => Some(uri),
    }
}
