//! Which CA certificates are trusted, and those that the user configures.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::route::{CaLocation, missing_file};
use crate::env::display_path;
use crate::error::{Error, Result};

/// The size limit of a file, and of all files of a directory together.
const LIMIT: u64 = 16 << 20;

/// Which CA certificates a server certificate is checked against.
pub(super) enum TrustAnchors {
    /// The trust store of the system.
    Platform,
    /// Files and directories from variables, which replace the system's.
    Configured(Vec<CaLocation>),
    /// No verification: the user disabled it.
    Unverified,
}

impl TrustAnchors {
    /// How the CA of a server becomes a trusted one, for a message. `what` is its
    /// certificate.
    pub(super) fn remedy(&self, what: &str) -> String {
        match self {
            TrustAnchors::Configured(locations) if !locations.is_empty() => {
                let names: Vec<_> = locations
                    .iter()
                    .map(|CaLocation { variable, path }| {
                        format!("{variable}={}", display_path(path))
                    })
                    .collect();
                format!("it is not in {}", names.join(" or "))
            }
            _ => format!("set SSL_CERT_FILE to {what}"),
        }
    }
}

/// The certificates of all these files and directories. One that is missing or
/// empty is an error only if none of the others has a certificate.
pub(super) fn certificates(locations: &[CaLocation]) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    let mut problem = None;
    for location in locations {
        match certificates_of(location) {
            Ok(found) => certificates.extend(found),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    match problem {
        Some(error) if certificates.is_empty() => Err(error),
        _ => Ok(certificates),
    }
}

/// The certificates of one file or directory.
pub(super) fn certificates_of(location: &CaLocation) -> Result<Vec<CertificateDer<'static>>> {
    let CaLocation { variable, path } = location;
    let problem = |what: &str| Error::Tls(format!("{variable}: {} {what}", path.display()));
    let unreadable = |error: std::io::Error| {
        let reason = reason(&error);
        problem(&format!(
            "cannot be read ({reason}); correct the path, or unset {variable}"
        ))
    };
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::Tls(missing_file(variable, path)),
        _ => unreadable(error),
    })?;
    let found = if metadata.is_dir() {
        let entries = std::fs::read_dir(path).map_err(unreadable)?;
        let mut left = LIMIT;
        // Other files in the directory are ignored.
        entries
            .flatten()
            .filter_map(|entry| read(&entry.path(), &mut left).ok())
            .flatten()
            .collect()
    } else {
        read(path, &mut LIMIT.clone()).map_err(unreadable)?
    };
    if found.is_empty() {
        return Err(problem("contains no PEM certificate"));
    }
    Ok(found)
}

/// The certificates of a PEM file. Only a regular file is opened: reading a FIFO
/// could block.
fn read(path: &Path, left: &mut u64) -> std::io::Result<Vec<CertificateDer<'static>>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    if metadata.len() > *left {
        return Err(std::io::Error::other("too large"));
    }
    let mut text = Vec::new();
    *left -= File::open(path)?.take(*left).read_to_end(&mut text)? as u64;
    // Sections that cannot be parsed are skipped.
    Ok(CertificateDer::pem_slice_iter(&text).flatten().collect())
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_ca_file_is_reported_with_its_variable_without_blocking() {
        for (path, what) in [
            ("/nonexistent/ca.pem", "the file does not exist"),
            ("/dev/null", "not a regular file"),
            ("/dev/zero", "not a regular file"),
        ] {
            let location = CaLocation {
                variable: "SSL_CERT_FILE",
                path: path.into(),
            };
            let Err(Error::Tls(text)) = certificates_of(&location) else {
                panic!("{path}")
            };
            assert!(text.starts_with("SSL_CERT_FILE"), "{text}");
            assert!(text.contains(path) && text.contains(what), "{text}");
        }
    }
}
