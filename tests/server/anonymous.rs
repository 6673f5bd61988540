//! Accounts without a name: the request, the record, and how it goes away.

use wandb_login::{Anonymous, Error, Flags, Options, Source};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_2, KEY_3, NETRC};
use crate::{CANARY, entry, login, run};

const SETTINGS: &str = "home/.config/wandb/settings";

fn gives(key: &str) -> Reply {
    let body = r#"{"data":{"createAnonymousEntity":{"apiKey":{"name":"KEY"}}}}"#;
    Reply::new(200, body.replace("KEY", key))
}

fn options<'a>(anonymous: Anonymous, flags: Flags) -> Options<'a> {
    Options::new().anonymous(anonymous).flags(flags)
}

#[test]
fn must_creates_an_anonymous_account_and_records_it() {
    let server = Stub::http([gives(CANARY)]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let first = run(&home, &variables, &["--anonymous", "must"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target, "/graphql");
    // An empty key: `api:`.
    assert_eq!(seen[0].header("authorization"), Some("Basic YXBpOg=="));
    assert!(String::from_utf8_lossy(&seen[0].body).contains("CreateAnonymousApiKey"));
    assert_eq!(home.text(NETRC), Some(entry(&url, CANARY)));
    let recorded = home.text(SETTINGS);
    assert_eq!(recorded.as_deref(), Some("[default]\nanonymous = true\n"));

    // A second time the stored key is used, and the record stays with it.
    let again = run(&home, &variables, &["--anonymous", "must"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(home.text(SETTINGS), recorded);

    // A key of somebody's clears it.
    let named = run(&home, &variables, &[KEY_2]);
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    assert_eq!(home.text(NETRC), Some(entry(&url, KEY_2)));
    let settings = home.text(SETTINGS).unwrap_or_default();
    assert!(!settings.contains("anonymous"), "{settings}");
}

#[test]
fn must_uses_a_configured_key_unless_relogin_is_set() {
    let server = Stub::http([gives(CANARY)]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    home.write(NETRC, entry(&url, KEY_3));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let session = login(
        &home,
        &variables,
        options(Anonymous::Must, Flags::NO_PROMPT),
    )
    .unwrap();
    assert_eq!(session.source(), Source::Netrc);
    assert_eq!(server.connections(), 0);
    let session = login(&home, &variables, options(Anonymous::Must, Flags::RELOGIN)).unwrap();
    assert_eq!(session.source(), Source::Anonymous);
    assert!(session.saved());
    assert_eq!(home.text(NETRC), Some(entry(&url, CANARY)));
}

#[test]
fn never_and_allow_send_no_request() {
    let server = Stub::http([gives(CANARY)]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    for anonymous in [Anonymous::Never, Anonymous::Allow] {
        let error = login(&home, &variables, options(anonymous, Flags::NO_PROMPT)).unwrap_err();
        assert!(matches!(error, Error::NotConfigured(_)), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_message_of_a_server_without_anonymous_mode_is_shown() {
    let refusal = r#"{"errors":[{"message":"anonymous mode is gone"}],"data":null}"#;
    let server = Stub::http([Reply::new(200, refusal)]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let run = run(&home, &[("WANDB_BASE_URL", &url)], &["--anonymously"]);
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr.contains("anonymous mode is gone"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("account"), "{}", run.stderr);
    assert_eq!(home.text(NETRC), None);
    assert_eq!(home.text(SETTINGS), None);
}

#[test]
fn only_rank_0_creates_an_anonymous_account() {
    let server = Stub::http([gives(CANARY)]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("RANK", "1"),
        ("WORLD_SIZE", "2"),
    ];
    let error = login(
        &home,
        &variables,
        options(Anonymous::Must, Flags::default()),
    )
    .unwrap_err();
    assert!(matches!(error, Error::NotConfigured(_)), "{error:?}");
    assert_eq!(server.connections(), 0);
}
