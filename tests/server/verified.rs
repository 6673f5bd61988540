//! A verified login: what it says, what it leaves, and what a failure leaves.

use wandb_login::{Error, Flags, Options, Source};

use crate::stub::{Authority, Reply, Stub};
use crate::support::{Home, KEY_2, NETRC};
use crate::{CANARY, entry, login, run};

#[test]
fn a_verified_login_prints_the_lines_of_the_sdk() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let first = run(&home, &variables, &["--verify", CANARY]);
    assert_eq!((first.code, first.stdout.as_str()), (Some(0), ""));
    let netrc = home.path(NETRC).display().to_string();
    let (_, netloc) = url.split_once("//").unwrap();
    let told = format!(
        "wandb: Currently logged in as: usr (ent) to {url}. Use `wandb-login --relogin` to force relogin\n\
         wandb: Default team: ent.\n"
    );
    assert_eq!(
        first.stderr,
        format!(
            "wandb: WARNING other users can see a key on the command line in the process list; --key-stdin avoids that\n\
             wandb: No netrc file found, creating one.\n\
             wandb: Appending key for {netloc} to your netrc file: {netrc}\n\
             wandb: [wandb.login()] Using explicit session credentials for {url} (API key; server from WANDB_BASE_URL).\n\
             {told}"
        )
    );
    assert_eq!(home.text(NETRC), Some(entry(&url, CANARY)));

    // The next one says where the key is from, and has nothing to write.
    let second = run(&home, &variables, &["--verify"]);
    assert_eq!(
        second.stderr,
        format!(
            "wandb: [wandb.login()] Loaded credentials for {url} from {netrc} (API key; server from WANDB_BASE_URL).\n{told}"
        )
    );
    assert_eq!(server.seen().len(), 2, "one request for each");
}

#[test]
fn users_without_a_team_or_name_are_shown() {
    let viewer = |viewer: &str| Reply::new(200, format!("{{\"data\":{{\"viewer\":{viewer}}}}}"));
    let alone = r#"{"username":"usr","entity":"usr","teams":{"edges":[{"node":{"name":"usr"}}]}}"#;
    for (reply, line) in [
        (viewer(alone), "Currently logged in as: usr to {URL}. Use"),
        (viewer("{}"), "W&B API key is configured for {URL}. Use"),
        // What the server says is shown and never obeyed.
        (
            viewer(r#"{"username":"u\u001b[31mv\nw"}"#),
            "Currently logged in as: u\u{fffd}[31mv\u{fffd}w to {URL}. Use",
        ),
    ] {
        let server = Stub::http([reply]);
        let (home, url) = (Home::new(), server.url("127.0.0.1"));
        let variables = [("WANDB_BASE_URL", url.as_str())];
        let run = run(&home, &variables, &["--verify", CANARY]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(
            run.stderr.contains(&line.replace("{URL}", &url)),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_verified_session_has_user_and_teams() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let options = |flags| Options::new().api_key(CANARY).host(&url).flags(flags);
    let session = login(&home, &[], options(Flags::VERIFY)).unwrap();
    assert!(session.verified() && session.saved());
    assert_eq!(session.username(), Some("usr"));
    assert_eq!(session.email(), Some("e@x"));
    assert_eq!(session.entity(), Some("ent"));
    assert_eq!(session.teams(), ["ent", "team2"]);
    assert_eq!(session.source(), Source::Explicit);
    assert_eq!(session.expires_at(), None);

    let session = login(&home, &[], options(Flags::NO_SAVE)).unwrap();
    assert!(!session.verified() && !session.saved());
    assert_eq!(
        (session.username(), session.email(), session.entity()),
        (None, None, None)
    );
    assert!(session.teams().is_empty());
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_login_over_tls_with_a_private_ca() {
    let authority = Authority::new();
    let server = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("localhost"));
    let file = home.write("ca.pem", authority.pem()).display().to_string();
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
        let variables = [("WANDB_BASE_URL", url.as_str()), (variable, file.as_str())];
        let run = run(&home, &variables, &["--verify", CANARY]);
        assert_eq!(run.code, Some(0), "{variable}: {}", run.stderr);
        assert!(
            run.stderr.contains("Currently logged in as: usr (ent) to"),
            "{}",
            run.stderr
        );
    }
    // Unknown to the system, and then switched off with a warning.
    let plain = [("WANDB_BASE_URL", url.as_str())];
    let refused = run(&home, &plain, &["--verify"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.stderr.contains("certificate"), "{}", refused.stderr);
    let insecure = [
        plain[0],
        ("WANDB_INSECURE_DISABLE_SSL", "true"),
        ("WANDB_SILENT", "true"),
    ];
    let warned = run(&home, &insecure, &["--verify"]);
    assert_eq!(warned.code, Some(0));
    assert!(
        warned
            .stderr
            .contains("WARNING Disabling SSL verification."),
        "{}",
        warned.stderr
    );
}

/// Each way to fail, with its status, leaves the files as they were.
#[test]
fn a_failed_verification_changes_no_file() {
    type Is = fn(&Error) -> bool;
    let message = |status| Reply::new(status, r#"{"errors":[{"message":"sorry"}]}"#);
    let failures: [(&str, Reply, Is); 9] = [
        ("401", message(401), |e| matches!(e, Error::Rejected(_))),
        ("403", message(403), |e| matches!(e, Error::Rejected(_))),
        (
            "no viewer",
            Reply::new(200, r#"{"data":{"viewer":null}}"#),
            |e| matches!(e, Error::Rejected(_)),
        ),
        ("404", message(404), |e| matches!(e, Error::Server(_))),
        ("500", message(500), |e| {
            matches!(e, Error::Server(_) | Error::Timeout(_))
        }),
        ("not JSON", Reply::new(200, "<html>"), |e| {
            matches!(e, Error::Server(_))
        }),
        ("garbage", Reply::Raw(b"\0\x01\x02\r\n\r\n".to_vec()), |e| {
            matches!(e, Error::Server(_))
        }),
        ("closed", Reply::Close, |e| matches!(e, Error::Network(_))),
        ("silent", Reply::Hang, |e| matches!(e, Error::Timeout(_))),
    ];
    for (name, reply, is) in failures {
        let server = Stub::http([reply]);
        let (home, url) = (Home::new(), server.url("127.0.0.1"));
        let netrc = format!("# mine\n{}# and mine\n", entry(&url, KEY_2));
        home.write(NETRC, &netrc);
        home.write(
            "home/.config/wandb/settings",
            "[default]\n# mine\nentity = e\n",
        );
        let options = Options::new()
            .api_key(CANARY)
            .host(&url)
            .flags(Flags::VERIFY)
            .http_timeout(std::time::Duration::from_millis(700));
        let error = login(&home, &[], options).expect_err(name);
        assert!(is(&error), "{name}: {error:?}");
        let told = error.to_string();
        assert!(
            told.contains(
                "Nothing was stored. To log in without verification, omit the VERIFY flag."
            ),
            "{told}"
        );
        assert_eq!(home.text(NETRC), Some(netrc), "{name}");
        let settings = home.text("home/.config/wandb/settings");
        assert_eq!(
            settings.as_deref(),
            Some("[default]\n# mine\nentity = e\n"),
            "{name}"
        );
    }
}

#[test]
fn a_refused_connection_fails_a_verified_login() {
    let url = {
        let server = Stub::http([Reply::Close]);
        server.url("127.0.0.1")
    };
    let home = Home::new();
    let run = run(&home, &[("WANDB_BASE_URL", &url)], &["--verify", CANARY]);
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains("refused"), "{}", run.stderr);
    assert_eq!(home.text(NETRC), None);
}

#[test]
fn status_verifies_on_request() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    home.write(NETRC, entry(&url, CANARY));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let unasked = run(&home, &variables, &["status", "--json"]);
    assert_eq!(server.connections(), 0);
    let json: serde_json::Value = serde_json::from_str(&unasked.stdout).unwrap();
    assert!(json["user"].is_null());
    let asked = run(&home, &variables, &["status", "--json", "--verify"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    let json: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap();
    let user = serde_json::json!({"username": "usr", "email": "e@x", "entity": "ent", "teams": ["ent", "team2"]});
    assert_eq!(json["user"], user);
    let text = run(&home, &variables, &["status", "--verify"]);
    assert!(text.stdout.contains("usr"), "{}", text.stdout);

    let server = Stub::http([Reply::new(401, "")]);
    let url = server.url("127.0.0.1");
    home.write(NETRC, entry(&url, CANARY));
    let refused = run(&home, &[("WANDB_BASE_URL", &url)], &["status", "--verify"]);
    assert_eq!(refused.code, Some(3));
    assert!(refused.stdout.contains("\n  error "), "{}", refused.stdout);
}

#[test]
fn other_ranks_neither_verify_nor_write() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("RANK", "1"),
        ("WORLD_SIZE", "2"),
    ];
    let options = Options::new().api_key(CANARY).flags(Flags::VERIFY);
    let session = login(&home, &variables, options).unwrap();
    assert!(!session.verified());
    assert_eq!(server.connections(), 0);
    assert_eq!(home.text(NETRC), None);
}

/// Status 3: the server refused the credential. Status 4: it could not be asked.
#[test]
fn the_exit_status_tells_a_refused_key_from_a_server_that_cannot_be_asked() {
    for (reply, code) in [
        (Reply::new(401, ""), 3),
        (Reply::new(500, ""), 4),
        (Reply::new(200, "<html>"), 4),
        (Reply::Close, 4),
    ] {
        let server = Stub::http([reply]);
        let (home, url) = (Home::new(), server.url("127.0.0.1"));
        let variables = [("WANDB_BASE_URL", url.as_str()), ("WANDB_API_KEY", CANARY)];
        for arguments in [&["login", "--verify"][..], &["status", "--verify"]] {
            let run = run(&home, &variables, arguments);
            assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        }
    }
}

#[test]
fn status_warns_of_a_clock_that_differs_from_the_servers() {
    for (date, says) in [
        (Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some("ahead of")),
        (Some("Sun, 06 Nov 2094 08:49:37 GMT"), Some("behind")),
        (Some("yesterday"), None),
        (None, None),
    ] {
        let mut reply = Reply::viewer();
        if let Some(date) = date {
            reply = reply.header("Date", date);
        }
        let server = Stub::http([reply]);
        let (home, url) = (Home::new(), server.url("127.0.0.1"));
        let variables = [("WANDB_BASE_URL", url.as_str()), ("WANDB_API_KEY", CANARY)];
        let run = run(&home, &variables, &["status", "--verify", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let skew = findings
            .iter()
            .find(|finding| finding["code"] == "clock-skew");
        let message = skew.map(|finding| finding["message"].to_string());
        assert_eq!(
            message
                .as_deref()
                .map(|text| says.is_some_and(|says| text.contains(says))),
            says.map(|_| true),
            "{date:?}: {message:?}"
        );
    }
}
