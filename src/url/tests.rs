use serde_json::{Value, json};

use super::parse::UrlProblem;
use super::*;

fn parse(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn problem(text: &str) -> UrlProblem {
    BaseUrl::parse(text).expect_err(text)
}

/// The name of the problem's variant.
fn name(problem: &UrlProblem) -> String {
    let debug = format!("{problem:?}");
    debug.split(' ').next().unwrap().to_owned()
}

#[test]
fn agrees_with_the_sdk_but_for_named_differences() {
    let table = include_str!("../../tests/conformance/server_urls.json");
    let table: Value = serde_json::from_str(table).unwrap();
    let mut unused: Vec<&String> = table["differences"].as_object().unwrap().keys().collect();
    let cases = table["cases"].as_array().unwrap();
    let mut different = 0;
    for case in cases {
        let text = case["url"].as_str().unwrap();
        let refused = |verdict: &Value| verdict["url"].is_null();
        let expected = match (case.get("ours"), case["difference"].as_str()) {
            (None, None) => &case["sdk"],
            (Some(ours), None) => {
                assert!(refused(ours) && refused(&case["sdk"]), "{text}: unnamed");
                ours
            }
            (Some(ours), Some(difference)) => {
                different += 1;
                assert!(table["differences"][difference].is_string(), "{text}");
                assert!(!refused(ours) || !refused(&case["sdk"]), "{text}: same");
                assert_ne!(ours, &case["sdk"], "{text}: same");
                unused.retain(|unused| *unused != difference);
                ours
            }
            (None, Some(_)) => panic!("{text}: a difference, but what do we say?"),
        };
        let ours = match BaseUrl::parse(text) {
            Err(problem) => json!({ "problem": name(&problem) }),
            Ok(url) => {
                let app = url.app_url(None);
                let page = authorize_url(&app, false, None);
                assert_eq!(
                    authorize_url(&app, false, Some("models")),
                    format!("{page}?ref=models")
                );
                assert_eq!(
                    authorize_url(&app, true, Some("models")),
                    format!("{page}?signup=true&ref=models")
                );
                json!({"url": url.as_str(), "netloc": url.netloc(), "app": app, "authorize": page})
            }
        };
        assert_eq!(ours, *expected, "{text}");
    }
    assert_eq!(unused, Vec::<&String>::new(), "differences without a case");
    println!(
        "{} addresses, {different} judged otherwise on purpose",
        cases.len()
    );
}

#[test]
fn the_normal_form_is_its_own_normal_form() {
    let table = include_str!("../../tests/conformance/server_urls.json");
    let table: Value = serde_json::from_str(table).unwrap();
    for case in table["cases"].as_array().unwrap() {
        if let Ok(url) = BaseUrl::parse(case["url"].as_str().unwrap()) {
            let again = parse(url.as_str());
            assert_eq!(again.as_str(), url.as_str());
            assert_eq!(again.netloc(), url.netloc());
            assert_eq!(again.host(), url.host());
            assert_eq!(again.port(), url.port());
            assert_eq!(again.spelled_netloc(), None, "{url:?}");
        }
    }
}

#[test]
fn parts() {
    let url = parse("HTTPS://Corp.Example:8443/wandb/");
    assert_eq!(url.as_str(), "https://corp.example:8443/wandb");
    assert_eq!(url.netloc(), "corp.example:8443");
    assert_eq!(url.spelled_netloc(), Some("Corp.Example:8443"));
    assert_eq!((url.host(), url.port()), ("corp.example", Some(8443)));

    let url = parse("http://[0:0::1]:8080");
    assert_eq!(url.netloc(), "[::1]:8080");
    assert_eq!(url.spelled_netloc(), Some("[0:0::1]:8080"));
    assert_eq!((url.host(), url.port()), ("::1", Some(8080)));

    for (text, spelled) in [
        ("https://x.com", None),
        ("https://x.com/Path", None),
        ("https://x.com:", Some("x.com:")),
        ("https://x.com:443", Some("x.com:443")),
        ("https://x.com:080", Some("x.com:080")),
        ("https://127.1", Some("127.1")),
        // The SDK stores a key for this address under the name of the API.
        ("https://Forge.coreweave.com/api/wandb", None),
    ] {
        assert_eq!(parse(text).spelled_netloc(), spelled, "{text}");
    }
    assert_eq!(parse("https://x.com:080").netloc(), "x.com:80");
    assert_eq!(parse("http://x.com:443").netloc(), "x.com:443");
}

#[test]
fn the_default_server_is_api_wandb_ai() {
    let cloud = BaseUrl::cloud();
    let same = parse("HTTPS://API.wandb.ai:443//");
    assert_eq!(cloud.as_str(), same.as_str());
    assert_eq!(cloud.netloc(), same.netloc());
    assert_eq!(cloud.host(), same.host());
    assert!(cloud.is_default() && same.is_default());
    for other in [
        "https://api.forge.coreweave.com",
        "https://api.wandb.ai/x",
        "https://api.wandb.ai:8443",
        "https://api.qa.wandb.ai",
    ] {
        assert!(!parse(other).is_default(), "{other}");
    }
}

#[test]
fn the_two_names_of_the_cloud_are_one_server() {
    let same = |a: &str, b: &str| {
        let (a, b) = (parse(a), parse(b));
        assert_eq!(a.same_server(&b), b.same_server(&a));
        a.same_server(&b)
    };
    let (old, new) = ("https://api.wandb.ai", "https://api.forge.coreweave.com");
    let (old_qa, new_qa) = (
        "https://api.qa.wandb.ai",
        "https://api.qa.forge.coreweave.com",
    );
    assert!(same(old, new) && same(old_qa, new_qa));
    assert!(same(
        "https://API.wandb.ai:443",
        "https://forge.coreweave.com/api/wandb/"
    ));
    assert!(same("https://X.com:443/", "https://x.com"));
    for (a, b) in [
        (old, old_qa),
        (old, new_qa),
        (old, "https://api.forge.coreweave.com:8443"),
        (old, "https://api.forge.coreweave.com/x"),
        (old, "https://api.wandb.ai."),
        (old, "https://api.wandb.ai.corp.internal"),
        (old, "https://xapi.wandb.ai"),
        (
            "https://api.wandb.ai:8443",
            "https://api.forge.coreweave.com:8443",
        ),
        ("https://x.com", "http://x.com"),
        ("https://x.com", "https://x.com/a"),
        ("https://x.com/a", "https://x.com/A"),
        ("https://x.com", "https://x.com."),
    ] {
        assert!(!same(a, b), "{a} {b}");
    }
    let alias = |text| parse(text).alias_netloc();
    assert_eq!(alias(old), Some("api.forge.coreweave.com"));
    assert_eq!(alias(new), Some("api.wandb.ai"));
    assert_eq!(alias(old_qa), Some("api.qa.forge.coreweave.com"));
    assert_eq!(alias(new_qa), Some("api.qa.wandb.ai"));
    assert_eq!(alias("https://api.wandb.ai:8443"), None);
    assert_eq!(alias("https://api.wandb.ai.corp.internal"), None);
    assert_eq!(alias("https://xapi.wandb.ai"), None);
}

#[test]
fn every_spelling_of_a_loopback_address_is_recognised() {
    for loopback in [
        "http://localhost:8080",
        "http://LOCALHOST.",
        "http://127.0.0.1",
        "http://127.1",
        "http://127.8.9.10",
        "http://0x7f.1",
        "http://017700000001",
        "http://2130706433",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
    ] {
        let url = parse(loopback);
        assert!(
            url.is_loopback() && !url.is_plain_http_warned(),
            "{loopback}"
        );
    }
    for other in [
        "http://localhost.example.com",
        "http://evil.localhost",
        "http://127.0.0.1.example.com",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://10.0.0.1",
    ] {
        let url = parse(other);
        assert!(!url.is_loopback() && url.is_plain_http_warned(), "{other}");
    }
    assert!(!parse("https://x.com").is_plain_http_warned());
}

#[test]
fn a_bare_host_matches_over_https_and_on_the_loopback() {
    for (text, bare, safe) in [
        ("https://x.com:8443", Some("x.com"), true),
        ("http://localhost:8080", Some("localhost"), true),
        ("http://[::1]:8080", Some("::1"), true),
        ("http://x.com:8080", Some("x.com"), false),
        ("https://x.com", None, true),
        ("https://x.com:443", None, true),
        ("http://x.com:80", None, false),
        ("http://localhost", None, true),
    ] {
        let url = parse(text);
        assert_eq!(url.bare_host(), bare, "{text}");
        assert_eq!(url.is_safe_for_bare_host(), safe, "{text}");
    }
}

#[test]
fn ipv4_addresses_as_the_url_standard_reads_them() {
    for (host, address) in [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4.", "1.2.3.4"),
        ("1.2.3", "1.2.0.3"),
        ("1.65535", "1.0.255.255"),
        ("4294967295", "255.255.255.255"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("0X7F.0.0.01", "127.0.0.1"),
        ("010.0.0.1", "8.0.0.1"),
    ] {
        assert_eq!(parse(&format!("http://{host}")).host(), address, "{host}");
    }
    for host in [
        "1.2.3.256",
        "1.2.65536",
        "1.16777216",
        "4294967296",
        "0xffffffffffffffffffffff",
        "99999999999999999999999999",
        "256.1",
        "1..2",
        ".1",
        "08",
        "x.08",
        "x.0x1",
        "1.2.3.4.5",
        "1.2.3.4.5.6.7.8.9",
    ] {
        assert_eq!(
            problem(&format!("http://{host}")),
            UrlProblem::Ipv4,
            "{host}"
        );
    }
    for name in ["1e5", "0xg", "1.x", "x1", "1-2", "1_2"] {
        assert_eq!(parse(&format!("http://{name}")).host(), name);
    }
}

#[test]
fn web_hosts_of_wandb_are_refused_with_the_api_host() {
    for (text, instead) in [
        ("https://wandb.ai", "https://api.wandb.ai"),
        ("https://app.wandb.ai", "https://api.wandb.ai"),
        ("https://wandb.ai./team", "https://api.wandb.ai"),
        ("https://app.qa.wandb.ai", "https://api.qa.wandb.ai"),
        ("http://api.wandb.ai", "https://api.wandb.ai"),
        ("http://API.WANDB.AI.:80", "https://api.wandb.ai"),
        (
            "http://api.forge.coreweave.com",
            "https://api.forge.coreweave.com",
        ),
        (
            "http://api.qa.forge.coreweave.com",
            "https://api.qa.forge.coreweave.com",
        ),
        (
            "https://forge.coreweave.com",
            "https://api.forge.coreweave.com",
        ),
        (
            "https://forge.coreweave.com/api/wandbx",
            "https://api.forge.coreweave.com",
        ),
        (
            "https://qa.forge.coreweave.com/wandb",
            "https://api.qa.forge.coreweave.com",
        ),
        (
            "http://forge.coreweave.com/api/wandb",
            "https://api.forge.coreweave.com",
        ),
    ] {
        let sentence = problem(text).to_string();
        let named = sentence.trim_end_matches(['.', '?']);
        assert!(
            named.ends_with(&format!(" {instead}")),
            "{text}: {sentence}"
        );
    }
}

#[test]
fn no_message_contains_a_secret_or_an_escape_sequence() {
    let secret = "hunter2";
    for text in [
        "https://user:hunter2@x.com",
        "https://hunter2@x.com",
        "https://user:hunter2@wandb.ai",
        "https://user:hunter2@@x.com",
        "https://user:hunter2?@x.com",
        "https://user:hunter2",
        "hunter2",
        "hunter2://x.com",
        "https://x.com/hunter2|",
        "https://hunter2|.com",
        "https://x.com:hunter2",
        "https://[hunter2]",
        "\x1b]0;hunter2\x07",
        "https://x.com/\u{9b}31mhunter2",
        "https://x.com/\u{202e}hunter2",
    ] {
        let problem = problem(text);
        for shown in [problem.to_string(), format!("{problem:?}")] {
            assert!(!shown.contains(secret), "{text:?}: {shown}");
            assert!(
                !shown.contains(|c: char| c.is_control()),
                "{text:?}: {shown}"
            );
        }
    }
}

#[test]
fn malformed_authorities_are_refused() {
    for (text, expected) in [
        ("https://.", UrlProblem::EmptyHost),
        ("https://...", UrlProblem::EmptyHost),
        ("https://:8080", UrlProblem::EmptyHost),
        ("https://?x.com", UrlProblem::EmptyHost),
        ("https://[]", UrlProblem::Ipv6),
        ("https://[::1]x", UrlProblem::Ipv6),
        ("https://[::1]]", UrlProblem::Ipv6),
        ("https://::1", UrlProblem::Ipv6),
        ("https://x]", UrlProblem::HostCharacters),
        ("https://x%2ecom", UrlProblem::HostCharacters),
        ("https://x.com:+80", UrlProblem::Port),
        ("https://x.com:-1", UrlProblem::Port),
        ("https://x.com:99999999999999999999", UrlProblem::Port),
        ("https://x.com/%", UrlProblem::PathCharacters),
        ("https://x.com/%4", UrlProblem::PathCharacters),
        ("https://x.com/é", UrlProblem::PathCharacters),
        ("https://x.com/a@b", UrlProblem::PathCharacters),
        ("https://evil.com\\@x.com", UrlProblem::Backslash),
        ("https://x.com/\u{a0}", UrlProblem::WhiteSpace),
        ("https://x.com\0", UrlProblem::WhiteSpace),
        ("://x.com", UrlProblem::Scheme),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
    assert_eq!(parse("https://[::1]:").as_str(), "https://[::1]");
    let long = format!("https://x.com/{}", "a".repeat(3000));
    assert_eq!(problem(&long), UrlProblem::TooLong);
}

#[test]
fn the_app_url_override_wins() {
    let server = parse("https://api.corp.example");
    for (word, app) in [
        (None, "https://app.corp.example"),
        (Some(""), "https://app.corp.example"),
        (Some(" /"), "https://app.corp.example"),
        (Some("https://ui.corp.example/"), "https://ui.corp.example"),
        (Some("http://localhost:3000"), "http://localhost:3000"),
        (Some("ui.corp.example"), "https://ui.corp.example"),
        (Some("//ui.corp.example"), "https://ui.corp.example"),
        (
            Some("https://ui.corp.example/\x1b[31m"),
            "https://ui.corp.example/%1B[31m",
        ),
        (
            Some("https://ui.corp.example/é"),
            "https://ui.corp.example/%C3%A9",
        ),
    ] {
        assert_eq!(server.app_url(word), app, "{word:?}");
    }
}

#[test]
fn authorize_pages() {
    let app = "https://x.com/sub";
    assert_eq!(
        authorize_url(app, false, None),
        "https://x.com/sub/authorize"
    );
    assert_eq!(
        authorize_url(app, false, Some("")),
        "https://x.com/sub/authorize"
    );
    assert_eq!(
        authorize_url(app, true, None),
        "https://x.com/sub/authorize?signup=true"
    );
    assert_eq!(
        authorize_url(app, false, Some("a b&c=é\n")),
        "https://x.com/sub/authorize?ref=a%20b%26c%3D%C3%A9%0A"
    );
    assert_eq!(
        authorize_url("https://x.com/sub/?q=1#f", false, None),
        "https://x.com/sub/authorize"
    );
}

/// Random strings of pieces that matter to the parser. It must not panic, and every
/// accepted URL is in normal form without user information.
#[test]
fn random_urls_are_normalised_or_refused() {
    const PIECES: [&str; 24] = [
        "https://",
        "HTTP://",
        "[",
        "]",
        "::1",
        ":",
        "8080",
        "443",
        "0",
        "0x",
        "1.2.3",
        ".",
        "@",
        "/",
        "?",
        "#",
        "%41",
        "%",
        "wandb.ai",
        "api.",
        "forge.coreweave.com",
        "/api/wandb",
        "X",
        "é",
    ];
    let mut state: u32 = 1;
    let mut below = |limit: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state % limit).unwrap()
    };
    let mut taken = 0;
    for _ in 0..50_000 {
        let mut text = PIECES[below(3)].to_owned();
        for _ in 0..below(7) {
            text.push_str(PIECES[below(24)]);
        }
        let Ok(url) = BaseUrl::parse(&text) else {
            continue;
        };
        taken += 1;
        let again = parse(url.as_str());
        assert_eq!(again.as_str(), url.as_str(), "{text}");
        assert_eq!(again.spelled_netloc(), None, "{text}");
        assert!(!url.as_str().contains(['@', '?', '#']), "{text}");
        assert!(
            !url.netloc().contains(|c: char| c.is_ascii_uppercase()),
            "{text}"
        );
        assert!(url.same_server(&again) && !url.host().is_empty(), "{text}");
    }
    assert!(taken > 1_000, "only {taken} were taken");
}
