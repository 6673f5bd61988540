//! Why no answer came: one sentence and one status for each cause.

use std::io::ErrorKind;

use rustls::CertificateError;
use ureq::Error as Http;

use super::connect::{Obstacle, Route};
use super::redact::show;
use crate::error::Error;

/// What a message is about.
pub(super) struct Subject<'a> {
    /// The server's address, which holds no secret.
    pub server: &'a str,
    /// What was shown to the server, in the words of a sentence.
    pub credential: &'a str,
    /// What must not come back in a message, should the server repeat it.
    pub secrets: &'a [&'a [u8]],
}

pub(super) enum Failure {
    Http(Http),
    TooLong,
}

impl Failure {
    pub fn proxy_wants_a_password() -> Failure {
        let line = "407 Proxy Authentication Required".to_owned();
        Failure::Http(Obstacle::Refused(line).into())
    }

    pub fn describe(self, subject: &Subject, route: &Route) -> Error {
        let server = subject.server;
        match self {
            Failure::TooLong => Error::Server(format!(
                "{server} answered with more than W&B's answer can be: is this the address of a \
                 W&B server?"
            )),
            Failure::Http(error) => {
                let proxy = route.proxy.as_ref().map(|proxy| proxy.shown.as_str());
                describe(error, server, proxy)
            }
        }
    }
}

pub(super) fn too_late(server: &str) -> Error {
    Error::Timeout(format!("{server} did not answer in time"))
}

fn describe(error: Http, server: &str, proxy: Option<&str>) -> Error {
    match error {
        Http::Timeout(_) => too_late(server),
        Http::Io(error) => io(&error, server),
        Http::HostNotFound => name_not_found(proxy, server, "it has no address"),
        Http::Other(obstacle) => match obstacle.downcast::<Obstacle>().map(|obstacle| *obstacle) {
            Ok(Obstacle::LookUp(error)) => name_not_found(proxy, server, &error.to_string()),
            Ok(Obstacle::Proxy(error)) => {
                let name = proxy.unwrap_or(server);
                match describe(error, name, None) {
                    error @ Error::Timeout(_) => error,
                    error => Error::Proxy(error.to_string()),
                }
            }
            Ok(Obstacle::Refused(line)) => Error::Proxy(format!(
                "{} refused the connection to {server}: {}",
                proxy.unwrap_or("the proxy"),
                show(&line, &[])
            )),
            Err(other) => Error::Network(format!("the request to {server} failed: {other}")),
        },
        Http::Protocol(_) | Http::LargeResponseHeader(..) => Error::Server(format!(
            "what answers at {server} does not speak HTTP: check the scheme and the port"
        )),
        other => Error::Network(format!("the request to {server} failed: {other}")),
    }
}

fn name_not_found(proxy: Option<&str>, server: &str, reason: &str) -> Error {
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
        ErrorKind::TimedOut | ErrorKind::WouldBlock => too_late(server),
        ErrorKind::ConnectionRefused => Error::Network(format!(
            "{server} refused the connection: nothing listens there"
        )),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Error::Network(format!(
                "{server} cannot be reached from this machine: {error}"
            ))
        }
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => Error::Network(format!(
            "{server} closed the connection without a whole answer"
        )),
        _ => Error::Network(format!("the connection to {server} failed: {error}")),
    }
}

fn tls(error: &rustls::Error, server: &str) -> Error {
    use CertificateError as C;
    Error::Tls(match error {
        rustls::Error::InvalidCertificate(error) => match error {
            // A bad signature is that of another authority of the same name.
            C::UnknownIssuer | C::BadSignature => format!(
                "the certificate of {server} is not signed by an authority that this machine \
                 trusts; name the file of your own authority in SSL_CERT_FILE"
            ),
            C::Expired | C::ExpiredContext { .. } => {
                format!("the certificate of {server} has expired, or this machine's clock is wrong")
            }
            C::NotValidYet | C::NotValidYetContext { .. } => format!(
                "the certificate of {server} is not valid yet, or this machine's clock is wrong"
            ),
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                format!("the certificate of {server} is for another name")
            }
            C::Revoked => format!("the certificate of {server} was revoked"),
            C::Other(error) => format!(
                "the certificate of {server} is not accepted ({error}); if it vouches for \
                 itself, name its file in SSL_CERT_FILE"
            ),
            other => format!("the certificate of {server} is not accepted: {other}"),
        },
        rustls::Error::InvalidMessage(_) => {
            format!("what answers at {server} does not speak TLS: is it plain http?")
        }
        other => format!("no secure connection to {server}: {other}"),
    })
}
