//! The two forms of a report.

use std::fmt::Write;

use serde_json::Value;

use super::{Format, Host, Job, Report, Row, State};
use crate::config::endpoint::Origin;
use crate::session::{Session, Source};
use crate::sources::CREDENTIAL_VARIABLES;
use crate::util::sanitize::clean;

impl Report {
    /// The report in a form.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => self.json(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        match self.winner.map(|index| &self.rows[index]) {
            Some(row) => {
                let kind = match row.source {
                    Source::IdentityToken => "an identity token",
                    _ => "an access token",
                };
                let key = row.key.as_deref().unwrap_or(kind);
                let _ = writeln!(text, "Key in force: {key}, from {}", row.place());
            }
            None => text.push_str("Key in force: none\n"),
        }
        let _ = writeln!(text, "Server:       {}", self.host);
        for (label, value) in [("Problem:", &self.problem), ("Mode:", &self.mode)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{label:<13} {value}");
            }
        }
        if let Some(user) = &self.user {
            let (name, team) = (user.username(), user.entity());
            let _ = writeln!(
                text,
                "User:         {}, default team {}",
                name.unwrap_or("(no name)"),
                team.unwrap_or("(none)")
            );
        }
        if let Some(job) = &self.job {
            let _ = writeln!(text, "Rank:         {}", job.shown());
        }
        if !self.rows.is_empty() {
            text.push_str("Looked at, in order:\n");
        }
        for row in self.rows.iter().filter(|row| row.is_worth_a_line()) {
            let _ = write!(text, "  {:<9} {}", row.state.name(), row.place());
            if let Some(key) = row.key.as_ref().filter(|_| row.state != State::Used) {
                let _ = write!(text, ": {key}");
            }
            // What stops a login was said above.
            let news = row.problem.as_ref().filter(|_| row.problem != self.problem);
            if let Some(problem) = news {
                let name = row.name.as_deref().unwrap_or_default();
                let rest = problem
                    .strip_prefix(name)
                    .map_or(problem.as_str(), str::trim_start);
                let _ = write!(text, ": {rest}");
            }
            text.push('\n');
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "Warning: {warning}");
        }
        text.lines().map(|line| clean(line) + "\n").collect()
    }

    /// Written by hand, so that members stand in the order in which they matter.
    fn json(&self) -> String {
        let member = |value: Option<&str>| Value::from(value).to_string();
        let host = object(&[
            ("url", member(self.host.url.as_deref())),
            ("source", member(Some(self.host.origin.name()))),
            ("source_name", member(self.host.name.as_deref())),
        ]);
        let winner = self.winner.map(|index| self.rows[index].source.name());
        let rank = self.job.as_ref().map_or("null".into(), |job| {
            object(&[
                ("index", job.rank.index.to_string()),
                ("size", job.rank.size.to_string()),
                ("variable", member(Some(job.rank.variable))),
            ])
        });
        let warnings = self.lines().map(|line| member(Some(&clean(line))));
        let members = [
            ("configured", self.is_configured().to_string()),
            ("host", host),
            ("winner", member(winner)),
            ("sources", lines(self.rows.iter().map(Row::json))),
            ("rank", rank),
            ("warnings", lines(warnings)),
            ("user", self.user.as_ref().map_or("null".into(), user)),
        ];
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("  \"{name}\": {value}"))
            .collect();
        format!("{{\n{}\n}}\n", members.join(",\n"))
    }
}

/// A JSON object on one line, of values that are JSON already.
fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// A JSON array with one line for each value.
fn lines(values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = values.map(|value| format!("\n    {value}")).collect();
    match values.is_empty() {
        true => "[]".into(),
        false => format!("[{}\n  ]", values.join(",")),
    }
}

fn user(session: &Session) -> String {
    object(&[
        ("username", Value::from(session.username()).to_string()),
        ("email", Value::from(session.email()).to_string()),
        ("entity", Value::from(session.entity()).to_string()),
        ("teams", Value::from(session.teams()).to_string()),
    ])
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.as_deref().unwrap_or("none");
        match (self.name.as_deref(), self.origin) {
            (Some(name), _) => write!(f, "{url} (from {name})"),
            (None, Origin::Option) => write!(f, "{url} (from the host option)"),
            (None, Origin::Cloud) => write!(f, "{url} (from the cloud option)"),
            (None, _) => write!(f, "{url} (the default)"),
        }
    }
}

impl Job {
    fn shown(&self) -> String {
        let rank = &self.rank;
        let (index, size) = (rank.index, rank.size);
        let does = match (self.all_ranks, self.acts) {
            (true, _) => "it asks and writes, as every rank here may",
            (false, true) => "it asks and writes for the others",
            (false, false) => "it never asks, writes or verifies",
        };
        let (variable, size_variable) = (rank.variable, rank.size_variable);
        format!("{index} of {size}, by {variable} and {size_variable}: {does}")
    }
}

impl Row {
    fn json(&self) -> String {
        let text = |value: Option<&str>| Value::from(value.map(clean).as_deref()).to_string();
        object(&[
            ("source", text(Some(self.source.name()))),
            ("source_name", text(self.name.as_deref())),
            ("state", text(Some(self.state.name()))),
            ("key", text(self.key.as_deref())),
            ("problem", text(self.problem.as_deref())),
            ("line", Value::from(self.line).to_string()),
        ])
    }

    /// Where this is, for a person.
    fn place(&self) -> String {
        let kind = match self.source {
            Source::Explicit => "the options",
            Source::Session => "the session",
            Source::Prompt => "the prompt",
            Source::Anonymous => "an anonymous account",
            // Without a home directory no file in it can be named.
            Source::Netrc => "the netrc file",
            _ => "the settings file",
        };
        let variable = CREDENTIAL_VARIABLES
            .iter()
            .find(|(provider, _)| provider.source() == self.source)
            .map(|&(_, variable)| variable);
        match (&self.name, self.line) {
            (Some(path), _) if variable.is_some_and(|variable| variable != path) => {
                format!("{path} ({})", variable.unwrap_or_default())
            }
            (Some(name), Some(line)) => format!("{name} line {line}"),
            (Some(name), None) => name.clone(),
            (None, _) => kind.to_string(),
        }
    }

    /// What a person did not set and cannot see is no news.
    fn is_worth_a_line(&self) -> bool {
        self.state != State::Absent || !matches!(self.source, Source::Explicit | Source::Session)
    }
}
