//! Why the program fails, and its exit status.

use std::process::ExitCode;

use wandb_login::{Error, Level};

pub(crate) enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The library reports an error.
    Login(Error),
    /// Standard input or standard output failed.
    Io(std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Login(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl Failure {
    /// Prints the message, and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Failure::Usage(problem) => wandb_login::print(Level::Error, problem),
            Failure::Login(error) => wandb_login::print(Level::Error, &error.to_string()),
            // The reader of a pipe has seen enough: no message.
            Failure::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            Failure::Io(error) => wandb_login::print(Level::Error, &error.to_string()),
        }
        self.exit_code()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_) => 2,
            Failure::Login(error) => match error {
                Error::Rejected(_) => 3,
                Error::Network(_)
                | Error::Tls(_)
                | Error::Timeout(_)
                | Error::Proxy(_)
                | Error::Server(_) => 4,
                Error::Interrupted(_) => 130,
                _ => 1,
            },
            Failure::Io(_) => 1,
        })
    }
}
