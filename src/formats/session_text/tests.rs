use super::*;

const KEY: &str = "1111111111111111111111111111111111111111";

fn session(credential: Credential) -> Session {
    Session::new(SessionData {
        base_url: BaseUrl::parse("https://corp.example:8443/wandb").expect("a server"),
        app_url: "https://corp.example:8443/wandb".into(),
        credential,
        source: Source::Netrc,
        source_name: Some("/home/a b\\c/.netrc".into()),
        saved: true,
        viewer: Some(Viewer {
            username: Some("usr".into()),
            email: None,
            entity: Some("Größe".into()),
            teams: vec!["Größe".into(), "t 2".into()],
            clock_skew: None,
        }),
        entity: Some("team".into()),
        workspace_only: false,
        route: route(),
    })
}

fn route() -> Route {
    // On Windows, with a drive.
    let absolute = |path: &str| std::path::absolute(path).expect("a path");
    let directories = [absolute("/etc/certs"), absolute("/b")];
    Route {
        ca_file: Some(absolute("/etc/a\\b\nc.pem")),
        ca_dir: Some(std::env::join_paths(directories).expect("a list").into()),
        tls_unchecked: true,
        proxy: Some(Secret::new(b"http://u%40:p%3A@h:3128")),
        headers: ["X-A: b", "x-a: \\ ", "X-Wandb-Username: me"]
            .map(|line| Secret::new(line.as_bytes()))
            .into(),
    }
}

fn key() -> Credential {
    Credential::Key(ApiKey::parse(KEY.as_bytes()).expect("a key").key)
}

fn token() -> Credential {
    Credential::Access {
        access: AccessToken {
            token: Secret::new(b"abc.def-_"),
            expires_at: 1_900_000_000,
            issued_at: Some(1_899_996_400),
        },
        identity_token_file: PathBuf::from("/var/run/a\\b\nc"),
    }
}

/// Its text without the checksum, so that lines can be added.
fn lines_of(session: &Session) -> Vec<u8> {
    let text = session.export();
    let start = FORMAT.len() + CHECKSUM.len() + "0123456789abcdef\n".len();
    [FORMAT, &text.as_bytes()[start..]].concat()
}

#[test]
fn an_exported_session_is_imported() {
    for credential in [key(), token()] {
        let before = session(credential);
        let text = before.export();
        let after = Session::import(text.as_bytes()).expect("its own export");
        assert_eq!(after.export(), text);
        assert_eq!(after.authorization(), before.authorization());
        assert_eq!(after.api_key(), before.api_key());
        assert_eq!(after.expires_at(), before.expires_at());
        assert_eq!(after.source_name(), before.source_name());
        assert_eq!(after.teams(), before.teams());
        assert_eq!(after.environ(), before.environ());
        assert_eq!(after.display(), before.display());
        assert_eq!(after.ca_file(), before.ca_file());
        assert_eq!(after.ca_dir(), before.ca_dir());
        assert!(after.tls_unchecked());
        assert_eq!(after.proxy(), before.proxy());
        assert_eq!(after.headers(), before.headers());
    }
}

#[test]
fn a_session_of_a_server_that_only_the_workspace_names_has_no_headers() {
    let mut text = lines_of(&session(key()));
    text.extend_from_slice(b"workspace_only true\n");
    let session = Session::import(&text).expect("a session");
    assert!(session.data().workspace_only);
    assert!(session.headers().is_empty() && session.proxy().is_some());
    let again = Session::import(session.export().as_bytes()).expect("its own export");
    assert!(again.data().workspace_only && again.headers().is_empty());
}

#[test]
fn a_text_of_an_older_version_has_no_way_to_the_server() {
    let text = format!(
        "{}base_url https://x.example\nsource netrc\napi_key {KEY}\n",
        "wandb-login-session 1\n"
    );
    let session = Session::import(text.as_bytes()).expect("a session");
    assert!(session.ca_file().is_none() && session.ca_dir().is_none());
    assert!(!session.tls_unchecked() && session.proxy().is_none());
    assert!(session.headers().is_empty());
}

#[test]
fn headers_of_the_login_and_of_the_proxy_are_not_imported() {
    let mut text = lines_of(&session(key()));
    for name in [
        "Authorization",
        "proxy-authorization",
        "HOST",
        "Content-Length",
    ] {
        text.extend_from_slice(format!("header {name}: x\n").as_bytes());
    }
    let session = Session::import(&text).expect("a session");
    assert_eq!(session.headers().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_is_imported() {
    use std::os::unix::ffi::OsStrExt;
    for path in [&b"/run/\xff\xfe"[..], b"/run/\xe9\n", b"\\\x80"] {
        let path = std::ffi::OsStr::from_bytes(path);
        let before = session(Credential::Access {
            access: AccessToken {
                token: Secret::new(b"abc"),
                expires_at: 1_900_000_000,
                issued_at: None,
            },
            identity_token_file: PathBuf::from(path),
        });
        let after = Session::import(before.export().as_bytes()).expect("its own export");
        assert_eq!(after.environ(), before.environ());
    }
}

#[test]
fn invisible_characters_of_an_imported_session_are_replaced() {
    let odd = "a\\nb\u{1b}[2J\u{9b}\u{202e}\u{200e}\u{61c}\u{feff}";
    let names = [
        "app_url",
        "source_name",
        "configured_entity",
        "username",
        "email",
        "entity",
        "team",
    ];
    let fields: String = names.iter().map(|name| format!("{name} {odd}\n")).collect();
    let text = format!(
        "wandb-login-session 1\nbase_url https://x.example\nsource netrc\napi_key {KEY}\nverified true\n{fields}"
    );
    let session = Session::import(text.as_bytes()).expect("a session");
    let shown = [
        Some(session.display()),
        Some(session.app_url()),
        session.source_name(),
        session.username(),
        session.email(),
        session.entity(),
        session.data().entity.as_deref(),
        session.teams().first().map(String::as_str),
    ];
    for text in shown {
        let text = text.expect("a field");
        assert!(text.contains("[2J"), "{text:?}");
        assert!(
            !text.chars().any(crate::util::redact::is_invisible),
            "{text:?}"
        );
    }
}

#[test]
fn unknown_names_are_ignored() {
    let mut text = lines_of(&session(key()));
    text.extend_from_slice(b"color green\n");
    assert!(Session::import(&text).is_ok());
}

#[test]
fn truncated_text_is_rejected() {
    let text = session(key()).export();
    for end in 0..text.as_bytes().len() {
        let cut = &text.as_bytes()[..end];
        assert!(Session::import(cut).is_err(), "cut at {end}");
    }
}

/// What a reader gets if one byte is replaced, removed or inserted: the same
/// session, or an error that shows no secret.
#[test]
fn a_changed_byte_is_noticed() {
    for credential in [key(), token()] {
        let exported = session(credential).export();
        let text = exported.as_bytes();
        let mut accepted = 0;
        let mut try_import = |changed: &[u8]| match Session::import(changed) {
            Ok(session) => {
                let shown = String::from_utf8_lossy(changed).into_owned();
                assert!(session.export() == exported, "{shown}");
                accepted += 1;
            }
            Err(error) => {
                let said = error.to_string();
                assert!(
                    !said.contains(&KEY[..20]) && !said.contains("abc.def"),
                    "{said}"
                );
                assert!(!said.chars().any(char::is_control), "{said:?}");
            }
        };
        for at in 0..text.len() {
            let (before, after) = text.split_at(at);
            try_import(&[before, &after[1..]].concat());
            let flipped = (0..8).map(|bit| after[0] ^ 1 << bit);
            for byte in flipped.chain(*b"\n \\\0\x1b\xff") {
                if byte != after[0] {
                    try_import(&[before, &[byte], &after[1..]].concat());
                }
            }
            for byte in *b"\n \\x" {
                try_import(&[before, &[byte], after].concat());
            }
        }
        // Only in the name of the line with the checksum, which is then unknown.
        assert!((50..200).contains(&accepted), "{accepted}");
    }
}

#[test]
fn malformed_text_is_rejected_without_quoting_it() {
    let head = "wandb-login-session 1\nbase_url https://x.example\nsource netrc\n";
    let cases = [
        String::new(),
        "hello\n".into(),
        head.into(),
        format!("{head}api_key {KEY}\naccess_token abc\nexpires_at 1\n"),
        format!("{head}api_key short\n"),
        format!("{head}access_token a\\nHost: evil\nexpires_at 1\n"),
        format!("{head}access_token \nexpires_at 1\n"),
        format!("{head}access_token abc\nexpires_at soon\n"),
        format!("{head}api_key {KEY}\nbase_url https://user:{KEY}@x\n"),
        format!("{head}api_key {KEY}\nsource moon\n"),
        format!("{head}api_key {KEY}\nusername a\\x\n"),
        format!("{head}api_key {KEY}\nca_file {KEY}\n"),
        format!("{head}api_key {KEY}\nca_dir /a:{KEY}\n"),
        format!("{head}api_key {KEY}\nproxy ftp://{KEY}@h:1\n"),
        format!("{head}api_key {KEY}\nproxy http://u:{KEY}%00@h:1\n"),
        format!("{head}api_key {KEY}\nproxy http://u:{KEY}#@h:1\n"),
        format!("{head}api_key {KEY}\nheader X-A: {KEY}\\nHost: evil\n"),
        format!("{head}api_key {KEY}\nheader X-A:{KEY}\n"),
        format!("{head}api_key {KEY}\nheader X A: {KEY}\n"),
        format!("{head}api_key {KEY}\nusername a\0b\n"),
        format!("{head}api_key {KEY}\n{}\n", "x".repeat(LIMIT)),
    ];
    for text in cases {
        let error = Session::import(text.as_bytes())
            .expect_err(&text)
            .to_string();
        assert!(!error.contains(KEY), "{error}");
    }
    let good = format!("{head}api_key {KEY}\n");
    assert!(Session::import(good.as_bytes()).is_ok());
}
