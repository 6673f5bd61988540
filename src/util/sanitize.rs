//! Makes untrusted text safe to print: removes control characters and masks API
//! keys.

use std::borrow::Cow;

/// Replaces control characters: a file name, a variable or a server's response
/// must not move the cursor, change colours or fake a line.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(hidden) {
        Cow::Owned(text.replace(hidden, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Control characters, and the marks that change the direction of text.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// The fewest characters of a word that looks like a key.
const SHORTEST_KEY: usize = 20;

/// The text with `****` in place of each word that looks like an API key: 20 or
/// more of `A-Z a-z 0-9 _ -`, with a digit. For values that a message repeats.
pub fn mask_keys(text: &str) -> Cow<'_, str> {
    let words = || text.split_inclusive(|c| !is_key_character(c));
    if !words().any(looks_like_key) {
        return Cow::Borrowed(text);
    }
    let masked = words().map(|word| match looks_like_key(word) {
        true => format!("****{}", &word[key_length(word)..]),
        false => word.to_string(),
    });
    Cow::Owned(masked.collect())
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The length of a word without the character that ends it.
fn key_length(word: &str) -> usize {
    word.trim_end_matches(|c| !is_key_character(c)).len()
}

fn looks_like_key(word: &str) -> bool {
    key_length(word) >= SHORTEST_KEY && word.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_masked() {
        let key = "0123456789abcdefABCDEF_-0123456789abcdef";
        assert_eq!(mask_keys(&format!("--{key}")), "****");
        assert_eq!(
            mask_keys(&format!("--timeout='{key}' é {key}.")),
            "--timeout='****' é ****."
        );
        assert_eq!(mask_keys(key), "****");
        for text in [
            "",
            "0123456789abcdef012",
            "WANDB_IDENTITY_TOKEN_FILE",
            "https://wandb.example.com:8080",
        ] {
            assert!(matches!(mask_keys(text), Cow::Borrowed(shown) if shown == text));
        }
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(
            clean("a \x1b[31mred\r\n"),
            "a \u{fffd}[31mred\u{fffd}\u{fffd}"
        );
        assert_eq!(clean("gpj.\u{202e}exe"), "gpj.\u{fffd}exe");
        assert!(matches!(clean("Übung 訓練"), Cow::Borrowed("Übung 訓練")));
    }
}
