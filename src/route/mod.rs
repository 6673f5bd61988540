//! The way to a server: proxy, CA certificates and extra headers. `config::route`
//! finds it in variables and settings.

mod header;
mod proxy_url;

use std::path::PathBuf;

use crate::util::secret::Secret;

pub(crate) use header::Header;
pub(crate) use proxy_url::ProxyUrl;
#[cfg(feature = "http")]
pub(crate) use proxy_url::{Scheme, UserInfo};

/// The way to the server of a session, for the HTTP client of the caller.
#[derive(Clone, Default)]
pub(crate) struct Route {
    /// The CA file in place of the system's trust store. Absolute.
    pub ca_file: Option<PathBuf>,
    /// The CA directory in place of the system's trust store. Absolute. Several are
    /// separated as in `PATH`.
    pub ca_dir: Option<PathBuf>,
    /// Whether the server's certificate is not verified.
    pub tls_unchecked: bool,
    /// The URL of the proxy; `None` for a direct connection.
    pub proxy: Option<Secret>,
    /// `Name: value`, without `Authorization`.
    pub headers: Vec<Secret>,
}
