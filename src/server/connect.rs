//! From a host name to a connection: straight to the server, or through the
//! proxy that was chosen. ureq's own proxy code is left out on purpose: it reads
//! the environment itself, goes direct where it does not know a proxy's scheme,
//! opens a tunnel for plain http, and hides the status of a refusal.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport, TransportAdapter,
};

use super::proxy::Proxy;
use super::tls;
use super::zeroizing::Wiped;
use crate::util::secret::{Secret, WipedBytes};

/// The way to the server.
pub(super) struct Route {
    pub proxy: Option<Proxy>,
    /// Whom to trust, where any part of the way is encrypted.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// What stands in the way before the server itself is reached.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// The name look-up failed.
    LookUp(std::io::Error),
    /// The proxy cannot be reached or used.
    Proxy(Error),
    /// The proxy said no, with this status line.
    Refused(String),
}

impl std::error::Error for Obstacle {}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::LookUp(error) => write!(f, "{error}"),
            Obstacle::Proxy(error) => write!(f, "{error}"),
            Obstacle::Refused(line) => f.write_str(line),
        }
    }
}

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Error {
        Error::Other(Box::new(obstacle))
    }
}

/// Looks up the machine to connect to. Behind a proxy the server's name is the
/// proxy's business: it may mean nothing here.
pub(super) struct LookUp(pub Arc<Route>);

impl Resolver for LookUp {
    fn resolve(
        &self,
        server: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let uri = self.0.proxy.as_ref().map_or(server, |proxy| &proxy.uri);
        // Without a time-out ureq looks up in this thread, which is one that
        // may be left behind.
        let timeout = NextTimeout::default();
        match DefaultResolver::default().resolve(uri, config, timeout) {
            Err(Error::Io(error)) => Err(Obstacle::LookUp(error).into()),
            outcome => outcome,
        }
    }
}

/// Connects to the server or through the proxy. TLS with the server comes after.
pub(super) struct Dial(pub Arc<Route>);

impl Connector for Dial {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = &self.0.proxy else {
            return Ok(Some(tcp(details)?));
        };
        match through(proxy, &self.0, details) {
            Ok(transport) => Ok(Some(transport)),
            Err(error @ (Error::Timeout(_) | Error::Other(_))) => Err(error),
            Err(error) => Err(Obstacle::Proxy(error).into()),
        }
    }
}

fn tcp(details: &ConnectionDetails) -> Result<Box<dyn Transport>, Error> {
    let transport = TcpConnector::default().connect(details, None::<()>)?;
    let transport = transport.ok_or(Error::ConnectionFailed)?;
    Ok(Box::new(Wiped(Box::new(transport))))
}

fn through(
    proxy: &Proxy,
    route: &Route,
    details: &ConnectionDetails,
) -> Result<Box<dyn Transport>, Error> {
    // The addresses are the proxy's already: see `LookUp`.
    let mut transport = tcp(details)?;
    if proxy.is_https() {
        transport = tls::secure(transport, route.tls.as_ref(), &proxy.uri, details)?;
    }
    let server = details.uri;
    let host = server.host().unwrap_or_default();
    if server.scheme_str() == Some("https") {
        let target = format!("{host}:{}", server.port_u16().unwrap_or(443));
        transport = tunnel(transport, &target, proxy.authorization.as_ref(), details)?;
        Ok(Box::new(Proxied {
            transport,
            origin: None,
        }))
    } else {
        let authority = server
            .authority()
            .map_or(host, |authority| authority.as_str());
        Ok(Box::new(Proxied {
            transport,
            origin: Some(format!("http://{authority}")),
        }))
    }
}

/// Asks the proxy for a tunnel to the server.
fn tunnel(
    transport: Box<dyn Transport>,
    target: &str,
    authorization: Option<&Secret>,
    details: &ConnectionDetails,
) -> Result<Box<dyn Transport>, Error> {
    /// The most that a proxy's answer may have.
    const LIMIT: usize = 16 << 10;
    let mut stream = TransportAdapter::new(transport, details.current_time.clone());
    stream.set_timeout(details.timeout);

    let authorization = authorization.map_or(&b""[..], Secret::as_bytes);
    let mut request = WipedBytes::new(Vec::with_capacity(
        2 * target.len() + authorization.len() + 128,
    ));
    request.extend_from_slice(b"CONNECT ");
    request.extend_from_slice(target.as_bytes());
    request.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    request.extend_from_slice(target.as_bytes());
    request.extend_from_slice(b"\r\nUser-Agent: wandb-core\r\n");
    if !authorization.is_empty() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request)?;

    // Byte by byte out of ureq's buffer: what follows belongs to the server.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if answer.len() == LIMIT || stream.read(&mut byte)? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        answer.push(byte[0]);
    }
    let line = answer
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    match line
        .strip_prefix("HTTP/1.")
        .and_then(|line| line.split_once(' '))
    {
        Some((_, status)) if status.starts_with("200") => Ok(stream.into_inner()),
        Some((_, status)) => Err(Obstacle::Refused(status.to_owned()).into()),
        None => Err(Obstacle::Refused("an answer that is not HTTP".to_owned()).into()),
    }
}

/// What the HTTP layer sees of a connection to a proxy.
struct Proxied {
    transport: Box<dyn Transport>,
    /// For plain http: what the proxy must read between method and path, once.
    origin: Option<String>,
}

impl Transport for Proxied {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(origin) = self.origin.take() else {
            return self.transport.transmit_output(amount, timeout);
        };
        // ureq writes `POST /path`, as for a server; a proxy wants the whole
        // address: `POST http://host/path`.
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

    /// TLS with the proxy is not TLS with the server.
    fn is_tls(&self) -> bool {
        false
    }
}

// None of these shows anything: a route may hold the proxy's password.
impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookUp")
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")
    }
}

impl fmt::Debug for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxied")
    }
}
