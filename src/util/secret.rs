//! Text that must not leak: wiped when it goes, and shown by nothing.

use std::ffi::CStr;
use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A text that may hold a secret, such as a proxy's address with a password: for
/// code that works with texts. It is wiped as it stands, so it never grows.
#[cfg(feature = "http")]
pub(crate) type WipedText = zeroize::Zeroizing<String>;

/// A buffer whose bytes are wiped before its memory is given back.
///
/// Whoever fills one reserves its final capacity first: a buffer that grows
/// leaves copies behind that nobody wipes.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct WipedBytes(Vec<u8>);

impl WipedBytes {
    pub fn new(bytes: Vec<u8>) -> WipedBytes {
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
    /// All of the memory, in one sweep: `Vec::zeroize` goes byte by byte, which
    /// for a large file takes as long as reading it.
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

/// A secret text of fixed size, kept with a NUL at its end so that C can read
/// it in place. It has no `Display`, and its `Debug` shows nothing.
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Joins the parts into one secret. A NUL inside ends the text early for a
    /// C caller, so callers check their input first.
    pub(crate) fn from_parts(parts: &[&[u8]]) -> Secret {
        let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
        let mut bytes = Vec::with_capacity(size);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes.push(0);
        Secret(bytes.into_boxed_slice())
    }

    /// A copy of a text: a key, for an answer to a prompt.
    pub fn new(text: &[u8]) -> Secret {
        Secret::from_parts(&[text])
    }

    /// The text, without the NUL that ends it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }

    /// The text as C reads it.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Clone for Secret {
    fn clone(&self) -> Secret {
        Secret::new(self.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
