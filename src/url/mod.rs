//! Server URLs in normal form. A key is bound to a server by comparing these, so
//! two spellings of one server must be equal, and two servers must differ.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

mod parse;

pub(crate) use parse::host_and_port;

/// The default server.
const CLOUD: &str = "https://api.wandb.ai";
const CLOUD_QA: &str = "https://api.qa.wandb.ai";
const FORGE: &str = "https://api.forge.coreweave.com";
const FORGE_QA: &str = "https://api.qa.forge.coreweave.com";

/// The two names of W&B's cloud, and its web app. The SDK moved its default from
/// the first name to the second in 0.31.
const TWINS: [(&str, &str, &str); 2] = [
    (
        "api.wandb.ai",
        "api.forge.coreweave.com",
        "https://forge.coreweave.com/wandb",
    ),
    (
        "api.qa.wandb.ai",
        "api.qa.forge.coreweave.com",
        "https://qa.forge.coreweave.com/wandb",
    ),
];

/// Everything but the unreserved characters of RFC 3986.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Space and control characters.
const NOT_PRINTABLE: &AsciiSet = &CONTROLS.add(b' ');

/// The URL of a W&B server in normal form: scheme and host in lower case, no
/// default port, no trailing slash, no query, no fragment.
///
/// The path is kept as written, and so is a trailing dot of the host: another
/// spelling counts as another server, which at worst finds no key.
#[derive(Debug, Clone)]
pub(crate) struct BaseUrl {
    url: Cow<'static, str>,
    /// The range of the host in `url`, without the brackets of an IPv6 address.
    host: Range<usize>,
    /// The range of host and port in `url`.
    netloc: Range<usize>,
    /// The port, unless it is the scheme's default.
    port: Option<u16>,
    /// Host and port as the user wrote them, if that is not the normal form.
    spelled: Option<Box<str>>,
}

impl BaseUrl {
    /// The default server, W&B's cloud. Does not allocate.
    pub(crate) const fn cloud() -> BaseUrl {
        BaseUrl::fixed(CLOUD)
    }

    /// A URL in normal form, of the shape `https://host`.
    const fn fixed(url: &'static str) -> BaseUrl {
        let start = "https://".len();
        BaseUrl {
            url: Cow::Borrowed(url),
            host: start..url.len(),
            netloc: start..url.len(),
            port: None,
            spelled: None,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.url
    }

    /// `host` or `host:port`: the machine's name in netrc.
    pub(crate) fn netloc(&self) -> &str {
        &self.url[self.netloc.clone()]
    }

    /// Host and port as the user wrote them (`API.Example.com:443`), if that
    /// differs from [`BaseUrl::netloc`]: the SDK writes netrc entries that way.
    pub(crate) fn spelled_netloc(&self) -> Option<&str> {
        self.spelled.as_deref()
    }

    /// The other name of W&B's cloud, where this is one of the two.
    pub(crate) fn alias_netloc(&self) -> Option<&'static str> {
        if !self.is_https() || self.port.is_some() {
            return None;
        }
        TWINS.iter().find_map(|&(old, new, _)| match self.host() {
            host if host == old => Some(new),
            host if host == new => Some(old),
            _ => None,
        })
    }

    /// The host alone, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        &self.url[self.host.clone()]
    }

    /// The host without the port, if the server has one: the name that the SDK 0.22
    /// and older look up in netrc.
    pub(crate) fn bare_host(&self) -> Option<&str> {
        self.port.is_some().then(|| self.host())
    }

    /// Whether a netrc entry without the port may be used for this server. Not over
    /// plain http, where another user of the host may listen on the port, except on
    /// the loopback, where old SDKs wrote such entries.
    pub(crate) fn is_safe_for_bare_host(&self) -> bool {
        self.is_https() || self.is_loopback()
    }

    /// The port, unless it is the scheme's default.
    #[cfg(test)]
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port that clients connect to.
    pub(crate) fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// The path without its trailing slash; empty for most servers.
    pub(crate) fn path(&self) -> &str {
        &self.url[self.netloc.end..]
    }

    /// The last part of the path if it is the name of a page or an API, as in a URL
    /// from the address bar of a browser, and the URL without it.
    pub(crate) fn page(&self) -> Option<(&str, &str)> {
        const PAGES: [&str; 7] = [
            "authorize",
            "graphql",
            "home",
            "login",
            "projects",
            "settings",
            "signup",
        ];
        let (server, last) = self
            .url
            .rsplit_once('/')
            .filter(|_| !self.path().is_empty())?;
        let is_page = PAGES.iter().any(|page| last.eq_ignore_ascii_case(page));
        is_page.then_some((last, server))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.host().parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => without_dot(self.host()) == "localhost",
        }
    }

    /// Whether keys are sent unencrypted over a network. That is a warning, not an
    /// error, because many servers are inside a private network.
    pub(crate) fn is_plain_http_warned(&self) -> bool {
        !self.is_https() && !self.is_loopback()
    }

    /// Whether this is W&B's own cloud, under any of its names.
    pub(crate) fn is_cloud(&self) -> bool {
        self.alias_netloc().is_some()
    }

    /// Whether this is `https://api.wandb.ai`.
    pub(crate) fn is_default(&self) -> bool {
        self.url == CLOUD
    }

    /// Whether both are names of one server, so that a key for one is valid for
    /// the other.
    pub(crate) fn same_server(&self, other: &BaseUrl) -> bool {
        self.url == other.url
            || (self.path() == other.path()
                && self.alias_netloc() == Some(other.netloc())
                && other.alias_netloc() == Some(self.netloc()))
    }

    /// The web app's URL: the override, else by the SDK's rules. W&B's own hosts
    /// are known regardless of the port; otherwise `api.` is replaced by `app.`.
    pub(crate) fn app_url(&self, override_: Option<&str>) -> String {
        if let Some(app) = override_.and_then(printable_url) {
            return app;
        }
        let host = self.host();
        let known = |&&(old, new, _): &&(&str, &str, &str)| host == old || host == new;
        if let Some(&(_, _, app)) = TWINS.iter().find(known) {
            return app.to_owned();
        }
        let renamed = if host.starts_with("api.wandb.") && !host.starts_with("api.wandb.test") {
            ""
        } else if host.starts_with("api.") {
            "app."
        } else {
            return self.url.clone().into_owned();
        };
        let (scheme, rest) = self.url.split_at(self.host.start);
        format!("{scheme}{renamed}{}", &rest["api.".len()..])
    }
}

/// The page of the web app that shows the user's API key, with `signup` after
/// creating an account.
pub(crate) fn authorize_url(app_url: &str, signup: bool, referrer: Option<&str>) -> String {
    let end = app_url.find(['?', '#']).unwrap_or(app_url.len());
    let mut url = app_url[..end].trim_end_matches('/').to_owned();
    url.push_str("/authorize");
    let mut mark = '?';
    if signup {
        url.push_str("?signup=true");
        mark = '&';
    }
    if let Some(referrer) = referrer.filter(|referrer| !referrer.is_empty()) {
        url.push(mark);
        url.push_str("ref=");
        url.extend(utf8_percent_encode(referrer, RESERVED));
    }
    url
}

/// The user's override of the web app's URL, or `None` if it is empty. It is only
/// displayed, so it need not be valid, but it must be safe to print. The default
/// scheme is https (as meant by the SDK, which prints `https:///`).
fn printable_url(text: &str) -> Option<String> {
    let text = text.trim_ascii().trim_end_matches('/');
    if text.is_empty() {
        return None;
    }
    let (scheme, rest) = match text.contains("://") {
        true => ("", text),
        false => ("https://", text.trim_start_matches('/')),
    };
    let mut url = scheme.to_owned();
    url.extend(utf8_percent_encode(rest, NOT_PRINTABLE));
    Some(url)
}

/// Whether each `%` begins a valid percent-encoding.
pub(crate) fn has_valid_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The host without the trailing dot of an absolute name.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests;
