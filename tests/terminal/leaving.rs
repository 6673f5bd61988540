//! Every end of the prompt: the terminal is restored (`Shell::exit` compares its
//! attributes), typed text is not shown, and stored keys stay.

use std::os::unix::process::ExitStatusExt;

use crate::pty;
use crate::shell::{CANARY, OLD, Shell};

/// What the programs are: the command line, and a host program that is told.
const COMMAND_LINE: &str = "wandb-login --relogin";
const PROGRAM: &str = "prompt login flags=3";

/// A shell with an old key, at the open prompt of a program.
fn at_the_prompt(line: &str, variables: &[(&str, &str)]) -> Option<Shell> {
    let mut shell = Shell::new(variables)?.with_netrc(OLD);
    shell.run(line);
    shell.asked();
    // Half a key: it must be neither shown nor left for the shell to run.
    shell.pty.send(&CANARY[..20]);
    Some(shell)
}

fn nothing_happened(shell: &mut Shell) {
    shell.stored(OLD);
    // The shell is alive, and has no typed characters waiting.
    shell.run_as_typed("true");
    assert_eq!(shell.exit(), 0);
}

#[test]
fn keys_that_interrupt_give_an_error_and_do_not_end_the_process() {
    for (key, name) in [("\x03", "Ctrl-C"), ("\x1c", "Ctrl-\\")] {
        let Some(mut shell) = at_the_prompt(COMMAND_LINE, &[]) else {
            return;
        };
        shell.pty.send(key);
        assert_eq!(shell.exit(), 130, "{name}");
        assert!(shell.shown().contains("The prompt was interrupted."));
        nothing_happened(&mut shell);

        let Some(mut shell) = at_the_prompt(PROGRAM, &[]) else {
            return;
        };
        shell.pty.send(key);
        assert_eq!(shell.exit(), 1, "{name}");
        let out = shell.out();
        assert_eq!(
            out, "status -5\nwhy: The prompt was interrupted.\nlived on\n",
            "{name}"
        );
        nothing_happened(&mut shell);
    }
}

#[test]
fn ctrl_d_ends_it() {
    for (line, code) in [(COMMAND_LINE, 1), (PROGRAM, 1)] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        shell.run(line);
        shell.asked();
        shell.pty.send("\x04");
        assert_eq!(shell.exit(), code);
        assert!((shell.shown() + &shell.out()).contains("End of input before a key was entered."));
        assert_eq!(shell.netrc(), "");
    }
}

#[test]
fn ctrl_d_twice_behind_text_enters_it() {
    let Some(mut shell) = Shell::new(&[]) else {
        return;
    };
    shell.run("wandb-login");
    shell.asked();
    shell.pty.send(format!("{CANARY}\x04\x04"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
}

#[test]
fn the_same_keys_end_the_menu() {
    for (keys, status, code) in [
        ("\x03", "-5", 1),
        ("\x1c", "-5", 1),
        ("\x04", "-5", 1),
        ("3\r", "1", 1),
    ] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        shell.run("prompt login");
        shell.pty.expect("Enter your choice: ");
        shell.pty.send(keys);
        assert_eq!(shell.exit(), code);
        assert!(
            shell.out().starts_with(&format!("status {status}\n")),
            "{}",
            shell.out()
        );
        assert!(shell.out().ends_with("lived on\n"));
    }
}

#[test]
fn a_time_limit_covers_the_hidden_prompt_wherever_it_comes_from() {
    let settings = "[default]\nlogin_timeout = 0.3\n";
    for (name, line, variable, file) in [
        (
            "--timeout",
            "wandb-login --relogin --timeout 0.3",
            None,
            None,
        ),
        ("WANDB_LOGIN_TIMEOUT", COMMAND_LINE, Some("0.3"), None),
        (
            "login_timeout, user's",
            COMMAND_LINE,
            None,
            Some("home/.config/wandb/settings"),
        ),
        (
            "login_timeout, workspace's",
            COMMAND_LINE,
            None,
            Some("cwd/wandb/settings"),
        ),
        (
            "prompt_timeout_ms",
            "prompt login flags=3 timeout=300",
            None,
            None,
        ),
        (
            "the option goes before the variable",
            "prompt login flags=3 timeout=300",
            Some("86400"),
            None,
        ),
    ] {
        let variables: Vec<_> = variable
            .map(|value| ("WANDB_LOGIN_TIMEOUT", value))
            .into_iter()
            .collect();
        let Some(shell) = Shell::new(&variables) else {
            return;
        };
        let mut shell = shell.with_netrc(OLD);
        if let Some(file) = file {
            shell.home.write(file, settings);
        }
        shell.run(line);
        shell.pty.expect(crate::shell::ASKED);
        assert_eq!(shell.exit(), 1, "{name}");
        let told = shell.shown() + &shell.out();
        assert!(
            told.contains("W&B disabled due to login timeout."),
            "{name}: {told}"
        );
        nothing_happened(&mut shell);
    }
}

#[test]
fn a_time_limit_covers_the_menu_which_names_it() {
    let Some(mut shell) = Shell::new(&[("WANDB_LOGIN_TIMEOUT", "1")]) else {
        return;
    };
    shell.run("prompt login");
    shell.pty.expect("Enter your choice: (1 second timeout) ");
    assert_eq!(shell.exit(), 1);
    assert!(
        shell
            .out()
            .starts_with("status -5\nwhy: W&B disabled due to login timeout.")
    );
}

#[test]
fn no_time_limit_goes_before_a_configured_one() {
    let Some(mut shell) = Shell::new(&[("WANDB_LOGIN_TIMEOUT", "0.2")]) else {
        return;
    };
    shell.run("prompt login flags=2 timeout=4294967295");
    shell.asked();
    std::thread::sleep(std::time::Duration::from_millis(500));
    shell.pty.send(format!("{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    shell.stored(CANARY);
}

#[test]
fn the_program_can_cancel() {
    let Some(mut shell) = at_the_prompt("prompt login flags=3 cancel=9", &[]) else {
        return;
    };
    assert_eq!(shell.exit(), 1);
    assert!(shell.out().starts_with("status -11\n"), "{}", shell.out());
    nothing_happened(&mut shell);
}

#[test]
fn signals_from_other_processes_restore_the_terminal_before_they_end_the_process() {
    let signals = [
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGINT,
        libc::SIGALRM,
        libc::SIGPIPE,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGABRT,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGXCPU,
        libc::SIGXFSZ,
    ];
    for (line, name) in [(COMMAND_LINE, "wandb-login"), (PROGRAM, "prompt")] {
        for signal in signals {
            // Rust's start-up ignores SIGPIPE, so it ends nothing there.
            if (name, signal) == ("wandb-login", libc::SIGPIPE) {
                continue;
            }
            let Some(mut shell) = at_the_prompt(line, &[]) else {
                return;
            };
            pty::kill(shell.pid(name), signal);
            assert_eq!(shell.exit(), 128 + signal, "signal {signal} to {name}");
            nothing_happened(&mut shell);
        }
    }
}

#[test]
fn a_handler_of_the_host_is_not_changed() {
    let Some(mut shell) = at_the_prompt("prompt login flags=3 handlers=1", &[]) else {
        return;
    };
    let pid = shell.pid("prompt");
    pty::kill(pid, libc::SIGTERM);
    pty::kill(pid, libc::SIGINT);
    // It does nothing, and so the prompt goes on.
    shell.pty.send(format!("\x15{CANARY}\r"));
    assert_eq!(shell.exit(), 0);
    assert!(!shell.out().contains("changed"), "{}", shell.out());
    shell.stored(CANARY);
}

#[test]
fn ctrl_z_and_fg() {
    for line in [COMMAND_LINE, PROGRAM] {
        let Some(mut shell) = at_the_prompt(line, &[]) else {
            return;
        };
        shell.pty.send("\x1a");
        assert_eq!(
            shell.exit(),
            128 + libc::SIGTSTP,
            "stopped; the terminal is the shell's"
        );
        assert!(shell.pty.echoes());
        shell.run_as_typed("fg");
        shell.asked();
        // What was typed before the stop is gone.
        shell.pty.send(format!("{CANARY}\r"));
        assert_eq!(shell.exit(), 0);
        shell.stored(CANARY);
        assert!(!shell.out().contains("changed"), "{}", shell.out());
    }
}

#[test]
fn a_stop_from_outside_and_fg() {
    for signal in [libc::SIGTSTP, libc::SIGSTOP] {
        let Some(shell) = Shell::new(&[]) else {
            return;
        };
        let mut shell = shell.with_netrc(OLD);
        shell.run(COMMAND_LINE);
        shell.asked();
        pty::kill(shell.pid("wandb-login"), signal);
        if signal == libc::SIGTSTP {
            assert_eq!(shell.exit(), 128 + signal);
        } else {
            // It cannot be caught: the terminal stays as it is, as with every
            // program, until the user types `fg` and Ctrl-J unseen.
            shell.pty.expect("dash> ");
        }
        shell.pty.send("fg\n");
        shell.asked();
        shell.pty.send(format!("{CANARY}\r"));
        assert_eq!(shell.exit(), 0);
        shell.stored(CANARY);
    }
}

#[test]
fn killed_while_stopped_the_terminal_stays_with_the_shell() {
    let Some(mut shell) = at_the_prompt(COMMAND_LINE, &[]) else {
        return;
    };
    shell.pty.send("\x1a");
    assert_eq!(shell.exit(), 128 + libc::SIGTSTP);
    let pid = shell.pid("wandb-login");
    pty::kill(pid, libc::SIGTERM);
    shell.run_as_typed("fg");
    assert_eq!(shell.exit(), 128 + libc::SIGTERM);
    nothing_happened(&mut shell);
}

#[test]
fn every_disposition_and_descriptor_is_as_before() {
    for (keys, code) in [
        (format!("{CANARY}\r"), 0),
        ("\x03".into(), 1),
        ("\x04".into(), 1),
    ] {
        let Some(mut shell) = Shell::new(&[]) else {
            return;
        };
        shell.run("prompt login flags=2");
        shell.asked();
        shell.pty.send(keys);
        assert_eq!(shell.exit(), code);
        assert!(!shell.out().contains("changed"), "{}", shell.out());
    }
}

#[test]
fn a_closed_terminal_ends_it() {
    let Some(mut shell) = at_the_prompt("exec prompt login flags=3", &[]) else {
        return;
    };
    // The program took the shell's place, so it is the one that is hung up.
    let status = shell.hang_up();
    assert_eq!(status.signal(), Some(libc::SIGHUP), "{status}");
}
