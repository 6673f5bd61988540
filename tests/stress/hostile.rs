//! Hostile input in netrc, settings, variables and server responses. It cannot
//! forge a log line, control the terminal, redirect a key, or use much time or
//! memory.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::stub::{Reply, Stub, VIEWER};
use crate::support::{Home, KEY_1, KEY_2, Run};

/// Every line of the log has the prefix, and none holds a control character.
fn is_clean(run: &Run, server: &str) {
    for line in run.stderr.lines() {
        assert!(line.starts_with("wandb: "), "{server}: {:?}", run.stderr);
        assert!(!line.chars().any(char::is_control), "{server}: {line:?}");
        // No bidirectional override either.
        assert!(!line.contains('\u{202e}'), "{server}: {line:?}");
    }
    assert!(
        run.stderr.len() < 8_000,
        "{} bytes are said",
        run.stderr.len()
    );
}

/// Runs the command with a limit on its address space.
fn within_memory(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command("sh");
    let script = "ulimit -v 400000; exec \"$0\" \"$@\"";
    command
        .args(["-c", script, crate::support::wandb_login_path()])
        .args(arguments);
    command
}

#[test]
fn a_server_response_cannot_forge_log_lines() {
    let evil = "x\\u001b[2J\\u001b]0;t\\u0007\\r\\nwandb: all is well\\u202e\\u0000";
    let viewer = VIEWER.replace("usr", evil).replace("team2", evil);
    let answers = [
        Reply::new(200, viewer),
        Reply::new(200, format!(r#"{{"errors": [{{"message": "{evil}"}}]}}"#)),
        Reply::new(401, format!(r#"{{"error": "{evil}"}}"#)),
        Reply::new(400, "\x1b[31m\r\nwandb: all is well\u{202e}\n".repeat(1000)),
        Reply::new(302, "").header("Location", "http://\u{1b}[2J/evil"),
        Reply::new(200, "[".repeat(1 << 20)),
        Reply::new(200, "\"".repeat(1 << 20)),
        Reply::new(
            200,
            format!(r#"{{"data": {{"viewer": {{"username": "{KEY_1}"}}}}}}"#),
        ),
        Reply::Endless,
        Reply::Raw(b"HTTP/1.1 200 \x1b[2J\r\n\r\n".to_vec()),
        Reply::Raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
    ];
    for answer in answers {
        let home = Home::new();
        let shown = format!("{answer:?}");
        let server = Stub::http([answer]);
        let url = server.url("127.0.0.1");
        let run = Run::from(
            within_memory(&home, &["--verify", "--host", &url, KEY_1])
                .env("WANDB_HTTP_TIMEOUT", "5")
                .output()
                .expect("it runs"),
        );
        let shown = &shown[..shown.len().min(80)];
        is_clean(&run, shown);
        assert!(
            matches!(run.code, Some(0 | 3 | 4)),
            "{shown}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains(KEY_1), "{shown}: {}", run.stderr);
    }
}

#[test]
fn files_and_variables_cannot_forge_log_lines_or_redirect_a_key() {
    let evil = "x\u{1b}[2J\rwandb: all is well\u{202e}";
    let files = [
        ("home/.netrc", format!("machine {evil} login {evil} password {evil}\n{evil}\n")),
        ("home/.netrc", format!("machine api.wandb.ai login {evil} password p\nmachine \"api.wandb.ai\nmachine evil\" password {KEY_2}\n")),
        ("home/.config/wandb/settings", format!("[default]\nbase_url = https://{evil}\n")),
        ("home/.config/wandb/settings", format!("[default]\n{evil} = 1\nentity = {evil}\nmode = {evil}\n")),
        ("cwd/wandb/settings", format!("[default]\nbase_url = https://evil.example\n{evil}\n")),
        ("cwd/wandb/settings", "[default]\nbase_url = https://evil.example\nhttps_proxy = http://evil.example\ninsecure_disable_ssl = true\n".into()),
        ("cwd/wandb/settings", "[default]\nbase_url = https://api.wandb.ai\\@evil.example\n".into()),
    ];
    for (path, text) in &files {
        let home = Home::new();
        home.write(path, text);
        for arguments in [
            &["status"][..],
            &["login", "--no-prompt"],
            &["logout"],
            &["token"],
        ] {
            let mut command = home.wandb_login(arguments);
            let run = Run::of(command.env("WANDB_API_KEY", KEY_1));
            is_clean(&run, path);
            // The key from the environment is not sent to a server that only the
            // workspace settings name.
            let strange = text.contains("evil.example") && path.starts_with("cwd");
            assert!(
                !strange || !run.stdout.contains(KEY_1),
                "{path}: {}",
                run.stdout
            );
        }
    }
    for variable in [
        "WANDB_API_KEY",
        "WANDB_BASE_URL",
        "WANDB_MODE",
        "WANDB_API_KEY_FILE",
        "NETRC",
        "WANDB_CONFIG_DIR",
        "WANDB_APP_URL",
        "WANDB_ENTITY",
        "WANDB_SILENT",
        "WANDB_LOGIN_TIMEOUT",
        "WANDB_IDENTITY_TOKEN_FILE",
        "WANDB_CREDENTIALS_FILE",
        "RANK",
        "HTTPS_PROXY",
        "TERM",
    ] {
        let home = Home::new();
        for arguments in [&["status"][..], &["login", "--no-prompt"]] {
            is_clean(
                &Run::of(home.wandb_login(arguments).env(variable, evil)),
                variable,
            );
        }
    }
}

#[test]
fn a_key_or_host_cannot_inject_a_line() {
    let home = Home::new();
    for key in [
        format!("{KEY_1}\nmachine evil.example login user password {KEY_2}"),
        format!("{KEY_1} login root"),
        format!("{KEY_1}#"),
        format!("\"{KEY_1}"),
        format!("{KEY_1}\\"),
    ] {
        let run = Run::of(&mut home.wandb_login(&["--host", "https://x.example", &key]));
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert_eq!(home.read("home/.netrc"), None);
    }
    for host in [
        "https://x.example\nmachine evil.example",
        "https://x.example password p",
        "https://x.example\n[default]",
        "https://user:pw@x.example",
        "https://x.example#",
        "https://default",
    ] {
        Run::of(&mut home.wandb_login(&["--host", host, KEY_1]));
        let text = home.text("home/.netrc").unwrap_or_default();
        assert!(
            !text.contains("evil") && !text.contains("default"),
            "{host}: {text}"
        );
        let settings = home.text("home/.config/wandb/settings").unwrap_or_default();
        assert!(settings.matches('[').count() <= 1, "{host}: {settings}");
    }
}

#[test]
fn large_and_deeply_nested_files_use_bounded_memory() {
    let deep = |open: &str| open.repeat(100_000);
    let files = [
        ("home/.netrc", "machine ".repeat(500_000)),
        ("home/.netrc", "\"".repeat(2_000_000)),
        ("home/.netrc", "\\".repeat(2_000_000)),
        ("home/.netrc", "macdef m\n".repeat(200_000)),
        (
            "home/.netrc",
            "machine api.wandb.ai password x\n".repeat(100_000),
        ),
        ("home/.config/wandb/settings", deep("[default]\n")),
        (
            "home/.config/wandb/settings",
            format!("[default]\n{}", deep("base_url = %(base_url)s\n")),
        ),
        (
            "home/.config/wandb/settings",
            format!("[default]\nbase_url = {}", deep(" https://x\n")),
        ),
        (
            "home/.config/wandb/credentials.json",
            deep("{\"credentials\":"),
        ),
        ("home/.config/wandb/credentials.json", deep("[")),
    ];
    for (path, text) in files {
        let home = Home::new();
        home.write(path, &text);
        for arguments in [&["status"][..], &["login", KEY_1], &["logout"]] {
            let output = within_memory(&home, arguments).output().expect("it runs");
            assert_eq!(output.status.signal(), None, "{path} {arguments:?}");
            let run = Run::from(output);
            assert!(!run.stderr.contains("panicked"), "{path}: {}", run.stderr);
            assert!(
                run.stderr.len() < 20_000,
                "{path}: {} bytes are said",
                run.stderr.len()
            );
        }
    }
}
