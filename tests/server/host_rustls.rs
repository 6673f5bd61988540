//! A host program that uses rustls itself: the library neither needs nor changes
//! the default provider of the process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wandb_login::{Flags, Options};

use crate::stub::{Authority, Reply, Stub};
use crate::support::{Home, Run};
use crate::{CANARY, login};

/// Names the case to the process that plays the host program.
const HOST: &str = "SERVER_TEST_HOST";

/// A verified login over TLS.
fn log_in(authority: &Authority) {
    let server = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
    let home = Home::new();
    let pem = home.write("ca.pem", authority.pem());
    let url = server.url("localhost");
    let options = Options::new()
        .host(&url)
        .api_key(CANARY)
        .flags(Flags::VERIFY | Flags::NO_SAVE);
    let variables = [("SSL_CERT_FILE", pem.to_str().expect("UTF-8"))];
    let session = login(&home, &variables, options).expect("a login");
    assert_eq!(session.username(), Some("usr"));
}

/// A request of the host program, with the configuration that rustls makes of the
/// default provider.
fn request(authority: &Authority) {
    let server = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.pem().as_bytes());
    roots.add(certificate.expect("PEM")).expect("an authority");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(server.address).expect("a connection");
    let mut stream = StreamOwned::new(client, socket);
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("a request");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// The host program, in a process of its own: the default provider can be set once.
#[test]
fn plays_the_host_program_for_another_test() {
    let Some(case) = std::env::var_os(HOST) else {
        return;
    };
    let authority = Authority::new();
    match case.to_str() {
        // The host has no default provider when the library logs in, and afterwards.
        Some("none") => {
            log_in(&authority);
            assert!(CryptoProvider::get_default().is_none());
            request(&authority);
            log_in(&authority);
        }
        // The host has installed a provider.
        Some("ring") => {
            let provider = rustls::crypto::ring::default_provider();
            provider.install_default().expect("the first one");
            let installed = CryptoProvider::get_default().map(Arc::as_ptr);
            log_in(&authority);
            request(&authority);
            log_in(&authority);
            assert_eq!(CryptoProvider::get_default().map(Arc::as_ptr), installed);
        }
        // The host has installed a provider that supports nothing the server does.
        Some("empty") => {
            let provider = CryptoProvider {
                cipher_suites: Vec::new(),
                kx_groups: Vec::new(),
                ..rustls::crypto::ring::default_provider()
            };
            provider.install_default().expect("the first one");
            log_in(&authority);
        }
        case => panic!("{case:?}"),
    }
    println!("done");
}

#[test]
fn a_host_program_keeps_its_own_default_provider() {
    for case in ["none", "ring", "empty"] {
        let test = "host_rustls::plays_the_host_program_for_another_test";
        let mut program = Command::new(std::env::current_exe().expect("the test"));
        program.args(["--exact", test, "--nocapture"]);
        let run = Run::ok(program.env(HOST, case));
        assert!(run.stdout.contains("done"), "{case}: {}", run.stdout);
    }
}
