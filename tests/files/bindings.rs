//! A write of ours never changes which server a key in a settings file is for.

use crate::support::{Home, KEY_1, KEY_2, NETRC, NULL_DEVICE, Run, make_read_only};
use crate::{SETTINGS, entry};

const WORKSPACE: &str = "cwd/wandb/settings";
const SERVER: &str = "http://127.0.0.1:8080";
const OTHER: &str = "http://127.0.0.1:9090";

/// The key of each file stays with its server, whatever a login names.
#[test]
fn a_login_elsewhere_does_not_move_a_settings_key() {
    let key = format!("api_key = {KEY_2}\n");
    let unbound = format!("[default]\n{key}");
    let bound = format!("[default]\nbase_url = {OTHER}\n{key}");
    let sleeping = format!("[DEFAULT]\n{key}");
    let none = String::new();
    for (system, workspace, arguments) in [
        (&unbound, &none, ["--host", SERVER]),
        (&bound, &none, ["--host", SERVER]),
        (&bound, &none, ["--cloud", "--no-prompt"]),
        (&sleeping, &none, ["--host", SERVER]),
        (&none, &unbound, ["--host", SERVER]),
        (&none, &bound, ["--host", SERVER]),
        (&none, &bound, ["--cloud", "--no-prompt"]),
        (&unbound, &unbound, ["--host", SERVER]),
    ] {
        let home = Home::new();
        let about = format!("{system} {workspace} {arguments:?}");
        for (path, text) in [(SETTINGS, system), (WORKSPACE, workspace)] {
            if !text.is_empty() {
                home.write(path, text);
            }
        }
        let run = Run::ok(home.wandb_login(&["login", KEY_1]).args(arguments));
        for (path, text) in [(SETTINGS, system), (WORKSPACE, workspace)] {
            let is_unbound_elsewhere = text.is_empty() && path == SETTINGS && workspace == &bound;
            if !is_unbound_elsewhere && !text.is_empty() {
                assert_eq!(home.text(path).as_ref(), Some(text), "{about}");
            }
        }
        assert!(
            run.stderr.contains("Error updating settings"),
            "{about}: {}",
            run.stderr
        );
        assert!(
            run.stderr.contains("WANDB_BASE_URL="),
            "{about}: {}",
            run.stderr
        );
        // At no server does the next login use a key that was for another one.
        let host = match arguments[0] {
            "--cloud" => "https://api.wandb.ai",
            _ => SERVER,
        };
        let run = Run::ok(&mut home.wandb_login(&["token", "--host", host]));
        assert_eq!(run.stdout, format!("{KEY_1}\n"), "{about}");
    }
}

/// The key that a login finds without `--host`, and its server: in the workspace, and
/// elsewhere.
fn keys_and_servers(home: &Home) -> [Option<(String, String)>; 2] {
    [home.cwd(), home.home()].map(|folder| {
        let run = Run::of(home.wandb_login(&["token", "--json"]).current_dir(folder));
        let token: serde_json::Value = serde_json::from_str(&run.stdout).ok()?;
        let text = |name: &str| token[name].as_str().map(str::to_owned);
        Some((text("credential")?, text("base_url")?))
    })
}

/// A login writes both files. The key of one depends on the server in the other.
#[test]
fn a_change_of_one_file_does_not_move_the_key_of_the_other() {
    let servers = [
        "",
        "base_url = http://127.0.0.1:9090\n",
        "base_url = %(x)s\n",
    ];
    let key = format!("api_key = {KEY_2}\n");
    let mut changed = 0;
    for (system, workspace) in servers.iter().flat_map(|a| servers.map(|b| (a, b))) {
        for keys in [[&*key, ""], ["", &key]] {
            for arguments in [["--host", SERVER], ["--cloud", "--no-prompt"]] {
                let home = Home::new();
                let text = |url: &str, key: &str| format!("[default]\n{url}{key}");
                home.write(SETTINGS, text(system, keys[0]));
                home.write(WORKSPACE, text(workspace, keys[1]));
                let about = format!("{system:?} {workspace:?} {keys:?} {arguments:?}");
                let mut before = keys_and_servers(&home).to_vec();
                // A key is for the server that its own file names, also where the
                // other file is malformed.
                let of_key = if keys[0].is_empty() {
                    workspace
                } else {
                    system
                };
                if of_key.contains(OTHER) {
                    before.push(Some((KEY_2.to_owned(), OTHER.to_owned())));
                }
                Run::ok(home.wandb_login(&["login", KEY_1]).args(arguments));
                // The files say where a key of theirs goes, and not the new key.
                std::fs::remove_file(home.path(NETRC)).expect("netrc");
                let after = keys_and_servers(&home);
                for found in after.iter().flatten() {
                    let known = before.iter().flatten().any(|known| known == found);
                    assert!(known, "{about}: {before:?} {after:?}");
                }
                changed += usize::from(before[..2] != after);
            }
        }
    }
    assert!(changed > 0);
}

/// A key that the write does not move is no obstacle to it.
#[test]
fn the_server_is_written_where_every_key_stays_at_its_server() {
    let key = format!("api_key = {KEY_2}\n");
    for (before, host) in [
        (String::new(), SERVER),
        ("[default]\nentity = team\n".into(), SERVER),
        (format!("[other]\n{key}"), SERVER),
        (
            format!("[default]\n{key}"),
            "https://api.forge.coreweave.com",
        ),
        (
            format!("[default]\nbase_url = https://api.wandb.ai\n{key}"),
            "https://api.forge.coreweave.com",
        ),
        (format!("[default]\nbase_url = {SERVER}/\n{key}"), SERVER),
        (
            format!("[DEFAULT]\n{key}[default]\nbase_url = {SERVER}/\n"),
            SERVER,
        ),
    ] {
        let home = Home::new();
        home.write(SETTINGS, &before);
        let run = Run::ok(&mut home.wandb_login(&["login", "--host", host, KEY_1]));
        assert!(!run.stderr.contains("Error"), "{before}: {}", run.stderr);
        let after = home.text(SETTINGS).expect("settings");
        assert!(
            after.contains(&format!("base_url = {host}")),
            "{before}: {after}"
        );
    }
}

/// `[DEFAULT]` without `[default]` has no effect, and a login leaves it so.
#[test]
fn a_login_wakes_no_setting() {
    for line in [
        "mode = disabled",
        "http_proxy = http://proxy.example",
        "insecure_disable_ssl = true",
        "silent = true",
    ] {
        let home = Home::new();
        let text = format!("[DEFAULT]\n{line}\n");
        home.write(SETTINGS, &text);
        let run = Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
        assert_eq!(home.text(SETTINGS), Some(text), "{line}");
        assert!(run.stderr.contains("[DEFAULT]"), "{line}: {}", run.stderr);
    }
}

/// A netrc key for this machine is sent to a server that only the workspace names
/// over https without a path, or on the loopback.
#[test]
fn a_netrc_key_follows_no_workspace_to_plain_http_or_a_path() {
    for (url, netloc, is_sent) in [
        ("https://corp.test", "corp.test", true),
        ("https://corp.test/", "corp.test", true),
        ("https://corp.test:8443", "corp.test:8443", true),
        ("http://127.0.0.1:8080/path", "127.0.0.1:8080", true),
        ("http://localhost", "localhost", true),
        ("http://corp.test", "corp.test", false),
        ("http://corp.test:8443", "corp.test:8443", false),
        ("https://corp.test/wandb", "corp.test", false),
        ("https://corp.test/~mallory/cgi-bin", "corp.test", false),
        ("https://api.wandb.ai/x", "api.wandb.ai", false),
    ] {
        let home = Home::new();
        home.write(WORKSPACE, format!("[default]\nbase_url = {url}\n"));
        home.write(NETRC, entry(KEY_2).replace("127.0.0.1:8080", netloc));
        let run = Run::of(&mut home.wandb_login(&["token"]));
        assert_eq!(run.code == Some(0), is_sent, "{url}: {}", run.stderr);
        if !is_sent {
            assert!(
                run.stderr.contains("configured only in"),
                "{url}: {}",
                run.stderr
            );
        }
        // With the user's own word for it, the key is sent.
        let run = Run::ok(&mut home.wandb_login(&["token", "--host", url]));
        assert_eq!(run.stdout, format!("{KEY_2}\n"), "{url}");

        // A key that the next login would not send is not stored.
        let run = Run::ok(&mut home.wandb_login(&["login", KEY_1]));
        let is_stored = home.text(NETRC).expect("netrc").contains(KEY_1);
        assert_eq!(is_stored, is_sent, "{url}: {}", run.stderr);
        if !is_sent {
            let remedy = format!("wandb-login --host {}", url.trim_end_matches('/'));
            assert!(run.stderr.contains("not saved"), "{url}: {}", run.stderr);
            assert!(run.stderr.contains(&remedy), "{url}: {}", run.stderr);
            Run::ok(&mut home.wandb_login(&["login", "--host", url, KEY_1]));
            let run = Run::ok(&mut home.wandb_login(&["token"]));
            assert_eq!(run.stdout, format!("{KEY_1}\n"), "{url}");
        }
    }
}

/// What is said about the next login is true of the files as they are.
#[test]
fn a_server_that_is_not_remembered_is_said() {
    let said = |run: &Run| run.stderr.contains("is used for this login only");
    let wins = |run: &Run| {
        run.stderr
            .contains("WANDB_BASE_URL is set and takes precedence")
    };
    let home = Home::new();
    for words in [&["--host", SERVER][..], &["--cloud"]] {
        for (variable, warned) in [(OTHER, true), (SERVER, words.len() == 1), ("", false)] {
            let mut command = home.wandb_login(&["login", KEY_1]);
            let run = Run::ok(command.args(words).env("WANDB_BASE_URL", variable));
            assert_eq!(wins(&run), warned, "{words:?} {variable}: {}", run.stderr);
            assert!(!said(&run), "{}", run.stderr);
        }
    }
    // The directory of the settings cannot be made.
    let home = Home::new();
    home.write("home/.config", "");
    let run = Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
    assert!(said(&run), "{}", run.stderr);
    let export = format!("WANDB_BASE_URL={SERVER}");
    assert!(run.stderr.contains(&export), "{}", run.stderr);
}

/// Two variables for an API key: the first wins, and a different key in the file
/// is a warning.
#[test]
fn a_key_variable_beside_a_key_file() {
    let home = Home::new();
    home.write("cwd/same", KEY_1);
    home.write("cwd/other", KEY_2);
    for (file, warned) in [
        ("same", false),
        ("other", true),
        ("missing", false),
        (NULL_DEVICE, false),
    ] {
        let mut status = home.wandb_login(&["status", "--json"]);
        let mut login = home.wandb_login(&["login"]);
        for command in [&mut status, &mut login] {
            command.envs([("WANDB_API_KEY", KEY_1), ("WANDB_API_KEY_FILE", file)]);
        }
        let run = Run::ok(&mut login);
        let count = run.stderr.matches("hold different keys").count();
        assert_eq!(count, usize::from(warned), "{file}: {}", run.stderr);
        let row = crate::source(&Run::ok(&mut status).stdout, "key_file");
        assert_eq!(row["state"], "shadowed", "{file}: {row}");
    }
    for key in ["WANDB_API_KEY", "WANDB_API_KEY_FILE"] {
        let run = Run::of(
            home.wandb_login(&["token"])
                .envs([(key, "same"), ("WANDB_IDENTITY_TOKEN_FILE", "same")]),
        );
        assert_eq!(run.code, Some(1), "{key}");
        let text = format!("Both {key} and WANDB_IDENTITY_TOKEN_FILE are set");
        assert!(run.stderr.contains(&text), "{key}: {}", run.stderr);
    }
}

/// A setting that the next login would not read as written is not written.
#[test]
fn settings_that_would_not_be_read_back_are_not_saved() {
    for (path, before, line, message) in [
        (SETTINGS, "[default]\nbase_url\n", 2, "was not saved"),
        (
            SETTINGS,
            "[default]\nentity = e\nbase_url https://a.example\n",
            3,
            "was not saved",
        ),
        (
            SETTINGS,
            "[DEFAULT]\nbase_url\n\n[default]\nbase_url = https://a.example\n",
            2,
            "was not saved",
        ),
        (WORKSPACE, "[default]\nbase_url\n", 2, "was not removed"),
        (
            WORKSPACE,
            "[default]\nbase_url = https://a.example\nbase_url https://b.example\n",
            3,
            "was not removed",
        ),
    ] {
        let home = Home::new();
        let file = home.write(path, before);
        let run = Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
        let warning = format!(
            "Error updating settings: {} line {line}: base_url {message}",
            file.display()
        );
        assert!(run.stderr.contains(&warning), "{before}: {}", run.stderr);
        assert_eq!(home.text(path).as_deref(), Some(before));
    }
}

/// What is reported as saved is what the next login here uses, by the files as they are
/// then.
#[test]
fn a_key_that_the_next_login_would_withhold_is_not_reported_as_saved() {
    let unbound = format!("[default]\napi_key = {KEY_2}\n");
    let bound = format!("[default]\nbase_url = https://other.test\napi_key = {KEY_2}\n");
    for (url, system, is_used) in [
        ("http://corp.test", &unbound, false),
        ("https://corp.test/path", &unbound, false),
        ("http://corp.test:8080", &bound, false),
        ("https://corp.test", &bound, true),
        ("http://127.0.0.1:8080", &bound, true),
        // Without a key in the system settings, `base_url` is written there.
        ("http://corp.test", &String::new(), true),
    ] {
        for in_netrc in [false, true] {
            let home = Home::new();
            let about = format!("{url} {system} {in_netrc}");
            home.write(SETTINGS, system);
            let workspace = home.write(WORKSPACE, format!("[default]\nbase_url = {url}\n"));
            make_read_only(&workspace);
            let netloc = url.split('/').nth(2).expect("a host");
            let mut command = home.wandb_login(&["login", "--host", url]);
            if in_netrc {
                home.write(
                    NETRC,
                    format!("machine {netloc}\n  login user\n  password {KEY_1}\n"),
                );
            } else {
                command.arg(KEY_1);
            }
            let run = Run::ok(&mut command);
            let warning = format!("run `wandb-login --host {url}` again");
            assert_eq!(
                !run.stderr.contains(&warning),
                is_used,
                "{about}: {}",
                run.stderr
            );
            if !in_netrc {
                let unsaved = run.stderr.contains("it was not saved");
                assert_eq!(!unsaved, is_used, "{about}: {}", run.stderr);
            }
            let next = Run::of(&mut home.wandb_login(&["token"]));
            assert_eq!(next.code == Some(0), is_used, "{about}: {}", next.stderr);
        }
    }
}
