//! `token` and `env`, for scripts: the login on standard output, and nothing else.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run};

pub fn home_with_netrc() -> Home {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine corp.example login user password {KEY_1}\n"),
    );
    home.write(
        "home/.config/wandb/settings",
        "[default]\nbase_url = https://corp.example\n",
    );
    home
}

#[test]
fn token_prints_the_key_and_nothing_else() {
    let home = home_with_netrc();
    for variables in [
        &[][..],
        &[("WANDB_SILENT", "true")],
        &[("WANDB_MODE", "disabled")],
        &[("RANK", "1"), ("WORLD_SIZE", "2")],
    ] {
        let run = Run::ok(home.wandb_login(&["token"]).envs(variables.iter().copied()));
        assert_eq!(
            (run.stdout, run.stderr),
            (format!("{KEY_1}\n"), String::new()),
            "{variables:?}"
        );
    }
    let run = Run::of(&mut home.wandb_login(&["token", "--host", "https://other.example"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(
        run.stderr
            .contains("No API key configured for https://other.example"),
        "{}",
        run.stderr
    );
}

#[test]
fn token_follows_the_order() {
    let home = home_with_netrc();
    let settings = format!("[default]\nbase_url = https://corp.example\napi_key = {KEY_2}\n");
    home.write("home/.config/wandb/settings", settings);
    let token = |order| Run::ok(&mut home.wandb_login(&["token", "--order", order])).stdout;
    assert_eq!(
        [token("documented"), token("sdk")],
        [format!("{KEY_2}\n"), format!("{KEY_1}\n")]
    );
}

#[test]
fn env_prints_words_for_a_shell_or_plain_lines() {
    let home = home_with_netrc();
    let shell = Run::ok(&mut home.wandb_login(&["env"]));
    assert_eq!(
        shell.stdout,
        format!(
            "export WANDB_API_KEY='{KEY_1}'\nexport WANDB_IDENTITY_TOKEN_FILE=''\n\
             export WANDB_API_KEY_FILE=''\nexport WANDB_BASE_URL='https://corp.example'\n"
        )
    );
    let plain = Run::ok(&mut home.wandb_login(&["env", "--format", "plain"]));
    assert_eq!(
        plain.stdout,
        format!(
            "WANDB_API_KEY={KEY_1}\nWANDB_IDENTITY_TOKEN_FILE=\nWANDB_API_KEY_FILE=\nWANDB_BASE_URL=https://corp.example\n"
        )
    );
    assert_eq!(shell.stderr + &plain.stderr, "");
}

#[test]
fn not_configured_is_exit_1_for_every_command_that_needs_a_key() {
    let home = Home::new();
    for command in ["login", "status", "token", "header", "env"] {
        let run = Run::of(&mut home.wandb_login(&[command]));
        assert_eq!(run.code, Some(1), "{command}");
        let said = if command == "status" {
            run.stdout
        } else {
            run.stderr
        };
        assert!(
            said.contains("No API key configured for https://api.wandb.ai"),
            "{command}: {said}"
        );
    }
}

/// What `curl -H @-` reads, and the parts that a program needs.
#[test]
fn header_and_json_give_what_a_request_needs() {
    let home = home_with_netrc();
    let basic = STANDARD.encode(format!("api:{KEY_1}"));
    let header = Run::ok(&mut home.wandb_login(&["header"]));
    assert_eq!(header.stdout, format!("Authorization: Basic {basic}\n"));
    let json = Run::ok(&mut home.wandb_login(&["token", "--json"]));
    assert_eq!(
        json.stdout,
        format!(
            "{{\"authorization\": \"Basic {basic}\", \"scheme\": \"Basic\", \"credential\": \"{KEY_1}\", \
             \"base_url\": \"https://corp.example\", \"expires_at\": null}}\n"
        )
    );
    serde_json::from_str::<serde_json::Value>(&json.stdout).expect("JSON");
    assert_eq!(header.stderr + &json.stderr, "");
    // A key has no end: there is nothing to renew, and no request.
    let lasting = Run::ok(&mut home.wandb_login(&["token", "--min-ttl", "999999999"]));
    assert_eq!(lasting.stdout, format!("{KEY_1}\n"));
}

/// A home whose credential is an identity token at a path, with a cached access
/// token.
pub fn home_with_identity_token(path: &str) -> (Home, PathBuf) {
    let home = Home::new();
    let token = home.write(path, "aaa.bbb.ccc");
    let credentials = r#"{"credentials": {"https://api.wandb.ai": {"expires_at": "2999-01-01 00:00:00", "access_token": "t\"k"}}}"#;
    home.write("home/.config/wandb/credentials.json", credentials);
    (home, token)
}

#[test]
fn json_of_an_access_token_names_its_end() {
    let (home, token) = home_with_identity_token("home/token");
    let mut command = home.wandb_login(&["token", "--json", "--min-ttl", "600"]);
    let run = Run::ok(command.env("WANDB_IDENTITY_TOKEN_FILE", &token));
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let expected = serde_json::json!({
        "authorization": "Bearer t\"k", "scheme": "Bearer", "credential": "t\"k",
        "base_url": "https://api.wandb.ai", "expires_at": 32_472_144_000_i64,
    });
    assert_eq!(json, expected);
}

#[test]
fn env_prints_statements_of_fish_and_powershell() {
    // The path on Windows has a backslash in any case.
    let name = match std::path::MAIN_SEPARATOR {
        '/' => "home/it's \\ \u{2019}x",
        _ => "home/it's \u{2019}x",
    };
    let (home, token) = home_with_identity_token(name);
    let token = token.to_str().expect("UTF-8");
    for (format, expected) in [
        (
            "fish",
            format!(
                "set -gx WANDB_API_KEY ''\nset -gx WANDB_IDENTITY_TOKEN_FILE '{}'\n\
                 set -gx WANDB_API_KEY_FILE ''\nset -gx WANDB_BASE_URL 'https://api.wandb.ai'\n",
                token.replace('\\', r"\\").replace('\'', r"\'")
            ),
        ),
        (
            "powershell",
            format!(
                "$env:WANDB_API_KEY = ''\n$env:WANDB_IDENTITY_TOKEN_FILE = '{}'\n\
                 $env:WANDB_API_KEY_FILE = ''\n$env:WANDB_BASE_URL = 'https://api.wandb.ai'\n",
                token
                    .replace('\'', "''")
                    .replace('\u{2019}', "\u{2019}\u{2019}")
            ),
        ),
    ] {
        let mut command = home.wandb_login(&["env", "--format", format]);
        let run = Run::ok(command.env("WANDB_IDENTITY_TOKEN_FILE", token));
        assert_eq!(run.stdout, expected, "{format}");
    }
}

#[test]
fn env_masks_and_appends_for_github() {
    let home = home_with_netrc();
    let file = home.write("home/github_env", "BEFORE=1\n");
    let arguments = ["env", "--format", "github"];
    let run = Run::ok(home.wandb_login(&arguments).env("GITHUB_ENV", &file));
    let basic = STANDARD.encode(format!("api:{KEY_1}"));
    assert_eq!(
        run.stdout,
        format!("::add-mask::{KEY_1}\n::add-mask::{basic}\n")
    );
    assert_eq!(
        home.text("home/github_env"),
        Some(format!(
            "BEFORE=1\nWANDB_API_KEY={KEY_1}\nWANDB_IDENTITY_TOKEN_FILE=\nWANDB_API_KEY_FILE=\n\
             WANDB_BASE_URL=https://corp.example\n"
        ))
    );

    let home = home_with_netrc();
    let run = Run::of(&mut home.wandb_login(&arguments));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(
        run.stderr.contains("GITHUB_ENV is not set"),
        "{}",
        run.stderr
    );
    let mut command = home.wandb_login(&arguments);
    let run = Run::of(command.env("GITHUB_ENV", home.home()));
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("(GITHUB_ENV): "), "{}", run.stderr);
}

/// `eval "$(wandb-login env)"` does not see the exit status of the command.
#[test]
fn where_env_fails_eval_fails() {
    let home = Home::new();
    for (arguments, code, stdout) in [
        (&["env"][..], 1, "false\n"),
        (&["env", "--format", "shell"], 1, "false\n"),
        (&["--format=fish", "env"], 1, "false\n"),
        (
            &["env", "--format", "powershell"],
            1,
            "throw 'wandb-login failed'\n",
        ),
        (&["env", "--format", "plain"], 1, ""),
        (&["env", "--format", "github"], 1, ""),
        (&["env", "--host", ""], 1, "false\n"),
        (&["env", "--verify"], 2, "false\n"),
        (&["env", "–host"], 2, "false\n"),
        (
            &["--format", "powershell", "env", "--verify"],
            2,
            "throw 'wandb-login failed'\n",
        ),
        (&["env", "--format=plain", "--verify"], 2, ""),
    ] {
        let run = Run::of(&mut home.wandb_login(arguments));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), stdout),
            "{arguments:?}"
        );
    }
    let Some(sh) = support::tool("sh") else {
        return;
    };
    let script = format!("eval \"$({} env)\"", support::wandb_login_path());
    assert_eq!(
        Run::of(home.command(sh).args(["-c", &script])).code,
        Some(1)
    );
}
