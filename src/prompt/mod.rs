//! Prompting for a key: by the callback of the caller, or on the terminal.

mod callback;
pub(crate) mod dialog;
pub(crate) mod terminal;
mod wrap;

use std::time::Instant;

use crate::config::context::Context;
use crate::config::endpoint::{Endpoint, Origin};
use crate::env::variables;
use crate::error::{Error, Result};
use crate::options::{Anonymous, Flags, PromptFn, PromptRequest};
use crate::sources::diagnostics;
use crate::url::authorize_url;
use dialog::{Deadline, Question};

pub(crate) use dialog::Answer;

/// The prompt of one login. URLs and time limit are the same in each attempt.
pub(crate) struct Prompt<'c, 'a> {
    context: &'c Context<'a>,
    server: &'c Endpoint,
    authorize_url: String,
    signup_url: String,
    limit: Option<Deadline>,
    force: bool,
    may_anonymous: bool,
    /// The callback of the caller, until it delegates to the terminal.
    callback: Option<&'a PromptFn<'a>>,
}

impl<'c, 'a> Prompt<'c, 'a> {
    /// Prepares the prompt. Fails if prompting is disabled or impossible.
    pub(crate) fn open(context: &'c Context<'a>, server: &'c Endpoint) -> Result<Prompt<'c, 'a>> {
        if let Some(why) = forbidden(context) {
            return Err(cannot_prompt(context, server, &why)?);
        }
        let app_url = context.app_url(&server.url)?;
        let referrer = context.options.referrer;
        let prompt = Prompt {
            context,
            server,
            authorize_url: authorize_url(&app_url, false, referrer),
            signup_url: authorize_url(&app_url, true, referrer),
            limit: context.prompt_timeout()?.and_then(|length| {
                let until = Instant::now().checked_add(length)?;
                Some(Deadline { length, until })
            }),
            force: context.force()?,
            may_anonymous: context.options.anonymous == Anonymous::Allow,
            callback: context.options.prompt,
        };
        if prompt.callback.is_none() {
            prompt.need_terminal()?;
        }
        Ok(prompt)
    }

    /// Prompts for a key. `problem` says what was wrong with the previous one.
    pub(crate) fn next_answer(&mut self, attempt: u32, problem: Option<&str>) -> Result<Answer> {
        // On the terminal, the dialog itself enforces the limit.
        let remaining = match self.callback {
            Some(_) => self.remaining()?,
            None => None,
        };
        let server_source = self.server.origin_text();
        let request = PromptRequest {
            server: self.server.url.as_str(),
            server_source: &server_source,
            authorize_url: &self.authorize_url,
            signup_url: &self.signup_url,
            may_offline: !self.force,
            may_anonymous: self.may_anonymous,
            attempt,
            remaining,
            problem,
        };
        if let Some(callback) = self.callback {
            if let Some(answer) = callback::prompt(callback, &request)? {
                return Ok(answer);
            }
            self.need_terminal()?;
            self.callback = None;
        }
        self.on_terminal(&request)
    }

    fn on_terminal(&self, request: &PromptRequest<'_>) -> Result<Answer> {
        // Shown on the terminal whatever is configured: not even `quiet` in the
        // file that names the server can hide whose key is asked for.
        let warnings: Vec<String> = [
            diagnostics::plain_http(self.server),
            diagnostics::unverified_tls(self.context, self.server),
        ]
        .into_iter()
        .flatten()
        .collect();
        dialog::run(&Question {
            request,
            name_server: self.server.origin != Origin::Default,
            warnings: &warnings,
            cloud: self.server.url.is_cloud(),
            may_create: !self.force,
            dumb: is_dumb(self.context),
            style: self.context.style(),
            limit: self.limit,
            cancel: &|| self.context.cancelled(),
        })
    }

    /// The time that is left; an error if the time limit has passed.
    fn remaining(&self) -> Result<Option<std::time::Duration>> {
        if self.context.cancelled() {
            return Err(Error::Cancelled(
                "the prompt was cancelled by the program".into(),
            ));
        }
        let left = self
            .limit
            .map(|limit| limit.until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if left.is_zero() => {
                Err(Error::Prompt("W&B disabled due to login timeout.".into()))
            }
            left => Ok(left),
        }
    }

    fn need_terminal(&self) -> Result<()> {
        match no_terminal(self.context)? {
            Some(why) => Err(cannot_prompt(self.context, self.server, &why)?),
            None => Ok(()),
        }
    }
}

/// The error for a login that must prompt and cannot.
fn cannot_prompt(context: &Context, server: &Endpoint, why: &str) -> Result<Error> {
    let url = server.url.as_str();
    Ok(match context.relogin()? {
        true => Error::cannot_relogin(url, why),
        false => context.not_configured(&server.url, Some(why)),
    })
}

/// Why prompting is disabled; `None` if it is not.
fn forbidden(context: &Context) -> Option<String> {
    if context.options.flags.has(Flags::NO_PROMPT) {
        let option = match context.options.command_line {
            true => "--no-prompt",
            false => "the NO_PROMPT flag",
        };
        return Some(format!("prompting is disabled ({option})"));
    }
    if !context.is_active_rank() {
        let rank = context.rank()?;
        return Some(format!(
            "only rank 0 prompts, and this is rank {} of {} ({})",
            rank.index, rank.size, rank.variable
        ));
    }
    None
}

/// Why a prompt on the terminal is impossible; `None` if it is possible.
fn no_terminal(context: &Context) -> Result<Option<String>> {
    if context.is_silent()? {
        return Ok(Some("silent mode does not prompt on the terminal".into()));
    }
    Ok(terminal::unavailable(is_dumb(context)).map(|reason| reason.to_string()))
}

fn is_dumb(context: &Context) -> bool {
    context
        .env
        .var(variables::TERM)
        .is_some_and(|term| *term == *"dumb")
}

/// Why a login could not prompt, for a report; `None` if it could.
pub(crate) fn unavailable(context: &Context) -> Option<String> {
    forbidden(context).or_else(|| match context.options.prompt {
        Some(_) => None,
        None => no_terminal(context).unwrap_or_else(|error| Some(error.to_string())),
    })
}
