//! Name resolution and connections: direct, or through a proxy. ureq's own proxy
//! code is not used: it reads the environment itself, connects directly if it does
//! not know a proxy's scheme, opens a tunnel for plain http, and hides the status
//! of a refusal.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, SocksConnector, TcpConnector, Transport,
    TransportAdapter,
};

use super::proxy::Proxy;
use super::tls;
use super::zeroizing::WipedTransport;
use crate::util::secret::{Secret, WipedBytes};

/// How to connect to the server.
pub(super) struct Route {
    pub proxy: Option<Proxy>,
    /// Whether there was a connection through the proxy.
    pub proxy_connected: AtomicBool,
    /// Set if the server or the proxy uses https.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Masked in everything that is received.
    pub secrets: Arc<[Secret]>,
}

/// A failure before the server itself is reached. It travels inside ureq's
/// [`Error::Other`].
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The host name could not be resolved.
    #[error("{0}")]
    Resolve(std::io::Error),
    /// The proxy cannot be reached or used.
    #[error("{0}")]
    Proxy(Error),
    /// The proxy refused, with this HTTP status.
    #[error("{0}")]
    ProxyRefused(u16),
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Error {
        Error::Other(Box::new(error))
    }
}

/// Resolves the host to connect to: the proxy, if there is one. The proxy
/// resolves the server's name, which may be unknown here.
pub(super) struct RouteResolver(pub Arc<Route>);

impl Resolver for RouteResolver {
    fn resolve(
        &self,
        server: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let uri = self.0.proxy.as_ref().map_or(server, |proxy| &proxy.uri);
        // Without a time-out ureq resolves in this thread and starts no other.
        let timeout = NextTimeout::default();
        match DefaultResolver::default().resolve(uri, config, timeout) {
            Err(Error::Io(error)) => Err(ConnectError::Resolve(error).into()),
            outcome => outcome,
        }
    }
}

/// Connects to the server or through the proxy. [`tls::TlsConnector`] follows.
pub(super) struct RouteConnector(pub Arc<Route>);

impl Connector for RouteConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = &self.0.proxy else {
            return Ok(Some(tcp(details)?));
        };
        match connect_proxy(proxy, &self.0, details) {
            Ok(transport) => {
                self.0.proxy_connected.store(true, Ordering::Relaxed);
                Ok(Some(transport))
            }
            Err(error @ (Error::Timeout(_) | Error::Other(_))) => Err(error),
            Err(error) => Err(ConnectError::Proxy(error).into()),
        }
    }
}

fn tcp(details: &ConnectionDetails) -> Result<Box<dyn Transport>, Error> {
    let transport = TcpConnector::default().connect(details, None::<()>)?;
    let transport = transport.ok_or(Error::ConnectionFailed)?;
    Ok(Box::new(WipedTransport(Box::new(transport))))
}

fn connect_proxy(
    proxy: &Proxy,
    route: &Route,
    details: &ConnectionDetails,
) -> Result<Box<dyn Transport>, Error> {
    if proxy.socks.is_some() {
        // ureq has this proxy in its configuration.
        let transport = SocksConnector::default().connect(details, None::<Box<dyn Transport>>)?;
        let transport = transport.ok_or(Error::ConnectionFailed)?;
        return Ok(Box::new(WipedTransport(Box::new(transport))));
    }
    // `RouteResolver` resolved the proxy's name.
    let mut transport = tcp(details)?;
    if proxy.is_https() {
        transport = tls::wrap(transport, route.tls.as_ref(), &proxy.uri, details)?;
    }
    let server = details.uri;
    let host = server.host().unwrap_or_default();
    if server.scheme_str() == Some("https") {
        let target = format!("{host}:{}", server.port_u16().unwrap_or(443));
        transport = tunnel(transport, &target, proxy.authorization.as_ref(), details)?;
        Ok(Box::new(ProxyTransport {
            transport,
            origin: None,
        }))
    } else {
        let authority = server
            .authority()
            .map_or(host, |authority| authority.as_str());
        Ok(Box::new(ProxyTransport {
            transport,
            origin: Some(format!("http://{authority}")),
        }))
    }
}

/// Opens a tunnel through an HTTP proxy with CONNECT.
fn tunnel(
    transport: Box<dyn Transport>,
    target: &str,
    authorization: Option<&Secret>,
    details: &ConnectionDetails,
) -> Result<Box<dyn Transport>, Error> {
    let mut stream = TransportAdapter::new(transport, details.current_time.clone());
    stream.set_timeout(details.timeout);
    stream.write_all(&connect_request(target, authorization))?;
    let head = read_head(&mut stream)?;
    match status(&head) {
        Some(200) => Ok(stream.into_inner()),
        Some(code) => Err(ConnectError::ProxyRefused(code).into()),
        None => Err(std::io::Error::other("not an HTTP response").into()),
    }
}

/// The status code of a response. Its text is not used, because it may repeat the
/// proxy's password.
fn status(head: &[u8]) -> Option<u16> {
    let code = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

fn connect_request(target: &str, authorization: Option<&Secret>) -> WipedBytes {
    let authorization = authorization.map_or(&b""[..], Secret::as_bytes);
    let (header, end) = match authorization {
        [] => (&b""[..], &b""[..]),
        _ => (&b"Proxy-Authorization: "[..], &b"\r\n"[..]),
    };
    let target = target.as_bytes();
    let parts = [
        b"CONNECT ",
        target,
        b" HTTP/1.1\r\nHost: ",
        target,
        b"\r\nUser-Agent: wandb-core\r\n",
        header,
        authorization,
        end,
        b"\r\n",
    ];
    WipedBytes::new(parts.concat())
}

/// Reads the proxy's response up to its empty line. Byte by byte out of ureq's
/// buffer, because what follows belongs to the server.
fn read_head(stream: &mut impl Read) -> std::io::Result<WipedBytes> {
    const LIMIT: usize = 16 << 10;
    let mut head = WipedBytes::new(Vec::with_capacity(LIMIT));
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == LIMIT || stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    Ok(head)
}

/// A connection through a proxy, as the HTTP layer uses it.
struct ProxyTransport {
    transport: Box<dyn Transport>,
    /// For plain http: `http://host`, to be inserted once before the path of the
    /// request line.
    origin: Option<String>,
}

impl Transport for ProxyTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(origin) = self.origin.take() else {
            return self.transport.transmit_output(amount, timeout);
        };
        // ureq writes `POST /path`; a proxy needs `POST http://host/path`.
        let output = self.transport.buffers().output();
        let whole = amount + origin.len();
        let gap = output[..amount]
            .iter()
            .position(|byte| *byte == b' ')
            .map(|at| at + 1);
        let (Some(gap), true) = (gap, whole <= output.len()) else {
            return Err(Error::LargeResponseHeader(whole, output.len()));
        };
        output.copy_within(gap..amount, gap + origin.len());
        output[gap..gap + origin.len()].copy_from_slice(origin.as_bytes());
        self.transport.transmit_output(whole, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    /// About TLS with the server, not with the proxy.
    fn is_tls(&self) -> bool {
        false
    }
}

// A route may hold the proxy's password, so debug output shows names only.
impl fmt::Debug for RouteResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouteResolver")
    }
}

impl fmt::Debug for RouteConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouteConnector")
    }
}

impl fmt::Debug for ProxyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyTransport")
    }
}
