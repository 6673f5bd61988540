//! Unusual files, homes and variables: nothing blocks, no data is lost, and an
//! error message names the file or variable. `README.md` lists which test covers
//! which failure.

#[path = "../support/mod.rs"]
mod support;

mod bindings;
mod parsing;
mod storage;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Home, KEY_1, Run};

const SERVER: &str = "http://127.0.0.1:8080";
const SETTINGS: &str = "home/.config/wandb/settings";

fn entry(key: &str) -> String {
    format!("machine 127.0.0.1:8080\n  login user\n  password {key}\n")
}

fn login(home: &Home, key: &str) -> Command {
    let mut command = home.wandb_login(&["login", key]);
    command.env("WANDB_BASE_URL", SERVER);
    command
}

fn token(home: &Home) -> Command {
    let mut command = home.wandb_login(&["token"]);
    command.env("WANDB_BASE_URL", SERVER);
    command
}

/// A login whose key cannot be stored: it succeeds and reports the reason.
fn not_saved(mut command: Command, why: &str) {
    let run = Run::ok(&mut command);
    assert!(
        run.stderr.contains("The API key was not saved: "),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
    assert!(!run.stderr.contains(KEY_1), "{}", run.stderr);
}

/// A source's row in the report, unless absent.
fn source(report: &str, name: &str) -> Value {
    let report: Value = serde_json::from_str(report).expect("JSON");
    let rows = report["sources"].as_array().expect("sources");
    rows.iter()
        .find(|row| row["source"] == name && row["state"] != "absent")
        .cloned()
        .unwrap_or_default()
}

/// `tests/README.md` names existing tests and cases.
#[test]
fn every_test_named_in_the_readme_exists() {
    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text.push_str(&fs::read_to_string(&path).expect("UTF-8"));
            }
        }
    }
    let mut code = String::new();
    sources(&support::root().join("src"), &mut code);
    sources(&support::root().join("tests"), &mut code);
    let cases = support::logins::cases();
    let table = fs::read_to_string(support::root().join("tests/README.md")).expect("the table");
    let (_, table) = table.split_once("### Storage").expect("its first part");
    let mut rows = 0;
    let mut missing = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let (_, tests) = line
            .trim_end_matches(" |")
            .rsplit_once(" | ")
            .expect("two columns");
        rows += 1;
        for name in tests
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| !name.contains('/'))
        {
            if !code.contains(&format!("fn {name}(")) {
                missing.push(name);
            }
        }
        for name in tests.split('"').skip(1).step_by(2) {
            if !cases.iter().any(|case| case.name == name) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "no such test or case: {missing:#?}");
    // With the five heads. No row is removed: each is a failure that was met.
    assert!(rows >= 75, "the table lost rows: {rows}");
}
