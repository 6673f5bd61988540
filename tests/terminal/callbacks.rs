//! A prompt of the program's own, from C: it replaces the terminal, or hands on
//! to it, and its answers are treated like typed ones.

use crate::shell::{CANARY, Shell};
use crate::stub::{Reply, Stub};

const KEY: (&str, &str) = ("CALLBACK_KEY", CANARY);

/// Runs the program to its end, without anything typed.
fn run(shell: &mut Shell, line: &str) -> (i32, String) {
    shell.run(line);
    let code = shell.exit();
    assert!(!shell.shown().contains(crate::shell::ASKED));
    (code, shell.out())
}

#[test]
fn its_key_is_checked_and_stored_like_a_typed_one() {
    let Some(mut shell) = Shell::new(&[KEY]) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login callback=BUK");
    let url = shell.url();
    let asked = |attempt: u32, problem: &str| {
        format!(
            "asked: attempt {attempt}, offline 1, anonymous 0, {url} from WANDB_BASE_URL, \
             {url}/authorize, {url}/authorize?signup=true, no limit, problem {problem}\n"
        )
    };
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with(&asked(1, "none")), "{out}");
    assert!(
        out.contains(&asked(2, "API key must have 40+ characters, has 3.")),
        "{out}"
    );
    assert!(out.contains("asked: attempt 3"), "{out}");
    assert!(
        out.ends_with("user unknown\nthe key is the expected one\nlived on\n"),
        "{out}"
    );
    shell.stored(CANARY);
}

#[test]
fn it_needs_no_terminal() {
    let Some(mut shell) = Shell::new(&[KEY, ("TERM", "dumb")]) else {
        return;
    };
    let (code, out) = run(&mut shell, "</dev/null prompt login flags=32 callback=K");
    assert_eq!(code, 0, "{out}");
    shell.stored(CANARY);
}

#[test]
fn five_bad_answers_end_the_login() {
    let Some(mut shell) = Shell::new(&[KEY]) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login callback=B");
    assert_eq!(code, 1);
    assert_eq!(out.matches("asked: ").count(), 5, "{out}");
    assert!(
        out.contains("status -2\nwhy: API key must have 40+ characters, has 3."),
        "{out}"
    );
}

#[test]
fn a_refused_key_comes_back_with_the_servers_reason() {
    let refusal = Reply::new(401, r#"{"errors":[{"message":"no such key"}]}"#);
    let server = Stub::http([refusal, Reply::viewer()]);
    let Some(mut shell) = Shell::with_server(&[KEY], server) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login flags=8 callback=K");
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("attempt 2,") && out.contains("no such key"),
        "{out}"
    );
    assert!(out.contains("user usr"), "{out}");
    shell.stored(CANARY);
}

#[test]
fn after_delegation_the_terminal_prompts_in_later_attempts() {
    let Some(mut shell) = Shell::new(&[("CALLBACK_KEY", CANARY)]) else {
        return;
    };
    shell.run("prompt login flags=2 callback=BT");
    shell
        .pty
        .expect("Invalid API key: API key must have 40+ characters, has 3.");
    shell.asked();
    shell.pty.send("stillbad\r");
    shell.pty.expect("has 8.");
    shell.asked();
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    assert_eq!(shell.out().matches("asked: ").count(), 2, "{}", shell.out());
    assert!(shell.out().contains("the key is the expected one"));
    shell.stored(CANARY);
}

#[test]
fn delegation_without_a_terminal_is_an_error() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    let (code, out) = run(&mut shell, "</dev/null prompt login callback=T");
    assert_eq!(code, 1);
    assert!(
        out.contains("status 2\n") && out.contains("standard input is not a terminal"),
        "{out}"
    );
}

#[test]
fn only_offered_choices_are_accepted() {
    for (options, status, why) in [
        ("callback=G", -5, "gave no key"),
        ("callback=O", 1, "offline"),
        ("flags=2 callback=O", -5, "not on offer"),
        ("callback=A", -5, "not on offer"),
    ] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        let (code, out) = run(&mut shell, &format!("prompt login {options}"));
        assert_eq!(code, 1);
        assert!(
            out.contains(&format!("status {status}\n")) && out.contains(why),
            "{options}: {out}"
        );
        assert_eq!(shell.netrc(), "");
        assert_eq!(shell.server.connections(), 0);
    }
}

#[test]
fn it_may_choose_an_anonymous_account_where_that_is_allowed() {
    let answer = r#"{"data":{"createAnonymousEntity":{"apiKey":{"name":"KEY"}}}}"#;
    let server = Stub::http([Reply::new(200, answer.replace("KEY", CANARY))]);
    let Some(mut shell) = Shell::with_server(&[KEY], server) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login anonymous=1 callback=A");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("source 9"), "{out}");
    assert!(out.contains("the key is the expected one"), "{out}");
    shell.stored(CANARY);
}

#[test]
fn a_server_that_makes_no_anonymous_account_ends_the_login() {
    let server = Stub::http([Reply::new(401, "no more of these")]);
    let Some(mut shell) = Shell::with_server(&[KEY], server) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login anonymous=1 callback=A");
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Create an account"), "{out}");
    // Once: what was refused is no key that could be typed better.
    assert_eq!(shell.server.connections(), 1);
}

#[test]
fn it_knows_how_much_time_is_left() {
    let Some(mut shell) = Shell::new(&[KEY]) else {
        return;
    };
    let (_, out) = run(&mut shell, "prompt login timeout=60000 callback=K");
    assert!(out.contains(", limited, problem none"), "{out}");
}

#[test]
fn other_ranks_do_not_ask_it() {
    let Some(mut shell) = Shell::new(&[KEY, ("RANK", "1"), ("WORLD_SIZE", "2")]) else {
        return;
    };
    let (code, out) = run(&mut shell, "prompt login callback=K");
    assert_eq!(code, 1);
    assert!(
        out.starts_with("status 2\n") && out.contains("only rank 0 prompts"),
        "{out}"
    );
}
