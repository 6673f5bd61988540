//! Every way in which a request fails: its error, and that it never hangs.

use std::cell::Cell;
use std::net::{TcpListener, TcpStream};

use super::stub::{Reply, Stub};
use super::*;
use crate::options::Attempts;

/// A time limit that is meant to pass.
const SHORT: Duration = Duration::from_millis(300);

fn text(error: &Error, words: &str) {
    assert!(error.to_string().contains(words), "{error} / {words}");
}

#[test]
fn a_refused_connection_is_reported() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for host in ["127.0.0.1", "localhost"] {
        let error = problem(
            &format!("http://{host}:{port}"),
            &Variables::new(),
            &patient(),
        );
        assert!(matches!(error, Error::Network(_)), "{error:?}");
        text(&error, "refused the connection");
    }
}

#[test]
fn an_unknown_host_name_is_reported() {
    let error = problem("https://w.invalid", &Variables::new(), &patient());
    assert!(matches!(error, Error::Network(_)), "{error:?}");
    text(&error, "the host name of https://w.invalid was not found");
}

#[test]
fn an_interrupted_response_is_a_network_error() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":";
    for reply in [
        Reply::Close,
        Reply::Raw(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Reply::Raw(half.into()),
    ] {
        let server = Stub::http([reply.clone()]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Network(_)), "{reply:?} {error:?}");
        text(&error, "closed the connection");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_response_that_is_not_http_or_not_wandb_is_reported() {
    let big_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    for (reply, words) in [
        (
            Reply::Raw(b"SSH-2.0-foo\r\n".to_vec()),
            "does not speak HTTP",
        ),
        (Reply::Raw(vec![0xff; 100]), "does not speak HTTP"),
        (Reply::Raw(big_head.into()), "does not speak HTTP"),
        (Reply::Endless, "larger than 1 MiB"),
        (
            Reply::new(200, "x".repeat((1 << 20) + 1)),
            "larger than 1 MiB",
        ),
        (
            Reply::new(200, "<html>Log in to the hotel's network</html>"),
            "returned HTML",
        ),
        (Reply::new(200, ""), "an empty response"),
        (Reply::new(200, "{\"data\":"), "other data"),
        (Reply::new(200, "[".repeat(1 << 19)), "other data"),
        (Reply::new(200, "{}"), "other data"),
        (Reply::new(200, r#"{"data":{"viewer":[]}}"#), "other data"),
    ] {
        let server = Stub::http([reply]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Server(_)), "{error:?}");
        text(&error, words);
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_response_of_1_mib_is_read() {
    let mut body = stub::VIEWER.to_owned();
    body.push_str(&" ".repeat((1 << 20) - body.len()));
    let server = Stub::http([Reply::new(200, body)]);
    verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
}

#[test]
fn a_silent_or_slow_server_is_a_time_out() {
    let drip = |text: &str| Reply::Drip(text.into(), Duration::from_millis(20));
    for reply in [
        Reply::Hang,
        drip("HTTP/1.1 200 OK\r\nX-Long: 1234567890123456789012345678901234567890\r\n\r\n"),
        drip("HTTP/1.1 200 OK\r\n\r\n{\"data\": {\"viewer\": {\"username\": \"usr\"          "),
    ] {
        let server = Stub::http([reply.clone()]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &wait(SHORT));
        assert!(matches!(error, Error::Timeout(_)), "{reply:?} {error:?}");
        text(&error, "did not answer in time");
    }
}

#[test]
fn a_connection_that_is_never_accepted_is_a_time_out() {
    // With a full backlog, further connection attempts are dropped.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        held.push(stream);
        if held.len() > 8192 {
            // The backlog of this system does not fill up.
            return;
        }
    }
    let error = problem(
        &format!("http://{address}"),
        &Variables::new(),
        &wait(SHORT),
    );
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

#[test]
fn an_expired_deadline_sends_no_request() {
    let server = Stub::http([Reply::viewer()]);
    let error = problem(
        &server.url("127.0.0.1"),
        &Variables::new(),
        &wait(Duration::ZERO),
    );
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    text(&error, "did not answer in time");
    assert_eq!(server.connections(), 0);
}

#[test]
fn cancellation_ends_every_wait() {
    let pause = Reply::new(503, "").header("Retry-After", "15");
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(1 << 16));
    let drip = Reply::Drip(endless.into(), Duration::from_millis(20));
    for reply in [Reply::Hang, drip, pause] {
        let server = Stub::http([reply]);
        let asked = Cell::new(0);
        let cancel = || {
            asked.set(asked.get() + 1);
            asked.get() > 4
        };
        let wait = Wait {
            deadline: Instant::now() + Duration::from_secs(20),
            attempts: Attempts::UntilDeadline,
            cancel: &cancel,
        };
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &wait);
        assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_cancelled_call_sends_no_request() {
    let server = Stub::http([Reply::viewer()]);
    let wait = Wait {
        deadline: Instant::now() + Duration::from_secs(20),
        attempts: Attempts::UntilDeadline,
        cancel: &|| true,
    };
    let error = problem(&server.url("127.0.0.1"), &Variables::new(), &wait);
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_unavailable_server_is_retried() {
    for status in [429, 500, 502, 503, 504, 599] {
        let busy = Reply::new(status, "x").header("Retry-After", "0");
        let server = Stub::http([busy.clone(), busy, Reply::viewer()]);
        verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
        assert_eq!(server.seen().len(), 3, "{status}");
    }
}

#[test]
fn retries_without_retry_after_use_the_default_pause() {
    let server = Stub::http([Reply::new(500, "x"), Reply::viewer()]);
    verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn retry_after_may_be_a_date() {
    let past = Reply::new(503, "").header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT");
    let server = Stub::http([past, Reply::viewer()]);
    verify(
        &server.url("127.0.0.1"),
        &Variables::new(),
        &wait(Duration::from_secs(5)),
    )
    .unwrap();
    assert_eq!(server.seen().len(), 2);

    let future = Reply::new(503, "").header("Retry-After", "Sun, 06 Nov 2094 08:49:37 GMT");
    let server = Stub::http([future]);
    let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
    text(&error, "Retry-After: ");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_retry_after_beyond_the_deadline_ends_the_call() {
    for value in ["60", "9223372036854775807"] {
        let busy = Reply::new(429, r#"{"errors":[{"message":"slow down"}]}"#);
        let server = Stub::http([busy.header("Retry-After", value)]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Server(_)), "{error:?}");
        text(
            &error,
            "unavailable (HTTP 429 Too Many Requests): slow down",
        );
        text(&error, &format!("Retry-After: {value} s"));
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn the_number_of_retries_is_limited() {
    let server = Stub::http([Reply::new(503, "").header("Retry-After", "0")]);
    let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
    assert!(matches!(error, Error::Server(_)), "{error:?}");
    assert_eq!(server.seen().len(), 21);
}

#[test]
fn redirects_are_named_and_never_followed() {
    let other = Stub::http([Reply::viewer()]);
    let port = other.address.port();
    for status in [301, 302, 303, 307, 308] {
        for target in [
            format!("http://127.0.0.1:{port}/landing"),
            format!("http://localhost:{port}/graphql"),
            format!("https://127.0.0.1:{port}/graphql"),
            format!("//127.0.0.1:{port}/graphql"),
            "/graphql".to_owned(),
        ] {
            let server = Stub::http([Reply::new(status, stub::VIEWER).header("Location", &target)]);
            let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
            assert!(matches!(error, Error::Server(_)), "{error:?}");
            text(&error, &target);
            text(&error, "not followed");
            assert_eq!(server.seen().len(), 1, "{status} {target}");
        }
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn redirects_without_or_with_unprintable_location_are_reported() {
    for (status, location, words) in [
        (302, None, "without a Location header"),
        (304, None, "HTTP 304"),
        (302, Some("\u{1b}[2Jhttp://x/"), "redirects to"),
        (302, Some(KEY), "****"),
        (
            302,
            Some("https://x/login?token=abc#d"),
            "redirects to https://x/login (HTTP",
        ),
    ] {
        let reply = Reply::new(status, "");
        let reply = match location {
            // A header value must not contain the escape character.
            Some(location) => reply.header("Location", &location.replace('\u{1b}', "")),
            None => reply,
        };
        let server = Stub::http([reply]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Server(_)), "{error:?}");
        text(&error, words);
    }
}

#[test]
fn a_key_in_a_response_is_redacted() {
    for body in [
        format!(r#"{{"errors":[{{"message":"bad key {KEY}"}}]}}"#),
        format!(r#"{{"error":"bad header {BASIC}"}}"#),
        format!("{KEY}\r\n\x1b[31m{BASIC}"),
        format!(r#"{{"error":"bad\nkey \u0031{}"}}"#, &KEY[1..]),
    ] {
        let server = Stub::http([Reply::new(401, body)]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Rejected(_)), "{error:?}");
        text(&error, "****");
    }
}

#[test]
fn extra_headers_in_a_response_are_redacted() {
    let headers = r#"{"X-Gate": "gate-token-1"}"#;
    let vars = variables([("WANDB_X_EXTRA_HTTP_HEADERS", headers)]);
    let server = Stub::http([Reply::new(403, "X-Gate: gate-token-1 is no good")]);
    let error = problem(&server.url("127.0.0.1"), &vars, &patient());
    text(&error, ": X-Gate: ************ is no good");
}

#[test]
fn names_in_the_response_are_made_safe_to_print() {
    let body = r#"{"data":{"viewer":{"username":"u\u001b[31m\u0000\u202e","teams":{"edges":[{"node":{"name":"t\n"}},{"node":null},5]}}}}"#;
    let server = Stub::http([Reply::new(200, body)]);
    let viewer = verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
    assert_eq!(
        viewer.username.as_deref(),
        Some("u\u{fffd}[31m\u{fffd}\u{fffd}")
    );
    assert_eq!(viewer.teams, ["t\u{fffd}"]);
}

#[test]
fn a_web_page_in_place_of_the_api_is_not_a_rejected_key() {
    for status in [200, 401, 403] {
        let page = Reply::new(status, "\u{feff}\n<!DOCTYPE html><title>Sign in</title>");
        let server = Stub::http([page]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        assert!(matches!(error, Error::Server(_)), "{error:?}");
        text(&error, &format!("returned HTML (HTTP {status}"));
        text(&error, "login page or captive portal");
    }
}

/// A gzip file with one stored block.
fn gzip(text: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut blocks = text.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let size = block.len() as u16;
        file.push(u8::from(blocks.peek().is_none()));
        file.extend(size.to_le_bytes());
        file.extend((!size).to_le_bytes());
        file.extend(block);
    }
    file.extend([0; 4]);
    file.extend((text.len() as u32).to_le_bytes());
    file
}

#[test]
fn a_gzip_response_is_read_although_none_was_requested() {
    for encoding in ["gzip", "x-gzip", "GZIP"] {
        let body = gzip(stub::VIEWER.as_bytes());
        let server = Stub::http([Reply::new(200, body).header("Content-Encoding", encoding)]);
        let viewer = verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
        assert_eq!(viewer.username.as_deref(), Some("usr"));
        assert_eq!(server.seen()[0].header("accept-encoding"), None);
    }
    let repeats = gzip(format!(r#"{{"error":"bad key {KEY}"}}"#).as_bytes());
    for (status, body, encoding, words) in [
        (401, repeats, "gzip", "bad key ****"),
        (
            200,
            gzip(&vec![b' '; (1 << 20) + 1]),
            "gzip",
            "larger than 1 MiB",
        ),
        (200, b"\x1f\x8b\x08".to_vec(), "gzip", "corrupt gzip"),
        (200, stub::VIEWER.into(), "gzip", "corrupt gzip"),
        (
            200,
            b"\x8b\x02\x80".to_vec(),
            "br",
            "unsupported Content-Encoding",
        ),
    ] {
        let server = Stub::http([Reply::new(status, body).header("Content-Encoding", encoding)]);
        let error = problem(&server.url("127.0.0.1"), &Variables::new(), &patient());
        text(&error, words);
    }
}
