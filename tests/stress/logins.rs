//! Concurrent logins by processes and threads.

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

/// The machines and their keys. Panics if the file is incomplete.
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

/// Reads netrc and settings repeatedly until `done`: each time they are complete,
/// and netrc has every machine that it had before.
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

/// Runs the work with a concurrent reader; returns the number of its reads.
fn watched(home: &Home, work: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| watch(home, &done));
        // The reader stops also if the work panics.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        let reads = reader.join().expect("the reader saw whole files");
        assert!(reads > 0);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        reads
    })
}

/// Prints the figures of a test.
fn print_figures(what: &str, logins: usize, reads: usize) {
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

/// Checks that the directories hold no other files.
fn no_other_files(home: &Home) {
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
fn concurrent_logins_to_many_servers_keep_every_entry() {
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
        no_other_files(&home);
    }
    print_figures("64 processes to 64 servers", rounds() * MANY, reads);
}

#[test]
fn concurrent_logins_to_one_server_leave_one_complete_entry() {
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
        no_other_files(&home);
    }
    print_figures("64 processes to one server", rounds() * MANY, reads);
}

/// Makes netrc readable for others, and locks it as any of them can.
fn locked_by_another(home: &Home) -> fs::File {
    use std::os::unix::fs::PermissionsExt;
    let path = home.home().join(".netrc");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
    let file = fs::File::open(path).expect("netrc");
    file.lock().expect("it can be locked");
    file
}

#[test]
fn a_foreign_lock_prevents_neither_login_nor_logout() {
    let home = Home::new();
    let old = format!(
        "machine server-64.example\n  login user\n  password {}\n",
        key(MANY)
    );
    home.write("home/.netrc", old);
    let foreign = locked_by_another(&home);
    finish((0..MANY).map(|i| start(&home, i, &key(i))).collect());
    drop(foreign);
    let stored = entries(&home.text("home/.netrc").expect("netrc"));
    let expected: BTreeMap<String, String> = (0..=MANY)
        .map(|i| (format!("server-{i}.example"), key(i)))
        .collect();
    assert_eq!(stored, expected);
    assert_eq!(home.mode("home/.netrc"), 0o600);
    no_other_files(&home);
    let foreign = locked_by_another(&home);
    Run::ok(&mut home.wandb_login(&["logout", "--host", "https://server-7.example"]));
    drop(foreign);
    let left = entries(&home.text("home/.netrc").expect("netrc"));
    assert_eq!((left.len(), left.get("server-7.example")), (MANY, None));
    no_other_files(&home);
}

/// Makes this test program, as another process, log in with closed streams.
const CLOSED: &str = "STRESS_TEST_CLOSED";

/// Cancel functions are called while netrc is open and locked by another.
unsafe extern "C" fn writes_to_streams(calls: *mut std::ffi::c_void) -> i32 {
    for stream in [0, 2] {
        // SAFETY: the buffer is valid for its length.
        let written = unsafe { libc::write(stream, b"warning\n".as_ptr().cast(), 8) };
        if written != -1 {
            // SAFETY: ends this process, which no other test shares.
            unsafe { libc::_exit(3) };
        }
    }
    // SAFETY: the pointer is to the counter of the only caller.
    unsafe { *calls.cast::<usize>() += 1 };
    0
}

#[test]
fn logs_in_with_closed_streams_for_another_test() {
    let Some(home) = std::env::var_os(CLOSED) else {
        return;
    };
    // SAFETY: closes descriptors that this process does not use otherwise.
    unsafe {
        libc::close(0);
        libc::close(2);
    }
    let mut calls = 0_usize;
    log_in_with(Path::new(&home), 1, |options| {
        options.cancel_fn = Some(writes_to_streams);
        options.cancel_user_data = (&raw mut calls).cast();
    });
    assert!(calls > 5, "{calls}");
    for stream in [0, 2] {
        // SAFETY: reads the flags of a descriptor, which need not be open.
        let open = unsafe { libc::fcntl(stream, libc::F_GETFD) } >= 0;
        assert!(!open, "{stream} was left open");
    }
}

#[test]
fn a_closed_standard_stream_does_not_become_a_file_of_the_library() {
    let home = Home::new();
    home.write("home/.netrc", "");
    let foreign = locked_by_another(&home);
    let run = Run::of(
        Command::new(std::env::current_exe().expect("the test"))
            .args([
                "--exact",
                "logins::logs_in_with_closed_streams_for_another_test",
            ])
            .env(CLOSED, home.home()),
    );
    drop(foreign);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    let stored = entries(&home.text("home/.netrc").expect("netrc"));
    assert_eq!(stored.get("server-1.example"), Some(&key(1)));
    no_other_files(&home);
}

/// Logs in through the C ABI.
fn log_in(home: &Path, server: usize) {
    log_in_with(home, server, |_| {});
}

fn log_in_with(home: &Path, server: usize, change: impl FnOnce(&mut wandb_login_options)) {
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
        change(&mut options);
        assert_eq!(wandb_login(&options, &mut session), WANDB_LOGIN_STATUS_OK);
        assert!(wandb_login_session_saved(session));
        wandb_login_session_free(session);
    }
}

#[test]
fn concurrent_threads_and_processes_keep_every_entry() {
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
        no_other_files(&home);
    }
    let what = format!("{} processes and {threads} threads", MANY / 4);
    print_figures(&what, rounds() * (MANY / 4 + threads * logins), reads);
}

/// Makes this test program, as another process, hold the lock of a file.
const HOLD: &str = "STRESS_TEST_HOLD";

#[test]
fn holds_a_lock_for_another_test() {
    let Some(path) = std::env::var_os(HOLD) else {
        return;
    };
    let file = fs::File::open(path).expect("the file is there");
    file.lock().expect("it can be locked");
    println!("\nHOLDING");
    // Not for ever, in case the test dies before it kills this process.
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
fn a_killed_holder_releases_the_lock_and_other_homes_do_not_wait() {
    let (home, other) = (Home::new(), Home::new());
    let netrc = home.write("home/.netrc", "");
    let mut holder = holder(&netrc);
    let waiting = start(&home, 1, KEY_1);
    // If both homes shared the lock, this would time out.
    finish(vec![start(&other, 1, KEY_1)]);
    holder.kill().expect("it can be killed");
    holder.wait().expect("it ends");
    finish(vec![waiting]);
    for home in [home, other] {
        assert_eq!(entries(&home.text("home/.netrc").expect("netrc")).len(), 1);
    }
}
