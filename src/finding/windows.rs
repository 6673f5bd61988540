//! Commands for PowerShell. Those without variables are for `cmd` too.

use crate::util::shell::word;

/// The command that sets a variable, for this shell and what it starts.
pub(crate) fn set_command(name: &str, value: &str) -> String {
    format!("$env:{name} = {}", word(value))
}

/// The command that removes a variable.
pub(crate) fn unset_command(name: &str) -> String {
    format!("Remove-Item Env:{name}")
}

/// The command that moves a key from a variable that is for something else. It does
/// not show the key.
pub(crate) fn move_key_command(name: &str) -> String {
    format!("$env:WANDB_API_KEY = $env:{name}; Remove-Item Env:{name}")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_of_powershell() {
        for (value, expected) in [
            ("https://corp.example", "$env:A = \"https://corp.example\""),
            ("$(calc)`it's", "$env:A = '$(calc)`it''s'"),
        ] {
            assert_eq!(set_command("A", value), expected);
        }
    }
}
