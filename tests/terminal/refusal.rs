//! Where no prompt is possible: an error at once, which names the reason.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::shell::Shell;
use crate::support::{Home, Run};

/// Runs under the shell; no prompt may appear.
fn refused(variables: &[(&str, &str)], line: &str, reason: &str) {
    let Some(mut shell) = Shell::new(variables) else {
        return;
    };
    shell.run_as_typed(line);
    assert_eq!(shell.exit(), 1, "{line}");
    let told = shell.shown() + &shell.out();
    assert!(!told.contains(crate::shell::ASKED), "{told}");
    assert!(told.contains(reason), "{line}: {reason}: {told}");
    assert_eq!(shell.netrc(), "");
}

#[test]
fn unsuitable_terminals_are_refused() {
    let both: &[(&str, &str)] = &[];
    for (variables, options, flags, reason) in [
        (&[("TERM", "dumb")][..], "", 0, "TERM is `dumb`"),
        (&[("WANDB_SILENT", "true")], "", 0, "silent"),
        (both, " --no-prompt", 4, "prompting is disabled"),
        (
            &[("RANK", "1"), ("WORLD_SIZE", "2")],
            " --rank-aware",
            0,
            "rank 1 of 2 (RANK)",
        ),
        (both, " </dev/null", 0, "standard input is not a terminal"),
        (both, " <&-", 0, "standard input is not a terminal"),
        (
            both,
            " 2>\"$HOME/../err\"; cat \"$HOME/../err\"; false",
            0,
            "standard error is not a terminal",
        ),
    ] {
        refused(variables, &format!("wandb-login{options}"), reason);
        let redirection = options.strip_prefix(" --").map_or(options, |_| "");
        let (redirection, rest) = redirection.split_once(';').unwrap_or((redirection, "true"));
        let rest = if rest == "true" {
            String::new()
        } else {
            format!(";{rest}")
        };
        refused(
            variables,
            &format!("prompt login flags={flags}{redirection}{rest}"),
            reason,
        );
    }
    refused(&[], "prompt login flags=32", "silent");
}

#[test]
fn the_sentence_says_what_to_do() {
    for remedy in ["WANDB_API_KEY", "wandb-login", "WANDB_API_KEY_FILE"] {
        refused(&[("TERM", "dumb")], "prompt login", remedy);
    }
}

#[test]
fn a_silent_pipe_does_not_block() {
    refused(
        &[],
        "mkfifo pipe; prompt login <>pipe",
        "standard input is not a terminal",
    );
}

#[test]
fn in_the_background_the_prompt_is_refused_and_not_stopped() {
    for line in ["wandb-login", "prompt login"] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        // dash gives a background job /dev/null unless it is told otherwise.
        shell.run_as_typed(&format!("{line} </dev/tty & wait $!"));
        assert_eq!(shell.exit(), 1);
        let told = shell.shown() + &shell.out();
        assert!(told.contains("in the background of its terminal"), "{told}");
    }
}

/// Without a terminal at all.
fn without_terminal(prepare: impl FnOnce(&mut Command), reason: &str) {
    let home = Home::new();
    let mut command = home.wandb_login(&[]);
    prepare(&mut command);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let run = Run::from(child.wait_with_output().expect("its end"));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains(reason), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_silent_pipe_a_closed_descriptor_and_no_session() {
    let reason = "standard input is not a terminal";
    let (_stays_open, reader) = {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        (writer, reader)
    };
    without_terminal(
        |command| {
            command.stdin(reader);
        },
        reason,
    );
    without_terminal(|_| {}, reason);
    // SAFETY: system calls that may follow a fork.
    without_terminal(
        // SAFETY: `close` is async-signal-safe.
        |command| unsafe {
            command.pre_exec(|| {
                libc::close(0);
                Ok(())
            });
        },
        reason,
    );
    without_terminal(
        // SAFETY: `setsid` is async-signal-safe.
        |command| unsafe {
            command.pre_exec(|| {
                libc::setsid();
                Ok(())
            });
        },
        reason,
    );
}

#[test]
fn a_terminal_of_another_session() {
    refused(&[], "setsid -w prompt login", "no controlling terminal");
}
