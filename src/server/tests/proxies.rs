//! Requests through proxies, and that a broken proxy is never bypassed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

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
    for (status, line) in [
        (407, "(HTTP 407 Proxy Authentication Required)"),
        (403, "(HTTP 403 Forbidden)"),
        (502, "(HTTP 502 Bad Gateway)"),
    ] {
        let proxy = Stub::http([Reply::new(status, "<html>no</html>")]);
        let value = format!("http://alice:secret@{}", proxy.address);
        let vars = variables([("WANDB_HTTPS_PROXY", value.as_str())]);
        let error = problem("https://wb.example.test", &vars, &patient());
        assert!(matches!(error, Error::Proxy(_)), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(line) && text.contains("WANDB_HTTPS_PROXY"),
            "{text}"
        );
        assert!(
            !text.contains("secret") && !text.contains("alice"),
            "{text}"
        );
        let advises = text.ends_with("check the user name and password in its URL");
        assert_eq!(advises, status == 407, "{text}");
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
    let named = "(HTTPS_PROXY) did not answer in time";
    assert!(error.to_string().contains(named), "{error}");
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
        "socks4://127.0.0.1:1".to_owned(),
        format!("socks5://127.0.0.1:{port}"),
        "socks5://proxy.invalid".to_owned(),
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

#[test]
fn a_time_out_behind_a_proxy_names_server_and_proxy() {
    let server = Stub::http([Reply::Hang]);
    let proxy = Stub::http([Reply::Tunnel(server.address)]);
    let value = proxy.url("127.0.0.1");
    let vars = variables([("HTTPS_PROXY", value.as_str())]);
    let short = wait(Duration::from_millis(500));
    let error = problem("https://wb.example.test", &vars, &short);
    let words = "https://wb.example.test did not answer in time through the proxy http://";
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn special_characters_in_a_proxy_password_are_explained() {
    for password in ["pa#ss", "pa/ss", "pa?ss", "pa%ss", "1/ss", "%+f"] {
        let value = format!("http://user:{password}@127.0.0.1:1");
        let vars = variables([("HTTPS_PROXY", value.as_str())]);
        let error = problem("https://w.test", &vars, &patient());
        assert!(matches!(error, Error::Proxy(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("percent-encode special characters"), "{text}");
        assert!(
            text.contains("HTTPS_PROXY") && !text.contains("user:"),
            "{text}"
        );
    }
}

#[test]
fn a_proxy_password_in_a_response_is_masked() {
    let encoded = "dXNlcjpzZWNyZXQ="; // user:secret
    let errors =
        format!(r#"{{"data":{{"viewer":null}},"errors":[{{"message":"secret {encoded}"}}]}}"#);
    let body = format!("bad user 'secret', {encoded}");
    let head = format!("HTTP/1.1 407 {encoded} secret\r\n\r\n");
    for (url, reply) in [
        ("http://w.test", Reply::new(403, body.as_str())),
        (
            "http://w.test",
            Reply::new(302, "").header("Location", &format!("/{encoded}/secret")),
        ),
        ("http://w.test", Reply::new(200, &*errors)),
        ("http://w.test", Reply::new(401, &*errors)),
        ("http://w.test", Reply::Raw(head.clone().into())),
        ("https://w.test", Reply::Raw(head.clone().into())),
    ] {
        let proxy = Stub::http([reply]);
        let value = format!("http://user:secret@{}", proxy.address);
        let vars = variables([("HTTP_PROXY", value.as_str()), ("HTTPS_PROXY", &value)]);
        let text = problem(url, &vars, &patient()).to_string();
        assert!(
            !text.contains("secret") && !text.contains(encoded),
            "{text}"
        );
    }
}

/// A SOCKS5 proxy for one connection. Returns its address, and what it was sent.
fn socks(password: bool, to: SocketAddr) -> (SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut sent = Vec::new();
        let mut take = |client: &mut TcpStream, size: usize| {
            let mut part = vec![0; size];
            client.read_exact(&mut part).unwrap();
            sent.extend_from_slice(&part);
            part
        };
        let methods = take(&mut client, 2)[1];
        take(&mut client, methods.into());
        client
            .write_all(&[5, if password { 2 } else { 0 }])
            .unwrap();
        if password {
            let user = take(&mut client, 2)[1];
            take(&mut client, user.into());
            let length = take(&mut client, 1)[0];
            take(&mut client, length.into());
            client.write_all(&[1, 0]).unwrap();
        }
        let name = take(&mut client, 5)[4];
        take(&mut client, usize::from(name) + 2);
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        let server = TcpStream::connect(to).unwrap();
        let (mut from, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut { server }));
        let _ = std::io::copy(&mut back, &mut client);
        sent
    };
    (address, std::thread::spawn(serve))
}

#[test]
fn a_socks5_proxy_gets_the_host_name_and_the_decoded_password() {
    let scratch = Scratch::new("socks");
    let authority = Authority::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let https = Stub::https(&authority.issue(&["wb.example.test"]), [Reply::viewer()]);
    let http = Stub::http([Reply::viewer()]);
    for (server, url, port) in [
        (&https, "https://wb.example.test", [1, 187]),
        (&http, "http://wb.example.test", [0, 80]),
    ] {
        for scheme in ["socks5", "socks5h", "SOCKS5"] {
            for user in ["", "us%40er:p%3Ass@"] {
                let (address, proxy) = socks(!user.is_empty(), server.address);
                let value = format!("{scheme}://{user}{address}");
                let vars = variables([
                    ("HTTPS_PROXY", value.as_str()),
                    ("HTTP_PROXY", &value),
                    ("SSL_CERT_FILE", &ca),
                ]);
                verify(url, &vars, &patient()).unwrap();
                let sent = proxy.join().unwrap();
                let wanted = [&b"\x05\x01\0\x03\x0fwb.example.test"[..], &port].concat();
                assert!(sent.ends_with(&wanted), "{sent:?}");
                let login = sent
                    .windows(12)
                    .any(|part| part == b"\x01\x05us@er\x04p:ss");
                assert_eq!(login, !user.is_empty(), "{sent:?}");
            }
        }
    }
    assert_eq!(http.seen()[0].target, "/graphql");
    assert_eq!(http.seen()[0].header("proxy-authorization"), None);
}

#[test]
fn a_failing_socks_proxy_is_named_without_its_password() {
    for (reply, words) in [
        (Reply::Raw(vec![5, 0xff]), "no acceptable auth methods"),
        (Reply::Raw(vec![5, 0, 5, 5, 0, 1]), "connection refused"),
        (Reply::Close, "closed the connection"),
        (Reply::Hang, "did not answer in time"),
    ] {
        let proxy = Stub::raw([reply.clone()]);
        let value = format!("socks5://user:secret@{}", proxy.address);
        let vars = variables([("HTTPS_PROXY", value.as_str())]);
        let error = problem("https://w.test", &vars, &wait(Duration::from_millis(500)));
        let hangs = matches!(reply, Reply::Hang);
        assert_eq!(matches!(error, Error::Timeout(_)), hangs, "{error:?}");
        assert_eq!(matches!(error, Error::Proxy(_)), !hangs, "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains("HTTPS_PROXY"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}
