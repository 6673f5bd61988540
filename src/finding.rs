//! What a login or a report has to say about the configuration: a code that the
//! documentation explains, one sentence, and the command that fixes it.

#[cfg_attr(unix, path = "finding/posix.rs")]
#[cfg_attr(windows, path = "finding/windows.rs")]
mod commands;

use crate::util::redact::{for_message, is_printed_unchanged};
use crate::util::shell::word;

pub(crate) use commands::{
    edit_command, give_access_command, move_key_command, restrict_command, set_command,
    unset_command,
};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// A login fails.
    Error,
    /// A key is at risk. A silent login prints it too.
    Risk,
    /// A login works, but probably not as intended.
    Warning,
    /// Good to know: the Python SDK behaves differently, for example.
    Note,
}

impl Severity {
    /// The text form, as in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Risk => "risk",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Defines the codes: name, text form, severity, meaning.
macro_rules! codes {
    ($($(#[$meaning:meta])* $name:ident = $text:literal, $severity:ident;)*) => {
        /// What a finding is about. `docs/errors.md` explains each code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code { $($(#[$meaning])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The text form, as in `status --json`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// How much it matters where it does not stop the login.
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    /// No source has a key.
    NotConfigured = "not-configured", Error;
    /// A source has a malformed key.
    InvalidKey = "invalid-key", Error;
    /// The configured server is no valid URL.
    InvalidServer = "invalid-server", Error;
    /// A variable or setting has an invalid value.
    InvalidValue = "invalid-value", Error;
    /// Two variables name different identities.
    ConflictingVariables = "conflicting-variables", Error;
    /// A credential is not sent to a server that only the workspace names.
    WithheldCredential = "withheld-credential", Error;
    /// A file that may hold the key or the server exists and cannot be read.
    UnreadableFile = "unreadable-file", Error;
    /// The server did not accept the key, or could not be asked.
    VerificationFailed = "verification-failed", Error;

    /// Other users can read a file with a key.
    ReadableByOthers = "readable-by-others", Risk;
    /// A variable holds what looks like a key.
    MisplacedKey = "misplaced-key", Risk;
    /// The connection to the server is not encrypted.
    PlainHttp = "plain-http", Risk;
    /// The server's certificate is not verified.
    UnverifiedCertificate = "unverified-certificate", Risk;
    /// Only the working directory names the server.
    WorkspaceServer = "workspace-server", Risk;
    /// The key of the working directory overrides the user's own.
    WorkspaceKey = "workspace-key", Risk;
    /// A setting of the working directory could expose the key.
    WorkspaceSetting = "workspace-setting", Risk;
    /// The program has more rights than its caller.
    PrivilegedProgram = "privileged-program", Risk;

    /// A key that is in two places with different values.
    DifferentKeys = "different-keys", Warning;
    /// A key does not have the form of a key for this server.
    UnlikelyKey = "unlikely-key", Warning;
    /// The server's URL is probably that of a page.
    UnlikelyServer = "unlikely-server", Warning;
    /// Characters around a value that do not belong to it.
    ExtraCharacters = "extra-characters", Warning;
    /// A line of a settings file is ignored.
    SettingsLine = "settings-line", Warning;
    /// A line of netrc is ignored or ambiguous.
    NetrcLine = "netrc-line", Warning;
    /// A second netrc file holds a key that counts once the first is gone.
    SecondNetrc = "second-netrc", Warning;
    /// Something else is used at the next login.
    NextLogin = "next-login", Warning;
    /// Something still logs in after a logout.
    StillConfigured = "still-configured", Warning;
    /// A file was not written.
    NotSaved = "not-saved", Warning;
    /// A file was written in another way than intended.
    FileWritten = "file-written", Warning;
    /// The file of trusted certificates does not exist.
    MissingCaFile = "missing-ca-file", Warning;
    /// A proxy, a header or a CA setting is malformed.
    ConnectionSetting = "connection-setting", Warning;
    /// The home directory has no file locks.
    NoLocks = "no-locks", Warning;
    /// The clock differs from the server's.
    ClockSkew = "clock-skew", Warning;

    /// The mode turns logins off.
    Offline = "offline", Note;
    /// A variable or an option overrides a different key.
    OverriddenKey = "overridden-key", Note;
    /// A stored key or access token is for a server that is not in use.
    UnusedKey = "unused-key", Note;
    /// A file that would be read if no variable or other file took its place.
    UnusedFile = "unused-file", Note;
    /// The Python SDK behaves differently here.
    SdkDiffers = "sdk-differs", Note;
    /// How netrc was read.
    NetrcFile = "netrc-file", Note;
}

/// The command that logs in to a server that is not configured.
pub(crate) fn login_command(url: &str) -> String {
    format!("wandb-login --host {}", word(url))
}

/// The command that removes what is stored for a server.
pub(crate) fn logout_command(url: &str) -> String {
    format!("wandb-login logout --host {}", word(url))
}

/// One thing that a login or a report says about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub code: Code,
    /// One sentence, complete without the command.
    pub message: String,
    /// The shell command that fixes it, or that opens the file at the line.
    pub command: Option<String>,
}

impl Finding {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Finding {
        Finding {
            code,
            message: message.into(),
            command: None,
        }
    }

    /// With the command that fixes it.
    pub(crate) fn fixed_by(self, command: impl Into<String>) -> Finding {
        self.maybe_fixed_by(Some(command.into()))
    }

    /// With this command, if there is one that is printed as it is. With a replaced
    /// character or a masked word it would do something else.
    pub(crate) fn maybe_fixed_by(self, command: Option<String>) -> Finding {
        let command = command.filter(|command| is_printed_unchanged(command));
        Finding { command, ..self }
    }

    /// With a message that is safe to print, as the command is.
    pub(crate) fn printable(self) -> Finding {
        Finding {
            message: for_message(&self.message).into_owned(),
            ..self
        }
    }
}
