//! The module `wandb_login`: its functions, and the members of its class.

use std::cell::{Cell, RefCell};

use wandb_login::{Error, Flags, Login, Options, PromptAnswer, PromptRequest, Secret, Source};

use crate::support::{Home, KEY_1, KEY_2, KEY_3, Run, is_private};
use crate::{Around, NETRC, SERVER, SETTINGS, WORKSPACE, entry, key_of, no_prompt};

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
        around.login(no_prompt().api_key("")),
        Err(Error::NotConfigured(_))
    ));
    let empty = no_prompt().host("");
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
        let done = around.login(Options::new().flags(flags).host(SERVER).prompt(&prompt));
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
    let session = around.session(no_prompt().api_key(KEY_1));
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
    let workspace = home.write(WORKSPACE, format!("[default]\napi_key = {KEY_3}\n"));
    home.write(SETTINGS, format!("[default]\nbase_url = {SERVER}\n"));
    let told = silent(&home).stderr;
    assert!(
        told.contains(&format!("{} line 2", workspace.display())),
        "another's key goes before the user's own: {told}"
    );
    // A log of the caller's own gets everything.
    let around = Around::new(&[]);
    around.session(no_prompt().api_key(KEY_1).flags(Flags::SILENT));
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
    let path = around.home.path(NETRC);
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
    let session = around.session(no_prompt().api_key(KEY_1));
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
    around.session(no_prompt().api_key(KEY_1));
    around.session(no_prompt().api_key(KEY_2));
    assert_eq!(around.home.text(NETRC), Some(entry(KEY_2)));
    assert!(is_private(&around.home.path(NETRC)));
    assert_eq!(key_of(&around.session(no_prompt())), KEY_2);
}

// `update_session(key)`

#[test]
fn update_session() {
    let around = Around::new(&[("WANDB_API_KEY", KEY_3)]);
    let unsaved = no_prompt().api_key(KEY_1).flags(Flags::NO_SAVE);
    let session = around.session(unsaved);
    assert!(!session.saved());
    assert_eq!(
        (around.home.text(NETRC), around.home.text(SETTINGS)),
        (None, None)
    );
    // The session goes before the environment, and remembers where it is from.
    let again = around.session(no_prompt().session(&session));
    assert_eq!((key_of(&again), again.source()), (KEY_1, Source::Session));
    // A key of the call goes before it; another server does not get it.
    let explicit = unsaved.api_key(KEY_2).session(&session);
    assert_eq!(key_of(&around.session(explicit)), KEY_2);
    let elsewhere = no_prompt().host("http://127.0.0.1:9").session(&session);
    assert_eq!(key_of(&around.session(elsewhere)), KEY_3);
    let run =
        Run::ok(
            &mut around
                .home
                .wandb_login(&["login", "--no-save", "--host", SERVER, KEY_1]),
        );
    assert_eq!(
        around.home.text(SETTINGS),
        Some("[default]\nbase_url = http://127.0.0.1:9\n".to_string()),
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
    let ask = Options::new()
        .prompt(&prompt)
        .host(SERVER)
        .referrer("me&you");
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
    let ask = ask.prompt(&never);
    let error = around
        .call(ask, wandb_login::prompt_api_key)
        .expect_err("no good key");
    assert!(matches!(error, Error::Credentials(_)), "{error:?}");
    assert_eq!(calls.get(), 5, "five candidates at most");
    for wrong in [ask.api_key(KEY_1), ask.flags(Flags::NO_PROMPT)] {
        let error = around
            .call(wrong, wandb_login::prompt_api_key)
            .expect_err("a contradiction");
        assert!(matches!(error, Error::Argument(_)), "{error:?}");
    }
    assert_eq!(calls.get(), 5);
}
