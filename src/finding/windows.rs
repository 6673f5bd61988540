//! Commands for PowerShell and for `cmd`, which both take double quotes. A file name
//! cannot contain one.

/// A text as one word, in quotes.
pub(crate) fn word(text: &str) -> String {
    format!("\"{text}\"")
}

/// The command that opens a file. Notepad takes no line.
pub(crate) fn edit_command(path: &str, _: Option<usize>) -> String {
    format!("notepad \"{path}\"")
}

/// The command that makes a file private: its owner (S-1-3-4) keeps all rights, and
/// inherited rights of others are removed.
pub(crate) fn restrict_command(path: &str) -> String {
    format!("icacls \"{path}\" /inheritance:r /grant:r \"*S-1-3-4:F\"")
}
