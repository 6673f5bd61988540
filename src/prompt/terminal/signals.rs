//! What must happen to the terminal when a signal from outside ends or stops
//! the process while a prompt is open.
//!
//! The process belongs to someone else, with threads and signal handlers of its
//! own. So: only signals with their default disposition are caught, on the
//! stack that the thread may have set aside for that; an ending signal gives the
//! terminal back at once, on whichever thread it arrives, and then ends the
//! process as it would have; a stop is only noted, since the thread that
//! prompts can do it in order; and afterwards every disposition is the one
//! found, unless somebody else has set a new one meanwhile.
//!
//! A child forked while the prompt is open inherits the handlers but not the
//! prompt: there they act as if they were not installed.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use libc::{c_int, sigaction, sigset_t};

use super::unix::Takeover;

/// Signals that end a process and that another process, a timer or a limit may
/// send. Crashes are left alone: whoever examines one wants to see it unchanged.
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

/// The process that has a prompt open; 0 for none. Not a flag, because a child
/// forked meanwhile would inherit it set.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// Set by the handlers for the thread that prompts.
static STOP_ASKED: AtomicBool = AtomicBool::new(false);
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// What a handler needs to give the terminal back.
#[derive(Default)]
pub(super) struct State {
    pub takeover: Option<Takeover>,
    /// An ending signal has arrived: the terminal is not taken over any more.
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

/// Runs `f` alone with the state. Safe to call from a signal handler: whoever
/// holds the lock has all signals blocked, so a handler never waits for the
/// code that it interrupted, and `f` is a few system calls that never block.
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

/// One open prompt: the claim on the process's only one, and the dispositions
/// to put back.
pub(super) struct Guard {
    caught: Vec<(c_int, sigaction)>,
    /// Terminal signals that this thread did not block before.
    unblock: sigset_t,
}

impl Guard {
    /// Claims the prompt and catches the signals. None if one is open already.
    pub(super) fn install() -> Option<Guard> {
        let me = std::process::id() as i32;
        let owner = OWNER.load(SeqCst);
        if owner == me || OWNER.compare_exchange(owner, me, SeqCst, SeqCst).is_err() {
            return None;
        }
        if owner != 0 {
            // Forked out of a prompt. If a thread held the lock just then, it
            // does not exist here and will not open it.
            SHARED.locked.store(false, SeqCst);
        }
        with_state(|state| *state = State::default());
        STOP_ASKED.store(false, SeqCst);
        CONTINUED.store(false, SeqCst);

        let mut caught = Vec::with_capacity(ENDING.len() + 2);
        let noted = [libc::SIGTSTP, libc::SIGCONT];
        for (signals, handler) in [(&ENDING[..], on_end as Handler), (&noted[..], on_note)] {
            for &signal in signals {
                let found = disposition(signal);
                if found.sa_sigaction == libc::SIG_DFL || is_ours(&found) {
                    caught.push((signal, found));
                    set_disposition(signal, &action(handler as usize));
                }
            }
        }

        // In the background, reading would stop the process and so would
        // setting the terminal; with these blocked, reading fails and setting
        // works.
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

    pub(super) fn take_stop_asked(&self) -> bool {
        STOP_ASKED.swap(false, SeqCst)
    }

    pub(super) fn take_continued(&self) -> bool {
        CONTINUED.swap(false, SeqCst)
    }

    /// Stops the process as SIGTSTP would have without us, or with `group` as
    /// Ctrl-Z would have: the whole foreground group, so that a shell script
    /// around us stops as well. Returns when the process goes on.
    pub(super) fn stop(&self, group: bool) {
        let ours = |signal: &c_int| is_ours(&disposition(*signal));
        if !ours(&libc::SIGTSTP) {
            // The host has a handler, or ignores it. Let it do what it does,
            // perhaps on another thread.
            if group {
                send_to_group(libc::SIGTSTP);
                std::thread::sleep(super::TICK);
            }
            return;
        }
        let noted: Vec<c_int> = [libc::SIGTSTP, libc::SIGCONT]
            .into_iter()
            .filter(ours)
            .collect();
        if group {
            // Ignored here for the moment: the process must be stopped by this
            // thread, below, and not a second time by another one.
            set_disposition(libc::SIGTSTP, &action(libc::SIG_IGN));
            send_to_group(libc::SIGTSTP);
        }
        for &signal in &noted {
            set_disposition(signal, &action(libc::SIG_DFL));
        }
        // Directed to this thread, so the process stops inside `raise`.
        let stop = set_of(&[libc::SIGTSTP]);
        // SAFETY: plain system calls on signal sets that outlive them.
        unsafe {
            let mut before = MaybeUninit::uninit();
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &stop, before.as_mut_ptr());
            libc::raise(libc::SIGTSTP);
            set_mask(&before.assume_init());
        }
        for &signal in &noted {
            set_disposition(signal, &action(on_note as Handler as usize));
        }
        STOP_ASKED.store(false, SeqCst);
        CONTINUED.store(false, SeqCst);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for (signal, found) in &self.caught {
            // Somebody who set a handler of their own meanwhile keeps it.
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

/// Gives the terminal back and lets the signal do what it does by default. It
/// takes effect when this returns, since it is blocked until then.
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

extern "C" fn on_note(signal: c_int) {
    if !is_owner() {
        if signal == libc::SIGTSTP {
            default_effect(signal);
        }
        return;
    }
    match signal {
        libc::SIGTSTP => STOP_ASKED.store(true, SeqCst),
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
    [on_end as Handler as usize, on_note as Handler as usize].contains(&found.sa_sigaction)
}

/// All else is blocked while a handler runs. Interrupted system calls of other
/// threads go on, and a thread with a small stack uses the one set aside for
/// signals (Go insists on it).
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

/// Blocks these signals on this thread too; gives the mask of before.
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

/// The refusal to take the terminal over in a process that is about to end.
pub(super) fn dying() -> io::Error {
    io::Error::other("the process is being ended by a signal")
}
