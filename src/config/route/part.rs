//! A part of the way to a server: its value, and where it is configured.

use super::Variables;
use crate::config::location::{SourceLocation, SourceName};
use crate::config::settings::SettingResult;
use crate::config::source_problem::SourceProblem;
use crate::error::Error;
use crate::util::secret::{Secret, WipedText};

/// A value of a variable or a setting.
pub(crate) struct Configured {
    pub text: WipedText,
    /// For messages. The name of a setting has its place behind it.
    pub name: String,
    pub location: SourceLocation,
}

impl Configured {
    /// The value of a variable, if it is set.
    pub(super) fn variable(var: &Variables<'_>, name: &'static str) -> Option<Configured> {
        Some(Configured {
            text: var(name)?,
            name: name.into(),
            location: SourceLocation::new(SourceName::Variable(name)),
        })
    }

    /// The value of a setting, if it is set.
    pub(super) fn setting(
        name: &'static str,
        found: SettingResult<'_, Secret>,
    ) -> Part<Option<Configured>> {
        let configured = found?.map(|found| {
            let text = String::from_utf8_lossy(found.value.as_bytes()).into_owned();
            let location = found.location();
            Configured {
                text: text.into(),
                name: format!("{name} in {location}"),
                location,
            }
        });
        Ok(configured)
    }

    /// Why the value is not used.
    pub(super) fn problem(self, error: Error) -> PartProblem {
        PartProblem {
            error,
            location: self.location,
        }
    }
}

/// Why a part of the way cannot be used, and where it is configured.
#[derive(Debug)]
pub(crate) struct PartProblem {
    pub(super) error: Error,
    pub(super) location: SourceLocation,
}

/// A part of the way to a server, or what is wrong with it.
pub(crate) type Part<T> = Result<T, PartProblem>;

impl PartProblem {
    pub(super) fn variable(name: &'static str, message: String) -> PartProblem {
        PartProblem {
            error: Error::Argument(message),
            location: SourceLocation::new(SourceName::Variable(name)),
        }
    }
}

impl From<&SourceProblem> for PartProblem {
    fn from(problem: &SourceProblem) -> PartProblem {
        PartProblem {
            error: problem.into(),
            location: problem.location.clone(),
        }
    }
}

impl From<PartProblem> for Error {
    fn from(problem: PartProblem) -> Error {
        problem.error
    }
}
