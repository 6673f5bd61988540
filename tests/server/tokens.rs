//! Federated identity: an identity token is exchanged for an access token, which
//! is cached until shortly before it expires.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wandb_login::{Error, Flags, Options, Source};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_2, NETRC, Run, is_private};
use crate::{CANARY, in_world, login, run, wandb_login};

const CACHE: &str = "home/.config/wandb/credentials.json";
const IDENTITY: &str = "eyJh.eyJz.c2ln";

fn grants(token: &str, seconds: u32) -> Reply {
    let body = format!("{{\"access_token\":\"{token}\",\"expires_in\":{seconds}}}");
    Reply::new(200, body)
}

/// A home with an identity token; the path of its file.
fn home() -> (Home, String) {
    let home = Home::new();
    let file = home.write("token", format!("{IDENTITY}\n"));
    (home, file.display().to_string())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs() as i64
}

#[test]
fn an_identity_token_is_exchanged_and_cached() {
    let server = Stub::http([grants(CANARY, 3600), Reply::viewer()]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", &file),
    ];
    let options = Options::new().flags(Flags::VERIFY);
    let start = now();
    let session = login(&home, &variables, options).unwrap();
    assert_eq!(session.source(), Source::IdentityToken);
    assert_eq!(session.source_name(), Some(file.as_str()));
    assert!(session.api_key().is_none());
    let bearer = format!("Bearer {CANARY}");
    assert_eq!(session.authorization().as_bytes(), bearer.as_bytes());
    let expires_at = session.expires_at().expect("an end");
    assert!(
        (start + 3600..=now() + 3600).contains(&expires_at),
        "{expires_at}"
    );
    assert_eq!(session.username(), Some("usr"));

    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/oidc/token")
    );
    let grant = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert_eq!(
        String::from_utf8_lossy(&seen[0].body),
        format!("{grant}&assertion={IDENTITY}")
    );
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[1].header("authorization"), Some(bearer.as_str()));

    // Go's layout: two spaces, no newline at the end, the members in order.
    let cache = home.text(CACHE).expect("a cache");
    assert!(is_private(&home.path(CACHE)));
    let mut layout = cache.clone();
    for name in ["expires_at", "issued_at"] {
        let (head, tail) = layout.split_once(&format!("\"{name}\": \"")).expect(name);
        let (moment, tail) = tail.split_once('"').expect("its end");
        assert_eq!(moment.len(), "2006-01-02 15:04:05".len());
        layout = format!("{head}{name}{tail}");
    }
    assert_eq!(
        layout,
        format!(
            "{{\n  \"credentials\": {{\n    \"{url}\": {{\n      \"access_token\": \"{CANARY}\",\n      expires_at,\n      issued_at\n    }}\n  }}\n}}"
        )
    );
    assert_eq!(home.text(NETRC), None, "an access token is no key");

    // The next login finds it.
    let second = login(&home, &variables, Options::default()).unwrap();
    assert_eq!(second.authorization().as_bytes(), bearer.as_bytes());
    assert_eq!(second.expires_at(), Some(expires_at));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_refresh_exchanges_a_new_token() {
    let server = Stub::http([grants("first", 3600), grants("second", 7200)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", &file),
    ];
    let old = login(&home, &variables, Options::default()).unwrap();
    // Whoever mounts the identity token has renewed it.
    home.write("token", "eyJo.eyJu.bmV3");
    let fresh = in_world(&home, &variables, Options::default(), |options| {
        wandb_login::refresh(&old, options)
    })
    .unwrap();
    assert_eq!(fresh.authorization().as_bytes(), b"Bearer second");
    assert!(fresh.expires_at() > old.expires_at());
    assert_eq!(
        old.authorization().as_bytes(),
        b"Bearer first",
        "a session never changes"
    );
    let seen = server.seen();
    assert!(seen[1].body.ends_with(b"assertion=eyJo.eyJu.bmV3"));
    assert!(
        home.text(CACHE)
            .is_some_and(|cache| cache.contains("second"))
    );
}

/// The SDK's entries lack `issued_at`: as the SDK, a login takes none that ends
/// within five minutes. Of a token of ours a fifth of its life must be left.
#[test]
fn a_cached_token_near_its_end_is_exchanged_again() {
    let server = Stub::http([grants("fresh", 3600)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", &file),
    ];
    let date = |offset: i64| utc(now() + offset);
    // Ends in, issued before, and whether the cached token is used.
    for (end, issued, used) in [
        (240, None, false),
        (360, None, true),
        (240, Some(10), true),
        (8, Some(2), true),
        (1, Some(9), false),
        (240, Some(3000), false),
    ] {
        let mut entry = format!(r#""access_token":"cached","expires_at":"{}""#, date(end));
        if let Some(issued) = issued {
            entry += &format!(r#","issued_at":"{}""#, date(-issued));
        }
        home.write(
            CACHE,
            format!(r#"{{"credentials":{{"{url}":{{{entry}}}}}}}"#),
        );
        let session = login(&home, &variables, Options::default()).unwrap();
        let cached = session.authorization().as_bytes() == b"Bearer cached";
        assert_eq!(cached, used, "ends in {end} s, issued {issued:?} s ago");
    }
}

#[test]
fn concurrent_processes_exchange_once() {
    let slow = Reply::Drip(
        {
            let body = format!("{{\"access_token\":\"{CANARY}\",\"expires_in\":3600}}");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            (head + &body).into_bytes()
        },
        Duration::from_millis(2),
    );
    let server = Stub::http([slow]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", file.as_str()),
    ];
    let start = || {
        let mut command = wandb_login(&home, &variables, &[]);
        let piped = std::process::Stdio::piped;
        command
            .stdout(piped())
            .stderr(piped())
            .spawn()
            .expect("the program")
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    for child in children {
        let run = Run::from(child.wait_with_output().expect("its end"));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn every_rank_uses_the_cached_token_first() {
    let server = Stub::http([grants("some", 3600)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    for rank in ["1", "0", "2"] {
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &file),
            ("RANK", rank),
            ("WORLD_SIZE", "3"),
        ];
        let session = login(&home, &variables, Options::default()).unwrap();
        assert_eq!(session.authorization().as_bytes(), b"Bearer some");
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn an_explicit_key_overrides_an_identity_token_and_a_variable_conflicts() {
    let server = Stub::http([grants("some", 3600)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", file.as_str()),
    ];
    let options = Options::new().api_key(KEY_2);
    let session = login(&home, &variables, options).unwrap();
    assert_eq!(session.source(), Source::Explicit);
    let both = [variables[0], variables[1], ("WANDB_API_KEY", KEY_2)];
    let error = login(&home, &both, Options::default()).unwrap_err();
    assert!(matches!(error, Error::Credentials(_)), "{error:?}");
    for name in ["WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"] {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_refused_identity_token_and_a_missing_file_are_distinguished() {
    let server = Stub::http([Reply::new(401, r#"{"error":"invalid_grant"}"#)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", file.as_str()),
    ];
    let refused = run(&home, &variables, &[]);
    assert_eq!(refused.code, Some(3));
    assert!(
        refused.stderr.contains("401") && refused.stderr.contains("identity token"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.seen().len(), 1);
    assert_eq!(home.text(CACHE), None);

    let none = home.path("none/token").display().to_string();
    let missing = [variables[0], ("WANDB_IDENTITY_TOKEN_FILE", none.as_str())];
    let missing = run(&home, &missing, &[]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains(&none), "{}", missing.stderr);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn forget_removes_the_cached_token_of_this_server_only() {
    let server = Stub::http([grants("some", 3600)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", file.as_str()),
    ];
    home.write(
        CACHE,
        r#"{"credentials": {"https://other.test": {"access_token": "theirs", "expires_at": "2090-01-01 00:00:00"}}}"#,
    );
    login(&home, &variables, Options::default()).unwrap();
    assert!(home.text(CACHE).is_some_and(|cache| cache.contains(&url)));
    let run = run(&home, &variables, &["logout"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let cache = home.text(CACHE).expect("it stays");
    assert!(!cache.contains(&url) && cache.contains("theirs"), "{cache}");
}

/// `token --min-ttl` renews what would end sooner, and only that.
#[test]
fn a_token_that_ends_too_soon_is_renewed() {
    let server = Stub::http([grants("short", 1800), grants("long", 7200)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", &file),
    ];
    login(&home, &variables, Options::default()).unwrap();
    for (min_ttl, token, requests) in [
        (None, "short", 1),
        (Some("1000"), "short", 1),
        (Some("3600"), "long", 2),
        (Some("3600"), "long", 2),
    ] {
        let mut arguments = vec!["token"];
        arguments.extend(min_ttl.into_iter().flat_map(|ttl| ["--min-ttl", ttl]));
        let run = Run::ok(&mut wandb_login(&home, &variables, &arguments));
        assert_eq!(run.stdout, format!("{token}\n"), "{min_ttl:?}");
        assert_eq!(run.stderr, "");
        assert_eq!(server.seen().len(), requests, "{min_ttl:?}");
    }
    // The server does not give a token that lasts longer.
    let run = Run::ok(&mut wandb_login(
        &home,
        &variables,
        &["token", "--min-ttl", "9000"],
    ));
    assert_eq!(run.stdout, "long\n");
    assert!(
        run.stderr.contains("expires in less than 9000 s"),
        "{}",
        run.stderr
    );
}

#[test]
fn each_command_that_needs_an_access_token_tells_why_there_is_none() {
    for (reply, code) in [(Reply::new(401, "{}"), 3), (Reply::new(503, ""), 4)] {
        let server = Stub::http([reply]);
        let ((home, file), url) = (home(), server.url("127.0.0.1"));
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &file),
        ];
        for (command, stdout) in [("login", ""), ("token", ""), ("header", "")] {
            let run = run(&home, &variables, &[command]);
            assert_eq!(run.code, Some(code), "{command}: {}", run.stderr);
            assert_eq!(run.stdout, stdout, "{command}");
        }
    }
}

#[test]
fn scripts_that_print_the_credential_share_one_exchange() {
    let body = format!("{{\"access_token\":\"{CANARY}\",\"expires_in\":3600}}");
    let server = Stub::http([Reply::new(200, body)]);
    let ((home, file), url) = (home(), server.url("127.0.0.1"));
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_IDENTITY_TOKEN_FILE", &file),
    ];
    for (requests, arguments) in [
        (1, &["status", "--verify"][..]),
        (2, &["header"]),
        (2, &["token"]),
        (2, &["env"]),
    ] {
        let run = Run::of(&mut wandb_login(&home, &variables, arguments));
        let seen = server.seen();
        let exchanges = seen.iter().filter(|seen| seen.target == "/oidc/token");
        assert_eq!(exchanges.count(), requests, "{arguments:?}: {}", run.stderr);
        // A report writes nothing.
        let is_cached = home.text("home/.config/wandb/credentials.json").is_some();
        assert_eq!(is_cached, requests > 1, "{arguments:?}");
        assert_eq!(home.text(NETRC), None);
    }
}

/// The date of Unix seconds, as the SDK writes it.
fn utc(seconds: i64) -> String {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut days, time) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let mut year = 1970;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    let february = 28 + i64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hours, minutes, seconds) = (time / 3600, time / 60 % 60, time % 60);
    let (month, day) = (month + 1, days + 1);
    format!("{year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}")
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(utc(0), "1970-01-01 00:00:00");
    assert_eq!(utc(951_827_696), "2000-02-29 12:34:56");
    assert_eq!(utc(4_107_542_399), "2100-02-28 23:59:59");
    assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00");
}
