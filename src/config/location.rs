//! Where a value was found: a variable or a file, and the line in it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::env::display_path;
use crate::finding::{Code, Finding, edit_command, unset_command};
use crate::session::Session;

/// The variable or file that a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceName {
    Variable(&'static str),
    /// Displayed as an absolute path.
    File(PathBuf),
    /// The source name that a session carries.
    Session(String),
}

impl SourceName {
    pub(crate) fn file(path: &Path) -> SourceName {
        SourceName::File(path.to_owned())
    }

    /// The path of a file in `folder`, with `prefix` in place of the folder and its
    /// separator.
    pub(crate) fn short(&self, folder: &Path, prefix: &str) -> Option<String> {
        match self {
            SourceName::File(path) if path.is_relative() => Some(path.display().to_string()),
            SourceName::File(path) => {
                let rest = path.strip_prefix(folder).ok()?;
                Some(format!("{prefix}{}", rest.display()))
            }
            SourceName::Variable(_) | SourceName::Session(_) => None,
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceName::Variable(name) => f.write_str(name),
            SourceName::File(path) => f.write_str(&display_path(path)),
            SourceName::Session(name) => f.write_str(name),
        }
    }
}

/// A source and, in a file, the line. Options have no name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceLocation {
    pub name: Option<SourceName>,
    pub line: Option<usize>,
}

impl SourceLocation {
    pub(crate) fn new(name: SourceName) -> SourceLocation {
        SourceLocation {
            name: Some(name),
            line: None,
        }
    }

    /// Where the credential of a session comes from.
    pub(crate) fn of_session(session: &Session) -> SourceLocation {
        let name = session.source_name();
        SourceLocation {
            name: name.map(|name| SourceName::Session(name.to_string())),
            line: None,
        }
    }

    /// The command that opens the file at the line.
    pub(crate) fn edit_command(&self) -> Option<String> {
        match &self.name {
            Some(SourceName::File(path)) => Some(edit_command(&display_path(path), self.line)),
            _ => None,
        }
    }

    /// A finding about this place, with the command that removes the variable or
    /// opens the file.
    pub(crate) fn finding(&self, code: Code, message: impl Into<String>) -> Finding {
        let finding = Finding::new(code, message);
        match &self.name {
            Some(SourceName::Variable(name)) => finding.fixed_by(unset_command(name)),
            _ => finding.maybe_fixed_by(self.edit_command()),
        }
    }

    pub(crate) fn file_line(path: &Path, line: usize) -> SourceLocation {
        SourceLocation {
            name: Some(SourceName::file(path)),
            line: Some(line),
        }
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.line) {
            (Some(name), Some(line)) => write!(f, "{name} line {line}"),
            (Some(name), None) => write!(f, "{name}"),
            (None, _) => f.write_str("the options"),
        }
    }
}
