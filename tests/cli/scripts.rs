//! `token` and `env`, for scripts: the login on standard output, and nothing else.

use crate::support::{self, Home, KEY_1, KEY_2, Run};

fn home_with_netrc() -> Home {
    let home = Home::new();
    home.write(
        "home/.netrc",
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

/// Everything that a child needs is in its environment: it has no home, and
/// variables of before do not come in the way.
#[test]
fn a_child_of_the_shell_is_logged_in() {
    let Some(sh) = support::tool("sh") else {
        return;
    };
    let home = home_with_netrc();
    let elsewhere = Home::new();
    let secret = home.write("home/secret", KEY_1);
    let script = r#"
        eval "$(wandb-login env)"
        export HOME="$ELSEWHERE"
        cd "$ELSEWHERE"
        wandb-login status --json
        wandb-login token
    "#;
    let binary = std::path::Path::new(crate::support::wandb_login_path());
    let path = std::env::join_paths([
        binary.parent().expect("a folder"),
        "/usr/bin".as_ref(),
        "/bin".as_ref(),
    ]);
    let mut command = home.command(sh);
    command
        .env("PATH", path.expect("a path"))
        .env("ELSEWHERE", elsewhere.home())
        .env("WANDB_API_KEY_FILE", secret);
    let run = Run::ok(command.args(["-c", script]));
    assert!(
        run.stdout.contains(r#""winner": "environment""#),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains(r#""url": "https://corp.example""#),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.ends_with(&format!("}}\n{KEY_1}\n")),
        "{}",
        run.stdout
    );
    assert_eq!(run.stderr, "");
}

/// A path may hold whatever a file name may; a shell takes it as it is.
#[cfg(feature = "http")]
#[test]
fn env_quotes_what_a_shell_would_read() {
    let Some(sh) = support::tool("sh") else {
        return;
    };
    let home = Home::new();
    let token = home.write("home/it's $HOME `here`\n\"", "aaa.bbb.ccc");
    let credentials = r#"{"credentials": {"https://api.wandb.ai": {"expires_at": "2999-01-01 00:00:00", "access_token": "t"}}}"#;
    home.write("home/.config/wandb/credentials.json", credentials);
    let out = Run::ok(
        home.wandb_login(&["env"])
            .env("WANDB_IDENTITY_TOKEN_FILE", &token),
    )
    .stdout;
    let script = format!("{out}printf %s \"$WANDB_IDENTITY_TOKEN_FILE\"");
    let read = Run::ok(home.command(sh).args(["-c", &script]));
    assert_eq!(read.stdout, token.to_str().expect("UTF-8"));
}

#[test]
fn not_configured_is_exit_1_for_every_command_that_needs_a_key() {
    let home = Home::new();
    for command in ["login", "status", "token", "env"] {
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
