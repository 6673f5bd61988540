//! Chooses the proxy for a server, by the rules of Go's `net/http`, which the
//! SDK's own client uses.

use std::net::IpAddr;

use ureq::http::Uri;

use super::proxy_url::Proxy;
use crate::env::variables::{self, setting};
use crate::error::Result;
use crate::util::secret::{Secret, WipedText};

/// What the settings files say; the variable of each wins.
#[derive(Default)]
pub(crate) struct ProxySettings {
    pub http: Option<WipedText>,
    pub https: Option<WipedText>,
}

/// The configured proxies. They are parsed on use, so that one that a request
/// does not need is never an error.
pub(super) struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    no_proxy: WipedText,
    /// From the extra headers; user information in the proxy's URL wins.
    authorization: Option<Secret>,
}

struct Setting {
    name: &'static str,
    value: WipedText,
    /// Whether the setting is W&B's own. The shared variables (`HTTP_PROXY`) do
    /// not apply to the loopback and to what `NO_PROXY` lists.
    ours: bool,
}

impl Proxies {
    pub(super) fn new(
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
        // A CGI program gets HTTP_PROXY from the `Proxy:` header of any client
        // ("httpoxy"), so it is ignored there.
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

    /// The proxy for a server, or `None` for a direct connection.
    pub(super) fn choose(&self, server: &Uri) -> Result<Option<Proxy>> {
        let https = server.scheme_str() == Some("https");
        let Some(setting) = (if https { &self.https } else { &self.http }) else {
            return Ok(None);
        };
        let host = server.host().unwrap_or_default();
        let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
        if !setting.ours && is_exempt(host, port, &self.no_proxy) {
            return Ok(None);
        }
        Proxy::parse(setting.name, &setting.value, self.authorization.as_ref()).map(Some)
    }
}

/// Whether a server is on the loopback or in `NO_PROXY`, so that shared proxies
/// are not used for it.
fn is_exempt(host: &str, port: u16, no_proxy: &str) -> bool {
    let host = host
        .trim_matches(['[', ']'])
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let address = host.parse().ok().map(|ip: IpAddr| ip.to_canonical());
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
            return address == Some(ip.to_canonical());
        }
        // `.corp` and `*.corp` match subdomains only; `corp` matches itself too.
        match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(domain) => is_subdomain(&host, domain),
            None => host == name || is_subdomain(&host, name),
        }
    })
}

fn is_subdomain(host: &str, domain: &str) -> bool {
    let Some(rest) = host.strip_suffix(domain) else {
        return false;
    };
    !domain.is_empty() && rest.ends_with('.')
}

/// Splits `name:80`; a bare IPv6 address has no port.
fn split_port(rule: &str) -> (&str, Option<u16>) {
    match rule.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            port.parse().map_or((rule, None), |port| (name, Some(port)))
        }
        _ => (rule, None),
    }
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    // As 128 bits, aligned to the left.
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
    use crate::error::Error;

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
    fn http_and_https_servers_have_separate_proxies() {
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
    fn wandb_proxy_settings_win_over_no_proxy_and_apply_to_the_loopback() {
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
    fn proxy_user_information_is_decoded_and_never_shown() {
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
    fn an_unusable_proxy_is_an_error_and_never_a_direct_connection() {
        for value in [
            "socks4://h:1",
            "socks4a://u:secret@h",
            "ftp://h",
            "http://",
            "http://u:secret@",
            "http://a b",
            "http://u:secret%@h",
            "http://u:secret%+f@h",
            "http://u@h:80#secret@h",
            "socks5://u:secret%ff@h",
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
