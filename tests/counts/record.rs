//! The file `benches/counts.json`, and the tools that its counts depend on.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::compare::Counts;
use crate::support::{Run, root};

#[derive(Default)]
pub struct Record {
    /// Versions of what compiles and counts, by name.
    pub tools: BTreeMap<String, String>,
    /// The counts of each work.
    pub counts: BTreeMap<String, Counts>,
}

impl Record {
    pub fn of_this_machine(counts: BTreeMap<String, Counts>) -> Record {
        let version = |name: &str| Run::ok(Command::new(name).arg("--version")).stdout;
        let first = |name: &str| version(name).lines().next().unwrap_or_default().to_owned();
        // Both the C library and the crates choose code by what the processor can do.
        let vectors = match std::is_x86_feature_detected!("avx2") {
            true => "with AVX2",
            false => "without AVX2",
        };
        let tools = [
            ("rustc", first("rustc")),
            ("glibc", first("ldd")),
            ("valgrind", first("valgrind")),
            ("processor", format!("{} {vectors}", std::env::consts::ARCH)),
        ];
        Record {
            tools: tools
                .map(|(name, version)| (name.to_owned(), version))
                .into(),
            counts,
        }
    }

    fn path() -> PathBuf {
        root().join("benches/counts.json")
    }

    /// What is recorded; nothing if there is no file.
    pub fn read() -> Record {
        let Ok(text) = fs::read_to_string(Record::path()) else {
            return Record::default();
        };
        let file: Value = serde_json::from_str(&text).expect("benches/counts.json is JSON");
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let tools = members(&file["tools"]).into_iter();
        let tools =
            tools.map(|(name, value)| (name, value.as_str().expect("a version").to_owned()));
        let counts = members(&file["counts"]).into_iter();
        let counts = counts.map(|(work, value)| {
            let counts = members(&value).into_iter();
            let counts = counts.map(|(name, count)| (name, count.as_f64().expect("a number")));
            (work, counts.collect())
        });
        Record {
            tools: tools.collect(),
            counts: counts.collect(),
        }
    }

    pub fn write(&self) {
        let number = |count: f64| match count.fract() == 0.0 {
            true => json!(count as i64),
            false => json!(count),
        };
        let counts = self.counts.iter().map(|(work, counts)| {
            let counts = counts
                .iter()
                .map(|(name, &count)| (name.clone(), number(count)));
            (work.clone(), Value::Object(counts.collect()))
        });
        let counts: Map<String, Value> = counts.collect();
        let file = json!({ "tools": self.tools, "counts": counts });
        let text = serde_json::to_string_pretty(&file).expect("JSON");
        fs::write(Record::path(), text + "\n").expect("benches/counts.json is written");
    }
}
