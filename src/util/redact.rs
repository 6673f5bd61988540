//! Makes untrusted text safe to print: removes invisible characters and masks API
//! keys.

use std::borrow::Cow;

/// A text as a log line, an error or a report shows it. Every text on its way there
/// passes through this function.
pub(crate) fn for_message(text: &str) -> Cow<'_, str> {
    match clean(text) {
        Cow::Borrowed(text) => mask_keys(text),
        Cow::Owned(text) => Cow::Owned(mask_keys(&text).into_owned()),
    }
}

/// Whether a log line, an error or a report shows a text as it was before: no character
/// is replaced, also not earlier in a name that is not UTF-8, and no word is masked.
pub(crate) fn is_printed_unchanged(text: &str) -> bool {
    !text.contains(char::REPLACEMENT_CHARACTER) && for_message(text) == text
}

/// Replaces invisible characters: a file name, a variable or a server's response
/// must not move the cursor, change colors, fake a line or reorder the text.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_invisible) {
        Cow::Owned(text.replace(is_invisible, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The format characters (category Cf) of Unicode 16 without those of [`BLOCKS`].
const FORMAT: [char; 8] = [
    '\u{ad}',
    '\u{61c}',
    '\u{6dd}',
    '\u{70f}',
    '\u{8e2}',
    '\u{180e}',
    '\u{feff}',
    '\u{110bd}',
];

/// Ranges of format characters and of line and paragraph separators.
const BLOCKS: [std::ops::RangeInclusive<char>; 11] = [
    '\u{600}'..='\u{605}',
    '\u{890}'..='\u{891}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0001}'..='\u{e007f}',
];

/// The Unicode categories Cc (control), Cf (format: all marks of direction, joiners,
/// zero-width spaces, byte-order mark, tags), Zl and Zp (line and paragraph
/// separator).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || !c.is_ascii() && (FORMAT.contains(&c) || BLOCKS.iter().any(|block| block.contains(&c)))
}

/// The fewest characters of a value, or of a word of a text, that looks like a key. Half
/// a key is enough: it may have been cut off.
const SHORTEST_KEY: usize = 20;

/// The fewest characters of a word that looks like a key in a URL, or as a directory
/// of a path: those of a whole key. A shorter word there is not the value, but a part of
/// it that the message is about. Host names, UUIDs (36 characters), dates and job
/// numbers often have 20 characters with a digit, and without them the user cannot find
/// the server or the file. The last part of a path counts as a word, because a key in
/// place of a file name becomes that part.
const SHORTEST_KEY_IN_PATH: usize = 40;

/// The text with `****` in place of each word that looks like an API key: 20 or
/// more of `A-Z a-z 0-9 _ -`, with a digit. For values that a message repeats.
pub fn mask_keys(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut start = 0;
    // Where the text that is delimited by white space or quotes begins.
    let mut chunk = 0;
    for word in text.split_inclusive(|c| !is_key_character(c)) {
        let end = start + word.trim_end_matches(|c| !is_key_character(c)).len();
        let next = start + word.len();
        let is_directory = || text[end..].starts_with(std::path::is_separator);
        let shortest = || match text[chunk..start].contains("://") || is_directory() {
            true => SHORTEST_KEY_IN_PATH,
            false => SHORTEST_KEY,
        };
        if looks_like_key(&text.as_bytes()[start..end]) && end - start >= shortest() {
            masked.push_str(&text[copied..start]);
            masked.push_str("****");
            copied = end;
        }
        if text[end..next].contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')) {
            chunk = next;
        }
        start = next;
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(masked + &text[copied..]),
    }
}

/// Whether a whole value looks like an API key.
pub(crate) fn looks_like_key(value: &[u8]) -> bool {
    value.len() >= SHORTEST_KEY
        && value.iter().all(|byte| is_key_character(char::from(*byte)))
        && value.iter().any(u8::is_ascii_digit)
}

/// The message for a variable whose value looks like a key.
pub(crate) fn misplaced_key(name: &str) -> String {
    format!("{name} holds what looks like an API key; did you mean WANDB_API_KEY?")
}

/// Whether a value is in quotes, which `docker run --env-file` does not remove.
pub(crate) fn is_quoted(value: &str) -> bool {
    value.starts_with(['"', '\'']) || value.ends_with(['"', '\''])
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_masked() {
        let key = "0123456789abcdefABCDEF_-0123456789abcdef";
        let url = "https://internal-wandb-lb-1234567890.us-east-1.elb.example";
        assert_eq!(mask_keys(&format!("--{key}")), "****");
        assert_eq!(
            mask_keys(&format!("--timeout='{key}' é {key}.")),
            "--timeout='****' é ****."
        );
        assert_eq!(mask_keys(key), "****");
        for (text, masked) in [
            (
                format!("/home/u/{key}/settings: {url} {key}"),
                format!("/home/u/****/settings: {url} ****"),
            ),
            (format!("http://{key}/a"), "http://****/a".into()),
            (
                format!("mode='{key}', a\u{a0}{key}"),
                "mode='****', a\u{a0}****".into(),
            ),
            (
                format!("eyJhbGciOiJIUzI1NiJ9.{key}.{key}"),
                "****.****.****".into(),
            ),
            ("/cwd/abcdefghij0123456789 is".into(), "/cwd/**** is".into()),
            (
                format!("https://a.example/{key}/b"),
                "https://a.example/****/b".into(),
            ),
            ("mode='abcdefghij0123456789'".into(), "mode='****'".into()),
        ] {
            assert_eq!(mask_keys(&text), masked);
        }
        let path = "/tmp/experiment-2024-10-31/wandb/settings";
        let uuid = "/scratch/550e8400-e29b-41d4-a716-446655440000/netrc is a directory";
        let host = "https://550e8400-e29b-41d4-a716-446655440000.example/wandb-2024-10-31-deploy";
        for text in [
            "",
            url,
            path,
            uuid,
            host,
            "0123456789abcdef012",
            "WANDB_IDENTITY_TOKEN_FILE",
            "https://wandb.example.com:8080",
        ] {
            assert!(matches!(mask_keys(text), Cow::Borrowed(shown) if shown == text));
        }
    }

    /// A directory of a path, with the separator of this system.
    #[test]
    fn a_directory_of_a_path_is_not_a_key() {
        let separator = std::path::MAIN_SEPARATOR;
        let (job, key) = ("wandb-login-experiment-2024", "1".repeat(40));
        let path = |folder: &str| format!("C:{separator}{folder}{separator}settings is");
        assert_eq!(mask_keys(&path(job)), path(job));
        assert_eq!(mask_keys(&path(&key)), path("****"));
        assert_eq!(
            mask_keys(&format!("C:{separator}{job} is")),
            format!("C:{separator}**** is")
        );
        // Elsewhere a backslash is a character like any other.
        let other = if separator == '/' { '\\' } else { ':' };
        assert_eq!(
            mask_keys(&format!("{job}{other}x")),
            format!("****{other}x")
        );
    }

    #[test]
    fn invisible_characters_are_replaced() {
        for c in [
            '\0',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{206f}',
            '\u{feff}',
            '\u{fffb}',
            '\u{e0041}',
        ] {
            assert_eq!(clean(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        assert_eq!(
            clean("a \x1b[31mred\r\n"),
            "a \u{fffd}[31mred\u{fffd}\u{fffd}"
        );
        assert_eq!(clean("gpj.\u{202e}exe"), "gpj.\u{fffd}exe");
        assert!(matches!(clean("Übung 訓練"), Cow::Borrowed("Übung 訓練")));
    }
}
