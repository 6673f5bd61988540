//! Invariants of reading and editing that hold for every text.

use super::entries::Entries;
use super::scan::{Dialect, Event, Kind, Scanner};
use super::{IsKey, Names, Naming, dialect_of, forget, line_of, look_up, store};

/// An entry or a macro of the file, with the values of its fields.
type Item = (Vec<u8>, Vec<(u8, Vec<u8>)>);

/// Reads, stores and forgets, and checks the invariants.
///
/// # Panics
/// If one is violated.
pub(crate) fn check(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) {
    check_lines(text);
    check_lenient_entries(text);
    look_up(text, names, is_key);
    if let Ok(stored) = store(text, names, key, is_key) {
        check_store(text, names, key, is_key, &stored.text);
        let noted = has_foreign_login(text, names, is_key) || stored.sdk_error.is_some();
        let hit = look_up(&stored.text, names, is_key).hit;
        let read = hit.is_some_and(|hit| *hit.password == key);
        assert!(read, "the stored key is not read back");
        if !noted && !closes_a_quote(text, names, is_key) {
            let twice = store(&stored.text, names, key, is_key).expect("the first edit succeeded");
            assert!(
                !twice.changed,
                "storing the same key again changes the file"
            );
        }
        assert_eq!(stored.changed, *stored.text != *text);
    }
    if let Ok(gone) = forget(text, names, is_key) {
        check_others(text, names, is_key, &gone.text);
        let hit = look_up(&gone.text, names, is_key).hit;
        let foreign = has_foreign_login(text, names, is_key);
        let bare = |machine: &str| names.bare_host == Some(machine);
        assert!(
            hit.is_none_or(|hit| foreign
                || bare(&hit.machine(&gone.text))
                || !is_key(&hit.password)),
            "a key is still found after it was removed"
        );
        assert_eq!(gone.changed, *gone.text != *text);
    }
}

/// Whether another tool has an entry with a login for the server.
pub(crate) fn has_foreign_login(text: &[u8], names: &Names, is_key: IsKey) -> bool {
    Entries::parse(text, names, is_key).is_ok_and(|entries| {
        entries
            .foreign()
            .any(|entry| entry.last(Kind::Login).is_some())
    })
}

fn check_store(text: &[u8], names: &Names, key: &[u8], is_key: IsKey, new: &[u8]) {
    check_others(text, names, is_key, new);
    let entries = Entries::parse(text, names, is_key).expect("the edit succeeded");
    if !entries.accepted {
        return;
    }
    // The bytes outside our entries are kept in order. The white space around a
    // removed entry goes with it, and so does a comment after its last token.
    let space = |byte: &&u8| byte.is_ascii_whitespace();
    let mut rest = new.iter();
    let mut at = 0;
    let mut ours = 0;
    for entry in entries.entries.iter().filter(|entry| entry.ours) {
        let last = entry.fields.last().map_or(entry.name, |field| field.value);
        let outside = &text[at.min(entry.before)..entry.before];
        let mut outside = outside.iter().filter(|byte| !space(byte));
        assert!(
            outside.all(|byte| rest.any(|new| new == byte)),
            "a byte before an entry of ours was removed"
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
        "a byte after our entries was removed"
    );
    // Only entries of ours are added, which may repeat an account.
    let words = "machine login user password account".len() + 16;
    let entry = words + 2 * names.netloc.len() + key.len();
    let fields = entries.entries.iter().flat_map(|entry| &entry.fields);
    let account = fields
        .map(|field| field.value.end - field.value.start)
        .max();
    let most = text.len() + (ours + 1) * entry + account.unwrap_or(0);
    assert!(new.len() <= most, "too much was added");
}

/// An edit closes an open quote in our entry at the end of its line. The lines
/// after it, which were part of the token, become entries or unknown tokens.
fn closes_a_quote(text: &[u8], names: &Names, is_key: IsKey) -> bool {
    Entries::parse(text, names, is_key).is_ok_and(|entries| {
        let mut ours = entries.entries.iter().filter(|entry| entry.ours);
        ours.any(|entry| entry.fields.iter().any(|field| field.value.open))
    })
}

/// In the lenient dialect no password is taken across a line that begins with
/// `machine` or `default`, as a comment or not.
fn check_lenient_entries(text: &[u8]) {
    let mut scanner = Scanner::new(text, Dialect::Lenient);
    let mut start = 0;
    while let Ok(Some(item)) = scanner.next() {
        match item.event {
            Event::Machine | Event::Default => start = item.value.end.max(item.keyword.end),
            Event::Field(Kind::Password) => {
                let between = &text[start..item.value.end];
                let mut lines = between.split(|byte| b"\r\n".contains(byte)).skip(1);
                let begins = |line: &[u8]| {
                    let word = line.iter().skip_while(|byte| b" \t#".contains(byte));
                    let word: Vec<u8> = word
                        .take_while(|byte| !b" \t".contains(byte))
                        .copied()
                        .collect();
                    word == b"machine" || word == b"default"
                };
                assert!(!lines.any(begins), "a password of another entry is taken");
            }
            _ => {}
        }
    }
}

/// Line numbers are those of Python, which opens the file as text.
fn check_lines(text: &[u8]) {
    let ends = |at: &usize| match text[*at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        byte => byte == b'\n',
    };
    let lines = 1 + (0..text.len()).filter(ends).count();
    assert_eq!(line_of(text, text.len()), lines);
}

/// CPython accepts an edited file if it accepted the old one, and reads the
/// entries of others as before.
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

/// What CPython reads, the server's own entries excluded.
fn others(text: &[u8], names: &Names) -> Vec<Item> {
    let mut scanner = Scanner::new(text, Dialect::CPython);
    let mut items: Vec<Item> = Vec::new();
    let mut ours = false;
    while let Ok(Some(item)) = scanner.next() {
        let value = item.value;
        match item.event {
            Event::Machine => {
                ours = Naming::of(value, text, names).is_some();
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
            Event::Macro { .. } => {
                ours = false;
                items.push((b"macdef".to_vec(), Vec::new()));
            }
            Event::Field(_) | Event::Unknown { .. } => {}
        }
    }
    items
}
