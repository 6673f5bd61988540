//! The scenes: what the program on the pseudo-terminal does.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::{Answer, Deadline, Question, run};
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::log::Style;
use crate::options::PromptRequest;

/// Runs the scene that the environment names. The test runner names none.
#[test]
fn program() {
    let Some(scene) = std::env::var_os("SCENE") else {
        return;
    };
    write("pid", &format!("{}\n", std::process::id()));
    let outcome = match scene.to_str() {
        Some("ask") => text_of(ask_with(&|| false)),
        Some("cancel") => text_of(ask_with(&|| path("cue").exists())),
        Some("panic") => panicking(),
        Some("twice") => twice(),
        Some("host") => host(),
        Some("late handler") => late_handler(),
        Some("ignoring hangups") => {
            set_handler(libc::SIGHUP, libc::SIG_IGN);
            text_of(ask_with(&|| false))
        }
        Some("default signals") => {
            set_handler(libc::SIGPIPE, libc::SIG_DFL); // Rust programs ignore it
            text_of(ask_with(&|| false))
        }
        Some("fork") => fork(),
        scene => panic!("no such scene: {scene:?}"),
    };
    write("outcome", &outcome);
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("DIR").expect("DIR")).join(name)
}

fn write(name: &str, text: &str) {
    // Renamed, so that a reader never sees a part of the file.
    let aside = path(&format!("{name}.new"));
    std::fs::write(&aside, text).expect("a file");
    std::fs::rename(aside, path(name)).expect("a new name");
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

fn ask_with(cancel: &dyn Fn() -> bool) -> Result<Answer> {
    let problem = std::env::var("PROBLEM").ok();
    let limit = std::env::var("LIMIT_MS").ok().map(|text| {
        let length = Duration::from_millis(text.parse().expect("a number"));
        Deadline {
            length,
            until: Instant::now() + length,
        }
    });
    let request = PromptRequest {
        server: "https://api.wandb.ai",
        server_source: "the default",
        authorize_url: "https://app.example/authorize?ref=models",
        signup_url: "https://app.example/authorize?signup=true&ref=models",
        may_offline: set("OFFLINE"),
        may_anonymous: set("ANONYMOUS"),
        attempt: 1,
        remaining: None,
        problem: problem.as_deref(),
    };
    run(&Question {
        request: &request,
        name_server: set("NAMED"),
        warnings: &[],
        cloud: set("CLOUD"),
        may_create: set("CREATE"),
        dumb: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        style: Style {
            color: set("COLOR"),
        },
        limit,
        cancel,
    })
}

fn text_of(outcome: Result<Answer>) -> String {
    match outcome {
        Ok(Answer::Key(line)) => {
            let parsed = ApiKey::parse(line.as_bytes());
            let key = parsed.map_or(line, |parsed| parsed.key.secret().clone());
            format!("key {}", String::from_utf8_lossy(key.as_bytes()))
        }
        Ok(other) => format!("{other:?}"),
        Err(Error::Prompt(text)) => format!("prompt: {text}"),
        Err(Error::Interrupted(text)) => format!("interrupted: {text}"),
        Err(Error::NotConfigured(text)) => format!("not configured: {text}"),
        Err(Error::Cancelled(text)) => format!("cancelled: {text}"),
        Err(other) => format!("unexpected: {other:?}"),
    }
}

fn panicking() -> String {
    let result = std::panic::catch_unwind(|| {
        ask_with(&|| {
            assert!(!path("cue").exists(), "as the scene wants");
            false
        })
    });
    match result {
        Ok(outcome) => text_of(outcome),
        Err(_) => "panicked".to_owned(),
    }
}

/// A second prompt on another thread while the first is open, and a third one
/// after it.
fn twice() -> String {
    let second = Cell::new(None);
    let first = ask_with(&|| {
        let asked = second.take();
        let asked = asked.unwrap_or_else(|| {
            let thread = std::thread::spawn(|| text_of(ask_with(&|| false)));
            thread.join().expect("an answer")
        });
        second.set(Some(asked));
        false
    });
    let second = second.take().unwrap_or_default();
    let third = ask_with(&|| false);
    format!("{}\n{second}\n{}", text_of(first), text_of(third))
}

/// A host program with handlers for SIGTERM and SIGTSTP, and a signal mask.
fn host() -> String {
    extern "C" fn handler(signal: libc::c_int) {
        assert!(signal == libc::SIGTERM || signal == libc::SIGTSTP);
    }
    let handler = handler as extern "C" fn(libc::c_int) as usize;
    set_handler(libc::SIGTERM, handler);
    set_handler(libc::SIGTSTP, handler);
    // SAFETY: the set is initialised by `sigemptyset`.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTTIN);
        libc::sigaddset(&mut set, libc::SIGUSR2);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
    let before = signal_state();
    let outcome = text_of(ask_with(&|| false));
    let same = before == signal_state();
    format!("{outcome}\nsignals as before: {same}")
}

/// A host program that sets a handler during the prompt.
fn late_handler() -> String {
    extern "C" fn handler(_: libc::c_int) {}
    let handler = handler as extern "C" fn(libc::c_int) as usize;
    let before = signal_state();
    let outcome = text_of(ask_with(&|| {
        set_handler(libc::SIGUSR1, handler);
        false
    }));
    let kept = disposition(libc::SIGUSR1).sa_sigaction == handler;
    set_handler(libc::SIGUSR1, libc::SIG_DFL);
    let same = before == signal_state();
    format!("{outcome}\nkept: {kept}\nothers as before: {same}")
}

/// A child is forked during the prompt and then killed.
fn fork() -> String {
    let child = Cell::new(0);
    let outcome = text_of(ask_with(&|| {
        if child.get() == 0 {
            // SAFETY: the child does nothing but wait for a signal.
            match unsafe { libc::fork() } {
                0 => loop {
                    // SAFETY: a system call without preconditions.
                    unsafe { libc::pause() };
                },
                pid => child.set(pid),
            }
            write("child", &format!("{}\n", child.get()));
        }
        false
    }));
    let mut status = 0;
    // SAFETY: waits for the child from above.
    unsafe { libc::waitpid(child.get(), &mut status, 0) };
    format!("{outcome}\nchild ended by {}", libc::WTERMSIG(status))
}

fn set_handler(signal: libc::c_int, handler: usize) {
    // SAFETY: the handlers of this file call nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

fn disposition(signal: libc::c_int) -> libc::sigaction {
    // SAFETY: only fills the zeroed struct.
    unsafe {
        let mut found = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut found);
        found
    }
}

/// Every disposition, as handler, flags and mask, and this thread's mask.
fn signal_state() -> Vec<(usize, libc::c_int, Vec<bool>)> {
    fn members(set: &libc::sigset_t) -> Vec<bool> {
        // SAFETY: the system has filled the set.
        let is_member = |signal| unsafe { libc::sigismember(set, signal) == 1 };
        (1..32).map(is_member).collect()
    }
    // The C library adds this flag to every disposition.
    let restorer = if cfg!(target_os = "linux") {
        0x0400_0000
    } else {
        0
    };
    let mut state: Vec<_> = (1..32)
        .map(disposition)
        .map(|d| (d.sa_sigaction, d.sa_flags & !restorer, members(&d.sa_mask)))
        .collect();
    // SAFETY: only fills the zeroed set.
    let mask = unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
        mask
    };
    state.push((0, 0, members(&mask)));
    state
}
