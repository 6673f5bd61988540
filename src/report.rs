//! Why a login would use the key that it would use: for a person in five
//! seconds, or for a program as JSON. Masked, without network, prompt or write.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::advice;
use crate::ask;
use crate::chain::{self, Answer, Found, Obstacle, Place};
use crate::context::Context;
use crate::endpoint::{self, Endpoint, Name};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::options::Options;
use crate::rank::Rank;
use crate::session::{Session, Source};
use crate::text::clean;

/// In which form a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines for a person.
    Text,
    /// One JSON object.
    Json,
}

/// What a login would do, and why.
#[derive(Debug)]
pub struct Report {
    url: Option<String>,
    origin: &'static str,
    origin_name: Option<Name>,
    rows: Vec<Row>,
    winner: Option<usize>,
    /// What stands in the way of a login, if anything does.
    problem: Option<String>,
    rank: Option<Rank>,
    warnings: Vec<String>,
    user: Option<Value>,
}

/// What became of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Used,
    Shadowed,
    Absent,
    Invalid,
    Skipped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Used => "used",
            State::Shadowed => "shadowed",
            State::Absent => "absent",
            State::Invalid => "invalid",
            State::Skipped => "skipped",
        }
    }
}

#[derive(Debug)]
struct Row {
    source: Source,
    name: Option<Name>,
    state: State,
    key: Option<String>,
    problem: Option<String>,
    line: Option<usize>,
}

impl Report {
    pub(crate) fn new(options: &Options<'_>) -> Result<Report> {
        let context = Context::kept(options);
        context.config().tell(&context.log);
        let mut report = Report {
            url: None,
            origin: "default",
            origin_name: None,
            rows: Vec::new(),
            winner: None,
            problem: None,
            rank: context.rank(),
            warnings: Vec::new(),
            user: None,
        };
        match endpoint::resolve(&context) {
            Ok(server) => report.hear(&context, &server),
            Err(error @ Error::Argument(_)) => return Err(error),
            Err(error) => report.problem = Some(error.to_string()),
        }
        report.warnings = context.log.into_lines();
        if let Some(log) = options.log {
            report
                .warnings
                .iter()
                .for_each(|line| log(Level::Warn, line));
        }
        Ok(report)
    }

    /// Hears every source about the server.
    fn hear(&mut self, context: &Context, server: &Endpoint) {
        self.url = Some(server.url.as_str().to_string());
        self.origin = server.origin.name();
        self.origin_name.clone_from(&server.origin_name);
        let relogin = context.relogin().unwrap_or(false);
        let mut winner: Option<Found> = None;
        for &place in chain::order(context) {
            let answer = chain::ask(context, server, place);
            let passed_over = relogin && place != Place::Explicit;
            let decided = winner.is_some() || self.problem.is_some();
            let mut row = Row::of(place, &answer);
            match answer {
                Answer::Found(_) if passed_over => {
                    row.state = State::Skipped;
                    row.problem = Some("relogin passes it over".into());
                }
                Answer::Found(_) if decided => row.state = State::Shadowed,
                Answer::Found(found) => {
                    self.winner = Some(self.rows.len());
                    winner = Some(found);
                }
                Answer::Malformed(obstacle) | Answer::Withheld(obstacle)
                    if !decided && !passed_over =>
                {
                    self.problem = Some(obstacle.text);
                }
                _ => {}
            }
            self.rows.push(row);
        }
        self.rows.push(Row {
            source: Source::Prompt,
            name: None,
            state: State::Skipped,
            key: None,
            problem: ask::obstacle(context),
            line: None,
        });
        match &winner {
            Some(found) => advice::rivals(context, server, found),
            None if self.problem.is_none() => {
                self.problem = Some(Error::not_configured(server.url.as_str(), None).to_string());
            }
            None => {}
        }
    }

    /// Adds what the server said about the credential.
    pub fn add_user(&mut self, session: &Session) {
        self.user = Some(json!({
            "username": session.username(),
            "email": session.email(),
            "entity": session.entity(),
            "teams": session.teams(),
        }));
    }

    /// Whether a login would find a credential.
    pub fn is_configured(&self) -> bool {
        self.winner.is_some()
    }

    /// The report in a form.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => format!("{:#}", self.json()),
        }
    }

    fn json(&self) -> Value {
        let sources: Vec<_> = self.rows.iter().map(Row::json).collect();
        json!({
            "configured": self.is_configured(),
            "host": {
                "url": self.url,
                "source": self.origin,
                "source_name": self.origin_name,
            },
            "winner": self.winner.map(|index| self.rows[index].source.name()),
            "sources": sources,
            "rank": self.rank.map(|rank| json!({
                "index": rank.index,
                "size": rank.size,
                "variable": rank.variable,
            })),
            "warnings": self.warnings,
            "user": self.user,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        match self.winner.map(|index| &self.rows[index]) {
            Some(row) => {
                let key = row.key.as_deref().unwrap_or("an identity token");
                let _ = writeln!(text, "Key in force: {key}, from {}", row.place());
            }
            None => text.push_str("No key is in force.\n"),
        }
        if let Some(url) = &self.url {
            let name = self.origin_name.as_deref().unwrap_or(self.origin);
            let _ = writeln!(text, "Server:       {url} ({name})");
        }
        if let Some(problem) = &self.problem {
            let _ = writeln!(text, "Problem:      {problem}");
        }
        if let Some(user) = &self.user {
            let of = |name: &str| user[name].as_str().unwrap_or("(none)").to_string();
            let _ = writeln!(
                text,
                "User:         {}, default team {}",
                of("username"),
                of("entity")
            );
        }
        if let Some(rank) = &self.rank {
            let _ = writeln!(
                text,
                "Rank:         {} of {} ({}, {})",
                rank.index, rank.size, rank.variable, rank.size_variable
            );
        }
        text.push_str("Looked at, in order:\n");
        for row in self.rows.iter().filter(|row| row.is_worth_a_line()) {
            let _ = write!(text, "  {:<9} {}", row.state.name(), row.place());
            if let Some(key) = row.key.as_ref().filter(|_| row.state != State::Used) {
                let _ = write!(text, ": {key}");
            }
            if let Some(problem) = &row.problem {
                let _ = write!(text, ": {problem}");
            }
            text.push('\n');
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "Warning: {warning}");
        }
        text.lines().map(|line| clean(line) + "\n").collect()
    }
}

impl Row {
    fn of(place: Place, answer: &Answer) -> Row {
        let mut row = Row {
            source: place.source(),
            name: None,
            state: State::Absent,
            key: None,
            problem: None,
            line: None,
        };
        let mut stopped = |state, obstacle: &Obstacle| {
            row.state = state;
            row.name.clone_from(&obstacle.name);
            row.problem = Some(obstacle.text.clone());
            row.line = obstacle.line;
        };
        match answer {
            Answer::Absent(name) => row.name.clone_from(name),
            Answer::Found(found) => {
                row.state = State::Used;
                row.name.clone_from(&found.name);
                row.key = found.masked();
                row.line = found.line;
            }
            Answer::Unreadable(obstacle) | Answer::Malformed(obstacle) => {
                stopped(State::Invalid, obstacle);
            }
            Answer::Elsewhere(obstacle) | Answer::Withheld(obstacle) => {
                stopped(State::Skipped, obstacle);
            }
        }
        row
    }

    fn json(&self) -> Value {
        json!({
            "source": self.source.name(),
            "source_name": self.name,
            "state": self.state.name(),
            "key": self.key,
            "problem": self.problem,
            "line": self.line,
        })
    }

    /// Where this is, for a person.
    fn place(&self) -> String {
        let kind = match self.source {
            Source::Explicit => "the options",
            Source::Session => "the session",
            Source::Prompt => "the prompt",
            _ => "",
        };
        match (&self.name, self.line) {
            (Some(name), Some(line)) => format!("{name} line {line}"),
            (Some(name), None) => name.to_string(),
            (None, _) => kind.to_string(),
        }
    }

    /// What a person did not set and cannot see is no news.
    fn is_worth_a_line(&self) -> bool {
        self.state != State::Absent || !matches!(self.source, Source::Explicit | Source::Session)
    }
}
