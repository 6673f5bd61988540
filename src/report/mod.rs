//! Which key a login would use and why, as text or as JSON. Keys are masked.
//! Nothing is sent, prompted for or written.

mod json;
mod render;

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin, Resolved, Unresolved};
use crate::config::location::{SourceLocation, SourceName};
use crate::config::offline_mode::Mode;
use crate::config::route;
use crate::config::settings::Scope;
use crate::env::rank::Rank;
use crate::env::variables;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Severity};
use crate::log::Level;
use crate::options::{Anonymous, Flags, Options};
use crate::prompt;
use crate::session::{Session, Source};
use crate::sources::diagnostics;
use crate::sources::{self, FoundCredential, Outcome, Provider, ShadowedEntry, SourceProblem};

/// A larger difference to the server's clock, in seconds, is a finding: that is when
/// verifiers of tokens begin to refuse them.
const MAX_CLOCK_SKEW: i64 = 300;

/// Why a source is not used that comes after one with an error.
const NOT_REACHED: &str = "not reached: the login fails before";

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text for a terminal: the key, what should be fixed, and the sources.
    Text,
    /// Text with a line for each source, also for those that are absent, and the
    /// code of each finding.
    Verbose,
    /// One JSON object.
    Json,
}

/// Which credential a login would use, and why.
#[derive(Debug)]
pub struct Report {
    host: Host,
    /// The proxy for the server, without user name and password.
    proxy: Option<String>,
    rows: Vec<Row>,
    winner: Option<usize>,
    /// The command for a key that the server refuses.
    replace_command: Option<String>,
    /// Why a login would fail.
    problem: Option<Problem>,
    /// The effect of the mode on a login.
    mode: Option<Finding>,
    job: Option<Job>,
    /// What belongs to no row.
    warnings: Vec<Finding>,
    user: Option<Session>,
}

/// Why a login would fail.
#[derive(Debug)]
enum Problem {
    /// The problem of this row.
    Row(usize),
    /// A problem of no row.
    Other(Finding),
}

/// The server, and where it is configured.
#[derive(Debug)]
struct Host {
    /// `None` if the configured value is not a valid URL.
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

/// The result of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
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

/// One source that was checked.
#[derive(Debug)]
struct Row {
    source: Source,
    name: Option<String>,
    /// The name relative to the working directory or, as `~/…`, to the home.
    short_name: Option<String>,
    state: State,
    key: Option<String>,
    problem: Option<String>,
    /// The problem as something to fix.
    finding: Option<Finding>,
    line: Option<usize>,
    /// The variable that names the file, if one does.
    path_variable: Option<&'static str>,
    /// Whether no login reaches it, so that the brief text leaves it out.
    is_moot: bool,
}

impl Report {
    pub(crate) fn new(options: &Options<'_>) -> Result<Report> {
        let context = Context::for_report(options);
        context.config().log_notes(&context.log);
        let server = endpoint::resolve(&context);
        let invalid = invalid_values(&context);
        let mut report = Report {
            host: Host::of(&server),
            proxy: None,
            rows: Vec::new(),
            winner: None,
            replace_command: None,
            problem: invalid.first().cloned().map(Problem::Other),
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
            Ok(server) => report.query_sources(&context, &server),
            Err(Unresolved {
                error: error @ Error::Argument(_),
                ..
            }) => return Err(error),
            Err(unresolved) => {
                report.add_unreadable_settings(&context);
                let text = unresolved.error.to_string();
                let is_it = |row: &Row| row.problem.as_ref() == Some(&text);
                report.problem = Some(match report.rows.iter().position(is_it) {
                    Some(index) => Problem::Row(index),
                    None => Problem::Other(match unresolved.origin_name {
                        Some(SourceName::File(path)) => SourceLocation::new(SourceName::File(path))
                            .finding(Code::InvalidServer, text),
                        // Without the variable, a key would go to another server.
                        _ => Finding::new(Code::InvalidServer, text),
                    }),
                });
            }
        }
        // A problem is not repeated as a warning.
        let is_problem = |message: &String| match &report.problem {
            Some(Problem::Other(finding)) => finding.message == *message,
            _ => false,
        };
        let is_new = |finding: &Finding| {
            let is_it = |row: &Row| row.problem.as_ref() == Some(&finding.message);
            !report.rows.iter().any(is_it) && !is_problem(&finding.message)
        };
        let warnings = invalid.into_iter().chain(context.log.into_findings());
        report.warnings = warnings.filter(is_new).collect();
        if let Some(log) = options.log {
            for line in report.lines() {
                log(Level::Warn, line);
            }
        }
        Ok(report)
    }

    /// Adds the settings files that could not be read, for a login that fails
    /// because they may name the server.
    fn add_unreadable_settings(&mut self, context: &Context) {
        for (scope, provider) in [
            (Scope::Workspace, Provider::WorkspaceSettings),
            (Scope::System, Provider::SystemSettings),
        ] {
            if let Some((name, text)) = endpoint::unreadable(context, scope) {
                let location = SourceLocation::new(name);
                let outcome = Outcome::Malformed(SourceProblem {
                    code: Code::UnreadableFile,
                    text,
                    location,
                });
                self.rows.push(Row::of(context, provider, &outcome));
            }
        }
    }

    /// Queries every source, also those after the winner.
    fn query_sources(&mut self, context: &Context, server: &Endpoint) {
        diagnostics::warn_plain_http(context, server);
        diagnostics::warn_unlikely_server(context, server);
        diagnostics::warn_unverified_tls(context, server);
        diagnostics::warn_workspace_server(context, server);
        let relogin = context.relogin().unwrap_or(false);
        let mut winner: Option<FoundCredential> = None;
        let mut stopped = false;
        for &provider in sources::order(context) {
            let outcome = sources::query(context, server, provider);
            diagnostics::note_sdk_outcome(context, server, provider, &outcome);
            let passed_over = relogin && provider != Provider::Explicit;
            let mut row = Row::of(context, provider, &outcome);
            match outcome {
                Outcome::Found(_) if passed_over => {
                    row.state = State::Skipped;
                    row.problem = Some("not used because of relogin".into());
                }
                Outcome::Found(found) => match &winner {
                    Some(winner) => {
                        diagnostics::note_overridden(context, server, winner, &found);
                        row.lose(diagnostics::why_shadowed(server, winner, &found));
                    }
                    None if stopped => row.lose(NOT_REACHED.into()),
                    None => {
                        self.winner = Some(self.rows.len());
                        winner = Some(found);
                    }
                },
                Outcome::Malformed(_) | Outcome::Withheld(_)
                    if winner.is_none() && !stopped && !passed_over =>
                {
                    stopped = true;
                    let index = self.rows.len();
                    self.problem.get_or_insert(Problem::Row(index));
                }
                _ => {}
            }
            self.rows.push(row);
            if provider == Provider::Netrc {
                let entries = sources::shadowed_entries(context, server);
                self.rows.extend(entries.into_iter().map(Row::of_shadowed));
            }
        }
        if let Some(found) = &winner {
            diagnostics::warn_conflicts(context, server, found);
            diagnostics::warn_unlikely_key(context, server, found);
            self.replace_command = diagnostics::replace_command(server, found);
        }
        diagnostics::note_sdk_configuration(context, server);
        diagnostics::warn_token_cache(context, server, winner.as_ref());
        diagnostics::note_unused_files(context);
        diagnostics::warn_missing_locks(context);
        let route = route::resolve(context, server);
        route.log_problems(&context.log);
        let proxy = route.proxy.ok().flatten();
        self.proxy = proxy.map(|proxy| proxy.address_and_name());
        self.rows.push(prompt(context, winner.is_some(), stopped));
        if winner.is_none() && !stopped {
            self.problem.get_or_insert_with(|| {
                let message = context.not_configured(&server.url, None).to_string();
                Problem::Other(Finding {
                    command: server.login_command(),
                    ..Finding::new(Code::NotConfigured, message)
                })
            });
        }
    }

    /// Adds the owner of the credential, as the server reports it.
    pub fn add_user(&mut self, session: &Session) {
        self.user = Some(session.clone());
        let viewer = session.data().viewer.as_ref();
        if let Some(skew) = viewer.and_then(|viewer| viewer.clock_skew)
            && skew.abs() > MAX_CLOCK_SKEW
        {
            let direction = if skew > 0 { "ahead of" } else { "behind" };
            let message = format!(
                "the clock of this machine is {} s {direction} that of {}: tokens can appear \
                 expired or not yet valid",
                skew.unsigned_abs(),
                session.base_url()
            );
            self.warnings.push(Finding::new(Code::ClockSkew, message));
        }
    }

    /// Adds why the server did not confirm the credential.
    pub fn add_failure(&mut self, error: &Error) {
        let command = match error {
            Error::Rejected(_) => self.replace_command.clone(),
            _ => None,
        };
        let finding = Finding::new(Code::VerificationFailed, error.to_string());
        self.problem = Some(Problem::Other(finding.maybe_fixed_by(command)));
    }

    /// Whether a login would find a credential.
    pub fn is_configured(&self) -> bool {
        self.winner.is_some()
    }

    /// The warnings that belong to no row, and the invalid value for which a login
    /// fails.
    fn lines(&self) -> impl Iterator<Item = &str> {
        // A missing key is no warning.
        let problem = match &self.problem {
            Some(Problem::Other(finding)) if finding.code != Code::NotConfigured => Some(finding),
            _ => None,
        };
        let warnings = problem.into_iter().chain(&self.mode).chain(&self.warnings);
        warnings.map(|finding| finding.message.as_str())
    }

    /// Everything that should be fixed or known, the most important first.
    fn findings(&self) -> Vec<(Severity, &Finding)> {
        let stopping = match &self.problem {
            Some(Problem::Row(index)) => self.rows[*index].finding.as_ref(),
            Some(Problem::Other(finding)) => Some(finding),
            None => None,
        };
        let others = self.rows.iter().filter_map(|row| row.finding.as_ref());
        let others =
            others.filter(|finding| !stopping.is_some_and(|it| std::ptr::eq(it, *finding)));
        let others = others.chain(&self.mode).chain(&self.warnings);
        // What does not stop the login is no error.
        let severity = |finding: &Finding| match finding.code.severity() {
            Severity::Error => Severity::Warning,
            other => other,
        };
        let mut findings: Vec<_> = stopping
            .map(|finding| (self.stopping_severity(finding), finding))
            .into_iter()
            .chain(others.map(|finding| (severity(finding), finding)))
            .collect();
        // Two rows can have one problem, such as variables that exclude each other.
        findings.dedup_by(|next, first| next.1.message == first.1.message);
        findings.sort_by_key(|(severity, _)| *severity);
        findings
    }
}

impl Report {
    /// The severity of what makes a login fail. Offline, programs do not log in, and
    /// need neither a key nor a server.
    fn stopping_severity(&self, finding: &Finding) -> Severity {
        match (&self.mode, finding.code) {
            (None, _) | (_, Code::InvalidValue) => Severity::Error,
            (Some(_), Code::NotConfigured) => Severity::Note,
            (Some(_), _) => Severity::Warning,
        }
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

/// The invalid values, other than a key or the server, for which a login fails, in the
/// order in which it reads them.
fn invalid_values(context: &Context) -> Vec<Finding> {
    let checks = [
        context.verbosity().map(drop),
        context.mode().map(drop),
        context.relogin().map(drop),
        context.entity().map(drop),
    ];
    let errors = checks.into_iter().filter_map(Result::err);
    let finding = |error: Error| invalid_value(context, error.to_string());
    errors.map(finding).collect()
}

/// The finding for an invalid variable or setting, with the command that removes it
/// where the message says so, or opens the file.
fn invalid_value(context: &Context, message: String) -> Finding {
    const VARIABLES: [&str; 4] = [
        variables::SILENT,
        variables::QUIET,
        variables::MODE,
        variables::RELOGIN,
    ];
    let settings = context.settings();
    let notes = [
        settings.silent().err(),
        settings.quiet().err(),
        settings.mode().err(),
        settings.relogin().err(),
        settings.entity().err(),
    ];
    let command = match notes
        .into_iter()
        .flatten()
        .find(|note| note.text == message)
    {
        Some(note) => settings.edit_command(note),
        None => {
            let name = VARIABLES.iter().find(|name| message.starts_with(*name));
            name.filter(|_| message.ends_with("or unset it"))
                .map(|name| format!("unset {name}"))
        }
    };
    Finding::new(Code::InvalidValue, message).maybe_fixed_by(command)
}

/// The effect of the mode on a login.
fn mode(context: &Context) -> Option<Finding> {
    let mode = context.mode().ok()?;
    let by = context.mode_location()?;
    let message = match mode {
        Mode::Online | Mode::Shared | Mode::Run => return None,
        Mode::Offline | Mode::Dryrun if context.options.command_line => format!(
            "W&B is offline ({by}): programs run without a login and need no key. The command \
             `wandb-login` logs in all the same"
        ),
        Mode::Offline | Mode::Dryrun => {
            format!("W&B is offline ({by}): programs run without a login and need no key")
        }
        Mode::Disabled => {
            format!("W&B is disabled ({by}): programs run without a login and need no key")
        }
    };
    Some(by.finding(Code::Offline, message))
}

/// The last row: what happens if no source has a credential.
fn prompt(context: &Context, found: bool, stopped: bool) -> Row {
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

/// The name of a file at its usual place, without the working or home directory.
fn short_name(context: &Context, provider: Provider, name: &SourceName) -> Option<String> {
    match provider {
        Provider::WorkspaceSettings => name.short(&context.env.path(""), ""),
        _ => name.short(&context.env.home()?, "~"),
    }
}

impl Row {
    fn of(context: &Context, provider: Provider, outcome: &Outcome) -> Row {
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
            row.name = text(&problem.location.name);
            row.problem = Some(problem.text.clone());
            row.line = problem.location.line;
            if state == State::Invalid || problem.code == Code::WithheldCredential {
                let mut finding = problem.finding();
                if let (Code::UnreadableFile, None, Some(name)) = (
                    problem.code,
                    &finding.command,
                    provider.credential_variable(),
                ) {
                    finding = finding.fixed_by(format!("unset {name}"));
                }
                row.finding = Some(finding.printable());
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
    fn of_shadowed(entry: ShadowedEntry) -> Row {
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

    /// Another source takes precedence over this one.
    fn lose(&mut self, why: String) {
        self.state = State::Shadowed;
        self.problem = Some(why);
    }
}
