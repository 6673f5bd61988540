//! Restores the terminal when a signal from another process ends or stops this
//! process while a prompt is open.
//!
//! The host program may have threads and signal handlers. Therefore:
//!
//! * Only signals with their default disposition are caught. Handlers run on
//!   the alternate signal stack if the thread has one.
//! * A signal that ends the process restores the terminal at once, on any
//!   thread, and then has its default effect.
//! * A signal that stops the process sets a flag. The thread that prompts
//!   restores the terminal and stops the process.
//! * At the end of the prompt each disposition is restored, unless the host
//!   program has changed it during the prompt.
//!
//! A child that is forked during the prompt inherits the handlers but not the
//! prompt. In the child the handlers only have the default effect.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use libc::{c_int, sigaction, sigset_t};

use super::unix::Takeover;

/// Signals that end a process and that another process, a timer or a limit may
/// send. Signals of a crash are not caught, so that a core dump shows the crash
/// itself.
const ENDING: [c_int; 13] = [
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
];

/// The id of the process that has a prompt open; 0 if there is none. A flag
/// would also be set in a child that is forked during the prompt.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// Set by the handlers, read by the thread that prompts.
static STOP_REQUESTED: AtomicBool = AtomicBool::new(false);
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// What a handler needs to restore the terminal.
#[derive(Default)]
pub(super) struct State {
    pub takeover: Option<Takeover>,
    /// A signal is ending the process: the terminal must stay restored.
    pub dying: bool,
}

struct Shared {
    locked: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: the state is reached only through `with_state`, one thread at a time.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    locked: AtomicBool::new(false),
    state: UnsafeCell::new(State {
        takeover: None,
        dying: false,
    }),
};

/// Runs `f` with exclusive access to the state. A signal handler may call it:
/// a thread that holds the lock has all signals blocked, so a handler never
/// waits for the code that it interrupted. `f` must not block.
pub(super) fn with_state<R>(f: impl FnOnce(&mut State) -> R) -> R {
    let before = block(&all_signals());
    while SHARED.locked.swap(true, SeqCst) {
        std::hint::spin_loop();
    }
    // SAFETY: the lock makes this the only reference.
    let result = f(unsafe { &mut *SHARED.state.get() });
    SHARED.locked.store(false, SeqCst);
    set_mask(&before);
    result
}

/// The only open prompt of the process, with the dispositions to restore.
pub(super) struct Guard {
    caught: Vec<(c_int, sigaction)>,
    /// The signals of job control that this thread did not block before.
    unblock: sigset_t,
}

impl Guard {
    /// Catches the signals. `None` if a prompt of this process is open.
    pub(super) fn install() -> Option<Guard> {
        let me = std::process::id() as i32;
        let owner = OWNER.load(SeqCst);
        if owner == me || OWNER.compare_exchange(owner, me, SeqCst, SeqCst).is_err() {
            return None;
        }
        if owner != 0 {
            // This process was forked during a prompt of its parent. A thread
            // that held the lock then does not exist here.
            SHARED.locked.store(false, SeqCst);
        }
        with_state(|state| *state = State::default());
        STOP_REQUESTED.store(false, SeqCst);
        CONTINUED.store(false, SeqCst);

        let mut caught = Vec::with_capacity(ENDING.len() + 2);
        let flagged = [libc::SIGTSTP, libc::SIGCONT];
        for (signals, handler) in [(&ENDING[..], on_end as Handler), (&flagged[..], on_flagged)] {
            for &signal in signals {
                let found = disposition(signal);
                if found.sa_sigaction == libc::SIG_DFL || is_ours(&found) {
                    caught.push((signal, found));
                    set_disposition(signal, &action(handler as usize));
                }
            }
        }

        // Reading from the terminal or setting it in the background would stop
        // the process. With these signals blocked, reading fails and setting
        // succeeds.
        let job_signals = set_of(&[libc::SIGTTIN, libc::SIGTTOU]);
        let before = block(&job_signals);
        let free = [libc::SIGTTIN, libc::SIGTTOU]
            .into_iter()
            .filter(|&signal| !contains(&before, signal))
            .collect::<Vec<_>>();
        Some(Guard {
            caught,
            unblock: set_of(&free),
        })
    }

    pub(super) fn take_stop_request(&self) -> bool {
        STOP_REQUESTED.swap(false, SeqCst)
    }

    pub(super) fn take_continued(&self) -> bool {
        CONTINUED.swap(false, SeqCst)
    }

    /// Stops the process as an uncaught SIGTSTP does. With `group` it stops the
    /// whole foreground group, as Ctrl-Z does: a shell script that runs the
    /// program stops too. Returns when the process is continued.
    pub(super) fn stop(&self, group: bool) {
        let ours = |signal: &c_int| is_ours(&disposition(*signal));
        if !ours(&libc::SIGTSTP) {
            // The host program has a handler, which may run on another thread,
            // or ignores the signal.
            if group {
                send_to_group(libc::SIGTSTP);
                std::thread::sleep(super::TICK);
            }
            return;
        }
        let flagged: Vec<c_int> = [libc::SIGTSTP, libc::SIGCONT]
            .into_iter()
            .filter(ours)
            .collect();
        if group {
            // Ignored in this process: this thread stops it below, and a second
            // stop on another thread must not follow.
            set_disposition(libc::SIGTSTP, &action(libc::SIG_IGN));
            send_to_group(libc::SIGTSTP);
        }
        for &signal in &flagged {
            set_disposition(signal, &action(libc::SIG_DFL));
        }
        // `raise` sends the signal to this thread: the process stops in `raise`.
        let stop = set_of(&[libc::SIGTSTP]);
        // SAFETY: plain system calls on signal sets that outlive them.
        unsafe {
            let mut before = MaybeUninit::uninit();
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &stop, before.as_mut_ptr());
            libc::raise(libc::SIGTSTP);
            set_mask(&before.assume_init());
        }
        for &signal in &flagged {
            set_disposition(signal, &action(on_flagged as Handler as usize));
        }
        STOP_REQUESTED.store(false, SeqCst);
        CONTINUED.store(false, SeqCst);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for (signal, found) in &self.caught {
            // A handler that the host program set during the prompt stays.
            if is_ours(&disposition(*signal)) {
                set_disposition(*signal, found);
            }
        }
        // SAFETY: a plain system call on a set that outlives it.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &self.unblock, std::ptr::null_mut()) };
        OWNER.store(0, SeqCst);
    }
}

type Handler = extern "C" fn(c_int);

/// Restores the terminal and gives the signal its default effect. The effect
/// comes when this returns, because the signal is blocked until then.
extern "C" fn on_end(signal: c_int) {
    if is_owner() {
        with_state(|state| {
            state.dying = true;
            if let Some(takeover) = state.takeover.take() {
                takeover.undo();
            }
        });
    }
    default_effect(signal);
}

extern "C" fn on_flagged(signal: c_int) {
    if !is_owner() {
        if signal == libc::SIGTSTP {
            default_effect(signal);
        }
        return;
    }
    match signal {
        libc::SIGTSTP => STOP_REQUESTED.store(true, SeqCst),
        _ => CONTINUED.store(true, SeqCst),
    }
}

fn is_owner() -> bool {
    // SAFETY: `getpid` has no preconditions.
    OWNER.load(SeqCst) == unsafe { libc::getpid() }
}

fn default_effect(signal: c_int) {
    set_disposition(signal, &action(libc::SIG_DFL));
    // SAFETY: `raise` has no preconditions and may be called in a handler.
    unsafe { libc::raise(signal) };
}

fn is_ours(found: &sigaction) -> bool {
    [on_end as Handler as usize, on_flagged as Handler as usize].contains(&found.sa_sigaction)
}

/// All signals are blocked while a handler runs. SA_RESTART: interrupted system
/// calls of other threads continue. SA_ONSTACK: a thread with a small stack uses
/// its alternate signal stack, which Go requires.
fn action(handler: usize) -> sigaction {
    // SAFETY: `sigaction` is a C struct for which all zeros is a valid value.
    let mut action: sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_mask = all_signals();
    action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
    action
}

fn disposition(signal: c_int) -> sigaction {
    let mut found = action(libc::SIG_IGN);
    // SAFETY: with a null new action this only fills `found`; it cannot fail
    // for the signals of this file.
    unsafe { sigaction(signal, std::ptr::null(), &mut found) };
    found
}

fn set_disposition(signal: c_int, action: &sigaction) {
    // SAFETY: the handlers of this file take one `int`, as without
    // SA_SIGINFO, and call only what a handler may call; any other action is
    // one that the process had before.
    unsafe { sigaction(signal, action, std::ptr::null_mut()) };
}

fn send_to_group(signal: c_int) {
    // SAFETY: `kill` has no preconditions; 0 is the caller's own group.
    unsafe { libc::kill(0, signal) };
}

fn all_signals() -> sigset_t {
    // SAFETY: `sigfillset` initialises the set.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn set_of(signals: &[c_int]) -> sigset_t {
    // SAFETY: `sigemptyset` initialises the set.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        let mut set = set.assume_init();
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

fn contains(set: &sigset_t, signal: c_int) -> bool {
    // SAFETY: the set is initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

/// Blocks these signals on this thread, and returns the previous mask.
fn block(signals: &sigset_t) -> sigset_t {
    // SAFETY: both sets outlive the call, which fills `before`.
    unsafe {
        let mut before = MaybeUninit::uninit();
        libc::pthread_sigmask(libc::SIG_BLOCK, signals, before.as_mut_ptr());
        before.assume_init()
    }
}

fn set_mask(mask: &sigset_t) {
    // SAFETY: the set is initialised and outlives the call.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
}

/// The error where a signal is ending the process.
pub(super) fn dying() -> io::Error {
    io::Error::other("a signal is ending the process")
}
