//! Makes untrusted text safe to print: removes control characters.

use std::borrow::Cow;

/// Replaces control characters: a file name, a variable or a server's response
/// must not move the cursor, change colors or fake a line.
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

#[cfg(test)]
mod tests {
    use super::*;

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
