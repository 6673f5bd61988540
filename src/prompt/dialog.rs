//! The prompt of the Python SDK, with its texts, on the controlling terminal.
//!
//! Nothing of it goes to the log, which may be redirected.

#[cfg(all(test, unix))]
mod tests;

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::key::{ApiKey, KeyKind, KeyProblem, Parsed};
use crate::log::{Level, Style};
use crate::options::PromptRequest;
use crate::prompt::terminal::{Entry, MAX_LINE, OpenError, ReadError, Terminal, Wait};
use crate::prompt::wrap::wrap;
use crate::util::redact::clean;
use crate::util::secret::Secret;

/// One prompt for one key. The caller checks the key and, if it is bad,
/// prompts again with `request.problem` set.
pub(crate) struct Question<'a> {
    pub request: &'a PromptRequest<'a>,
    /// Whether to name the server, and where it is configured.
    pub name_server: bool,
    /// What puts the key at risk, shown before it is typed.
    pub warnings: &'a [String],
    /// Whether the server is W&B's public cloud.
    pub cloud: bool,
    /// Whether the menu offers to create an account.
    pub may_create: bool,
    /// Whether `TERM` is `dumb`.
    pub dumb: bool,
    pub style: Style,
    pub limit: Option<Deadline>,
    /// Polled while waiting; `true` ends the prompt.
    pub cancel: &'a dyn Fn() -> bool,
}

/// The time limit of all prompts of a login together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// The configured length, which the menu shows.
    pub length: Duration,
    pub until: Instant,
}

/// What the user answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The line that was entered, not yet checked. It is not empty.
    Key(Secret),
    Offline,
    Anonymous,
}

/// Prompts on the terminal. [`Error::NotConfigured`] if there is none.
pub(crate) fn run(question: &Question) -> Result<Answer> {
    let terminal = Terminal::open(question.dumb).map_err(|error| match error {
        OpenError::Unavailable(reason) => {
            Error::not_configured(question.request.server, Some(&reason.to_string()))
        }
        OpenError::Busy => Error::Prompt("Another prompt of this process is open.".into()),
        OpenError::Failed(e) => Error::Prompt(format!("The terminal cannot be used: {e}.")),
    })?;
    let mut dialog = Dialog {
        terminal,
        wait: Wait {
            until: question.limit.map(|limit| limit.until),
            cancel: question.cancel,
        },
        style: question.style,
    };
    let outcome = dialog.answer(question);
    // Restore the terminal before anything else is printed.
    drop(dialog);
    outcome.map_err(|error| match error {
        ReadError::Interrupted => Error::Interrupted("The prompt was interrupted.".into()),
        ReadError::EndOfInput => Error::Prompt("End of input before a key was entered.".into()),
        ReadError::TimedOut => Error::Prompt("W&B disabled due to login timeout.".into()),
        ReadError::Cancelled => Error::Cancelled("The prompt was cancelled by the program.".into()),
        ReadError::HungUp => Error::Prompt("The terminal was closed during the prompt.".into()),
        ReadError::Failed(e) => {
            Error::Prompt(format!("The terminal failed during the prompt: {e}."))
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Anonymous,
    Create,
    Existing,
    Offline,
}

impl Choice {
    fn text(self) -> &'static str {
        match self {
            Choice::Anonymous => "Private W&B dashboard, no account required",
            Choice::Create => "Create a W&B account",
            Choice::Existing => "Use an existing W&B account",
            Choice::Offline => "Don't visualize my results",
        }
    }

    /// In the SDK's order. Older SDKs had the anonymous choice, as the first.
    fn menu(question: &Question) -> Vec<Choice> {
        [
            (Choice::Anonymous, question.request.may_anonymous),
            (Choice::Create, question.may_create),
            (Choice::Existing, true),
            (Choice::Offline, question.request.may_offline),
        ]
        .into_iter()
        .filter_map(|(choice, allowed)| allowed.then_some(choice))
        .collect()
    }
}

/// An open prompt on the terminal.
struct Dialog<'a> {
    terminal: Terminal,
    wait: Wait<'a>,
    style: Style,
}

impl Dialog<'_> {
    fn answer(&mut self, question: &Question) -> std::result::Result<Answer, ReadError> {
        if let Some(problem) = question.request.problem {
            self.show(Level::Error, &format!("Invalid API key: {problem}"))?;
        }
        if question.name_server {
            self.say(&format!(
                "The API key is for {} (server from {}).",
                question.request.server, question.request.server_source
            ))?;
        }
        for warning in question.warnings {
            self.show(Level::Warn, warning)?;
        }
        match self.choose(&Choice::menu(question), question.limit)? {
            Choice::Anonymous => return Ok(Answer::Anonymous),
            Choice::Offline => return Ok(Answer::Offline),
            Choice::Create => {
                self.say(&format!(
                    "Create an account here: {}",
                    question.request.signup_url
                ))?;
                self.say(
                    "After creating your account, create a new API key and store it securely.",
                )?;
            }
            Choice::Existing => {
                if question.cloud {
                    self.say(&format!(
                        "Logging into {}. (Learn how to deploy a W&B server locally: \
                         https://wandb.me/wandb-server)",
                        question.request.server
                    ))?;
                }
                self.say(&format!(
                    "Create a new API key at: {}",
                    question.request.authorize_url
                ))?;
                self.say("Store your API key securely and do not share it.")?;
            }
        }
        self.key().map(Answer::Key)
    }

    fn choose(
        &mut self,
        menu: &[Choice],
        limit: Option<Deadline>,
    ) -> std::result::Result<Choice, ReadError> {
        if let [only] = menu {
            return Ok(*only);
        }
        for (number, choice) in (1..).zip(menu) {
            self.say(&format!("({number}) {}", choice.text()))?;
        }
        let limit = limit.map_or(String::new(), |limit| {
            format!("({} second timeout) ", whole_seconds(limit.length))
        });
        loop {
            let entry = self.read(&format!("Enter your choice: {limit}"), true)?;
            let number = match &entry {
                Entry::Line(line) if line.is_empty() => continue,
                Entry::Line(line) => number(line),
                Entry::TooLong(_) => None,
            };
            let choice = number.and_then(|n| menu.get(n.checked_sub(1)?));
            let Some(choice) = choice else {
                self.show(Level::Warn, "Invalid choice")?;
                continue;
            };
            // Python's repr() uses double quotes around an apostrophe.
            let text = choice.text();
            let mark = if text.contains('\'') { '"' } else { '\'' };
            self.say(&format!("You chose {mark}{text}{mark}"))?;
            return Ok(*choice);
        }
    }

    fn key(&mut self) -> std::result::Result<Secret, ReadError> {
        loop {
            match self.read("Paste your API key and hit enter: ", false)? {
                Entry::Line(line) => match ApiKey::parse(&line) {
                    Err(KeyProblem::Empty) => {}
                    parsed => {
                        self.say(&received(&line, parsed.ok().as_ref()))?;
                        return Ok(Secret::new(&line));
                    }
                },
                Entry::TooLong(length) => {
                    self.say(&format!("Received {length} characters."))?;
                    self.show(
                        Level::Error,
                        &format!("Invalid API key: it is longer than {MAX_LINE} characters."),
                    )?;
                }
            }
        }
    }

    fn read(&mut self, prompt: &str, visible: bool) -> std::result::Result<Entry, ReadError> {
        let prompt = self.layout(Level::Info, prompt);
        self.terminal.read_line(&prompt, visible, &self.wait)
    }

    fn say(&mut self, text: &str) -> std::result::Result<(), ReadError> {
        self.show(Level::Info, text)
    }

    fn show(&mut self, level: Level, text: &str) -> std::result::Result<(), ReadError> {
        let lines = self.layout(level, text) + "\n";
        self.terminal.write(&lines, &self.wait)
    }

    /// The text as it is shown: in the SDK's form, and broken at the width of
    /// the terminal. URLs and server messages are untrusted: control characters
    /// in them are replaced.
    fn layout(&self, level: Level, text: &str) -> String {
        let plain = Style { color: false };
        let (prefix, mark) = (self.style.prefix(), self.style.mark(level));
        let width = self.terminal.columns();
        let width = width.saturating_sub(plain.prefix().len());
        let first = width.saturating_sub(plain.mark(level).len());
        let text = clean(text);
        let lines = wrap(&text, first, width).join(&format!("\n{prefix}"));
        format!("{prefix}{mark}{lines}")
    }
}

/// What arrived at the hidden prompt, without showing it.
fn received(line: &[u8], parsed: Option<&Parsed>) -> String {
    let (length, form) = match parsed.map(|parsed| &parsed.key) {
        Some(key) => {
            let form = match key.kind() {
                KeyKind::V1 => ", an API key in the wandb_v1 form",
                KeyKind::OnPremises => ", an on-premises API key",
                KeyKind::Standard => ", an API key",
                KeyKind::Jwt => ", a JSON Web Token",
            };
            (key.as_bytes().len(), form)
        }
        None => {
            let characters = line.trim_ascii().utf8_chunks();
            let length =
                characters.map(|chunk| chunk.valid().chars().count() + chunk.invalid().len());
            (length.sum(), "")
        }
    };
    let noun = match length {
        1 => "character",
        _ => "characters",
    };
    format!("Received {length} {noun}{form}.")
}

/// Rounded as Python does: a half goes to the even neighbor.
fn whole_seconds(length: Duration) -> u64 {
    let whole = length.as_secs();
    match length.subsec_nanos().cmp(&500_000_000) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

/// A number as Python's `int()` parses it, full-width digits included.
fn number(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0usize, |number, c| {
        let digit = match c {
            '\u{ff10}'..='\u{ff19}' => c as usize - 0xff10,
            _ => c.to_digit(10)? as usize,
        };
        number.checked_mul(10)?.checked_add(digit)
    })
}
