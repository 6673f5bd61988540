//! The report in many situations, as the command line and a C program print it.
//! `WANDB_LOGIN_UPDATE_GOLDEN=1 cargo test --test cli` writes what came out.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::situation::{Situation, abstracted, tree};
use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run};
use crate::{program, schema};

/// The schema of a report's JSON.
pub fn schema() -> Value {
    let path = support::root().join("tests/conformance/report.schema.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the schema")).expect("JSON")
}

/// Runs a program that must change nothing, and gives what it printed.
fn look(situation: &Situation, home: &Home, command: &mut Command) -> Run {
    command.args(situation.arguments());
    situation.environment(home, command);
    let before = tree(home.base());
    let run = Run::of(command);
    assert_eq!(
        tree(home.base()),
        before,
        "{}: files changed",
        situation.name()
    );
    let stdout = abstracted(&run.stdout, home);
    Run { stdout, ..run }
}

#[test]
fn reports_are_as_recorded() {
    let update = std::env::var_os("WANDB_LOGIN_UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let schema = schema();
    let situations = Situation::all();
    assert!(situations.len() >= 40, "{} situations", situations.len());
    let mut states = BTreeSet::new();
    for situation in &situations {
        let name = situation.name();
        let home = situation.set_up();
        let text = look(situation, &home, &mut home.wandb_login(&["status"]));
        let json = look(
            situation,
            &home,
            &mut home.wandb_login(&["status", "--json"]),
        );
        assert_eq!(
            (text.stderr.as_str(), json.stderr.as_str()),
            ("", ""),
            "{name}"
        );
        let value: Value =
            serde_json::from_str(&json.stdout).unwrap_or_else(|e| panic!("{name}: {e}"));
        schema::check(&schema, &value).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        consistent(&name, &value);
        for row in value["sources"].as_array().into_iter().flatten() {
            states.insert(format!("{} {}", row["source"], row["state"]));
        }
        let code = Some(if value["configured"] == true { 0 } else { 1 });
        assert_eq!((text.code, json.code), (code, code), "{name}");

        let mut outcomes = vec![("text", text.stdout.clone()), ("json", json.stdout.clone())];
        if program::is_built() {
            for (section, format, same) in [("c text", "text", &text), ("c json", "json", &json)] {
                let mut command = program::command(&home);
                let run = look(situation, &home, command.args(["explain", format]));
                // OK whenever there is a report, whatever it says.
                assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name}");
                if run.stdout != same.stdout {
                    outcomes.push((section, run.stdout));
                }
            }
        }
        if update {
            let sections: Vec<_> = outcomes
                .iter()
                .map(|(name, text)| (*name, text.as_str()))
                .collect();
            situation.rewrite(&sections);
            continue;
        }
        for (section, outcome) in &outcomes {
            let expected = situation.expected(section);
            let expected =
                expected.unwrap_or_else(|| panic!("{name}: in C {section} differs:\n{outcome}"));
            let [outcome, expected] = [outcome, expected].map(support::portable);
            assert_eq!(outcome, expected, "{name}, {section}");
        }
        if program::is_built() {
            for section in ["c text", "c json"] {
                let differs = outcomes.iter().any(|(name, _)| *name == section);
                assert_eq!(
                    situation.expected(section).is_some(),
                    differs,
                    "{name}, {section}"
                );
            }
        }
    }
    // The table is worth its name only while every state of every source that
    // the command line can meet is in it.
    for source in [
        "environment",
        "identity_token",
        "key_file",
        "settings",
        "netrc",
    ] {
        for state in ["used", "shadowed", "absent", "invalid", "skipped"] {
            // Two variables are never both in force, and nothing else goes
            // before them here.
            if state == "shadowed" && !["settings", "netrc"].contains(&source) {
                continue;
            }
            let met = states.contains(&format!("\"{source}\" \"{state}\""));
            assert!(met, "no situation in which {source} is {state}");
        }
    }
}

/// What holds in every report.
fn consistent(name: &str, report: &Value) {
    let rows = report["sources"].as_array().expect("an array");
    let used: Vec<_> = rows.iter().filter(|row| row["state"] == "used").collect();
    assert!(used.len() <= 1, "{name}: one winner at most");
    assert_eq!(report["configured"], !used.is_empty(), "{name}");
    let winner = used.first().map_or(&Value::Null, |row| &row["source"]);
    assert_eq!(&report["winner"], winner, "{name}");
    for row in rows {
        let must_say_why = row["state"] != "used" && row["state"] != "absent";
        assert_eq!(row["problem"].is_string(), must_say_why, "{name}: {row}");
    }
}

/// The winner stands on the first line, the server on the second: that is what
/// a person reads in five seconds.
#[test]
fn the_winner_comes_first() {
    for situation in Situation::all() {
        let text = situation.expected("text").expect("recorded");
        let mut lines = text.lines();
        let first = lines.next().expect("a line");
        assert!(first.starts_with("Active key:   "), "{}", situation.name());
        assert!(
            lines.next().expect("a line").starts_with("Server:"),
            "{}",
            situation.name()
        );
        let commands: Vec<_> = text
            .lines()
            .filter(|line| line.trim_start().starts_with("$ "))
            .collect();
        let distinct: BTreeSet<_> = commands.iter().collect();
        assert_eq!(commands.len(), distinct.len(), "{}", situation.name());
        assert!(
            first.len() < 120 && text.lines().count() < 25,
            "{}",
            situation.name()
        );
    }
}

/// What only a program can give: a key, a session, the wish for an anonymous
/// account.
#[test]
fn what_a_program_gives_goes_first() {
    if !program::is_built() {
        return;
    }
    let netrc = format!("machine api.wandb.ai login user password {KEY_1}\n");
    let short = "12345678901234567890";
    for (arguments, stored, says) in [
        (
            &["--key", KEY_2][..],
            true,
            &[
                "Active key:   API key ****2222, from the options",
                "used      the options",
                "line 1: API key ****1111: overridden by the options; omit it to use this one",
            ][..],
        ),
        (
            &["--key", short],
            true,
            &[
                "Active key:   none",
                "error     the api_key option is invalid: API key must have 40+ characters, has 20.",
                "invalid   the options",
                "line 1: API key ****1111: not reached: the login fails before",
            ],
        ),
        (
            &["--session", KEY_2],
            true,
            &[
                "Active key:   API key ****2222, from the session",
                "used      the session",
                "line 1: API key ****1111: overridden by the session; omit it to use this one",
            ],
        ),
        (
            &["--session", KEY_2, "--host", "https://a.example"],
            true,
            &[
                "Active key:   none",
                "skipped   the session: the session is for https://api.wandb.ai",
            ],
        ),
        (
            &["--session", KEY_2, "--key", KEY_1],
            false,
            &[
                "Active key:   API key ****1111, from the options",
                "shadowed  the session: API key ****2222",
            ],
        ),
        (
            &["--anonymous"],
            false,
            &[
                "Active key:   none",
                "skipped   an anonymous account: a login would create an anonymous account",
            ],
        ),
    ] {
        let home = Home::new();
        if stored {
            home.write(NETRC, &netrc);
        }
        for format in ["text", "json"] {
            let mut command = program::command(&home);
            let run = Run::ok(command.args(["explain", format]).args(arguments));
            if format == "json" {
                let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
                schema::check(&schema(), &report).unwrap_or_else(|wrong| panic!("{wrong}"));
                consistent(&format!("{arguments:?}"), &report);
                continue;
            }
            for line in says {
                assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
            }
            assert!(!run.stdout.contains(short), "{}", run.stdout);
        }
    }
}

/// A value for which a login fails is in the report, with a key and without one.
#[test]
fn every_invalid_value_is_a_warning_of_the_report() {
    let mode = [("WANDB_MODE", "sometimes")];
    let both = [("WANDB_MODE", "sometimes"), ("WANDB_SILENT", "perhaps")];
    let server = [("WANDB_MODE", "sometimes"), ("WANDB_BASE_URL", "nowhere")];
    let quiet = [("WANDB_QUIET", "perhaps")];
    let none: [(&str, &str); 0] = [];
    for (variables, settings, expected) in [
        (&mode[..], "", &["WANDB_MODE is 'sometimes'"][..]),
        (&none, "mode = sometimes\n", &["line 2: `mode` must be"]),
        (&none, "mode\n", &["line 2: `mode`"]),
        (&quiet, "", &["WANDB_QUIET is 'perhaps'"]),
        (
            &both,
            "",
            &["WANDB_MODE is 'sometimes'", "WANDB_SILENT is 'perhaps'"],
        ),
        (
            &server,
            "",
            &["WANDB_MODE is 'sometimes'", "WANDB_BASE_URL: "],
        ),
    ] {
        for key in [None, Some(KEY_1)] {
            let home = Home::new();
            home.write(
                "home/.config/wandb/settings",
                format!("[default]\n{settings}"),
            );
            let status = |words: &[&str]| {
                let mut command = home.wandb_login(words);
                command.envs(variables.iter().copied());
                command.envs(key.map(|key| ("WANDB_API_KEY", key)));
                Run::of(&mut command).stdout
            };
            let report: Value = serde_json::from_str(&status(&["status", "--json"])).expect("JSON");
            let warnings = report["warnings"].as_array().expect("warnings");
            let text = status(&["status"]);
            for part in expected {
                let has_part = |warning: &&Value| warning.as_str().expect("text").contains(part);
                let found = warnings.iter().filter(has_part).count();
                assert_eq!(found, 1, "{variables:?} {settings} {key:?}: {report}");
                assert!(text.contains(part), "{variables:?}: {text}");
            }
        }
    }
}
