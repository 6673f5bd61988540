//! The provider of rustls that uses ring, without the code that signs.

use std::sync::Arc;

use rustls::crypto::{self, CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

use crate::error::Result;

pub(super) fn provider() -> Result<Arc<CryptoProvider>> {
    Ok(Arc::new(CryptoProvider {
        key_provider: &NoClientKeys,
        ..crypto::ring::default_provider()
    }))
}

/// Refuses every private key: no login has a client certificate. The linker then leaves
/// out the code that signs (-47 kB).
#[derive(Debug)]
struct NoClientKeys;

impl KeyProvider for NoClientKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> std::result::Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("no client certificates".to_owned()))
    }
}
