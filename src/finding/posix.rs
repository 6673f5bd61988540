//! Commands for a POSIX shell.

use crate::util::shell::word;

/// The command that opens a file at a line.
pub(crate) fn edit_command(path: &str, line: Option<usize>) -> String {
    let path = word(path);
    match line {
        Some(line) => format!("${{EDITOR:-vi}} +{line} {path}"),
        None => format!("${{EDITOR:-vi}} {path}"),
    }
}

/// The command that makes a file private.
pub(crate) fn restrict_command(path: &str) -> String {
    format!("chmod 600 {}", word(path))
}
