//! Comparison of the reader and the editor with the installed CPython, on
//! pseudo-random files.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::invariants::files;
use super::*;
use crate::formats::netrc::scan::{Dialect, Event, Kind, Scanner};

const FILES: usize = 4000;

/// What CPython's netrc reads in a file: machines with login, account and
/// password, or the message of its error.
type Reading = Result<BTreeMap<String, [String; 3]>, String>;

const ORACLE: &str = r#"
import json, netrc, os, sys, tempfile
if sys.version_info < (3, 11):
    sys.exit(3)
answers = []
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "netrc")
    for text in json.load(sys.stdin):
        with open(path, "wb") as file:
            file.write(bytes.fromhex(text))
        try:
            answers.append(netrc.netrc(path).hosts)
        except netrc.NetrcParseError as error:
            answers.append([error.msg])
json.dump(answers, sys.stdout)
"#;

/// What CPython reads in each file. `None` if there is no CPython, which fails a
/// strict run.
fn ask(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let hex = |file: &Vec<u8>| {
        file.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let question = serde_json::to_vec(&files.iter().map(hex).collect::<Vec<_>>()).unwrap();
    let child = Command::new("python3")
        .args(["-X", "utf8", "-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let output = child.and_then(|mut child| {
        child.stdin.take().expect("a pipe").write_all(&question)?;
        child.wait_with_output()
    });
    match output {
        Ok(output) if output.status.success() => {
            let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            Some(answers.iter().map(reading).collect())
        }
        other => {
            let why = other.map_or_else(
                |error| error.to_string(),
                |output| output.status.to_string(),
            );
            assert!(
                std::env::var_os("WANDB_LOGIN_TEST_STRICT").is_none_or(|strict| strict != "1"),
                "python3 (3.11 or later) cannot be asked: {why}"
            );
            eprintln!(
                "NOT TESTED: agreement with CPython; python3 (3.11 or later) cannot be asked: {why}"
            );
            None
        }
    }
}

fn reading(answer: &Value) -> Reading {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match answer {
        Value::Array(error) => Err(text(&error[0])),
        hosts => Ok(hosts
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, entry)| (name.clone(), [0, 1, 2].map(|i| text(&entry[i]))))
            .collect()),
    }
}

/// What our scanner reads in a file.
fn our_reading(text: &[u8]) -> Reading {
    let value = |token: &Token| String::from_utf8(token.unescape(text).to_vec()).unwrap();
    let mut hosts = BTreeMap::new();
    let mut host = String::new();
    let mut scanner = Scanner::new(text, Dialect::CPython);
    loop {
        let item = scanner
            .next()
            .map_err(|refusal| refusal.describe(text).message.to_owned())?;
        let Some(item) = item else { return Ok(hosts) };
        let word = item.value;
        let kind = match item.event {
            Event::Machine => {
                host = value(word);
                hosts.insert(host.clone(), Default::default());
                continue;
            }
            Event::Default => {
                host = "default".into();
                hosts.insert(host.clone(), Default::default());
                continue;
            }
            Event::Field(kind) => kind,
            Event::Macro { .. } => continue,
            Event::Unknown { .. } => unreachable!("CPython refuses unknown tokens"),
        };
        let slot = match kind {
            Kind::Login => 0,
            Kind::Account => 1,
            Kind::Password => 2,
        };
        hosts.get_mut(&host).unwrap()[slot] = value(word);
    }
}

#[test]
fn reads_as_cpython_reads() {
    let files = files(FILES);
    let Some(answers) = ask(&files) else { return };
    let mut accepted = 0;
    for (file, theirs) in files.iter().zip(answers) {
        let shown = String::from_utf8_lossy(file);
        let theirs = theirs.map_err(|message| {
            // Ours never quotes the token.
            let end = message
                .find("token ")
                .map_or(message.len(), |at| at + "token".len());
            message[..end].to_owned()
        });
        assert_eq!(our_reading(file), theirs, "{shown:?}");
        accepted += usize::from(theirs.is_ok());
        if let Ok(hosts) = &theirs {
            let found = look_up(file, &names("x.com"), is_key);
            assert_eq!(found.sdk_error, None);
            let key = hosts
                .get("x.com")
                .map(|entry| &entry[2])
                .filter(|key| !key.is_empty());
            if let Some(key) = key {
                assert_eq!(
                    found.hit.map(|hit| hit.password.to_vec()),
                    Some(key.clone().into_bytes()),
                    "{shown:?}"
                );
            }
        } else {
            assert!(
                look_up(file, &names("x.com"), is_key).sdk_error.is_some(),
                "{shown:?}"
            );
        }
    }
    eprintln!("{FILES} files read as CPython reads them, {accepted} of which it accepts");
    assert!(accepted > FILES / 10, "too few files are accepted");
}

/// Whether the file's last token is open and belongs to an entry of another tool
/// for our machine: no entry can follow it.
fn ends_in_open_foreign_entry(file: &[u8]) -> bool {
    let mut open = false;
    let mut scanner = Scanner::new(file, Dialect::CPython);
    let mut start = 0;
    while let Ok(Some(item)) = scanner.next() {
        if item.event == Event::Machine {
            start = item.keyword.start;
            open = item.value.is(file, b"x.com");
        } else if matches!(item.event, Event::Default | Event::Macro { .. }) {
            open = false;
        }
    }
    open && scanner.end().gap.end == start
}

#[test]
fn cpython_reads_what_was_written() {
    let before = files(FILES);
    let names = names("x.com");
    // What cannot be stored leaves the file as it is.
    let unchanged = |file: &[u8]| edit::unchanged(file);
    let store = |file: &Vec<u8>| store(file, &names, NEW.as_bytes(), is_key, BareHost::Follow);
    let stored: Vec<_> = before
        .iter()
        .map(|file| store(file).unwrap_or_else(|_| unchanged(file)))
        .collect();
    let forgotten: Vec<_> = before.iter().map(|file| forgotten(file, &names)).collect();
    let texts = |edited: &[Edited]| {
        edited
            .iter()
            .map(|edited| edited.text.to_vec())
            .collect::<Vec<_>>()
    };
    let all = [before.clone(), texts(&stored), texts(&forgotten)].concat();
    let Some(answers) = ask(&all) else { return };
    let mut checked = 0;
    for (i, file) in before.iter().enumerate() {
        let Ok(hosts) = &answers[i] else { continue };
        if store(file).is_err() {
            assert!(ends_in_open_foreign_entry(file));
            continue;
        }
        checked += 1;
        let with_key = check_edit(file, hosts, &stored[i], &answers[FILES + i]);
        assert_eq!(with_key, Some(NEW), "{:?}", String::from_utf8_lossy(file));
        let without = check_edit(file, hosts, &forgotten[i], &answers[2 * FILES + i]);
        assert!(
            without.is_none_or(|left| !is_key(left.as_bytes())),
            "{:?}",
            String::from_utf8_lossy(file)
        );
    }
    eprintln!("{checked} edited files read back by CPython");
    assert!(checked > FILES / 10, "too few files are accepted");
}

/// CPython reads the entries of others in an edited file as before. Returns the
/// password that it reads for our machine.
fn check_edit<'a>(
    file: &[u8],
    hosts: &BTreeMap<String, [String; 3]>,
    edited: &Edited,
    answer: &'a Reading,
) -> Option<&'a str> {
    let others = |hosts: &BTreeMap<String, [String; 3]>| {
        let mut hosts = hosts.clone();
        hosts.retain(|name, _| !["x.com", "X.COM", "'x.com'"].contains(&name.as_str()));
        hosts
    };
    let shown = format!(
        "{:?} became {:?}",
        String::from_utf8_lossy(file),
        String::from_utf8_lossy(&edited.text)
    );
    assert_eq!(edited.sdk_error.is_some(), answer.is_err(), "{shown}");
    let after = answer
        .as_ref()
        .unwrap_or_else(|error| panic!("{error:?}: {shown}"));
    assert_eq!(others(after), others(hosts), "{shown}");
    after.get("x.com").map(|entry| entry[2].as_str())
}
