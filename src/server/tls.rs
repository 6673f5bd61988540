//! TLS between a connection and HTTP: rustls as a transport of ureq.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, StreamOwned,
};
use ureq::Error as Http;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::ca::{self, TrustAnchors};
use super::provider;
use super::trust_store;
use super::zeroizing::WipedTransport;
use crate::error::{Error, Result};

type TlsResult<T> = std::result::Result<T, rustls::Error>;

/// The TLS configuration for these trust anchors.
pub(super) fn config(anchors: &TrustAnchors) -> Result<Arc<ClientConfig>> {
    let provider = provider::get()?;
    let verifier: Arc<dyn ServerCertVerifier> = match anchors {
        TrustAnchors::Unverified => Arc::new(Verifier::new(&provider, None)),
        TrustAnchors::Configured(locations) => listed(ca::certificates(locations)?, &provider)?,
        TrustAnchors::Platform => trust_store::verifier(&provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A verifier with these certificates as trust anchors.
pub(super) fn listed(
    certificates: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    let trusted = Trusted {
        webpki: webpki_verifier(roots, provider)?,
        certificates,
    };
    Ok(Arc::new(Verifier::new(provider, Some(trusted))))
}

pub(super) fn webpki_verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Error::Tls(format!("no usable CA certificate: {error}")))
}

/// Decides by rustls's own verifier, with one exception for certificates that
/// the user lists.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// `None` accepts every certificate.
    trusted: Option<Trusted>,
}

#[derive(Debug)]
struct Trusted {
    webpki: Arc<WebPkiServerVerifier>,
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
        ocsp: &[u8],
        now: UnixTime,
    ) -> TlsResult<ServerCertVerified> {
        let Some(trusted) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let outcome =
            trusted
                .webpki
                .verify_server_cert(certificate, intermediates, name, ocsp, now);
        match outcome {
            // OpenSSL and Go accept a certificate that is listed itself. webpki
            // looks for an issuer, and refuses a CA's certificate, which is what
            // `openssl req -x509` creates. It reports these two problems only
            // for a certificate whose dates are valid.
            Err(error) if is_about_issuer(&error) && trusted.certificates.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> TlsResult<HandshakeSignatureValid> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> TlsResult<HandshakeSignatureValid> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether the certificate is a CA's, or has no trusted issuer.
fn is_about_issuer(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        rustls::Error::InvalidCertificate(CertificateError::Other(error)) => {
            error.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

/// Adds TLS to a connection to an https server.
pub(super) struct TlsConnector(pub Option<Arc<ClientConfig>>);

impl Connector<Box<dyn Transport>> for TlsConnector {
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
        wrap(transport, self.0.as_ref(), details.uri, details).map(Some)
    }
}

/// Adds TLS to a connection, for the host of `uri`.
pub(super) fn wrap(
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
    Ok(Box::new(WipedTransport(Box::new(TlsTransport {
        buffers,
        stream: StreamOwned::new(session, socket),
    }))))
}

/// An encrypted connection, as HTTP sees it.
struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
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

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

// Data in transit stays out of debug output.
impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}
