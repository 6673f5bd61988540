//! The page on `wandb login`: usage, options, and what it says about keys.

use serde_json::Value;
use wandb_login::{Error, Flags, Format, Options, PromptAnswer, PromptRequest, Secret, Source};

use crate::support::{Home, KEY_1, KEY_2, KEY_3, KEY_4, Run, is_private};
use crate::{Around, NETRC, SERVER, SETTINGS, WORKSPACE, entry, key_of, no_prompt};

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
    let session = around.session(no_prompt().api_key(KEY_1));
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
    let cloud = Options::new().api_key(KEY_1).flags(Flags::CLOUD);
    assert_eq!(around.session(cloud).base_url(), "https://api.wandb.ai");
    check(&around.home);

    // Both at once contradict each other.
    let both = cloud.host(SERVER);
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
        assert!(is_private(&home.path(SETTINGS)));
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
    around.session(no_prompt().api_key(KEY_1));
    assert_eq!(
        around.home.text(SETTINGS),
        Some(format!("[default]\nbase_url = {SERVER}\n"))
    );
    // A server from the environment is not.
    let around = Around::new(&[("WANDB_BASE_URL", SERVER)]);
    around.session(Options::new().api_key(KEY_1));
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
    let again = no_prompt().flags(Flags::RELOGIN | Flags::NO_PROMPT);
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
    let session = around.session(
        Options::new()
            .flags(Flags::RELOGIN)
            .host(SERVER)
            .prompt(&prompt),
    );
    assert_eq!(
        (key_of(&session), session.source()),
        (KEY_4, Source::Prompt)
    );
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_4)));
    assert!(
        around
            .log()
            .contains("WANDB_API_KEY is set and takes precedence over"),
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
    let code = if cfg!(feature = "http") { 4 } else { 1 };
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!((home.text(NETRC), home.text(SETTINGS)), (None, None));
    let around = Around::new(&[]);
    let verify = Options::new()
        .api_key(KEY_1)
        .host(&server)
        .flags(Flags::VERIFY);
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
    let server = crate::stub::Stub::http(vec![crate::stub::Reply::viewer()]);
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
    let verify = Options::new()
        .api_key(KEY_1)
        .host(&url)
        .flags(Flags::VERIFY);
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
        assert_eq!(key_of(&around.session(no_prompt().api_key(key))), key);
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
        let error = around.login(no_prompt().api_key(key)).expect_err(key);
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
