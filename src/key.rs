//! The API key. An [`ApiKey`] has been validated and cannot be printed.

use std::borrow::Cow;
use std::fmt;

use crate::util::secret::Secret;

/// The longest key that is accepted. The prompt callback's buffer has room for a
/// key of this size and a NUL.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The fewest characters of a key, not counting an on-premises prefix.
const SHORTEST: usize = 40;

/// A shorter key is masked completely.
const SHORTEST_SHOWN: usize = 20;

/// The prefix of W&B's current key format. Such keys may contain dashes, so the
/// first dash does not end an on-premises prefix.
const V1: &[u8] = b"wandb_v1_";

/// A well-formed API key. Its `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    secret: Secret,
    kind: KeyKind,
}

/// A key, and whether white space around it was removed. That is worth a warning:
/// other tools may not remove it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub key: ApiKey,
    pub trimmed: bool,
}

/// The formats of W&B's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Three base64url parts joined by dots.
    Jwt,
    /// `wandb_v1_…`, with or without an on-premises prefix.
    V1,
    /// A prefix, a dash, and the key proper.
    OnPremises,
    /// Anything else; in practice 40 hexadecimal digits.
    Standard,
}

/// Why a text is not a key, in the SDK's words. Never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyProblem {
    #[error("API key is empty.")]
    Empty,
    #[error("API key may only contain the letters A-Z, digits and underscores.")]
    Characters,
    #[error("API key must have {SHORTEST}+ characters, has {has}.")]
    TooShort { has: usize },
    #[error("API key must have at most {LONGEST} characters.")]
    TooLong,
}

impl ApiKey {
    /// Parses a key; ASCII white space around it is removed.
    pub(crate) fn parse(text: &[u8]) -> Result<Parsed, KeyProblem> {
        let key = text.trim_ascii();
        let kind = kind_of(key)?;
        Ok(Parsed {
            key: ApiKey {
                secret: Secret::new(key),
                kind,
            },
            trimmed: key.len() != text.len(),
        })
    }

    /// Whether [`ApiKey::parse`] would accept the text; copies nothing.
    pub(crate) fn is_key(text: &[u8]) -> bool {
        kind_of(text.trim_ascii()).is_ok()
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The kind and the last four characters, for a report; only the kind if the
    /// key is short, as a JWT can be.
    pub(crate) fn masked(&self) -> String {
        let key = self.as_bytes();
        let shown = match key.len() {
            0..SHORTEST_SHOWN => &[],
            len => &key[len - 4..],
        };
        format!("{} ****{}", self.kind, String::from_utf8_lossy(shown))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// The kind, for messages.
impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyKind::Jwt => "JWT",
            KeyKind::V1 => "wandb_v1 API key",
            KeyKind::OnPremises => "on-premises API key",
            KeyKind::Standard => "API key",
        })
    }
}

/// Validates a key. Linear in its length; copies nothing.
fn kind_of(key: &[u8]) -> Result<KeyKind, KeyProblem> {
    if key.is_empty() {
        return Err(KeyProblem::Empty);
    }
    if key.len() > LONGEST {
        return Err(KeyProblem::TooLong);
    }
    if !key.iter().all(is_key_byte) {
        // Only a JWT may contain dots.
        return match is_jwt(key) {
            true => Ok(KeyKind::Jwt),
            false => Err(KeyProblem::Characters),
        };
    }
    let body = match key.iter().position(|&byte| byte == b'-') {
        Some(dash) if !key.starts_with(V1) => &key[dash + 1..],
        _ => key,
    };
    match body.len() {
        // The SDK's message for a prefix without a key.
        0 => Err(KeyProblem::Characters),
        has @ 1..SHORTEST => Err(KeyProblem::TooShort { has }),
        _ if body.starts_with(V1) => Ok(KeyKind::V1),
        len if len < key.len() => Ok(KeyKind::OnPremises),
        _ => Ok(KeyKind::Standard),
    }
}

fn is_jwt(key: &[u8]) -> bool {
    let mut parts = 0;
    key.split(|&byte| byte == b'.').all(|part| {
        parts += 1;
        parts <= 3 && !part.is_empty() && part.iter().all(is_key_byte)
    }) && parts == 3
}

/// ASCII only. The SDK accepts letters of any script, but such a key does not
/// survive the SDK's own netrc, and no server issues one.
fn is_key_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The fewest characters of a word that looks like a key.
const SHORTEST_LOOKALIKE: usize = 20;

/// The text with `****` in place of each word that looks like an API key: 20 or
/// more of `A-Z a-z 0-9 _ -`, with a digit. For values that a message repeats.
pub fn mask_keys(text: &str) -> Cow<'_, str> {
    let words = || text.split_inclusive(ends_key);
    if !words().any(|word| looks_like_key(key_part(word))) {
        return Cow::Borrowed(text);
    }
    let masked = words().map(|word| match key_part(word) {
        key if looks_like_key(key) => format!("****{}", &word[key.len()..]),
        _ => word.to_string(),
    });
    Cow::Owned(masked.collect())
}

/// Whether all of a text looks like an API key.
pub(crate) fn looks_like_key(text: &[u8]) -> bool {
    text.len() >= SHORTEST_LOOKALIKE
        && text.iter().all(is_key_byte)
        && text.iter().any(u8::is_ascii_digit)
}

/// A word without the character that ends it.
fn key_part(word: &str) -> &[u8] {
    word.trim_end_matches(ends_key).as_bytes()
}

fn ends_key(c: char) -> bool {
    !u8::try_from(c).is_ok_and(|byte| is_key_byte(&byte))
}

#[cfg(test)]
mod tests;
