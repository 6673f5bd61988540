//! What a server that only a workspace settings file names does not get.

use wandb_login::{Error, Flags, Options, Session};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1};
use crate::{CANARY, in_world, login, run};

const WORKSPACE: &str = "cwd/wandb/settings";
const SYSTEM: &str = "home/.config/wandb/settings";

#[test]
fn it_gets_no_extra_headers_user_name_or_email() {
    let headers = r#"{"X-Gateway": "secret"}"#;
    for in_settings in [false, true] {
        for only_workspace in [false, true] {
            let server = Stub::http([Reply::viewer()]);
            let (home, url) = (Home::new(), server.url("127.0.0.1"));
            let base_url = format!("base_url = {url}\n");
            let mut system = "[default]\n".to_string();
            if only_workspace {
                home.write(WORKSPACE, format!("[default]\n{base_url}"));
            } else {
                system.push_str(&base_url);
            }
            let mut variables = vec![("WANDB_USERNAME", "me"), ("WANDB_USER_EMAIL", "me@x")];
            if in_settings {
                system.push_str(&format!("x_extra_http_headers = {headers}\n"));
            } else {
                variables.push(("WANDB_X_EXTRA_HTTP_HEADERS", headers));
            }
            home.write(SYSTEM, system);
            let done = run(&home, &variables, &["--verify", CANARY]);
            assert_eq!(done.code, Some(0), "{}", done.stderr);
            let seen = &server.seen()[0];
            assert!(seen.header("authorization").is_some());
            for (name, value) in [
                ("x-gateway", "secret"),
                ("x-wandb-username", "me"),
                ("x-wandb-user-email", "me@x"),
            ] {
                let got = seen.header(name).filter(|value| !value.is_empty());
                let expected = (!only_workspace).then_some(value);
                assert_eq!(got, expected, "{name}, settings: {in_settings}");
            }
        }
    }
}

/// The mark is in the session, not in the login that made it.
#[test]
fn a_refresh_sends_it_no_key_from_elsewhere() {
    let home = Home::new();
    home.write(WORKSPACE, "[default]\nbase_url = https://evil.example\n");
    home.write("key", KEY_1);
    let key_file = home.path("key").display().to_string();
    let options = || Options::new().api_key(CANARY).flags(Flags::NO_SAVE);
    let session = login(&home, &[], options()).unwrap();
    let copy = Session::import(session.export().as_bytes()).unwrap();
    let netrc = home.path("netrc").display().to_string();
    home.write(
        "netrc",
        format!("machine evil.example login user password {KEY_1}\n"),
    );

    for session in [&session, &copy] {
        for variables in [
            ("WANDB_API_KEY", KEY_1),
            ("WANDB_API_KEY_FILE", key_file.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", key_file.as_str()),
        ] {
            let refused = refresh(&home, &[variables], session).unwrap_err();
            assert!(matches!(refused, Error::Credentials(_)), "{refused}");
            assert!(refused.to_string().contains("evil.example"), "{refused}");
        }
        let renewed = refresh(&home, &[("NETRC", &netrc)], session).unwrap();
        assert_eq!(renewed.api_key().unwrap().as_bytes(), KEY_1.as_bytes());
    }
    // Nor is the key of system settings that name no server.
    home.write(SYSTEM, format!("[default]\napi_key = {KEY_1}\n"));
    assert!(refresh(&home, &[], &session).is_err());
}

/// A server that the caller named is not marked, whatever the workspace says.
#[test]
fn a_refresh_at_a_server_of_the_callers_choice() {
    let home = Home::new();
    home.write(WORKSPACE, "[default]\nbase_url = https://a.example\n");
    let options = Options::new().host("https://a.example").api_key(CANARY);
    let session = login(&home, &[], options.flags(Flags::NO_SAVE)).unwrap();
    let renewed = refresh(&home, &[("WANDB_API_KEY", KEY_1)], &session).unwrap();
    assert_eq!(renewed.api_key().unwrap().as_bytes(), KEY_1.as_bytes());
}

/// An access token of such a session is not renewed: its identity token is for
/// another server.
#[test]
fn an_identity_token_is_not_exchanged_there() {
    let home = Home::new();
    let token = home.write("token", "a.b.c");
    let text = format!(
        "wandb-login-session 1\nbase_url https://evil.example\nsource identity_token\n\
         access_token abc\nexpires_at 1\nidentity_token_file {}\nworkspace_only true\n",
        token.display().to_string().replace('\\', r"\\")
    );
    let session = Session::import(text.as_bytes()).unwrap();
    let refused = refresh(&home, &[], &session).unwrap_err();
    assert!(matches!(refused, Error::Credentials(_)), "{refused}");
    let display = session.display();
    assert!(display.contains("access token is configured"), "{display}");
}

fn refresh(
    home: &Home,
    variables: &[(&str, &str)],
    session: &Session,
) -> wandb_login::Result<Session> {
    let options = Options::new().flags(Flags::NO_SAVE);
    in_world(home, variables, options, |options| {
        wandb_login::refresh(session, options)
    })
}
