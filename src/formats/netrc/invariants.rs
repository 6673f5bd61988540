//! What reading and editing owe to every netrc file, however odd.

use super::entries::Entries;
use super::scan::{Dialect, Event, Kind, Scanner};
use super::token::line_of;
use super::{IsKey, Names, Naming, dialect_of, forget, look_up, store};

/// An entry, a macro or a stray word of the file, as a reader sees it.
type Item = (Vec<u8>, Vec<(u8, Vec<u8>)>);

/// Reads, stores and forgets, and checks what must hold.
///
/// # Panics
/// Where it does not.
pub(crate) fn check(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) {
    check_lines(text);
    look_up(text, names, is_key);
    if let Ok(stored) = store(text, names, key, is_key) {
        check_store(text, names, key, is_key, &stored.text);
        let noted = !stored.foreign_logins.is_empty() || stored.sdk_stops.is_some();
        let hit = look_up(&stored.text, names, is_key).hit;
        let read = hit.is_some_and(|hit| *hit.password == key);
        assert!(read || noted, "what was stored is not read back");
        if !noted && !closes_a_quote(text, names, is_key) {
            let twice = store(&stored.text, names, key, is_key).expect("it was edited before");
            assert!(!twice.changed, "storing twice changes twice");
        }
        assert_eq!(stored.changed, *stored.text != *text);
    }
    if let Ok(gone) = forget(text, names, is_key) {
        check_others(text, names, is_key, &gone.text);
        let hit = look_up(&gone.text, names, is_key).hit;
        let foreign = !gone.foreign_logins.is_empty();
        let bare = |machine: &str| names.bare_host == Some(machine);
        assert!(
            hit.is_none_or(|hit| foreign
                || bare(&hit.machine(&gone.text))
                || !is_key(&hit.password)),
            "a key is still read after it was forgotten"
        );
        assert_eq!(gone.changed, *gone.text != *text);
    }
}

fn check_store(text: &[u8], names: &Names, key: &[u8], is_key: IsKey, new: &[u8]) {
    check_others(text, names, is_key, new);
    let survey = Entries::of(text, names, is_key).expect("it was edited");
    if !survey.accepted {
        return;
    }
    // What stands outside our entries, in its order. The white space around an
    // entry goes with it, and so does a comment behind its last word.
    let space = |byte: &&u8| byte.is_ascii_whitespace();
    let mut rest = new.iter();
    let mut at = 0;
    let mut ours = 0;
    for entry in survey.entries.iter().filter(|entry| entry.ours) {
        let last = entry.fields.last().map_or(entry.name, |field| field.value);
        let outside = &text[at.min(entry.before)..entry.before];
        let mut outside = outside.iter().filter(|byte| !space(byte));
        assert!(
            outside.all(|byte| rest.any(|new| new == byte)),
            "a byte before an entry of ours is gone"
        );
        let line = text[last.end..]
            .iter()
            .position(|byte| b"\r\n".contains(byte));
        at = line.map_or(text.len(), |length| last.end + length);
        // Each of its values may be replaced.
        ours += 1 + entry.fields.len();
    }
    let mut outside = text[at..].iter().filter(|byte| !space(byte));
    assert!(
        outside.all(|byte| rest.any(|new| new == byte)),
        "a byte behind our entries is gone"
    );
    // And there is nothing new but entries of ours, which may repeat an account.
    let words = "machine login user password account".len() + 16;
    let entry = words + 2 * names.netloc.len() + key.len();
    let fields = survey.entries.iter().flat_map(|entry| &entry.fields);
    let account = fields
        .map(|field| field.value.end - field.value.start)
        .max();
    let most = text.len() + (ours + 1) * entry + account.unwrap_or(0);
    assert!(new.len() <= most, "too much was added");
}

/// An open quote in our entry is closed at the end of its line. The lines behind
/// it, which were part of the word, become words of their own: entries again, or
/// stray.
fn closes_a_quote(text: &[u8], names: &Names, is_key: IsKey) -> bool {
    Entries::of(text, names, is_key).is_ok_and(|survey| {
        let mut ours = survey.entries.iter().filter(|entry| entry.ours);
        ours.any(|entry| entry.fields.iter().any(|field| field.value.open))
    })
}

/// Lines end where Python, which reads the file as text, ends them.
fn check_lines(text: &[u8]) {
    let ends = |at: &usize| match text[*at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        byte => byte == b'\n',
    };
    let lines = 1 + (0..text.len()).filter(ends).count();
    assert_eq!(line_of(text, text.len()), lines);
}

/// What CPython accepts it still accepts, and what is not ours it reads as
/// before.
fn check_others(text: &[u8], names: &Names, is_key: IsKey, new: &[u8]) {
    if dialect_of(text).0 == Dialect::CPython && !closes_a_quote(text, names, is_key) {
        assert!(
            dialect_of(new).0 == Dialect::CPython,
            "CPython now refuses the file"
        );
        assert_eq!(
            others(text, names),
            others(new, names),
            "other entries have changed"
        );
    }
}

/// What CPython reads for everybody else.
fn others(text: &[u8], names: &Names) -> Vec<Item> {
    let mut scanner = Scanner::new(text, Dialect::CPython);
    let mut items: Vec<Item> = Vec::new();
    let mut ours = false;
    while let Ok(Some(event)) = scanner.next() {
        let value = scanner.value;
        match event {
            Event::Machine => {
                ours = Naming::of(&value, text, names).is_some();
                if !ours {
                    items.push((value.unescape(text).to_vec(), Vec::new()));
                }
            }
            Event::Default => {
                ours = false;
                items.push((b"default".to_vec(), Vec::new()));
            }
            Event::Field(kind) if !ours => {
                let kind = match kind {
                    Kind::Login => 0,
                    Kind::Account => 1,
                    Kind::Password => 2,
                };
                if let Some((_, fields)) = items.last_mut() {
                    fields.push((kind, value.unescape(text).to_vec()));
                }
            }
            Event::Macro => {
                ours = false;
                items.push((b"macdef".to_vec(), Vec::new()));
            }
            Event::Field(_) | Event::Stray { .. } => {}
        }
    }
    items
}
