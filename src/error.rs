//! Why a call did not give what was asked. Each variant has its status in
//! the C ABI, and carries the one sentence that the caller may show.

use std::time::Duration;

/// What went wrong, in one sentence that never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No credential was found, and asking was impossible or not allowed.
    #[error("{0}")]
    NotConfigured(String),
    /// The caller's options are wrong.
    #[error("{0}")]
    Argument(String),
    /// A source is set but malformed, in conflict, or not for this server.
    #[error("{0}")]
    Credentials(String),
    /// The server does not accept the key.
    #[error("{0}")]
    Rejected(String),
    /// The server could not be reached.
    #[error("{0}")]
    Network(String),
    /// The prompt timed out, or failed.
    #[error("{0}")]
    Prompt(String),
    /// The user interrupted the prompt with Ctrl-C. The C ABI has the status of
    /// `Prompt` for it; a command line exits with 130.
    #[error("{0}")]
    Interrupted(String),
    /// A stored credential could not be removed.
    #[error("{0}")]
    Store(String),
    /// The server's certificate was not accepted, or it does not speak TLS.
    #[error("{0}")]
    Tls(String),
    /// The server did not answer in time.
    #[error("{0}")]
    Timeout(String),
    /// The proxy refused, or is of a kind that is not supported.
    #[error("{0}")]
    Proxy(String),
    /// The server answered, but not as W&B's server does.
    #[error("{0}")]
    Server(String),
    /// The caller's cancel function said so.
    #[error("{0}")]
    Cancelled(String),
    /// This build leaves it out.
    #[error("{0}")]
    Unsupported(String),
    /// A bug of ours.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// The same error with one more sentence.
    pub(crate) fn and(mut self, more: &str) -> Error {
        let (Error::NotConfigured(text)
        | Error::Argument(text)
        | Error::Credentials(text)
        | Error::Rejected(text)
        | Error::Network(text)
        | Error::Prompt(text)
        | Error::Interrupted(text)
        | Error::Store(text)
        | Error::Tls(text)
        | Error::Timeout(text)
        | Error::Proxy(text)
        | Error::Server(text)
        | Error::Cancelled(text)
        | Error::Unsupported(text)
        | Error::Internal(text)) = &mut self;
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
