//! Why the value of a source is not used.

use std::path::Path;

use crate::config::location::{SourceLocation, SourceName};
use crate::error::Error;
use crate::finding::{Code, Finding, give_access_command};

/// Why the value of a source is not used, and where the value is.
#[derive(Debug, Clone)]
pub(crate) struct SourceProblem {
    /// One sentence, and the command that fixes it.
    pub finding: Finding,
    pub location: SourceLocation,
}

impl SourceProblem {
    /// A problem that is fixed where it is: the command removes the variable or opens
    /// the file at the line.
    pub(crate) fn at(
        location: SourceLocation,
        code: Code,
        message: impl Into<String>,
    ) -> SourceProblem {
        SourceProblem {
            finding: location.finding(code, message),
            location,
        }
    }

    /// A file that exists and cannot be read. The command makes this user its owner,
    /// where that is enough.
    pub(crate) fn unreadable(path: &Path, message: impl Into<String>) -> SourceProblem {
        let finding = Finding::new(Code::UnreadableFile, message);
        SourceProblem {
            finding: finding.maybe_fixed_by(give_access_command(path)),
            location: SourceLocation::new(SourceName::file(path)),
        }
    }

    /// The same with another command, or with none.
    pub(crate) fn maybe_fixed_by(self, command: Option<String>) -> SourceProblem {
        SourceProblem {
            finding: self.finding.maybe_fixed_by(command),
            location: self.location,
        }
    }
}

impl From<&SourceProblem> for Error {
    fn from(problem: &SourceProblem) -> Error {
        Error::Credentials(problem.finding.message.clone())
    }
}

impl From<SourceProblem> for Error {
    fn from(problem: SourceProblem) -> Error {
        Error::Credentials(problem.finding.message)
    }
}
