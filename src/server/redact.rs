//! Makes text from a server safe to quote.

/// The length limit of quoted text.
const SHOWN: usize = 300;

/// The text on one line, shortened, without control characters and secrets.
pub(super) fn show(text: &str, secrets: &[&[u8]]) -> String {
    let mut shown = String::with_capacity(SHOWN + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if shown.len() >= SHOWN {
            shown.push('…');
            break;
        }
        let repeated = |secret: &&&[u8]| !secret.is_empty() && rest.as_bytes().starts_with(secret);
        if let Some(secret) = secrets.iter().find(repeated) {
            shown.push_str("[secret]");
            // Secrets are ASCII, so this cuts between characters.
            rest = rest.get(secret.len()..).unwrap_or_default();
            continue;
        }
        if !c.is_whitespace() {
            shown.push_str(&crate::util::sanitize::clean(&rest[..c.len_utf8()]));
        } else if !shown.is_empty() && !shown.ends_with(' ') {
            shown.push(' ');
        }
        rest = &rest[c.len_utf8()..];
    }
    shown.truncate(shown.trim_end().len());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_line_without_control_characters_or_secrets() {
        let secret: &[u8] = b"KEYKEY";
        for (text, shown) in [
            ("", ""),
            ("  two \r\n\t lines ", "two lines"),
            (
                "\x1b[31mred\x1b[0m\x07",
                "\u{fffd}[31mred\u{fffd}[0m\u{fffd}",
            ),
            ("bad key KEYKEY.", "bad key [secret]."),
            ("KEYKEYKEYKEYKEY", "[secret][secret]KEY"),
            ("\u{202e}gnp", "\u{fffd}gnp"),
            ("ü KEYKEYü", "ü [secret]ü"),
        ] {
            assert_eq!(show(text, &[secret, b""]), shown);
        }
        let long = show(&"x".repeat(1 << 20), &[secret]);
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(long.ends_with('…'));
    }
}
