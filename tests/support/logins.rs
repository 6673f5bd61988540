//! The recorded logins of `conformance/logins.json`, and the folders they run in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Home, KEY_1, KEY_2, KEY_3, KEY_4};

/// A table of names and texts.
pub type Texts = BTreeMap<String, String>;

/// One login.
pub struct Case {
    pub name: String,
    program: String,
    /// Whether files hold Latin-1, one byte for each character.
    latin: bool,
    files: Texts,
    pub environment: Texts,
    pub arguments: Vec<String>,
    pub order: Option<String>,
    sdk: Value,
    pub older_sdk: Option<Value>,
    pub ours: Option<Value>,
    pub difference: Option<String>,
}

/// What a login comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub ends: String,
    pub source: Option<String>,
    pub key: Option<String>,
    /// The files that are not as they were.
    pub after: Texts,
}

fn table() -> Value {
    let path = super::root().join("tests/conformance/logins.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the table")).expect("JSON")
}

/// The names of the differences that the table explains.
pub fn differences() -> BTreeSet<String> {
    texts(&table()["differences"]).into_keys().collect()
}

pub fn cases() -> Vec<Case> {
    let table = table();
    let cases = table["cases"].as_array().expect("cases");
    cases.iter().map(Case::of).collect()
}

fn texts(value: &Value) -> Texts {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_string()))
        .collect()
}

impl Case {
    fn of(case: &Value) -> Case {
        const MEMBERS: [&str; 11] = [
            "name",
            "program",
            "encoding",
            "files",
            "environment",
            "arguments",
            "order",
            "sdk",
            "older_sdk",
            "ours",
            "difference",
        ];
        let unknown = case
            .as_object()
            .expect("a case")
            .keys()
            .find(|key| !MEMBERS.contains(&key.as_str()));
        assert_eq!(unknown, None, "{case}");
        let text = |name: &str| case[name].as_str().map(str::to_string);
        let words = case["arguments"].as_array().expect("arguments").iter();
        Case {
            name: text("name").expect("a name"),
            program: text("program").unwrap_or("command line".into()),
            latin: case["encoding"] == "latin-1",
            files: texts(&case["files"]),
            environment: texts(&case["environment"]),
            arguments: words
                .map(|word| word.as_str().expect("a word").to_string())
                .collect(),
            order: text("order"),
            sdk: case["sdk"].clone(),
            older_sdk: case.get("older_sdk").cloned(),
            ours: case.get("ours").cloned(),
            difference: text("difference"),
        }
    }

    pub fn is_library(&self) -> bool {
        self.program == "library"
    }

    /// What the SDK does.
    pub fn sdk(&self) -> Outcome {
        Outcome::of(&self.sdk, &Value::Null)
    }

    /// What this library does.
    pub fn expected(&self) -> Outcome {
        Outcome::of(&self.sdk, self.ours.as_ref().unwrap_or(&Value::Null))
    }

    /// The request for `sdk.py`.
    pub fn request(&self, stage: &Stage) -> Value {
        serde_json::json!({
            "base": stage.home.base(),
            "environment": stage.variables(self),
            "program": self.program,
            "arguments": stage.arguments(self),
        })
    }
}

impl Outcome {
    fn of(common: &Value, own: &Value) -> Outcome {
        let member = |name: &str| own.get(name).unwrap_or(&common[name]).clone();
        let text = |name: &str| member(name).as_str().map(str::to_string);
        Outcome {
            ends: text("ends").expect("an end"),
            source: text("source"),
            key: text("key"),
            after: texts(&member("after")),
        }
    }
}

/// A case's files in a home of its own.
pub struct Stage {
    pub home: Home,
    latin: bool,
    before: Texts,
}

impl Stage {
    pub fn set(case: &Case) -> Stage {
        let mut stage = Stage {
            home: Home::new(),
            latin: case.latin,
            before: Texts::new(),
        };
        for (path, text) in &case.files {
            let text = stage.real(text);
            let latin = || {
                text.chars()
                    .map(|c| u8::try_from(u32::from(c)).expect("Latin-1"))
            };
            let bytes = if case.latin {
                latin().collect()
            } else {
                text.clone().into_bytes()
            };
            stage.home.write(path, bytes);
        }
        stage.before = stage.files(&case.files);
        stage
    }

    /// A text of the table with the names of this stage filled in.
    fn real(&self, text: &str) -> String {
        self.names()
            .iter()
            .fold(text.to_string(), |text, (name, value)| {
                text.replace(name, value)
            })
    }

    /// The other way round.
    pub fn text(&self, text: &str) -> String {
        self.names()
            .iter()
            .fold(text.to_string(), |text, (name, value)| {
                super::replace_path(&text, value.as_ref(), name)
            })
    }

    fn names(&self) -> [(&'static str, String); 8] {
        let shown = |path: &Path| path.to_str().expect("UTF-8").to_string();
        [
            ("{K1}", KEY_1.into()),
            ("{K2}", KEY_2.into()),
            ("{K3}", KEY_3.into()),
            ("{K4}", KEY_4.into()),
            ("{KV}", format!("wandb_v1_{}", "A".repeat(83))),
            ("{HOME}", shown(&self.home.home())),
            ("{CWD}", shown(&self.home.cwd())),
            ("{BASE}", shown(self.home.base())),
        ]
    }

    pub fn arguments(&self, case: &Case) -> Vec<String> {
        case.arguments.iter().map(|word| self.real(word)).collect()
    }

    pub fn variables(&self, case: &Case) -> Texts {
        let pairs = case.environment.iter();
        pairs
            .map(|(name, value)| (name.clone(), self.real(value)))
            .collect()
    }

    /// The whole environment as `NAME=value` entries.
    pub fn environment(&self, case: &Case) -> Vec<String> {
        let home = (super::HOME.to_string(), self.real("{HOME}"));
        let all = self.variables(case).into_iter().chain([home]);
        all.map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// The files that are not as they were set, as the table would have them.
    pub fn changes(&self) -> Texts {
        let now = self.files(&self.before);
        let gone = self.before.keys().filter(|path| !now.contains_key(*path));
        let gone: Vec<_> = gone
            .map(|path| (path.clone(), "(gone)".to_string()))
            .collect();
        let changed = now
            .into_iter()
            .filter(|(path, text)| self.before.get(path) != Some(text));
        changed.chain(gone).collect()
    }

    /// All files, of which some were there at the beginning.
    fn files(&self, known: &Texts) -> Texts {
        let mut files = Texts::new();
        let mut folders = vec![self.home.base().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.home.base()).expect("inside");
                let is_new = !known.contains_key(&super::recorded_name(name, false));
                let name = super::recorded_name(name, is_new);
                // The SDK's log of itself.
                if !name.contains("debug-cli") {
                    let text = self.decode(&fs::read(&path).expect("a file"));
                    files.insert(name, self.text(&text));
                }
            }
        }
        files
    }

    fn decode(&self, bytes: &[u8]) -> String {
        if self.latin {
            return bytes.iter().map(|&byte| char::from(byte)).collect();
        }
        String::from_utf8_lossy(bytes).into_owned()
    }
}
