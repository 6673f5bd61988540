//! Asks a human for a key, in the words of the Python SDK.
//!
//! The whole conversation is held on the controlling terminal, where the human
//! is: it is not part of the log, which may go elsewhere.

#[cfg(all(test, unix))]
mod tests;

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::prompt::terminal::{Entry, MAX_LINE, Refusal, Stop, Terminal, Wait};
use crate::util::secret::Secret;

/// What to ask, and how. One question is one candidate key: the caller checks
/// the key, and asks again with the `problem` of the one before.
pub(crate) struct Question<'a> {
    /// The server, as its URL.
    pub server: &'a str,
    /// The server is W&B's own cloud.
    pub cloud: bool,
    /// The web page that shows the user's key, and the one that makes an account.
    pub authorize_url: &'a str,
    pub signup_url: &'a str,
    /// Choices beside "use an existing account". Without any of them there is
    /// no menu.
    pub may_create: bool,
    pub may_offline: bool,
    pub may_anonymous: bool,
    /// What was wrong with the answer before.
    pub problem: Option<&'a str>,
    /// TERM is `dumb`.
    pub dumb: bool,
    pub colour: bool,
    pub limit: Option<Deadline>,
    /// Polled while waiting; true ends the prompt.
    pub cancel: &'a dyn Fn() -> bool,
}

/// How long all questions of a login may take together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// As the user gave it; the menu names it.
    pub length: Duration,
    pub until: Instant,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Without white space around it, and not checked yet.
    Key(Secret),
    Offline,
    Anonymous,
}

/// Asks, until there is an answer. `Error::NotConfigured` at once where nobody
/// can be asked.
pub(crate) fn ask(question: &Question) -> Result<Answer> {
    let terminal = Terminal::open(question.dumb).map_err(|refusal| match refusal {
        Refusal::Obstacle(obstacle) => {
            Error::not_configured(question.server, Some(&obstacle.to_string()))
        }
        Refusal::Busy => Error::Prompt("Another prompt of this process is open.".into()),
        Refusal::Failed(e) => Error::Prompt(format!("The terminal cannot be used: {e}.")),
    })?;
    let mut dialog = Dialog {
        terminal,
        wait: Wait {
            until: question.limit.map(|limit| limit.until),
            cancel: question.cancel,
        },
        colour: question.colour,
    };
    // The terminal is given back before anyone hears of the outcome.
    let outcome = dialog.answer(question);
    drop(dialog);
    outcome.map_err(|stop| match stop {
        Stop::Interrupted => Error::Interrupted("The prompt was interrupted.".into()),
        Stop::Ended => Error::Prompt("The prompt was ended without a key.".into()),
        Stop::TimedOut => Error::Prompt("W&B disabled due to login timeout.".into()),
        Stop::Cancelled => Error::Cancelled("The prompt was cancelled by the program.".into()),
        Stop::HungUp => Error::Prompt("The terminal was closed during the prompt.".into()),
        Stop::Failed(e) => Error::Prompt(format!("The terminal failed during the prompt: {e}.")),
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

    /// In the SDK's order; it had the anonymous choice, while it had one, first.
    fn menu(question: &Question) -> Vec<Choice> {
        [
            (Choice::Anonymous, question.may_anonymous),
            (Choice::Create, question.may_create),
            (Choice::Existing, true),
            (Choice::Offline, question.may_offline),
        ]
        .into_iter()
        .filter_map(|(choice, allowed)| allowed.then_some(choice))
        .collect()
    }
}

/// A conversation on the terminal.
struct Dialog<'a> {
    terminal: Terminal,
    wait: Wait<'a>,
    colour: bool,
}

impl Dialog<'_> {
    fn answer(&mut self, question: &Question) -> std::result::Result<Answer, Stop> {
        if let Some(problem) = question.problem {
            self.error(&format!("Invalid API key: {problem}"))?;
        }
        match self.choose(&Choice::menu(question), question.limit)? {
            Choice::Anonymous => return Ok(Answer::Anonymous),
            Choice::Offline => return Ok(Answer::Offline),
            Choice::Create => {
                self.say(&format!("Create an account here: {}", question.signup_url))?;
                self.say(
                    "After creating your account, create a new API key and store it securely.",
                )?;
            }
            Choice::Existing => {
                if question.cloud {
                    self.say(&format!(
                        "Logging into {}. (Learn how to deploy a W&B server locally: \
                         https://wandb.me/wandb-server)",
                        question.server
                    ))?;
                }
                self.say(&format!(
                    "Create a new API key at: {}",
                    question.authorize_url
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
    ) -> std::result::Result<Choice, Stop> {
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
                Entry::TooLong => None,
            };
            let choice = number.and_then(|n| menu.get(n.checked_sub(1)?));
            let Some(choice) = choice else {
                self.warn("Invalid choice")?;
                continue;
            };
            // Quoted as Python quotes: with the other marks around an apostrophe.
            let text = choice.text();
            let mark = if text.contains('\'') { '"' } else { '\'' };
            self.say(&format!("You chose {mark}{text}{mark}"))?;
            return Ok(*choice);
        }
    }

    fn key(&mut self) -> std::result::Result<Secret, Stop> {
        loop {
            match self.read("Paste your API key and hit enter: ", false)? {
                Entry::Line(line) if line.trim_ascii().is_empty() => {}
                Entry::Line(line) => return Ok(Secret::new(line.trim_ascii())),
                Entry::TooLong => self.error(&format!(
                    "Invalid API key: it is longer than {MAX_LINE} characters."
                ))?,
            }
        }
    }

    fn read(&mut self, prompt: &str, visible: bool) -> std::result::Result<Entry, Stop> {
        let prompt = format!("{} {prompt}", self.prefix());
        self.terminal.read_line(&prompt, visible, &self.wait)
    }

    fn warn(&mut self, text: &str) -> std::result::Result<(), Stop> {
        self.line(
            if self.colour {
                "\x1b[33mWARNING\x1b[0m "
            } else {
                "WARNING "
            },
            text,
        )
    }

    fn error(&mut self, text: &str) -> std::result::Result<(), Stop> {
        self.line(
            if self.colour {
                "\x1b[32m\x1b[41mERROR\x1b[0m "
            } else {
                "ERROR "
            },
            text,
        )
    }

    fn say(&mut self, text: &str) -> std::result::Result<(), Stop> {
        self.line("", text)
    }

    /// One line. Addresses and a server's words are shown, never obeyed: a
    /// control character in them is replaced.
    fn line(&mut self, mark: &str, text: &str) -> std::result::Result<(), Stop> {
        let text = text.replace(char::is_control, "\u{fffd}");
        let line = format!("{} {mark}{text}\n", self.prefix());
        self.terminal.write(&line, &self.wait)
    }

    fn prefix(&self) -> &'static str {
        match self.colour {
            true => "\x1b[34m\x1b[1mwandb\x1b[0m:",
            false => "wandb:",
        }
    }
}

/// Rounded as Python prints it: a half goes to the even neighbour.
fn whole_seconds(length: Duration) -> u64 {
    let whole = length.as_secs();
    match length.subsec_nanos().cmp(&500_000_000) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

/// A number as Python's `int` reads it, full-width digits included.
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
