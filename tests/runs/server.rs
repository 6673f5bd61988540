//! A stand-in for the part of a W&B server that a run needs. It keeps the history of
//! each run, rotates access tokens, and fails when a test wants it to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::stub::{Identity, Reply, Seen, Stub, VIEWER};
use crate::support::KEY_1;

/// The entity of every run that names none.
pub(crate) const ENTITY: &str = "alice";

/// What the server does beside the protocol.
#[derive(Default)]
pub(crate) struct Rules {
    /// The first replies to UpsertBucket; then it succeeds.
    pub(crate) upsert: Vec<Reply>,
    /// The first replies to requests with history lines; then they succeed.
    pub(crate) stream: Vec<Reply>,
    /// History lines of every run before it starts.
    pub(crate) history: Vec<&'static str>,
    /// Answers requests with history lines with `{"stopped":true}`.
    pub(crate) stopped: bool,
    /// How long an access token is valid; zero: the server knows none.
    pub(crate) token_life: Duration,
    /// Numbers of access tokens, counted from 1, that are refused although they are valid.
    pub(crate) refused: BTreeSet<usize>,
    /// The credential that is refused from the second request with lines on.
    pub(crate) revoke: bool,
    /// The server accepts connections and never answers.
    pub(crate) silent: bool,
}

/// A run as the server knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) history: Vec<String>,
    pub(crate) exit_code: Option<i64>,
}

#[derive(Default)]
struct State {
    upsert: VecDeque<Reply>,
    stream: VecDeque<Reply>,
    uploads: usize,
    runs: BTreeMap<String, Record>,
    /// When each access token was given out.
    tokens: Vec<Instant>,
    /// What a client did that the protocol does not allow.
    problems: Vec<String>,
}

/// A server with its state.
pub(crate) struct Server {
    pub(crate) stub: Stub,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn new(rules: Rules) -> Server {
        Server::with_tls(rules, None)
    }

    pub(crate) fn with_tls(mut rules: Rules, identity: Option<&Identity>) -> Server {
        let state = Arc::new(Mutex::new(State {
            upsert: std::mem::take(&mut rules.upsert).into(),
            stream: std::mem::take(&mut rules.stream).into(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let stub = Stub::answering(identity, move |seen| {
            let mut state = shared.lock().expect("no panic");
            state.answer(&rules, seen)
        });
        Server { stub, state }
    }

    pub(crate) fn url(&self) -> String {
        self.stub.url("127.0.0.1")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    /// The only run.
    pub(crate) fn run(&self) -> Record {
        let state = self.state();
        assert_eq!(state.runs.len(), 1, "{:?}", state.runs);
        state.runs.values().next().expect("a run").clone()
    }

    /// How many access tokens were given out.
    pub(crate) fn exchanges(&self) -> usize {
        self.state().tokens.len()
    }

    /// What clients did that the protocol does not allow.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.state().problems.clone()
    }

    /// The requests of a run, oldest first; token exchanges are left out.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        let mut seen = self.stub.seen();
        seen.retain(|request| request.target != "/oidc/token");
        seen
    }
}

/// The JSON object in a body; null if it is none.
pub(crate) fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}

/// The history lines in the body of an upload.
pub(crate) fn lines(body: &Value) -> Vec<String> {
    let lines = body["files"]["wandb-history.jsonl"]["content"].as_array();
    let lines = lines.into_iter().flatten();
    lines
        .map(|line| line.as_str().expect("a line is a string").to_owned())
        .collect()
}

fn ok(value: &Value) -> Reply {
    Reply::new(200, value.to_string()).header("Content-Type", "application/json")
}

impl State {
    fn answer(&mut self, rules: &Rules, seen: &Seen) -> Reply {
        if rules.silent {
            return Reply::Hang;
        }
        if seen.target == "/oidc/token" {
            return self.exchange(rules);
        }
        if !self.authorized(rules, seen) {
            return Reply::new(401, r#"{"error":"invalid credentials"}"#);
        }
        match seen.target.as_str() {
            "/graphql" => self.graphql(rules, &body(seen)),
            target if target.ends_with("/file_stream") => self.file_stream(rules, seen),
            _ => Reply::new(404, "{}"),
        }
    }

    fn exchange(&mut self, rules: &Rules) -> Reply {
        self.tokens.push(Instant::now());
        let token = format!("token-{}", self.tokens.len());
        ok(&json!({"access_token": token, "expires_in": rules.token_life.as_secs()}))
    }

    /// Whether the request has the key, or a token that has not ended and is not
    /// refused.
    fn authorized(&self, rules: &Rules, seen: &Seen) -> bool {
        if rules.revoke && self.uploads >= 1 {
            return false;
        }
        let given = seen.header("authorization").unwrap_or_default();
        if let Some(number) = given.strip_prefix("Bearer token-") {
            let number: usize = number.parse().expect("a token of ours");
            let age = self.tokens[number - 1].elapsed();
            return age < rules.token_life && !rules.refused.contains(&number);
        }
        let key = BASE64_STANDARD.encode(format!("api:{KEY_1}"));
        given == format!("Basic {key}")
    }

    fn graphql(&mut self, rules: &Rules, body: &Value) -> Reply {
        match body["operationName"].as_str().unwrap_or_default() {
            "Viewer" => Reply::new(200, VIEWER),
            "UpsertBucket" => match self.upsert.pop_front() {
                Some(reply) => reply,
                None => self.upsert_bucket(rules, &body["variables"]),
            },
            // The SDK uploads files beside the run; this server takes none.
            "CreateRunFiles" => ok(&json!({"data": {"createRunFiles":
                {"runID": "1", "uploadHeaders": [], "files": []}}})),
            _ => ok(&json!({"data": {}})),
        }
    }

    fn upsert_bucket(&mut self, rules: &Rules, variables: &Value) -> Reply {
        let name = variables["name"].as_str().unwrap_or_default();
        let project = variables["project"].as_str().unwrap_or("uncategorized");
        let entity = variables["entity"].as_str().unwrap_or(ENTITY);
        let inserted = rules.history.is_empty() && !self.runs.contains_key(name);
        let run = self.runs.entry(name.to_owned()).or_insert_with(|| Record {
            history: rules
                .history
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            exit_code: None,
        });
        ok(&json!({"data": {"upsertBucket": {
            "bucket": {
                "id": "1", "name": name, "displayName": name,
                "historyLineCount": run.history.len(),
                "project": {"id": "2", "name": project, "entity": {"id": "3", "name": entity}},
            },
            "inserted": inserted,
        }}}))
    }

    fn file_stream(&mut self, rules: &Rules, seen: &Seen) -> Reply {
        let body = body(seen);
        let lines = lines(&body);
        if !lines.is_empty() {
            if let Some(reply) = self.stream.pop_front() {
                return reply;
            }
            self.uploads += 1;
        }
        let mut path = seen.target.rsplit('/');
        let name = path.nth(1).unwrap_or_default();
        let Some(run) = self.runs.get_mut(name) else {
            return Reply::new(404, r#"{"error":"no such run"}"#);
        };
        if run.exit_code.is_some() {
            self.problems.push(format!("after the end: {body}"));
        }
        let offset = &body["files"]["wandb-history.jsonl"]["offset"];
        if !lines.is_empty() && offset.as_u64() != Some(run.history.len() as u64) {
            let length = run.history.len();
            self.problems.push(format!("offset {offset}, not {length}"));
        }
        let stopped = rules.stopped && !lines.is_empty();
        run.history.extend(lines);
        if body["complete"] == true {
            run.exit_code = body["exitcode"].as_i64();
        }
        match stopped {
            true => ok(&json!({"stopped": true})),
            false => ok(&json!({})),
        }
    }
}
