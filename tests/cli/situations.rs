//! What people reported, and what the command line answers:
//! `tests/conformance/situations.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::stub::{Authority, Reply, Stub};
use crate::support::{self, Home, Run};

/// One row of the table.
struct Situation<'t> {
    row: &'t Value,
}

const MEMBERS: [&str; 15] = [
    "group",
    "name",
    "report",
    "files",
    "modes",
    "folders",
    "utf16",
    "variables",
    "arguments",
    "stdin",
    "server",
    "certificate",
    "exit",
    "lines",
    "without",
];

const KEYS: [(&str, &str); 3] = [
    ("{KEY}", "0123456789abcdef0123456789abcdef01234567"),
    ("{OTHER}", "fedcba9876543210fedcba98765432100a1b2c3d"),
    (
        "{V1}",
        "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",
    ),
];

/// Commands that print a key because they are asked to.
const PRINTS_KEYS: [&str; 3] = ["token", "env", "header"];

impl<'t> Situation<'t> {
    fn text(&self, member: &str) -> &'t str {
        let text = self.row[member].as_str();
        text.unwrap_or_else(|| panic!("{member} in {}", self.row))
    }

    fn list(&self, member: &str) -> Vec<&'t str> {
        let items = self.row[member].as_array().into_iter().flatten();
        items.map(|item| item.as_str().expect("a text")).collect()
    }

    fn pairs(&self, member: &str) -> BTreeMap<&'t str, &'t str> {
        let pairs = self.row[member].as_object().into_iter().flatten();
        pairs
            .map(|(name, text)| (name.as_str(), text.as_str().expect("a text")))
            .collect()
    }

    fn exit(&self) -> Option<i32> {
        let exit = self.row["exit"].as_i64();
        exit.and_then(|exit| i32::try_from(exit).ok())
    }

    /// Runs the command, and says what is not as the row expects.
    fn run(&self) -> Result<(), String> {
        let place = Place::of(self);
        let run = place.run(self);
        let output = place.abstracted(&format!("{}{}", run.stdout, run.stderr));
        let mut wrong = Vec::new();
        if run.code != self.exit() {
            wrong.push(format!("exit status {:?}", run.code));
        }
        for line in self.list("lines") {
            let line = support::portable(line);
            if !output.lines().any(|shown| support::portable(shown) == line) {
                wrong.push(format!("no line {line:?}"));
            }
        }
        for text in self.list("without") {
            if output.contains(text) {
                wrong.push(format!("a line with {text:?}"));
            }
        }
        let may_print = self
            .list("arguments")
            .iter()
            .any(|word| PRINTS_KEYS.contains(word));
        let quiet_part = if may_print {
            &run.stderr
        } else {
            &format!("{}{}", run.stdout, run.stderr)
        };
        if KEYS.iter().any(|(_, key)| quiet_part.contains(key)) {
            wrong.push("the key is printed".to_owned());
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "{}: {}\n{output}",
                self.text("name"),
                wrong.join(", ")
            )),
        }
    }
}

/// The files of a situation, and its server.
struct Place {
    home: Home,
    server: Option<Stub>,
}

impl Place {
    fn of(situation: &Situation<'_>) -> Place {
        let home = Home::new();
        let server = situation.row.get("server").map(|script| {
            let script: Vec<Reply> = match script.as_array() {
                Some(replies) => replies.iter().map(reply).collect(),
                None => vec![reply(script)],
            };
            match situation.row.get("certificate").and_then(Value::as_str) {
                None => Stub::http(script),
                Some("private CA") => {
                    let authority = Authority::new();
                    let identity = authority.issue(&["127.0.0.1"]);
                    home.write("certs/ca.pem", authority.pem());
                    home.write("server.pem", identity.pem());
                    Stub::https(&identity, script)
                }
                other => panic!("no such certificate: {other:?}"),
            }
        });
        let place = Place { home, server };
        for folder in situation.list("folders") {
            fs::create_dir_all(place.home.base().join(folder)).expect("a folder");
        }
        let utf16 = situation.list("utf16");
        for (path, text) in situation.pairs("files") {
            let bytes = encoded(&place.concrete(text), utf16.contains(&path));
            place.home.write(path, bytes);
        }
        for (path, mode) in situation.pairs("modes") {
            let mode = u32::from_str_radix(mode, 8).expect("an octal mode");
            support::set_mode(&place.home.path(path), mode);
        }
        place
    }

    fn run(&self, situation: &Situation<'_>) -> Run {
        let arguments: Vec<String> = situation
            .list("arguments")
            .into_iter()
            .map(|word| self.concrete(word))
            .collect();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command: Command = self.home.wandb_login(&words);
        for (name, value) in situation.pairs("variables") {
            command.env(name, self.concrete(value));
        }
        match situation.row["stdin"].as_str() {
            Some(text) => {
                let utf16 = situation.list("utf16").contains(&"stdin");
                Run::with_input(&mut command, encoded(&self.concrete(text), utf16))
            }
            None => Run::of(&mut command),
        }
    }

    /// The placeholders of the table, and what they stand for here.
    fn placeholders(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("{HOME}", self.home.home().display().to_string()),
            ("{CWD}", self.home.cwd().display().to_string()),
            ("{BASE}", self.home.base().display().to_string()),
        ];
        if let Some(server) = &self.server {
            all.push(("{SERVER}", server.url("127.0.0.1")));
            all.push(("{NETLOC}", server.address.to_string()));
        }
        all.extend(KEYS.map(|(name, key)| (name, key.to_owned())));
        all
    }

    fn concrete(&self, text: &str) -> String {
        let fill = |text: String, (name, value): (&str, String)| text.replace(name, &value);
        self.placeholders().into_iter().fold(text.to_owned(), fill)
    }

    fn abstracted(&self, text: &str) -> String {
        let clear = |text: String, (name, value): (&str, String)| {
            support::replace_path(&text, value.as_ref(), name)
        };
        self.placeholders().into_iter().fold(text.to_owned(), clear)
    }
}

/// What the server does: a viewer, silence, or an answer with status, headers
/// and body.
fn reply(script: &Value) -> Reply {
    match script.as_str() {
        Some("viewer") => return Reply::viewer(),
        Some("silence") => return Reply::Hang,
        Some("close") => return Reply::Close,
        Some(other) => panic!("no such reply: {other}"),
        None => {}
    }
    let status = script["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let body = match script["hex"].as_str() {
        Some(hex) => from_hex(hex),
        None => script["body"]
            .as_str()
            .unwrap_or_default()
            .as_bytes()
            .to_vec(),
    };
    let headers = script["headers"].as_object().into_iter().flatten();
    headers.fold(
        Reply::new(status.expect("a status"), body),
        |reply, (name, value)| reply.header(name, value.as_str().expect("a header")),
    )
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn encoded(text: &str, utf16: bool) -> Vec<u8> {
    match utf16 {
        true => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        false => text.as_bytes().to_vec(),
    }
}

fn table() -> Value {
    serde_json::from_str(include_str!("../conformance/situations.json")).expect("the table")
}

fn rows(table: &Value) -> Vec<Situation<'_>> {
    let rows = table["situations"].as_array().expect("situations");
    rows.iter().map(|row| Situation { row }).collect()
}

#[test]
fn every_reported_situation() {
    let table = table();
    let rows = rows(&table);
    println!("{} situations", rows.len());
    let wrong: Vec<String> = rows.iter().filter_map(|row| row.run().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_situations_is_in_order() {
    let table = table();
    let mut groups: Vec<&str> = Vec::new();
    let (mut names, mut inputs) = (BTreeSet::new(), BTreeSet::new());
    for situation in rows(&table) {
        let name = situation.text("name");
        for member in situation.row.as_object().expect("a row").keys() {
            assert!(MEMBERS.contains(&member.as_str()), "{name}: {member}");
        }
        let group = situation.text("group");
        if groups.last() != Some(&group) {
            assert!(!groups.contains(&group), "{name}: {group} is in two places");
            groups.push(group);
        }
        assert!(names.insert(name), "two rows are named {name}");
        let mut input = situation.row.as_object().expect("a row").clone();
        input.retain(|member, _| !["name", "report", "group"].contains(&member.as_str()));
        assert!(
            inputs.insert(Value::from(input).to_string()),
            "{name} stands twice"
        );
        assert!(is_public(situation.text("report")), "{name}: its report");
        let expects = ["lines", "without"].map(|list| situation.list(list).len());
        assert_ne!(expects, [0, 0], "{name}: expects nothing");
    }
}

/// An issue as `OWNER/REPOSITORY#NUMBER`, or an address.
fn is_public(report: &str) -> bool {
    if report.starts_with("https://") {
        return true;
    }
    report.split_once('#').is_some_and(|(repository, number)| {
        repository.split('/').count() == 2 && number.parse::<u32>().is_ok()
    })
}
