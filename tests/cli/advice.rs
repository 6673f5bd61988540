//! What a report proposes: each command is run, and does what its finding says.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[cfg(feature = "http")]
use crate::stub::{Reply, Stub};
use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run};

/// A user without a name.
const STRANGER: u32 = 54321;

/// Removes the line that a finding opens.
const EDITOR: &str = "#!/bin/sh\nexec sed -i \"${1#+}d\" \"$2\"\n";

/// A home, and the variables of its user.
struct Place {
    home: Home,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Place {
        let home = Home::new();
        support::make_executable(&home.write("bin/editor", EDITOR));
        Place {
            home,
            variables: Vec::new(),
        }
    }

    fn status(&self, arguments: &[&str]) -> Value {
        let mut command = self.home.wandb_login(&["status", "--json"]);
        command.args(arguments);
        let run = Run::of(command.envs(self.variables.iter().cloned()));
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
    }

    /// Runs lines in a shell that has the command.
    fn shell(&self, lines: &str) -> Run {
        let bin = Path::new(support::wandb_login_path()).parent();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = self.home.command("sh");
        shell
            .env(
                "PATH",
                format!("{}:{path}", bin.expect("a folder").display()),
            )
            .env("EDITOR", self.home.base().join("bin/editor"))
            .envs(self.variables.iter().cloned())
            .args(["-euc", lines]);
        Run::of(&mut shell)
    }
}

/// The findings with one of these codes.
fn findings(report: &Value, codes: &[&str]) -> Vec<Value> {
    let all = report["findings"].as_array().expect("an array").iter();
    let is_meant = |finding: &&Value| codes.contains(&finding["code"].as_str().expect("a code"));
    all.filter(is_meant).cloned().collect()
}

/// Puts a key at one of the places where it can be configured.
fn put(place: &mut Place, at: &str, key: &str) {
    let settings = format!("[default]\napi_key = {key}\nentity = us\n");
    match at {
        "variable" => place.variables.push(("WANDB_API_KEY", key.into())),
        "file" => {
            let path = place.home.write("key", key);
            let path = path.display().to_string();
            place.variables.push(("WANDB_API_KEY_FILE", path));
        }
        "workspace" => drop(place.home.write("cwd/wandb/settings", settings)),
        "settings" => drop(place.home.write("home/.config/wandb/settings", settings)),
        "netrc" => {
            let entry = format!("machine api.wandb.ai login user password {key}\n");
            place.home.write("home/.netrc", entry);
        }
        other => panic!("no such place: {other}"),
    }
}

/// The reader of a finding about two keys has the wrong one. Its command must never
/// remove the other.
#[test]
fn the_command_of_a_shadowed_key_makes_that_key_win() {
    const DOCUMENTED: [&str; 5] = ["variable", "file", "workspace", "settings", "netrc"];
    const SDK: [&str; 5] = ["variable", "file", "netrc", "workspace", "settings"];
    for (name, order) in [("documented", DOCUMENTED), ("sdk", SDK)] {
        for (index, winner) in order.iter().enumerate() {
            for loser in &order[index + 1..] {
                let case = format!("{winner} before {loser}, {name}");
                let mut at = 0;
                // The command of each finding, in a home of its own.
                loop {
                    let mut place = Place::new();
                    put(&mut place, winner, KEY_1);
                    put(&mut place, loser, KEY_2);
                    let report = place.status(&["--order", name]);
                    let codes = ["different-keys", "overridden-key", "workspace-key"];
                    let found = findings(&report, &codes);
                    let Some(finding) = found.get(at) else { break };
                    let command = finding["command"].as_str().expect("a command");
                    let run = place.shell(&format!("{command}\nwandb-login token --order {name}"));
                    let printed = run.stdout.lines().last();
                    assert_eq!(printed, Some(KEY_2), "{case}: {command}: {}", run.stderr);
                    at += 1;
                }
                // The nearer of two settings files wins, as any setting does.
                let is_usual = [*winner, *loser] == ["workspace", "settings"];
                assert!(at > 0 || is_usual, "{case}: nothing is said");
            }
        }
    }
}

/// A stored credential for another server, by its machine in netrc or by its URL in the
/// token cache: the command removes it, whatever the scheme and the port.
#[test]
fn the_command_of_an_unused_credential_removes_it() {
    let machines = [
        "corp.example",
        "corp.example:8443",
        "127.0.0.1:18080",
        "corp.example:443",
        "corp.example:80",
        "[::1]:8080",
        "api.qa.wandb.ai",
        "wandb.ai", // no server has this name
        "Corp.Example",
    ];
    for machine in machines {
        let place = Place::new();
        let entry = format!("machine {machine} login user password {KEY_1}\n");
        place.home.write("home/.netrc", entry);
        removes(&place, "home/.netrc", KEY_1, machine);
    }
    let urls = [
        "https://corp.example",
        "http://127.0.0.1:18080",
        "https://corp.example/wandb",
        "https://api.wandb.ai", // the server in use, without an identity token
        "https://api.forge.coreweave.com",
    ];
    for url in urls {
        let place = Place::new();
        place
            .home
            .write("home/.config/wandb/credentials.json", cache(url));
        removes(&place, "home/.config/wandb/credentials.json", "AT-1", url);
    }
}

fn cache(url: &str) -> String {
    let entry = r#"{"access_token": "AT-1", "expires_at": "2099-01-01 00:00:00"}"#;
    format!("{{\"credentials\": {{\"{url}\": {entry}}}}}\n")
}

/// Follows the finding, and looks at what is left.
fn removes(place: &Place, file: &str, secret: &str, name: &str) {
    let found = findings(&place.status(&[]), &["unused-key"]);
    assert_eq!(found.len(), 1, "{name}");
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.contains(name), "{message}");
    let command = found[0]["command"].as_str().expect("a command");
    let run = place.shell(command);
    assert_eq!(run.code, Some(0), "{name}: {command}: {}", run.stderr);
    let left = place.home.text(file).expect("the file stays");
    assert!(!left.contains(secret), "{name}: {command}: {left}");
    assert!(
        findings(&place.status(&[]), &["unused-key"]).is_empty(),
        "{name}"
    );
}

/// No logout finds a server by another spelling of its URL: the file is opened.
#[test]
fn a_cached_token_under_an_unusual_name_is_shown_with_its_file() {
    for name in [
        "https://Corp.Example",
        "corp.example",
        "https://corp.example/",
        "; rm -r ~",
    ] {
        let place = Place::new();
        let path = place
            .home
            .write("home/.config/wandb/credentials.json", cache(name));
        let found = findings(&place.status(&[]), &["unused-key"]);
        let command = found[0]["command"].as_str().expect("a command");
        assert_eq!(
            command,
            format!("${{EDITOR:-vi}} {}", path.display()),
            "{name}"
        );
    }
}

/// The variables that name a file of the user, with the usual place of that file.
const MOVED: [(&str, &str, &str); 3] = [
    ("NETRC", "home/other/netrc", "home/.netrc"),
    (
        "WANDB_CONFIG_DIR",
        "home/other",
        "home/.config/wandb/settings",
    ),
    (
        "WANDB_CREDENTIALS_FILE",
        "home/other/credentials.json",
        "home/.config/wandb/credentials.json",
    ),
];

#[test]
fn a_file_that_a_variable_hides_is_named_with_the_variable() {
    for (variable, named, usual) in MOVED {
        let mut place = Place::new();
        let value = place.home.base().join(named);
        place
            .variables
            .push((variable, value.display().to_string()));
        let unused = |place: &Place| findings(&place.status(&[]), &["unused-file"]);
        assert!(
            unused(&place).is_empty(),
            "{variable}: there is no other file"
        );
        let hidden = place.home.write(usual, "");
        let found = unused(&place);
        assert_eq!(found.len(), 1, "{variable}");
        let message = found[0]["message"].as_str().expect("a message");
        let start = format!(
            "{} is not read because {variable} names {}",
            hidden.display(),
            value.display()
        );
        assert!(message.starts_with(&start), "{message}");
        assert_eq!(found[0]["command"], format!("unset {variable}"));
        // The same file by another name hides nothing.
        let target: PathBuf = match variable {
            "WANDB_CONFIG_DIR" => value.join("settings"),
            _ => value,
        };
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        symlink(&hidden, &target).expect("a link");
        assert!(unused(&place).is_empty(), "{variable}: it is the same file");
    }
}

#[test]
fn the_variable_that_names_a_file_stands_beside_the_file() {
    let netrc = format!("machine api.wandb.ai login user password {KEY_1}\n");
    let settings = format!("[default]\napi_key = {KEY_1}\n");
    for (variable, value, file, text, line) in [
        ("NETRC", "home/n", "home/n", netrc.as_str(), " line 1"),
        (
            "WANDB_CONFIG_DIR",
            "home/c",
            "home/c/settings",
            &settings,
            " line 2",
        ),
        ("WANDB_API_KEY_FILE", "home/k", "home/k", KEY_1, ""),
        (
            "WANDB_IDENTITY_TOKEN_FILE",
            "home/t",
            "home/t",
            "eyJh.eyJz.c2ln",
            "",
        ),
    ] {
        let home = Home::new();
        let path = home.write(file, text);
        let mut command = home.wandb_login(&["status"]);
        let run = Run::ok(command.env(variable, home.base().join(value)));
        let place = format!("{}{line} ({variable})", path.display());
        let first = run.stdout.lines().next().expect("a line");
        assert!(first.ends_with(&format!("from {place}")), "{}", run.stdout);
        assert!(
            run.stdout.contains(&format!("  used      {place}\n")),
            "{}",
            run.stdout
        );
    }
}

/// Everything in a settings file that is a secret, and what is none.
#[test]
fn a_settings_file_with_any_secret_must_be_private() {
    for (text, secret) in [
        (format!("api_key = {KEY_1}"), Some("an API key")),
        (
            "https_proxy = http://alice:pass@proxy.example:3128".into(),
            Some("the password of a proxy"),
        ),
        (
            "http_proxy = http://alice:pass@proxy.example:3128".into(),
            Some("the password of a proxy"),
        ),
        (
            r#"x_extra_http_headers = {"X-Token": "t"}"#.into(),
            Some("HTTP headers"),
        ),
        (
            r#"_extra_http_headers = {"X-Token": "t"}"#.into(),
            Some("HTTP headers"),
        ),
        ("https_proxy = http://proxy.example:3128".into(), None),
        ("base_url = https://corp.example\nentity = us".into(), None),
    ] {
        let place = Place::new();
        let path = place.home.write(
            "home/.config/wandb/settings",
            format!("[default]\n{text}\n"),
        );
        let open = || findings(&place.status(&[]), &["readable-by-others"]);
        assert!(open().is_empty(), "{text}: nobody else can read it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let found = open();
        let Some(secret) = secret else {
            assert!(found.is_empty(), "{text}: {found:?}");
            continue;
        };
        assert_eq!(found.len(), 1, "{text}");
        let message = found[0]["message"].as_str().expect("a message");
        assert!(
            message.contains(&format!("holds {secret} and can be read")),
            "{message}"
        );
        // A login warns too, also a silent one.
        let run = Run::of(
            place
                .home
                .wandb_login(&["--no-prompt"])
                .env("WANDB_SILENT", "true"),
        );
        assert!(run.stderr.contains(message), "{}", run.stderr);
        let run = place.shell(found[0]["command"].as_str().expect("a command"));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(open().is_empty(), "{text}");
    }
}

/// The values that only a request or a prompt needs: each variable and each setting is
/// named with its place, and the command removes it.
#[test]
fn a_malformed_value_that_a_login_can_do_without_is_a_warning_with_its_place() {
    for (name, value) in [
        ("WANDB_HTTPS_PROXY", "socks4://proxy.example"),
        ("HTTPS_PROXY", "http://us%er:pass@proxy.example"),
        ("https_proxy", "http://proxy.example:x"),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "x"),
        ("WANDB__EXTRA_HTTP_HEADERS", r#"{"X A": "b"}"#),
        ("WANDB_USERNAME", "\u{1}"),
        ("WANDB_USER_EMAIL", "é"),
        ("WANDB_INSECURE_DISABLE_SSL", "maybe"),
        ("WANDB_HTTP_TIMEOUT", "soon"),
        ("WANDB_LOGIN_TIMEOUT", "later"),
    ] {
        let mut place = Place::new();
        put(&mut place, "netrc", KEY_1);
        place.variables.push((name, value.into()));
        let message = is_a_warning(&place, &format!("unset {name}"));
        assert!(message.contains(name), "{message}");
    }
    for (name, value) in [
        ("https_proxy", "socks4://proxy.example"),
        ("x_extra_http_headers", "x"),
        ("insecure_disable_ssl", "maybe"),
        ("login_timeout", "later"),
        ("force", "maybe"),
    ] {
        let mut place = Place::new();
        put(&mut place, "netrc", KEY_1);
        let text = format!("[default]\n{name} = {value}\n");
        let path = place.home.write("home/.config/wandb/settings", text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        let edit = format!("${{EDITOR:-vi}} +2 {}", path.display());
        let message = is_a_warning(&place, &edit);
        let path = path.display().to_string();
        assert!(message.contains(name), "{message}");
        assert!(message.contains(&path), "{message}");
        assert!(message.contains("line 2"), "{message}");
    }
}

/// Names of files and users often have 20 characters and a digit.
#[test]
fn a_file_and_a_user_name_are_no_misplaced_keys() {
    let name = "experiment-of-2024-10-31";
    for (variable, file, is_found) in [
        ("NETRC", "cwd/experiment-of-2024-10-31", false),
        (
            "WANDB_CONFIG_DIR",
            "cwd/experiment-of-2024-10-31/settings",
            false,
        ),
        (
            "WANDB_CREDENTIALS_FILE",
            "cwd/experiment-of-2024-10-31",
            false,
        ),
        ("SSL_CERT_FILE", "cwd/experiment-of-2024-10-31", false),
        ("USERNAME", "cwd/other", false),
        ("NETRC", "cwd/other", true),
        ("WANDB_CONFIG_DIR", "cwd/other", true),
        ("WANDB_APP_URL", "cwd/other", true),
    ] {
        let mut place = Place::new();
        place.home.write(file, "");
        place.variables.push((variable, name.into()));
        let found = findings(&place.status(&[]), &["misplaced-key"]);
        assert_eq!(!found.is_empty(), is_found, "{variable}: {found:?}");
    }
}

/// Where the request needs the value, the error is that finding with that command.
#[cfg(feature = "http")]
#[test]
fn a_malformed_value_that_a_request_needs_is_one_error_with_its_command() {
    for (name, value, code) in [
        ("WANDB_HTTPS_PROXY", "socks4://proxy.example", 4),
        ("WANDB_X_EXTRA_HTTP_HEADERS", "x", 1),
        ("WANDB_INSECURE_DISABLE_SSL", "maybe", 1),
        ("WANDB_HTTP_TIMEOUT", "soon", 1),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem", 4),
    ] {
        let mut place = Place::new();
        place.home.write(
            NETRC,
            format!("machine 127.0.0.1:1 login user password {KEY_1}\n"),
        );
        for (name, value) in [("WANDB_BASE_URL", "https://127.0.0.1:1"), (name, value)] {
            place.variables.push((name, value.into()));
        }
        let report = place.status(&["--verify"]);
        let found = report["findings"].as_array().expect("an array");
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0]["code"], "verification-failed", "{name}");
        assert_eq!(found[0]["command"], format!("unset {name}"), "{}", found[0]);
        let run = place.shell("wandb-login status --verify");
        assert_eq!(run.code, Some(code), "{name}: {}", run.stdout);
    }
}

/// The message of the only finding, which has this command. The command removes it.
fn is_a_warning(place: &Place, command: &str) -> String {
    let report = place.status(&[]);
    assert_eq!(report["configured"], true, "{command}");
    let found = report["findings"].as_array().expect("an array");
    assert_eq!(found.len(), 1, "{command}: {found:?}");
    assert_eq!(found[0]["severity"], "warning", "{command}");
    assert_eq!(found[0]["command"], command, "{}", found[0]);
    let run = place.shell(&format!("{command}\nwandb-login status"));
    assert!(
        run.stdout.contains("\nNothing to fix.\n"),
        "{command}: {}",
        run.stdout
    );
    found[0]["message"].as_str().expect("a message").to_owned()
}

/// A command with a masked word or a replaced character is for another file, or with
/// `****` for all files there: a finding then has none.
#[test]
fn a_command_names_its_file_or_is_left_out() {
    let hash = "0123456789abcdef".repeat(4);
    for (name, is_printed) in [
        (OsStr::new("net rc"), true),
        (OsStr::new("it's"), true),
        (OsStr::new("*"), true),
        (OsStr::new("$(rm other)`rm other`"), true),
        (OsStr::new("-n; rm other"), true),
        (OsStr::new("netrc-of-experiment-2024-10"), false),
        (OsStr::new(&hash), false),
        (OsStr::new("a\nb"), false),
        (OsStr::new("\u{1b}[31mred"), false),
        (OsStr::new("gpj.\u{202e}x"), false),
        (OsStr::from_bytes(b"\xff"), false),
    ] {
        for below in ["", "folder"] {
            let place = Place::new();
            let other = place.home.write("folder/other", "");
            let folder = place.home.base().join("folder");
            let path = match below {
                "" => folder.join(name),
                below => folder.join(name).join(below),
            };
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            let entry = format!("machine api.wandb.ai login user password {KEY_1}\n");
            fs::write(&path, entry).expect("a file");
            for path in [&path, &other] {
                fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("a mode");
            }
            let status = || {
                let mut command = place.home.wandb_login(&["status", "--json"]);
                let run = Run::of(command.env("NETRC", &path));
                let report = serde_json::from_str(&run.stdout).expect("JSON");
                findings(&report, &["readable-by-others"])
            };
            let found = status();
            assert_eq!(found.len(), 1, "{path:?}");
            let Some(command) = found[0]["command"].as_str() else {
                // Below a folder only what looks like a whole key is masked.
                assert!(!is_printed, "{path:?}: {found:?}");
                continue;
            };
            assert!(is_printed || !below.is_empty(), "{path:?}: {command}");
            let run = place.shell(command);
            assert_eq!(run.code, Some(0), "{path:?}: {command}: {}", run.stderr);
            assert!(status().is_empty(), "{path:?}: {command}");
            let mode = other.metadata().expect("the other file").mode();
            assert_eq!(mode & 0o777, 0o644, "{path:?}: {command}");
        }
    }
}

/// In a container the user may have no name, and the file is there.
#[test]
fn a_file_without_permission_is_reported_with_who_needs_it() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return support::skip("only root can run the command as another user");
    }
    for (variable, text) in [
        ("WANDB_API_KEY_FILE", KEY_1),
        ("WANDB_IDENTITY_TOKEN_FILE", "eyJh.eyJz.c2ln"),
        ("NETRC", "machine api.wandb.ai"),
    ] {
        let home = Home::new();
        let path = home.write("secret", text);
        // The folder of the build may be closed to others.
        let copy = home.base().join("wandb-login");
        Run::ok(
            Command::new("cp")
                .arg(support::wandb_login_path())
                .arg(&copy),
        );
        let mut command = home.command(copy);
        command.args(["login", "--no-prompt"]).env(variable, &path);
        let run = Run::of(command.uid(STRANGER).gid(STRANGER));
        assert_eq!(run.code, Some(1), "{variable}");
        let said = format!("permission denied; give user {STRANGER} the right to read it");
        assert!(run.stderr.contains(&said), "{variable}: {}", run.stderr);
        assert!(!run.stderr.contains("ount the file;"), "{}", run.stderr);
    }
}

/// The server refuses the key that wins: both the error and the report name its place
/// and its end, and the command of the report lets the next key win.
#[cfg(feature = "http")]
#[test]
fn a_refused_key_is_named_and_its_command_removes_or_replaces_it() {
    for at in ["variable", "file", "workspace", "settings", "netrc"] {
        let refusal = r#"{"errors": [{"message": "user is not logged in"}]}"#;
        let server = Stub::http([Reply::new(401, refusal)]);
        let machine = server.address;
        let entry = |key| format!("machine {machine} login user password {key}\n");
        let mut place = Place::new();
        let url = format!("http://{machine}");
        place.variables.push(("WANDB_BASE_URL", url));
        match at {
            "netrc" => drop(place.home.write(NETRC, entry(KEY_1))),
            _ => {
                place.home.write(NETRC, entry(KEY_2));
                put(&mut place, at, KEY_1);
            }
        }
        let named = match at {
            "variable" => "WANDB_API_KEY".to_owned(),
            "file" => place.home.path("key").display().to_string(),
            "workspace" => format!("{} line 2", place.home.path("cwd/wandb/settings").display()),
            "settings" => {
                let path = place.home.path("home/.config/wandb/settings");
                format!("{} line 2", path.display())
            }
            _ => format!("{} line 1", place.home.path(NETRC).display()),
        };
        let said = format!(
            "does not accept the API key ****1111 from {named} (HTTP 401 Unauthorized): user is \
             not logged in. "
        );
        let run = place.shell("wandb-login --verify --no-prompt");
        assert_eq!(run.code, Some(3), "{at}");
        assert!(run.stderr.contains(&said), "{at}: {}", run.stderr);
        assert!(!run.stderr.contains(KEY_1), "{at}: {}", run.stderr);
        let found = findings(&place.status(&["--verify"]), &["verification-failed"]);
        assert_eq!(found[0]["severity"], "error", "{at}");
        let message = found[0]["message"].as_str().expect("a message");
        assert!(message.contains(&said), "{at}: {message}");
        let command = found[0]["command"].as_str().expect("a command");
        // A script has no terminal for the key.
        let lines = match at {
            "netrc" => format!("echo {KEY_2} | {command} --key-stdin"),
            _ => command.to_owned(),
        };
        let run = place.shell(&format!("{lines}\nwandb-login token"));
        assert_eq!(
            run.stdout.lines().last(),
            Some(KEY_2),
            "{at}: {command}: {}",
            run.stderr
        );
    }
}

/// Offline is a choice: what a login would fail of is no error then.
#[test]
fn a_missing_key_is_no_error_while_offline() {
    let severities = |place: &Place| -> Vec<(String, String)> {
        let report = place.status(&[]);
        let all = report["findings"].as_array().expect("an array");
        let text = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
        all.iter()
            .map(|finding| (text(finding, "code"), text(finding, "severity")))
            .collect()
    };
    let pair = |code: &str, severity: &str| (code.to_owned(), severity.to_owned());
    for mode in ["offline", "dryrun", "disabled"] {
        let mut place = Place::new();
        assert_eq!(severities(&place), [pair("not-configured", "error")]);
        place.variables.push(("WANDB_MODE", mode.into()));
        let mut found = severities(&place);
        found.sort();
        let expected = [pair("not-configured", "note"), pair("offline", "note")];
        assert_eq!(found, expected, "{mode}");
        // The command is one that trains online again: only on request.
        let text = Run::of(
            place
                .home
                .wandb_login(&["status"])
                .envs(place.variables.iter().cloned()),
        );
        assert!(!text.stdout.contains("unset WANDB_MODE"), "{}", text.stdout);
        place.variables.push(("WANDB_API_KEY", "short".into()));
        assert!(
            severities(&place).contains(&pair("invalid-key", "warning")),
            "{mode}"
        );
    }
}

/// The command for a key in a variable for something else moves it, and never replaces
/// another key.
#[test]
fn a_key_in_a_wrong_variable_moves_unless_there_is_a_key() {
    for variable in [
        "WANDB_SILENT",
        "WANDB_MODE",
        "NETRC",
        "WANDB_API_KEY_FILE",
        "WANDB_IDENTITY_TOKEN_FILE",
    ] {
        for has_key in [false, true] {
            let mut place = Place::new();
            place.variables.push((variable, KEY_1.into()));
            if has_key {
                place.variables.push(("WANDB_API_KEY", KEY_2.into()));
            }
            let found = findings(&place.status(&[]), &["misplaced-key", "invalid-value"]);
            let Some(finding) = found.first() else {
                // The two variables exclude each other, or the first of them counts.
                assert!(has_key && variable.ends_with("_FILE"), "{variable}");
                continue;
            };
            let command = finding["command"].as_str().expect("a command");
            let run = place.shell(&format!("{command}\nwandb-login token"));
            let expected = if has_key { KEY_2 } else { KEY_1 };
            assert_eq!(run.stdout, format!("{expected}\n"), "{variable}: {command}");
        }
    }
}

/// The URL of a page in place of that of the server.
#[test]
fn the_url_of_a_page_is_no_server() {
    for (url, meant) in [
        (
            "https://corp.example/authorize",
            Some("https://corp.example"),
        ),
        (
            "https://corp.example/wandb/Login/",
            Some("https://corp.example/wandb"),
        ),
        ("https://corp.example/graphql", Some("https://corp.example")),
        ("https://corp.example/wandb", None),
        ("https://corp.example", None),
        ("https://authorize", None),
    ] {
        let mut place = Place::new();
        let run = place.shell(&format!(
            "echo {KEY_1} | wandb-login --key-stdin --no-save --host {url}"
        ));
        assert_eq!(run.code, Some(0), "{url}: {}", run.stderr);
        let asked = meant.map(|meant| format!("did you mean {meant}?"));
        assert_eq!(
            run.stderr.contains("did you mean"),
            asked.is_some(),
            "{url}: {}",
            run.stderr
        );
        place.variables.push(("WANDB_BASE_URL", url.into()));
        let found = findings(&place.status(&[]), &["unlikely-server"]);
        assert_eq!(found.len(), usize::from(meant.is_some()), "{url}");
        let (Some(asked), Some(meant)) = (asked, meant) else {
            continue;
        };
        assert!(run.stderr.contains(&asked), "{url}: {}", run.stderr);
        let command = found[0]["command"].as_str().expect("a command");
        let run = place.shell(&format!("{command}\nwandb-login env --format plain"));
        assert_eq!(
            command,
            format!("export WANDB_BASE_URL={meant}"),
            "{}",
            run.stderr
        );
    }
}

/// Another spelling of the server in use is no other server.
#[test]
fn a_stored_credential_under_another_spelling_is_not_called_another_server() {
    let place = |url: &str| {
        let mut place = Place::new();
        place.variables.push(("WANDB_BASE_URL", url.into()));
        place
    };
    let message = |place: &Place| {
        let found = findings(&place.status(&[]), &["unused-key"]);
        assert_eq!(found.len(), 1);
        found[0]["message"].as_str().expect("a message").to_owned()
    };
    let corp = place("https://corp.example");
    let entry = format!("machine corp.example:443 login user password {KEY_1}\n");
    corp.home.write(NETRC, entry);
    let said = message(&corp);
    assert!(
        said.contains("in netrc the server is corp.example"),
        "{said}"
    );
    for (name, why) in [
        (
            "https://corp.example",
            "only a login with an identity token uses",
        ),
        (
            "https://Corp.Example/",
            "its name is not written https://corp.example",
        ),
        ("https://other.example", "is not the server in use"),
    ] {
        let corp = place("https://corp.example");
        corp.home
            .write("home/.config/wandb/credentials.json", cache(name));
        let said = message(&corp);
        assert!(said.contains(why), "{said}");
    }
}
