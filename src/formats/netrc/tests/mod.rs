//! What the reader and the editor owe: the SDK's recorded behaviour, agreement
//! with the CPython at hand, and the laws of editing.

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
    store(text, names, NEW.as_bytes(), is_key).expect("can be edited")
}

pub(super) fn forgotten(text: &[u8], names: &Names) -> Edited {
    forget(text, names, is_key).expect("can be edited")
}

#[test]
fn lines_are_counted_in_long_texts_of_every_kind() {
    for (line, lines) in [
        ("password 0000000000\n", 1),
        ("password 0000000000\r\n", 1),
        ("login user\rpassword 0\r\r\n", 3),
        ("# Schl\u{fc}ssel \u{9b}\u{8a}\n", 1),
        ("\n", 1),
        ("\u{8d}", 0),
    ] {
        for count in [0, 1, 7, 255, 256, 1000] {
            let text = line.repeat(count);
            let found = token::line_of(text.as_bytes(), text.len());
            assert_eq!(found, 1 + lines * count, "{count} of {line:?}");
        }
    }
}
