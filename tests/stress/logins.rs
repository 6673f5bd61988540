//! Many logins at once: processes and threads.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wandb_login::ffi::*;

use crate::rounds;
use crate::support::{Home, KEY_1, Run};

const MANY: usize = 64;

pub fn key(number: usize) -> String {
    format!("{number:040x}")
}

/// Machines and their keys; a panic for a file that is not whole.
pub fn entries(text: &str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let machine = line.strip_prefix("machine ").expect(text);
        assert_eq!(lines.next(), Some("  login user"), "{text}");
        let key = lines
            .next()
            .and_then(|line| line.strip_prefix("  password "));
        let key = key.expect(text);
        assert_eq!(key.len(), 40, "{text}");
        let twice = entries.insert(machine.to_owned(), key.to_owned());
        assert_eq!(twice, None, "{machine} is there twice:\n{text}");
    }
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    entries
}

/// Reads netrc and settings again and again until told to stop: each time they
/// are whole, and of netrc no machine is gone that was seen before.
fn watch(home: &Home, done: &AtomicBool) -> usize {
    let mut seen = BTreeMap::new();
    let mut reads = 0;
    while !done.load(Ordering::Relaxed) {
        if let Some(text) = home.text("home/.netrc") {
            let now = entries(&text);
            let lost = seen.keys().find(|machine| !now.contains_key(*machine));
            assert_eq!(lost, None, "lost:\n{text}");
            seen = now;
        }
        if let Some(text) = home.text("home/.config/wandb/settings") {
            let lines: Vec<_> = text.lines().collect();
            let whole = match lines[..] {
                ["[default]", url] => url.starts_with("base_url = https://server-"),
                ["[default]"] | [] => true,
                _ => false,
            };
            assert!(whole && (text.is_empty() || text.ends_with('\n')), "{text}");
        }
        reads += 1;
    }
    reads
}

/// Does the work under the eyes of a reader; tells how often that read.
fn watched(home: &Home, work: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| watch(home, &done));
        // The reader stops also if the work does not end well.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        let reads = reader.join().expect("the reader saw whole files");
        assert!(reads > 0);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        reads
    })
}

/// The figures of a test that did not end before, for who asks for them.
fn told(what: &str, logins: usize, reads: usize) {
    eprintln!(
        "{what}: {} rounds, {logins} logins, 0 entries lost, {reads} reads, 0 of them torn",
        rounds()
    );
}

fn start(home: &Home, server: usize, key: &str) -> Child {
    home.wandb_login(&["--host", &format!("https://server-{server}.example"), key])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

fn finish(children: Vec<Child>) {
    for child in children {
        let run = Run::from(child.wait_with_output().expect("it ends"));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(!run.stderr.contains("WARNING No"), "{}", run.stderr);
        assert!(!run.stderr.contains("not saved"), "{}", run.stderr);
    }
}

/// What may be in the folders that logins write to.
fn nothing_else(home: &Home) {
    let names = |path: &str| -> Vec<String> {
        let entries = fs::read_dir(home.base().join(path)).expect(path);
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("home"), [".config", ".netrc"]);
    assert_eq!(names("home/.config/wandb"), ["settings"]);
}

#[test]
fn processes_to_many_servers_lose_no_entry() {
    let mut reads = 0;
    for _ in 0..rounds() {
        let home = Home::new();
        reads += watched(&home, || {
            finish((0..MANY).map(|i| start(&home, i, &key(i))).collect());
        });
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        assert_eq!(entries.len(), MANY);
        for i in 0..MANY {
            assert_eq!(entries[&format!("server-{i}.example")], key(i));
        }
        nothing_else(&home);
    }
    told("64 processes to 64 servers", rounds() * MANY, reads);
}

#[test]
fn processes_to_one_server_leave_one_whole_entry() {
    let mut reads = 0;
    for _ in 0..rounds() {
        let home = Home::new();
        reads += watched(&home, || {
            finish((0..MANY).map(|i| start(&home, 0, &key(i))).collect());
        });
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        assert_eq!(entries.len(), 1);
        let last = &entries["server-0.example"];
        assert!((0..MANY).any(|i| key(i) == *last), "{last}");
        nothing_else(&home);
    }
    told("64 processes to one server", rounds() * MANY, reads);
}

/// Logs in through the C ABI, to servers of the thread's own.
fn log_in(home: &Path, server: usize) {
    let text = |text: String| CString::new(text).expect("no NUL");
    let variable = text(format!("HOME={}", home.display()));
    let environment = [variable.as_ptr(), null()];
    let (directory, host, key) = (
        text("/".into()),
        text(format!("https://server-{server}.example")),
        text(key(server)),
    );
    let mut session = null_mut();
    // SAFETY: each text and the options outlive the calls; the session is freed
    // once.
    unsafe {
        let mut options: wandb_login_options = std::mem::zeroed();
        wandb_login_options_init(&mut options, size_of::<wandb_login_options>());
        options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT;
        options.environment = environment.as_ptr();
        options.working_directory = directory.as_ptr();
        options.host = host.as_ptr();
        options.api_key = key.as_ptr();
        assert_eq!(wandb_login(&options, &mut session), WANDB_LOGIN_STATUS_OK);
        assert!(wandb_login_session_saved(session));
        wandb_login_session_free(session);
    }
}

#[test]
fn threads_and_processes_lose_no_entry() {
    let (threads, logins) = (16, 4);
    let mut reads = 0;
    for _ in 0..rounds() {
        let home = Home::new();
        reads += watched(&home, || {
            let children = (0..MANY / 4).map(|i| start(&home, i, &key(i))).collect();
            thread::scope(|scope| {
                for thread in 0..threads {
                    let folder = home.home();
                    scope.spawn(move || {
                        (0..logins).for_each(|i| log_in(&folder, 1000 + thread * logins + i));
                    });
                }
            });
            finish(children);
        });
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        assert_eq!(entries.len(), MANY / 4 + threads * logins);
        nothing_else(&home);
    }
    let what = format!("{} processes and {threads} threads", MANY / 4);
    told(&what, rounds() * (MANY / 4 + threads * logins), reads);
}

/// The tests' own process as another one, which holds the lock of a file.
const HOLD: &str = "FIRE_TEST_HOLD";

#[test]
fn holds_a_lock_for_another_test() {
    let Some(path) = std::env::var_os(HOLD) else {
        return;
    };
    let file = fs::File::open(path).expect("the file is there");
    file.lock().expect("it can be locked");
    println!("\nHOLDING");
    // Not for ever, should the test die before it kills us.
    thread::sleep(std::time::Duration::from_secs(60));
}

fn holder(path: &Path) -> Child {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(std::env::current_exe().expect("the test"))
        .args([
            "--exact",
            "logins::holds_a_lock_for_another_test",
            "--nocapture",
        ])
        .env(HOLD, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "HOLDING"));
    child
}

#[test]
fn a_killed_holder_of_the_lock_blocks_nobody_and_another_home_never_waits() {
    let (home, other) = (Home::new(), Home::new());
    let netrc = home.write("home/.netrc", "");
    let mut holder = holder(&netrc);
    let waiting = start(&home, 1, KEY_1);
    // Were the lock the other home's too, this would fail after its time.
    finish(vec![start(&other, 1, KEY_1)]);
    holder.kill().expect("it can be killed");
    holder.wait().expect("it ends");
    finish(vec![waiting]);
    for home in [home, other] {
        assert_eq!(entries(&home.text("home/.netrc").expect("netrc")).len(), 1);
    }
}
