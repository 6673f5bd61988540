//! Secrets: wiped when dropped, and never printed.

use std::ffi::CStr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::str::Utf8Error;

/// A string that may contain a secret, such as a proxy URL with a password. It must
/// not grow: reallocation leaves copies behind.
pub(crate) type WipedText = zeroize::Zeroizing<String>;

/// A byte buffer that is wiped when dropped, spare capacity included.
///
/// Reserve the final capacity before writing to it: a buffer that grows leaves
/// copies behind that are not wiped.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct WipedBytes(Vec<u8>);

impl WipedBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> WipedBytes {
        WipedBytes(bytes)
    }
}

impl fmt::Debug for WipedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedBytes(..)")
    }
}

impl Deref for WipedBytes {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for WipedBytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for WipedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for WipedBytes {
    /// Overwrites the whole capacity with one `memset`. `Zeroizing<Vec<u8>>` writes
    /// byte by byte, which for a large file takes as long as reading it.
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

/// A secret of fixed size. It is stored with a terminating NUL, so that C can read
/// it in place. It has no `Display`, and its `Debug` does not show the content.
#[derive(PartialEq, Eq)]
pub struct Secret(WipedBytes);

impl Secret {
    /// Joins the parts into one secret. Callers check that they contain no NUL,
    /// which would truncate the secret for C.
    pub(crate) fn from_parts(parts: &[&[u8]]) -> Secret {
        let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
        let mut bytes = WipedBytes::new(Vec::with_capacity(size));
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes.push(0);
        Secret(bytes)
    }

    /// Copies a secret, such as a key entered at a prompt.
    pub fn new(text: impl AsRef<[u8]>) -> Secret {
        Secret::from_parts(&[text.as_ref()])
    }

    /// The secret, without the terminating NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }

    /// The secret as text, for an HTTP client for example. An error if it is not UTF-8.
    /// Keys and `Authorization` headers are ASCII; a path in
    /// [`environ`](crate::Session::environ) can be any bytes.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }

    /// The secret as a C string.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

impl Clone for Secret {
    fn clone(&self) -> Secret {
        Secret::new(self.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_text_if_it_is_utf8() {
        assert_eq!(Secret::new("Basic YXBpOg==").to_str(), Ok("Basic YXBpOg=="));
        assert_eq!(Secret::new("").to_str(), Ok(""));
        assert!(
            Secret::new(b"WANDB_IDENTITY_TOKEN_FILE=/\xff")
                .to_str()
                .is_err()
        );
    }
}
