//! Certificate verification, and the message for each failure.

use super::stub::{Authority, Identity, Reply, Stub};
use super::*;

fn is_tls(error: &Error, words: &str) {
    assert!(matches!(error, Error::Tls(_)), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_private_ca_from_a_variable_is_trusted() {
    let scratch = Scratch::new("ca");
    let authority = Authority::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let dir = scratch.0.to_str().unwrap();
    // Other files in the directory are ignored.
    scratch.file("README", "-----BEGIN CERTIFICATE-----\nbroken");
    std::fs::create_dir(scratch.0.join("sub")).unwrap();
    let server = Stub::https(
        &authority.issue(&["localhost", "127.0.0.1"]),
        [Reply::viewer()],
    );
    let list = std::env::join_paths(["/nonexistent", dir]).unwrap();
    let list = list.into_string().unwrap();
    let empty = scratch.file("empty.pem", "");
    for vars in [
        variables([("SSL_CERT_FILE", ca.as_str())]),
        variables([("SSL_CERT_DIR", dir)]),
        variables([("SSL_CERT_DIR", list.as_str())]),
        variables([("REQUESTS_CA_BUNDLE", ca.as_str())]),
        variables([("REQUESTS_CA_BUNDLE", dir)]),
        variables([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", dir)]),
        variables([("SSL_CERT_FILE", empty.as_str()), ("SSL_CERT_DIR", dir)]),
        variables([
            ("SSL_CERT_FILE", ca.as_str()),
            ("SSL_CERT_DIR", "/nonexistent"),
        ]),
        variables([
            ("SSL_CERT_FILE", ca.as_str()),
            ("REQUESTS_CA_BUNDLE", "/nonexistent"),
        ]),
    ] {
        verify(&server.url("localhost"), &vars, &patient()).unwrap();
        verify(&server.url("127.0.0.1"), &vars, &patient()).unwrap();
    }
    assert_eq!(server.seen().len(), 18);
}

#[test]
fn each_certificate_problem_has_its_own_message() {
    let scratch = Scratch::new("distrust");
    let authority = Authority::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let vars = variables([("SSL_CERT_FILE", ca.as_str())]);
    for (identity, words) in [
        (
            Authority::new().issue(&["localhost"]),
            "issued by an untrusted CA",
        ),
        (
            Identity::self_signed(&["localhost"], false),
            "issued by an untrusted CA",
        ),
        (
            authority.issue_for_years(&["localhost"], 2001..2002),
            "has expired",
        ),
        (
            authority.issue_for_years(&["localhost"], 2080..2090),
            "not valid yet",
        ),
        (authority.issue(&["other.example.test"]), "for another name"),
        (
            authority.issue_with_common_name("localhost"),
            "has no subject alternative name",
        ),
    ] {
        let server = Stub::https(&identity, [Reply::viewer()]);
        is_tls(&problem(&server.url("localhost"), &vars, &patient()), words);
        // No key is sent, and there is no retry.
        assert_eq!((server.seen().len(), server.connections()), (0, 1));
    }
}

#[test]
fn the_system_trust_store_does_not_include_a_private_ca() {
    let server = Stub::https(&Authority::new().issue(&["localhost"]), [Reply::viewer()]);
    let error = problem(&server.url("localhost"), &Variables::new(), &patient());
    is_tls(&error, "SSL_CERT_FILE");
    assert_eq!(server.seen().len(), 0);
}

/// Each kind of certificate that a server's operator may list: self-signed, self-signed
/// as a CA, and issued by a CA that is not listed.
fn listed(kind: usize, years: std::ops::Range<i32>) -> Identity {
    match kind {
        0 | 1 => Identity::self_signed_for_years(&["localhost"], kind == 1, years),
        _ => Authority::new().issue_for_years(&["localhost"], years),
    }
}

#[test]
fn a_listed_server_certificate_is_trusted_for_its_name_and_dates() {
    let scratch = Scratch::new("self");
    for kind in 0..3 {
        for (years, host, words) in [
            (2020..2090, "localhost", None),
            (2020..2090, "127.0.0.1", Some("for another name")),
            (2001..2002, "localhost", Some("has expired")),
            (2080..2090, "localhost", Some("is not valid yet")),
        ] {
            let identity = listed(kind, years);
            let pem = scratch.file("c.pem", identity.pem());
            let server = Stub::https(&identity, [Reply::viewer()]);
            let vars = variables([("SSL_CERT_FILE", pem.as_str())]);
            match words {
                None => drop(verify(&server.url(host), &vars, &patient()).unwrap()),
                Some(words) => is_tls(&problem(&server.url(host), &vars, &patient()), words),
            }
        }
        // Another certificate for the same name is not trusted.
        let server = Stub::https(&listed(kind, 2020..2090), [Reply::viewer()]);
        let pem = scratch.file("c.pem", listed(kind, 2020..2090).pem());
        let vars = variables([("SSL_CERT_FILE", pem.as_str())]);
        is_tls(
            &problem(&server.url("localhost"), &vars, &patient()),
            "certificate of",
        );
        assert_eq!(server.seen().len(), 0);
    }
}

#[test]
fn a_server_without_a_supported_cipher_suite_is_reported() {
    // Fatal alerts: handshake_failure, protocol_version, insufficient_security.
    for alert in [40, 70, 71] {
        let server = Stub::raw([Reply::Raw(vec![0x15, 3, 3, 0, 2, 2, alert])]);
        let url = server.url("localhost").replace("raw:", "https:");
        let error = problem(&url, &Variables::new(), &patient());
        is_tls(&error, "CBC suites and RSA key exchange are not supported");
    }
}

#[test]
fn disabled_verification_accepts_any_certificate_with_a_warning() {
    let server = Stub::https(&Identity::self_signed(&["other"], false), [Reply::viewer()]);
    let vars = variables([
        ("WANDB_INSECURE_DISABLE_SSL", "true"),
        ("SSL_CERT_FILE", "/nonexistent"),
    ]);
    verify(&server.url("localhost"), &vars, &patient()).unwrap();

    let warned = |value: Option<&str>, setting: Option<bool>| {
        let var = |name: &str| {
            (name == "WANDB_INSECURE_DISABLE_SSL")
                .then(|| value.map(|value| value.to_owned().into()))?
        };
        let settings = RouteSettings {
            insecure_disable_ssl: Ok(setting),
            ..RouteSettings::default()
        };
        let server = BaseUrl::parse("https://w.test").unwrap();
        let route = ConfiguredRoute::new(&var, settings, &server);
        Transport::new(route).unwrap().1.is_some()
    };
    assert!(warned(Some("True"), None));
    assert!(warned(None, Some(true)));
    assert!(!warned(Some("0"), Some(true)));
    assert!(!warned(None, None));
}

#[test]
fn a_plain_http_server_behind_an_https_url_is_reported() {
    let server = Stub::http([Reply::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]);
    // A plain http server that responds to any input.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    let error = problem(
        &format!("https://localhost:{port}"),
        &Variables::new(),
        &patient(),
    );
    is_tls(&error, "does not speak TLS");
    answering.join().unwrap();
    drop(server);
}

#[test]
fn an_https_server_behind_a_plain_http_url_is_an_error() {
    let server = Stub::https(
        &Identity::self_signed(&["localhost"], false),
        [Reply::viewer()],
    );
    let url = server.url("localhost").replace("https:", "http:");
    let error = problem(&url, &Variables::new(), &patient());
    assert!(
        matches!(error, Error::Server(_) | Error::Network(_)),
        "{error:?}"
    );
}

#[test]
fn a_missing_or_empty_ca_file_is_reported_before_anything_is_sent() {
    let scratch = Scratch::new("missing");
    let empty = scratch.file("empty.pem", "");
    let key = scratch.file(
        "key.pem",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    let bare = scratch.0.join("bare");
    std::fs::create_dir(&bare).unwrap();
    let missing = scratch.0.join("missing.pem");
    let missing = missing.to_str().unwrap();
    let server = Stub::http([Reply::viewer()]);
    let url = server.url("localhost").replace("http:", "https:");
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"] {
        for path in [missing, &empty, &key, bare.to_str().unwrap()] {
            let error = problem(&url, &variables([(name, path)]), &patient());
            is_tls(&error, path);
            is_tls(&error, name);
        }
    }
    assert_eq!(server.connections(), 0);
    // Plain http does not read CA files.
    let vars = variables([("SSL_CERT_FILE", missing)]);
    verify(&server.url("localhost"), &vars, &patient()).unwrap();
}

#[test]
fn an_unfinished_handshake_is_a_time_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let error = problem(&url, &Variables::new(), &wait(Duration::from_millis(300)));
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}
