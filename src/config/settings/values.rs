//! The types of settings values, and how each is parsed.

use crate::options::Timeout;
use crate::util::secret::Secret;

pub(super) fn parse_secret(text: &[u8]) -> Option<Secret> {
    Some(Secret::new(text))
}

pub(super) fn parse_string(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).ok().map(str::to_owned)
}

pub(crate) fn parse_timeout(text: &[u8]) -> Option<Timeout> {
    Timeout::parse_seconds(std::str::from_utf8(text).ok()?)
}

/// A boolean in any of pydantic's spellings.
pub(crate) fn parse_bool(text: &[u8]) -> Option<bool> {
    let is_one_of = |words: &[&str]| {
        words
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is_one_of(&["true", "1", "yes", "on", "y", "t"]) {
        Some(true)
    } else if is_one_of(&["false", "0", "no", "off", "n", "f"]) {
        Some(false)
    } else {
        None
    }
}
