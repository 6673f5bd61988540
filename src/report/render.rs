//! The text form of a report.

use std::fmt::Write;

use super::{Format, Host, Job, Report, Row, State, json};
use crate::config::endpoint::Origin;
use crate::session::Source;
use crate::sources::CREDENTIAL_VARIABLES;
use crate::util::redact::for_message;

impl Report {
    /// The report as text or as JSON.
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
                let _ = writeln!(text, "Active key:   {key}, from {}", row.place());
            }
            None => text.push_str("Active key:   none\n"),
        }
        let _ = writeln!(text, "Server:       {}", self.host);
        for (label, value) in [
            ("Problem:", self.problem()),
            ("Mode:", self.mode.as_deref()),
        ] {
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
            let _ = writeln!(text, "Rank:         {}", job.describe());
        }
        if !self.rows.is_empty() {
            text.push_str("Sources checked, in order:\n");
        }
        for row in self.rows.iter().filter(|row| !row.is_unset_option()) {
            let _ = write!(text, "  {:<9} {}", row.state.name(), row.place());
            if let Some(key) = row.key.as_ref().filter(|_| row.state != State::Used) {
                let _ = write!(text, ": {key}");
            }
            // The problem that stops the login is printed above.
            let is_printed = row.problem.as_deref() == self.problem();
            if let Some(problem) = row.problem.as_ref().filter(|_| !is_printed) {
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
        text.lines().map(|line| for_message(line) + "\n").collect()
    }

    fn json(&self) -> String {
        json::to_string(&json::ReportJson::of(self))
    }
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
    fn describe(&self) -> String {
        let rank = &self.rank;
        let (index, size) = (rank.index, rank.size);
        let does = match (self.all_ranks, self.acts) {
            (true, _) => "this rank may prompt and write (all ranks may)",
            (false, true) => "this rank prompts and writes for the others",
            (false, false) => "this rank never prompts, writes or verifies",
        };
        let (variable, size_variable) = (rank.variable, rank.size_variable);
        format!("{index} of {size}, by {variable} and {size_variable}: {does}")
    }
}

impl Row {
    /// Where the row is, for the text form.
    fn place(&self) -> String {
        let kind = match self.source {
            Source::Explicit => "the options",
            Source::Session => "the session",
            Source::Prompt => "the prompt",
            Source::Anonymous => "an anonymous account",
            // Without a home directory the file has no path.
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

    /// Whether this is an option that the caller did not set. The text form
    /// leaves it out.
    fn is_unset_option(&self) -> bool {
        self.state == State::Absent && matches!(self.source, Source::Explicit | Source::Session)
    }
}
