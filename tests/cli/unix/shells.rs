//! What shells read: `env`, completions, a key in a pipe.

use crate::help::stdout;
use crate::scripts::{home_with_identity_token, home_with_netrc};
use crate::support::{self, Home, KEY_1, NETRC, Run};

#[test]
fn bash_completes_commands_and_options() {
    let Some(bash) = support::tool("bash") else {
        return;
    };
    let script = stdout(&["completions", "bash"]);
    let probe = r#"
        complete_words() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _wandb_login wandb-login "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[*]}"
        }
        complete_words wandb-login st
        complete_words wandb-login status --js
        complete_words wandb-login env --format p
        complete_words wandb-login --no-ver
        complete_words wandb-login help env
    "#;
    let home = Home::new();
    let run = Run::ok(
        home.command(bash)
            .args(["-c", &format!("{script}\n{probe}")]),
    );
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[..2], ["status", "--json"], "{}", run.stderr);
    assert!(lines[2].contains("plain"), "{lines:?}");
    assert_eq!(lines[3], "--no-verify");
    assert!(script.contains("complete -F _wandb_login -o bashdefault -o default wandb-login\n"));
    assert!(lines[4].contains("environment"), "{lines:?}");
}

/// A path can contain what a line cannot.
#[test]
fn env_prints_no_line_that_a_value_contains() {
    let home = Home::new();
    let token = r#"{"credentials": {"https://corp.example": {"access_token": "t", "expires_at": "2999-01-01 00:00:00"}}}"#;
    home.write("home/.config/wandb/credentials.json", token);
    let path = home.write("home/a\nWANDB_API_KEY=x", "a.b.c");
    let run = |format: &str| {
        let mut command = home.wandb_login(&["env", "--format", format]);
        command.env("WANDB_IDENTITY_TOKEN_FILE", &path);
        Run::of(command.env("WANDB_BASE_URL", "https://corp.example"))
    };
    let plain = run("plain");
    assert_eq!((plain.code, &*plain.stdout), (Some(1), ""));
    let reason = "WANDB_IDENTITY_TOKEN_FILE contains a line feed";
    assert!(plain.stderr.contains(reason), "{}", plain.stderr);
    let shell = run("shell");
    let quoted = format!("export WANDB_IDENTITY_TOKEN_FILE='{}'\n", path.display());
    assert!(shell.stdout.contains(&quoted), "{}", shell.stdout);
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
fn a_shell_may_hand_the_key_over_in_a_pipe() {
    let Some(bash) = support::tool("bash") else {
        return;
    };
    let home = Home::new();
    let script = format!(
        "WANDB_API_KEY_FILE=<(sleep 0.2; printf %s {KEY_1}) {} token",
        crate::support::wandb_login_path()
    );
    let run = Run::ok(home.command(bash).args(["-c", &script]));
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        (format!("{KEY_1}\n").as_str(), "")
    );
}

#[test]
fn netrc_is_for_its_owner_alone() {
    let Some(sh) = support::tool("sh") else {
        return;
    };
    let home = Home::new();
    let script = format!(
        "umask 000; exec {} {KEY_1}",
        crate::support::wandb_login_path()
    );
    Run::ok(home.command(sh).args(["-c", &script]));
    assert_eq!(home.mode(NETRC), 0o600);
}

/// A shell takes the entries of a session's environment from the command line.
#[test]
fn a_shell_gets_the_key_and_the_server() {
    let home = Home::new();
    let server = "http://127.0.0.1:8080";
    Run::ok(&mut home.wandb_login(&["login", "--host", server, KEY_1]));
    let program = support::wandb_login_path();
    let script = format!("eval \"$({program} env --host {server})\" && env");
    let shell = Run::ok(home.command("sh").args(["-c", &script]));
    let lines: Vec<_> = shell.stdout.lines().collect();
    for entry in [
        format!("WANDB_API_KEY={KEY_1}"),
        format!("WANDB_BASE_URL={server}"),
    ] {
        assert!(lines.contains(&entry.as_str()), "{}", shell.stdout);
    }
}

/// A path may have several lines, and hold what ends them.
#[test]
fn env_ends_a_value_of_several_lines_for_github() {
    let arguments = ["env", "--format", "github"];
    let (home, token) = home_with_identity_token("home/two\nlines WANDB_LOGIN_END");
    let mut command = home.wandb_login(&arguments);
    command.env("WANDB_IDENTITY_TOKEN_FILE", &token);
    let run = Run::ok(command.env("GITHUB_ENV", home.path("home/new")));
    assert_eq!(run.stdout, "");
    let text = home.text("home/new").expect("a file");
    let token = token.display();
    let entry = format!("WANDB_IDENTITY_TOKEN_FILE<<WANDB_LOGIN_END_\n{token}\nWANDB_LOGIN_END_\n");
    assert!(text.contains(&entry), "{text}");
}
