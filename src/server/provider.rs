//! The cryptography of TLS.

#[cfg_attr(feature = "ring", path = "provider/ring.rs")]
#[cfg_attr(not(feature = "ring"), path = "provider/none.rs")]
mod built_in;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::Result;

/// The default provider of the process, which only the program itself installs; else the
/// one that was compiled in. A default without cipher suites or key exchanges can make no
/// connection, and counts as none.
pub(super) fn get() -> Result<Arc<CryptoProvider>> {
    let usable = |provider: &&Arc<CryptoProvider>| {
        !provider.cipher_suites.is_empty() && !provider.kx_groups.is_empty()
    };
    match CryptoProvider::get_default().filter(usable) {
        Some(provider) => Ok(Arc::clone(provider)),
        None => built_in::provider(),
    }
}
