//! The API key. An [`ApiKey`] has been validated and cannot be printed.

use std::fmt;

use crate::util::lines::{BOM, is_utf16};
use crate::util::redact::{is_invisible, is_quoted};
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

/// A key, and whether white space or a byte-order mark around it was removed. That is worth a warning:
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
    #[error("API key may only contain the letters A-Z, digits and underscores.{}", hint_text(.0))]
    Characters(Option<Hint>),
    #[error("API key must have {SHORTEST}+ characters, has {has}.")]
    TooShort { has: usize },
    #[error("API key must have at most {LONGEST} characters.")]
    TooLong,
}

impl KeyProblem {
    /// Whether the message says how to correct the key.
    pub(crate) fn has_cure(self) -> bool {
        matches!(self, KeyProblem::Characters(Some(_)))
    }
}

/// The reason for characters that do not belong to a key, if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// The first character that a user cannot see.
    Invisible(char),
    Quotes,
    Utf16,
}

impl Hint {
    fn of(text: &[u8]) -> Option<Hint> {
        if is_utf16(text) {
            return Some(Hint::Utf16);
        }
        let unseen = |c: &char| {
            *c != char::REPLACEMENT_CHARACTER
                && (is_invisible(*c) || c.is_whitespace())
                && !c.is_ascii_whitespace()
        };
        let text = String::from_utf8_lossy(text);
        if is_quoted(&text) {
            return Some(Hint::Quotes);
        }
        text.chars().find(unseen).map(Hint::Invisible)
    }
}

/// What is wrong with a token whose characters cannot be those of a token, if it is
/// known why.
pub(crate) fn token_problem(text: &[u8]) -> Option<String> {
    let hint = Hint::of(trim(text));
    hint.map(|_| format!("the token is invalid.{}", hint_text(&hint)))
}

/// The hint as a further sentence of a message.
fn hint_text(hint: &Option<Hint>) -> String {
    match hint {
        None => String::new(),
        Some(Hint::Quotes) => " It is in quotes; remove them.".into(),
        Some(Hint::Utf16) => " It is UTF-16; save it as UTF-8.".into(),
        Some(Hint::Invisible(c)) => {
            let code = u32::from(*c);
            format!(" It contains U+{code:04X} ({}); remove it.", name_of(*c))
        }
    }
}

/// The name of an invisible character.
fn name_of(c: char) -> &'static str {
    match c {
        '\u{a0}' => "no-break space",
        '\u{200b}' => "zero-width space",
        '\u{200c}' | '\u{200d}' => "zero-width joiner",
        '\u{200e}' | '\u{200f}' => "direction mark",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{2060}' => "word joiner",
        '\u{feff}' => "byte-order mark",
        c if c.is_control() => "control character",
        c if c.is_whitespace() => "white space",
        _ => "invisible character",
    }
}

/// A key or a token without what is ignored around it: a byte-order mark before it,
/// and ASCII white space.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_prefix(BOM).map_or(text, <[u8]>::trim_ascii)
}

impl ApiKey {
    /// Parses a key; [`trim`] says what around it is removed.
    pub(crate) fn parse(text: &[u8]) -> Result<Parsed, KeyProblem> {
        let key = trim(text);
        let kind = kind_of(key).map_err(|problem| match problem {
            KeyProblem::Characters(_) => KeyProblem::Characters(Hint::of(key)),
            other => other,
        })?;
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
        kind_of(trim(text)).is_ok()
    }

    /// What makes it unlikely that this is the user's key, if anything; `is_cloud`
    /// is whether it is for W&B's own servers.
    pub(crate) fn doubt(&self, is_cloud: bool) -> Option<&'static str> {
        let key = self.as_bytes();
        let (first, second) = key.split_at(key.len() / 2);
        let is_placeholder = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'0';
        if first == second && ApiKey::is_key(first) {
            Some("the same key twice in a row; it may have been pasted twice")
        } else if key
            .iter()
            .all(|byte| *byte == key[0] && is_placeholder(byte))
        {
            Some("one character repeated; it may be a placeholder")
        } else if is_cloud && key.starts_with(b"local-") {
            Some(
                "the key of a private server, because it begins with `local-`; is the server right?",
            )
        } else {
            None
        }
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
            false => Err(KeyProblem::Characters(None)),
        };
    }
    let body = match key.iter().position(|&byte| byte == b'-') {
        Some(dash) if !key.starts_with(V1) => &key[dash + 1..],
        _ => key,
    };
    match body.len() {
        // The SDK's message for a prefix without a key.
        0 => Err(KeyProblem::Characters(None)),
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

#[cfg(test)]
mod tests;
