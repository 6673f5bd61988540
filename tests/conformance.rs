//! Every recorded login of the Python SDK, done again by this library: the same
//! key from the same source, and the same files after it, or a difference that
//! has a name. The cases are in `conformance/logins.json`.

mod support;

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde_json::Value;
use support::Run;
use support::logins::{Case, Outcome, Stage, cases, differences};
use wandb_login::{Error, Flags, Login, Options, Session, Source};

#[test]
fn every_recorded_login() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = run(case);
        let expected = case.expected();
        if outcome != expected {
            let name = &case.name;
            wrong.push(format!(
                "{name}\n    is       {outcome:?}\n    not      {expected:?}"
            ));
        }
    }
    let differ = cases.iter().filter(|case| case.ours.is_some()).count();
    println!("{} cases run, {differ} differ on purpose", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table says what it means: names are unique, each difference is one, and
/// is explained.
#[test]
fn the_table_is_in_order() {
    let explained: BTreeSet<String> = differences();
    let mut names = BTreeSet::new();
    let mut used = BTreeSet::new();
    for case in cases() {
        assert!(
            names.insert(case.name.clone()),
            "{} stands twice",
            case.name
        );
        assert_eq!(
            case.ours.is_some(),
            case.difference.is_some(),
            "{}",
            case.name
        );
        if case.ours.is_some() {
            assert_ne!(case.expected(), case.sdk(), "{}: no difference", case.name);
        }
        if let Some(older) = &case.older_sdk {
            let key = older["key"].as_str();
            assert_eq!(case.expected().key.as_deref(), key, "{}", case.name);
        }
        used.extend(case.difference);
    }
    assert_eq!(used, explained);
}

fn run(case: &Case) -> Outcome {
    let stage = Stage::set(case);
    match case.is_library() {
        true => library(case, &stage),
        false => command_line(case, &stage),
    }
}

/// `wandb-login ARGUMENTS`, and what `token` and `status` said about it before.
fn command_line(case: &Case, stage: &Stage) -> Outcome {
    let arguments = stage.arguments(case);
    let order = case.order.iter().flat_map(|order| ["--order", order]);
    let given: Vec<&str> = arguments.iter().map(String::as_str).chain(order).collect();
    let login = stage.wandb_login(case, &with(&given, &["login"], |_| true));

    // The same question without the words that only a login takes.
    let asked = |command: &[&str]| {
        let fresh = Stage::set(case);
        fresh.wandb_login(
            case,
            &with(&given, command, |word| {
                ["--host", "--order"].contains(&word)
            }),
        )
    };
    let told = source_told(&login.stderr);
    let silent = ["WANDB_SILENT", "WANDB_QUIET"]
        .iter()
        .any(|name| case.environment.contains_key(*name));
    let source = match told {
        None if silent && login.code == Some(0) => case.expected().source,
        told => told,
    };
    let found = source.as_deref().is_some_and(|source| source != "argument");
    let mut key = None;
    if found {
        let token = asked(&["token"]);
        assert_eq!(token.code, Some(0), "{}: {}", case.name, token.stderr);
        key = Some(stage.text(token.stdout.trim_end()));
        let status = asked(&["status", "--json"]);
        let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
        let winner = status["winner"].as_str().map(|winner| match winner {
            "environment" => "WANDB_API_KEY",
            winner => winner,
        });
        assert_eq!(winner, source.as_deref(), "{}", case.name);
    }
    Outcome {
        ends: format!("exit {}", login.code.unwrap_or(-1)),
        source,
        key,
        after: stage.changes(),
    }
}

/// A command with those of the given options, each with its value, that it takes.
fn with<'w>(given: &[&'w str], command: &[&'w str], takes: impl Fn(&str) -> bool) -> Vec<&'w str> {
    let mut words = command.to_vec();
    let mut given = given.iter().skip(1).peekable();
    while let Some(word) = given.next() {
        let value = ["--host", "--order"]
            .contains(word)
            .then(|| given.next())
            .flatten();
        if takes(word) {
            words.push(word);
            words.extend(value);
        }
    }
    words
}

/// The source that a login told the user.
fn source_told(stderr: &str) -> Option<String> {
    stderr.lines().find_map(|line| {
        if line.contains("Using explicit session credentials") {
            return Some("argument".to_string());
        }
        let (_, rest) = line.split_once("Loaded credentials for ")?;
        let (place, _) = rest.rsplit_once(" (")?;
        let (_, source) = place.rsplit_once(" from ")?;
        Some(kind_of(source).to_string())
    })
}

fn kind_of(source: &str) -> &str {
    match source {
        path if path.ends_with("netrc") => "netrc",
        path if path.ends_with("settings") => "settings",
        other => other,
    }
}

/// `wandb_login::login` with the same arguments.
fn library(case: &Case, stage: &Stage) -> Outcome {
    let arguments = stage.arguments(case);
    let mut words = arguments.iter().map(String::as_str);
    let environment: Vec<OsString> = stage
        .environment(case)
        .into_iter()
        .map(OsString::from)
        .collect();
    let environment: Vec<_> = environment.iter().map(OsString::as_os_str).collect();
    let (log, cwd) = (|_, _: &str| {}, stage.home.cwd());
    let mut flags = Flags::NO_PROMPT;
    let mut options = Options::new()
        .environment(&environment)
        .working_directory(&cwd)
        .log(&log);
    while let Some(word) = words.next() {
        match word {
            "--host" => options = options.host(words.next().expect("a URL")),
            "--relogin" => flags |= Flags::RELOGIN,
            key => options = options.api_key(key),
        }
    }
    let done = wandb_login::login(&options.flags(flags));
    let session = match &done {
        Ok(Login::Session(session)) => Some(session),
        _ => None,
    };
    let source = session.map(|session| match session.source() {
        Source::Explicit => "argument",
        source => kind_of(session.source_name().unwrap_or(source.name())),
    });
    let key = session
        .filter(|_| source != Some("argument"))
        .and_then(Session::api_key);
    Outcome {
        ends: match &done {
            Ok(Login::Session(_)) => "logged in",
            Ok(Login::Offline) | Err(Error::NotConfigured(_)) => "not logged in",
            Err(_) => "error",
        }
        .to_string(),
        source: source.map(str::to_string),
        key: key.map(|key| stage.text(std::str::from_utf8(key.as_bytes()).expect("ASCII"))),
        after: stage.changes(),
    }
}

impl Stage {
    fn wandb_login(&self, case: &Case, words: &[&str]) -> Run {
        let mut command = self.home.wandb_login(words);
        command.envs(self.variables(case));
        Run::of(&mut command)
    }
}
