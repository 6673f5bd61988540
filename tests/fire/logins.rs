//! Many logins at once: processes, threads, and the Python SDK beside them.

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
use crate::support::{self, Home, KEY_1, Run};

const MANY: usize = 64;

fn key(number: usize) -> String {
    format!("{number:040x}")
}

/// Machines and their keys; a panic for a file that is not whole.
fn entries(text: &str) -> BTreeMap<String, String> {
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

fn watched<T>(home: &Home, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| watch(home, &done));
        // The reader stops also if the work does not end well.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("the reader saw whole files") > 0);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
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
    for _ in 0..rounds() {
        let home = Home::new();
        watched(&home, || {
            finish((0..MANY).map(|i| start(&home, i, &key(i))).collect());
        });
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        assert_eq!(entries.len(), MANY);
        for i in 0..MANY {
            assert_eq!(entries[&format!("server-{i}.example")], key(i));
        }
        nothing_else(&home);
    }
}

#[test]
fn processes_to_one_server_leave_one_whole_entry() {
    for _ in 0..rounds() {
        let home = Home::new();
        watched(&home, || {
            finish((0..MANY).map(|i| start(&home, 0, &key(i))).collect());
        });
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        assert_eq!(entries.len(), 1);
        let last = &entries["server-0.example"];
        assert!((0..MANY).any(|i| key(i) == *last), "{last}");
        nothing_else(&home);
    }
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
    for _ in 0..rounds() {
        let home = Home::new();
        watched(&home, || {
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

/// The SDK's own function that stores a key, again and again.
const SDK: &str = "
import sys
from wandb.sdk.lib.wbauth import wbnetrc
first, count = int(sys.argv[1]), int(sys.argv[2])
for i in range(first, first + count):
    wbnetrc.write_netrc_auth(host=f'https://sdk-{i}.example', api_key=f'{i:040x}')
";

/// The SDK reads the file, truncates it and writes it, without a lock. What it
/// writes over is lost, whoever wrote it: nobody can prevent that. What holds is
/// that our own writing does no harm of that kind: our entry is in the file that
/// we put there, whole, and when the SDK has had its last word, one more login
/// finds a file that it can work with and adds to it.
#[test]
fn beside_the_sdk_our_last_word_stays() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let (writers, each) = (2, 20);
    let mut figures = [0; 4];
    for _ in 0..rounds() {
        let home = Home::new();
        let children: Vec<Child> = (0..writers)
            .map(|i| {
                let mut command = home.command(&python);
                command.args(["-c", SDK, &(i * each).to_string(), &each.to_string()]);
                command.stdout(Stdio::null()).stderr(Stdio::piped());
                command.spawn().expect("python")
            })
            .collect();
        let mut ours = 0;
        let mut running = children;
        while running
            .iter_mut()
            .any(|child| child.try_wait().expect("wait").is_none())
        {
            let run = Run::ok(&mut home.wandb_login(&[
                "--host",
                &format!("https://server-{ours}.example"),
                &key(ours),
            ]));
            ours += usize::from(!run.stderr.contains("was not saved"));
        }
        for child in running {
            child.wait_with_output().expect("it ends");
        }
        Run::ok(&mut home.wandb_login(&["--host", "https://last.example", KEY_1]));
        let text = home.text("home/.netrc").expect("netrc");
        let whole = |name: &str, i: usize| {
            text.contains(&format!(
                "machine {name}-{i}.example\n  login user\n  password {}",
                key(i)
            ))
        };
        assert!(text.contains(&format!(
            "machine last.example\n  login user\n  password {KEY_1}\n"
        )));
        figures[0] += ours;
        figures[1] += (0..ours).filter(|&i| whole("server", i)).count();
        figures[2] += writers * each;
        figures[3] += (0..writers * each).filter(|&i| whole("sdk", i)).count();
    }
    let [ours, kept, theirs, left] = figures;
    eprintln!(
        "beside the SDK: of our {ours} entries {kept} are left, of the SDK's {theirs} {left}"
    );
}
