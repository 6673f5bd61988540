//! Why a request failed: one status and one sentence for each cause.

use std::io::ErrorKind;

use rustls::CertificateError;
use ureq::Error as Http;

use super::connect::{ConnectError, Route};
use super::redact::show;
use crate::error::Error;

/// What the messages about a request refer to.
pub(super) struct Subject<'a> {
    /// The server's URL, which contains no secret.
    pub server: &'a str,
    /// The credential that was sent, as a noun phrase for messages.
    pub credential: &'a str,
    /// What is redacted in messages that quote the server.
    pub secrets: &'a [&'a [u8]],
}

/// Why there is no response.
pub(super) enum RequestError {
    Http(Http),
    TooLarge,
}

impl RequestError {
    /// The error for status 407 of a proxy for plain http.
    pub(super) fn proxy_authentication() -> RequestError {
        let status = "407 Proxy Authentication Required".to_owned();
        RequestError::Http(ConnectError::ProxyRefused(status).into())
    }

    pub(super) fn describe(self, subject: &Subject, route: &Route) -> Error {
        let server = subject.server;
        match self {
            RequestError::TooLarge => Error::Server(format!(
                "{server} returned a response larger than 1 MiB: check that this is the URL of a \
                 W&B server"
            )),
            RequestError::Http(error) => {
                let proxy = route.proxy.as_ref().map(|proxy| proxy.shown.as_str());
                describe(error, server, proxy)
            }
        }
    }
}

pub(super) fn timed_out(server: &str) -> Error {
    Error::Timeout(format!("{server} did not answer in time"))
}

fn describe(error: Http, server: &str, proxy: Option<&str>) -> Error {
    match error {
        Http::Timeout(_) => timed_out(server),
        Http::Io(error) => io(&error, server),
        Http::HostNotFound => not_resolved(proxy, server, "no address"),
        Http::Other(other) => match other.downcast::<ConnectError>().map(|error| *error) {
            Ok(ConnectError::Resolve(error)) => not_resolved(proxy, server, &error.to_string()),
            Ok(ConnectError::Proxy(error)) => {
                let name = proxy.unwrap_or(server);
                match describe(error, name, None) {
                    error @ Error::Timeout(_) => error,
                    error => Error::Proxy(error.to_string()),
                }
            }
            Ok(ConnectError::ProxyRefused(status)) => Error::Proxy(format!(
                "{} refused the connection to {server}: {}",
                proxy.unwrap_or("the proxy"),
                show(&status, &[])
            )),
            Err(other) => Error::Network(format!("the request to {server} failed: {other}")),
        },
        Http::Protocol(_) | Http::LargeResponseHeader(..) => Error::Server(format!(
            "{server} does not speak HTTP: check the scheme and the port"
        )),
        other => Error::Network(format!("the request to {server} failed: {other}")),
    }
}

fn not_resolved(proxy: Option<&str>, server: &str, reason: &str) -> Error {
    match proxy {
        Some(proxy) => Error::Proxy(format!("the host name of {proxy} was not found: {reason}")),
        None => Error::Network(format!("the host name of {server} was not found: {reason}")),
    }
}

fn io(error: &std::io::Error, server: &str) -> Error {
    if let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return tls(error, server);
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => timed_out(server),
        ErrorKind::ConnectionRefused => Error::Network(format!(
            "{server} refused the connection: no server is listening there"
        )),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Error::Network(format!("{server} is unreachable: {error}"))
        }
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => Error::Network(format!(
            "{server} closed the connection before the response was complete"
        )),
        _ => Error::Network(format!("the connection to {server} failed: {error}")),
    }
}

fn tls(error: &rustls::Error, server: &str) -> Error {
    use CertificateError as C;
    Error::Tls(match error {
        rustls::Error::InvalidCertificate(error) => match error {
            // A bad signature comes from another CA of the same name.
            C::UnknownIssuer | C::BadSignature => format!(
                "the certificate of {server} is issued by an untrusted CA; set SSL_CERT_FILE to \
                 your CA bundle"
            ),
            C::Expired | C::ExpiredContext { .. } => {
                format!("the certificate of {server} has expired, or the system clock is wrong")
            }
            C::NotValidYet | C::NotValidYetContext { .. } => format!(
                "the certificate of {server} is not valid yet, or the system clock is wrong"
            ),
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                format!("the certificate of {server} is for another name")
            }
            C::Revoked => format!("the certificate of {server} was revoked"),
            C::Other(error) => format!(
                "the certificate of {server} is not accepted ({error}); if it is self-signed, \
                 set SSL_CERT_FILE to it"
            ),
            other => format!("the certificate of {server} is not accepted: {other}"),
        },
        rustls::Error::InvalidMessage(_) => {
            format!("{server} does not speak TLS: check whether it uses plain http")
        }
        other => format!("the TLS connection to {server} failed: {other}"),
    })
}
