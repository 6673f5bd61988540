//! The command line killed at each of its system calls, and each of its system
//! calls made to fail: netrc, settings and the token cache are old or new, and
//! the next run removes what was left.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::stub::{Reply, Stub};
use crate::support::{self, Home, KEY_1, KEY_2, Run};

const OTHER: &str = "machine other.example login git password x\n";
const NETRC: &str = "home/.netrc";
const SETTINGS: &str = "home/.config/wandb/settings";
const CACHE: &str = "home/.config/wandb/credentials.json";

/// A command, the files before it runs, and the files that it changes.
struct Scenario<'a> {
    arguments: Vec<String>,
    variables: Vec<(&'a str, String)>,
    before: Vec<(&'a str, String)>,
    /// The files have hard links, so that they are written in place.
    linked: bool,
    changes: &'a [&'a str],
}

/// System calls, each with its count among the calls of that name.
type Calls = Vec<(String, usize)>;

/// The texts of files, some of which may be missing.
type Texts = Vec<Option<String>>;

impl Scenario<'_> {
    fn home(&self) -> Home {
        let home = Home::new();
        for (path, text) in &self.before {
            home.write(path, text);
        }
        if self.linked {
            for (path, _) in &self.before {
                let path = home.base().join(path);
                fs::hard_link(&path, path.with_extension("linked")).expect("a hard link");
            }
        }
        home
    }

    fn command(&self, home: &Home, starter: &[&str]) -> Command {
        let mut command = match starter {
            [] => home.command(crate::support::wandb_login_path()),
            [program, words @ ..] => {
                let mut command = home.command(program);
                command.args(words).arg(crate::support::wandb_login_path());
                command
            }
        };
        command.args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn files(&self, home: &Home) -> Texts {
        let text = |path: &&str| home.text(path).map(without_issue_date);
        self.changes.iter().map(text).collect()
    }

    /// Its system calls, and the files after it.
    fn calls(&self) -> Option<(Calls, Texts)> {
        let home = self.home();
        let old = self.files(&home);
        let log = home.base().join("log");
        let watched = ["strace", "-o", log.to_str()?];
        let run = self.command(&home, &watched).output();
        let log = fs::read_to_string(&log).unwrap_or_default();
        if run.is_err() || !log.contains("+++ exited with 0 +++") {
            support::skip(&format!(
                "failing system calls: strace cannot trace here\n{log}"
            ));
            return None;
        }
        let new = self.files(&home);
        assert!(old.iter().zip(&new).all(|(old, new)| old != new), "{new:?}");
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in log.lines() {
            let name = line.split('(').next().unwrap_or_default();
            // Skips what comes before the program itself.
            if name.starts_with(['+', '-']) || (name == "execve" && calls.is_empty()) {
                continue;
            }
            // It starts no process, whose arguments or environment could show a key.
            assert!(!["fork", "vfork", "execve"].contains(&name), "{line}");
            let count = counts.entry(name).or_default();
            *count += 1;
            calls.push((name.to_owned(), *count));
        }
        Some((calls, new))
    }

    /// Kills it at each call; returns how often.
    fn survives_kill(&self) -> Option<usize> {
        let (calls, new) = self.calls()?;
        for (name, when) in &calls {
            self.inject(&format!("inject={name}:signal=KILL:when={when}"), &new);
        }
        Some(calls.len())
    }

    /// Kills it at each call where files are changed in place: the file begins
    /// with the old text or the new one; a part of the other may follow.
    fn starts_with_old_or_new(&self) -> Option<usize> {
        let (calls, new) = self.calls()?;
        for (name, when) in &calls {
            let home = self.home();
            let old = self.files(&home);
            let inject = format!("inject={name}:signal=KILL:when={when}");
            let starter = ["strace", "-o", "/dev/null", "-e", &inject];
            let run = Run::of(&mut self.command(&home, &starter));
            for ((now, old), new) in self.files(&home).iter().zip(&old).zip(&new) {
                let begins = |whole: &Option<String>| {
                    let (now, whole) = (now.as_deref(), whole.as_deref());
                    now.zip(whole)
                        .is_some_and(|(now, whole)| now.starts_with(whole))
                };
                assert!(
                    begins(old) || begins(new),
                    "{inject}: {now:?}\n{}",
                    run.stderr
                );
            }
            Run::ok(&mut self.command(&home, &[]));
        }
        Some(calls.len())
    }

    /// Makes each call fail with each possible error; returns how often.
    fn survives_errors(&self) -> Option<usize> {
        let (calls, new) = self.calls()?;
        let mut failures = 0;
        for (name, when) in &calls {
            let errors: &[&str] = match name.as_str() {
                "openat" => &[
                    "EMFILE", "ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EINTR",
                ],
                "write" | "pwrite64" => &["ENOSPC", "EDQUOT", "EIO", "EINTR"],
                "fsync" | "fdatasync" => &["EIO", "ENOSPC", "EDQUOT"],
                "renameat" | "renameat2" => {
                    &["EBUSY", "EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO"]
                }
                "mkdirat" => &["EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO"],
                "flock" | "pread64" | "statx" | "getdents64" => &["EIO", "EINTR"],
                "fchmod" | "fchown" | "ftruncate" | "flistxattr" => &["EACCES", "EROFS", "EIO"],
                _ => continue,
            };
            for error in errors {
                let inject = format!("inject={name}:error={error}:when={when}");
                let run = self.inject(&inject, &new);
                // Before `main` the loader fails, with 127.
                let known = [Some(0), Some(1), Some(127)].contains(&run.code);
                let clean = !run.stderr.contains("panicked") && !run.stderr.contains(KEY_1);
                assert!(known && clean, "{inject}: {:?} {}", run.code, run.stderr);
                failures += 1;
            }
        }
        Some(failures)
    }

    /// Runs it with an injected fault, and checks the files after it.
    fn inject(&self, inject: &str, new: &[Option<String>]) -> Run {
        let home = self.home();
        let old = self.files(&home);
        let starter = ["strace", "-o", "/dev/null", "-e", inject];
        let run = Run::of(&mut self.command(&home, &starter));
        // Unfinished files, too, are for the owner alone.
        for path in files(&home) {
            let mode = fs::metadata(&path).expect("it is there").mode();
            assert_eq!(mode & 0o077, 0, "{inject}: {}", path.display());
        }
        let now = self.files(&home);
        for ((now, old), new) in now.iter().zip(&old).zip(new) {
            // A file is created and locked before it gets its text.
            let created = old.is_none() && now.as_deref() == Some("");
            assert!(
                now == old || now == new || created,
                "{inject}: {now:?}\n{}",
                run.stderr
            );
            // An unsaved file is reported.
            let reported = run.code != Some(0) || run.stderr.contains("WARNING");
            assert!(now == new || reported, "{inject}: {now:?}\n{}", run.stderr);
        }
        Run::ok(&mut self.command(&home, &[]));
        assert_eq!(self.files(&home), new, "{inject}");
        for path in files(&home) {
            let name = path.file_name().and_then(|name| name.to_str());
            let known = [".netrc", "settings", "credentials.json", "token"];
            let known = name.is_some_and(|name| known.contains(&name.trim_end_matches(".linked")));
            assert!(known, "{inject}: {} is left", path.display());
        }
        run
    }
}

/// The token cache without the time at which a token was issued, which differs from
/// run to run. A date that is cut off stays, as any other damage does.
fn without_issue_date(text: String) -> String {
    const NAME: &str = "\"issued_at\": \"";
    const LENGTH: usize = "2006-01-02 15:04:05\"".len();
    let Some((before, after)) = text.split_once(NAME) else {
        return text;
    };
    match after.split_at_checked(LENGTH) {
        Some((date, rest)) if date.ends_with('"') => format!("{before}{NAME}{rest}"),
        _ => text,
    }
}

/// All files in the directories that logins write to.
fn files(home: &Home) -> Vec<PathBuf> {
    let folders = ["home", "home/.config/wandb"].map(|path| home.base().join(path));
    let entries = folders.iter().filter_map(|path| fs::read_dir(path).ok());
    let paths = entries
        .flatten()
        .map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.is_file()).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A login that changes netrc and settings: in a home that has them, in an empty
/// home, and where netrc has a hard link, so that it is written in place; and a
/// logout.
fn scenarios() -> [Scenario<'static>; 4] {
    let netrc = format!("{OTHER}machine x.example\n  login user\n  password {KEY_2}\n");
    let settings = "# mine\n[default]\nentity = e\nbase_url = https://old.example\n";
    let login = |before: Vec<(&'static str, String)>, linked| Scenario {
        arguments: words(&["--host", "https://x.example", KEY_1]),
        variables: Vec::new(),
        before,
        linked,
        changes: &[NETRC, SETTINGS],
    };
    let logout = Scenario {
        arguments: words(&["logout", "--host", "https://x.example"]),
        variables: Vec::new(),
        before: vec![(NETRC, netrc.clone())],
        linked: false,
        changes: &[NETRC],
    };
    let full = vec![(NETRC, netrc), (SETTINGS, settings.to_owned())];
    // In place, the appended text is complete or missing.
    let linked = vec![(NETRC, OTHER.to_owned())];
    [
        login(full, false),
        login(Vec::new(), false),
        login(linked, true),
        logout,
    ]
}

#[test]
fn killed_at_any_system_call_a_login_loses_no_data() {
    let mut points = 0;
    for scenario in scenarios() {
        let Some(survived) = scenario.survives_kill() else {
            return;
        };
        assert!(survived > 20, "{survived}");
        points += survived;
    }
    eprintln!("logins killed at {points} system calls: 0 files damaged, 0 left over");
}

#[test]
fn killed_while_writing_in_place_a_login_keeps_the_old_text() {
    let entry = |key: &str| format!("machine x.example\n  login user\n  password {key}\n{OTHER}");
    let settings = "[default]\nbase_url = https://o.example\nentity = e\n";
    let mut points = 0;
    // It grows, and it shrinks.
    for (before, after) in [
        (KEY_1.to_owned(), KEY_2.repeat(2)),
        (KEY_1.repeat(2), KEY_2.into()),
    ] {
        let scenario = Scenario {
            arguments: words(&["--host", "https://x.example", &after]),
            variables: Vec::new(),
            before: vec![(NETRC, entry(&before)), (SETTINGS, settings.to_owned())],
            linked: true,
            changes: &[NETRC, SETTINGS],
        };
        let Some(survived) = scenario.starts_with_old_or_new() else {
            return;
        };
        points += survived;
    }
    eprintln!("logins in place killed at {points} system calls: 0 files damaged");
}

#[test]
fn no_failing_system_call_makes_a_login_lose_data() {
    let mut failures = 0;
    for scenario in scenarios() {
        let Some(survived) = scenario.survives_errors() else {
            return;
        };
        assert!(survived > 20, "{survived}");
        failures += survived;
    }
    eprintln!("logins with {failures} failures injected: 0 files damaged, 0 left over");
}

#[test]
fn killed_or_failing_at_any_system_call_the_token_cache_is_old_or_new() {
    // With this lifetime, the end that is written does not depend on the clock.
    let body = r#"{"access_token": "token-of-the-server", "expires_in": 4000000000000}"#;
    let server = Stub::http([Reply::new(200, body)]);
    let url = server.url("127.0.0.1");
    let other = r#"{"credentials": {"https://other.example": {"access_token": "a"}}, "more": 1}"#;
    let cached = format!(
        r#"{{"credentials": {{"{url}": {{"access_token": "t", "expires_at": "2999-01-01 00:00:00"}}}}}}"#
    );
    let exchange = |before: Option<&str>| Scenario {
        arguments: words(&["login", "--no-prompt"]),
        variables: vec![
            ("WANDB_BASE_URL", url.clone()),
            ("WANDB_IDENTITY_TOKEN_FILE", "../home/token".to_owned()),
        ],
        before: before
            .map(|text| (CACHE, text.to_owned()))
            .into_iter()
            .chain([("home/token", "a.b.c".to_owned())])
            .collect(),
        linked: false,
        changes: &[CACHE],
    };
    let logout = Scenario {
        arguments: words(&["logout", "--host", &url]),
        variables: Vec::new(),
        before: vec![(CACHE, cached)],
        linked: false,
        changes: &[CACHE],
    };
    let (mut points, mut failures) = (0, 0);
    for scenario in [exchange(Some(other)), exchange(None), logout] {
        let (Some(killed), Some(refused)) = (scenario.survives_kill(), scenario.survives_errors())
        else {
            return;
        };
        points += killed;
        failures += refused;
    }
    eprintln!(
        "the cache of tokens: killed at {points} system calls, {failures} failures injected: \
         0 files damaged, 0 left over"
    );
}
