//! What is sent, byte for byte, and what a good response returns.

use super::stub::{Identity, Reply, Stub};
use super::*;
use crate::server::api::{anonymous_key, exchange};
use crate::session::Authorization;
use crate::util::secret::Secret;

#[test]
fn verifying_sends_the_request_of_the_sdk_once() {
    let server = Stub::http([Reply::viewer()]);
    let url = server.url("127.0.0.1");
    let vars = variables([("WANDB_USERNAME", "me"), ("WANDB_USER_EMAIL", "me@x")]);
    let viewer = verify(&format!("{url}/wandb"), &vars, &patient()).unwrap();
    assert_eq!(viewer.username.as_deref(), Some("usr"));
    assert_eq!(viewer.email.as_deref(), Some("e@x"));
    assert_eq!(viewer.entity.as_deref(), Some("ent"));
    assert_eq!(viewer.teams, ["ent", "team2"]);

    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/wandb/graphql")
    );
    let mut headers: Vec<(String, &str)> = seen[0]
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
        .collect();
    headers.sort();
    let host = url.trim_start_matches("http://");
    // The SDK's client also sends `Accept-Encoding: gzip`; we read plain text only.
    assert_eq!(
        headers,
        [
            ("authorization", BASIC),
            ("content-length", "218"),
            ("content-type", "application/json"),
            ("host", host),
            ("user-agent", "wandb-core"),
            ("x-wandb-user-email", "me@x"),
            ("x-wandb-username", "me"),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    );
    assert_eq!(seen[0].body, super::api::VIEWER);
}

#[test]
fn without_variables_the_user_headers_are_sent_empty() {
    let server = Stub::http([Reply::viewer()]);
    verify(&server.url("127.0.0.1"), &Variables::new(), &patient()).unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("x-wandb-username"), Some(""));
    assert_eq!(seen[0].header("x-wandb-user-email"), Some(""));
}

#[test]
fn an_access_token_is_sent_as_bearer() {
    let server = Stub::http([Reply::viewer()]);
    let transport = transport(&server.url("127.0.0.1"), &Variables::new()).unwrap();
    let token = Secret::new(b"AT-z.c2ln");
    let bearer = Authorization::Bearer(&token);
    super::api::viewer(
        &server.url("127.0.0.1"),
        bearer,
        &"the access token",
        &transport,
        &patient(),
    )
    .unwrap();
    assert_eq!(
        server.seen()[0].header("authorization"),
        Some("Bearer AT-z.c2ln")
    );
}

#[test]
fn extra_headers_are_sent_and_never_replace_the_key() {
    for name in ["WANDB_X_EXTRA_HTTP_HEADERS", "WANDB__EXTRA_HTTP_HEADERS"] {
        let server = Stub::http([Reply::viewer()]);
        let json = r#"{"X-Foo": "bar", "user-agent": "mine", "AUTHORIZATION": "Basic x", "Content-Length": "1",
            "Host": "other", "Proxy-Authorization": "Basic eDp5"}"#;
        verify(
            &server.url("127.0.0.1"),
            &variables([(name, json)]),
            &patient(),
        )
        .unwrap();
        let seen = &server.seen()[0];
        assert_eq!(seen.header("x-foo"), Some("bar"));
        assert_eq!(seen.header("user-agent"), Some("mine"));
        assert_eq!(seen.header("authorization"), Some(BASIC));
        // For proxies only.
        assert_eq!(seen.header("proxy-authorization"), None);
        assert_eq!(
            seen.headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case("user-agent"))
                .count(),
            1
        );
    }
}

#[test]
fn invalid_headers_are_an_error_before_anything_is_sent() {
    for (name, value) in [
        ("WANDB_X_EXTRA_HTTP_HEADERS", "not json"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "[]"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-A": 5}"#),
        (
            "WANDB_X_EXTRA_HTTP_HEADERS",
            r#"{"X-A": "b\r\nAuthorization: c"}"#,
        ),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-A\r\nX-B": "c"}"#),
        ("WANDB_USERNAME", "a\r\nX-B: c"),
        ("WANDB_USER_EMAIL", "a\nb"),
        ("WANDB_INSECURE_DISABLE_SSL", "perhaps"),
    ] {
        let Err(Error::Argument(text)) = transport("https://w.test", &variables([(name, value)]))
        else {
            panic!("{name} {value}");
        };
        assert!(
            text.contains(name) && !text.contains(char::is_control),
            "{text:?}"
        );
    }
}

#[test]
fn an_anonymous_key_is_requested_without_a_key() {
    let body = r#"{"data":{"createAnonymousEntity":{"apiKey":{"name":"2222222222222222222222222222222222222222"}}}}"#;
    let server = Stub::http([Reply::new(200, body)]);
    let transport = transport(&server.url("127.0.0.1"), &Variables::new()).unwrap();
    let key = anonymous_key(&server.url("127.0.0.1"), &transport, &patient()).unwrap();
    assert_eq!(key.as_bytes(), [b'2'; 40]);
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/graphql");
    assert_eq!(seen.header("authorization"), Some("Basic YXBpOg=="));
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(
        sent["query"],
        "mutation CreateAnonymousApiKey {\n  createAnonymousEntity(input: {}) {\n    apiKey {\n      name\n    }\n  }\n}\n"
    );
    assert_eq!(sent["variables"], serde_json::json!({}));
}

#[test]
fn a_server_without_anonymous_mode_is_an_error_with_advice() {
    for (status, body, words) in [
        (
            200,
            r#"{"errors":[{"message":"no longer offered"}],"data":null}"#,
            "no longer offered",
        ),
        (
            200,
            r#"{"data":{"createAnonymousEntity":null}}"#,
            "instead of a W&B API response",
        ),
        (
            200,
            r#"{"data":{"createAnonymousEntity":{"apiKey":{"name":"a\nb"}}}}"#,
            "instead of a W&B API response",
        ),
        (
            400,
            r#"{"errors":[{"message":"unknown mutation"}]}"#,
            "unknown mutation",
        ),
        (401, "", "does not accept anonymous use"),
    ] {
        let server = Stub::http([Reply::new(status, body)]);
        let transport = transport(&server.url("127.0.0.1"), &Variables::new()).unwrap();
        let error = anonymous_key(&server.url("127.0.0.1"), &transport, &patient()).unwrap_err();
        assert_eq!(
            matches!(error, Error::Rejected(_)),
            status == 401,
            "{error}"
        );
        assert!(
            matches!(error, Error::Rejected(_) | Error::Server(_)),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains("Create an account"),
            "{text}"
        );
    }
}

#[test]
fn an_identity_token_is_exchanged_as_the_sdk_does() {
    let server = Stub::http([Reply::new(
        200,
        r#"{"access_token":"AT","expires_in":3600}"#,
    )]);
    let vars = variables([("WANDB__EXTRA_HTTP_HEADERS", r#"{"X-Foo":"bar"}"#)]);
    let access = exchange(
        &server.url("127.0.0.1"),
        b" eyJh.ey+J/z_.c2~l-n \n",
        &"the identity token",
        1000,
        &transport(&server.url("127.0.0.1"), &vars).unwrap(),
        &patient(),
    )
    .unwrap();
    assert_eq!(access.token.as_bytes(), b"AT");
    assert_eq!(access.expires_at, 4600);
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/oidc/token");
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen.header("user-agent"), Some("wandb-core"));
    assert_eq!(seen.header("x-foo"), Some("bar"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        std::str::from_utf8(&seen.body).unwrap(),
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=eyJh.ey%2BJ%2Fz_.c2~l-n"
    );
}

#[test]
fn an_empty_identity_token_is_not_sent() {
    let server = Stub::http([Reply::viewer()]);
    let transport = transport(&server.url("127.0.0.1"), &Variables::new()).unwrap();
    let outcome = exchange(
        &server.url("127.0.0.1"),
        b" \n",
        &"the identity token",
        0,
        &transport,
        &patient(),
    );
    assert!(matches!(
        outcome.map_err(Error::from),
        Err(Error::Credentials(_))
    ));
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_longest_key_is_sent() {
    let key = key(&"1".repeat(crate::key::LONGEST));
    let identity = Identity::self_signed(&["localhost"], false);
    for server in [
        Stub::http([Reply::viewer()]),
        Stub::https(&identity, [Reply::viewer()]),
    ] {
        let vars = variables([("WANDB_INSECURE_DISABLE_SSL", "true")]);
        let url = server.url("localhost");
        let transport = transport(&url, &vars).unwrap();
        crate::server::api::viewer(
            &url,
            key.authorization(),
            &"the API key",
            &transport,
            &patient(),
        )
        .unwrap();
        let sent = server.seen().pop().unwrap();
        // `api:` and the key, in base64, behind `Basic `.
        let size = "Basic ".len() + (4 + crate::key::LONGEST).div_ceil(3) * 4;
        assert_eq!(sent.header("authorization").unwrap().len(), size);
    }
}
