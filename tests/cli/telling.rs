//! What a login says: which key, from where, for which server, and at once what
//! will go before it.

use std::cell::RefCell;
use std::ffi::OsStr;

use wandb_login::{Flags, Login, Options, PromptAnswer, Secret};

use crate::support::{Home, KEY_1, KEY_2, NETRC, Run};

fn lines(run: &Run) -> Vec<&str> {
    run.stderr.lines().collect()
}

#[test]
fn one_line_names_kind_source_and_server() {
    let home = Home::new();
    let netrc = home.path(NETRC);
    let run =
        Run::ok(&mut home.wandb_login(&["--no-prompt", "--host", "https://corp.example", KEY_1]));
    assert!(
        run.stderr.contains(
            "wandb: [wandb.login()] Using explicit session credentials for https://corp.example (API key; server from the host option).\n"
        ),
        "{}",
        run.stderr
    );
    let settings = home.path("home/.config/wandb/settings");
    for (variable, value, line) in [
        (
            "WANDB_API_KEY",
            KEY_2.to_string(),
            "from WANDB_API_KEY (API key; server from {SETTINGS}).",
        ),
        (
            "WANDB_API_KEY",
            format!("wandb_v1_{KEY_2}"),
            "from WANDB_API_KEY (wandb_v1 API key; server from {SETTINGS}).",
        ),
        (
            "UNRELATED",
            "1".into(),
            "from {NETRC} (API key; server from {SETTINGS}).",
        ),
    ] {
        let run = Run::ok(home.wandb_login(&[]).env(variable, value));
        let line = line
            .replace("{SETTINGS}", &settings.to_string_lossy())
            .replace("{NETRC}", &netrc.to_string_lossy());
        let line =
            format!("wandb: [wandb.login()] Loaded credentials for https://corp.example {line}");
        assert!(
            lines(&run).contains(&line.as_str()),
            "{line}\n{}",
            run.stderr
        );
    }
}

#[test]
fn a_stored_key_that_a_variable_shadows_is_said_at_once() {
    let home = Home::new();
    let run = Run::ok(home.wandb_login(&[KEY_1]).env("WANDB_API_KEY", KEY_2));
    let warning = "wandb: WARNING WANDB_API_KEY is set and takes precedence over this key at the next login: unset it to use the key";
    assert_eq!(lines(&run).last(), Some(&warning), "{}", run.stderr);
    // The same key in the variable shadows nothing.
    let run = Run::ok(home.wandb_login(&[KEY_1]).env("WANDB_API_KEY", KEY_1));
    assert!(!run.stderr.contains("next login"), "{}", run.stderr);
    // A key that was only loaded was not stored.
    let run = Run::ok(home.wandb_login(&[]).env("WANDB_API_KEY", KEY_2));
    assert!(!run.stderr.contains("next login"), "{}", run.stderr);
}

#[test]
fn a_stored_key_that_a_setting_shadows_is_said_at_once() {
    let home = Home::new();
    let settings = home.write(
        "home/.config/wandb/settings",
        format!("[default]\napi_key = {KEY_2}\n"),
    );
    let run = Run::ok(&mut home.wandb_login(&[KEY_1]));
    let warning = format!(
        "wandb: WARNING api_key in {} line 2 takes precedence over this key at the next login: remove it to use the key",
        settings.display()
    );
    assert_eq!(
        lines(&run).last(),
        Some(&warning.as_str()),
        "{}",
        run.stderr
    );
    // In the SDK's order netrc takes precedence over settings.
    let run = Run::ok(&mut home.wandb_login(&["--order", "sdk", KEY_1]));
    assert!(!run.stderr.contains("next login"), "{}", run.stderr);
}

/// A file that cannot be read is said once.
#[test]
fn nothing_is_said_twice() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/.config/wandb/settings")).expect("directory");
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    for (arguments, code) in [
        (&[][..], 1),
        (&["--host", "https://api.wandb.ai", "--order", "sdk"], 0),
    ] {
        let run = Run::of(&mut home.wandb_login(arguments));
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        let count = run.stderr.matches("settings is a directory").count();
        assert_eq!(count, 1, "{}", run.stderr);
        let mut lines = lines(&run);
        let all = lines.len();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), all, "{}", run.stderr);
    }
}

/// Relogin passes a variable over this time only, which is said even where
/// nothing is stored.
#[test]
fn a_variable_that_relogin_passed_over_is_said() {
    let home = Home::new();
    let entries = [home.entry(), format!("WANDB_API_KEY={KEY_2}")];
    let environment = entries.each_ref().map(OsStr::new);
    let lines = RefCell::new(Vec::new());
    let log = |_, line: &str| lines.borrow_mut().push(line.to_string());
    let cwd = home.cwd();
    let options = Options::new()
        .flags(Flags::RELOGIN | Flags::NO_SAVE)
        .prompt(&|_| PromptAnswer::Key(Secret::new(KEY_1.as_bytes())))
        .log(&log)
        .environment(&environment)
        .working_directory(&cwd);
    let login = wandb_login::login(&options).expect("a login");
    assert!(
        matches!(login, Login::Session(session) if session.api_key().is_some_and(|key| key.as_bytes() == KEY_1.as_bytes()))
    );
    let warning = "WANDB_API_KEY is set and takes precedence over this key at the next login: unset it to use the key";
    assert!(
        lines.borrow().iter().any(|line| line == warning),
        "{:?}",
        lines.borrow()
    );
    assert!(home.read(NETRC).is_none());
}

/// A server that the caller names is stored, but the variable wins over it.
#[test]
fn a_variable_that_names_another_server_for_the_next_login_is_reported() {
    let warning = |server: &str| {
        format!(
            "wandb: WARNING WANDB_BASE_URL is set and takes precedence at the next login: unset it to use {server}"
        )
    };
    for (arguments, server) in [
        (&["--cloud", KEY_1][..], "https://api.wandb.ai"),
        (
            &["--host", "https://corp.example", KEY_1],
            "https://corp.example",
        ),
    ] {
        let home = Home::new();
        let mut command = home.wandb_login(arguments);
        let run = Run::ok(command.env("WANDB_BASE_URL", "https://other.example"));
        assert!(
            lines(&run).contains(&warning(server).as_str()),
            "{}",
            run.stderr
        );
        // Not where it names the same server, is not there, or nothing was stored.
        let quiet = [
            Run::ok(command.env("WANDB_BASE_URL", format!("{server}/"))),
            Run::ok(command.env_remove("WANDB_BASE_URL")),
            Run::ok(
                command
                    .env("WANDB_BASE_URL", "https://other.example")
                    .arg("--no-save"),
            ),
            Run::ok(
                home.wandb_login(&["token", "--host", server])
                    .env("WANDB_BASE_URL", "https://other.example"),
            ),
        ];
        for run in quiet {
            assert!(
                !run.stderr.contains("WANDB_BASE_URL is set"),
                "{}",
                run.stderr
            );
        }
    }
}
