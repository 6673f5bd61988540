//! The trust store of Windows and macOS, which a service of the system verifies against.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;

use crate::error::{Error, Result};

/// A verifier that asks the system.
pub(super) fn verifier(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
    let verifier = verifier.map_err(|error| Error::Tls(format!("no trust store: {error}")))?;
    Ok(Arc::new(verifier))
}
