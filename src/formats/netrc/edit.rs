//! Stores or removes the server's key and leaves every other byte as it is.

use super::bare_host::{self, BareHost};
use super::entries::{Entries, Entry, others_unchanged, same_items};
use super::patch::{Patch, Removal};
use super::scan::{Dialect, Kind};
use super::{IsKey, Names, Naming, SdkError, dialect_of, look_up, note, shown, single_quoted};
use crate::log::Note;
use crate::util::secret::WipedBytes;

/// How many logins of other tools are reported; a file can have thousands.
const MAX_FOREIGN: usize = 8;

/// A longer login is taken for a token and not shown.
const MAX_LOGIN: usize = 32;

/// How often an edit is repeated if it has not reached its goal.
const MAX_PASSES: usize = 4;

/// The edited file, and what the user should know about it.
pub(crate) struct Edited {
    pub text: WipedBytes,
    /// False: the text is the old one, and nothing needs to be written.
    pub changed: bool,
    pub notes: Vec<Note>,
    /// Why the SDK cannot read the new text.
    pub sdk_error: Option<SdkError>,
    /// How many entries were removed.
    pub removed: usize,
    /// The entry for the host without the port was changed, too.
    pub bare_host_changed: bool,
}

impl Edited {
    /// This edit, followed by another one of its text.
    fn then(mut self, next: Edited) -> Edited {
        for note in next.notes {
            if self.notes.iter().all(|known| known.text != note.text) {
                self.notes.push(note);
            }
        }
        Edited {
            notes: self.notes,
            changed: self.changed || next.changed,
            removed: self.removed + next.removed,
            bare_host_changed: self.bare_host_changed || next.bare_host_changed,
            ..next
        }
    }
}

/// Stores a key: in our entry if there is one, else in a new one. Also updates an
/// entry under the cloud's other name, and that of the bare host by its rule. A
/// look-up in the new text finds the key.
///
/// The error says why the file cannot be edited.
pub(crate) fn store(
    text: &[u8],
    names: &Names,
    key: &[u8],
    is_key: IsKey,
    rule: BareHost,
) -> Result<Edited, Note> {
    let once = |text: &[u8]| match bare_host::store(text, names, key, is_key, rule)? {
        None => store_entry(text, &names.with_port(), key, is_key),
        // The server's own edit is the last one, so that the other cannot undo it.
        Some(bare) => {
            store_entry(&bare.text, &names.with_port(), key, is_key).map(|own| bare.then(own))
        }
    };
    edit_with_bare_host(text, names, once)
}

/// Runs an edit that includes the bare host's entry: a second time if CPython
/// accepts the edited file only, because it may read it differently.
fn edit_with_bare_host(
    text: &[u8],
    names: &Names,
    once: impl Fn(&[u8]) -> Result<Edited, Note>,
) -> Result<Edited, Note> {
    let mut edited = once(text)?;
    if names.bare_host.is_some() && !is_accepted(text) && is_accepted(&edited.text) {
        let next = once(&edited.text)?;
        edited = edited.then(next);
    }
    edited.changed = *edited.text != *text;
    Ok(edited)
}

/// Stores a key under the names of an entry.
pub(super) fn store_entry(
    text: &[u8],
    names: &Names,
    key: &[u8],
    is_key: IsKey,
) -> Result<Edited, Note> {
    if names.netloc == "default" {
        let message = "the server's name is 'default', which netrc reserves for all other machines";
        return Err(note(text, 0, message));
    }
    if !is_plain_word(names.netloc.as_bytes()) || !is_plain_word(key) {
        let message = "the key or the server's name has characters that netrc cannot represent";
        return Err(note(text, 0, message));
    }
    let editor = Editor::new(names, is_key, Goal::Store(key));
    let mut edited = editor.edit(text)?;
    if !editor.is_reached(&edited.text) {
        edited = editor.edit_completed(text)?;
    }
    if edited.sdk_error.is_some() && is_accepted(text) && !is_accepted(&edited.text) {
        let message =
            "cannot add the key in a way that Python can still parse the file; edit it by hand";
        return Err(note(text, 0, message));
    }
    Ok(edited)
}

/// Removes the server's keys under all its names, and under the bare host where
/// it holds one of them. The entries of other tools stay.
///
/// The error says why the file cannot be edited.
pub(crate) fn forget(text: &[u8], names: &Names, is_key: IsKey) -> Result<Edited, Note> {
    let own = |text: &[u8]| Editor::new(&names.with_port(), is_key, Goal::Forget).edit(text);
    let once = |text: &[u8]| match bare_host::forget(text, names, is_key)? {
        None => own(text),
        Some(bare) => own(&bare.text).map(|own| bare.then(own)),
    };
    edit_with_bare_host(text, names, once)
}

/// Removes the keys of each of these machines.
pub(crate) fn forget_each(text: &[u8], machines: &[String], is_key: IsKey) -> Result<Edited, Note> {
    let mut edited = unchanged(text);
    for machine in machines {
        let next = forget(&edited.text, &Names::only(machine), is_key)?;
        edited = edited.then(next);
    }
    Ok(edited)
}

/// The outcome of an edit that leaves the text as it is.
pub(super) fn unchanged(text: &[u8]) -> Edited {
    Edited {
        text: WipedBytes::new(text.to_vec()),
        changed: false,
        notes: Vec::new(),
        sdk_error: dialect_of(text).1,
        removed: 0,
        bare_host_changed: false,
    }
}

/// Whether every netrc reader reads the word as it is written.
fn is_plain_word(word: &[u8]) -> bool {
    let special = |byte: &u8| *byte <= b' ' || *byte == 0x7f || b"\"'\\".contains(byte);
    !word.is_empty() && !word.starts_with(b"#") && !word.iter().any(special)
}

/// Whether CPython accepts the file.
fn is_accepted(text: &[u8]) -> bool {
    dialect_of(text).0 == Dialect::CPython
}

/// What an edit is for.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    Store(&'a [u8]),
    Forget,
}

pub(super) struct Editor<'a> {
    names: &'a Names<'a>,
    is_key: IsKey,
    goal: Goal<'a>,
    /// Change only the entries that hold one of these keys.
    holding: Option<&'a [WipedBytes]>,
}

impl<'a> Editor<'a> {
    fn new(names: &'a Names<'a>, is_key: IsKey, goal: Goal<'a>) -> Editor<'a> {
        Editor {
            names,
            is_key,
            goal,
            holding: None,
        }
    }

    /// An editor that changes only the entries that hold one of the keys.
    pub(super) fn of_holders(
        names: &'a Names<'a>,
        is_key: IsKey,
        goal: Goal<'a>,
        keys: &'a [WipedBytes],
    ) -> Editor<'a> {
        Editor {
            holding: Some(keys),
            ..Editor::new(names, is_key, goal)
        }
    }

    /// The entries that the goal is about.
    fn affected<'e>(&self, entries: &'e Entries) -> impl Iterator<Item = &'e Entry> {
        let affected = |entry: &&Entry| {
            let key = entry.key(entries.text, self.is_key);
            self.holding
                .is_none_or(|keys| key.is_some_and(|key| keys.contains(&key)))
        };
        entries
            .entries
            .iter()
            .filter(|entry| entry.ours)
            .filter(affected)
    }

    /// Edits until the goal is reached. One pass may not be enough: CPython may
    /// accept the edited file and read it differently from the lenient dialect,
    /// or our tokens after unknown ones may have become part of another entry.
    pub(super) fn edit(&self, text: &[u8]) -> Result<Edited, Note> {
        let mut edited = self.pass(text)?;
        let mut refused = !is_accepted(text);
        for _ in 1..MAX_PASSES {
            let newly_accepted = refused && is_accepted(&edited.text);
            if self.is_reached(&edited.text) && !newly_accepted {
                break;
            }
            refused &= !newly_accepted;
            let next = self.pass(&edited.text)?;
            edited = Edited {
                removed: edited.removed + next.removed,
                changed: *next.text != *text,
                ..next
            };
        }
        if !self.is_reached(&edited.text) && self.is_reached(text) {
            // The file is mostly not netrc: the edit did more harm than good.
            let notes = edited.notes;
            edited = Edited {
                notes,
                ..unchanged(text)
            };
        }
        Ok(edited)
    }

    /// Edits after completing the last entry of the file: a new entry cannot
    /// follow an open quote or a missing value, and before an entry of another
    /// tool for the same machine it is not found. The completion changes no value.
    fn edit_completed(&self, text: &[u8]) -> Result<Edited, Note> {
        let dialect = dialect_of(text).0;
        for end in [b"\"\"".as_slice(), b" \"\"", b"\""] {
            let mut completed = WipedBytes::new(Vec::with_capacity(text.len() + end.len()));
            completed.extend_from_slice(text);
            completed.extend_from_slice(end);
            let unchanged = dialect_of(&completed).0 == dialect
                && same_items(text, &completed, &Names::default(), dialect);
            let entries = Entries::parse(&completed, self.names, self.is_key)?;
            if !unchanged || entries.end.gap.end < completed.len() {
                continue;
            }
            let edited = self.edit(&completed)?;
            if self.is_reached(&edited.text) {
                return Ok(Edited {
                    changed: true,
                    ..edited
                });
            }
        }
        let entries = Entries::parse(text, self.names, self.is_key)?;
        let at = entries
            .foreign()
            .next_back()
            .map(|entry| entry.keyword.start);
        let message = "a key stored in this file would not be found: the entry for this machine \
                       is incomplete, or hidden by text that is not netrc; correct it by hand";
        Err(note(text, at.unwrap_or(0), message))
    }

    /// Whether a look-up in the text shows that the goal is reached.
    fn is_reached(&self, text: &[u8]) -> bool {
        if self.holding.is_some() {
            return Entries::parse(text, self.names, self.is_key)
                .is_ok_and(|entries| self.affected(&entries).next().is_none());
        }
        let hit = look_up(text, self.names, self.is_key).hit;
        match self.goal {
            Goal::Store(key) => hit.is_some_and(|hit| *hit.password == *key),
            Goal::Forget => hit.is_none_or(|hit| !(self.is_key)(&hit.password)),
        }
    }

    /// Edits once: removes entries as a whole if the rest of the file is still
    /// read as before, else only their keys.
    fn pass(&self, text: &[u8]) -> Result<Edited, Note> {
        let entries = Entries::parse(text, self.names, self.is_key)?;
        let mut edited = self.patched(&entries, Removal::Entry);
        if edited.removed > 0 && self.is_damaged(&entries, &edited.text) {
            let careful = self.patched(&entries, Removal::Key);
            if !self.is_damaged(&entries, &careful.text) {
                edited = careful;
                edited.notes.push(Note {
                    line: 1,
                    text: "removed the key but kept the entry: deleting it would change how the \
                           rest of the file is parsed"
                        .into(),
                });
            }
        }
        if self.holding.is_none() {
            edited.notes.extend(self.foreign_notes(&entries));
        }
        Ok(edited)
    }

    fn patched(&self, entries: &Entries, removal: Removal) -> Edited {
        let mut patch = Patch::new(entries, removal);
        match self.goal {
            Goal::Store(key) if self.holding.is_none() => self.store_key(&mut patch, key),
            Goal::Store(key) => self
                .affected(entries)
                .for_each(|entry| patch.set(entry, self.names.netloc.as_bytes(), key)),
            Goal::Forget => self.affected(entries).for_each(|entry| patch.remove(entry)),
        }
        let removed = patch.removed;
        let text = patch.apply();
        Edited {
            changed: *text != *entries.text,
            notes: Vec::new(),
            sdk_error: dialect_of(&text).1,
            removed,
            bare_host_changed: false,
            text,
        }
    }

    /// Whether CPython reads the rest of an accepted file differently, or a stored
    /// key is not found.
    fn is_damaged(&self, entries: &Entries, new: &[u8]) -> bool {
        let intact = || is_accepted(new) && others_unchanged(entries.text, new, self.names);
        let missing = || matches!(self.goal, Goal::Store(_)) && !self.is_reached(new);
        entries.accepted && !intact() || missing()
    }

    /// Leaves one entry with the key for each name that the file has for the
    /// server, and at least one under its own name.
    fn store_key<'p>(&self, patch: &mut Patch<'p>, key: &'p [u8])
    where
        'a: 'p,
    {
        let entries = patch.entries;
        let netloc = self.names.netloc;
        // Readers take the last entry of a name, so ours must come after those of
        // other tools.
        let foreign = entries
            .foreign()
            .rfind(|entry| entry.naming == Naming::Netloc);
        let after = foreign.map_or(0, |entry| entry.keyword.start);
        let last = entries.ours(Naming::Netloc).next_back();
        let kept = last.filter(|entry| foreign.is_none() || entry.keyword.start > after);
        for (naming, name) in [
            (Naming::Netloc, kept.map(|_| netloc)),
            (Naming::Quoted, None),
            (Naming::Spelled, self.names.spelled),
            (Naming::Alias, self.names.alias),
        ] {
            let mut ours = entries.ours(naming).rev();
            if let Some(name) = name
                && let Some(entry) = ours.next()
            {
                patch.set(entry, name.as_bytes(), key);
            }
            // A duplicate without a password holds no key, and stays.
            ours.filter(|entry| entry.last(Kind::Password).is_some())
                .for_each(|entry| patch.remove(entry));
        }
        if kept.is_none() {
            let account = last
                .and_then(|entry| entry.last(Kind::Account))
                .filter(|account| !account.open && account.end > account.start)
                .map(|account| &entries.text[account.start..account.end]);
            patch.insert(after, netloc.as_bytes(), account, key);
        }
    }

    /// Names the entries of our machine that belong to other tools.
    fn foreign_notes(&self, entries: &Entries) -> Vec<Note> {
        let mut logins: Vec<String> = Vec::new();
        let mut notes = Vec::new();
        for entry in entries.foreign() {
            let Some(login) = entry.last(Kind::Login) else {
                continue;
            };
            let login = self.shown_login(&login.unescape(entries.text));
            if logins.contains(&login) {
                continue;
            }
            if logins.len() == MAX_FOREIGN {
                break;
            }
            let machine = shown(&entry.name.unescape(entries.text));
            let message = format!(
                "kept the entry for machine '{machine}' with login '{login}': it belongs to \
                 another tool"
            );
            notes.push(note(entries.text, entry.keyword.start, message));
            logins.push(login);
        }
        notes
    }

    /// A login for a message. Some tools store a token as the login.
    fn shown_login(&self, login: &[u8]) -> String {
        let bare = single_quoted(login).unwrap_or(login);
        match (self.is_key)(bare) || bare.len() > MAX_LOGIN {
            true => "(a token)".to_owned(),
            false => shown(bare),
        }
    }
}
