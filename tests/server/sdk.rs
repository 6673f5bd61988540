//! Beside the real thing: the SDK's own client talks to the same stub with the
//! same key, and both use the same cache of access tokens.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::stub::{Reply, Seen, Stub};
use crate::support::{self, Home, NETRC, Run};
use crate::{CANARY, run};

const CACHE: &str = "home/.config/wandb/credentials.json";

/// `wandb login` of the SDK.
fn sdk_login(python: &Path, home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = home.command(python);
    command
        .args(["-c", "from wandb.cli import cli; cli.cli()", "login"])
        .args(arguments)
        .env("WANDB_ERROR_REPORTING", "false")
        .envs(variables.iter().copied());
    Run::of(&mut command)
}

fn headers(seen: &Seen) -> BTreeMap<String, Vec<&str>> {
    let mut headers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in &seen.headers {
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        values.push(value);
    }
    headers
}

/// Differences that are meant: the SDK's client takes compressed answers, and
/// we read plain text only.
const SDK_ONLY: [&str; 1] = ["accept-encoding"];

fn compare(theirs: &Seen, ours: &Seen) {
    assert_eq!(
        (&theirs.method, &theirs.target),
        (&ours.method, &ours.target)
    );
    let mut expected = headers(theirs);
    for name in SDK_ONLY {
        let dropped = expected.remove(name);
        assert!(dropped.is_some(), "the SDK sends {name} no more");
    }
    // The same names with the same values, and none besides; the order means
    // nothing in HTTP, and is the libraries' own.
    assert_eq!(expected, headers(ours));
}

#[test]
fn the_viewer_request_equals_that_of_the_sdk() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let server = Stub::http([Reply::viewer()]);
    let url = server.url("127.0.0.1");
    let variables = [
        ("WANDB_BASE_URL", url.as_str()),
        ("WANDB_USERNAME", "me"),
        ("WANDB_USER_EMAIL", "me@example.test"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-Tenant": "seven"}"#),
    ];
    for key in [
        CANARY,
        "local-cafe0123456789abcdef0123456789abcdefcafe",
        "eyJh.eyJz.c2ln",
    ] {
        for some in [&variables[..1], &variables[..]] {
            let (theirs, ours) = (Home::new(), Home::new());
            let before = server.seen().len();
            let sdk = sdk_login(&python, &theirs, some, &[key]);
            assert_eq!(sdk.code, Some(0), "{}", sdk.stderr);
            let between = server.seen().len();
            let run = run(&ours, some, &["--verify", key]);
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let seen = server.seen();
            // The SDK verifies, and asks again for its message.
            assert_eq!((between - before, seen.len() - between), (2, 1));
            for sdk in &seen[before..between] {
                compare(sdk, &seen[between]);
                let fields =
                    |seen: &Seen| serde_json::from_slice::<Value>(&seen.body).expect("JSON");
                assert_eq!(fields(sdk), fields(&seen[between]));
                assert_eq!(sdk.body, seen[between].body, "byte for byte");
            }
            // And both keep the same.
            assert_eq!(theirs.read(NETRC), ours.read(NETRC));
        }
    }
}

fn granting() -> Stub {
    let grant = format!("{{\"access_token\":\"{CANARY}\",\"expires_in\":3600}}");
    Stub::http([Reply::new(200, grant), Reply::viewer()])
}

#[test]
fn the_token_exchange_and_cache_equal_those_of_the_sdk() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let mut exchanges = Vec::new();
    for sdk_first in [true, false] {
        let (home, server) = (Home::new(), granting());
        let url = server.url("127.0.0.1");
        let file = home
            .write("token", "eyJh.eyJz.c2ln\n")
            .display()
            .to_string();
        // The SDK does not make the directory of its cache.
        home.write("home/.config/wandb/settings", "");
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &file),
        ];
        let login = |sdk: bool| {
            let run = match sdk {
                true => sdk_login(&python, &home, &variables, &[]),
                false => run(&home, &variables, &["--verify"]),
            };
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            assert!(
                run.stderr.contains("Currently logged in as: usr (ent)"),
                "{}",
                run.stderr
            );
        };
        login(sdk_first);
        let cache: Value = serde_json::from_str(&home.text(CACHE).expect("a cache")).expect("JSON");
        assert_eq!(cache["credentials"][&url]["access_token"], CANARY);
        login(!sdk_first);
        let seen = server.seen();
        let exchanged = |seen: &&Seen| seen.target == "/oidc/token";
        assert_eq!(
            seen.iter().filter(exchanged).count(),
            1,
            "the other one used the cache"
        );
        let bearer = format!("Bearer {CANARY}");
        let asked = seen.iter().filter(|seen| seen.target == "/graphql");
        assert!(
            asked
                .clone()
                .all(|seen| seen.header("authorization") == Some(&bearer))
        );
        assert_eq!(asked.count(), 3, "two by the SDK, one by us");
        exchanges.push((seen[0].clone(), url));
    }
    let [(theirs, their_url), (ours, our_url)] = &exchanges[..] else {
        panic!("two logins");
    };
    assert_eq!(theirs.body, ours.body);
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    let mut theirs = theirs.clone();
    for (_, value) in &mut theirs.headers {
        *value = value.replace(&port(their_url), &port(our_url));
    }
    compare(&theirs, ours);
}
