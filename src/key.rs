//! The API key: a text that has passed the rule for keys. Code that holds an
//! [`ApiKey`] need not check it again, and cannot print it.

use std::fmt;

use crate::util::secret::Secret;

/// The longest key that is taken. The prompt callback's buffer has room for one
/// of this size and its NUL.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The fewest characters of a key, not counting an on-premises prefix.
const SHORTEST: usize = 40;

/// Of a key shorter than this, a report shows nothing.
const SHORTEST_SHOWN: usize = 20;

/// How the keys of W&B's current format begin. Their body may hold dashes, so
/// that a first dash does not end an on-premises prefix.
const V1: &[u8] = b"wandb_v1_";

/// A well-formed API key. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    secret: Secret,
    kind: KeyKind,
}

/// A key, and whether white space around it was dropped, which deserves a
/// notice: other tools that read the same text will not drop it.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    pub key: ApiKey,
    pub trimmed: bool,
}

/// The formats of W&B's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Three base64url parts joined by dots.
    Jwt,
    /// `wandb_v1_…`, with or without an on-premises prefix.
    V1,
    /// A prefix, a dash, and the key proper.
    OnPremises,
    /// Anything else; in practice 40 hexadecimal digits.
    Standard,
}

/// Why a text is not a key, in the SDK's words; never with the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
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
    /// Takes a key, dropping ASCII white space around it.
    pub fn parse(text: &[u8]) -> Result<Parsed, KeyProblem> {
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

    /// Whether [`ApiKey::parse`] would take the text; copies nothing.
    pub fn is_key(text: &[u8]) -> bool {
        kind_of(text.trim_ascii()).is_ok()
    }

    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// What a report may show: the kind and the last four characters, and of
    /// a short key (only a JWT can be one) the kind alone.
    pub fn masked(&self) -> String {
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

/// The kind in a word or two, for a human.
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

/// The rule for keys, in one place. Each byte is looked at a fixed number of
/// times, and nothing is copied.
fn kind_of(key: &[u8]) -> Result<KeyKind, KeyProblem> {
    if key.is_empty() {
        return Err(KeyProblem::Empty);
    }
    if key.len() > LONGEST {
        return Err(KeyProblem::TooLong);
    }
    if !key.iter().all(is_key_byte) {
        // The dots of a JWT are the only other characters.
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
        // The SDK's word for a prefix with nothing behind it.
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

/// ASCII only. The SDK takes any letter of any script, but such a key does not
/// survive its own way through netrc, and no server issues one.
fn is_key_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests;
