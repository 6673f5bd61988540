//! Why a request failed: one status and one sentence for each cause.

use std::fmt::Display;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;

use rustls::{AlertDescription, CertificateError};
use ureq::Error as Http;
use ureq::http::StatusCode;

use super::ca::TrustAnchors;
use super::connect::{ConnectError, Route};
use crate::error::Error;
use crate::util::secret::Secret;

/// What the messages about a request refer to.
pub(super) struct Subject<'a> {
    /// The server's URL, which contains no secret.
    pub server: &'a str,
    /// What the server's certificate is checked against.
    pub trust_anchors: &'a TrustAnchors,
    /// The credential that was sent, as a noun phrase for messages.
    pub credential: &'a dyn Display,
    /// What is masked in the response.
    pub secrets: Vec<Secret>,
}

/// Why there is no response.
pub(super) enum RequestError {
    Http(Http),
    TooLarge,
    CorruptGzip,
    /// The response has an unsupported `Content-Encoding`.
    Encoding,
}

impl RequestError {
    /// The error for status 407 of a proxy for plain http.
    pub(super) fn proxy_authentication() -> RequestError {
        RequestError::Http(ConnectError::ProxyRefused(407).into())
    }

    pub(super) fn describe(self, subject: &Subject, route: &Route) -> Error {
        let server = subject.server;
        match self {
            RequestError::TooLarge => Error::Server(format!(
                "{server} returned a response larger than 1 MiB: check that this is the URL of a \
                 W&B server"
            )),
            RequestError::CorruptGzip => {
                Error::Server(format!("{server} returned a corrupt gzip response"))
            }
            RequestError::Encoding => Error::Server(format!(
                "{server} returned a response with an unsupported Content-Encoding"
            )),
            RequestError::Http(error) => describe(error, subject, route),
        }
    }
}

/// The error for a passed deadline. It names the proxy until there is a connection
/// through it.
pub(super) fn timed_out(server: &str, route: &Route) -> Error {
    Error::Timeout(match &route.proxy {
        None => format!("{server} did not answer in time"),
        Some(proxy) if route.proxy_connected.load(Ordering::Relaxed) => {
            format!("{server} did not answer in time through {}", proxy.shown)
        }
        Some(proxy) => format!("{} did not answer in time", proxy.shown),
    })
}

/// `HTTP 404 Not Found`.
pub(super) fn status(code: u16) -> String {
    let reason = StatusCode::from_u16(code)
        .ok()
        .and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("HTTP {code} {reason}"),
        None => format!("HTTP {code}"),
    }
}

fn describe(error: Http, subject: &Subject, route: &Route) -> Error {
    let server = subject.server;
    match error {
        Http::Timeout(_) => timed_out(server, route),
        Http::Other(other) => match other.downcast::<ConnectError>() {
            Ok(error) => connect(*error, subject, route),
            Err(other) => Error::Network(format!("the request to {server} failed: {other}")),
        },
        Http::Io(error) if is_time_out(&error) => timed_out(server, route),
        other => exchange(other, server, subject.trust_anchors),
    }
}

/// An error before the server itself is reached.
fn connect(error: ConnectError, subject: &Subject, route: &Route) -> Error {
    let server = subject.server;
    let Some(proxy) = &route.proxy else {
        return Error::Network(format!("the host name of {server} was not found: {error}"));
    };
    let has_user = proxy.authorization.is_some();
    let proxy = &proxy.shown;
    match error {
        ConnectError::Resolve(error) => {
            Error::Proxy(format!("the host name of {proxy} was not found: {error}"))
        }
        ConnectError::Proxy(Http::Io(error)) if is_time_out(&error) => timed_out(server, route),
        ConnectError::Proxy(error) => {
            Error::Proxy(exchange(error, proxy, subject.trust_anchors).to_string())
        }
        ConnectError::ProxyRefused(code) => {
            let advice = match (code, has_user) {
                (407, true) => ": check the user name and password in its URL",
                (407, false) => {
                    ": it needs a user name and password, http://USER:PASSWORD@HOST:PORT"
                }
                _ => "",
            };
            let status = status(code);
            Error::Proxy(format!(
                "{proxy} refused the connection to {server} ({status}){advice}"
            ))
        }
    }
}

/// An error in the exchange with a server or proxy.
fn exchange(error: Http, peer: &str, trust_anchors: &TrustAnchors) -> Error {
    match error {
        Http::Io(error) => io(&error, peer, trust_anchors),
        Http::HostNotFound => Error::Network(format!("the host name of {peer} has no address")),
        Http::Protocol(_) | Http::LargeResponseHeader(..) => Error::Server(format!(
            "{peer} does not speak HTTP: check the scheme and the port"
        )),
        other => Error::Network(format!("the request to {peer} failed: {other}")),
    }
}

fn is_time_out(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

fn io(error: &std::io::Error, peer: &str, trust_anchors: &TrustAnchors) -> Error {
    if let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return tls(error, peer, trust_anchors);
    }
    Error::Network(match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("{peer} refused the connection: no server is listening there")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            format!("{peer} is unreachable: {error}")
        }
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => {
            format!("{peer} closed the connection before the response was complete")
        }
        _ => format!("the connection to {peer} failed: {error}"),
    })
}

fn tls(error: &rustls::Error, server: &str, trust_anchors: &TrustAnchors) -> Error {
    use CertificateError as C;
    Error::Tls(match error {
        rustls::Error::InvalidCertificate(error) => match error {
            // A bad signature comes from another CA of the same name.
            C::UnknownIssuer | C::BadSignature => format!(
                "the certificate of {server} is issued by an untrusted CA; {}",
                trust_anchors.remedy("your CA bundle")
            ),
            C::Expired | C::ExpiredContext { .. } => {
                format!("the certificate of {server} has expired, or the system clock is wrong")
            }
            C::NotValidYet | C::NotValidYetContext { .. } => format!(
                "the certificate of {server} is not valid yet, or the system clock is wrong"
            ),
            C::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
                "the certificate of {server} has no subject alternative name; its common name \
                 is not used"
            ),
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                format!("the certificate of {server} is for another name")
            }
            C::Revoked => format!("the certificate of {server} was revoked"),
            C::Other(error) => format!(
                "the certificate of {server} is not accepted ({error}); if it is self-signed, {}",
                trust_anchors.remedy("it")
            ),
            other => format!("the certificate of {server} is not accepted: {other}"),
        },
        rustls::Error::InvalidMessage(_) => {
            format!("{server} does not speak TLS: check whether it uses plain http")
        }
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        )
        | rustls::Error::PeerIncompatible(_) => format!(
            "{server} refused the TLS handshake: it supports no cipher suite of this library (TLS \
             1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20; CBC suites and RSA key exchange \
             are not supported), or it requires a client certificate"
        ),
        other => format!("the TLS connection to {server} failed: {other}"),
    })
}
