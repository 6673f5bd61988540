//! The trust store of a system that has it in files.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use super::{ca, tls};
use crate::config::route::CaLocation;
use crate::error::Result;

/// The first of these that has certificates is used. The SDK's client (Go) has the same
/// list. A container may have none of them.
const PATHS: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                  // Alpine, OpenBSD
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
    "/etc/ssl/certs",                     // SLES
    "/etc/pki/tls/certs",
];

/// A verifier with the certificates of the system.
pub(super) fn verifier(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    listed_or_bundled(first_of(&PATHS), provider)
}

/// Without CA files, the Mozilla roots that were compiled in are trusted.
fn listed_or_bundled(
    certificates: Option<Vec<CertificateDer<'static>>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    match certificates {
        Some(certificates) => tls::listed(certificates, provider),
        None => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            Ok(tls::webpki_verifier(RootCertStore { roots }, provider)?)
        }
    }
}

fn first_of(paths: &[&str]) -> Option<Vec<CertificateDer<'static>>> {
    let location = |path: &&str| CaLocation {
        variable: "",
        path: PathBuf::from(path),
    };
    paths
        .iter()
        .find_map(|path| ca::certificates_of(&location(path)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_system_without_ca_files_has_no_trust_store() {
        assert_eq!(first_of(&["/nonexistent/a", "/dev/null"]), None);
    }

    #[test]
    fn bundled_roots_are_used_without_ca_files_and_not_for_an_empty_list() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        assert!(listed_or_bundled(None, &provider).is_ok());
        assert!(matches!(
            listed_or_bundled(Some(Vec::new()), &provider),
            Err(Error::Tls(_))
        ));
    }
}
