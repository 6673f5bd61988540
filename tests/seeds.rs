//! Every member of the two documents that this library follows: W&B's page on
//! `wandb login` and the SDK's module `wandb_login`. One test for each row, in
//! the library and on the command line.

#[cfg(feature = "http")]
#[path = "support/stub.rs"]
mod stub;
mod support;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;
use support::{Home, KEY_1, KEY_2, KEY_3, KEY_4, Run};
use wandb_login::{
    Error, Flags, Format, Level, Login, Options, PromptAnswer, PromptRequest, Secret, Session,
    Source,
};

const SERVER: &str = "http://127.0.0.1:8080";
const NETRC: &str = "home/.netrc";
const SETTINGS: &str = "home/.config/wandb/settings";
const WORKSPACE: &str = "cwd/wandb/settings";

/// What is around a call of the library: a home, variables, and the lines it logs.
struct Around {
    home: Home,
    cwd: PathBuf,
    environment: Vec<OsString>,
    lines: RefCell<Vec<(Level, String)>>,
}

impl Around {
    fn new(variables: &[(&str, &str)]) -> Around {
        let home = Home::new();
        let own = home.home();
        let entries = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Around {
            cwd: home.cwd(),
            environment: entries
                .chain([format!("HOME={}", own.display())])
                .map(OsString::from)
                .collect(),
            home,
            lines: RefCell::default(),
        }
    }

    /// Calls the library here.
    fn call<T>(&self, options: Options<'_>, call: impl FnOnce(&Options<'_>) -> T) -> T {
        let environment: Vec<_> = self.environment.iter().map(OsString::as_os_str).collect();
        let log = |level, line: &str| self.lines.borrow_mut().push((level, line.to_string()));
        call(&Options {
            environment: Some(&environment),
            working_directory: Some(&self.cwd),
            log: Some(&log),
            ..options
        })
    }

    fn login(&self, options: Options<'_>) -> wandb_login::Result<Login> {
        self.call(options, wandb_login::login)
    }

    /// Logs in, and must come back with a session.
    fn session(&self, options: Options<'_>) -> Session {
        match self.login(options) {
            Ok(Login::Session(session)) => session,
            other => panic!("{other:?}"),
        }
    }

    fn log(&self) -> String {
        self.lines
            .borrow()
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }

    fn store_in_netrc(&self, key: &str) {
        self.home.write(NETRC, entry(key));
    }
}

fn entry(key: &str) -> String {
    format!("machine 127.0.0.1:8080\n  login user\n  password {key}\n")
}

fn key_of(session: &Session) -> &str {
    std::str::from_utf8(session.api_key().expect("a key").as_bytes()).expect("ASCII")
}

fn no_prompt() -> Options<'static> {
    Options {
        flags: Flags::NO_PROMPT,
        host: Some(SERVER),
        ..Options::default()
    }
}

// `login [OPTIONS] [KEY]...`

#[test]
fn login_with_a_key() {
    for words in [&["login", KEY_1][..], &[KEY_1], &["login", KEY_1, KEY_2]] {
        let home = Home::new();
        let run = Run::ok(home.wandb_login(words).env("WANDB_BASE_URL", SERVER));
        assert_eq!(home.text(NETRC), Some(entry(KEY_1)), "{words:?}");
        assert_eq!(run.stdout, "", "the library writes nothing on stdout");
        assert!(!run.stderr.contains(KEY_1), "{}", run.stderr);
        assert!(run.stderr.contains("--key-stdin"), "{}", run.stderr);
    }
    let around = Around::new(&[]);
    let session = around.session(Options {
        api_key: Some(KEY_1),
        ..no_prompt()
    });
    assert_eq!(
        (key_of(&session), session.source(), session.saved()),
        (KEY_1, Source::Explicit, true)
    );
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_1)));
}

#[test]
fn login_with_a_key_on_standard_input() {
    let home = Home::new();
    let mut login = home.wandb_login(&["--key-stdin", "--host", SERVER]);
    assert_eq!(
        Run::with_input(&mut login, format!("{KEY_1}\n")).code,
        Some(0)
    );
    assert_eq!(home.text(NETRC), Some(entry(KEY_1)));
    let mut login = home.wandb_login(&["--key-stdin", "--host", SERVER]);
    assert_eq!(Run::with_input(&mut login, "\n").code, Some(1));
    assert_eq!(
        Run::of(&mut home.wandb_login(&["--key-stdin", KEY_2])).code,
        Some(2)
    );
    assert_eq!(home.text(NETRC), Some(entry(KEY_1)));
}

// `--cloud`

#[test]
fn cloud_clears_a_stored_base_url() {
    let settings = format!("[default]\nentity = e\nbase_url = {SERVER}\n");
    let workspace = format!("[default]\nbase_url = {SERVER}\nproject = p\n");
    let check = |home: &Home| {
        let netrc = home.text(NETRC).expect("netrc");
        assert_eq!(
            netrc,
            format!("machine api.wandb.ai\n  login user\n  password {KEY_1}\n")
        );
        assert_eq!(
            home.text(SETTINGS).as_deref(),
            Some("[default]\nentity = e\n")
        );
        assert_eq!(
            home.text(WORKSPACE).as_deref(),
            Some("[default]\nproject = p\n")
        );
    };
    let home = Home::new();
    home.write(SETTINGS, &settings);
    home.write(WORKSPACE, &workspace);
    Run::ok(&mut home.wandb_login(&["login", "--cloud", KEY_1]));
    check(&home);

    let around = Around::new(&[("WANDB_BASE_URL", SERVER)]);
    around.home.write(SETTINGS, &settings);
    around.home.write(WORKSPACE, &workspace);
    let cloud = Options {
        api_key: Some(KEY_1),
        flags: Flags::CLOUD,
        ..Options::default()
    };
    assert_eq!(around.session(cloud).base_url(), "https://api.wandb.ai");
    check(&around.home);

    // Both at once contradict each other.
    let both = Options {
        host: Some(SERVER),
        ..cloud
    };
    assert!(matches!(around.login(both), Err(Error::Argument(_))));
    let both = Run::of(&mut home.wandb_login(&["login", "--cloud", "--host", SERVER, KEY_2]));
    assert_eq!(both.code, Some(1), "{}", both.stderr);
    check(&home);
}

// `--host`, `--base-url`

#[test]
fn host_is_remembered_after_success_only() {
    for option in ["--host", "--base-url"] {
        let home = Home::new();
        let failed = Run::of(&mut home.wandb_login(&["login", option, SERVER]));
        assert_eq!(failed.code, Some(1), "{}", failed.stderr);
        assert_eq!(
            home.text(SETTINGS),
            None,
            "nothing is remembered of a failure"
        );
        Run::ok(&mut home.wandb_login(&["login", option, &format!("{SERVER}/"), KEY_1]));
        assert_eq!(
            home.text(SETTINGS),
            Some(format!("[default]\nbase_url = {SERVER}\n"))
        );
        assert_eq!(home.mode(SETTINGS) & 0o077, 0);
        let token = Run::ok(&mut home.wandb_login(&["token"]));
        assert_eq!(token.stdout, format!("{KEY_1}\n"), "{option}");
    }
    let home = Home::new();
    let empty = Run::of(&mut home.wandb_login(&["login", "--host", "", KEY_1]));
    assert_eq!(
        empty.code,
        Some(1),
        "an unset variable is not the default server"
    );
    assert_eq!((home.text(NETRC), home.text(SETTINGS)), (None, None));

    let around = Around::new(&[("WANDB_BASE_URL", "http://127.0.0.1:1")]);
    around.session(Options {
        api_key: Some(KEY_1),
        ..no_prompt()
    });
    assert_eq!(
        around.home.text(SETTINGS),
        Some(format!("[default]\nbase_url = {SERVER}\n"))
    );
    // A server from the environment is not.
    let around = Around::new(&[("WANDB_BASE_URL", SERVER)]);
    around.session(Options {
        api_key: Some(KEY_1),
        ..Options::default()
    });
    assert_eq!(around.home.text(SETTINGS), None);
}

// `--relogin`

#[test]
fn relogin_without_a_prompt_is_not_configured() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_1)]);
    around.store_in_netrc(KEY_2);
    around
        .home
        .write(WORKSPACE, format!("[default]\napi_key = {KEY_3}\n"));
    let again = Options {
        flags: Flags::RELOGIN | Flags::NO_PROMPT,
        ..no_prompt()
    };
    assert!(matches!(around.login(again), Err(Error::NotConfigured(_))));
    let checked = around.call(again, wandb_login::check);
    assert!(matches!(checked, Err(Error::NotConfigured(_))));
    let run = Run::of(
        around
            .home
            .wandb_login(&["login", "--relogin", "--host", SERVER])
            .env("WANDB_API_KEY", KEY_1),
    );
    assert_eq!(run.code, Some(1), "{}", run.stderr);
}

#[test]
fn relogin_asks_and_says_what_wins_next_time() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_1)]);
    around.store_in_netrc(KEY_2);
    let prompt = |_: &PromptRequest<'_>| PromptAnswer::Key(Secret::new(KEY_4.as_bytes()));
    let session = around.session(Options {
        flags: Flags::RELOGIN,
        host: Some(SERVER),
        prompt: Some(&prompt),
        ..Options::default()
    });
    assert_eq!(
        (key_of(&session), session.source()),
        (KEY_4, Source::Prompt)
    );
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_4)));
    assert!(
        around
            .log()
            .contains("WANDB_API_KEY is set and goes before"),
        "{}",
        around.log()
    );
}

// `--verify`

/// Nobody listens: the key is not stored, and no server is remembered.
#[test]
fn verify_goes_before_storing() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let home = Home::new();
    let run = Run::of(&mut home.wandb_login(&["login", "--verify", "--host", &server, KEY_1]));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((home.text(NETRC), home.text(SETTINGS)), (None, None));
    let around = Around::new(&[]);
    let verify = Options {
        api_key: Some(KEY_1),
        host: Some(&server),
        flags: Flags::VERIFY,
        ..Options::default()
    };
    let error = around.login(verify).expect_err("nobody listens");
    let expected = match cfg!(feature = "http") {
        true => matches!(error, Error::Network(_)),
        false => matches!(error, Error::Unsupported(_)),
    };
    assert!(expected, "{error:?}");
    assert_eq!(around.home.text(NETRC), None);
}

// "the credential source and the default team shown after `--verify`"

#[cfg(feature = "http")]
#[test]
fn verify_shows_the_source_and_the_default_team() {
    let server = stub::Stub::http(vec![stub::Reply::viewer()]);
    let url = server.url("127.0.0.1");
    let home = Home::new();
    let run = Run::ok(
        home.wandb_login(&["login", "--verify"])
            .env("WANDB_BASE_URL", &url)
            .env("WANDB_API_KEY", KEY_1),
    );
    let told = run.stderr;
    assert!(told.contains("from WANDB_API_KEY"), "{told}");
    assert!(
        told.contains(&format!("Currently logged in as: usr (ent) to {url}.")),
        "{told}"
    );
    assert!(told.contains("Default team: ent"), "{told}");
    let around = Around::new(&[]);
    let verify = Options {
        api_key: Some(KEY_1),
        host: Some(&url),
        flags: Flags::VERIFY,
        ..Options::default()
    };
    let session = around.session(verify);
    assert!(session.verified());
    assert_eq!(
        (session.username(), session.entity()),
        (Some("usr"), Some("ent"))
    );
    assert_eq!(session.teams(), ["ent", "team2"]);
    assert!(
        session
            .display()
            .starts_with("Currently logged in as: usr (ent)"),
        "{}",
        session.display()
    );
}

// "use `wandb status` to see which settings file is used"

#[test]
fn status_tells_which_settings_file_is_used() {
    let home = Home::new();
    let path = home.write(
        SETTINGS,
        format!("[default]\nbase_url = {SERVER}\napi_key = {KEY_4}\n"),
    );
    let path = path.to_str().expect("UTF-8");
    home.write(NETRC, entry(KEY_2));
    let status = Run::ok(&mut home.wandb_login(&["status"]));
    assert!(status.stdout.contains(path), "{}", status.stdout);
    assert!(!(status.stdout + &status.stderr).contains(KEY_4));
    let status = Run::ok(&mut home.wandb_login(&["status", "--json"]));
    let report: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(report["winner"], "settings");
    assert_eq!(report["host"]["source"], "system_settings");
    let rows = report["sources"].as_array().expect("sources");
    let used = rows.iter().find(|row| row["state"] == "used").expect("one");
    assert_eq!(
        (used["source_name"].as_str(), used["line"].as_u64()),
        (Some(path), Some(3))
    );
    let shadowed = rows
        .iter()
        .find(|row| row["state"] == "shadowed")
        .expect("one");
    assert_eq!(shadowed["source"], "netrc");
    // Nothing configured is exit 1, in either form.
    for words in [&["status"][..], &["status", "--json"]] {
        assert_eq!(Run::of(&mut Home::new().wandb_login(words)).code, Some(1));
    }
}

// `wandb_login_explain()`

#[test]
fn explain_hears_every_source() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_1)]);
    around.store_in_netrc(KEY_2);
    around.home.write(
        SETTINGS,
        "[default]\napi_key = short\nbase_url = http://127.0.0.1:8080\n",
    );
    let report = around
        .call(no_prompt(), wandb_login::explain)
        .expect("a report");
    assert!(report.is_configured());
    let json: Value = serde_json::from_str(&report.render(Format::Json)).expect("JSON");
    let state = |source: &str| -> Vec<String> {
        let rows = json["sources"].as_array().expect("sources").iter();
        let rows = rows.filter(|row| row["source"] == source);
        rows.map(|row| row["state"].as_str().expect("a state").to_string())
            .collect()
    };
    assert_eq!(state("environment"), ["used"]);
    assert_eq!(state("netrc"), ["shadowed"]);
    assert_eq!(state("settings"), ["absent", "invalid"]);
    assert_eq!(state("prompt"), ["skipped"]);
    for format in [Format::Text, Format::Json] {
        let text = report.render(format);
        assert!(!text.contains(KEY_1) && !text.contains(KEY_2), "{text}");
    }
}

// "key formats and their error"

#[test]
fn key_formats_and_their_error() {
    let long = "9".repeat(86);
    let v1 = format!("wandb_v1_{}", "x".repeat(83));
    for key in [
        KEY_1,
        &long,
        &v1,
        "local-1111111111111111111111111111111111111111",
        "aa.bb.cc",
    ] {
        let around = Around::new(&[]);
        assert_eq!(
            key_of(&around.session(Options {
                api_key: Some(key),
                ..no_prompt()
            })),
            key
        );
    }
    let bad = [
        (&KEY_1[1..], "API key must have 40+ characters, has 39."),
        (
            "a b",
            "API key may only contain the letters A-Z, digits and underscores.",
        ),
    ];
    for (key, text) in bad {
        let around = Around::new(&[]);
        let error = around
            .login(Options {
                api_key: Some(key),
                ..no_prompt()
            })
            .expect_err(key);
        assert!(
            matches!(&error, Error::Credentials(told) if told.contains(text)),
            "{error:?}"
        );
        assert!(!error.to_string().contains(key), "{error}");
        assert_eq!(around.home.text(NETRC), None);
        let run = Run::of(&mut Home::new().wandb_login(&["login", key]));
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }
}

// `login(anonymous, key, relogin, host, force)`

#[test]
fn login_without_a_key_is_not_configured() {
    let around = Around::new(&[]);
    let error = around.login(no_prompt()).expect_err("no key");
    assert!(
        matches!(&error, Error::NotConfigured(told) if told.contains("No API key configured")),
        "{error}"
    );
    let run = Run::of(&mut Home::new().wandb_login(&[]));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("No API key configured"),
        "{}",
        run.stderr
    );
    // An empty key or host is none.
    assert!(matches!(
        around.login(Options {
            api_key: Some(""),
            ..no_prompt()
        }),
        Err(Error::NotConfigured(_))
    ));
    let empty = Options {
        host: Some(""),
        ..no_prompt()
    };
    assert!(matches!(around.login(empty), Err(Error::NotConfigured(_))));
}

#[test]
fn force_leaves_no_way_out() {
    for (flags, may_offline) in [(Flags::default(), true), (Flags::FORCE, false)] {
        let around = Around::new(&[]);
        let asked = Cell::new(None);
        let prompt = |request: &PromptRequest<'_>| {
            asked.set(Some(request.may_offline));
            PromptAnswer::Offline
        };
        let done = around.login(Options {
            flags,
            host: Some(SERVER),
            prompt: Some(&prompt),
            ..Options::default()
        });
        assert_eq!(asked.get(), Some(may_offline));
        match may_offline {
            true => assert!(matches!(done, Ok(Login::Offline)), "{done:?}"),
            false => assert!(matches!(done, Err(Error::Prompt(_))), "{done:?}"),
        }
        assert_eq!(around.home.text(NETRC), None);
    }
}

// `_WandbLogin.__init__`, `setup(kwargs)`

#[test]
fn default_options_are_a_plain_login() {
    let around = Around::new(&[]);
    around.home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_2}\n"),
    );
    let session = around.session(Options::default());
    assert_eq!(
        (key_of(&session), session.base_url()),
        (KEY_2, "https://api.wandb.ai")
    );
    assert_eq!(session.app_url(), "https://forge.coreweave.com/wandb");
}

// `is_apikey_configured()`

#[test]
fn is_apikey_configured() {
    let around = Around::new(&[("WANDB_MODE", "offline")]);
    let configured = |around: &Around| around.call(no_prompt(), wandb_login::check);
    assert!(matches!(configured(&around), Err(Error::NotConfigured(_))));
    around.store_in_netrc("short");
    assert!(matches!(configured(&around), Err(Error::Credentials(_))));
    around.store_in_netrc(KEY_2);
    assert_eq!(configured(&around), Ok(()), "whatever the mode");
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_2)));
}

// `set_backend(backend)`, `propogate_login()`

#[test]
fn propagate_login_through_the_environment() {
    let around = Around::new(&[]);
    let session = around.session(Options {
        api_key: Some(KEY_1),
        ..no_prompt()
    });
    let entries: Vec<String> = session
        .environ()
        .iter()
        .map(|entry| String::from_utf8_lossy(entry.as_bytes()).into_owned())
        .collect();
    let expected = [
        &format!("WANDB_API_KEY={KEY_1}"),
        "WANDB_IDENTITY_TOKEN_FILE=",
        "WANDB_API_KEY_FILE=",
        &format!("WANDB_BASE_URL={SERVER}"),
    ];
    assert_eq!(entries, expected);
    // A child that has nothing else is logged in, though its parent's variables say otherwise.
    let home = Home::new();
    let mut child = home.wandb_login(&["token"]);
    child
        .env("WANDB_API_KEY_FILE", "/none")
        .envs(entries.iter().filter_map(|entry| entry.split_once('=')));
    assert_eq!(Run::ok(&mut child).stdout, format!("{KEY_1}\n"));
    // A shell takes the same from the command line.
    let script = format!(
        "eval \"$({} env --host {SERVER})\" && env",
        env!("CARGO_BIN_EXE_wandb-login")
    );
    let shell = Run::ok(around.home.command("sh").args(["-c", &script]));
    assert!(
        shell.stdout.lines().any(|line| line == expected[0]),
        "{}",
        shell.stdout
    );
    assert!(
        shell.stdout.lines().any(|line| line == expected[3]),
        "{}",
        shell.stdout
    );
    let plain = Run::ok(
        &mut around
            .home
            .wandb_login(&["env", "--host", SERVER, "--format", "plain"]),
    );
    assert_eq!(plain.stdout.lines().collect::<Vec<_>>(), expected);
}

// `set_silent(silent)`

#[test]
fn silent_says_nothing_but_what_concerns_safety() {
    let home = Home::new();
    home.write(NETRC, entry(KEY_2));
    let silent = |home: &Home| {
        Run::ok(
            home.wandb_login(&["login", "--host", SERVER])
                .env("WANDB_SILENT", "true"),
        )
    };
    assert_eq!(silent(&home).stderr, "");
    home.write(WORKSPACE, format!("[default]\napi_key = {KEY_3}\n"));
    home.write(SETTINGS, format!("[default]\nbase_url = {SERVER}\n"));
    let told = silent(&home).stderr;
    assert!(
        told.contains("wandb/settings line 2"),
        "another's key goes before the user's own: {told}"
    );
    // A log of the caller's own gets everything.
    let around = Around::new(&[]);
    around.session(Options {
        api_key: Some(KEY_1),
        flags: Flags::SILENT,
        ..no_prompt()
    });
    assert!(
        around.log().contains("Using explicit session credentials"),
        "{}",
        around.log()
    );
    let quiet = Run::ok(&mut home.wandb_login(&["login", "--quiet", "--host", SERVER]));
    assert!(
        !quiet.stderr.contains("Loaded credentials"),
        "{}",
        quiet.stderr
    );
    let setting = Home::new();
    setting.write(NETRC, entry(KEY_2));
    setting.write(
        SETTINGS,
        format!("[default]\nbase_url = {SERVER}\nsilent = true\n"),
    );
    assert_eq!(Run::ok(&mut setting.wandb_login(&[])).stderr, "");
}

// `login()`

#[test]
fn login_with_what_is_stored() {
    let around = Around::new(&[]);
    around.store_in_netrc(KEY_2);
    let session = around.session(no_prompt());
    let path = around.home.home().join(".netrc");
    assert_eq!(
        (key_of(&session), session.source_name()),
        (KEY_2, path.to_str())
    );
    assert!(around.log().contains(&format!(
        "Loaded credentials for {SERVER} from {}",
        path.display()
    )));
}

// `login_display()`

#[test]
fn login_display() {
    let around = Around::new(&[]);
    let session = around.session(Options {
        api_key: Some(KEY_1),
        ..no_prompt()
    });
    assert!(
        session.display().starts_with("W&B API key is configured"),
        "{}",
        session.display()
    );
    assert!(around.log().contains(session.display()));
    assert!(!session.display().contains(KEY_1) && !format!("{session:?}").contains(KEY_1));
}

// `configure_api_key(key)`

#[test]
fn configure_api_key() {
    let around = Around::new(&[]);
    around.session(Options {
        api_key: Some(KEY_1),
        ..no_prompt()
    });
    around.session(Options {
        api_key: Some(KEY_2),
        ..no_prompt()
    });
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_2)));
    assert_eq!(around.home.mode(NETRC), 0o600);
    assert_eq!(key_of(&around.session(no_prompt())), KEY_2);
}

// `update_session(key)`

#[test]
fn update_session() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_3)]);
    let unsaved = Options {
        api_key: Some(KEY_1),
        flags: Flags::NO_SAVE,
        ..no_prompt()
    };
    let session = around.session(unsaved);
    assert!(!session.saved());
    assert_eq!(
        (around.home.text(NETRC), around.home.text(SETTINGS)),
        (None, None)
    );
    // The session goes before the environment, and remembers where it is from.
    let again = around.session(Options {
        session: Some(&session),
        ..no_prompt()
    });
    assert_eq!((key_of(&again), again.source()), (KEY_1, Source::Session));
    // A key of the call goes before it; another server does not get it.
    let explicit = Options {
        api_key: Some(KEY_2),
        session: Some(&session),
        ..unsaved
    };
    assert_eq!(key_of(&around.session(explicit)), KEY_2);
    let elsewhere = Options {
        host: Some("http://127.0.0.1:9"),
        session: Some(&session),
        ..no_prompt()
    };
    assert_eq!(key_of(&around.session(elsewhere)), KEY_3);
    let run =
        Run::ok(
            &mut around
                .home
                .wandb_login(&["login", "--no-save", "--host", SERVER, KEY_1]),
        );
    assert_eq!(
        around.home.text(SETTINGS),
        Some(format!("[default]\nbase_url = http://127.0.0.1:9\n")),
        "{}",
        run.stderr
    );
    assert_eq!(around.home.text(NETRC), None);
}

// `prompt_api_key()`

#[test]
fn prompt_api_key() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_3)]);
    let problems = RefCell::new(Vec::new());
    let prompt = |request: &PromptRequest<'_>| {
        assert_eq!(request.server, SERVER);
        assert_eq!(
            request.authorize_url,
            format!("{SERVER}/authorize?ref=me%26you")
        );
        assert_eq!(request.attempt as usize, problems.borrow().len() + 1);
        problems
            .borrow_mut()
            .push(request.problem.map(str::to_string));
        let answer = if request.attempt < 3 { "short" } else { KEY_1 };
        PromptAnswer::Key(Secret::new(answer.as_bytes()))
    };
    let ask = Options {
        prompt: Some(&prompt),
        host: Some(SERVER),
        referrer: Some("me&you"),
        ..Options::default()
    };
    let done = around
        .call(ask, wandb_login::prompt_api_key)
        .expect("a key");
    let Login::Session(session) = done else {
        panic!("{done:?}")
    };
    assert_eq!(
        (key_of(&session), session.source()),
        (KEY_1, Source::Prompt)
    );
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_1)));
    let problems = problems.take();
    assert_eq!(problems.len(), 3);
    assert_eq!(problems[0], None);
    assert!(
        problems[2]
            .as_deref()
            .is_some_and(|told| told.contains("has 5")),
        "{problems:?}"
    );

    let calls = Cell::new(0);
    let never = |_: &PromptRequest<'_>| {
        calls.set(calls.get() + 1);
        PromptAnswer::Key(Secret::new(b"short"))
    };
    let ask = Options {
        prompt: Some(&never),
        ..ask
    };
    let error = around
        .call(ask, wandb_login::prompt_api_key)
        .expect_err("no good key");
    assert!(matches!(error, Error::Credentials(_)), "{error:?}");
    assert_eq!(calls.get(), 5, "five candidates at most");
    for wrong in [
        Options {
            api_key: Some(KEY_1),
            ..ask
        },
        Options {
            flags: Flags::NO_PROMPT,
            ..ask
        },
    ] {
        let error = around
            .call(wrong, wandb_login::prompt_api_key)
            .expect_err("a contradiction");
        assert!(matches!(error, Error::Argument(_)), "{error:?}");
    }
    assert_eq!(calls.get(), 5);
}

// Modes

#[test]
fn modes_in_the_library() {
    for (mode, away) in [
        ("online", false),
        ("run", false),
        ("shared", false),
        ("", false),
        ("offline", true),
        ("dryrun", true),
        ("disabled", true),
    ] {
        for of_settings in [false, true] {
            if of_settings && mode.is_empty() {
                continue;
            }
            let around = Around::new(&[("WANDB_MODE", if of_settings { "" } else { mode })]);
            if of_settings {
                around
                    .home
                    .write(SETTINGS, format!("[default]\nmode = {mode}\n"));
            }
            let done = around.login(Options {
                api_key: Some(KEY_1),
                ..no_prompt()
            });
            match away {
                true => assert!(matches!(done, Ok(Login::Offline)), "{mode}: {done:?}"),
                false => assert!(matches!(done, Ok(Login::Session(_))), "{mode}: {done:?}"),
            }
            assert_eq!(around.home.text(NETRC).is_none(), away, "{mode}");
            assert_eq!(
                around.log().contains("the API key was not used"),
                away,
                "{mode}: {}",
                around.log()
            );
            let prompt = |_: &PromptRequest<'_>| PromptAnswer::Key(Secret::new(KEY_2.as_bytes()));
            let ask = Options {
                prompt: Some(&prompt),
                host: Some(SERVER),
                ..Options::default()
            };
            let done = around.call(ask, wandb_login::prompt_api_key);
            assert_eq!(matches!(done, Ok(Login::Offline)), away, "{mode}: {done:?}");
        }
    }
    for bogus in ["bogus", "OFFLINE", " online"] {
        let around = Around::new(&[("WANDB_MODE", bogus)]);
        let error = around.login(no_prompt()).expect_err(bogus);
        assert!(
            matches!(&error, Error::Credentials(told) if told.contains("WANDB_MODE")),
            "{error:?}"
        );
    }
}

#[test]
fn modes_on_the_command_line() {
    for (mode, stored) in [
        ("online", true),
        ("run", true),
        ("shared", true),
        ("", true),
        ("offline", true),
        ("dryrun", true),
        ("disabled", false),
    ] {
        let home = Home::new();
        let run = Run::ok(
            home.wandb_login(&["login", "--host", SERVER, KEY_1])
                .env("WANDB_MODE", mode),
        );
        assert_eq!(home.text(NETRC).is_some(), stored, "{mode}: {}", run.stderr);
        assert_eq!(home.text(SETTINGS).is_some(), stored, "{mode}");
        assert_eq!(
            run.stderr.contains("nothing was done"),
            !stored,
            "{mode}: {}",
            run.stderr
        );
    }
    let home = Home::new();
    let run = Run::of(
        home.wandb_login(&["login", "--host", SERVER, KEY_1])
            .env("WANDB_MODE", "bogus"),
    );
    assert_eq!(
        (run.code, home.text(NETRC)),
        (Some(1), None),
        "{}",
        run.stderr
    );
}
