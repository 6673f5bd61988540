//! Commands that change files, run while something fails: netrc, settings and the
//! token cache are old or new, and the next run removes what was left.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, KEY_2, Run};

pub const OTHER: &str = "machine other.example login git password x\n";
pub const NETRC: &str = "home/.netrc";
pub const SETTINGS: &str = "home/.config/wandb/settings";
const CACHE: &str = "home/.config/wandb/credentials.json";

/// A command, the files before it runs, and the files that it changes.
pub struct Scenario<'a> {
    pub arguments: Vec<String>,
    pub variables: Vec<(&'a str, String)>,
    pub before: Vec<(&'a str, String)>,
    /// The files have hard links, so that they are written in place.
    pub linked: bool,
    pub changes: &'a [&'a str],
}

/// The texts of files, some of which may be missing.
pub type Texts = Vec<Option<String>>;

impl Scenario<'_> {
    pub fn home(&self) -> Home {
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

    pub fn command(&self, home: &Home, starter: &[&str]) -> Command {
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

    pub fn files(&self, home: &Home) -> Texts {
        let text = |path: &&str| home.text(path).map(without_issue_date);
        self.changes.iter().map(text).collect()
    }

    /// The files after it succeeded. It changes each of them.
    pub fn outcome(&self) -> Texts {
        let home = self.home();
        let old = self.files(&home);
        Run::ok(&mut self.command(&home, &[]));
        let new = self.files(&home);
        assert!(old.iter().zip(&new).all(|(old, new)| old != new), "{new:?}");
        new
    }

    /// Runs it by another command, with a fault, and checks the files after it: they
    /// are old or new, for the owner alone, and complete after the next run.
    pub fn survives(&self, starter: &[&str], fault: &str, new: &[Option<String>]) -> Survivor {
        let home = self.home();
        let old = self.files(&home);
        let run = Run::of(&mut self.command(&home, starter));
        // Unfinished files, too, are for the owner alone.
        for path in files(&home) {
            let mode = fs::metadata(&path).expect("it is there").mode();
            assert_eq!(mode & 0o077, 0, "{fault}: {}", path.display());
        }
        let now = self.files(&home);
        for ((now, old), new) in now.iter().zip(&old).zip(new) {
            // A file is created and locked before it gets its text.
            let created = old.is_none() && now.as_deref() == Some("");
            assert!(
                now == old || now == new || created,
                "{fault}: {now:?}\n{}",
                run.stderr
            );
        }
        let clean = !run.stderr.contains("panicked") && !run.stderr.contains(KEY_1);
        assert!(clean, "{fault}: {}", run.stderr);
        Run::ok(&mut self.command(&home, &[]));
        assert_eq!(self.files(&home), new, "{fault}");
        for path in files(&home) {
            let name = path.file_name().and_then(|name| name.to_str());
            let known = [".netrc", "settings", "credentials.json", "token"];
            let known = name.is_some_and(|name| known.contains(&name.trim_end_matches(".linked")));
            assert!(known, "{fault}: {} is left", path.display());
        }
        let changed = now == new;
        Survivor { run, changed }
    }
}

/// What a command with a fault left.
pub struct Survivor {
    pub run: Run,
    /// Whether all files have the new text.
    pub changed: bool,
}

impl Survivor {
    /// Panics unless a file that is not saved was reported.
    pub fn is_reported(&self, fault: &str) {
        let reported = self.run.code != Some(0) || self.run.stderr.contains("WARNING");
        assert!(self.changed || reported, "{fault}: {}", self.run.stderr);
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

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A login that changes netrc and settings: in a home that has them, in an empty
/// home, and where netrc has a hard link, so that it is written in place; and a
/// logout.
pub fn logins_and_logout() -> [Scenario<'static>; 4] {
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

/// A server that exchanges identity tokens.
pub fn token_server() -> Stub {
    // With this lifetime, the end that is written does not depend on the clock.
    let body = r#"{"access_token": "token-of-the-server", "expires_in": 4000000000000}"#;
    Stub::http([Reply::new(200, body)])
}

/// Exchanges of an identity token, where the cache has another server's token and
/// where there is no cache; and a logout that removes a token.
pub fn token_exchanges(url: &str) -> [Scenario<'static>; 3] {
    let other = r#"{"credentials": {"https://other.example": {"access_token": "a"}}, "more": 1}"#;
    let cached = format!(
        r#"{{"credentials": {{"{url}": {{"access_token": "t", "expires_at": "2999-01-01 00:00:00"}}}}}}"#
    );
    let exchange = |before: Option<&str>| Scenario {
        arguments: words(&["login", "--no-prompt"]),
        variables: vec![
            ("WANDB_BASE_URL", url.to_owned()),
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
        arguments: words(&["logout", "--host", url]),
        variables: Vec::new(),
        before: vec![(CACHE, cached)],
        linked: false,
        changes: &[CACHE],
    };
    [exchange(Some(other)), exchange(None), logout]
}
