//! Tests of the reader and the editor: the SDK's recorded behavior, comparison
//! with the installed CPython, and the invariants of editing.

mod bare_host;
mod cpython;
mod edits;
mod invariants;
mod lookups;
mod recorded;

use super::*;

pub(super) const NEW: &str = "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN";
pub(super) const OLD: &str = "KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK";

pub(super) fn is_key(word: &[u8]) -> bool {
    word.len() >= 40
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

pub(super) fn names(netloc: &str) -> Names<'_> {
    Names {
        netloc,
        ..Names::default()
    }
}

/// The password found for a server, as text.
pub(super) fn key_of(text: &[u8], names: &Names) -> Option<String> {
    let hit = look_up(text, names, is_key).hit?;
    Some(String::from_utf8_lossy(&hit.password).into_owned())
}

pub(super) fn stored(text: &[u8], names: &Names) -> Edited {
    store(text, names, NEW.as_bytes(), is_key, BareHost::Follow).expect("can be edited")
}

pub(super) fn forgotten(text: &[u8], names: &Names) -> Edited {
    forget(text, names, is_key).expect("can be edited")
}
