//! What the SDK showed on a terminal, recorded, beside what we show:
//! `tests/conformance/terminal.json`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::pty;
use crate::shell::{CANARY, Shell};

/// Lines of every login that the SDK does not print.
const OURS: [&str; 3] = [
    "wandb: [wandb.login()] Using the key from the prompt for ",
    "wandb: Default team: ",
    "wandb: WARNING WANDB_BASE_URL is set and takes precedence at the next login",
];

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

fn lines(value: &Value) -> Vec<String> {
    let list = value["shows"].as_array().expect("lines");
    let line = |line: &Value| line.as_str().expect("a line").to_owned();
    list.iter().map(line).collect()
}

/// How a run ended: its lines on the terminal, and its exit status, its signal
/// or the status of the C call.
#[derive(Debug, PartialEq)]
struct Outcome {
    shows: Vec<String>,
    ends: String,
}

impl Outcome {
    fn of(value: &Value) -> Outcome {
        let ends = match text(value, "ends") {
            "True, mode online" => "status 0",
            other => other,
        };
        Outcome {
            shows: lines(value),
            ends: ends.to_owned(),
        }
    }
}

fn run(case: &Value) -> Option<Outcome> {
    let variables: Vec<_> = case["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a value")))
        .collect();
    let mut shell = Shell::new(&variables)?;
    shell.run(text(case, "run"));
    for step in case["steps"].as_array().expect("steps") {
        shell.pty.expect(text(step, "after"));
        pty::wait_until("it listens", || {
            let hidden = text(step, "after") == "hit enter: ";
            !hidden || !shell.pty.echoes()
        });
        match text(step, "type") {
            "{SIGTERM}" => pty::kill(shell.pid("wandb-login"), libc::SIGTERM),
            "{NOT UTF-8}" => shell.pty.send([&[0xe9; 45][..], b"\r"].concat()),
            keys => shell.pty.send(keys.replace("{KEY}", CANARY)),
        }
    }
    let code = shell.exit();
    let out = shell.out();
    let ends = match out.lines().find(|line| line.starts_with("status ")) {
        Some(status) => status.to_owned(),
        None if code > 128 && code != 130 => format!("signal {}", code - 128),
        None => format!("exit {code}"),
    };
    let (url, netloc) = (shell.url(), shell.netloc());
    let home = shell.home.home().display().to_string();
    let mut shows = shell.lines();
    if let Some(last) = shows.last_mut().filter(|_| ends == "signal 15") {
        // The shell prints this.
        *last = last.replace("Terminated", "");
    }
    let shows = shows
        .iter()
        .filter(|line| !OURS.iter().any(|ours| line.starts_with(ours)))
        .map(|line| {
            line.replace(&url, "{URL}")
                .replace(&netloc, "127.0.0.1:{PORT}")
                .replace(&home, "{HOME}")
                .replace("`wandb-login --relogin`", "`wandb login --relogin`")
        })
        .collect();
    Some(Outcome { shows, ends })
}

#[test]
fn every_recorded_prompt() {
    let table = include_str!("../conformance/terminal.json");
    let table: Value = serde_json::from_str(table).expect("the table");
    let known = table["differences"].as_object().expect("differences");
    let cases = table["cases"].as_array().expect("cases");
    let (mut same, mut wrong) = (0, Vec::new());
    let mut used = BTreeSet::new();
    for case in cases {
        let name = text(case, "name");
        let sdk = Outcome::of(&case["sdk"]);
        let expected = match &case["ours"] {
            Value::Null => {
                same += 1;
                sdk
            }
            ours => {
                let ours = Outcome::of(ours);
                assert_ne!(ours, sdk, "{name} is no difference");
                let named = case["differences"].as_array().expect("their names");
                assert!(!named.is_empty(), "{name}: unnamed");
                for difference in named {
                    let difference = difference.as_str().expect("a name");
                    assert!(known.contains_key(difference), "{name}: {difference}");
                    used.insert(difference);
                }
                ours
            }
        };
        let Some(outcome) = run(case) else {
            return;
        };
        if outcome != expected {
            wrong.push(format!("{name}: {outcome:#?}\nand not {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used.len(), known.len(), "each difference has a case");
    assert_eq!((cases.len(), same), (25, 0), "recorded, and shown alike");
}
