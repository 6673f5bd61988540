//! No provider is compiled in: the program that depends on this crate has one.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::{Error, Result};

pub(super) fn provider() -> Result<Arc<CryptoProvider>> {
    Err(Error::Tls(
        "TLS needs a default CryptoProvider of rustls: install one in the program, or turn on \
         the feature `ring` of the crate wandb-login"
            .to_owned(),
    ))
}
