//! Requests through proxies, and that a broken proxy is never bypassed.

use std::net::TcpListener;

use super::stub::{Authority, Reply, Stub};
use super::*;

#[test]
fn plain_http_sends_the_absolute_url_to_the_proxy() {
    for (name, user, authorization) in [
        ("WANDB_HTTP_PROXY", "", None),
        ("HTTP_PROXY", "u:p%40ss@", Some("Basic dTpwQHNz")),
    ] {
        let proxy = Stub::http([Reply::viewer()]);
        let value = format!("http://{user}{}", proxy.address);
        let vars = variables([(name, value.as_str())]);
        verify("http://wb.example.test:8080/wandb", &vars, &patient()).unwrap();
        let seen = &proxy.seen()[0];
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.target, "http://wb.example.test:8080/wandb/graphql");
        assert_eq!(seen.header("host"), Some("wb.example.test:8080"));
        assert_eq!(seen.header("proxy-authorization"), authorization);
        assert_eq!(seen.header("authorization"), Some(BASIC));
        assert_eq!(seen.body.len(), 218);
    }
}

#[test]
fn https_uses_a_tunnel_and_the_proxy_sees_no_key() {
    let scratch = Scratch::new("tunnel");
    let authority = Authority::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let server = Stub::https(&authority.issue(&["wb.example.test"]), [Reply::viewer()]);
    for (user, extra, authorization) in [
        ("", "{}", None),
        ("u:p@", "{}", Some("Basic dTpw")),
        (
            "",
            r#"{"Proxy-Authorization":"Basic eDp5"}"#,
            Some("Basic eDp5"),
        ),
        (
            "u:p@",
            r#"{"Proxy-Authorization":"Basic eDp5"}"#,
            Some("Basic dTpw"),
        ),
    ] {
        let proxy = Stub::http([Reply::Tunnel(server.address)]);
        let value = format!("http://{user}{}", proxy.address);
        let vars = variables([
            ("HTTPS_PROXY", value.as_str()),
            ("SSL_CERT_FILE", &ca),
            ("WANDB_X_EXTRA_HTTP_HEADERS", extra),
        ]);
        verify("https://wb.example.test", &vars, &patient()).unwrap();
        let seen = &proxy.seen()[0];
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            ("CONNECT", "wb.example.test:443")
        );
        assert_eq!(seen.header("host"), Some("wb.example.test:443"));
        assert_eq!(seen.header("proxy-authorization"), authorization);
        assert_eq!(seen.header("authorization"), None);
    }
    assert_eq!(server.seen().len(), 4);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("proxy-authorization").is_none())
    );
}

#[test]
fn an_https_proxy_is_supported() {
    let scratch = Scratch::new("tls-proxy");
    let authority = Authority::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let proxy = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
    let url = proxy.url("localhost");
    let vars = variables([("WANDB_HTTP_PROXY", url.as_str()), ("SSL_CERT_FILE", &ca)]);
    verify("http://wb.example.test", &vars, &patient()).unwrap();
    assert_eq!(proxy.seen()[0].target, "http://wb.example.test/graphql");

    // An untrusted certificate is reported as the proxy's.
    let other = scratch.file("other.pem", Authority::new().pem());
    let vars = variables([
        ("WANDB_HTTP_PROXY", url.as_str()),
        ("SSL_CERT_FILE", &other),
    ]);
    let error = problem("http://wb.example.test", &vars, &patient());
    assert!(matches!(error, Error::Proxy(_)), "{error:?}");
    assert!(
        error.to_string().contains("the certificate of the proxy"),
        "{error}"
    );
}

#[test]
fn the_status_of_a_refusing_proxy_is_reported() {
    for (status, line) in [(407, "407 Stub"), (403, "403 Stub"), (502, "502 Stub")] {
        let proxy = Stub::http([Reply::new(status, "<html>no</html>")]);
        let value = format!("http://user:secret@{}", proxy.address);
        let vars = variables([("WANDB_HTTPS_PROXY", value.as_str())]);
        let error = problem("https://wb.example.test", &vars, &patient());
        assert!(matches!(error, Error::Proxy(_)), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(line) && text.contains("WANDB_HTTPS_PROXY"),
            "{text}"
        );
        assert!(!text.contains("secret") && !text.contains("user"), "{text}");
        assert_eq!(proxy.connections(), 1);
    }
    // For plain http the refusal is a normal response.
    let proxy = Stub::http([Reply::new(407, "")]);
    let value = proxy.url("127.0.0.1");
    let error = problem(
        "http://w.test",
        &variables([("HTTP_PROXY", value.as_str())]),
        &patient(),
    );
    assert!(matches!(error, Error::Proxy(_)), "{error:?}");
}

#[test]
fn a_broken_proxy_is_named() {
    let scripts = [
        Reply::Close,
        Reply::Raw(b"SSH-2.0\r\n\r\n".to_vec()),
        Reply::Raw(vec![b'x'; 1 << 16]),
    ];
    for reply in scripts {
        let proxy = Stub::http([reply.clone()]);
        let value = proxy.url("127.0.0.1");
        let vars = variables([("HTTPS_PROXY", value.as_str())]);
        let error = problem("https://wb.example.test", &vars, &patient());
        assert!(matches!(error, Error::Proxy(_)), "{reply:?} {error:?}");
        assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    }
    let proxy = Stub::http([Reply::Hang]);
    let value = proxy.url("127.0.0.1");
    let vars = variables([("HTTPS_PROXY", value.as_str())]);
    let error = problem(
        "https://wb.example.test",
        &vars,
        &wait(Duration::from_millis(300)),
    );
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

#[test]
fn an_unreachable_proxy_is_never_bypassed() {
    let server = Stub::http([Reply::viewer()]);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for proxy in [
        format!("http://127.0.0.1:{port}"),
        "http://proxy.invalid:1".to_owned(),
        "socks5://127.0.0.1:1".to_owned(),
    ] {
        let vars = variables([("WANDB_HTTP_PROXY", proxy.as_str())]);
        let error = problem(&server.url("127.0.0.1"), &vars, &patient());
        assert!(matches!(error, Error::Proxy(_)), "{error:?}");
        assert!(error.to_string().contains("WANDB_HTTP_PROXY"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn shared_proxies_are_not_used_for_the_loopback() {
    let server = Stub::http([Reply::viewer()]);
    let vars = variables([
        ("HTTP_PROXY", "http://proxy.invalid:1"),
        ("ALL_PROXY", "http://proxy.invalid:1"),
    ]);
    verify(&server.url("127.0.0.1"), &vars, &patient()).unwrap();
    verify(&server.url("localhost"), &vars, &patient()).unwrap();
}
