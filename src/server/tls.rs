//! TLS between a connection and HTTP: rustls over ureq's transport, with a
//! verifier of our own on top of rustls's.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, KeyProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SigningKey;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, StreamOwned,
};
use ureq::Error as Http;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::ca::{self, Trust};
use super::zeroizing::Wiped;
use crate::error::{Error, Result};

/// What a connection needs to know, made from what the user trusts.
pub(super) fn config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    // Named here, so that no other library of the process decides.
    let provider = Arc::new(CryptoProvider {
        key_provider: &NoKeys,
        ..ring::default_provider()
    });
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Anyone => Arc::new(Verifier::new(&provider, None)),
        Trust::Places(places) => named(ca::certificates(places)?, &provider)?,
        Trust::Platform => platform(&provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(any(windows, target_vendor = "apple"))]
fn platform(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
    let verifier = verifier.map_err(|error| Error::Tls(format!("no trust store: {error}")))?;
    Ok(Arc::new(verifier))
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn platform(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    machine(ca::machine(), provider)
}

/// The machine's own trust store; in a container without CA files, whom Mozilla
/// trusts as of this build.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn machine(
    certificates: Option<Vec<CertificateDer<'static>>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    match certificates {
        Some(certificates) => named(certificates, provider),
        None => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            let mozilla = Trusted {
                roots: RootCertStore { roots },
                certificates: Vec::new(),
            };
            Ok(Arc::new(Verifier::new(provider, Some(mozilla))))
        }
    }
}

/// Trusts what these certificates vouch for.
fn named(
    certificates: Vec<CertificateDer<'static>>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    if roots.is_empty() {
        return Err(Error::Tls(
            "none of the trusted certificates can be used".to_owned(),
        ));
    }
    let trusted = Trusted {
        roots,
        certificates,
    };
    Ok(Arc::new(Verifier::new(provider, Some(trusted))))
}

/// We never show a certificate of our own; saying so here leaves the code that
/// signs out of the library (47 kB).
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> std::result::Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("no client certificates".to_owned()))
    }
}

/// Decides whether the other side is the server. It stands on the functions that
/// rustls's own verifier is made of; that one brings the reading of revocation
/// lists, which nothing here has (29 kB).
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// Without it whoever answers is trusted, as long as the handshake is sound.
    trusted: Option<Trusted>,
}

#[derive(Debug)]
struct Trusted {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(provider: &CryptoProvider, trusted: Option<Trusted>) -> Verifier {
        Verifier {
            algorithms: provider.signature_verification_algorithms,
            trusted,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer,
        intermediates: &[CertificateDer],
        name: &ServerName,
        _: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(trusted) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(certificate)?;
        let outcome = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &trusted.roots,
            intermediates,
            now,
            self.algorithms.all,
        );
        match outcome {
            // A certificate made by `openssl req -x509` is an authority's and a
            // server's in one. rustls refuses that after it has looked at the
            // dates; the clients that people come from accept it where the
            // certificate itself is on the list. So do we, for its own names.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if trusted.certificates.contains(certificate) => {}
            outcome => outcome?,
        }
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The link of ureq's chain that encrypts the way to an https server.
pub(super) struct Tls(pub Option<Arc<ClientConfig>>);

impl Connector<Box<dyn Transport>> for Tls {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<Box<dyn Transport>>,
    ) -> std::result::Result<Option<Self::Out>, Http> {
        let transport = chained.ok_or(Http::ConnectionFailed)?;
        if !details.needs_tls() {
            return Ok(Some(transport));
        }
        secure(transport, self.0.as_ref(), details.uri, details).map(Some)
    }
}

/// Shakes hands over a connection with the machine that `uri` names.
pub(super) fn secure(
    transport: Box<dyn Transport>,
    config: Option<&Arc<ClientConfig>>,
    uri: &Uri,
    details: &ConnectionDetails,
) -> std::result::Result<Box<dyn Transport>, Http> {
    let config = Arc::clone(config.ok_or(Http::TlsRequired)?);
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let mut socket = TransportAdapter::new(transport, details.current_time.clone());
    socket.set_timeout(details.timeout);
    session.complete_io(&mut socket)?;
    let config = details.config;
    let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
    Ok(Box::new(Wiped(Box::new(Secure {
        buffers,
        stream: StreamOwned::new(session, socket),
    }))))
}

/// An encrypted connection, as HTTP sees it.
struct Secure {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for Secure {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(
        &mut self,
        amount: usize,
        timeout: NextTimeout,
    ) -> std::result::Result<(), Http> {
        self.stream.get_mut().set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, Http> {
        self.stream.get_mut().set_timeout(timeout);
        let size = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(size);
        Ok(size > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

// These show nothing of what passes through.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl fmt::Debug for Secure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secure")
    }
}

#[cfg(all(test, not(any(windows, target_vendor = "apple"))))]
mod tests {
    use super::*;

    #[test]
    fn without_ca_files_there_is_still_somebody_to_trust() {
        let provider = Arc::new(ring::default_provider());
        assert!(machine(None, &provider).is_ok());
        // An empty list trusts nobody, and that is an error at once.
        assert!(matches!(
            machine(Some(Vec::new()), &provider),
            Err(Error::Tls(_))
        ));
    }
}
