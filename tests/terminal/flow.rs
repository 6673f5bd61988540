//! What the prompt shows, what it accepts, and what a login does with it.

use crate::pty;
use crate::shell::{CANARY, OLD, Shell};
use crate::stub::{Reply, Stub};

const MENU: &str = "(1) Create a W&B account\r\n";
const CHOICE: &str = "Enter your choice: ";

/// Runs the command line, types this at the hidden prompt, and gives its exit
/// status.
fn typed(shell: &mut Shell, line: &str, keys: impl AsRef<[u8]>) -> i32 {
    shell.run(line);
    shell.asked();
    shell.pty.send(keys);
    shell.exit()
}

#[test]
fn the_command_line_goes_straight_to_the_key() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    assert_eq!(typed(&mut shell, "wandb-login", format!("{CANARY}\r")), 0);
    shell.stored(CANARY);
    assert_eq!(shell.home.mode("home/.netrc"), 0o600);
    assert_eq!(shell.out(), "", "standard output stays empty");
    assert_eq!(shell.server.connections(), 0, "no request without --verify");
    let url = shell.url();
    assert!(!shell.shown().contains(CHOICE));
    assert!(shell.lines().contains(&format!(
        "wandb: Create a new API key at: {url}/authorize?ref=models"
    )));
}

#[test]
fn the_key_is_checked_then_verified_then_stored_then_reported() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("wandb-login --verify");
    shell.asked();
    shell.pty.send("too-short\r");
    shell.asked();
    assert_eq!(shell.server.connections(), 0, "checked before verified");
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    assert_eq!(shell.server.seen().len(), 1);
    shell.stored(CANARY);
    let shown = shell.shown();
    let places: Vec<usize> = [
        "Invalid API key: ",
        "Appending key for ",
        "Using the key from the prompt for ",
        "Currently logged in as: usr (ent) to ",
        "Default team: ent.",
    ]
    .iter()
    .map(|part| {
        shown
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {shown:?}"))
    })
    .collect();
    assert!(places.is_sorted(), "{shown:?}");
}

#[test]
fn a_key_that_the_server_refuses_is_asked_again_and_never_stored() {
    let refusal = Reply::new(401, r#"{"errors":[{"message":"no such key"}]}"#);
    let server = Stub::http([refusal, Reply::viewer()]);
    let Some(shell) = Shell::with_server(&[], server) else {
        return;
    };
    let mut shell = shell.with_netrc(OLD);
    shell.run("wandb-login --relogin --verify");
    shell.asked();
    shell.pty.send(format!("{}\r", crate::support::KEY_3));
    shell.pty.expect("Invalid API key: ");
    shell.pty.expect("no such key");
    shell.asked();
    shell.stored(OLD);
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
    assert_eq!(shell.server.seen().len(), 2);
}

#[test]
fn five_bad_keys_are_enough() {
    let Some(shell) = Shell::new(&[]) else {
        return;
    };
    let mut shell = shell.with_netrc(OLD);
    shell.run("wandb-login --relogin");
    for length in 1..=5 {
        shell.asked();
        shell.pty.send(format!("{}\r", "x".repeat(length)));
    }
    assert_eq!(shell.exit(), 1);
    let shown = shell.shown();
    assert_eq!(
        shown
            .matches("API key must have 40+ characters, has")
            .count(),
        5,
        "{shown}"
    );
    assert!(shown.contains("has 5."), "{shown}");
    shell.stored(OLD);
}

#[test]
fn one_line_says_what_arrived() {
    let v1 = format!("wandb_v1_{}{}", &CANARY[..37], CANARY);
    let on_premises = format!("local-{CANARY}");
    for (typed_key, line) in [
        (CANARY, "Received 40 characters, an API key."),
        (
            &v1,
            "Received 86 characters, an API key in the wandb_v1 form.",
        ),
        (
            &on_premises,
            "Received 46 characters, an on-premises API key.",
        ),
        (&CANARY[..39], "Received 39 characters."),
    ] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        shell.run("wandb-login");
        shell.asked();
        shell.pty.send(format!("{typed_key}\r"));
        if typed_key.len() < 40 {
            shell
                .pty
                .expect("Invalid API key: API key must have 40+ characters, has 39.");
            shell.asked();
            shell.pty.send("\x03");
        }
        shell.exit();
        let lines = shell.lines();
        let at = lines
            .iter()
            .position(|shown| shown.contains("Paste your API key"));
        let next = at.and_then(|at| lines.get(at + 1));
        assert_eq!(next, Some(&format!("wandb: {line}")), "{lines:?}");
    }
}

#[test]
fn lines_of_the_prompt_fit_a_narrow_terminal() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.pty.resize(30);
    shell.run("wandb-login");
    shell.pty.expect("hit enter: ");
    pty::wait_until("the prompt hides what is typed", || !shell.pty.echoes());
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    let url = shell.url();
    let lines = shell.lines();
    for expected in [
        "wandb: Create a new API key",
        &format!("wandb: {url}/authorize?ref=models"),
        "wandb: Store your API key",
        "wandb: securely and do not",
        "wandb: share it.",
        "wandb: Paste your API key and",
        "wandb: hit enter: ",
        "wandb: Received 40 characters,",
        "wandb: an API key.",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {lines:#?}"
        );
    }
}

#[test]
fn a_configuration_error_is_not_reported_as_a_bad_key() {
    for variable in ["WANDB_HTTP_TIMEOUT", "WANDB_X_EXTRA_HTTP_HEADERS"] {
        let Some(mut shell) = Shell::new(&[(variable, "soon")]) else {
            return;
        };
        let keys = format!("{CANARY}\r");
        assert_eq!(typed(&mut shell, "wandb-login --verify", keys), 1);
        let shown = shell.shown();
        assert!(shown.contains(variable), "{shown}");
        assert!(!shown.contains("Invalid API key"), "{shown}");
        assert_eq!(shell.netrc(), "");
    }
}

#[test]
fn white_space_and_paste_marks_around_a_key_are_removed() {
    for (name, before, after) in [
        ("spaces", "  ", " \t "),
        ("paste marks", "\x1b[200~", "\x1b[201~"),
        (
            "a paste with its newline inside",
            "\x1b[200~",
            "\n\x1b[201~",
        ),
        ("an arrow key", "\x1b[D", ""),
        ("a line taken back", "wrong\x15", ""),
        ("an empty line before", "\r", ""),
        ("spaces alone before", "   \r", ""),
    ] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        let keys = format!("{before}{CANARY}{after}\r");
        assert_eq!(typed(&mut shell, "wandb-login", keys), 0, "{name}");
        shell.stored(CANARY);
        assert!(!shell.shown().contains("Invalid"), "{name}");
    }
}

#[test]
fn an_empty_line_prompts_again() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("wandb-login");
    shell.asked();
    shell.pty.send("\r");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    let shown = shell.shown();
    assert_eq!(
        shown.matches("Create a new API key at").count(),
        1,
        "{shown}"
    );
    shell.stored(CANARY);
}

#[test]
fn a_key_may_be_longer_than_the_kernels_line() {
    // The last is the longest that the contract allows.
    for length in [4_095, 4_096, 5_000, 65_535] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        let key = "k".repeat(length);
        assert_eq!(typed(&mut shell, "wandb-login", format!("{key}\r")), 0);
        shell.stored(&key);
        assert!(!shell.pty.seen().contains("kkkk"));
    }
}

#[test]
fn a_key_that_is_too_long_is_explained_and_asked_again() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("wandb-login");
    shell.asked();
    shell.pty.send(format!("{}\r", "k".repeat(70_000)));
    shell.pty.expect("Invalid API key: ");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
}

#[test]
fn bytes_that_are_not_utf8_are_a_bad_key() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("wandb-login");
    shell.asked();
    shell.pty.send([&[0xe9; 50][..], b"\r"].concat());
    shell
        .pty
        .expect("Invalid API key: API key may only contain");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
}

#[test]
fn a_program_gets_the_menu() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("prompt login");
    shell.pty.expect(MENU);
    shell.pty.expect("(2) Use an existing W&B account\r\n");
    shell.pty.expect("(3) Don't visualize my results\r\n");
    shell.pty.expect(CHOICE);
    shell.pty.send("2\r");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
    let out = shell.out();
    assert_eq!(
        out,
        "status 0\nsource 8, saved 1, key of 40 characters, user unknown\nlived on\n"
    );
}

#[test]
fn a_program_that_forces_gets_the_key_at_once() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    // The variable does the same as the flag.
    for (line, stored) in [
        ("prompt login flags=2", CANARY),
        ("WANDB_FORCE=1 prompt prompt", OLD),
    ] {
        shell.run(line);
        shell.asked();
        assert!(!shell.shown().contains(CHOICE));
        shell.pty.send(format!("{stored}\r"));
        assert_eq!(shell.exit(), 0);
        shell.stored(stored);
    }
}

#[test]
fn the_menu_offers_offline_mode() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("prompt login");
    shell.pty.expect(CHOICE);
    shell.pty.send("3\r");
    assert_eq!(shell.exit(), 1);
    assert!(shell.out().starts_with("status 1\n"), "{}", shell.out());
    assert!(shell.shown().contains("Using W&B in offline mode."));
    assert_eq!(shell.netrc(), "");
}

#[test]
fn an_account_is_made_on_the_web_page() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("prompt login referrer='my app'");
    shell.pty.expect(CHOICE);
    shell.pty.send("1\r");
    let url = shell.url();
    shell.pty.expect(&format!(
        "Create an account here: {url}/authorize?signup=true&ref=my%20app\r\n"
    ));
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
}

#[test]
fn an_anonymous_account_is_offered_where_it_is_allowed() {
    let answer = r#"{"data":{"createAnonymousEntity":{"apiKey":{"name":"KEY"}}}}"#;
    let server = Stub::http([Reply::new(200, answer.replace("KEY", CANARY))]);
    let Some(mut shell) = Shell::with_server(&[], server) else {
        return;
    };
    shell.run("prompt login anonymous=1");
    shell
        .pty
        .expect("(1) Private W&B dashboard, no account required\r\n");
    shell.pty.expect(CHOICE);
    assert_eq!(shell.server.connections(), 0, "nothing before the choice");
    shell.pty.send("1\r");
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
    assert!(shell.out().contains("source 9, saved 1"), "{}", shell.out());
    let settings = shell.home.text("home/.config/wandb/settings");
    assert_eq!(settings.as_deref(), Some("[default]\nanonymous = true\n"));
}

#[test]
fn relogin_replaces_on_success_and_leaves_on_failure() {
    let Some(shell) = Shell::new(&[]) else {
        return;
    };
    let mut shell = shell.with_netrc(OLD);
    let others = format!(
        "# mine\nmachine other login me password x\n{}",
        shell.netrc()
    );
    shell.home.write("home/.netrc", &others);
    shell.run("wandb-login --relogin");
    shell.asked();
    shell.pty.send("\x03");
    assert_eq!(shell.exit(), 130);
    assert_eq!(shell.netrc(), others, "an interrupt changes nothing");
    shell.run("prompt login flags=3");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    assert_eq!(shell.netrc(), others.replace(OLD, CANARY));
    // Without a prompt it fails at once and changes nothing.
    for line in ["prompt login flags=7", "wandb-login --relogin --no-prompt"] {
        shell.run(line);
        assert_eq!(shell.exit(), 1, "{line}");
    }
    assert!(shell.shown().contains("Relogin needs a new API key"));
    assert_eq!(shell.netrc(), others.replace(OLD, CANARY));
}

#[test]
fn relogin_names_the_source_that_takes_precedence_next_time() {
    let environment = [("WANDB_API_KEY", OLD)];
    let Some(mut shell) = Shell::new(&environment) else {
        return;
    };
    let keys = format!("{CANARY}\r");
    assert_eq!(typed(&mut shell, "wandb-login --relogin", keys), 0);
    let shown = shell.shown();
    assert!(shown.contains("WARNING"), "{shown}");
    assert!(
        shown.contains("WANDB_API_KEY is set and takes precedence over this key"),
        "{shown}"
    );
    shell.stored(CANARY);
}

#[test]
fn prompt_api_key_prompts_although_keys_exist() {
    let Some(shell) = Shell::new(&[("WANDB_API_KEY", crate::support::KEY_3)]) else {
        return;
    };
    let mut shell = shell.with_netrc(OLD);
    shell.run("prompt prompt flags=2");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
    for (line, word) in [
        ("prompt prompt flags=4", "NO_PROMPT"),
        ("prompt prompt api_key=x", "api_key"),
    ] {
        shell.run(line);
        assert_eq!(shell.exit(), 1);
        assert!(shell.out().starts_with("status -1\n"), "{}", shell.out());
        assert!(shell.out().contains(word), "{}", shell.out());
    }
}

#[test]
fn a_key_that_cannot_be_saved_is_not_lost() {
    let Some(mut shell) = Shell::new(&[("NETRC", "{HOME}/no/such/folder/netrc")]) else {
        return;
    };
    shell.run("prompt login flags=2");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    let out = shell.out();
    assert!(
        out.contains("source 8, saved 0, key of 40 characters"),
        "{out}"
    );
    assert!(shell.shown().contains("The API key was not saved: "));
}

#[test]
fn without_saving_nothing_is_written() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    let keys = format!("{CANARY}\r");
    assert_eq!(typed(&mut shell, "wandb-login --no-save", keys), 0);
    assert_eq!(shell.netrc(), "");
}

#[test]
fn colors_only_on_a_terminal_without_no_color() {
    let Some(mut shell) = Shell::new(&[("NO_COLOR", "1")]) else {
        return;
    };
    let mut bad_then_good = |line| {
        shell.run(line);
        for key in ["bad", CANARY] {
            shell.asked();
            shell.pty.send(format!("{key}\r"));
        }
        assert_eq!(shell.exit(), 0);
        shell.shown()
    };
    let shown = bad_then_good("wandb-login --relogin");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let shown = bad_then_good("NO_COLOR= wandb-login --relogin");
    assert!(
        shown.contains("\x1b[34m\x1b[1mwandb\x1b[0m: \x1b[32m\x1b[41mERROR\x1b[0m Invalid"),
        "{shown:?}"
    );
}

/// What puts the key at risk is on the terminal before anything is typed, and no setting
/// hides it.
#[test]
fn a_connection_that_is_not_safe_is_named_before_the_key_is_typed() {
    let plain = "http://corp.test uses plain http";
    let unverified = "the certificate of https://corp.test is not verified";
    let insecure = ("WANDB_INSECURE_DISABLE_SSL", "true");
    let quiet = ("WANDB_QUIET", "true");
    for (url, variables, line) in [
        ("http://corp.test", &[quiet][..], Some(plain)),
        ("https://corp.test", &[insecure, quiet], Some(unverified)),
        ("https://corp.test", &[quiet], None),
        ("http://127.0.0.1:9", &[insecure, quiet], None),
    ] {
        for command in ["wandb-login", "prompt login"] {
            let Some(mut shell) = Shell::new(variables) else {
                return;
            };
            // The setting of the directory is ignored where it could hide it.
            shell
                .home
                .write("cwd/wandb/settings", "[default]\nquiet = true\n");
            shell.run(&format!("WANDB_BASE_URL={url} {command}"));
            if command != "wandb-login" {
                shell.pty.expect(CHOICE);
                shell.pty.send("2\r");
            }
            shell.asked();
            let shown = shell.pty.seen().to_owned();
            let server = format!("The API key is for {url} (server from WANDB_BASE_URL).");
            assert!(shown.contains(&server), "{command}: {shown}");
            for warning in [plain, unverified] {
                assert_eq!(
                    shown.contains(warning),
                    line == Some(warning),
                    "{command} {url}: {shown}"
                );
            }
            shell.pty.send("\x03");
            shell.exit();
        }
    }
}
