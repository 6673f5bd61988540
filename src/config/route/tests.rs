use super::*;

impl Default for RouteSettings {
    /// Settings files that say nothing.
    fn default() -> RouteSettings {
        RouteSettings {
            http_proxy: Ok(None),
            https_proxy: Ok(None),
            insecure_disable_ssl: Ok(None),
            extra_headers: Ok(None),
            working_directory: None,
        }
    }
}

/// The way to `https://w.test` from `/here`, and the warnings.
fn route(vars: &[(&str, &str)]) -> (Route, Vec<String>) {
    let var = |name: &str| {
        let found = vars.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned().into())
    };
    let settings = RouteSettings {
        working_directory: Some("/here".into()),
        ..RouteSettings::default()
    };
    let server = BaseUrl::parse("https://w.test").unwrap();
    let log = Log::buffered();
    let route = ConfiguredRoute::new(&var, settings, &server).into_route(&log);
    let findings = log.into_findings().into_iter();
    (route, findings.map(|finding| finding.message).collect())
}

fn text(secret: &Secret) -> &str {
    std::str::from_utf8(secret.as_bytes()).unwrap()
}

#[test]
fn without_configuration_the_way_is_direct() {
    let (route, warnings) = route(&[]);
    assert!(route.ca_file.is_none() && route.ca_dir.is_none());
    assert!(!route.tls_unchecked && route.proxy.is_none() && route.headers.is_empty());
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn a_session_gets_every_part() {
    let (route, warnings) = route(&[
        ("HTTPS_PROXY", "u:p@h"),
        ("HTTP_PROXY", "other:1"),
        ("WANDB_INSECURE_DISABLE_SSL", " Yes "),
        (
            "WANDB_X_EXTRA_HTTP_HEADERS",
            r#"{"X-Gateway": "g", "Authorization": "no", "Proxy-Authorization": "Basic eDp5"}"#,
        ),
        ("WANDB_USERNAME", "me"),
        ("WANDB_USER_EMAIL", "me@x"),
    ]);
    assert_eq!(text(route.proxy.as_ref().unwrap()), "http://u:p@h:80");
    assert!(route.tls_unchecked);
    let headers: Vec<&str> = route.headers.iter().map(text).collect();
    assert_eq!(
        headers,
        [
            "X-Gateway: g",
            "X-Wandb-Username: me",
            "X-Wandb-User-Email: me@x"
        ]
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn an_extra_header_replaces_the_user_name() {
    let (route, _) = route(&[
        (
            "WANDB_X_EXTRA_HTTP_HEADERS",
            r#"{"x-wandb-username": "you"}"#,
        ),
        ("WANDB_USERNAME", "me"),
    ]);
    let headers: Vec<&str> = route.headers.iter().map(text).collect();
    assert_eq!(headers, ["x-wandb-username: you"]);
}

#[test]
fn malformed_parts_are_left_out_with_a_warning() {
    for (name, value) in [
        ("HTTPS_PROXY", "ftp://u:secret@h"),
        ("WANDB_HTTPS_PROXY", "http://u:sec#ret@h"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "secret"),
        ("WANDB__EXTRA_HTTP_HEADERS", r#"{"X-A": "secret\n"}"#),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X A": "secret"}"#),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-A": null}"#),
        ("WANDB_INSECURE_DISABLE_SSL", "secret"),
        ("WANDB_USERNAME", "secret\u{1b}"),
        ("WANDB_USER_EMAIL", "secret\r\nX-A: b"),
    ] {
        let (route, warnings) = route(&[(name, value)]);
        assert!(!route.tls_unchecked && route.proxy.is_none() && route.headers.is_empty());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(name), "{warnings:?}");
        assert!(
            warnings[0].ends_with("The session leaves it out."),
            "{warnings:?}"
        );
        assert!(!warnings[0].contains("secret"), "{warnings:?}");
    }
    let bearer = r#"{"Proxy-Authorization": "Bearer secret"}"#;
    let (route, warnings) = route(&[
        ("HTTPS_PROXY", "h:1"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", bearer),
    ]);
    assert_eq!(text(route.proxy.as_ref().unwrap()), "http://h:1");
    assert!(warnings[0].contains("Proxy-Authorization"), "{warnings:?}");
}

#[cfg(unix)]
#[test]
fn ca_variables_are_used_in_the_documented_order() {
    let ca = |vars: &[(&str, &str)]| {
        let (route, warnings) = route(vars);
        assert_eq!(warnings, Vec::<String>::new());
        let text = |path: Option<PathBuf>| path.map(|path| path.to_str().unwrap().to_owned());
        (text(route.ca_file), text(route.ca_dir))
    };
    let is = |file: Option<&str>, directory: Option<&str>| {
        (file.map(str::to_owned), directory.map(str::to_owned))
    };
    let requests = ("REQUESTS_CA_BUNDLE", "/r.pem");
    assert_eq!(ca(&[requests]), is(Some("/r.pem"), None));
    assert_eq!(
        ca(&[("REQUESTS_CA_BUNDLE", "/proc")]),
        is(None, Some("/proc"))
    );
    assert_eq!(
        ca(&[requests, ("SSL_CERT_FILE", "./c.pem")]),
        is(Some("/here/c.pem"), None)
    );
    assert_eq!(
        ca(&[("SSL_CERT_FILE", "/c.pem"), ("SSL_CERT_DIR", "/a::b")]),
        is(Some("/c.pem"), Some("/a:/here/b"))
    );
    assert_eq!(
        ca(&[requests, ("SSL_CERT_DIR", "/a")]),
        is(None, Some("/a"))
    );
}
