//! Commands for PowerShell and for `cmd`.

use crate::util::shell::word;

/// The command that opens a file. Notepad takes no line.
pub(crate) fn edit_command(path: &str, _: Option<usize>) -> String {
    format!("notepad {}", word(path))
}

/// No command gives access to a file without knowing who owns it.
pub(crate) fn give_access_command(_: &std::path::Path) -> Option<String> {
    None
}

/// The command that makes a file private: its owner (S-1-3-4) keeps all rights, and
/// inherited rights of others are removed.
pub(crate) fn restrict_command(path: &str) -> String {
    let path = word(path);
    format!("icacls {path} /inheritance:r /grant:r \"*S-1-3-4:F\"")
}
