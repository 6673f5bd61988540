use std::time::Duration;

use serde_json::Value as Json;

use super::diagnostics::{MAX_UNKNOWN, is_known_to_sdk};
use super::*;

const CASES: &str = include_str!("../../../tests/conformance/settings.json");

fn system(text: &str) -> SettingsFile {
    parse(Scope::System, "/etc/s", text.as_bytes())
}

fn parse(scope: Scope, path: &str, text: &[u8]) -> SettingsFile {
    SettingsFile::parse(scope, Path::new(path), WipedBytes::new(text.to_vec()))
}

fn both(system: &str, workspace: &str) -> Settings {
    Settings {
        system: Some(parse(Scope::System, "/home/s", system.as_bytes())),
        workspace: Some(parse(Scope::Workspace, "/here/s", workspace.as_bytes())),
    }
}

/// A setting as JSON, as the table of cases has it; null if unset.
fn json<T>(setting: SettingResult<T>, show: impl Fn(&T) -> Json) -> Result<Json, String> {
    match setting {
        Ok(found) => Ok(found.map_or(Json::Null, |found| show(found.value))),
        Err(problem) => Err(problem.finding.message.clone()),
    }
}

fn get(file: &SettingsFile, key: &str) -> Result<Json, String> {
    let bool = |value: &bool| Json::from(*value);
    let string = |value: &String| Json::from(value.as_str());
    let secret = |value: &Secret| Json::from(str::from_utf8(value.as_bytes()).unwrap());
    let limit = |value: &Timeout| match value {
        Timeout::Never => Json::from("inf"),
        Timeout::After(time) => Json::from(time.as_secs_f64()),
        Timeout::Configured => panic!("not a value"),
    };
    match key {
        "api_key" => json(file.api_key(), secret),
        "base_url" => json(file.base_url(), string),
        "mode" => json(file.get(|values| &values.mode), |mode| {
            format!("{mode:?}").to_lowercase().into()
        }),
        "silent" => json(file.get(|values| &values.silent), bool),
        "quiet" => json(file.get(|values| &values.quiet), bool),
        "entity" => json(file.get(|values| &values.entity), string),
        "login_timeout" => json(file.get(|values| &values.login_timeout), limit),
        "anonymous" => json(file.anonymous(), string),
        "relogin" => json(file.get(|values| &values.relogin), bool),
        "force" => json(file.get(|values| &values.force), bool),
        "app_url_override" => json(file.get(|values| &values.app_url_override), string),
        "credentials_file" => json(file.get(|values| &values.credentials_file), string),
        "insecure_disable_ssl" => json(file.get(|values| &values.insecure_disable_ssl), bool),
        "http_proxy" => json(file.get(|values| &values.http_proxy), secret),
        "https_proxy" => json(file.get(|values| &values.https_proxy), secret),
        "x_extra_http_headers" => json(file.get(|values| &values.x_extra_http_headers), secret),
        _ => panic!("{key} is not one of the settings"),
    }
}

const KEYS: [&str; 16] = [
    "api_key",
    "base_url",
    "mode",
    "silent",
    "quiet",
    "entity",
    "login_timeout",
    "anonymous",
    "relogin",
    "force",
    "app_url_override",
    "credentials_file",
    "insecure_disable_ssl",
    "http_proxy",
    "https_proxy",
    "x_extra_http_headers",
];

#[test]
fn values_are_those_of_the_sdk() {
    let all: Json = serde_json::from_str(CASES).unwrap();
    let cases = all["validate"].as_array().unwrap();
    let mut differ = 0;
    for case in cases {
        let name = &case["name"];
        let file = system(case["system"].as_str().unwrap());
        differ += usize::from(case.get("difference").is_some());
        let ours = case.get("ours").unwrap_or(&case["sdk"]);
        assert!(
            ours["drops_all_settings"].is_null(),
            "{name}: what is ours?"
        );
        for key in KEYS {
            match get(&file, key) {
                Ok(got) => {
                    assert_eq!(got, ours["values"][key], "{name}: {key}");
                    assert_ne!(ours["error"], key, "{name}: {key}");
                }
                Err(problem) => assert_eq!(ours["error"], key, "{name}: {problem}"),
            }
        }
        let notes = file.diagnostics().notes;
        let noted = notes.iter().find(|note| note.text.starts_with('`'));
        let want = ours["note"].as_str().map(|key| format!("`{key}`"));
        assert_eq!(
            noted.map(|n| &n.text[..=n.text[1..].find('`').unwrap() + 1]),
            want.as_deref()
        );
    }
    println!(
        "settings validate: {} cases, {differ} differ on purpose",
        cases.len()
    );
}

#[test]
fn workspace_values_take_precedence() {
    let settings = both(
        "[default]\nbase_url = https://a\nentity = e\n",
        "[default]\n\nbase_url = https://b\nentity =\n",
    );
    let workspace = settings.workspace.as_ref().unwrap();
    let found = workspace.base_url().unwrap().unwrap();
    assert_eq!(found.value, "https://b");
    assert_eq!(found.line, 3);
    assert_eq!(found.file.path, Path::new("/here/s"));
    let system = settings.system.as_ref().unwrap();
    assert_eq!(system.base_url().unwrap().unwrap().value, "https://a");
    // An empty value does not hide the value of the other file.
    assert_eq!(settings.entity().unwrap().unwrap().value, "e");
    assert!(workspace.api_key().unwrap().is_none());
    let neither = Settings {
        system: None,
        workspace: None,
    };
    assert!(neither.entity().unwrap().is_none());
}

#[test]
fn transport_settings_of_a_workspace_file_are_ignored() {
    let text = "[default]\nrelogin=1\nforce=1\napp_url_override=https://x\ncredentials_file=/x\n\
        insecure_disable_ssl=maybe\nhttp_proxy=http://x\nhttp_proxy=http://y\nhttps_proxy=http://x\n\
        x_extra_http_headers={}\n_extra_http_headers={}\nentity=e\nanonymous=true\n";
    let settings = both("", text);
    let file = settings.workspace.as_ref().unwrap();
    for key in &KEYS[8..] {
        assert_eq!(get(file, key), Ok(Json::Null), "{key}");
    }
    assert_eq!(file.security_notes.len(), 9);
    assert_eq!(settings.entity().unwrap().unwrap().value, "e");
    assert_eq!(file.anonymous().unwrap().unwrap().value, "true");
    // In the system file the same settings are used, and checked.
    let file = system(text);
    assert!(file.security_notes.is_empty());
    assert_eq!(get(&file, "relogin"), Ok(true.into()));
    assert!(get(&file, "insecure_disable_ssl").is_err());
    assert!(get(&file, "http_proxy").is_err());
    assert_eq!(get(&file, "https_proxy"), Ok("http://x".into()));
}

#[test]
fn invalid_security_settings_are_errors_with_path_line_and_remedy() {
    let cases = [
        (
            "base_url",
            "[default]\nbase_url = https://a\nbase_url = https://b\n",
            3,
        ),
        (
            "base_url",
            "[default]\nbase_url https://a\napi_key = x\n",
            2,
        ),
        (
            "base_url",
            "base_url = https://a\n[default]\napi_key = x\n",
            1,
        ),
        ("base_url", "[default]\nbase_url = https://%(host)s\n", 2),
        (
            "base_url",
            "[default]\nh = a\nh = b\nbase_url = https://%(h)s\n",
            4,
        ),
        ("mode", "[default]\nmode = Offline\n", 2),
        (
            "api_key",
            "[default]\napi_key = hush1\napi_key = hush2\n",
            3,
        ),
        (
            "insecure_disable_ssl",
            "[default]\n\ninsecure_disable_ssl = perhaps\n",
            3,
        ),
        ("https_proxy", "[default]\nhttps_proxy = %(hush)s\n", 2),
    ];
    for (key, text, line) in cases {
        let message = get(&system(text), key).expect_err(text);
        let path = crate::env::display_path(Path::new("/etc/s"));
        let place = format!("{path}, line {line}: `{key}` ");
        assert!(message.starts_with(&place), "{message}");
        assert!(message.contains("; "), "no remedy: {message}");
        assert!(!message.contains("hush"), "{message}");
    }
    let file = parse(Scope::System, "s", b"[default]\nbase_url = \xFF\n");
    assert!(file.base_url().is_err());
    // The same value twice is not an error.
    let file = system("[default]\nbase_url = https://a\nBASE_URL: https://a\n");
    assert_eq!(get(&file, "base_url"), Ok("https://a".into()));
    assert!(file.diagnostics().rejected_by_sdk.is_some());
}

#[test]
fn a_bare_percent_is_literal() {
    let file = system("[default]\nbase_url = https://h/a%20b\n");
    assert_eq!(get(&file, "base_url"), Ok("https://h/a%20b".into()));
    let rejected = file.diagnostics().rejected_by_sdk;
    assert_eq!(rejected.map(|note| note.line), Some(2));
}

#[test]
fn unknown_names_are_noted() {
    let file = system(
        "[default]\nproject = p\n_stats_pid = 1\nx_primary_node = 1\n\
        app_url = https://x\nx_stats_foo = 1\n_foo = 1\nx = 1\n",
    );
    let notes = file.diagnostics().notes;
    let lines: Vec<usize> = notes.iter().map(|note| note.line).collect();
    assert_eq!(lines, [5, 6, 7, 8]);
    assert!(notes[0].text.starts_with("`app_url` is not a W&B setting"));
    let many: String = (0..100).map(|n| format!("k{n} = 1\n")).collect();
    assert_eq!(
        system(&format!("[default]\n{many}"))
            .diagnostics()
            .notes
            .len(),
        MAX_UNKNOWN
    );
    for key in KEYS {
        assert!(is_known_to_sdk(key.as_bytes()), "{key}");
    }
}

#[test]
fn the_later_of_the_two_header_settings_is_used() {
    let old = "_extra_http_headers = {\"a\": \"1\"}\n";
    let new = "x_extra_http_headers = {\"a\": \"2\"}\n";
    for (text, want) in [
        (format!("[default]\n{old}"), "1"),
        (format!("[default]\n{new}{old}"), "1"),
        (format!("[default]\n{old}{new}"), "2"),
    ] {
        let want = format!("{{\"a\": \"{want}\"}}");
        assert_eq!(get(&system(&text), "x_extra_http_headers"), Ok(want.into()));
    }
}

#[test]
fn booleans_and_seconds_parse_as_in_pydantic() {
    for yes in ["1", "TRUE", "oN", "T", "y", "Yes"] {
        assert_eq!(parse_bool(yes.as_bytes()), Some(true), "{yes}");
    }
    for no in ["0", "False", "nO", "off", "F", "n"] {
        assert_eq!(parse_bool(no.as_bytes()), Some(false), "{no}");
    }
    for neither in ["", " 1", "2", "1.0", "None", "maybe", "\u{212a}"] {
        assert_eq!(parse_bool(neither.as_bytes()), None, "{neither}");
    }
    let after = |seconds| Some(Timeout::After(Duration::from_secs_f64(seconds)));
    for (text, timeout) in [
        ("5", after(5.0)),
        ("+5", after(5.0)),
        (" 5\n", after(5.0)),
        (".5", after(0.5)),
        ("5.", after(5.0)),
        ("1_0", after(10.0)),
        ("1e1_0", after(1e10)),
        ("0.25e1", after(2.5)),
        ("25E-1", after(2.5)),
        ("1e-9", after(1e-9)),
        ("1e-10", after(0.0)),
        ("00000000000000000000000000000001.5", after(1.5)),
        ("1.00000000000000000000000000000009", after(1.0)),
        ("18446744073.5", after(18446744073.5)),
        ("1e19", after(1e19)),
        ("2e19", Some(Timeout::Never)),
        ("1e99999999999999999999", Some(Timeout::Never)),
        ("1e-99999999999999999999", after(0.0)),
        ("0e99999999999999999999", after(0.0)),
        ("0", after(0.0)),
        ("-3", after(0.0)),
        ("-x", None),
        (".", None),
        ("e1", None),
        ("1e", None),
        ("1e+", None),
        ("1.2.3", None),
        ("1e2e3", None),
        ("+-1", None),
        ("-inf", after(0.0)),
        ("inf", Some(Timeout::Never)),
        ("Infinity", Some(Timeout::Never)),
        ("1e400", Some(Timeout::Never)),
        ("1e30", Some(Timeout::Never)),
        ("nan", None),
        ("_1", None),
        ("1_", None),
        ("1__0", None),
        ("0x10", None),
        ("\u{ff11}", None),
        ("x", None),
    ] {
        assert_eq!(parse_timeout(text.as_bytes()), timeout, "{text}");
    }
}
