//! Loads both settings files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::location::SourceName;
use crate::config::paths::{self, SETTINGS_LIMIT};
use crate::config::settings::{Scope, Settings, SettingsFile};
use crate::config::source_problem::SourceProblem;
use crate::env::{Environment, display_path};
use crate::files::{self, Text};
use crate::finding::{Code, Finding, edit_command, restrict_command};
use crate::log::{Log, Note};
use crate::util::lines::{UTF16, is_utf16};

/// Both settings files: their values and their status.
pub(crate) struct Config {
    pub settings: Settings,
    system: FileStatus,
    workspace: FileStatus,
}

/// A settings file on disk.
#[derive(Default)]
pub(crate) struct FileStatus {
    /// `None` without a home directory, and for an ignored workspace.
    pub path: Option<PathBuf>,
    /// Why it exists but could not be read. What it holds is then unknown: no
    /// login may guess its server or its key.
    problem: Option<String>,
    /// Whether other users may read it.
    pub open_to_others: bool,
}

impl FileStatus {
    pub(crate) fn name(&self) -> Option<SourceName> {
        self.path.clone().map(SourceName::File)
    }

    /// Why the file could not be read; `may` says what could be in it.
    pub(crate) fn unreadable(&self, may: &str, remedy: &str) -> Option<SourceProblem> {
        let (path, problem) = (self.path.as_ref()?, self.problem.as_ref()?);
        let shown = display_path(path);
        let message =
            format!("{shown} {problem}, and it {may}: make it readable, remove it, or {remedy}");
        Some(SourceProblem::unreadable(path, message))
    }
}

impl Config {
    /// Reads both files.
    pub(crate) fn load(env: &Environment) -> Config {
        let (system, system_settings) = read(Scope::System, paths::system_settings(env).ok());
        let (workspace, workspace_settings) =
            read(Scope::Workspace, paths::workspace_settings(env));
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

    /// Warns about files that could not be read, for a login that does without.
    pub(crate) fn warn_unreadable(&self, log: &Log) {
        for status in [&self.system, &self.workspace] {
            if let (Some(path), Some(problem)) = (status.name(), &status.problem) {
                log.warn(Finding::new(
                    Code::UnreadableFile,
                    format!("{path} {problem}; fix or remove it"),
                ));
            }
        }
    }

    /// Logs what is wrong with the settings.
    pub(crate) fn log_notes(&self, log: &Log) {
        for scope in [Scope::System, Scope::Workspace] {
            let (status, file) = self.file(scope);
            let Some(path) = status.name() else { continue };
            let Some(file) = file else { continue };
            let line = |note: &Note| format!("{path} line {}: {}", note.line, note.text);
            let about = |code, note: &Note| {
                let edit = edit_command(&path.to_string(), Some(note.line));
                Finding::new(code, line(note)).fixed_by(edit)
            };
            for note in &file.security_notes {
                let mut finding = about(Code::WorkspaceSetting, note);
                if let Some(own) = self.system.name() {
                    finding.message.push_str(&format!("; put it into {own}"));
                }
                log.warn(finding);
            }
            let diagnostics = file.diagnostics();
            for note in diagnostics.notes.iter().chain(&diagnostics.rejected_by_sdk) {
                log.warn(about(Code::SettingsLine, note));
            }
            if let Some(secret) = file.secret().filter(|_| status.open_to_others) {
                let message = format!(
                    "{path} holds {secret} and can be read by other users: {}",
                    files::HOW_TO_RESTRICT
                );
                let chmod = restrict_command(&path.to_string());
                log.warn(Finding::new(Code::ReadableByOthers, message).fixed_by(chmod));
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
        Ok(Some(text)) if is_utf16(&text.bytes) => {
            status.problem = Some(format!("cannot be read: {UTF16}"));
            (status, None)
        }
        Ok(Some(text)) => {
            status.open_to_others = text.access.others;
            let Text { bytes, .. } = text;
            let file = SettingsFile::parse(scope, path, bytes);
            (status, Some(file))
        }
        Err(_) if is_out_of_reach(path) => (status, None),
        Err(problem) => {
            status.problem = Some(problem.to_string());
            (status, None)
        }
    }
}

/// Whether a directory on the way does not exist or may not be searched, as for
/// a random user in a container. The file then counts as absent, as in the SDK.
fn is_out_of_reach(path: &Path) -> bool {
    let found = std::fs::metadata(path);
    found.is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
        )
    })
}
