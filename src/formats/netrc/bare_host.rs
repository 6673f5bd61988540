//! The entry for the server's host without the port.
//!
//! The SDK 0.22 and older look up the key of `https://h:8443` under `machine h`. But
//! that is also the entry of `https://h`, and curl uses it for every port. So the
//! rule is: such an entry is about this server only if it holds a key that the file
//! also holds for this server. It then follows a change of that key. Any other entry
//! stays, unless the caller asks for the key to be stored there.

use super::edit::{Edited, Editor, Goal, store_entry, unchanged};
use super::entries::{Entries, Entry};
use super::{IsKey, Names, note};
use crate::log::Note;
use crate::util::secret::WipedBytes;

/// What storing a key does with the entry for the host without the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BareHost {
    /// Replaces the key in it if it is the one that is replaced for the server.
    Follow,
    /// Stores the key in it.
    Store,
}

/// Stores the key for the bare host by the rule. `None`: the edit is not about it.
pub(super) fn store(
    text: &[u8],
    names: &Names,
    key: &[u8],
    is_key: IsKey,
    rule: BareHost,
) -> Result<Option<Edited>, Note> {
    let Some(bare) = names.bare_host.map(Names::only) else {
        return Ok(None);
    };
    let entries = Entries::parse(text, &bare, is_key)?;
    if rule == BareHost::Follow && entries.entries.is_empty() {
        return Ok(None);
    }
    let mut old = server_keys(text, names, is_key)?;
    old.retain(|old| **old != *key);
    let mut edited = match rule {
        BareHost::Follow => Editor::of_holders(&bare, is_key, Goal::Store(key), &old).edit(text)?,
        BareHost::Store => store_entry(text, &bare, key, is_key).unwrap_or_else(|problem| Edited {
            notes: vec![not_stored(&bare, &problem)],
            ..unchanged(text)
        }),
    };
    old.push(WipedBytes::new(key.to_vec()));
    let message = match rule {
        BareHost::Follow => kept(names.netloc, bare.netloc),
        BareHost::Store => replaced(bare.netloc),
    };
    edited
        .notes
        .extend(note_other_key(&entries, is_key, &old, message));
    edited.bare_host_changed = edited.changed;
    Ok(Some(edited))
}

/// Removes the bare host's entries that hold a key of the server. `None`: the edit
/// is not about them.
pub(super) fn forget(text: &[u8], names: &Names, is_key: IsKey) -> Result<Option<Edited>, Note> {
    let Some(bare) = names.bare_host.map(Names::only) else {
        return Ok(None);
    };
    let entries = Entries::parse(text, &bare, is_key)?;
    if entries.entries.is_empty() {
        return Ok(None);
    }
    let keys = server_keys(text, names, is_key)?;
    let mut edited = Editor::of_holders(&bare, is_key, Goal::Forget, &keys).edit(text)?;
    let message = kept(names.netloc, bare.netloc);
    edited
        .notes
        .extend(note_other_key(&entries, is_key, &keys, message));
    edited.bare_host_changed = edited.changed;
    Ok(Some(edited))
}

/// A note about the last entry of ours that holds another key than these.
fn note_other_key(
    entries: &Entries,
    is_key: IsKey,
    known: &[WipedBytes],
    message: String,
) -> Option<Note> {
    let is_other = |entry: &&Entry| {
        let key = entry.key(entries.text, is_key).filter(|_| entry.ours);
        key.is_some_and(|key| !known.contains(&key))
    };
    let other = entries.entries.iter().rfind(is_other)?;
    Some(note(entries.text, other.keyword.start, message))
}

/// The keys in our entries for the server with its port.
pub(super) fn server_keys(
    text: &[u8],
    names: &Names,
    is_key: IsKey,
) -> Result<Vec<WipedBytes>, Note> {
    let entries = Entries::parse(text, &names.with_port(), is_key)?;
    let ours = entries.entries.iter().filter(|entry| entry.ours);
    Ok(ours.filter_map(|entry| entry.key(text, is_key)).collect())
}

fn kept(netloc: &str, machine: &str) -> String {
    format!(
        "kept the different key for machine '{machine}', which can belong to another server on \
         that host; the Python SDK 0.22 and older use it for {netloc}"
    )
}

fn replaced(machine: &str) -> String {
    format!(
        "replaced a different key for machine '{machine}', which other servers on that host may \
         use"
    )
}

fn not_stored(bare: &Names, problem: &Note) -> Note {
    Note {
        line: problem.line,
        text: format!(
            "the key was not stored for machine '{}': {}",
            bare.netloc, problem.text
        ),
    }
}
