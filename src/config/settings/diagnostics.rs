//! What is wrong with a settings file, and what the Python SDK makes of it.

use super::SettingsFile;
use crate::formats::ini::{self, Document, shown};
use crate::log::Note;

/// The names that the SDK (wandb 0.31) accepts in a settings file, one per
/// line. Any other name makes it drop the settings of both files.
const SDK_FIELDS: &str = include_str!("../sdk_fields.txt");

/// At most this many unknown names are noted.
pub(super) const MAX_UNKNOWN: usize = 8;

/// At most this many names are checked.
const MAX_NAMES: usize = 1000;

pub(crate) struct Diagnostics {
    /// What was ignored or is ambiguous, by line.
    pub(crate) notes: Vec<Note>,
    /// The first line because of which the SDK reads nothing from this file.
    pub rejected_by_sdk: Option<Note>,
    /// Whether the SDK drops the settings of both files because of a name here.
    pub unknown_to_sdk: bool,
}

impl SettingsFile {
    /// Takes longer than reading the values, so it runs only for a reader.
    pub(crate) fn diagnostics(&self) -> Diagnostics {
        let document = Document::parse(&self.text);
        let unknown: Vec<Note> = document
            .keys()
            .take(MAX_NAMES)
            .filter(|(key, _)| !is_known_to_sdk(key))
            .take(MAX_UNKNOWN)
            .map(|(key, line)| Note {
                line,
                text: format!(
                    "{} is not a W&B setting; the Python SDK drops the settings of all files because of it",
                    shown(key)
                ),
            })
            .collect();
        let unknown_to_sdk = !unknown.is_empty();
        let ignored = document.ignored_sections(is_known_to_sdk).take(MAX_UNKNOWN);
        let ignored = ignored.map(|(name, line)| Note {
            line,
            text: format!(
                "the section {} is not read; W&B's settings are in [default]",
                shown(name)
            ),
        });
        let ini::Diagnostics {
            mut notes,
            rejected_by_sdk,
        } = document.diagnostics();
        notes.extend(self.notes.iter().cloned());
        notes.extend(unknown);
        notes.extend(ignored);
        notes.sort_by_key(|note| note.line);
        Diagnostics {
            notes,
            rejected_by_sdk,
            unknown_to_sdk,
        }
    }
}

/// The SDK also accepts `_name` for `x_name`.
pub(super) fn is_known_to_sdk(key: &[u8]) -> bool {
    SDK_FIELDS
        .lines()
        .map(str::as_bytes)
        .any(|name| name == key || key.starts_with(b"_") && name.strip_prefix(b"x") == Some(key))
}
