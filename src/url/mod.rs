//! The server's address: a URL that has passed the rules for servers, in its
//! normal form. Which key may go to which server is decided by comparing these,
//! so that two spellings of one server must not differ, and two servers never
//! look alike.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

mod parse;

/// The server where nobody names another.
const CLOUD: &str = "https://api.wandb.ai";
const CLOUD_QA: &str = "https://api.qa.wandb.ai";
const FORGE: &str = "https://api.forge.coreweave.com";
const FORGE_QA: &str = "https://api.qa.forge.coreweave.com";

/// W&B's cloud has two names: the SDK moved its default from the first to the
/// second in 0.31. With each pair, the web application that belongs to it.
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

/// A W&B server's address in normal form: scheme and host in lower case, no
/// default port, no slash at the end, no query, no fragment.
///
/// A path is kept as it is, dots and doubled slashes included: it takes no part
/// in the look-up of a key by machine, and elsewhere a path spelled otherwise
/// is another server, which at worst finds no key. So is a host with a dot at
/// its end, which to a resolver need not be the host without.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    url: Cow<'static, str>,
    /// Where in `url` the host stands, without the brackets of an IPv6 address.
    host: Range<usize>,
    /// Where in `url` host and port stand.
    netloc: Range<usize>,
    /// A port other than the scheme's own.
    port: Option<u16>,
    /// Host and port as the user wrote them, if that is not the normal form.
    spelled: Option<Box<str>>,
}

impl BaseUrl {
    /// W&B's cloud, the default. Costs nothing: no memory is taken.
    pub const fn cloud() -> BaseUrl {
        BaseUrl::fixed(CLOUD)
    }

    /// An address in normal form of the shape `https://host`.
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

    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// `host` or `host:port`: the machine's name in netrc.
    pub fn netloc(&self) -> &str {
        &self.url[self.netloc.clone()]
    }

    /// Host and port as the user wrote them (`API.Example.com:443`), if that
    /// differs from [`BaseUrl::netloc`]: the SDK writes netrc entries that way.
    pub fn spelled_netloc(&self) -> Option<&str> {
        self.spelled.as_deref()
    }

    /// The other name of W&B's cloud, where this is one of the two.
    pub fn alias_netloc(&self) -> Option<&'static str> {
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
    pub fn host(&self) -> &str {
        &self.url[self.host.clone()]
    }

    /// The host, where a netrc entry that lacks the port may stand in for one
    /// that has it: not over plain http, where another user of the host may
    /// listen on the port, save on the loopback, where old SDKs left such
    /// entries.
    pub fn bare_host(&self) -> Option<&str> {
        (self.port.is_some() && (self.is_https() || self.is_loopback())).then(|| self.host())
    }

    /// The port, unless it is the scheme's own.
    #[cfg(test)]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    fn path(&self) -> &str {
        &self.url[self.netloc.end..]
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }

    pub fn is_loopback(&self) -> bool {
        match self.host().parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => without_dot(self.host()) == "localhost",
        }
    }

    /// Whether keys travel in the clear over a network: worth a warning, not a
    /// refusal, as many servers sit inside a private one.
    pub fn is_plain_http_warned(&self) -> bool {
        !self.is_https() && !self.is_loopback()
    }

    /// Whether this is W&B's own cloud, under any of its names.
    pub fn is_cloud(&self) -> bool {
        self.alias_netloc().is_some()
    }

    /// Whether this is `https://api.wandb.ai` by that very name.
    pub fn is_default(&self) -> bool {
        self.url == CLOUD
    }

    /// Whether a key for the one is a key for the other.
    pub fn same_server(&self, other: &BaseUrl) -> bool {
        self.url == other.url
            || (self.path() == other.path()
                && self.alias_netloc() == Some(other.netloc())
                && other.alias_netloc() == Some(self.netloc()))
    }

    /// The web application's address: what the user says, else by the SDK's
    /// rules. W&B's own hosts are known whatever the port; of others, a name
    /// that begins with `api.` has its twin in `app.`.
    pub fn app_url(&self, override_: Option<&str>) -> String {
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

/// The page of the web application that shows, or with `signup` first makes,
/// the user's key.
pub fn authorize_url(app_url: &str, signup: bool, referrer: Option<&str>) -> String {
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
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        push_encoded(&mut url, referrer, plain);
    }
    url
}

/// The user's word for the web application's address, or `None` if it is
/// empty. It is only ever shown, so it need not be a valid one; but what it
/// does to a terminal is ours to answer for. `https` is meant where no scheme
/// is given (the SDK means it too, and prints `https:///`).
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
    push_encoded(&mut url, rest, |byte| byte.is_ascii_graphic());
    Some(url)
}

/// Appends the text, percent-encoding the bytes that are not `plain`.
fn push_encoded(url: &mut String, text: &str, plain: impl Fn(u8) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if plain(byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.push(char::from(DIGITS[usize::from(byte >> 4)]));
            url.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// The host without the dot that marks it as complete.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests;
