//! Loads both settings files.

use std::path::PathBuf;

use crate::config::location::SourceName;
use crate::config::paths::{self, SETTINGS_LIMIT};
use crate::config::settings::{Scope, Settings, SettingsFile};
use crate::env::Environment;
use crate::error::Error;
use crate::files::{self, Text};
use crate::log::{Log, Note};

/// Both settings files: their values and their status.
pub(crate) struct Config {
    pub settings: Settings,
    system: FileStatus,
    workspace: FileStatus,
}

/// A settings file on disk.
#[derive(Default)]
pub(crate) struct FileStatus {
    /// `None` without a home directory.
    pub path: Option<PathBuf>,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Whether other users may read it.
    pub open_to_others: bool,
}

impl FileStatus {
    pub(crate) fn name(&self) -> Option<SourceName> {
        self.path.clone().map(SourceName::File)
    }
}

impl Config {
    /// Reads both files.
    pub(crate) fn load(env: &Environment) -> Config {
        let (system, system_settings) = read(Scope::System, paths::system_settings(env).ok());
        let workspace_path = paths::workspace_settings(env);
        let (workspace, workspace_settings) = read(Scope::Workspace, Some(workspace_path));
        Config {
            settings: Settings {
                system: system_settings,
                workspace: workspace_settings,
            },
            system,
            workspace,
        }
    }

    /// The status of a file and, if it was read, its settings.
    pub(crate) fn file(&self, scope: Scope) -> (&FileStatus, Option<&SettingsFile>) {
        match scope {
            Scope::System => (&self.system, self.settings.system.as_ref()),
            Scope::Workspace => (&self.workspace, self.settings.workspace.as_ref()),
        }
    }

    /// Logs what is wrong with the files.
    pub(crate) fn log_notes(&self, log: &Log) {
        for scope in [Scope::System, Scope::Workspace] {
            let (status, file) = self.file(scope);
            let Some(path) = status.name() else { continue };
            if let Some(problem) = &status.problem {
                log.warn(&format!("{path} {problem}"));
            }
            let Some(file) = file else { continue };
            let line = |note: &Note| format!("{path} line {}: {}", note.line, note.text);
            for note in &file.security_notes {
                log.security(&line(note));
            }
            let diagnostics = file.diagnostics();
            for note in diagnostics.notes.iter().chain(&diagnostics.rejected_by_sdk) {
                log.warn(&line(note));
            }
            if status.open_to_others && matches!(file.api_key(), Ok(Some(_))) {
                log.security(&format!(
                    "{path} holds an API key and can be read by other users: chmod 600 it"
                ));
            }
        }
    }
}

/// Reads one file.
fn read(scope: Scope, path: Option<PathBuf>) -> (FileStatus, Option<SettingsFile>) {
    let mut status = FileStatus {
        path,
        ..FileStatus::default()
    };
    let Some(path) = &status.path else {
        return (status, None);
    };
    match files::read(path, SETTINGS_LIMIT) {
        Ok(None) => (status, None),
        Ok(Some(text)) => {
            status.open_to_others = text.open_to_others();
            let Text { bytes, .. } = text;
            let file = SettingsFile::parse(scope, path, bytes);
            (status, Some(file))
        }
        Err(problem) => {
            status.problem = Some(format!("{problem}; fix or remove it"));
            (status, None)
        }
    }
}

impl From<&Note> for Error {
    /// For the error of a setting, which is a complete sentence.
    fn from(problem: &Note) -> Error {
        Error::Credentials(problem.text.clone())
    }
}
