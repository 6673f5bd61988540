//! Whose certificates are believed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::env::variables;
use crate::error::{Error, Result};
use crate::util::secret::WipedText;

/// The most that is read of one file, and of all files of a directory.
const LIMIT: u64 = 16 << 20;

/// Where the trusted authorities are listed.
pub(super) enum Trust {
    /// What the machine trusts.
    Platform,
    /// The files and directories that variables name, in place of the machine's.
    Places(Vec<Place>),
    /// No check at all, by the user's own wish.
    Anyone,
}

/// A file or directory, and the variable that names it.
pub(super) struct Place {
    variable: &'static str,
    path: PathBuf,
}

impl Trust {
    /// SSL_CERT_FILE and SSL_CERT_DIR, as Go and OpenSSL know them; else
    /// REQUESTS_CA_BUNDLE, as Python's requests does.
    pub fn from_variables(
        var: &dyn Fn(&str) -> Option<WipedText>,
        directory: Option<&Path>,
    ) -> Trust {
        let place = |variable, path: &Path| Place {
            variable,
            path: directory.map_or_else(|| path.to_path_buf(), |directory| directory.join(path)),
        };
        let mut places = Vec::new();
        if let Some(file) = var(variables::SSL_CERT_FILE) {
            places.push(place(variables::SSL_CERT_FILE, Path::new(&file)));
        }
        if let Some(directories) = var(variables::SSL_CERT_DIR) {
            let paths = std::env::split_paths(&directories);
            places.extend(
                paths
                    .filter(|path| !path.as_os_str().is_empty())
                    .map(|path| place(variables::SSL_CERT_DIR, &path)),
            );
        }
        if places.is_empty()
            && let Some(bundle) = var(variables::REQUESTS_CA_BUNDLE)
        {
            places.push(place(variables::REQUESTS_CA_BUNDLE, Path::new(&bundle)));
        }
        if places.is_empty() {
            Trust::Platform
        } else {
            Trust::Places(places)
        }
    }
}

/// The certificates of all these places.
pub(super) fn certificates(places: &[Place]) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    let mut problem = None;
    for place in places {
        match place.certificates() {
            Ok(found) => certificates.extend(found),
            // One of a list of directories may be missing.
            Err(error) if place.variable == variables::SSL_CERT_DIR => problem = Some(error),
            Err(error) => return Err(error),
        }
    }
    match problem {
        Some(error) if certificates.is_empty() => Err(error),
        _ => Ok(certificates),
    }
}

impl Place {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let problem =
            |what: &str| Error::Tls(format!("{}: {} {what}", self.variable, self.path.display()));
        let metadata = std::fs::metadata(&self.path)
            .map_err(|error| problem(&format!("cannot be read ({})", reason(&error))))?;
        let found = if metadata.is_dir() {
            let entries = std::fs::read_dir(&self.path)
                .map_err(|error| problem(&format!("cannot be read ({})", reason(&error))))?;
            let mut left = LIMIT;
            // A directory holds other things too: what is no certificate is
            // no problem.
            entries
                .flatten()
                .filter_map(|entry| read(&entry.path(), &mut left).ok())
                .flatten()
                .collect()
        } else {
            read(&self.path, &mut LIMIT.clone())
                .map_err(|error| problem(&format!("cannot be read ({})", reason(&error))))?
        };
        if found.is_empty() {
            return Err(problem("holds no certificate in PEM form"));
        }
        Ok(found)
    }
}

/// The certificates of a PEM file. Only a regular file is opened: a FIFO would
/// hold the login up.
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
    // A broken section does not spoil the others of a bundle.
    Ok(CertificateDer::pem_slice_iter(&text).flatten().collect())
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The machine's own trust store: the first of the places where the SDK's own
/// client looks too. A container may have none of them.
#[cfg(not(any(windows, target_vendor = "apple")))]
pub(super) fn machine() -> Option<Vec<CertificateDer<'static>>> {
    first_of(&[
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo
        "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
        "/etc/ssl/ca-bundle.pem",             // openSUSE
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
        "/etc/ssl/cert.pem",                  // Alpine, OpenBSD
        "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
        "/etc/ssl/certs",                     // SLES
        "/etc/pki/tls/certs",
    ])
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn first_of(paths: &[&str]) -> Option<Vec<CertificateDer<'static>>> {
    let place = |path: &&str| Place {
        variable: "",
        path: PathBuf::from(path),
    };
    paths
        .iter()
        .find_map(|path| place(path).certificates().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(any(windows, target_vendor = "apple")))]
    #[test]
    fn a_machine_without_ca_files_has_no_trust_store() {
        assert_eq!(first_of(&["/nonexistent/a", "/dev/null"]), None);
    }

    fn places(vars: &[(&str, &str)]) -> Vec<String> {
        let var = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned().into())
        };
        match Trust::from_variables(&var, Some(Path::new("/here"))) {
            Trust::Places(places) => places
                .iter()
                .map(|place| format!("{} {}", place.variable, place.path.display()))
                .collect(),
            _ => Vec::new(),
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_variables_in_their_order() {
        let requests = ("REQUESTS_CA_BUNDLE", "/r.pem");
        assert_eq!(places(&[]), Vec::<String>::new());
        assert_eq!(places(&[requests]), ["REQUESTS_CA_BUNDLE /r.pem"]);
        assert_eq!(
            places(&[requests, ("SSL_CERT_FILE", "c.pem")]),
            ["SSL_CERT_FILE /here/c.pem"]
        );
        assert_eq!(
            places(&[("SSL_CERT_FILE", "/c.pem"), ("SSL_CERT_DIR", "/a::/b")]),
            ["SSL_CERT_FILE /c.pem", "SSL_CERT_DIR /a", "SSL_CERT_DIR /b"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_odd_ca_file_is_named_with_its_variable_and_never_waited_for() {
        for (path, what) in [
            ("/nonexistent/ca.pem", "no such file"),
            ("/dev/null", "not a regular file"),
            ("/dev/zero", "not a regular file"),
        ] {
            let place = Place {
                variable: "SSL_CERT_FILE",
                path: path.into(),
            };
            let Err(Error::Tls(text)) = place.certificates() else {
                panic!("{path}")
            };
            assert!(
                text.starts_with(&format!("SSL_CERT_FILE: {path} ")),
                "{text}"
            );
            assert!(text.contains(what), "{text}");
        }
    }
}
