//! The URL of a proxy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{percent_decode_str, percent_encode};

use crate::error::{Error, Result};
use crate::session::basic;
use crate::url::{RESERVED, has_valid_escapes, host_and_port};
use crate::util::redact::clean;
use crate::util::secret::{Secret, WipedBytes};

/// The kind of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    /// SOCKS5. The proxy resolves host names: Go, and so the SDK's client, does this
    /// for both `socks5` and `socks5h`.
    Socks,
}

impl Scheme {
    fn parse(name: &str) -> Option<Scheme> {
        Some(match name {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "socks5" | "socks5h" => Scheme::Socks,
            _ => return None,
        })
    }

    /// The name that every client understands in the same way.
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Socks => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
            Scheme::Socks => 1080,
        }
    }
}

/// A proxy. It may hold a password, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct ProxyUrl {
    pub scheme: Scheme,
    /// In normal form, an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
    /// For messages: without user information, with the name of the value.
    pub address_and_name: String,
    /// User name and password, decoded.
    pub user_info: Option<UserInfo>,
    /// The value of a `Proxy-Authorization` header.
    pub authorization: Option<Secret>,
}

#[derive(Clone)]
pub(crate) struct UserInfo {
    pub user: Secret,
    pub password: Secret,
}

impl ProxyUrl {
    /// Parses a value that messages call `name`. `authorization` is used where the URL
    /// has no user information.
    pub(crate) fn parse(
        name: &str,
        value: &str,
        authorization: Option<&Secret>,
    ) -> Result<ProxyUrl> {
        let value = value.trim();
        let (scheme, rest) = match value.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // `host:port` is short for `http://host:port`.
            None => ("http".to_owned(), value),
        };
        let Some(kind) = Scheme::parse(&scheme) else {
            return Err(Error::Proxy(format!(
                "{name}: unsupported proxy scheme {:?}; use an http, https or socks5 proxy",
                clean(&scheme)
            )));
        };
        // The value is not quoted: a typing error may put the password anywhere.
        let (user_info, authority) = split_user_info(rest).ok_or_else(|| invalid(name, rest))?;
        let (host, port) = host_and_port(authority).ok_or_else(|| invalid(name, rest))?;
        let mut proxy = ProxyUrl {
            scheme: kind,
            host,
            port: port.unwrap_or(kind.default_port()),
            address_and_name: format!("{scheme}://{authority} ({name})"),
            user_info,
            authorization: None,
        };
        if kind == Scheme::Socks {
            if !proxy.user_info.as_ref().is_none_or(UserInfo::is_utf8) {
                return Err(Error::Proxy(format!(
                    "the user name or password in {name} is not UTF-8"
                )));
            }
        } else {
            proxy.authorize(authorization);
        }
        Ok(proxy)
    }

    /// Sets the header, from the user information or the other way round.
    fn authorize(&mut self, authorization: Option<&Secret>) {
        if let Some(info) = &self.user_info {
            self.authorization = Some(info.basic());
        } else if let Some(authorization) = authorization {
            self.user_info = UserInfo::from_basic(authorization);
            self.authorization = Some(authorization.clone());
        }
    }

    /// The URL with user name and password, percent-encoded, and with the port, for
    /// which clients have different defaults.
    pub(crate) fn to_url(&self) -> Secret {
        let mut parts: Vec<&[u8]> = vec![self.scheme.name().as_bytes(), b"://"];
        if let Some(info) = &self.user_info {
            let encode = |text| percent_encode(text, RESERVED).map(str::as_bytes);
            parts.extend(encode(info.user.as_bytes()));
            parts.push(b":");
            parts.extend(encode(info.password.as_bytes()));
            parts.push(b"@");
        }
        let port = format!(":{}", self.port);
        parts.extend([self.host.as_bytes(), port.as_bytes()]);
        Secret::from_parts(&parts)
    }
}

fn invalid(name: &str, rest: &str) -> Error {
    let advice = match rest.contains('@') {
        true => "; percent-encode special characters such as # / % @ in the user name and password",
        false => "",
    };
    Error::Proxy(format!("{name} is not a valid proxy URL{advice}"))
}

/// User information, and host and port as written, of the text after the scheme.
fn split_user_info(rest: &str) -> Option<(Option<UserInfo>, &str)> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Most likely the end of a password that is not percent-encoded.
    if path.contains('@') {
        return None;
    }
    Some(match authority.rsplit_once('@') {
        Some((user, host)) => (Some(UserInfo::parse(user)?), host),
        None => (None, authority),
    })
}

impl UserInfo {
    /// Decodes `user:password` of a URL. A NUL is refused: C cannot have it in a
    /// string.
    fn parse(text: &str) -> Option<UserInfo> {
        if !has_valid_escapes(text) || text.contains("%00") {
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

    /// Decodes the value of a `Proxy-Authorization` header, if its scheme is Basic.
    fn from_basic(authorization: &Secret) -> Option<UserInfo> {
        let (scheme, encoded) = authorization.as_bytes().split_at_checked(6)?;
        let encoded = encoded.trim_ascii();
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let mut plain = WipedBytes::new(vec![0; encoded.len().div_ceil(4) * 3]);
        let size = STANDARD.decode_slice(encoded, &mut plain).ok()?;
        let text = &plain[..size];
        let colon = text.iter().position(|&byte| byte == b':')?;
        (!text.contains(&0)).then(|| UserInfo {
            user: Secret::new(&text[..colon]),
            password: Secret::new(&text[colon + 1..]),
        })
    }

    fn is_utf8(&self) -> bool {
        let is_utf8 = |secret: &Secret| std::str::from_utf8(secret.as_bytes()).is_ok();
        is_utf8(&self.user) && is_utf8(&self.password)
    }

    /// The value of a `Proxy-Authorization` header.
    fn basic(&self) -> Secret {
        let parts = [self.user.as_bytes(), b":", self.password.as_bytes()];
        basic(Secret::from_parts(&parts).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(value: &str, authorization: Option<&str>) -> String {
        let authorization = authorization.map(|value| Secret::new(value.as_bytes()));
        let proxy = ProxyUrl::parse("P", value, authorization.as_ref()).unwrap();
        String::from_utf8(proxy.to_url().as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_url_has_a_port_and_encoded_user_information() {
        for (value, expected) in [
            ("h", "http://h:80"),
            (" H.Example.:3128/x?y ", "http://h.example.:3128"),
            ("HTTPS://h", "https://h:443"),
            ("socks5://h", "socks5h://h:1080"),
            ("socks5h://u@h:9", "socks5h://u:@h:9"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            (
                "http://u%40x:p%3A%2f%25+@h:1",
                "http://u%40x:p%3A%2F%25%2B@h:1",
            ),
            ("http://us er:ü@h:1", "http://us%20er:%C3%BC@h:1"),
            ("http://u:a:b@h:1", "http://u:a%3Ab@h:1"),
        ] {
            assert_eq!(url(value, None), expected, "{value}");
            // It means the same when it is parsed again.
            assert_eq!(url(expected, None), expected);
        }
    }

    #[test]
    fn a_basic_authorization_becomes_user_information() {
        for (value, authorization, expected) in [
            ("h:1", "Basic eDp5", "http://x:y@h:1"),
            ("h:1", "basic  eDp5 ", "http://x:y@h:1"),
            ("http://u:p@h:1", "Basic eDp5", "http://u:p@h:1"),
            ("h:1", "Bearer eDp5", "http://h:1"),
            ("h:1", "Basic !", "http://h:1"),
            ("h:1", "Basic eA==", "http://h:1"),
            ("h:1", "Basic", "http://h:1"),
            ("socks5://h:1", "Basic eDp5", "socks5h://h:1"),
        ] {
            assert_eq!(url(value, Some(authorization)), expected, "{authorization}");
        }
    }
}
