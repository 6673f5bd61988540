//! Compares requests: what an example sends, wandb-core sends too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::server::body;
use crate::stub::Seen;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Upsert,
    Lines,
    Heartbeat,
    End,
    /// What wandb-core alone sends.
    Other,
}

pub(crate) fn kind(seen: &Seen) -> Kind {
    let body = body(seen);
    if seen.target == "/graphql" {
        return match body["operationName"].as_str() {
            Some("UpsertBucket") => Kind::Upsert,
            _ => Kind::Other,
        };
    }
    if !seen.target.ends_with("/file_stream") {
        return Kind::Other;
    }
    let members = body.as_object().map_or(0, |object| object.len());
    match (
        members,
        &body["complete"],
        &body["files"]["wandb-history.jsonl"],
    ) {
        (0, ..) => Kind::Heartbeat,
        (_, Value::Bool(true), _) => Kind::End,
        (_, _, Value::Object(_)) => Kind::Lines,
        _ => Kind::Other,
    }
}

/// Headers that say who sends, and how long the body is.
const OWN: [&str; 3] = ["user-agent", "content-length", "host"];

/// The types of all members that one side sends in requests of one kind.
#[derive(Default, Debug)]
pub(crate) struct Shape {
    targets: BTreeSet<String>,
    headers: BTreeMap<String, BTreeSet<String>>,
    members: BTreeMap<String, BTreeSet<&'static str>>,
    /// The parts of a GraphQL query.
    query: BTreeSet<String>,
}

impl Shape {
    fn add(&mut self, seen: &Seen) {
        // The name of a run is chosen at random.
        let parts: Vec<&str> = seen.target.split('/').collect();
        let target = match parts[..] {
            ["", "files", entity, project, _, rest] => {
                format!("/files/{entity}/{project}/RUN/{rest}")
            }
            _ => seen.target.clone(),
        };
        self.targets.insert(format!("{} {target}", seen.method));
        for (name, value) in &seen.headers {
            let name = name.to_ascii_lowercase();
            if !OWN.contains(&name.as_str()) {
                self.headers.entry(name).or_default().insert(value.clone());
            }
        }
        let body = body(seen);
        if let Some(query) = body["query"].as_str() {
            self.query.extend(query_parts(query));
        }
        self.add_members("", &body);
    }

    fn add_members(&mut self, path: &str, value: &Value) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        self.members
            .entry(path.to_owned())
            .or_default()
            .insert(kind);
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.add_members(&format!("{path}/{name}"), value);
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.add_members(&format!("{path}[]"), value);
                }
            }
            // History lines and the configuration are JSON in strings.
            Value::String(text) if text.starts_with('{') => {
                self.add_members(&format!("{path}>"), &line(text));
            }
            _ => {}
        }
    }

    /// What this side sends and the other one does not.
    fn extra(&self, other: &Shape) -> Vec<String> {
        let mut extra: Vec<String> = self.targets.difference(&other.targets).cloned().collect();
        for (name, values) in &self.headers {
            let known = other.headers.get(name).cloned().unwrap_or_default();
            let new = values.difference(&known);
            extra.extend(new.map(|value| format!("{name}: {value}")));
        }
        for (path, kinds) in &self.members {
            let known = other.members.get(path).cloned().unwrap_or_default();
            let new = kinds.difference(&known);
            extra.extend(new.map(|kind| format!("{path} is {kind}, not {known:?}")));
        }
        extra.extend(self.query.difference(&other.query).cloned());
        extra
    }
}

/// The words of a query, and its pairs such as `modelName:$project`.
fn query_parts(query: &str) -> impl Iterator<Item = String> + '_ {
    let spaced: String = query.replace(": ", ":");
    let words = spaced
        .split(|c: char| c.is_whitespace() || "(){},".contains(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned);
    words.collect::<Vec<_>>().into_iter()
}

/// A history line. NaN and infinities are no JSON; they are numbers here.
pub(crate) fn line(text: &str) -> Value {
    let mut json = text.to_owned();
    for word in ["NaN", "-Infinity", "Infinity"] {
        json = json.replace(&format!(":{word}"), ":0.5");
    }
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The shapes of all requests of a side, by kind.
pub(crate) fn shapes(requests: &[Seen]) -> BTreeMap<Kind, Shape> {
    let mut shapes: BTreeMap<Kind, Shape> = BTreeMap::new();
    for seen in requests {
        shapes.entry(kind(seen)).or_default().add(seen);
    }
    shapes
}

/// Fails unless each request of an example is one that wandb-core sends too.
pub(crate) fn assert_subset(name: &str, ours: &[Seen], theirs: &[Seen]) {
    let (ours, theirs) = (shapes(ours), shapes(theirs));
    assert!(!ours.contains_key(&Kind::Other), "{name} sends {ours:?}");
    for (kind, shape) in &ours {
        let other = theirs.get(kind);
        let other = other.unwrap_or_else(|| panic!("wandb-core sends no {kind:?}: {theirs:?}"));
        let extra = shape.extra(other);
        assert!(
            extra.is_empty(),
            "{name} alone sends in {kind:?}: {extra:#?}"
        );
    }
}

/// The order of requests: kind and, for history lines, the offset and their number.
pub(crate) fn order(requests: &[Seen]) -> Vec<(Kind, u64, usize)> {
    let entry = |seen: &Seen| {
        let body = body(seen);
        let history = &body["files"]["wandb-history.jsonl"];
        let lines = history["content"].as_array().map_or(0, Vec::len);
        (kind(seen), history["offset"].as_u64().unwrap_or(0), lines)
    };
    let requests = requests.iter().map(entry);
    requests.filter(|(kind, ..)| *kind != Kind::Other).collect()
}
