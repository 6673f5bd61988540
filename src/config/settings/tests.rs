use std::time::Duration;

use serde_json::Value as Json;

use super::*;

const CASES: &str = include_str!("../../../tests/conformance/settings.json");

fn system(text: &str) -> SettingsFile {
    SettingsFile::parse(
        Which::System,
        Path::new("/etc/s"),
        text.as_bytes(),
        Notes::Told,
    )
}

fn both(system: &str, workspace: &str) -> Settings {
    Settings::from_files(
        Some((Path::new("/home/s"), system.as_bytes())),
        Some((Path::new("/here/s"), workspace.as_bytes())),
        Notes::Told,
    )
}

/// What was found, in the form of the table of cases; null for nothing.
fn json<T>(asked: SettingResult<T>, show: impl Fn(&T) -> Json) -> Result<Json, String> {
    match asked {
        Ok(found) => Ok(found.map_or(Json::Null, |found| show(found.value))),
        Err(problem) => Err(problem.text.clone()),
    }
}

fn ask(file: &SettingsFile, key: &str) -> Result<Json, String> {
    let bool = |value: &bool| Json::from(*value);
    let string = |value: &String| Json::from(value.as_str());
    let secret = |value: &Secret| Json::from(str::from_utf8(value.as_bytes()).unwrap());
    let limit = |value: &Limit| match value {
        Limit::Never => Json::from("inf"),
        Limit::After(time) => Json::from(time.as_secs_f64()),
    };
    match key {
        "api_key" => json(file.api_key(), secret),
        "base_url" => json(file.base_url(), string),
        "mode" => json(file.ask(|values| &values.mode), |mode| {
            format!("{mode:?}").to_lowercase().into()
        }),
        "silent" => json(file.ask(|values| &values.silent), bool),
        "quiet" => json(file.ask(|values| &values.quiet), bool),
        "entity" => json(file.ask(|values| &values.entity), string),
        "login_timeout" => json(file.ask(|values| &values.login_timeout), limit),
        "anonymous" => json(file.anonymous(), string),
        "relogin" => json(file.ask(|values| &values.relogin), bool),
        "force" => json(file.ask(|values| &values.force), bool),
        "app_url_override" => json(file.ask(|values| &values.app_url_override), string),
        "credentials_file" => json(file.ask(|values| &values.credentials_file), string),
        "insecure_disable_ssl" => json(file.ask(|values| &values.insecure_disable_ssl), bool),
        "http_proxy" => json(file.ask(|values| &values.http_proxy), secret),
        "https_proxy" => json(file.ask(|values| &values.https_proxy), secret),
        "x_extra_http_headers" => json(file.ask(|values| &values.x_extra_http_headers), secret),
        _ => panic!("{key} is no key of ours"),
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
            match ask(&file, key) {
                Ok(got) => {
                    assert_eq!(got, ours["values"][key], "{name}: {key}");
                    assert_ne!(ours["error"], key, "{name}: {key}");
                }
                Err(problem) => assert_eq!(ours["error"], key, "{name}: {problem}"),
            }
        }
        let noted = file.notes.iter().find(|note| note.text.starts_with('`'));
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
fn the_workspace_wins_and_each_file_answers_for_itself() {
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
    // An empty value hides nothing.
    assert_eq!(settings.entity().unwrap().unwrap().value, "e");
    assert!(workspace.api_key().unwrap().is_none());
    let neither = Settings::from_files(None, None, Notes::Told);
    assert!(neither.entity().unwrap().is_none());
}

#[test]
fn a_workspace_file_cannot_touch_transport() {
    let text = "[default]\nrelogin=1\nforce=1\napp_url_override=https://x\ncredentials_file=/x\n\
        insecure_disable_ssl=maybe\nhttp_proxy=http://x\nhttp_proxy=http://y\nhttps_proxy=http://x\n\
        x_extra_http_headers={}\n_extra_http_headers={}\nentity=e\nanonymous=true\n";
    let settings = both("", text);
    let file = settings.workspace.as_ref().unwrap();
    for key in &KEYS[8..] {
        assert_eq!(ask(file, key), Ok(Json::Null), "{key}");
    }
    assert_eq!(file.security_notes.len(), 9);
    assert_eq!(settings.entity().unwrap().unwrap().value, "e");
    assert_eq!(file.anonymous().unwrap().unwrap().value, "true");
    // The same text in the system file counts, and is checked.
    let file = system(text);
    assert!(file.security_notes.is_empty());
    assert_eq!(ask(&file, "relogin"), Ok(true.into()));
    assert!(ask(&file, "insecure_disable_ssl").is_err());
    assert!(ask(&file, "http_proxy").is_err());
    assert_eq!(ask(&file, "https_proxy"), Ok("http://x".into()));
}

#[test]
fn what_must_not_be_guessed_is_an_error_with_path_line_and_remedy() {
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
        let message = ask(&system(text), key).expect_err(text);
        let place = format!("/etc/s, line {line}: `{key}` ");
        assert!(message.starts_with(&place), "{message}");
        assert!(message.contains("; "), "no remedy: {message}");
        assert!(!message.contains("hush"), "{message}");
    }
    let file = SettingsFile::parse(
        Which::System,
        Path::new("s"),
        b"[default]\nbase_url = \xFF\n",
        Notes::Told,
    );
    assert!(file.base_url().is_err());
    // The same value twice is no question.
    let file = system("[default]\nbase_url = https://a\nBASE_URL: https://a\n");
    assert_eq!(ask(&file, "base_url"), Ok("https://a".into()));
    assert!(file.rejected_by_sdk.is_some());
}

#[test]
fn a_bare_percent_is_literal() {
    let file = system("[default]\nbase_url = https://h/a%20b\n");
    assert_eq!(ask(&file, "base_url"), Ok("https://h/a%20b".into()));
    assert_eq!(file.rejected_by_sdk.map(|note| note.line), Some(2));
}

#[test]
fn unknown_names_are_noted() {
    let file = system(
        "[default]\nproject = p\n_stats_pid = 1\nx_primary_node = 1\n\
        app_url = https://x\nx_stats_foo = 1\n_foo = 1\nx = 1\n",
    );
    let lines: Vec<usize> = file.notes.iter().map(|note| note.line).collect();
    assert_eq!(lines, [5, 6, 7, 8]);
    assert!(
        file.notes[0]
            .text
            .starts_with("`app_url` is no W&B setting")
    );
    let many: String = (0..100).map(|n| format!("k{n} = 1\n")).collect();
    assert_eq!(
        system(&format!("[default]\n{many}")).notes.len(),
        MAX_UNKNOWN
    );
    for key in KEYS {
        assert!(known_to_sdk(key.as_bytes()), "{key}");
    }
}

#[test]
fn both_spellings_of_the_headers_count_and_the_later_wins() {
    let old = "_extra_http_headers = {\"a\": \"1\"}\n";
    let new = "x_extra_http_headers = {\"a\": \"2\"}\n";
    for (text, want) in [
        (format!("[default]\n{old}"), "1"),
        (format!("[default]\n{new}{old}"), "1"),
        (format!("[default]\n{old}{new}"), "2"),
    ] {
        let want = format!("{{\"a\": \"{want}\"}}");
        assert_eq!(ask(&system(&text), "x_extra_http_headers"), Ok(want.into()));
    }
}

#[test]
fn truth_and_time_are_spelled_as_pydantic_spells_them() {
    for yes in ["1", "TRUE", "oN", "T", "y", "Yes"] {
        assert_eq!(parse_bool(yes.as_bytes()), Some(true), "{yes}");
    }
    for no in ["0", "False", "nO", "off", "F", "n"] {
        assert_eq!(parse_bool(no.as_bytes()), Some(false), "{no}");
    }
    for neither in ["", " 1", "2", "1.0", "None", "maybe", "\u{212a}"] {
        assert_eq!(parse_bool(neither.as_bytes()), None, "{neither}");
    }
    let after = |seconds| Some(Limit::After(Duration::from_secs_f64(seconds)));
    for (text, limit) in [
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
        (
            "18446744073.709551615",
            Some(Limit::After(Duration::from_nanos(u64::MAX))),
        ),
        ("18446744073.709551616", Some(Limit::Never)),
        ("1e99999999999999999999", Some(Limit::Never)),
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
        ("inf", Some(Limit::Never)),
        ("Infinity", Some(Limit::Never)),
        ("1e400", Some(Limit::Never)),
        ("1e30", Some(Limit::Never)),
        ("nan", None),
        ("_1", None),
        ("1_", None),
        ("1__0", None),
        ("0x10", None),
        ("\u{ff11}", None),
        ("x", None),
    ] {
        assert_eq!(parse_limit(text.as_bytes()), limit, "{text}");
    }
}
