//! The words of the command line: their order, mistakes in them, and keys where
//! no key belongs.

use std::fs;
use std::process::Stdio;

use crate::support::{Home, KEY_1, KEY_2, NETRC, Run};

/// A key as W&B makes them, with letters.
const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

fn run(arguments: &[&str]) -> Run {
    Run::of(&mut Home::new().wandb_login(arguments))
}

/// Runs a command that must be refused as a usage error, before it does anything.
/// `env` prints what makes `eval` fail.
fn refused(arguments: &[&str]) -> Run {
    let home = Home::new();
    let run = Run::of(&mut home.wandb_login(arguments));
    assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
    let printed = if arguments.contains(&"env") {
        "false\n"
    } else {
        ""
    };
    assert_eq!(run.stdout, printed, "{arguments:?}");
    assert!(run.stderr.contains("(see wandb-login"), "{}", run.stderr);
    assert_eq!(fs::read_dir(home.home()).expect("home").count(), 0);
    run
}

#[test]
fn options_stand_before_or_behind_the_command() {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine corp.example login user password {KEY_1}\n"),
    );
    let host = "https://corp.example";
    for arguments in [
        &["--host", host, "token"][..],
        &["token", "--host", host],
        &["--host=https://corp.example", "token"],
        &["--base-url", host, "--order", "sdk", "token"],
        &["--order", "sdk", "token", "--base-url", host],
        &["--host", "https://other.example", "token", "--host", host],
    ] {
        let run = Run::ok(&mut home.wandb_login(arguments));
        assert_eq!(run.stdout, format!("{KEY_1}\n"), "{arguments:?}");
    }
    let before = Run::ok(&mut home.wandb_login(&["--host", host, "--json", "status"]));
    let behind = Run::ok(&mut home.wandb_login(&["status", "--json", "--host", host]));
    assert_eq!(before.stdout, behind.stdout);
    // `login` is a value here, not the command.
    let run = Run::of(&mut home.wandb_login(&["--host", "login", "status"]));
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("server address"), "{}", run.stderr);
}

#[test]
fn an_option_that_the_command_does_not_know_is_a_usage_error() {
    for arguments in [
        &["--no-save", "status"][..],
        &["status", "--no-save"],
        &["--json", "login", KEY_1],
        &["--json", KEY_1],
        &["token", "--verify"],
        &["--relogin", "logout"],
        &["--format", "plain", "status"],
        &["env", "--json"],
        &["-x"],
    ] {
        let run = refused(arguments);
        assert!(run.stderr.contains("unexpected argument"), "{}", run.stderr);
    }
    let run = refused(&["status", "--jsn"]);
    assert!(run.stderr.contains("'--json'"), "{}", run.stderr);
}

#[test]
fn a_wrong_value_is_a_usage_error_that_names_the_choices() {
    for (arguments, choices) in [
        (&["--order", "netrc"][..], "documented, sdk"),
        (&["--anonymous", "yes"], "never, allow, must"),
        (
            &["env", "--format", "zsh"],
            "shell, plain, powershell, fish, github",
        ),
        (&["--timeout", "soon"], "a number of seconds"),
        (&["--timeout", "-1"], "a number of seconds"),
        (&["completions", "csh"], "bash"),
        (&["help", "satus"], "status"),
    ] {
        let run = refused(arguments);
        assert!(run.stderr.contains(choices), "{}", run.stderr);
    }
    refused(&["completions"]);
    refused(&["--host"]);
    refused(&["status", "more"]);
    refused(&["--key-stdin", KEY_1]);
}

#[test]
fn a_mistyped_command_is_not_a_key() {
    for (word, meant) in [
        ("satus", "status"),
        ("Status", "status"),
        ("log-out", "logout"),
        ("logn", "login"),
        ("version", "--version"),
        ("verify", "--verify"),
        ("relogin", "--relogin"),
        ("whoami", "status"),
        ("list", "status"),
        ("qqq", "login, status, token, header, env, logout"),
    ] {
        let run = refused(&[word]);
        let expected = format!("there is no command '{word}'; did you mean {meant}");
        assert!(run.stderr.contains(&expected), "{}", run.stderr);
        refused(&["--no-prompt", word, "--host", "https://corp.example"]);
    }
    // With the command, or with what no command has, it is a KEY.
    for arguments in [&["login", "satus"][..], &["--", "satus"], &["satus1"]] {
        let run = run(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(
            run.stderr.contains("API key must have 40+"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_command_behind_a_key_is_a_usage_error() {
    for arguments in [
        &[KEY_1, "status"][..],
        &["login", KEY_1, "logout"],
        &[KEY_1, "--no-prompt", KEY_2, "env"],
    ] {
        let run = refused(arguments);
        assert!(run.stderr.contains("follows a KEY"), "{}", run.stderr);
    }
    let home = Home::new();
    Run::ok(&mut home.wandb_login(&[KEY_1, KEY_2]));
    let netrc = home.text(NETRC).expect("netrc");
    assert!(netrc.contains(KEY_1) && !netrc.contains(KEY_2), "{netrc}");
}

#[test]
fn a_long_dash_is_not_two_hyphens() {
    for (word, meant) in [
        ("–relogin", "--relogin"),
        ("—host", "--host"),
        ("–-verify", "--verify"),
    ] {
        let run = refused(&["login", word]);
        assert!(run.stderr.contains("long dash"), "{}", run.stderr);
        assert!(run.stderr.contains(meant), "{}", run.stderr);
    }
}

#[test]
fn a_key_where_none_belongs_is_masked() {
    let option = format!("--{KEY}");
    let value = format!("--verify={KEY}");
    let dashes = format!("–{KEY}");
    for arguments in [
        &["--timeout", KEY][..],
        &["--order", KEY],
        &["--anonymous", KEY],
        &["env", "--format", KEY],
        &[&option],
        &[&value],
        &[&dashes],
        &["status", KEY],
        &["token", KEY],
        &["logout", KEY],
        &["help", KEY],
        &["completions", KEY],
    ] {
        let run = refused(arguments);
        assert!(!run.stderr.contains(&KEY[..8]), "{}", run.stderr);
        assert!(
            run.stderr.contains("****")
                && run.stderr.contains("looks like an API key is not shown"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn no_verify_is_the_default() {
    // Nothing listens there: a request would fail.
    let host = "http://127.0.0.1:1";
    for arguments in [
        &["--no-verify", "--host", host, KEY_1][..],
        &["--verify", "--no-verify", "--host", host, KEY_1],
    ] {
        Run::ok(&mut Home::new().wandb_login(arguments));
    }
    let home = Home::new();
    let both = ["--no-verify", "--verify", "--host", host, KEY_1];
    assert_ne!(Run::of(&mut home.wandb_login(&both)).code, Some(0));
}

/// Logs in with these bytes on standard input.
fn login_with(home: &Home, input: &[u8]) -> Run {
    Run::with_input(&mut home.wandb_login(&["--key-stdin"]), input)
}

#[test]
fn a_key_on_standard_input_that_is_not_text_is_an_error() {
    let spaced = |space: &str| format!("{KEY_1}{space}\n").into_bytes();
    let utf16: Vec<u8> = KEY_1.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (input, problem) in [
        (b"\xe9cole".to_vec(), "standard input is not UTF-8"),
        (b"".to_vec(), "there is no key on standard input"),
        (b" \r\n\t".to_vec(), "there is no key on standard input"),
        (
            b"\xef\xbb\xbf\n".to_vec(),
            "there is no key on standard input",
        ),
        (
            [b"\xff\xfe", &utf16[..]].concat(),
            "standard input is UTF-16",
        ),
        (b"\xfe\xff\x001".to_vec(), "standard input is UTF-16"),
        (utf16.clone(), "standard input is UTF-16"),
        (spaced("\u{a0}"), "U+00A0 (no-break space)"),
        (spaced("\u{2028}"), "U+2028 (line separator)"),
        (spaced("\u{200b}"), "U+200B (zero-width space)"),
        (
            format!("\u{3000}{KEY_1}").into_bytes(),
            "U+3000 (white space)",
        ),
        (
            format!("{KEY_1} {KEY_2}").into_bytes(),
            "API key may only contain",
        ),
    ] {
        let home = Home::new();
        let run = login_with(&home, &input);
        assert_eq!(run.code, Some(1), "{input:?}");
        assert!(run.stderr.contains(problem), "{problem}: {}", run.stderr);
        assert!(!run.stderr.contains(&KEY_1[..8]), "{}", run.stderr);
        assert_eq!(home.text(NETRC), None);
    }
}

#[test]
fn a_key_on_standard_input_may_have_a_mark_before_it_and_white_space_around_it() {
    for (before, behind, noticed) in [
        ("", "", false),
        ("\u{feff}", "\r\n", true),
        ("", " \t\n\n", false),
        (" ", "\n", true),
        ("\u{feff}\n", "\n", true),
    ] {
        let home = Home::new();
        let run = login_with(&home, format!("{before}{KEY_1}{behind}").as_bytes());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let netrc = home.text(NETRC).expect("netrc");
        assert!(netrc.ends_with(&format!("password {KEY_1}\n")), "{netrc}");
        let notice = run.stderr.contains(" the key was ignored");
        assert_eq!(notice, noticed, "{before:?}: {}", run.stderr);
    }
}

#[test]
fn a_piped_key_without_its_option_names_the_option() {
    let hint = "To read the key from standard input, use --key-stdin.";
    let home = Home::new();
    let run = Run::with_input(&mut home.wandb_login(&[]), KEY_1);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains(hint), "{}", run.stderr);
    let run = Run::of(&mut home.wandb_login(&["--no-prompt"]));
    assert!(!run.stderr.contains(hint), "{}", run.stderr);
}

#[test]
fn relogin_without_a_terminal_says_that_it_cannot_prompt() {
    let home = Home::new();
    for arguments in [&["--relogin"][..], &["--relogin", "--no-prompt"]] {
        let run = Run::of(home.wandb_login(arguments).env("WANDB_API_KEY", KEY_1));
        assert_eq!(run.code, Some(1));
        let text =
            "Relogin needs a new API key for https://api.wandb.ai and cannot prompt for one: ";
        assert!(run.stderr.contains(text), "{}", run.stderr);
        assert!(
            !run.stderr.contains("No API key configured"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_key_in_the_wrong_variable_is_masked_and_named() {
    let home = Home::new();
    for name in [
        "WANDB_MODE",
        "WANDB_SILENT",
        "WANDB_API_KEY_FILE",
        "WANDB_IDENTITY_TOKEN_FILE",
        "WANDB_BASE_URL",
        "WANDB_CONFIG_DIR",
        "WANDB_CREDENTIALS_FILE",
        "NETRC",
    ] {
        for command in [
            &["login"][..],
            &["status"],
            &["status", "--json"],
            &["token"],
        ] {
            let run = Run::of(home.wandb_login(command).env(name, KEY));
            let output = run.stdout + &run.stderr;
            assert!(!output.contains(&KEY[..8]), "{name}: {output}");
            let problem = "looks like an API key; did you mean WANDB_API_KEY?";
            // `token` does not depend on the mode.
            // The JSON form has no member for it where no key is configured.
            let is_switch = ["WANDB_MODE", "WANDB_SILENT"].contains(&name);
            let is_mode = is_switch && command != ["login"] && command != ["status"];
            assert!(
                is_mode || output.contains(problem),
                "{name} {command:?}: {output}"
            );
        }
    }
    for name in [
        "WANDB_ENTITY",
        "WANDB_USERNAME",
        "WANDB_LOGIN_TIMEOUT",
        "WANDB_HTTP_TIMEOUT",
    ] {
        let run = Run::of(home.wandb_login(&["status", "--json"]).env(name, KEY));
        let output = run.stdout + &run.stderr;
        assert!(!output.contains(&KEY[..8]), "{name}: {output}");
    }
}

#[test]
fn a_malformed_variable_that_is_not_needed_is_ignored() {
    let home = Home::new();
    for name in ["WANDB_LOGIN_TIMEOUT", "WANDB_HTTP_TIMEOUT"] {
        let run = Run::of(home.wandb_login(&["login", KEY_1]).env(name, "junk"));
        assert_eq!(run.code, Some(0), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_key_in_the_wrong_setting_is_masked() {
    for name in [
        "mode",
        "base_url",
        "entity",
        "silent",
        "login_timeout",
        "no_such_setting",
        KEY,
    ] {
        let home = Home::new();
        home.write(
            "home/.config/wandb/settings",
            format!("[default]\n{name} = {KEY}\n"),
        );
        for command in [&["login"][..], &["status"], &["status", "--json"]] {
            let run = Run::of(&mut home.wandb_login(command));
            let output = run.stdout + &run.stderr;
            assert!(!output.contains(&KEY[..8]), "{name}: {output}");
            let is_switch = ["mode", "silent"].contains(&name) && command.len() == 1;
            let is_checked = is_switch || name == "base_url";
            let problem = "looks like an API key; did you mean";
            assert!(!is_checked || output.contains(problem), "{name}: {output}");
        }
    }
}

#[test]
fn quotes_and_carriage_returns_around_values_are_named() {
    let home = Home::new();
    for (name, value, problem) in [
        (
            "WANDB_API_KEY",
            format!("\"{KEY}\""),
            "It is in quotes; remove them.",
        ),
        (
            "WANDB_BASE_URL",
            "'https://wandb.example'".into(),
            "is in quotes; remove them",
        ),
        ("WANDB_MODE", "\"online\"".into(), "in quotes; remove them"),
        (
            "WANDB_API_KEY",
            format!("{KEY}\u{a0}"),
            "U+00A0 (no-break space)",
        ),
        (
            "WANDB_API_KEY",
            format!("{KEY}\r"),
            "WANDB_API_KEY: the carriage return at its end was ignored",
        ),
        (
            "WANDB_BASE_URL",
            "https://wandb.example\r".into(),
            "WANDB_BASE_URL: the carriage return",
        ),
        (
            "WANDB_MODE",
            "online\r".into(),
            "WANDB_MODE: the carriage return",
        ),
    ] {
        let run = Run::of(home.wandb_login(&["status"]).env(name, &value));
        let output = run.stdout + &run.stderr;
        assert!(output.contains(problem), "{name}={value:?}: {output}");
        assert!(!output.contains(&KEY[..8]), "{name}: {output}");
    }
}

#[test]
fn a_status_names_what_is_odd_in_a_settings_file() {
    for (text, problem) in [
        (
            "[default]\nbase_url =\n",
            "line 2: `base_url` is empty, which counts as unset",
        ),
        (
            "[wandb]\nmode = online\n",
            "line 1: the section `wandb` is not read",
        ),
        (
            "[default]\nbase_urll = x\n",
            "line 2: `base_urll` is not a W&B setting",
        ),
        (
            "[default]\nbase_url ;= x\n",
            "line 2: `base_url` is followed by other text",
        ),
        (
            "[default]\nentity = %(team\n",
            "line 2: an unfinished %(name)s",
        ),
        (
            "[default]\nmode = \"online\"\n",
            "line 2: `mode` is in quotes; remove them",
        ),
        (
            "[default]\nbase_url = 'http://127.0.0.1'\n",
            "is in quotes; remove them",
        ),
    ] {
        let home = Home::new();
        home.write("home/.config/wandb/settings", text);
        let run = Run::of(&mut home.wandb_login(&["status"]));
        let output = run.stdout + &run.stderr;
        assert!(output.contains(problem), "{text:?}: {output}");
    }
}

#[test]
fn closed_output_is_an_error_and_never_a_panic() {
    let gone = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer.into()
    };
    for (arguments, run) in printed_to(gone) {
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
    }
}

/// Runs each command that prints, and gives what it does if its output goes to `stdout`.
pub fn printed_to(
    stdout: impl Fn() -> Stdio,
) -> impl Iterator<Item = (&'static [&'static str], Run)> {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    let commands: [&[&str]; 8] = [
        &["--help"],
        &["--version"],
        &["help", "environment"],
        &["completions", "zsh"],
        &["status"],
        &["status", "--json"],
        &["token"],
        &["env"],
    ];
    commands.into_iter().map(move |arguments| {
        let mut command = home.wandb_login(arguments);
        let child = command.stdout(stdout()).stderr(Stdio::piped()).spawn();
        let output = child.expect("it starts").wait_with_output();
        (arguments, Run::from(output.expect("it ends")))
    })
}
