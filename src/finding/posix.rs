//! Commands for a POSIX shell.

use std::path::Path;

use crate::env::display_path;
use crate::util::shell::word;

/// The command that sets a variable, for this shell and what it starts.
pub(crate) fn set_command(name: &str, value: &str) -> String {
    format!("export {name}={}", word(value))
}

/// The command that removes a variable.
pub(crate) fn unset_command(name: &str) -> String {
    format!("unset {name}")
}

/// The command that moves a key from a variable that is for something else. It does
/// not show the key.
pub(crate) fn move_key_command(name: &str) -> String {
    format!("export WANDB_API_KEY=\"${name}\" && unset {name}")
}

/// The command that opens a file at a line.
pub(crate) fn edit_command(path: &str, line: Option<usize>) -> String {
    let path = word(path);
    match line {
        Some(line) => format!("${{EDITOR:-vi}} +{line} {path}"),
        None => format!("${{EDITOR:-vi}} {path}"),
    }
}

/// The command that makes this user the owner of a file that belongs to root and that
/// it may not read. `None` where another user, or another cause, is in the way.
pub(crate) fn give_access_command(path: &Path) -> Option<String> {
    let user = crate::files::user_refused_by_root(path)?;
    Some(format!("sudo chown {user} {}", word(&display_path(path))))
}

/// The command that makes a file private.
pub(crate) fn restrict_command(path: &str) -> String {
    format!("chmod 600 {}", word(path))
}
