//! The whole program killed at each of its system calls, and each of its system
//! calls refused: netrc, settings and the cache of access tokens are old or new,
//! and the next run clears up.

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

/// A program, what is there before it runs, and the files that it changes.
struct Story<'a> {
    arguments: Vec<String>,
    variables: Vec<(&'a str, String)>,
    before: Vec<(&'a str, String)>,
    /// The files have second names, so that they are written in place.
    tied: bool,
    changes: &'a [&'a str],
}

/// System calls, each with which of its name it is.
type Calls = Vec<(String, usize)>;

/// Of files, some of which may not be there.
type Texts = Vec<Option<String>>;

impl Story<'_> {
    fn home(&self) -> Home {
        let home = Home::new();
        for (path, text) in &self.before {
            home.write(path, text);
        }
        if self.tied {
            for (path, _) in &self.before {
                let path = home.base().join(path);
                fs::hard_link(&path, path.with_extension("twin")).expect("a second name");
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
        self.changes.iter().map(|path| home.text(path)).collect()
    }

    /// Its system calls, each with how many of its name came before it, and the
    /// files after it.
    fn calls(&self) -> Option<(Calls, Texts)> {
        let home = self.home();
        let old = self.files(&home);
        let log = home.base().join("log");
        let watched = ["strace", "-o", log.to_str()?];
        let run = self.command(&home, &watched).output();
        let log = fs::read_to_string(&log).unwrap_or_default();
        if run.is_err() || !log.contains("+++ exited with 0 +++") {
            support::skip(&format!(
                "accidents in system calls: strace cannot do its work\n{log}"
            ));
            return None;
        }
        let new = self.files(&home);
        assert!(old.iter().zip(&new).all(|(old, new)| old != new), "{new:?}");
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in log.lines() {
            let name = line.split('(').next().unwrap_or_default();
            // Before the program itself begins there is nothing to lose.
            if name.starts_with(['+', '-']) || (name == "execve" && calls.is_empty()) {
                continue;
            }
            // No process is started, whose arguments or environment could tell.
            assert!(!["fork", "vfork", "execve"].contains(&name), "{line}");
            let count = counts.entry(name).or_default();
            *count += 1;
            calls.push((name.to_owned(), *count));
        }
        Some((calls, new))
    }

    /// Kills it at each call; tells how often.
    fn survives_death(&self) -> Option<usize> {
        let (calls, new) = self.calls()?;
        for (name, when) in &calls {
            self.struck(&format!("inject={name}:signal=KILL:when={when}"), &new);
        }
        Some(calls.len())
    }

    /// The same where files are written in place and not only appended to: what
    /// was there is there, or what shall be; a piece of the other may follow.
    fn keeps_its_beginning(&self) -> Option<usize> {
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

    /// Refuses each call, for each reason that it may have; tells how often.
    fn survives_refusal(&self) -> Option<usize> {
        let (calls, new) = self.calls()?;
        let mut failures = 0;
        for (name, when) in &calls {
            let errors: &[&str] = match name.as_str() {
                "openat" => &[
                    "EMFILE", "ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EINTR",
                ],
                "write" | "pwrite64" => &["ENOSPC", "EDQUOT", "EIO", "EINTR"],
                "fsync" | "fdatasync" => &["EIO", "ENOSPC", "EDQUOT"],
                "rename" => &["EBUSY", "EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO"],
                "mkdir" => &["EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO"],
                "flock" | "pread64" | "statx" | "getdents64" => &["EIO", "EINTR"],
                "fchmod" | "fchown" | "ftruncate" | "flistxattr" => &["EACCES", "EROFS", "EIO"],
                _ => continue,
            };
            for error in errors {
                let inject = format!("inject={name}:error={error}:when={when}");
                let run = self.struck(&inject, &new);
                // Before `main` it is the loader that fails.
                let known = [Some(0), Some(1), Some(127)].contains(&run.code);
                let calm = !run.stderr.contains("panicked") && !run.stderr.contains(KEY_1);
                assert!(known && calm, "{inject}: {:?} {}", run.code, run.stderr);
                failures += 1;
            }
        }
        Some(failures)
    }

    /// Runs it with an accident, and looks at what that left.
    fn struck(&self, inject: &str, new: &[Option<String>]) -> Run {
        let home = self.home();
        let old = self.files(&home);
        let starter = ["strace", "-o", "/dev/null", "-e", inject];
        let run = Run::of(&mut self.command(&home, &starter));
        // Also what is not finished is for the user alone.
        for path in files(&home) {
            let mode = fs::metadata(&path).expect("it is there").mode();
            assert_eq!(mode & 0o077, 0, "{inject}: {}", path.display());
        }
        let now = self.files(&home);
        for ((now, old), new) in now.iter().zip(&old).zip(new) {
            // A file may be made, and locked, before it gets its text.
            let made = old.is_none() && now.as_deref() == Some("");
            assert!(
                now == old || now == new || made,
                "{inject}: {now:?}\n{}",
                run.stderr
            );
            // What was not stored is told.
            let told = run.code != Some(0) || run.stderr.contains("WARNING");
            assert!(now == new || told, "{inject}: {now:?}\n{}", run.stderr);
        }
        Run::ok(&mut self.command(&home, &[]));
        assert_eq!(self.files(&home), new, "{inject}");
        for path in files(&home) {
            let name = path.file_name().and_then(|name| name.to_str());
            let known = [".netrc", "settings", "credentials.json", "token"];
            let known = name.is_some_and(|name| known.contains(&name.trim_end_matches(".twin")));
            assert!(known, "{inject}: {} is left", path.display());
        }
        run
    }
}

/// All that is in the folders that logins write to.
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

/// A login that changes netrc and settings, in a home that has them, in one that
/// has not, and where netrc has a second name, so that it is written in place;
/// and a logout.
fn stories() -> [Story<'static>; 4] {
    let netrc = format!("{OTHER}machine x.example\n  login user\n  password {KEY_2}\n");
    let settings = "# mine\n[default]\nentity = e\nbase_url = https://old.example\n";
    let login = |before: Vec<(&'static str, String)>, tied| Story {
        arguments: words(&["--host", "https://x.example", KEY_1]),
        variables: Vec::new(),
        before,
        tied,
        changes: &[NETRC, SETTINGS],
    };
    let logout = Story {
        arguments: words(&["logout", "--host", "https://x.example"]),
        variables: Vec::new(),
        before: vec![(NETRC, netrc.clone())],
        tied: false,
        changes: &[NETRC],
    };
    let full = vec![(NETRC, netrc), (SETTINGS, settings.to_owned())];
    // In place, what is appended is whole or not there.
    let tied = vec![(NETRC, OTHER.to_owned())];
    [
        login(full, false),
        login(Vec::new(), false),
        login(tied, true),
        logout,
    ]
}

#[test]
fn killed_at_any_moment_a_login_loses_nothing() {
    let mut points = 0;
    for story in stories() {
        let Some(survived) = story.survives_death() else {
            return;
        };
        assert!(survived > 20, "{survived}");
        points += survived;
    }
    eprintln!("logins killed at {points} system calls: 0 files damaged, 0 left over");
}

#[test]
fn killed_while_it_writes_in_place_what_was_there_stays() {
    let entry = |key: &str| format!("machine x.example\n  login user\n  password {key}\n{OTHER}");
    let settings = "[default]\nbase_url = https://o.example\nentity = e\n";
    let mut points = 0;
    // It grows, and it shrinks.
    for (before, after) in [
        (KEY_1.to_owned(), KEY_2.repeat(2)),
        (KEY_1.repeat(2), KEY_2.into()),
    ] {
        let story = Story {
            arguments: words(&["--host", "https://x.example", &after]),
            variables: Vec::new(),
            before: vec![(NETRC, entry(&before)), (SETTINGS, settings.to_owned())],
            tied: true,
            changes: &[NETRC, SETTINGS],
        };
        let Some(survived) = story.keeps_its_beginning() else {
            return;
        };
        points += survived;
    }
    eprintln!("logins in place killed at {points} system calls: 0 files damaged");
}

#[test]
fn refused_any_system_call_a_login_loses_nothing() {
    let mut failures = 0;
    for story in stories() {
        let Some(survived) = story.survives_refusal() else {
            return;
        };
        assert!(survived > 20, "{survived}");
        failures += survived;
    }
    eprintln!("logins with {failures} failures injected: 0 files damaged, 0 left over");
}

#[test]
fn killed_or_refused_at_any_moment_the_cache_of_tokens_is_whole() {
    // The lifetime leaves no doubt about the text that is written.
    let body = r#"{"access_token": "token-of-the-server", "expires_in": 4000000000000}"#;
    let server = Stub::http([Reply::new(200, body)]);
    let url = server.url("127.0.0.1");
    let other = r#"{"credentials": {"https://other.example": {"access_token": "a"}}, "more": 1}"#;
    let cached = format!(
        r#"{{"credentials": {{"{url}": {{"access_token": "t", "expires_at": "2999-01-01 00:00:00"}}}}}}"#
    );
    let exchange = |before: Option<&str>| Story {
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
        tied: false,
        changes: &[CACHE],
    };
    let logout = Story {
        arguments: words(&["logout", "--host", &url]),
        variables: Vec::new(),
        before: vec![(CACHE, cached)],
        tied: false,
        changes: &[CACHE],
    };
    let (mut points, mut failures) = (0, 0);
    for story in [exchange(Some(other)), exchange(None), logout] {
        let (Some(killed), Some(refused)) = (story.survives_death(), story.survives_refusal())
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
