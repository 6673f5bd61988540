//! The key goes to its server and nowhere else, and no wait is without end.

use std::cell::Cell;
use std::time::Duration;

use wandb_login::{Error, Flags, Options};

use crate::stub::{Authority, Reply, Stub};
use crate::support::{Home, NETRC};
use crate::{CANARY, login, run};

#[test]
fn a_redirect_is_named_and_never_followed() {
    let authority = Authority::new();
    let home = Home::new();
    let ca = home.write("ca.pem", authority.pem()).display().to_string();
    for status in [301, 302, 303, 307, 308] {
        // The same machine under another port, name and scheme.
        let secure = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
        let plain = Stub::http([Reply::viewer()]);
        for (receiver, target) in [
            (&plain, plain.url("127.0.0.1")),
            (&plain, plain.url("localhost")),
            (&secure, secure.url("localhost")),
        ] {
            let answer = Reply::new(status, "").header("Location", &format!("{target}/graphql"));
            let server = Stub::http([answer]);
            let url = server.url("127.0.0.1");
            let variables = [("WANDB_BASE_URL", url.as_str()), ("SSL_CERT_FILE", &ca)];
            let run = run(&home, &variables, &["--verify", CANARY]);
            assert_eq!(run.code, Some(4), "{status}");
            assert!(run.stderr.contains(&target), "{}", run.stderr);
            assert_eq!(server.seen().len(), 1);
            assert_eq!(receiver.connections(), 0, "{status} to {target}");
            assert_eq!(home.text(NETRC), None);
        }
    }
}

#[test]
fn a_redirect_from_https_to_http_is_never_followed() {
    let authority = Authority::new();
    let home = Home::new();
    let ca = home.write("ca.pem", authority.pem()).display().to_string();
    let receiver = Stub::http([Reply::viewer()]);
    let target = receiver.url("localhost");
    let answer = Reply::new(307, "").header("Location", &target);
    let server = Stub::https(&authority.issue(&["localhost"]), [answer]);
    let url = server.url("localhost");
    let variables = [("WANDB_BASE_URL", url.as_str()), ("SSL_CERT_FILE", &ca)];
    let run = run(&home, &variables, &["--verify", CANARY]);
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains(&target), "{}", run.stderr);
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_login_through_a_proxy_tunnel() {
    let authority = Authority::new();
    let home = Home::new();
    let ca = home.write("ca.pem", authority.pem()).display().to_string();
    let server = Stub::https(&authority.issue(&["wb.example.test"]), [Reply::viewer()]);
    let proxy = Stub::http([Reply::Tunnel(server.address)]);
    let address = format!("http://user:secret@{}", proxy.address);
    let variables = [
        ("WANDB_BASE_URL", "https://wb.example.test"),
        ("WANDB_HTTPS_PROXY", &address),
        ("SSL_CERT_FILE", &ca),
    ];
    let done = run(&home, &variables, &["--verify", CANARY]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stderr.contains("secret"), "{}", done.stderr);
    let seen = &proxy.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("CONNECT", "wb.example.test:443")
    );
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpzZWNyZXQ=")
    );
    assert_eq!(seen.header("authorization"), None, "the proxy sees no key");

    for (reply, word) in [(Reply::new(407, ""), "407"), (Reply::new(403, ""), "403")] {
        let proxy = Stub::http([reply]);
        let address = format!("http://user:secret@{}", proxy.address);
        let variables = [variables[0], ("WANDB_HTTPS_PROXY", &address), variables[2]];
        let refused = run(&home, &variables, &["--verify"]);
        assert_eq!(refused.code, Some(4));
        assert!(
            refused.stderr.contains(word) && refused.stderr.contains("proxy"),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn an_unsupported_proxy_is_never_bypassed() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_HTTP_PROXY", "socks4://127.0.0.1:9"),
    ];
    let run = run(&home, &variables, &["--verify", CANARY]);
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains("socks4"), "{}", run.stderr);
    assert_eq!(server.connections(), 0);
}

fn options<'a>() -> Options<'a> {
    Options::new().api_key(CANARY).flags(Flags::VERIFY)
}

#[test]
fn the_cancel_function_ends_a_request() {
    let server = Stub::http([Reply::Hang]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let polls = Cell::new(0);
    let cancel = || {
        polls.set(polls.get() + 1);
        polls.get() > 5
    };
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_HTTP_TIMEOUT", "3600"),
    ];
    let error = login(&home, &variables, options().cancel(&cancel)).unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
    assert_eq!(home.text(NETRC), None);
}

#[test]
fn the_time_limit_may_be_a_variable_or_an_option() {
    let server = Stub::http([Reply::Drip(
        b"HTTP/1.1 200 OK\r\n".repeat(9),
        Duration::from_millis(50),
    )]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let by_option = options().http_timeout(Duration::from_millis(300));
    for (limit, options) in [("0.3", options()), ("3600", by_option)] {
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_HTTP_TIMEOUT", limit),
        ];
        let error = login(&home, &variables, options).unwrap_err();
        assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    }
}

#[test]
fn an_unavailable_server_is_retried_after_its_retry_after() {
    let busy = |status| Reply::new(status, "").header("Retry-After", "1");
    let server = Stub::http([busy(429), busy(503), Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let start = std::time::Instant::now();
    let run = run(&home, &[("WANDB_BASE_URL", &url)], &["--verify", CANARY]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    // The server chose the pause, so this is about what was done and not how fast.
    assert!(start.elapsed() >= Duration::from_secs(2));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| request.body == seen[0].body));

    let server = Stub::http([Reply::new(429, "").header("Retry-After", "3600")]);
    let url = server.url("127.0.0.1");
    let error = login(&home, &[("WANDB_BASE_URL", &url)], options()).unwrap_err();
    assert!(
        matches!(error, Error::Timeout(_) | Error::Server(_)),
        "{error:?}"
    );
    assert_eq!(
        server.seen().len(),
        1,
        "a pause beyond the limit is not waited for"
    );
}
