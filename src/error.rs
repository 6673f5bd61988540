//! Why a call did not give what was asked. Each variant has its status in
//! the C ABI, and carries the one sentence that the caller may show.

use std::fmt;
use std::time::Duration;

use crate::util::redact::for_message;

/// Matches every variant, and binds its message.
macro_rules! any_message {
    ($text:ident) => {
        (Error::NotConfigured($text)
            | Error::Argument($text)
            | Error::Credentials($text)
            | Error::Rejected($text)
            | Error::Network($text)
            | Error::Prompt($text)
            | Error::Interrupted($text)
            | Error::Store($text)
            | Error::Tls($text)
            | Error::Timeout($text)
            | Error::Proxy($text)
            | Error::Server($text)
            | Error::Cancelled($text)
            | Error::Unsupported($text)
            | Error::Internal($text))
    };
}

/// What went wrong, in one sentence that never holds a secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No credential was found, and asking was impossible or not allowed.
    NotConfigured(String),
    /// The caller's options are wrong.
    Argument(String),
    /// A source is set but malformed, in conflict, or not for this server.
    Credentials(String),
    /// The server does not accept the key.
    Rejected(String),
    /// The server could not be reached.
    Network(String),
    /// The prompt timed out, or failed.
    Prompt(String),
    /// The user interrupted the prompt with Ctrl-C. The C ABI has the status of
    /// `Prompt` for it; a command line exits with 130.
    Interrupted(String),
    /// A stored credential could not be removed.
    Store(String),
    /// The server's certificate was not accepted, or it does not speak TLS.
    Tls(String),
    /// The server did not answer in time.
    Timeout(String),
    /// The proxy refused, or is of a kind that is not supported.
    Proxy(String),
    /// The server answered, but not as W&B's server does.
    Server(String),
    /// The caller's cancel function said so.
    Cancelled(String),
    /// This build leaves it out.
    Unsupported(String),
    /// A bug of ours.
    Internal(String),
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any_message!(text) = self;
        f.write_str(&for_message(text))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?})", self.to_string())
    }
}

impl Error {
    /// Adds a sentence to the error.
    pub(crate) fn and(mut self, more: &str) -> Error {
        let any_message!(text) = &mut self;
        if !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        text.push(' ');
        text.push_str(more);
        self
    }

    /// The error for a login that finds nothing and may not ask, with what
    /// stands in the way of asking.
    pub(crate) fn not_configured(server: &str, why: Option<&str>) -> Error {
        let why = why.map_or(String::new(), |why| {
            format!(" and cannot prompt for one: {why}")
        });
        Error::NotConfigured(format!(
            "No API key configured for {server}{why}. Set WANDB_API_KEY, run `wandb-login` in a \
             terminal first, or mount a file with the key and name it in WANDB_API_KEY_FILE."
        ))
    }

    /// The error for a login that must prompt although a key may be configured.
    pub(crate) fn cannot_relogin(server: &str, why: &str) -> Error {
        Error::NotConfigured(format!(
            "Relogin needs a new API key for {server} and cannot prompt for one: {why}. Run \
             `wandb-login --relogin` in a terminal, or give the key to `wandb-login --key-stdin`."
        ))
    }
}

/// A failed exchange of an identity token, and how long the server asks clients to
/// wait before the next attempt.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeError {
    pub error: Error,
    pub retry_after: Option<Duration>,
}

impl From<Error> for ExchangeError {
    fn from(error: Error) -> ExchangeError {
        ExchangeError {
            error,
            retry_after: None,
        }
    }
}

impl From<ExchangeError> for Error {
    fn from(failure: ExchangeError) -> Error {
        failure.error
    }
}

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;
