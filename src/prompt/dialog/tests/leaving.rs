//! How a prompt ends, and where no prompt is possible. In each case the terminal
//! has the same attributes afterwards.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;

use super::{ASKED, KEY, Stage, pty};

/// The outcome of keys that end the hidden prompt.
fn pressed(keys: &str) -> String {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send(keys);
    let outcome = stage.outcome();
    assert!(!stage.pty.seen().contains("abc"));
    outcome
}

#[test]
fn ctrl_c_and_ctrl_backslash_interrupt() {
    for keys in ["\x03", "abc\x03", "\x1c"] {
        assert_eq!(pressed(keys), "interrupted: The prompt was interrupted.");
    }
}

#[test]
fn ctrl_d_ends() {
    assert_eq!(
        pressed("\x04"),
        "prompt: End of input before a key was entered."
    );
}

#[test]
fn the_same_keys_end_the_menu() {
    for (keys, outcome) in [
        ("\x03", "interrupted: The prompt was interrupted."),
        ("\x04", "prompt: End of input before a key was entered."),
    ] {
        let mut stage = Stage::new("ask", &[("OFFLINE", "1")]);
        stage.pty.expect("Enter your choice: ");
        assert!(!stage.pty.echoes());
        stage.pty.send(keys);
        assert_eq!(stage.outcome(), outcome);
    }
}

#[test]
fn changed_signal_characters_work() {
    let pty = pty::Pty::open();
    pty.change(|attributes| attributes.c_cc[libc::VINTR] = 0x0b);
    let dir = super::TempDir::new();
    let mut command = super::program("ask", &[], dir.path());
    pty.attach(&mut command);
    let mut stage = Stage::start(pty, dir, command);
    stage.asked();
    stage.pty.send("\x0b");
    assert_eq!(stage.outcome(), "interrupted: The prompt was interrupted.");
}

#[test]
fn the_time_limit_covers_the_hidden_prompt() {
    let mut stage = Stage::new("ask", &[("LIMIT_MS", "300")]);
    stage.pty.expect(ASKED);
    stage.pty.send("abc");
    assert_eq!(
        stage.outcome(),
        "prompt: W&B disabled due to login timeout."
    );
}

#[test]
fn the_time_limit_covers_the_menu_and_is_named_there() {
    for (limit, text) in [
        ("0", "(0 second timeout) \r\n"),
        ("1000", "(1 second timeout) \r\n"),
    ] {
        let mut stage = Stage::new("ask", &[("OFFLINE", "1"), ("LIMIT_MS", limit)]);
        stage.pty.expect("wandb: Enter your choice: ");
        stage.pty.expect(text);
        assert_eq!(
            stage.outcome(),
            "prompt: W&B disabled due to login timeout."
        );
    }
}

#[test]
fn the_program_can_cancel() {
    let mut stage = Stage::new("cancel", &[]);
    stage.asked();
    stage.give_cue();
    assert_eq!(
        stage.outcome(),
        "cancelled: The prompt was cancelled by the program."
    );
}

#[test]
fn a_panic_restores_the_terminal() {
    let mut stage = Stage::new("panic", &[]);
    stage.asked();
    stage.give_cue();
    assert_eq!(stage.outcome(), "panicked");
}

#[test]
fn an_ignored_hangup_ends_the_prompt() {
    let mut stage = Stage::with("ignoring hangups", &[], |command| {
        command.stdout(Stdio::null()); // the test runner writes there at its end
    });
    stage.asked();
    let unplugged = std::mem::replace(&mut stage.pty, pty::Pty::open());
    unplugged.hang_up();
    assert!(pty::wait(&mut stage.child).success());
    assert_eq!(
        stage.read("outcome"),
        "prompt: The terminal was closed during the prompt."
    );
}

#[test]
fn signals_that_end_the_process_restore_the_terminal_first() {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGALRM,
        libc::SIGPIPE,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGABRT,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGXCPU,
        libc::SIGXFSZ,
    ] {
        let mut stage = Stage::new("default signals", &[]);
        stage.asked();
        pty::kill(stage.child.id(), signal);
        let status = pty::wait(&mut stage.child);
        assert_eq!(status.signal(), Some(signal), "the signal keeps its effect");
        stage.is_restored();
    }
}

#[test]
fn handlers_and_mask_of_the_host_are_kept() {
    let mut stage = Stage::new("host", &[]);
    stage.asked();
    pty::kill(stage.child.id(), libc::SIGTERM);
    pty::kill(stage.child.id(), libc::SIGTSTP);
    stage.pty.send("\x1a");
    stage.pty.expect(ASKED); // its handler does not stop the process
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(
        stage.outcome(),
        format!("key {KEY}\nsignals as before: true")
    );
}

#[test]
fn a_handler_set_during_the_prompt_stays() {
    let mut stage = Stage::new("late handler", &[]);
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(
        stage.outcome(),
        format!("key {KEY}\nkept: true\nothers as before: true")
    );
}

#[test]
fn a_forked_child_is_killed_without_touching_the_terminal() {
    let mut stage = Stage::new("fork", &[]);
    stage.asked();
    pty::kill(stage.pid("child"), libc::SIGTERM);
    let child = stage.pid("child");
    pty::wait_until("the child is dead", || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    assert!(!stage.pty.echoes());
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), format!("key {KEY}\nchild ended by 15"));
}

#[test]
fn one_prompt_at_a_time() {
    let mut stage = Stage::new("twice", &[]);
    stage.asked();
    stage.pty.send("first\r");
    stage.asked();
    stage.pty.send("third\r");
    assert_eq!(
        stage.outcome(),
        "key first\nprompt: Another prompt of this process is open.\nkey third"
    );
}

/// Has the shell continue the program, and answers its prompt.
fn answer_after(stage: &mut Stage, command: &str) {
    stage.pty.send(format!("{command}\n"));
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    stage.pty.expect("dash> ");
}

/// Stops the prompt in one of two ways and checks that it comes back.
fn stopped_and_continued(stop: impl Fn(&mut Stage)) {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    for _ in 0..3 {
        stage.pty.send("typed before the stop");
        stop(&mut stage);
        stage.expect_stopped();
        stage.pty.expect("dash> ");
        stage.is_restored();
        stage.pty.send("fg\n");
        stage.asked();
    }
    stage.pty.send(format!("{KEY}\r"));
    stage.pty.expect("dash> ");
    stage.is_restored();
    assert_eq!(stage.read("outcome"), format!("key {KEY}"));
    assert!(!stage.pty.seen().contains("typed before"));
}

#[test]
fn ctrl_z_and_fg() {
    stopped_and_continued(|stage| stage.pty.send("\x1a"));
}

#[test]
fn sigtstp_from_outside_and_fg() {
    stopped_and_continued(|stage| {
        pty::kill(stage.pid("pid"), libc::SIGTSTP);
    });
}

#[test]
fn ctrl_z_also_stops_the_script_that_runs_the_program() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage
        .pty
        .send("sh -c 'eval \"$RUN\"; echo script en''ded'\n");
    stage.asked();
    stage.pty.send("\x1a");
    stage.expect_stopped();
    stage.is_restored();
    stage.pty.send("fg\n");
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    stage.pty.expect("script ended");
    stage.is_restored();
    assert_eq!(stage.read("outcome"), format!("key {KEY}"));
}

#[test]
fn ctrl_z_in_an_orphaned_process_group_prompts_again() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send("\x1a");
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), format!("key {KEY}"));
}

#[test]
fn a_stop_that_cannot_be_caught_is_noticed_afterwards() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    pty::kill(stage.pid("pid"), libc::SIGSTOP);
    stage.expect_stopped();
    answer_after(&mut stage, "stty sane; fg");
    assert!(stage.pty.echoes());
    assert_eq!(stage.read("outcome"), format!("key {KEY}"));
}

#[test]
fn in_the_background_the_terminal_is_restored_after_a_stop() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    pty::kill(stage.pid("pid"), libc::SIGSTOP);
    stage.expect_stopped();
    assert!(!stage.pty.echoes());
    stage.pty.send("bg\n");
    pty::wait_until("the terminal shows input", || stage.pty.echoes());
    stage.is_restored();
    answer_after(&mut stage, "fg");
    assert_eq!(stage.read("outcome"), format!("key {KEY}"));
}

#[test]
fn in_the_background_it_waits_for_the_foreground_without_stopping() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    stage.pty.send("\x1a");
    stage.expect_stopped();
    stage.pty.send("bg\n");
    stage.pty.expect("dash> ");
    stage.pty.send("echo shell''alive\n");
    stage.pty.expect("shellalive");
    stage.is_restored();
    answer_after(&mut stage, "fg");
    stage.is_restored();
    assert_eq!(stage.read("outcome"), format!("key {KEY}"));
}

#[test]
fn a_signal_while_stopped_ends_the_process() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    stage.pty.send("\x1a");
    stage.expect_stopped();
    pty::kill(stage.pid("pid"), libc::SIGTERM);
    stage.pty.send("fg; echo status $?\n");
    stage.pty.expect("status 143");
    stage.is_restored();
}

/// Checks that the prompt is refused at once, with the reason.
fn refused(mut stage: Stage, reason: &str) {
    let outcome = stage.outcome();
    assert!(
        outcome.starts_with("not configured: No API key configured"),
        "{outcome}"
    );
    assert!(outcome.contains(reason), "{outcome}");
    assert!(!stage.pty.seen().contains("wandb: "));
}

#[test]
fn a_silent_pipe_on_standard_input() {
    let stage = Stage::with("ask", &[], |command| {
        command.stdin(Stdio::piped());
    });
    refused(stage, "standard input is not a terminal");
}

#[test]
fn a_closed_standard_input() {
    let stage = Stage::with("ask", &[], |command| {
        // SAFETY: a system call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::close(0);
                Ok(())
            })
        };
    });
    refused(stage, "standard input is not a terminal");
}

#[test]
fn standard_error_in_a_file() {
    let stage = Stage::with("ask", &[], |command| {
        command.stderr(Stdio::null());
    });
    refused(stage, "standard error is not a terminal");
}

#[test]
fn a_dumb_terminal() {
    refused(Stage::new("ask", &[("TERM", "dumb")]), "TERM is `dumb`");
}

#[test]
fn no_controlling_terminal() {
    let stage = Stage::with("ask", &[], |command| {
        // SAFETY: system calls between fork and exec. The session leader gives
        // its terminal up, and a hangup would only tell it so.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGHUP, libc::SIG_IGN);
                match libc::ioctl(0, libc::TIOCNOTTY as _) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            })
        };
    });
    refused(stage, "no controlling terminal");
}

#[test]
fn in_the_background() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\" & wait; echo status $?\n");
    stage.pty.expect("status 0");
    stage.is_restored();
    let outcome = stage.read("outcome");
    assert!(outcome.contains("runs in the background"), "{outcome}");
}

#[test]
fn a_time_limit_is_rounded_as_python_rounds() {
    for (ms, seconds) in [(0, 0), (499, 0), (500, 0), (501, 1), (1500, 2), (2500, 2)] {
        let limit = std::time::Duration::from_millis(ms);
        assert_eq!(
            crate::prompt::dialog::whole_seconds(limit),
            seconds,
            "{ms} ms"
        );
    }
}
