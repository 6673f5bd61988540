//! Words of PowerShell and of `cmd`, for the commands in messages.

/// The characters that PowerShell takes for the end of a word in single quotes.
const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// The characters that have a meaning for PowerShell in double quotes.
const SPECIAL: [char; 5] = ['$', '`', '\u{201c}', '\u{201d}', '\u{201e}'];

/// A text without `"`, as every file name is, as one word. Both shells take double
/// quotes. With a special character it is a word of PowerShell only.
pub(crate) fn word(text: &str) -> String {
    if !text.contains(SPECIAL) {
        return format!("\"{text}\"");
    }
    let mut word = String::from("'");
    for c in text.chars() {
        word.push(c);
        if SINGLE_QUOTES.contains(&c) {
            word.push(c);
        }
    }
    word + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_file_name_ends_a_word() {
        for (name, expected) in [
            (r"C:\a b\it's", r#""C:\a b\it's""#),
            (r"\\host\c$\it's", r"'\\host\c$\it''s'"),
            ("a\u{201d}; calc", "'a\u{201d}; calc'"),
            ("$(calc)\u{2019}`", "'$(calc)\u{2019}\u{2019}`'"),
        ] {
            assert_eq!(word(name), expected);
        }
    }
}
