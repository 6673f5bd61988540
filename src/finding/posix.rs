//! Commands for a POSIX shell.

use std::borrow::Cow;

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

/// A text as one word of a POSIX shell, in quotes where it needs them.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}
