//! A source in a report, and what was found there.

use crate::config::context::Context;
use crate::config::location::SourceName;
use crate::config::source_problem::SourceProblem;
use crate::finding::{Code, Finding};
use crate::options::Anonymous;
use crate::prompt;
use crate::session::Source;
use crate::sources::{Outcome, Provider, ShadowedEntry};

/// Why a source is not used that comes after one with an error.
pub(super) const NOT_REACHED: &str = "not reached: the login fails before";

/// The result of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Used,
    Shadowed,
    Absent,
    Invalid,
    Skipped,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            State::Used => "used",
            State::Shadowed => "shadowed",
            State::Absent => "absent",
            State::Invalid => "invalid",
            State::Skipped => "skipped",
        }
    }
}

/// One source that was checked.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) source: Source,
    pub(super) name: Option<String>,
    /// The name relative to the working directory or, as `~/…`, to the home.
    pub(super) short_name: Option<String>,
    pub(super) state: State,
    pub(super) key: Option<String>,
    pub(super) problem: Option<String>,
    /// The problem as something to fix.
    pub(super) finding: Option<Finding>,
    pub(super) line: Option<usize>,
    /// The variable that names the file, if one does.
    pub(super) path_variable: Option<&'static str>,
    /// Whether no login reaches it, so that the brief text leaves it out.
    pub(super) is_moot: bool,
}

/// The name of a file at its usual place, without the working or home directory.
fn short_name(context: &Context, provider: Provider, name: &SourceName) -> Option<String> {
    match provider {
        Provider::WorkspaceSettings => name.short(&context.env.path(""), ""),
        _ => name.short(&context.env.home()?, "~/"),
    }
}

impl Row {
    pub(super) fn of(context: &Context, provider: Provider, outcome: &Outcome) -> Row {
        let mut row = Row {
            source: provider.source(),
            name: None,
            state: State::Absent,
            key: None,
            problem: None,
            finding: None,
            line: None,
            path_variable: provider.path_variable(&context.env),
            short_name: None,
            is_moot: false,
        };
        let text = |name: &Option<SourceName>| name.as_ref().map(SourceName::to_string);
        let mut stopped = |state, problem: &SourceProblem| {
            row.state = state;
            let SourceProblem { finding, location } = problem;
            row.name = text(&location.name);
            row.line = location.line;
            row.problem = Some(finding.message.clone());
            if state == State::Invalid || finding.code == Code::WithheldCredential {
                row.finding = Some(finding.clone().printable());
            }
        };
        match outcome {
            Outcome::Absent(name) => {
                row.name = text(name);
                row.short_name = name
                    .as_ref()
                    .and_then(|name| short_name(context, provider, name));
            }
            Outcome::Found(found) => {
                row.state = State::Used;
                row.name = text(&found.location.name);
                row.key = found.masked();
                row.line = found.location.line;
            }
            Outcome::Overridden(problem) => stopped(State::Shadowed, problem),
            Outcome::Unreadable(problem) | Outcome::Malformed(problem) => {
                stopped(State::Invalid, problem);
            }
            Outcome::OtherServer(problem) | Outcome::Withheld(problem) => {
                stopped(State::Skipped, problem);
            }
        }
        row
    }

    /// An entry in netrc that a later one of the same machine overrides.
    pub(super) fn of_shadowed(entry: ShadowedEntry) -> Row {
        Row {
            source: Source::Netrc,
            name: entry.location.name.as_ref().map(SourceName::to_string),
            short_name: None,
            state: State::Shadowed,
            key: entry.masked,
            problem: Some(format!("overridden by line {}", entry.by)),
            finding: None,
            line: entry.location.line,
            path_variable: None,
            is_moot: false,
        }
    }

    /// The last row: what happens if no source has a credential.
    pub(super) fn of_prompt(context: &Context, found: bool, stopped: bool) -> Row {
        let anonymous = context.options.anonymous == Anonymous::Must;
        let problem = match prompt::unavailable(context) {
            _ if found => "not needed".into(),
            _ if stopped => NOT_REACHED.into(),
            _ if anonymous => "a login would create an anonymous account".into(),
            Some(obstacle) => obstacle,
            None => "a login would prompt here".into(),
        };
        Row {
            source: match anonymous {
                true => Source::Anonymous,
                false => Source::Prompt,
            },
            name: None,
            state: State::Skipped,
            key: None,
            short_name: None,
            problem: Some(problem),
            finding: None,
            line: None,
            path_variable: None,
            is_moot: found || stopped,
        }
    }

    /// Another source takes precedence over this one.
    pub(super) fn lose(&mut self, why: String) {
        self.state = State::Shadowed;
        self.problem = Some(why);
    }
}
