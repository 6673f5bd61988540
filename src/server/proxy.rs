//! Which proxy, if any, stands between here and a server. The rules are those
//! of Go's `net/http`, which the SDK's own client follows.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::env::variables::{self, setting};
use crate::error::{Error, Result};
use crate::util::secret::{Secret, WipedBytes, WipedText};

/// What the settings files say; the variable of each wins.
#[derive(Default)]
pub(crate) struct ProxySettings {
    pub http: Option<WipedText>,
    pub https: Option<WipedText>,
}

/// The proxies that are set, not yet looked at: only the one that a request
/// needs may be an error.
pub(super) struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    no_proxy: WipedText,
    /// From the extra headers; what the proxy's own address says wins.
    authorization: Option<Secret>,
}

struct Setting {
    name: &'static str,
    value: WipedText,
    /// W&B's own settings are followed without exception; those that all
    /// programs share are not for the loopback, nor for what NO_PROXY names.
    ours: bool,
}

/// A proxy to use.
pub(super) struct Proxy {
    pub uri: Uri,
    /// For messages: without user and password, with where it was set.
    pub shown: String,
    /// The value of a `Proxy-Authorization` header.
    pub authorization: Option<Secret>,
}

impl Proxies {
    pub fn new(
        var: &dyn Fn(&str) -> Option<WipedText>,
        settings: &ProxySettings,
        authorization: Option<Secret>,
    ) -> Proxies {
        let choose = |ours: [(&'static str, Option<WipedText>); 2], shared: [&'static str; 2]| {
            let setting = |name, value, ours| Setting { name, value, ours };
            ours.into_iter()
                .find_map(|(name, value)| Some(setting(name, value?, true)))
                .or_else(|| {
                    shared
                        .into_iter()
                        .find_map(|name| Some(setting(name, var(name)?, false)))
                })
        };
        let ours = |name, key, value: &Option<WipedText>| [(name, var(name)), (key, value.clone())];
        // A web server passes a request's `Proxy:` header to a CGI program as
        // HTTP_PROXY: anybody's choice, so nobody's.
        let http = if var(variables::REQUEST_METHOD).is_some() {
            variables::HTTP_PROXY_LOWER
        } else {
            variables::HTTP_PROXY
        };
        Proxies {
            http: choose(
                ours(
                    variables::WANDB_HTTP_PROXY,
                    setting::HTTP_PROXY,
                    &settings.http,
                ),
                [http, variables::HTTP_PROXY_LOWER],
            ),
            https: choose(
                ours(
                    variables::WANDB_HTTPS_PROXY,
                    setting::HTTPS_PROXY,
                    &settings.https,
                ),
                [variables::HTTPS_PROXY, variables::HTTPS_PROXY_LOWER],
            ),
            no_proxy: var(variables::NO_PROXY)
                .or_else(|| var(variables::NO_PROXY_LOWER))
                .unwrap_or_default(),
            authorization,
        }
    }

    /// The proxy for a server, or nothing for a direct connection.
    pub fn choose(&self, server: &Uri) -> Result<Option<Proxy>> {
        let https = server.scheme_str() == Some("https");
        let Some(setting) = (if https { &self.https } else { &self.http }) else {
            return Ok(None);
        };
        let host = server.host().unwrap_or_default();
        let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
        if !setting.ours && is_exempt(host, port, &self.no_proxy) {
            return Ok(None);
        }
        Proxy::parse(setting, self.authorization.as_ref()).map(Some)
    }
}

impl Proxy {
    /// Whether the way to the proxy itself is encrypted.
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    fn parse(setting: &Setting, authorization: Option<&Secret>) -> Result<Proxy> {
        let name = setting.name;
        let value = setting.value.trim();
        let (scheme, rest) = match value.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // `host:port` alone is the older way to write a proxy.
            None => ("http".to_owned(), value),
        };
        if scheme != "http" && scheme != "https" {
            return Err(Error::Proxy(format!(
                "{name} asks for a proxy of the kind {:?}, which is not supported: use an http \
                 or https proxy",
                crate::util::sanitize::clean(&scheme)
            )));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // Nothing of the value is shown: a slip in it may move the password.
        let invalid = || Error::Proxy(format!("{name} is not the address of a proxy"));
        let uri: Uri = format!("{scheme}://{host}/")
            .parse()
            .map_err(|_| invalid())?;
        // A port that is none is not an address without port.
        let bare = uri.host() == Some(host);
        if uri.host().is_none_or(str::is_empty) || (!bare && uri.port_u16().is_none()) {
            return Err(invalid());
        }
        Ok(Proxy {
            shown: format!("the proxy {scheme}://{host} ({name})"),
            uri,
            authorization: match user {
                Some(user) => Some(basic(user).ok_or_else(invalid)?),
                None => authorization.cloned(),
            },
        })
    }
}

/// `user:password` of an address, percent-decoded, as a header's value.
fn basic(user: &str) -> Option<Secret> {
    let mut plain = WipedBytes::new(Vec::with_capacity(user.len() + 1));
    let mut rest = user.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            // `from_str_radix` would take a sign.
            let digit = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            plain.push(digit.then(|| u8::from_str_radix(digits, 16).ok())??);
            rest = tail;
        } else {
            plain.push(byte);
        }
    }
    if !user.contains(':') {
        plain.push(b':');
    }
    Some(crate::session::basic(&plain))
}

/// Whether NO_PROXY, or being this machine itself, exempts a server from the
/// proxies that all programs share.
fn is_exempt(host: &str, port: u16, no_proxy: &str) -> bool {
    let host = host
        .trim_matches(['[', ']'])
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok().map(canonical);
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.split(',').any(|rule| {
        let rule = rule.trim().to_ascii_lowercase();
        if rule.is_empty() || rule == "*" {
            return rule == "*";
        }
        if let Some((network, bits)) = rule.split_once('/') {
            return address.is_some_and(|address| is_within(address, network, bits));
        }
        let (name, wanted) = split_port(&rule);
        if wanted.is_some_and(|wanted| wanted != port) {
            return false;
        }
        if let Ok(ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return address == Some(canonical(ip));
        }
        // `.corp` and `*.corp` are the names below it; `corp` is itself as well.
        match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(domain) => is_below(&host, domain),
            None => host == name || is_below(&host, name),
        }
    })
}

fn is_below(host: &str, domain: &str) -> bool {
    let Some(rest) = host.strip_suffix(domain) else {
        return false;
    };
    !domain.is_empty() && rest.ends_with('.')
}

/// `name:80` apart; the colons of a bare IPv6 address are no port.
fn split_port(rule: &str) -> (&str, Option<u16>) {
    match rule.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            port.parse().map_or((rule, None), |port| (name, Some(port)))
        }
        _ => (rule, None),
    }
}

/// An IPv4 address in an IPv6 coat is the IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    // Both as 128 bits, counted from the left.
    let (address, network, most) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (
            u128::from(a.to_bits()) << 96,
            u128::from(n.to_bits()) << 96,
            32,
        ),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= most && (address ^ network).checked_shr(128 - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(vars: &[(&str, &str)], server: &str) -> Result<Option<Proxy>> {
        let var = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned().into())
        };
        Proxies::new(&var, &ProxySettings::default(), None).choose(&server.parse().unwrap())
    }

    fn shown(vars: &[(&str, &str)], server: &str) -> String {
        match choose(vars, server) {
            Ok(Some(proxy)) => proxy.shown,
            Ok(None) => "direct".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let vars = [
            ("HTTP_PROXY", "plain:1"),
            ("https_proxy", "https://tls:2/x"),
            ("ALL_PROXY", "no:3"),
        ];
        assert_eq!(
            shown(&vars, "http://w.test"),
            "the proxy http://plain:1 (HTTP_PROXY)"
        );
        assert_eq!(
            shown(&vars, "https://w.test"),
            "the proxy https://tls:2 (https_proxy)"
        );
        assert_eq!(shown(&vars[..1], "https://w.test"), "direct");
        assert_eq!(shown(&vars[2..], "https://w.test"), "direct");
        let cgi = [("HTTP_PROXY", "stranger:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(shown(&cgi, "http://w.test"), "direct");
    }

    #[test]
    fn ours_wins_even_for_the_loopback_and_against_no_proxy() {
        let vars = [
            ("HTTP_PROXY", "shared:1"),
            ("NO_PROXY", "*"),
            ("WANDB_HTTP_PROXY", "own:2"),
        ];
        assert_eq!(
            shown(&vars, "http://127.0.0.1:8080"),
            "the proxy http://own:2 (WANDB_HTTP_PROXY)"
        );
        assert_eq!(shown(&vars[..2], "http://w.test"), "direct");
        for host in [
            "localhost",
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
            "LOCALHOST",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(
                shown(&vars[..1], &format!("http://{host}:8080")),
                "direct",
                "{host}"
            );
        }
        let settings = ProxySettings {
            http: Some("set:3".to_owned().into()),
            https: None,
        };
        let var = |name: &str| (name == "HTTP_PROXY").then(|| "shared:1".to_owned().into());
        let proxies = Proxies::new(&var, &settings, None);
        let proxy = proxies
            .choose(&"http://w.test".parse().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(proxy.shown, "the proxy http://set:3 (http_proxy)");
    }

    #[test]
    fn no_proxy_follows_the_rules_of_go() {
        for (rules, host, port, exempt) in [
            ("", "w.test", 443, false),
            ("*", "w.test", 443, true),
            ("w.test", "w.test", 443, true),
            ("W.Test", "w.tesT", 443, true),
            ("w.test", "a.w.test", 443, true),
            ("w.test", "aw.test", 443, false),
            (".w.test", "w.test", 443, false),
            (".w.test", "a.w.test", 443, true),
            ("*.w.test", "a.b.w.test", 443, true),
            ("*.w.test", "w.test", 443, false),
            ("a, w.test ,b", "w.test", 443, true),
            ("w.test:8443", "w.test", 443, false),
            ("w.test:8443", "w.test", 8443, true),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.0.0.0/8", "11.1.2.3", 443, false),
            ("10.0.0.0/33", "10.1.2.3", 443, false),
            ("0.0.0.0/0", "11.1.2.3", 443, true),
            ("0.0.0.0/0", "[fd00::1]", 443, false),
            ("10.1.2.3", "10.1.2.3", 443, true),
            ("10.1.2.3:80", "10.1.2.3", 443, false),
            ("fd00::/8", "[fd00::1]", 443, true),
            ("fd00::1", "[fd00::1]", 443, true),
            ("[fd00::1]:443", "[fd00::1]", 443, true),
            ("[fd00::1]:80", "[fd00::1]", 443, false),
            ("w.test:x", "w.test", 443, false),
            (".", "w.test", 443, false),
            ("*.", "w.test", 443, false),
        ] {
            assert_eq!(
                is_exempt(host, port, rules),
                exempt,
                "{rules:?} {host} {port}"
            );
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let proxy = choose(
            &[("HTTPS_PROXY", "http://us%40er:p%3Ass@h:3128")],
            "https://w.test",
        )
        .unwrap()
        .unwrap();
        assert_eq!(proxy.shown, "the proxy http://h:3128 (HTTPS_PROXY)");
        // base64 of "us@er:p:ss"
        assert_eq!(
            proxy.authorization.unwrap().as_bytes(),
            b"Basic dXNAZXI6cDpzcw=="
        );
        let proxy = choose(&[("HTTPS_PROXY", "http://user@h")], "https://w.test")
            .unwrap()
            .unwrap();
        assert_eq!(proxy.authorization.unwrap().as_bytes(), b"Basic dXNlcjo=");
    }

    #[test]
    fn what_cannot_be_used_is_an_error_and_never_a_direct_connection() {
        for value in [
            "socks5://h:1",
            "socks5h://u:secret@h",
            "ftp://h",
            "http://",
            "http://u:secret@",
            "http://a b",
            "http://u:secret%@h",
            "http://u:secret%+f@h",
            "http://h:99999",
            "http://[::1",
        ] {
            let Err(Error::Proxy(text)) = choose(&[("HTTPS_PROXY", value)], "https://w.test")
            else {
                panic!("{value}");
            };
            assert!(
                text.contains("HTTPS_PROXY") && !text.contains("secret"),
                "{text}"
            );
            assert_eq!(shown(&[("HTTPS_PROXY", value)], "http://w.test"), "direct");
        }
    }
}
