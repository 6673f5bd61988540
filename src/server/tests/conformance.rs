//! Compares with the recorded behavior of the SDK in
//! `tests/conformance/server.json`.

use serde_json::Value;

use super::stub::{Identity, Reply, Seen, Stub};
use super::*;
use crate::error::Error;
use crate::formats::token_cache;
use crate::server::api::exchange;
use crate::session::AccessToken;
use crate::util::secret::Secret;

fn table() -> Value {
    serde_json::from_str(include_str!("../../../tests/conformance/server.json")).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
}

fn reply(reply: &Value, fill: &dyn Fn(&str) -> String) -> Reply {
    if let Some(bytes) = reply["raw"].as_str() {
        return Reply::Raw(bytes.into());
    }
    match reply["status"].as_u64() {
        Some(status) => pairs(&reply["headers"]).fold(
            Reply::new(status as u16, reply["body"].as_str().unwrap()),
            |answer, (name, value)| answer.header(name, &fill(value)),
        ),
        None if reply["close"] == true => Reply::Close,
        None if reply["hang"] == true => Reply::Hang,
        None => panic!("what is {reply}?"),
    }
}

fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::Rejected(_)) => "rejected",
        Err(Error::Network(_)) => "network",
        Err(Error::Tls(_)) => "tls",
        Err(Error::Timeout(_)) => "timeout",
        Err(Error::Proxy(_)) => "proxy",
        Err(Error::Server(_)) => "server",
        Err(_) => "another error",
    }
}

/// The members of a viewer; `-` where there is none.
fn members(viewer: &Viewer) -> String {
    let text = |name: &Option<String>| name.clone().unwrap_or("-".to_owned());
    let names = [&viewer.username, &viewer.entity, &viewer.email].map(text);
    format!("{} {}", names.join(" "), viewer.teams.join(","))
}

fn run(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let scratch = Scratch::new(&format!("case-{name}"));
    let other = Stub::http([Reply::viewer()]);
    let fill_early = |text: &str| text.replace("{OTHER}", &other.url("localhost"));
    let mut replies: Vec<Reply> = list(case, "replies")
        .iter()
        .map(|value| reply(value, &fill_early))
        .collect();
    if let Some(time) = case["retry_after"].as_str() {
        let last = replies.last().unwrap().clone();
        replies.push(last.header("Retry-After", time));
    }
    let (server, cert) = if case["tls"] == "self-signed" {
        let identity = Identity::self_signed(&["localhost"], true);
        (
            Stub::https(&identity, replies),
            scratch.file("c.pem", identity.pem()),
        )
    } else {
        (Stub::http(replies), String::new())
    };
    let fill = |text: &str| {
        fill_early(text)
            .replace("{URL}", &server.url("localhost"))
            .replace("{CERT}", &cert)
            .replace("{CERT_DIR}", scratch.0.to_str().unwrap())
    };
    let variables: Variables = pairs(&case["variables"])
        .map(|(name, value)| (name, fill(value)))
        .collect();
    let url = fill(case["url"].as_str().unwrap_or("{URL}"));
    let transport = transport(&url, &variables).unwrap();
    let wait = wait(Duration::from_millis(
        case["deadline_ms"].as_u64().unwrap_or(20_000),
    ));

    let result = match case["identity_token"].as_str() {
        Some(token) => exchange(
            &url,
            token.as_bytes(),
            &"the identity token",
            0,
            &transport,
            &wait,
        )
        .map(|access| String::from_utf8(access.token.as_bytes().to_vec()).unwrap())
        .map_err(Error::from),
        None => crate::server::api::viewer(
            &url,
            key(KEY).authorization(),
            &"the API key",
            &transport,
            &wait,
        )
        .map(|viewer| members(&viewer)),
    };
    let ours = &case["ours"];
    assert_eq!(outcome(&result), ours["outcome"], "{name}: {result:?}");
    let words = fill(words(ours));
    match &result {
        Ok(text) => assert_eq!(*text, words, "{name}"),
        Err(error) => assert!(
            error.to_string().contains(&words),
            "{name}: {error} / {words}"
        ),
    }
    let seen = server.seen();
    assert_eq!(Some(seen.len() as u64), ours["requests"].as_u64(), "{name}");
    assert_eq!(other.connections(), 0, "{name}");
    for line in list(case, "sent") {
        let line = line.as_str().unwrap();
        assert!(has(&seen[0], line), "{name}: {line} / {:?}", seen[0]);
    }
}

/// What the message says. Where a service of the system verifies certificates, some
/// messages differ.
fn words(ours: &Value) -> &str {
    let by_system = cfg!(any(windows, target_vendor = "apple"));
    let of_system = ours["words_of_system"].as_str().filter(|_| by_system);
    of_system.unwrap_or_else(|| ours["words"].as_str().unwrap())
}

/// Whether a request has this header, or this request line.
fn has(request: &Seen, line: &str) -> bool {
    match line.split_once(": ") {
        Some((header, value)) => request.header(header) == Some(value),
        None => format!("{} {}", request.method, request.target) == line,
    }
}

#[test]
fn every_response_has_the_recorded_outcome() {
    let table = table();
    let cases = list(&table, "cases");
    assert_eq!(cases.len(), 83);
    for case in cases {
        // A case whose outcome is not the SDK's must say which difference it is.
        let same = (case["sdk"]["outcome"] == "success") == (case["ours"]["outcome"] == "ok")
            && case["sdk"]["requests"] == case["ours"]["requests"];
        match case["difference"].as_str() {
            Some(difference) => {
                assert!(table["differences"][difference].is_string(), "{difference}");
            }
            None => assert!(same, "{} differs without a name", case["name"]),
        }
    }
    // Some cases wait for a retry: several at a time.
    for chunk in cases.chunks(cases.len().div_ceil(8)) {
        std::thread::scope(|scope| {
            for case in chunk {
                scope.spawn(|| run(case));
            }
        });
    }
}

#[test]
fn the_token_cache_of_the_sdk_is_shared() {
    let table = table();
    let cases = list(&table, "cache");
    assert_eq!(cases.len(), 5);
    let url = "https://wb.example.test";
    let now = 1_795_219_200;
    for case in cases {
        let name = &case["name"];
        let fill = |text: &Value| {
            let at = |minutes: i64| crate::formats::date::format(now + minutes * 60);
            text.as_str()
                .unwrap()
                .replace("{URL}", url)
                .replace("{NOW + 25 min}", &at(25))
                .replace("{NOW + 4 min}", &at(4))
                .replace("{EXPIRES}", &at(60))
        };
        let file = fill(&case["credentials_file"]);
        let found = token_cache::look_up(file.as_bytes(), &[url], now);
        let ours = if found.is_some() {
            "cached"
        } else {
            "exchanged"
        };
        assert_eq!(ours, case["ours"]["outcome"], "{name}");
        assert_eq!(ours == "cached", case["sdk"]["requests"] == 0, "{name}");
        if case["file_after"].is_string() {
            let access = AccessToken {
                token: Secret::new(b"AT-z.c2ln"),
                expires_at: now + 3600,
                issued_at: None,
            };
            let text = token_cache::store(file.as_bytes(), url, &access);
            // The same members; ours are sorted within an entry too.
            let written: Value = serde_json::from_slice(&text).unwrap();
            let expected: Value = serde_json::from_str(&fill(&case["file_after"])).unwrap();
            assert_eq!(written, expected, "{name}");
            assert_eq!(text.len(), fill(&case["file_after"]).len(), "{name}");
        }
    }
}
