//! Chooses the proxy for a server, by the rules of Go's `net/http`, which the
//! SDK's own client uses.

use std::net::IpAddr;

use super::Variables;
use super::part::{Configured, Part};
use crate::env::variables;
use crate::route::ProxyUrl;
use crate::url::BaseUrl;
use crate::util::secret::Secret;

/// The proxy for a server, or `None` for a direct connection. `configured` is the
/// setting for the server's scheme. What the server does not need is not parsed.
pub(super) fn choose(
    var: &Variables<'_>,
    configured: Part<Option<Configured>>,
    server: &BaseUrl,
    authorization: Option<&Secret>,
) -> Part<Option<ProxyUrl>> {
    let parse = |found: Configured| {
        let proxy = ProxyUrl::parse(&found.name, &found.text, authorization);
        proxy.map(Some).map_err(|error| found.problem(error))
    };
    let ours = match server.is_https() {
        true => variables::WANDB_HTTPS_PROXY,
        false => variables::WANDB_HTTP_PROXY,
    };
    if let Some(found) = Configured::variable(var, ours) {
        return parse(found);
    }
    if let Some(found) = configured? {
        return parse(found);
    }
    // The shared variables do not apply to the loopback and to what NO_PROXY lists.
    let mut shared = shared_variables(var, server.is_https()).into_iter();
    let Some(found) = shared.find_map(|name| Configured::variable(var, name)) else {
        return Ok(None);
    };
    let no_proxy = var(variables::NO_PROXY).or_else(|| var(variables::NO_PROXY_LOWER));
    let no_proxy = no_proxy.unwrap_or_default();
    if is_exempt(server.host(), server.port_or_default(), &no_proxy) {
        return Ok(None);
    }
    parse(found)
}

fn shared_variables(var: &Variables<'_>, https: bool) -> [&'static str; 2] {
    if https {
        return [variables::HTTPS_PROXY, variables::HTTPS_PROXY_LOWER];
    }
    // A CGI program gets HTTP_PROXY from the `Proxy:` header of any client
    // ("httpoxy"), so it is ignored there.
    let upper = match var(variables::REQUEST_METHOD) {
        Some(_) => variables::HTTP_PROXY_LOWER,
        None => variables::HTTP_PROXY,
    };
    [upper, variables::HTTP_PROXY_LOWER]
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
    use crate::config::location::SourceLocation;
    use crate::error::{Error, Result};

    fn choose(vars: &[(&str, &str)], server: &str) -> Result<Option<ProxyUrl>> {
        let var = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned().into())
        };
        let proxy = super::choose(&var, Ok(None), &BaseUrl::parse(server).unwrap(), None);
        Ok(proxy?)
    }

    fn shown(vars: &[(&str, &str)], server: &str) -> String {
        match choose(vars, server) {
            Ok(Some(proxy)) => proxy.address_and_name,
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
        assert_eq!(shown(&vars, "http://w.test"), "http://plain:1 (HTTP_PROXY)");
        assert_eq!(
            shown(&vars, "https://w.test"),
            "https://tls:2 (https_proxy)"
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
            "http://own:2 (WANDB_HTTP_PROXY)"
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
        let var = |name: &str| (name == "HTTP_PROXY").then(|| "shared:1".to_owned().into());
        let configured = Configured {
            text: "set:3".to_owned().into(),
            name: "http_proxy in /s line 2".into(),
            location: SourceLocation::file_line("/s".as_ref(), 2),
        };
        let server = BaseUrl::parse("http://w.test").unwrap();
        let proxy = super::choose(&var, Ok(Some(configured)), &server, None);
        let Ok(Some(proxy)) = proxy else {
            panic!("there is a proxy");
        };
        assert_eq!(
            proxy.address_and_name,
            "http://set:3 (http_proxy in /s line 2)"
        );
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
        assert_eq!(proxy.address_and_name, "http://h:3128 (HTTPS_PROXY)");
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
