//! Why a login would use the key that it would use: for a person in five
//! seconds, or for a program as JSON. Masked, without network, prompt or write.

mod render;

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin, Resolved, Unresolved};
use crate::config::location::SourceName;
use crate::config::settings::Mode;
use crate::env::rank::Rank;
use crate::env::variables;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::options::{Anonymous, Flags, Options};
use crate::prompt;
use crate::session::{Session, Source};
use crate::sources::diagnostics;
use crate::sources::{self, FoundCredential, Outcome, Provider, SourceProblem};

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
    host: Host,
    rows: Vec<Row>,
    winner: Option<usize>,
    /// What stands in the way of a login, if anything does.
    problem: Option<String>,
    /// What the mode does to a login, if anything.
    mode: Option<String>,
    job: Option<Job>,
    warnings: Vec<String>,
    user: Option<Session>,
}

/// The server, and who named it.
#[derive(Debug)]
struct Host {
    /// `None` where what was named is no server.
    url: Option<String>,
    origin: Origin,
    name: Option<String>,
}

/// The distributed job that this process is a part of.
#[derive(Debug)]
struct Job {
    rank: Rank,
    /// Whether this process prompts, writes and verifies.
    acts: bool,
    all_ranks: bool,
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

/// One place that was looked at.
#[derive(Debug)]
struct Row {
    source: Source,
    name: Option<String>,
    state: State,
    key: Option<String>,
    problem: Option<String>,
    line: Option<usize>,
}

impl Report {
    pub(crate) fn new(options: &Options<'_>) -> Result<Report> {
        let context = Context::for_report(options);
        context.config().log_notes(&context.log);
        let server = endpoint::resolve(&context);
        let mut report = Report {
            host: Host::of(&server),
            rows: Vec::new(),
            winner: None,
            problem: misconfigured(&context),
            mode: mode(&context),
            job: context.rank().map(|rank| Job {
                rank,
                acts: context.is_active_rank(),
                all_ranks: options.flags.has(Flags::ALL_RANKS),
            }),
            warnings: Vec::new(),
            user: None,
        };
        match server {
            Ok(server) => report.hear(&context, &server),
            Err(Unresolved {
                error: error @ Error::Argument(_),
                ..
            }) => return Err(error),
            Err(unresolved) => report.problem = Some(unresolved.error.to_string()),
        }
        // What a row says is not said twice.
        let news = |line: &String| {
            report
                .rows
                .iter()
                .all(|row| row.problem.as_ref() != Some(line))
        };
        report.warnings = context.log.into_lines().into_iter().filter(news).collect();
        if let Some(log) = options.log {
            for line in report.lines() {
                log(Level::Warn, line);
            }
        }
        Ok(report)
    }

    /// Hears every source about the server.
    fn hear(&mut self, context: &Context, server: &Endpoint) {
        diagnostics::warn_plain_http(context, server);
        if server.workspace_only {
            context.log.security(&format!(
                "only the working directory names this server, in {}",
                server.origin_text()
            ));
        }
        let relogin = context.relogin().unwrap_or(false);
        let mut winner: Option<FoundCredential> = None;
        let mut stopped = false;
        for &provider in sources::order(context) {
            let outcome = sources::query(context, server, provider);
            diagnostics::note_sdk_outcome(context, server, provider, &outcome);
            let passed_over = relogin && provider != Provider::Explicit;
            let mut row = Row::of(provider, &outcome);
            match outcome {
                Outcome::Found(_) if passed_over => {
                    row.state = State::Skipped;
                    row.problem = Some("relogin passes it over".into());
                }
                Outcome::Found(found) => match &winner {
                    Some(winner) => row.lose(diagnostics::why_shadowed(winner, &found)),
                    None if stopped => row.lose("a login stops before it".into()),
                    None => {
                        self.winner = Some(self.rows.len());
                        winner = Some(found);
                    }
                },
                Outcome::Malformed(problem) | Outcome::Withheld(problem)
                    if winner.is_none() && !stopped && !passed_over =>
                {
                    stopped = true;
                    self.problem.get_or_insert(problem.text);
                }
                _ => {}
            }
            self.rows.push(row);
        }
        if let Some(found) = &winner {
            diagnostics::warn_conflicts(context, server, found);
        }
        diagnostics::note_sdk_configuration(context, server);
        diagnostics::warn_readable_token_cache(context);
        self.rows.push(prompt(context, winner.is_some(), stopped));
        if winner.is_none() && !stopped {
            self.problem.get_or_insert_with(|| {
                Error::not_configured(server.url.as_str(), None).to_string()
            });
        }
    }

    /// Adds what the server said about the credential.
    pub fn add_user(&mut self, session: &Session) {
        self.user = Some(session.clone());
    }

    /// Whether a login would find a credential.
    pub fn is_configured(&self) -> bool {
        self.winner.is_some()
    }

    /// Everything that deserves attention and belongs to no row.
    fn lines(&self) -> impl Iterator<Item = &str> {
        let own = |problem: &&String| {
            let mut rows = self.rows.iter();
            self.winner.is_some() && rows.all(|row| row.problem.as_ref() != Some(*problem))
                || self.host.url.is_none()
        };
        let first = self.problem.iter().filter(own).chain(&self.mode);
        first.chain(&self.warnings).map(String::as_str)
    }
}

impl Host {
    fn of(server: &Resolved) -> Host {
        let (url, origin, name) = match server {
            Ok(server) => (Some(&server.url), server.origin, &server.origin_name),
            Err(unresolved) => (None, unresolved.origin, &unresolved.origin_name),
        };
        Host {
            url: url.map(|url| url.as_str().to_string()),
            origin,
            name: name.as_ref().map(SourceName::to_string),
        }
    }
}

/// The first value that a login would refuse, apart from keys and server.
fn misconfigured(context: &Context) -> Option<String> {
    let checks = [
        context.is_silent().map(drop),
        context.relogin().map(drop),
        context.mode().map(drop),
        context.entity().map(drop),
    ];
    let error = checks.into_iter().find_map(Result::err)?;
    Some(error.to_string())
}

/// What the mode does to a login, if anything.
fn mode(context: &Context) -> Option<String> {
    let mode = context.mode().ok()?;
    let by = match context.settings().mode() {
        _ if context.env.is_set(variables::MODE) => variables::MODE.to_string(),
        Ok(Some(found)) => found.location().to_string(),
        _ => return None,
    };
    Some(match mode {
        Mode::Online | Mode::Shared | Mode::Run => return None,
        Mode::Offline | Mode::Dryrun if context.options.command_line => {
            format!(
                "offline by {by}: a login does nothing; the command `wandb-login` still logs in"
            )
        }
        Mode::Offline | Mode::Dryrun => format!("offline by {by}: a login does nothing"),
        Mode::Disabled => format!("disabled by {by}: a login does nothing"),
    })
}

/// The last resort: who would be asked if all others have nothing.
fn prompt(context: &Context, found: bool, stopped: bool) -> Row {
    let anonymous = context.options.anonymous == Anonymous::Must;
    let problem = match prompt::obstacle(context) {
        _ if found => "not needed".into(),
        _ if stopped => "a login stops before it".into(),
        _ if anonymous => "a login would ask the server for an anonymous account".into(),
        Some(obstacle) => obstacle,
        None => "a login would ask here".into(),
    };
    Row {
        source: match anonymous {
            true => Source::Anonymous,
            false => Source::Prompt,
        },
        name: None,
        state: State::Skipped,
        key: None,
        problem: Some(problem),
        line: None,
    }
}

impl Row {
    fn of(provider: Provider, outcome: &Outcome) -> Row {
        let mut row = Row {
            source: provider.source(),
            name: None,
            state: State::Absent,
            key: None,
            problem: None,
            line: None,
        };
        let text = |name: &Option<SourceName>| name.as_ref().map(SourceName::to_string);
        let mut stopped = |state, problem: &SourceProblem| {
            row.state = state;
            row.name = text(&problem.location.name);
            row.problem = Some(problem.text.clone());
            row.line = problem.location.line;
        };
        match outcome {
            Outcome::Absent(name) => row.name = text(name),
            Outcome::Found(found) => {
                row.state = State::Used;
                row.name = text(&found.location.name);
                row.key = found.masked();
                row.line = found.location.line;
            }
            Outcome::Unreadable(problem) | Outcome::Malformed(problem) => {
                stopped(State::Invalid, problem);
            }
            Outcome::OtherServer(problem) | Outcome::Withheld(problem) => {
                stopped(State::Skipped, problem);
            }
        }
        row
    }

    /// Another place goes before this one.
    fn lose(&mut self, why: String) {
        self.state = State::Shadowed;
        self.problem = Some(why);
    }
}
