//! The way to the server that a session carries.

use std::path::Path;

use wandb_login::{Error, Flags, Options, Renewer, RenewerOptions, Session, refresh};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, NETRC};
use crate::{CANARY, entries, in_world, login};

const SYSTEM: &str = "home/.config/wandb/settings";

/// Everything that a session says about the way, as text.
fn way(session: &Session) -> Vec<String> {
    let path = |path: Option<&Path>| path.map(|path| path.display().to_string());
    let text =
        |secret: &wandb_login::Secret| String::from_utf8(secret.as_bytes().to_vec()).unwrap();
    let parts = [
        path(session.ca_file()),
        path(session.ca_dir()),
        session.proxy().map(text),
        session.tls_unchecked().then(|| "unchecked".to_owned()),
    ];
    let headers = session.headers().iter().map(text);
    parts.into_iter().flatten().chain(headers).collect()
}

fn key() -> Options<'static> {
    Options::new().api_key(CANARY).flags(Flags::NO_SAVE)
}

#[test]
fn settings_and_variables_say_the_way() {
    let home = Home::new();
    home.write(
        SYSTEM,
        "[default]\nhttps_proxy = set.example:1\ninsecure_disable_ssl = yes\n\
         x_extra_http_headers = {\"X-A\": \"b\"}\n",
    );
    let session = login(&home, &[], key()).unwrap();
    assert_eq!(
        way(&session),
        ["http://set.example:1", "unchecked", "X-A: b"]
    );
    let shared = [("HTTPS_PROXY", "shared.example:2")];
    let session = login(&home, &shared, key()).unwrap();
    assert_eq!(
        way(&session),
        ["http://set.example:1", "unchecked", "X-A: b"]
    );
    let variables = [
        ("WANDB_HTTPS_PROXY", "own.example:3"),
        ("WANDB_INSECURE_DISABLE_SSL", "false"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "{}"),
    ];
    let session = login(&home, &variables, key()).unwrap();
    assert_eq!(way(&session), ["http://own.example:3"]);
}

#[test]
fn no_proxy_and_the_scheme_decide_about_the_proxy() {
    let home = Home::new();
    for (variables, host, expected) in [
        (
            &[("HTTPS_PROXY", "h:1"), ("NO_PROXY", ".wandb.ai")][..],
            "https://api.wandb.ai",
            None,
        ),
        (
            &[("HTTPS_PROXY", "h:1"), ("no_proxy", "*")],
            "https://w.test",
            None,
        ),
        (&[("HTTPS_PROXY", "h:1")], "http://w.test", None),
        (
            &[("http_proxy", "h:1")],
            "http://w.test",
            Some("http://h:1"),
        ),
        (&[("HTTP_PROXY", "h:1")], "http://127.0.0.1:8080", None),
        (
            &[("WANDB_HTTP_PROXY", "h:1"), ("NO_PROXY", "*")],
            "http://127.0.0.1:8080",
            Some("http://h:1"),
        ),
        (
            &[("https_proxy", "socks5://h")],
            "https://w.test:8443/wandb",
            Some("socks5h://h:1080"),
        ),
    ] {
        let session = login(&home, variables, key().host(host)).unwrap();
        let proxy = session.proxy().map(|url| url.as_bytes().to_vec());
        assert_eq!(
            proxy.as_deref(),
            expected.map(str::as_bytes),
            "{variables:?} {host}"
        );
    }
}

#[test]
fn a_malformed_part_fails_only_a_login_that_needs_the_server() {
    let server = Stub::http([Reply::viewer()]);
    let url = server.url("127.0.0.1");
    let home = Home::new();
    for (name, value) in [
        ("WANDB_HTTP_PROXY", "ftp://h"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "{"),
        ("WANDB_INSECURE_DISABLE_SSL", "perhaps"),
        ("WANDB_USERNAME", "a\nb"),
    ] {
        let variables = [(name, value)];
        let session = login(&home, &variables, key().host(&url)).unwrap();
        assert_eq!(way(&session), Vec::<String>::new(), "{name}");
        let verified = key().host(&url).flags(Flags::NO_SAVE | Flags::VERIFY);
        let error = login(&home, &variables, verified).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(
            matches!(error, Error::Argument(_) | Error::Proxy(_)),
            "{error}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_server_that_only_the_workspace_names_gets_no_headers() {
    let home = Home::new();
    home.write(
        "cwd/wandb/settings",
        "[default]\nbase_url = https://w.test\n",
    );
    let variables = [
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-A": "b"}"#),
        ("WANDB_USERNAME", "me"),
        ("WANDB_USER_EMAIL", "me@x"),
        ("HTTPS_PROXY", "h:1"),
    ];
    let session = login(&home, &variables, key()).unwrap();
    assert_eq!(way(&session), ["http://h:1"]);
    let session = login(&home, &variables, key().host("https://w.test")).unwrap();
    assert_eq!(session.headers().len(), 3);
}

#[test]
fn a_refresh_and_a_renewer_keep_the_way_of_the_session() {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine w.test login user password {KEY_1}\n"),
    );
    let variables = [("HTTPS_PROXY", "h:1"), ("WANDB_USERNAME", "me")];
    let session = login(&home, &variables, Options::new().host("https://w.test")).unwrap();
    let expected = ["http://h:1", "X-Wandb-Username: me"];
    assert_eq!(way(&session), expected);
    // The variables of another process.
    let other = [("HTTPS_PROXY", "other:2"), ("WANDB_USERNAME", "you")];
    let copy = Session::import(session.export().as_bytes()).unwrap();
    let fresh = in_world(&home, &other, Options::new(), |options| {
        refresh(&copy, options)
    })
    .unwrap();
    assert_eq!(way(&fresh), expected);

    let mut options = RenewerOptions::default();
    options.environment = Some(entries(&home, &other));
    options.working_directory = Some(home.cwd());
    let renewer = Renewer::new(&copy, options);
    home.write(
        NETRC,
        format!("machine w.test login user password {CANARY}\n"),
    );
    renewer.refused(&copy);
    let renewed = renewer.get().unwrap();
    assert_eq!(renewed.api_key().unwrap().as_bytes(), CANARY.as_bytes());
    assert_eq!(way(&renewed), expected);
}

#[test]
fn nothing_that_is_printed_shows_the_secrets_of_the_way() {
    let home = Home::new();
    let variables = [
        ("HTTPS_PROXY", "http://u:hidden@h:1"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-A": "hidden"}"#),
        ("WANDB_API_KEY", CANARY),
    ];
    let session = login(&home, &variables, Options::new()).unwrap();
    assert!(session.proxy().is_some() && session.headers().len() == 1);
    assert!(!format!("{session:?}").contains("hidden"));
    for arguments in [&["status"][..], &["status", "--json"], &["login"], &["env"]] {
        let done = crate::run(&home, &variables[..2], arguments);
        assert!(!done.stdout.contains("hidden") && !done.stderr.contains("hidden"));
    }
}
