//! Parses a server URL into its normal form.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{BaseUrl, CLOUD, CLOUD_QA, FORGE, FORGE_QA, has_valid_escapes, without_dot};
use crate::util::redact::{is_quoted, looks_like_key};

/// The length limit of a server URL.
const LONGEST: usize = 2048;

/// Why a text is not a valid server URL, and what to use instead.
///
/// No message quotes the text, which may contain a password, a misplaced key, or
/// an escape sequence. Only a valid host is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlProblem {
    #[error("The server address is empty; use one like https://wandb.example.com.")]
    Empty,
    #[error(
        "The server address is longer than {LONGEST} characters; use one like https://wandb.example.com."
    )]
    TooLong,
    #[error("The server address holds what looks like an API key; did you mean WANDB_API_KEY?")]
    Key,
    #[error("The server address is in quotes; remove them.")]
    Quotes,
    #[error("The server address contains whitespace or control characters; remove them.")]
    WhiteSpace,
    #[error("The server address contains a backslash; use / instead.")]
    Backslash,
    #[error(
        "A server address must begin with https:// or http://, as in https://wandb.example.com."
    )]
    Scheme,
    #[error(
        "The server address contains a user name or password; remove everything between // and @. The login uses the API key only."
    )]
    UserInformation,
    #[error("The server address has no host; use one like https://wandb.example.com.")]
    EmptyHost,
    #[error(
        "The port in the server address is not a number from 1 to 65535; correct it, or omit it to use the default port."
    )]
    Port,
    #[error(
        "The host in the server address ends in a number but is not an IPv4 address; use one like 192.0.2.1."
    )]
    Ipv4,
    #[error(
        "The host in the server address is not an IPv6 address in brackets; use one like [2001:db8::1]."
    )]
    Ipv6,
    #[error(
        "The host in the server address contains characters outside ASCII; use its punycode form, which begins with xn--."
    )]
    NotAscii,
    #[error(
        "The host in the server address may only contain letters, digits, -, . and _; correct it, as in https://wandb.example.com."
    )]
    HostCharacters,
    #[error(
        "The path in the server address may only contain letters, digits, /, -, ., _, ~ and % with two hexadecimal digits; percent-encode other characters."
    )]
    PathCharacters,
    #[error("{host} is not a valid server address, did you mean {use_instead}?")]
    WebSite {
        host: String,
        use_instead: &'static str,
    },
    #[error("Invalid Forge server address; use {use_instead}.")]
    Forge { use_instead: &'static str },
    #[error("http is not secure, please use https://{host}")]
    PlainHttp { host: String },
}

impl BaseUrl {
    /// Parses a URL and converts it to normal form.
    pub(crate) fn parse(text: &str) -> Result<BaseUrl, UrlProblem> {
        if text.is_empty() {
            return Err(UrlProblem::Empty);
        }
        if text.len() > LONGEST {
            return Err(UrlProblem::TooLong);
        }
        if looks_like_key(text.as_bytes()) {
            return Err(UrlProblem::Key);
        }
        if is_quoted(text) {
            return Err(UrlProblem::Quotes);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlProblem::WhiteSpace);
        }
        if text.contains('\\') {
            return Err(UrlProblem::Backslash);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlProblem::Scheme)?;
        let (scheme, default_port) = if scheme.eq_ignore_ascii_case("https") {
            ("https://", 443)
        } else if scheme.eq_ignore_ascii_case("http") {
            ("http://", 80)
        } else {
            return Err(UrlProblem::Scheme);
        };
        // Paths are appended to this URL, so query and fragment are dropped.
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        if authority.contains('@') {
            return Err(UrlProblem::UserInformation);
        }
        let (host, port) = split_port(authority)?;
        let (host, brackets) = normal_host(host)?;
        let port = normal_port(port, default_port)?;
        check_path(path)?;

        let mut url = String::with_capacity(text.len().max(scheme.len() + host.len()));
        url.push_str(scheme);
        url.push_str(&host);
        let netloc_start = scheme.len();
        let host_span = netloc_start + brackets..url.len() - brackets;
        if let Some(port) = port {
            url.push_str(&format!(":{port}"));
        }
        let netloc = netloc_start..url.len();
        let spelled = (url[netloc.clone()] != *authority).then(|| authority.into());
        url.push_str(path);
        BaseUrl {
            url: url.into(),
            host: host_span,
            netloc,
            port,
            spelled,
        }
        .check_wandb_hosts()
    }

    /// Applies the rules for W&B's own hosts, with or without a trailing dot.
    fn check_wandb_hosts(self) -> Result<BaseUrl, UrlProblem> {
        let host = without_dot(self.host());
        let forge_api = match host {
            "forge.coreweave.com" => Some(FORGE),
            "qa.forge.coreweave.com" => Some(FORGE_QA),
            _ => None,
        };
        if let Some(use_instead) = forge_api {
            let is_proxy = self.is_https() && self.port.is_none() && self.path() == "/api/wandb";
            return match is_proxy {
                true => Ok(BaseUrl::fixed(use_instead)),
                false => Err(UrlProblem::Forge { use_instead }),
            };
        }
        let is_forge_api = matches!(
            host,
            "api.forge.coreweave.com" | "api.qa.forge.coreweave.com"
        );
        let is_wandb = host == "wandb.ai" || host.ends_with(".wandb.ai");
        if is_wandb && !host.contains("api.") {
            let is_qa = host == "qa.wandb.ai" || host.ends_with(".qa.wandb.ai");
            return Err(UrlProblem::WebSite {
                host: host.to_owned(),
                use_instead: if is_qa { CLOUD_QA } else { CLOUD },
            });
        }
        if (is_wandb || is_forge_api) && !self.is_https() {
            return Err(UrlProblem::PlainHttp {
                host: host.to_owned(),
            });
        }
        Ok(self)
    }
}

/// The host in normal form, an IPv6 address in brackets, and the port, if there is
/// one, of `host`, `host:port` or `[v6]:port`.
pub(crate) fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = split_port(authority).ok()?;
    let (host, _) = normal_host(host).ok()?;
    // No port is 0, so none is left out as the default.
    Some((host, normal_port(port, 0).ok()?))
}

/// Splits `host`, `host:port` or `[v6]:port`; the brackets stay with the host.
fn split_port(authority: &str) -> Result<(&str, &str), UrlProblem> {
    let end = match authority.strip_prefix('[') {
        Some(inside) => 1 + inside.find(']').ok_or(UrlProblem::Ipv6)? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    match port.strip_prefix(':') {
        // Most likely an IPv6 address without its brackets.
        Some(port) if port.contains(':') => Err(UrlProblem::Ipv6),
        Some(port) => Ok((host, port)),
        None if port.is_empty() => Ok((host, "")),
        None => Err(UrlProblem::Ipv6),
    }
}

/// The host in normal form, and the number of brackets on each side (0 or 1).
///
/// IPv4 addresses are written in full, because a resolver reads `127.1` and
/// `0x7f.0.0.1` as `127.0.0.1`.
fn normal_host(host: &str) -> Result<(String, usize), UrlProblem> {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or(UrlProblem::Ipv6)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlProblem::Ipv6)?;
        return Ok((format!("[{address}]"), 1));
    }
    if host.bytes().all(|byte| byte == b'.') {
        return Err(UrlProblem::EmptyHost);
    }
    if !host.is_ascii() {
        return Err(UrlProblem::NotAscii);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !host.bytes().all(is_plain) {
        return Err(UrlProblem::HostCharacters);
    }
    let host = host.to_ascii_lowercase();
    let labels = without_dot(&host);
    let last = labels.rsplit('.').next().unwrap_or(labels);
    let is_digits = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits || ipv4_number(last).is_some() {
        let address = ipv4(labels).ok_or(UrlProblem::Ipv4)?;
        return Ok((address.to_string(), 0));
    }
    Ok((host, 0))
}

/// Parses an IPv4 address by the rules of the URL Standard and `inet_aton`: one to
/// four numbers, of which the last fills the remaining bytes.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let mut address: u64 = 0;
    let mut bytes_left = 4;
    let mut parts = host.split('.').peekable();
    while let Some(part) = parts.next() {
        let number = ipv4_number(part)?;
        let is_last = parts.peek().is_none();
        let filled = if is_last { bytes_left } else { 1 };
        // No byte left: too many parts.
        if bytes_left == 0 || number >> (8 * filled) != 0 {
            return None;
        }
        address = address << (8 * filled) | number;
        bytes_left -= filled;
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

/// A number of an IPv4 address: decimal, octal after `0`, hexadecimal after `0x`.
/// An overflow gives a number that is too large for an address.
fn ipv4_number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.as_bytes() {
        [] => return None,
        [b'0', b'x', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    if digits.is_empty() {
        return Some(0);
    }
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u64::from_str_radix(digits, radix).unwrap_or(u64::MAX))
}

fn normal_port(port: &str, default_port: u16) -> Result<Option<u16>, UrlProblem> {
    if port.is_empty() {
        return Ok(None);
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UrlProblem::Port);
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(UrlProblem::Port),
        Ok(port) => Ok((port != default_port).then_some(port)),
    }
}

fn check_path(path: &str) -> Result<(), UrlProblem> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    match path.bytes().all(is_allowed) && has_valid_escapes(path) {
        true => Ok(()),
        false => Err(UrlProblem::PathCharacters),
    }
}
