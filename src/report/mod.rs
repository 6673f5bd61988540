//! Which key a login would use and why, as text or as JSON. Keys are masked.
//! Nothing is sent, prompted for or written.

mod invalid;
mod json;
mod render;
mod row;

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin, Resolved, Unresolved};
use crate::config::location::SourceName;
use crate::config::offline_mode::Mode;
use crate::config::route;
use crate::config::settings::Scope;
use crate::env::rank::Rank;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Severity};
use crate::log::Level;
use crate::options::{Flags, Options};
use crate::session::Session;
use crate::sources::diagnostics;
use crate::sources::{self, FoundCredential, Outcome, Provider};

use row::{Row, State};

/// A larger difference to the server's clock, in seconds, is a finding: that is when
/// verifiers of tokens begin to refuse them.
const MAX_CLOCK_SKEW: i64 = 300;

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

impl Report {
    pub(crate) fn new(options: &Options<'_>) -> Result<Report> {
        let context = Context::for_report(options);
        context.config().log_notes(&context.log);
        let server = endpoint::resolve(&context);
        let stopping = invalid::stopping(&context);
        let mut report = Report {
            host: Host::of(&server),
            proxy: None,
            rows: Vec::new(),
            winner: None,
            replace_command: None,
            problem: stopping.first().cloned().map(Problem::Other),
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
                    // No command removes the variable: a key would go to another server.
                    None => Problem::Other(
                        Finding::new(Code::InvalidServer, text)
                            .maybe_fixed_by(unresolved.location.edit_command()),
                    ),
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
        let invalid = stopping.into_iter().chain(invalid::others(&context));
        let warnings = invalid.chain(context.log.into_findings());
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
            if let Some(problem) = endpoint::unreadable(context, scope) {
                let outcome = Outcome::Malformed(problem);
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
            let (outcome, shadowed) = match provider {
                Provider::Netrc => sources::query_with_shadowed(context, server),
                _ => (sources::query(context, server, provider), Vec::new()),
            };
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
                    None if stopped => row.lose(row::NOT_REACHED.into()),
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
            self.rows.extend(shadowed.into_iter().map(Row::of_shadowed));
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
        self.proxy = proxy.map(|proxy| proxy.address_and_name);
        self.rows
            .push(Row::of_prompt(context, winner.is_some(), stopped));
        if winner.is_none() && !stopped {
            self.problem.get_or_insert_with(|| {
                let message = context.not_configured(&server.url, None).to_string();
                let finding = Finding::new(Code::NotConfigured, message);
                Problem::Other(finding.maybe_fixed_by(server.login_command()))
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
        let message = error.to_string();
        // An invalid value that the request needed has been found before.
        let is_it = |warning: &Finding| warning.message == message;
        let known = self.warnings.iter().position(is_it);
        let known = known.map(|index| self.warnings.remove(index));
        let command = match error {
            Error::Rejected(_) => self.replace_command.clone(),
            _ => known.and_then(|finding| finding.command),
        };
        let finding = Finding::new(Code::VerificationFailed, message);
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
            Err(unresolved) => (None, unresolved.origin, &unresolved.location.name),
        };
        Host {
            url: url.map(|url| url.as_str().to_string()),
            origin,
            name: name.as_ref().map(SourceName::to_string),
        }
    }
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
