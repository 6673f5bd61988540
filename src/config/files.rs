//! The settings files as they are on the disk: which were read, and which
//! could not be.

use std::path::PathBuf;

use crate::config::paths::{self, SETTINGS_LIMIT};
use crate::config::settings::{Notes, Problem, Settings, SettingsFile, Which};
use crate::env::{Environment, absolute, shown_path};
use crate::error::Error;
use crate::files::{self, Text};
use crate::log::Log;

/// Both settings files.
pub(crate) struct Config {
    pub settings: Settings,
    pub system: Location,
    pub workspace: Location,
}

/// Where a settings file is, or would be.
pub(crate) struct Location {
    /// Absolute where anybody is told of it, else perhaps that of the working
    /// directory. `None` without a home directory to find it in.
    pub path: Option<PathBuf>,
    /// Why it could not be read, if so.
    pub problem: Option<String>,
    /// Whether other users may read it.
    pub open_to_others: bool,
}

impl Location {
    /// The path as a message shows it.
    pub(crate) fn shown(&self) -> Option<String> {
        self.path.as_deref().map(shown_path)
    }
}

impl Config {
    /// Reads both files, each once.
    pub(crate) fn load(env: &Environment, notes: Notes) -> Config {
        let (system, system_text) = read(paths::system_settings(env).ok(), notes);
        let workspace = Some(paths::workspace_settings(env));
        let (workspace, workspace_text) = read(workspace, notes);
        let settings = Settings::from_files(
            system
                .path
                .as_deref()
                .zip(system_text.as_ref().map(|text| text.bytes.as_slice())),
            workspace
                .path
                .as_deref()
                .zip(workspace_text.as_ref().map(|text| text.bytes.as_slice())),
            notes,
        );
        Config {
            settings,
            system,
            workspace,
        }
    }

    /// One of the two, with what it says.
    pub(crate) fn file(&self, which: Which) -> (&Location, Option<&SettingsFile>) {
        match which {
            Which::System => (&self.system, self.settings.system.as_ref()),
            Which::Workspace => (&self.workspace, self.settings.workspace.as_ref()),
        }
    }

    /// Tells what is odd about them.
    pub(crate) fn tell(&self, log: &Log) {
        for which in [Which::System, Which::Workspace] {
            let (location, file) = self.file(which);
            let path = location.shown().unwrap_or_default();
            if let Some(problem) = &location.problem {
                log.warn(&format!("{path} {problem}"));
            }
            let Some(file) = file else { continue };
            for note in &file.security_notes {
                log.security(&format!("{path} line {}: {}", note.line, note.text));
            }
            for note in &file.notes {
                log.warn(&format!("{path} line {}: {}", note.line, note.text));
            }
            if let Some(note) = &file.rejected_by_sdk {
                log.warn(&format!("{path} line {}: {}", note.line, note.text));
            }
            if location.open_to_others && matches!(file.api_key(), Ok(Some(_))) {
                log.security(&format!(
                    "{path} holds an API key and can be read by other users: chmod 600 it"
                ));
            }
        }
    }
}

/// Reads one file; a relative path is that of the working directory.
fn read(path: Option<PathBuf>, notes: Notes) -> (Location, Option<Text>) {
    let Some(path) = path else {
        return (
            Location {
                path: None,
                problem: None,
                open_to_others: false,
            },
            None,
        );
    };
    let read = files::read(&path, SETTINGS_LIMIT);
    // The caller's functions may change the directory before the path is used
    // again; where nobody is told anything, it is not.
    let path = match notes {
        Notes::Told => absolute(path),
        Notes::Untold => path,
    };
    let (text, problem) = match read {
        Ok(text) => (text, None),
        Err(problem) => (None, Some(format!("{problem}; mend or remove it"))),
    };
    let open_to_others = text.as_ref().is_some_and(Text::open_to_others);
    (
        Location {
            path: Some(path),
            problem,
            open_to_others,
        },
        text,
    )
}

impl From<&Problem> for Error {
    fn from(problem: &Problem) -> Error {
        Error::Credentials(problem.text.clone())
    }
}
