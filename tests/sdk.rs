//! Against the real Python SDK: what one stores, the other finds; and the
//! recorded logins are what it does. Nothing is sent to any server.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

mod support;
#[path = "sdk/versions.rs"]
mod versions;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::logins::{Outcome, Stage, cases};
use support::{Home, KEY_1, Run};

/// Keys of every kind that both sides accept.
fn keys() -> [(&'static str, String); 7] {
    [
        (
            "40 hexadecimal digits",
            "0123456789abcdef0123456789abcdef01234567".into(),
        ),
        ("41 characters", "1".repeat(41)),
        ("86 characters", "Ab_9".repeat(21) + "zz"),
        (
            "wandb_v1",
            format!("wandb_v1_{}", "A1b2_".repeat(16) + "xyz"),
        ),
        ("on premises", format!("local-{}", "2".repeat(40))),
        (
            "JSON web token",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl_-".into(),
        ),
        ("64 KiB", "k".repeat(64 * 1024 - 1)),
    ]
}

/// Servers, and their machines in netrc. None is ever asked.
const SERVERS: [(&str, &str); 5] = [
    ("https://wandb.example.com", "wandb.example.com"),
    (
        "https://wandb.example.com:8443/sub/path",
        "wandb.example.com:8443",
    ),
    ("http://127.0.0.1:8080", "127.0.0.1:8080"),
    ("http://localhost:9000/wandb", "localhost:9000"),
    ("https://api.wandb.ai", "api.wandb.ai"),
];

/// Runs logins of the SDK, each in its own home, all from one Python.
fn sdk(python: &Path, requests: &[Value]) -> Vec<Value> {
    let home = Home::new();
    let mut child = home
        .command(python)
        .arg(support::root().join("tests/support/sdk.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut input = child.stdin.take().expect("a pipe");
    let text = serde_json::to_string(requests).expect("JSON");
    // All of it is read before anything is answered.
    input.write_all(text.as_bytes()).expect("requests");
    drop(input);
    let run = Run::from(child.wait_with_output().expect("Python"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

fn request(home: &Home, program: &str, arguments: &[&str]) -> Value {
    json!({"base": home.base(), "environment": {}, "program": program, "arguments": arguments})
}

#[test]
fn the_record_is_what_the_sdk_does() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let cases = cases();
    let stages: Vec<_> = cases.iter().map(Stage::set).collect();
    let requests: Vec<_> = cases
        .iter()
        .zip(&stages)
        .map(|(case, stage)| case.request(stage))
        .collect();
    let answers = sdk(&python, &requests);
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    for ((case, stage), answer) in cases.iter().zip(&stages).zip(answers) {
        let text = |name: &str| answer[name].as_str().map(|text| stage.text(text));
        let seen = Outcome {
            ends: text("ends").expect("an end"),
            source: text("source"),
            key: text("key"),
            after: stage.changes(),
        };
        if seen != case.sdk() {
            wrong.push(format!(
                "{}\n    does     {seen:?}\n    recorded {:?}",
                case.name,
                case.sdk()
            ));
        }
    }
    println!("{} recorded cases run with the SDK", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_sdk_stores_is_found() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let mut homes = Vec::new();
    let mut requests = Vec::new();
    for (server, _) in SERVERS {
        for (kind, key) in keys() {
            let home = Home::new();
            requests.push(request(
                &home,
                "command line",
                &["login", "--host", server, &key],
            ));
            homes.push((home, server, kind, key));
        }
    }
    // The default server, which the SDK calls by its other name.
    for (kind, key) in keys() {
        let home = Home::new();
        requests.push(request(&home, "command line", &["login", &key]));
        homes.push((home, "https://api.wandb.ai", kind, key));
    }
    let answers = sdk(&python, &requests);
    for ((home, server, kind, key), answer) in homes.iter().zip(answers) {
        assert_eq!(answer["ends"], "exit 0", "{server}, {kind}: {answer}");
        // No host is given: the SDK has remembered it in the settings.
        let token = Run::ok(&mut home.wandb_login(&["token"]));
        assert_eq!(token.stdout.trim_end(), key, "{server}, {kind}");
        let status = Run::ok(&mut home.wandb_login(&["status", "--json"]));
        let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!(status["host"]["url"], *server, "{kind}");
        assert_eq!(status["winner"], "netrc", "{server}, {kind}");
    }
}

#[test]
fn what_is_stored_the_sdk_and_python_find() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let mut stored = Vec::new();
    for server in SERVERS.into_iter().map(Some).chain([None]) {
        for (kind, key) in keys() {
            let home = Home::new();
            let mut words = vec!["login", "--key-stdin"];
            words.extend(server.iter().flat_map(|(url, _)| ["--host", url]));
            let mut login = home.wandb_login(&words);
            let run = Run::with_input(&mut login, &key);
            assert_eq!(run.code, Some(0), "{kind}: {}", run.stderr);
            stored.push((
                home,
                server.map_or("api.wandb.ai", |(_, machine)| machine),
                kind,
                key,
            ));
        }
    }
    // An address that the SDK itself does not find again.
    let home = Home::new();
    Run::ok(&mut home.wandb_login(&["login", "--host", "http://[::1]:8080/a%20b", KEY_1]));
    stored.push((home, "[::1]:8080", "40 characters", KEY_1.into()));

    // No host is given: this library has remembered it in the settings.
    let requests: Vec<_> = stored
        .iter()
        .map(|(home, ..)| request(home, "library", &[]))
        .collect();
    for ((_, machine, kind, key), answer) in stored.iter().zip(sdk(&python, &requests)) {
        assert_eq!(answer["ends"], "logged in", "{machine}, {kind}: {answer}");
        assert_eq!(answer["source"], "netrc", "{machine}, {kind}");
        assert_eq!(answer["key"], **key, "{machine}, {kind}");
    }

    let read = "import json, netrc, sys\n\
                asked = json.load(sys.stdin)\n\
                print(json.dumps([netrc.netrc(path).authenticators(name) for path, name in asked]))";
    let asked: Vec<_> = stored
        .iter()
        .map(|(home, machine, ..)| json!([home.home().join(".netrc"), machine]))
        .collect();
    let home = Home::new();
    let run = Run::with_input(
        home.command(&python).args(["-c", read]),
        Value::from(asked).to_string(),
    );
    let entries: Vec<[String; 3]> = serde_json::from_str::<Vec<Value>>(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
        .iter()
        .map(|entry| {
            std::array::from_fn(|index| entry[index].as_str().unwrap_or_default().to_string())
        })
        .collect();
    for ((_, machine, kind, key), [login, _, password]) in stored.iter().zip(entries) {
        assert_eq!(
            (login.as_str(), &password),
            ("user", key),
            "{machine}, {kind}"
        );
    }
}

/// Each changes the other's entry, and one is left.
#[test]
fn logins_in_turn_leave_one_entry() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let home = Home::new();
    let other = "machine example.com login me password secret\n";
    home.write("home/.netrc", other);
    let (server, machine) = SERVERS[2];
    for round in 0..3 {
        let ours = format!("{round}").repeat(40);
        Run::ok(&mut home.wandb_login(&["login", "--host", server, &ours]));
        let theirs = format!("{}", round + 5).repeat(40);
        let again = sdk(
            &python,
            &[request(
                &home,
                "command line",
                &["login", "--host", server, &theirs],
            )],
        );
        assert_eq!(again[0]["ends"], "exit 0", "{}", again[0]);
        let expected = format!("{other}machine {machine}\n  login user\n  password {theirs}\n");
        assert_eq!(home.text("home/.netrc"), Some(expected));
        let token = Run::ok(&mut home.wandb_login(&["token"]));
        assert_eq!(token.stdout.trim_end(), theirs);
        let settings = home.text("home/.config/wandb/settings").expect("settings");
        assert_eq!(settings.matches("base_url").count(), 1, "{settings}");
    }
}

/// What is remembered for one server is what the other reads, line by line.
#[test]
fn the_settings_agree() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let texts = [
        "[default]\nbase_url = http://127.0.0.1:8080\napi_key = {K}\n",
        "[DEFAULT]\napi_key = {K}\n[default]\nbase_url : http://127.0.0.1:8080\n",
        "# mine\n[default]\nproject = 127.0.0.1\nbase_url=http://%(project)s:8080/a%%20b\nAPI_KEY={K}\n",
        "[default]\r\nbase_url = http://127.0.0.1:8080/\r\napi_key = {K}\r\n",
        "[other]\nbase_url = http://example.com\n[default]\napi_key = {K}\nbase_url = http://127.0.0.1:8080\n",
    ];
    let homes: Vec<_> = texts
        .iter()
        .map(|text| {
            let home = Home::new();
            home.write("home/.config/wandb/settings", text.replace("{K}", KEY_1));
            home
        })
        .collect();
    let requests: Vec<_> = homes
        .iter()
        .map(|home| request(home, "library", &[]))
        .collect();
    for ((text, home), answer) in texts.iter().zip(&homes).zip(sdk(&python, &requests)) {
        assert_eq!(answer["key"], KEY_1, "the SDK: {text}: {answer}");
        let token = Run::ok(&mut home.wandb_login(&["token"]));
        assert_eq!(token.stdout.trim_end(), KEY_1, "{text}");
        let status = Run::ok(&mut home.wandb_login(&["status", "--json"]));
        let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!(status["host"]["source"], "system_settings", "{text}");
    }
}

/// curl sends the key that was stored, where the server has no port.
#[test]
fn curl_reads_what_is_stored() {
    let Some(curl) = support::tool("curl") else {
        return;
    };
    for server in ["https://api.wandb.ai", "https://wandb.example.com/sub/path"] {
        let host = server
            .trim_start_matches("https://")
            .split('/')
            .next()
            .expect("a host");
        // curl reads no line that is longer than 4 KiB.
        for (kind, key) in keys().into_iter().filter(|(_, key)| key.len() < 4000) {
            let home = Home::new();
            home.write(
                "home/.netrc",
                "machine example.com login me password secret\ndefault login x password y\n",
            );
            let run = Run::with_input(
                &mut home.wandb_login(&["login", "--key-stdin", "--host", server]),
                &key,
            );
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let heard = std::thread::spawn(move || authorization(&listener));
            Run::ok(
                home.command(&curl)
                    .args([
                        "--silent",
                        "--show-error",
                        "--fail",
                        "--max-time",
                        "20",
                        "--noproxy",
                        "*",
                    ])
                    .args(["--connect-to", &format!("{host}:80:127.0.0.1:{port}")])
                    .arg("--netrc-file")
                    .arg(home.home().join(".netrc"))
                    .arg(format!("http://{host}/")),
            );
            let expected = format!("Basic {}", STANDARD.encode(format!("user:{key}")));
            assert_eq!(
                heard.join().expect("one request"),
                Some(expected),
                "{server}, {kind}"
            );
        }
    }
}

/// Answers one request, and tells its `Authorization`.
fn authorization(listener: &TcpListener) -> Option<String> {
    let (stream, _) = listener.accept().expect("a connection");
    let mut found = None;
    for line in BufReader::new(&stream).lines() {
        let line = line.expect("a header");
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Authorization: ") {
            found = Some(value.to_string());
        }
    }
    (&stream)
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .expect("an answer");
    found
}
