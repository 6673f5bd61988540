//! Invariants that hold for every input: functions that panic if one is violated.
//! The property tests below run them on generated inputs, the fuzz targets on
//! those of a fuzzer.

use std::path::Path;

use crate::config::settings::{Scope, SettingsFile};
use crate::config::source_problem::SourceProblem;
use crate::formats::ini;
use crate::formats::json::WipedJson;
use crate::formats::netrc::{self, BareHost, Names};
use crate::key::ApiKey;
use crate::session::Session;
use crate::url::{BaseUrl, authorize_url};
use crate::util::redact;
use crate::util::secret::WipedBytes;

#[cfg(test)]
mod tests;

/// A key of the standard kind.
const KEY: &[u8] = b"NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN";

/// A netrc file, read and edited for one of several kinds of servers.
///
/// # Panics
/// If an invariant is violated.
pub fn netrc(text: &[u8]) {
    let names = |netloc| Names {
        netloc,
        ..Names::default()
    };
    let all = [
        names("x.com"),
        Names {
            spelled: Some("X.com:80"),
            bare_host: Some("x.com"),
            use_bare_host: true,
            ..names("x.com:8080")
        },
        Names {
            alias: Some("y.com"),
            prefer_alias: true,
            ..names("x.com")
        },
    ];
    let names = &all[text.len() % all.len()];
    netrc::invariants::check(text, names, KEY, ApiKey::is_key);
}

/// The netrc file after our key was stored for a machine, and that key: for a
/// comparison with other readers. `None` where the library warns that others may
/// read the file differently.
#[must_use]
pub fn netrc_with_key(text: &[u8], machine: &str) -> Option<(Vec<u8>, &'static [u8])> {
    let names = Names {
        netloc: machine,
        ..Names::default()
    };
    let edited = netrc::store(text, &names, KEY, ApiKey::is_key, BareHost::Follow).ok()?;
    let warned = edited.sdk_error.is_some()
        || netrc::invariants::has_foreign_login(text, &names, ApiKey::is_key);
    (!warned).then(|| (edited.text.to_vec(), KEY))
}

/// A settings file: reads every setting, and sets and clears one.
///
/// # Panics
/// If an invariant is violated.
pub fn settings(text: &[u8], value: &str) {
    for scope in [Scope::System, Scope::Workspace] {
        let content = WipedBytes::new(text.to_vec());
        let file = SettingsFile::parse(scope, "settings".as_ref(), content);
        for problem in [
            file.api_key().err(),
            file.base_url().err(),
            file.anonymous().err(),
        ] {
            let is_complete = |problem: &SourceProblem| {
                problem.location.line > Some(0) && !problem.finding.message.is_empty()
            };
            assert!(problem.is_none_or(is_complete));
        }
        let diagnostics = file.diagnostics();
        assert!(diagnostics.notes.iter().all(|note| note.line > 0));
        assert!(diagnostics.notes.is_sorted_by_key(|note| note.line));
    }
    ini::invariants::check(text, "base_url", value);
    ini::invariants::check(text, "anonymous", "true");
}

/// An API key.
///
/// # Panics
/// If an invariant is violated.
pub fn key(text: &[u8]) {
    let parsed = ApiKey::parse(text);
    assert_eq!(parsed.is_ok(), ApiKey::is_key(text));
    match parsed {
        Ok(parsed) => {
            let key = parsed.key;
            assert!(key.as_bytes().iter().all(u8::is_ascii_graphic));
            assert_eq!(parsed.trimmed, key.as_bytes() != text);
            assert_eq!(
                ApiKey::parse(key.as_bytes()).map(|again| again.key),
                Ok(key.clone())
            );
            let masked = key.masked();
            let shown = masked.rsplit("****").next().unwrap_or_default();
            assert!(shown.len() <= 4 && masked.len() < 32, "{masked}");
            assert_eq!(format!("{key:?}"), "ApiKey(..)");
            let names = Names {
                netloc: "x.com",
                ..Names::default()
            };
            netrc::invariants::check(b"", &names, key.as_bytes(), ApiKey::is_key);
        }
        Err(problem) => assert!(problem.to_string().len() < 160),
    }
}

/// A server's address.
///
/// # Panics
/// If an invariant is violated.
pub fn server_url(given: &str) {
    let url = match BaseUrl::parse(given) {
        Ok(url) => url,
        Err(problem) => {
            // It is printed, so it must not fake a line.
            let shown = redact::clean(&problem.to_string()).into_owned();
            assert!(!shown.chars().any(char::is_control));
            return;
        }
    };
    let shown = url.as_str();
    assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
    assert!(!shown.contains(['@', '?', '#', '"', '\'', '\\']), "{shown}");
    let again = BaseUrl::parse(shown).expect("a normalized URL is valid");
    assert_eq!(again.as_str(), shown, "normalization is idempotent");
    assert_eq!(again.spelled_netloc(), None);
    assert!(url.same_server(&url) && url.same_server(&again));
    assert_eq!(url.is_https(), shown.starts_with("https://"));
    assert!(!url.host().is_empty() && url.netloc().contains(url.host()));
    for page in [
        authorize_url(&url.app_url(None), true, Some(given)),
        authorize_url(&url.app_url(Some(given)), false, None),
    ] {
        assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "{page}");
    }
    // The key is looked up under the name of the host that it is sent to.
    #[cfg(feature = "http")]
    {
        let uri: ureq::http::Uri = shown.parse().expect("the HTTP client accepts it");
        let host = uri.host().expect("it has a host");
        assert_eq!(
            host.trim_start_matches('[').trim_end_matches(']'),
            url.host()
        );
        let port = uri
            .port_u16()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        assert_eq!(format!("{host}{port}"), url.netloc());
    }
    let names = Names {
        netloc: url.netloc(),
        spelled: url.spelled_netloc(),
        alias: url.alias_netloc(),
        prefer_alias: false,
        bare_host: url.bare_host(),
        use_bare_host: url.is_safe_for_bare_host(),
    };
    netrc::invariants::check(b"default login a password b\n", &names, KEY, ApiKey::is_key);
}

/// A server's response.
///
/// # Panics
/// If an invariant is violated.
#[cfg(feature = "http")]
pub fn server_answer(status: u16, location: Option<&str>, body: &[u8]) {
    crate::server::invariants::check(status, location, body, KEY);
}

/// The cache of access tokens.
///
/// # Panics
/// If an invariant is violated.
pub fn credentials(text: &[u8]) {
    use crate::formats::token_cache::{forget, look_up, store};
    use crate::session::AccessToken;
    use serde_json::Value;

    const URL: &str = "https://x.com";
    let now = 1_700_000_000;
    let access = AccessToken {
        token: crate::util::secret::Secret::new(KEY),
        expires_at: now + 3600,
        issued_at: None,
    };
    if let Some(found) = look_up(text, &[URL, "y"], now) {
        assert!(found.expires_at > now);
        assert!(found.token.as_bytes().iter().all(u8::is_ascii_graphic));
    }
    let stored = store(text, URL, &access);
    let found = look_up(&stored, &[URL], now).expect("the stored token is found");
    assert_eq!(found.token, access.token);
    assert_eq!(found.expires_at, access.expires_at);
    assert_eq!(
        *store(&stored, URL, &access),
        *stored,
        "storing the same token again changes the file"
    );
    let value = |text: &[u8]| WipedJson::parse(text).map(|json| json.0.clone());
    let others = |text: &[u8]| -> Value {
        let mut value = value(text).filter(Value::is_object).unwrap_or_default();
        match value.get_mut("credentials").and_then(Value::as_object_mut) {
            Some(credentials) => {
                credentials.remove(URL);
                if credentials.is_empty() {
                    value["credentials"] = Value::Null;
                }
            }
            None => value["credentials"] = Value::Null,
        }
        value
    };
    assert_eq!(others(text), others(&stored), "another entry was changed");
    let gone = forget(&stored, &[URL]).expect("a token is stored");
    assert_eq!(others(text), others(&gone));
    assert!(look_up(&gone, &[URL], 0).is_none());
    assert!(forget(&gone, &[URL]).is_none());
}

/// An exported session from an untrusted sender.
///
/// # Panics
/// If an invariant is violated.
pub fn exported(given: &[u8]) {
    let Ok(session) = Session::import(given) else {
        return;
    };
    let written = session.export();
    let again = Session::import(written.as_bytes()).expect("an exported session is imported");
    assert!(
        again.export() == written,
        "exporting again gives another text"
    );
    assert!(
        session
            .authorization()
            .as_bytes()
            .iter()
            .all(|byte| (b' '..=b'~').contains(byte))
    );
    for entry in session.environ() {
        assert!(!entry.as_bytes().contains(&0));
    }
    let shown = [
        Some(session.display()),
        Some(session.app_url()),
        session.source_name(),
        session.username(),
        session.email(),
        session.entity(),
    ];
    let teams = session.teams().iter().map(String::as_str);
    for text in shown.into_iter().flatten().chain(teams) {
        assert!(!text.chars().any(redact::is_invisible), "{text:?}");
    }
    way(&session);
}

/// The way to the server of an imported session can be given to any HTTP client.
fn way(session: &Session) {
    for line in session.headers() {
        let line = std::str::from_utf8(line.as_bytes()).expect("ASCII");
        let (name, value) = line.split_once(": ").expect("`Name: value`");
        assert!(!name.is_empty() && !name.contains(char::is_whitespace));
        assert!(!name.to_ascii_lowercase().ends_with("authorization"));
        assert!(value.chars().all(|c| c == '\t' || (' '..='~').contains(&c)));
    }
    if let Some(proxy) = session.proxy() {
        let proxy = std::str::from_utf8(proxy.as_bytes()).expect("ASCII");
        let (scheme, rest) = proxy.split_once("://").expect("a scheme");
        assert!(["http", "https", "socks5h"].contains(&scheme), "{proxy}");
        assert!(rest.chars().all(|c| c.is_ascii_graphic()), "{proxy}");
        assert!(!rest.contains(['/', '?', '#']), "{proxy}");
        let (_, port) = rest.rsplit_once(':').expect("a port");
        assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{proxy}");
    }
    assert!(session.ca_file().is_none_or(Path::is_absolute));
    assert!(session.ca_dir().is_none_or(Path::is_absolute));
    assert!(!session.data().workspace_only || session.headers().is_empty());
}
