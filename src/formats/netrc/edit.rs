//! Changing our entry and not one byte else.

use super::entries::{Entries, same_for_others};
use super::patch::{Patch, Remove};
use super::scan::{Dialect, Kind};
use super::{IsKey, Match, Names, Naming, Stop, dialect_of, look_up, note, shown, single_quoted};
use crate::log::Note;
use crate::util::secret::WipedBytes;

/// Logins of other tools that are worth a warning each.
const FOREIGN_NOTES: usize = 8;
/// No name is longer; a secret is.
const LOGIN_LEN: usize = 32;

/// The file as it shall be, and what is worth telling about it.
pub(crate) struct Edited {
    pub text: WipedBytes,
    /// False: the text is the old one, and nothing needs to be written.
    pub changed: bool,
    pub notes: Vec<Note>,
    /// Logins of entries of the same machine that belong to other tools, and
    /// stay; fit to be shown.
    pub foreign_logins: Vec<String>,
    /// The SDK cannot read the new text, and why.
    pub sdk_stops: Option<Stop>,
    /// How many entries went.
    pub removed: usize,
}

/// A word that every netrc reader reads as it is written.
fn is_plain_word(word: &[u8]) -> bool {
    let odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f || b"\"'\\".contains(byte);
    !word.is_empty() && !word.starts_with(b"#") && !word.iter().any(odd)
}

/// Stores a key: in our entry, if there is one, else in a new one; and in an
/// entry under the cloud's other name, if there is one. A text that cannot be
/// edited is an error.
pub(crate) fn store(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) -> Result<Edited, Note> {
    if names.netloc == "default" {
        let message = "a machine called 'default' would stand for every other machine";
        return Err(note(text, 0, message));
    }
    if !is_plain_word(names.netloc.as_bytes()) || !is_plain_word(key) {
        let message = "the key or the machine name holds characters that netrc cannot hold";
        return Err(note(text, 0, message));
    }
    let good = |text: &[u8]| holds(text, names, key, is_key);
    let edited = settle(text, |text| store_once(text, names, key, is_key), good)?;
    let accepts = |text: &[u8]| dialect_of(text).0 == Dialect::CPython;
    if edited.sdk_stops.is_some() && accepts(text) && !accepts(&edited.text) {
        // Better not saved than a file that Python reads no more.
        let message = "no change leaves the file readable for Python; put its entries in order";
        return Err(note(text, 0, message));
    }
    Ok(edited)
}

/// Edits once more where that is not enough: CPython, which refused the file,
/// may accept what is left of it, and read it otherwise than we did; or words of
/// ours behind stray ones have become part of another entry of ours.
fn settle(
    text: &[u8],
    once: impl Fn(&[u8]) -> Result<Edited, Note>,
    good: impl Fn(&[u8]) -> bool,
) -> Result<Edited, Note> {
    let mut edited = once(text)?;
    let mut refused = dialect_of(text).0 == Dialect::Lenient;
    for _ in 0..3 {
        let now_accepted = refused && dialect_of(&edited.text).0 == Dialect::CPython;
        if good(&edited.text) && !now_accepted {
            break;
        }
        refused &= !now_accepted;
        let again = once(&edited.text)?;
        edited = Edited {
            removed: edited.removed + again.removed,
            changed: *again.text != text,
            ..again
        };
    }
    if !good(&edited.text) && good(text) {
        // Tidying up a file that is mostly not netrc would do harm.
        edited.text = WipedBytes::new(text.to_vec());
        edited.sdk_stops = dialect_of(text).1;
        (edited.changed, edited.removed) = (false, 0);
    }
    Ok(edited)
}

/// Whether the server's key is found in the text.
fn holds(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) -> bool {
    let hit = look_up(text, names, is_key).hit;
    hit.is_some_and(|hit| *hit.password == key)
}

fn store_once(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) -> Result<Edited, Note> {
    let survey = Entries::of(text, names, is_key)?;
    let netloc = names.netloc.as_bytes();
    let foreign = survey
        .entries
        .iter()
        .rfind(|entry| !entry.ours && entry.naming == Naming::Netloc);
    let after = foreign.map_or(0, |entry| entry.keyword.start);
    let last = survey.ours(Naming::Netloc).next_back();
    let kept = last.filter(|entry| foreign.is_none() || entry.keyword.start > after);
    let mut edited = edit(
        &survey,
        names,
        |plan| {
            for naming in [
                Naming::Netloc,
                Naming::Quoted,
                Naming::Spelled,
                Naming::Alias,
            ] {
                let mut entries = survey.ours(naming).rev();
                match naming {
                    Naming::Netloc if kept.is_none() => {}
                    Naming::Quoted => {}
                    _ => {
                        if let Some(entry) = entries.next() {
                            let name = match naming {
                                Naming::Spelled => names.spelled,
                                Naming::Alias => names.alias,
                                _ => None,
                            };
                            plan.set(entry, name.unwrap_or(names.netloc).as_bytes(), key);
                        }
                    }
                }
                // A duplicate without a password holds no key, and stays.
                let keys = entries.filter(|entry| entry.last(Kind::Password).is_some());
                keys.for_each(|entry| plan.remove(entry));
            }
            if kept.is_none() {
                let account = last
                    .and_then(|entry| entry.last(Kind::Account))
                    .filter(|account| !account.open);
                let account = account.map(|account| &text[account.start..account.end]);
                plan.insert(
                    after,
                    netloc,
                    account.filter(|account| !account.is_empty()),
                    key,
                );
            }
        },
        |text| holds(text, names, key, is_key),
    );
    tell_foreign(&survey, &mut edited, is_key);
    Ok(edited)
}

/// Removes the server's keys, under all its names but the bare host; entries
/// of other tools stay.
pub(crate) fn forget(text: &[u8], names: &Names, is_key: IsKey) -> Result<Edited, Note> {
    let good = |text: &[u8]| {
        let hit = look_up(text, names, is_key).hit;
        hit.is_none_or(|hit| hit.how == Match::BareHost || !is_key(&hit.password))
    };
    settle(text, |text| forget_once(text, names, is_key), good)
}

fn forget_once(text: &[u8], names: &Names, is_key: IsKey) -> Result<Edited, Note> {
    let survey = Entries::of(text, names, is_key)?;
    let forget = |plan: &mut Patch| {
        let ours = survey.entries.iter().filter(|entry| entry.ours);
        for entry in ours.filter(|entry| entry.naming != Naming::BareHost) {
            plan.remove(entry);
        }
    };
    let mut edited = edit(&survey, names, forget, |_| true);
    tell_foreign(&survey, &mut edited, is_key);
    Ok(edited)
}

/// Makes the changes, in the way that leaves the file readable for CPython if
/// it was before, with the same entries for everybody else, and `good` for what
/// it was made for.
fn edit<'a>(
    survey: &'a Entries<'a>,
    names: &Names,
    make: impl Fn(&mut Patch<'a>),
    good: impl Fn(&[u8]) -> bool,
) -> Edited {
    let attempt = |remove| {
        let mut plan = Patch {
            survey,
            remove,
            changes: Vec::new(),
            removed: 0,
        };
        make(&mut plan);
        let removed = plan.removed;
        let text = plan.apply();
        let changed = *text != survey.text;
        let (dialect, sdk_stops) = dialect_of(&text);
        let kept = || dialect == Dialect::CPython && same_for_others(survey.text, &text, names);
        let spoilt = survey.accepted && !kept() || !good(&text);
        let edited = Edited {
            text,
            changed,
            notes: Vec::new(),
            foreign_logins: Vec::new(),
            sdk_stops,
            removed,
        };
        (edited, spoilt)
    };
    let (edited, spoilt) = attempt(Remove::Whole);
    if !spoilt || edited.removed == 0 {
        return edited;
    }
    let (mut careful, still_spoilt) = attempt(Remove::Key);
    if still_spoilt {
        return edited;
    }
    careful.notes.push(Note {
        line: 1,
        text: "an entry of ours stays without its key: taken out, it would change how the rest of the file is read".into(),
    });
    careful
}

/// Names the entries of our machine that belong to other tools.
fn tell_foreign(survey: &Entries, edited: &mut Edited, is_key: IsKey) {
    let foreign = survey.entries.iter().filter(|entry| !entry.ours);
    for entry in foreign.filter(|entry| entry.naming != Naming::BareHost) {
        let Some(login) = entry.last(Kind::Login) else {
            continue;
        };
        let login = login.unescape(survey.text);
        let bare = single_quoted(&login).unwrap_or(&login);
        // Some tools keep a token where the login belongs.
        let login = if is_key(bare) || bare.len() > LOGIN_LEN {
            "(a token)".to_owned()
        } else {
            shown(bare)
        };
        if edited.foreign_logins.contains(&login) {
            continue;
        }
        if edited.foreign_logins.len() == FOREIGN_NOTES {
            break;
        }
        let machine = shown(&entry.name.unescape(survey.text));
        let message = format!(
            "the entry for machine '{machine}' with login '{login}' belongs to another tool and stays"
        );
        edited
            .notes
            .push(note(survey.text, entry.keyword.start, message));
        edited.foreign_logins.push(login);
    }
}
