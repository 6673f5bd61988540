//! The text form of a report.

use std::fmt::Write;

use super::{Format, Host, Job, Report, Row, State, json};
use crate::config::endpoint::Origin;
use crate::finding::{Finding, Severity};
use crate::session::Source;
use crate::util::redact::for_message;

/// The state of a source without a key; its file may exist.
const NO_KEY: &str = "no key";

/// How much the text form shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Brief,
    /// Each absent source, and the code of each finding.
    Full,
}

impl Report {
    /// The report as text or as JSON.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(Detail::Brief),
            Format::Verbose => self.text(Detail::Full),
            Format::Json => self.json(),
        }
    }

    fn text(&self, detail: Detail) -> String {
        let mut text = format!("Active key:   {}\n", self.active_key());
        let _ = writeln!(text, "Server:       {}", self.host);
        if let Some(proxy) = &self.proxy {
            let _ = writeln!(text, "Proxy:        {proxy}");
        }
        if let Some(job) = &self.job {
            let _ = writeln!(text, "Rank:         {}", job.describe());
        }
        self.write_findings(&mut text, detail);
        self.write_sources(&mut text, detail);
        text.lines().map(|line| for_message(line) + "\n").collect()
    }

    /// The key, whose it is, and where it comes from.
    fn active_key(&self) -> String {
        let Some(row) = self.winner.map(|index| &self.rows[index]) else {
            return "none".into();
        };
        let kind = match row.source {
            Source::IdentityToken => "an identity token",
            _ => "an access token",
        };
        let key = row.key.as_deref().unwrap_or(kind);
        let owner = self.user.as_ref().map_or(String::new(), |user| {
            let name = user.username().unwrap_or("(no name)");
            let team = user.entity().unwrap_or("(none)");
            format!(" of {name} (default team {team})")
        });
        format!("{key}{owner}, from {}", row.place())
    }

    fn write_findings(&self, text: &mut String, detail: Detail) {
        let findings = self.findings();
        if findings.is_empty() {
            text.push_str("Nothing to fix.\n");
            return;
        }
        text.push_str("Findings:\n");
        // A note needs no fixing.
        let is_shown = |severity| severity < Severity::Note || detail == Detail::Full;
        let mut rest: Vec<_> = findings
            .into_iter()
            .map(|(severity, finding)| {
                let command = finding.command.as_deref().filter(|_| is_shown(severity));
                (severity, finding, command)
            })
            .collect();
        // Findings that one command fixes stand together above it.
        while let Some(&(severity, finding, command)) = rest.first() {
            write_finding(text, severity, finding, detail);
            let is_fixed = |other: Option<&str>| command.is_some() && other == command;
            let (fixed, others): (Vec<_>, Vec<_>) =
                rest.drain(1..).partition(|(_, _, other)| is_fixed(*other));
            for (severity, finding, _) in fixed {
                write_finding(text, severity, finding, detail);
            }
            if let Some(command) = command {
                let _ = writeln!(text, "  {:<9} $ {command}", "");
            }
            rest = others;
        }
    }

    /// The sources in order; those that are absent last, on one line.
    fn write_sources(&self, text: &mut String, detail: Detail) {
        let rows = || self.rows.iter().filter(|row| !row.is_unset_option());
        if rows().next().is_none() {
            return;
        }
        text.push_str("Sources, in order:\n");
        let is_listed = |row: &&Row| detail == Detail::Full || row.state != State::Absent;
        let is_said = |row: &&Row| detail == Detail::Full || !row.is_moot;
        for row in rows().filter(is_listed).filter(is_said) {
            let state = match row.state {
                State::Absent => NO_KEY,
                state => state.name(),
            };
            let _ = writeln!(text, "  {state:<9} {}", row.describe());
        }
        let absent: Vec<_> = rows()
            .filter(|row| !is_listed(row))
            .map(Row::short_place)
            .collect();
        if !absent.is_empty() {
            let _ = writeln!(text, "  {NO_KEY:<9} {}", absent.join(", "));
        }
    }

    fn json(&self) -> String {
        json::to_string(&json::ReportJson::of(self))
    }
}

fn write_finding(text: &mut String, severity: Severity, finding: &Finding, detail: Detail) {
    let code = match detail {
        Detail::Brief => String::new(),
        Detail::Full => format!("[{}] ", finding.code.as_str()),
    };
    let name = severity.as_str();
    let _ = writeln!(text, "  {name:<9} {code}{}", finding.message);
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
            (true, _) => "every rank may prompt, verify and write",
            (false, true) => "this rank, and no other, may prompt, verify and write",
            (false, false) => "only rank 0 may prompt, verify and write",
        };
        let (variable, size_variable) = (rank.variable, rank.size_variable);
        format!("{index} of {size} ({variable}, {size_variable}): {does}")
    }
}

impl Row {
    /// The place, the key and the problem. A problem that is a finding is printed
    /// above.
    fn describe(&self) -> String {
        let mut text = self.place();
        if let Some(key) = self.key.as_ref().filter(|_| self.state != State::Used) {
            let _ = write!(text, ": {key}");
        }
        if let Some(problem) = self.problem.as_ref().filter(|_| self.finding.is_none()) {
            let _ = write!(text, ": {problem}");
        }
        text
    }

    /// Where the row is, for the text form.
    fn place(&self) -> String {
        self.place_with(self.name.as_ref())
    }

    /// The same with a path that is short where the file has its usual place.
    fn short_place(&self) -> String {
        self.place_with(self.short_name.as_ref().or(self.name.as_ref()))
    }

    fn place_with(&self, name: Option<&String>) -> String {
        let kind = match self.source {
            Source::Explicit => "the options",
            Source::Session => "the session",
            Source::Prompt => "the prompt",
            Source::Anonymous => "an anonymous account",
            // Without a home directory the file has no path.
            Source::Netrc => "the netrc file",
            _ => "the settings file",
        };
        let Some(name) = name else {
            return kind.to_string();
        };
        let mut place = name.clone();
        if let Some(line) = self.line {
            let _ = write!(place, " line {line}");
        }
        if let Some(variable) = self.path_variable.filter(|variable| variable != name) {
            let _ = write!(place, " ({variable})");
        }
        place
    }

    /// Whether this is an option that the caller did not set. The text form
    /// leaves it out.
    fn is_unset_option(&self) -> bool {
        self.state == State::Absent && matches!(self.source, Source::Explicit | Source::Session)
    }
}
