//! Who is asked for a key: the caller's own prompt, or a human at the terminal.

pub(crate) mod dialog;
pub(crate) mod terminal;

use std::time::Instant;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::env::variables;
use crate::error::{Error, Result};
use crate::options::{Anonymous, Flags, PromptAnswer, PromptRequest};
use crate::url::authorize_url;
use dialog::{Deadline, Question};

pub(crate) use dialog::Answer;

/// One conversation: its addresses and its time limit hold for every attempt.
pub(crate) struct Prompt<'c, 'a> {
    context: &'c Context<'a>,
    server: &'c Endpoint,
    authorize_url: String,
    signup_url: String,
    limit: Option<Deadline>,
    force: bool,
    may_anonymous: bool,
    /// The caller's prompt handed on to the terminal.
    on_terminal: bool,
}

impl<'c, 'a> Prompt<'c, 'a> {
    /// Begins to ask; an error at once where nobody may be asked.
    pub(crate) fn open(context: &'c Context<'a>, server: &'c Endpoint) -> Result<Prompt<'c, 'a>> {
        if let Some(why) = forbidden(context) {
            return Err(Error::not_configured(server.url.as_str(), Some(&why)));
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
            on_terminal: context.options.prompt.is_none(),
        };
        if prompt.on_terminal {
            prompt.need_terminal()?;
        }
        Ok(prompt)
    }

    /// Asks once more, saying what was wrong before.
    pub(crate) fn next_answer(&mut self, attempt: u32, problem: Option<&str>) -> Result<Answer> {
        if let Some(callback) = self.context.options.prompt.filter(|_| !self.on_terminal) {
            let remaining = self.remaining()?;
            let answer = callback(&PromptRequest {
                server: self.server.url.as_str(),
                server_source: &self.server.origin_text(),
                authorize_url: &self.authorize_url,
                signup_url: &self.signup_url,
                may_offline: !self.force,
                may_anonymous: self.may_anonymous,
                attempt,
                remaining,
                problem,
            });
            let refused = |what| Error::Prompt(format!("the prompt callback {what}"));
            match answer {
                PromptAnswer::Key(key) => return Ok(Answer::Key(key)),
                PromptAnswer::Offline if !self.force => return Ok(Answer::Offline),
                PromptAnswer::Anonymous if self.may_anonymous => return Ok(Answer::Anonymous),
                PromptAnswer::Offline => {
                    return Err(refused("chose offline, which was not on offer"));
                }
                PromptAnswer::Anonymous => {
                    return Err(refused(
                        "chose an anonymous account, which was not on offer",
                    ));
                }
                PromptAnswer::GiveUp => return Err(refused("gave no key")),
                PromptAnswer::Terminal => {
                    self.need_terminal()?;
                    self.on_terminal = true;
                }
            }
        }
        self.ask_human(problem)
    }

    fn ask_human(&self, problem: Option<&str>) -> Result<Answer> {
        dialog::ask(&Question {
            server: self.server.url.as_str(),
            cloud: self.server.url.is_cloud(),
            authorize_url: &self.authorize_url,
            signup_url: &self.signup_url,
            may_create: !self.force,
            may_offline: !self.force,
            may_anonymous: self.may_anonymous,
            problem,
            dumb: is_dumb(self.context),
            colour: self.context.has_color(),
            limit: self.limit,
            cancel: &|| self.context.cancelled(),
        })
    }

    /// The time that is left of the limit; an error where it has passed.
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
            Some(why) => Err(Error::not_configured(self.server.url.as_str(), Some(&why))),
            None => Ok(()),
        }
    }
}

/// Why nobody may be asked, if that is so.
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

/// Why the terminal cannot be used, if that is so.
fn no_terminal(context: &Context) -> Result<Option<String>> {
    if context.is_silent()? {
        return Ok(Some("silent mode does not prompt on the terminal".into()));
    }
    Ok(terminal::obstacle(is_dumb(context)).map(|obstacle| obstacle.to_string()))
}

fn is_dumb(context: &Context) -> bool {
    context
        .env
        .var(variables::TERM)
        .is_some_and(|term| *term == *"dumb")
}

/// Why a login here could not ask, for a report; `None` if it could.
pub(crate) fn obstacle(context: &Context) -> Option<String> {
    forbidden(context).or_else(|| match context.options.prompt {
        Some(_) => None,
        None => no_terminal(context).unwrap_or_else(|error| Some(error.to_string())),
    })
}
