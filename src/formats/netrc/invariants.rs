//! Invariants of reading and editing that hold for every text.

use super::bare_host::{BareHost, server_keys};
use super::entries::{Entries, Entry};
use super::scan::{Dialect, Event, Kind, Scanner};
use super::token::Token;
use super::{IsKey, Match, Names, Naming, dialect_of, forget, line_of, look_up, store};
use crate::log::Note;
use crate::util::secret::WipedBytes;

/// An entry or a macro of the file, with the values of its fields.
type Item = (Vec<u8>, Vec<(u8, Vec<u8>)>);

/// Reads, stores and forgets, and checks the invariants.
///
/// # Panics
/// If one is violated.
pub(crate) fn check(text: &[u8], names: &Names, key: &[u8], is_key: IsKey) {
    check_lines(text);
    check_skipped_items(text, names);
    check_lenient_entries(text);
    look_up(text, names, is_key);
    check_stored(text, names, key, is_key, BareHost::Follow);
    if names.bare_host.is_some() {
        check_stored(text, names, key, is_key, BareHost::Store);
    }
    if let Ok(gone) = forget(text, names, is_key) {
        let affected = affected_names(text, names, is_key);
        check_others(text, &affected, is_key, &gone.text);
        check_other_keys(text, names, is_key, &gone.text);
        let hit = look_up(&gone.text, names, is_key).hit;
        let foreign = has_foreign_login(text, names, is_key);
        let keys = server_keys(text, names, is_key).expect("the edit succeeded");
        let other = |password: &WipedBytes| !keys.contains(password);
        assert!(
            hit.is_none_or(|hit| foreign
                || hit.how == Match::BareHost && other(&hit.password)
                || !is_key(&hit.password)),
            "a key is still found after it was removed"
        );
        assert_eq!(gone.changed, *gone.text != *text);
    }
}

fn check_stored(text: &[u8], names: &Names, key: &[u8], is_key: IsKey, rule: BareHost) {
    let Ok(stored) = store(text, names, key, is_key, rule) else {
        return;
    };
    let affected = match rule {
        BareHost::Follow => affected_names(text, names, is_key),
        BareHost::Store => *names,
    };
    check_edit(text, &affected, key, is_key, &stored.text);
    if rule == BareHost::Follow {
        check_other_keys(text, names, is_key, &stored.text);
    }
    let noted = has_foreign_login(text, &affected, is_key) || stored.sdk_error.is_some();
    let is_read = |names: &Names| {
        let hit = look_up(&stored.text, names, is_key).hit;
        hit.is_some_and(|hit| *hit.password == key)
    };
    assert!(is_read(names), "the stored key is not read back");
    if let Some(host) = names.bare_host
        && rule == BareHost::Store
    {
        let refused = |note: &Note| note.text.starts_with("the key was not stored for machine");
        let read = is_read(&Names::only(host)) || stored.notes.iter().any(refused);
        assert!(read || noted, "the bare host does not have the key");
    }
    if !noted && !closes_a_quote(text, &affected, is_key) {
        let twice =
            store(&stored.text, names, key, is_key, rule).expect("the first edit succeeded");
        assert!(
            !twice.changed,
            "storing the same key again changes the file"
        );
    }
    assert_eq!(stored.changed, *stored.text != *text);
}

/// The names whose entries an edit may change: that of the bare host only if one of
/// its entries holds a key of the server.
fn affected_names<'a>(text: &[u8], names: &Names<'a>, is_key: IsKey) -> Names<'a> {
    let keys = server_keys(text, names, is_key).unwrap_or_default();
    let held = |host| {
        Entries::parse(text, &Names::only(host), is_key).is_ok_and(|entries| {
            let mut held = entries
                .entries
                .iter()
                .filter_map(|entry| entry.key(text, is_key));
            held.any(|key| keys.contains(&key))
        })
    };
    match names.bare_host {
        Some(host) if held(host) => *names,
        _ => names.with_port(),
    }
}

/// The bare host's entries with keys of other servers stay.
fn check_other_keys(text: &[u8], names: &Names, is_key: IsKey, new: &[u8]) {
    let Some(host) = names.bare_host else { return };
    let names_of_host = Names::only(host);
    let accepted = dialect_of(text).0 == Dialect::CPython;
    if !accepted || closes_a_quote(text, names, is_key) {
        return;
    }
    let keys = server_keys(text, names, is_key).expect("CPython accepts the file");
    let held = |text| -> Vec<_> {
        let entries = Entries::parse(text, &names_of_host, is_key).expect("the same encoding");
        let held = entries
            .entries
            .iter()
            .filter_map(|entry| entry.key(text, is_key));
        held.filter(|key| !keys.contains(key)).collect()
    };
    let after = held(new);
    assert!(
        held(text).iter().all(|key| after.contains(key)),
        "a key of another server was removed"
    );
}

/// Whether another tool has an entry with a login for the server.
pub(crate) fn has_foreign_login(text: &[u8], names: &Names, is_key: IsKey) -> bool {
    server_entries(text, names, is_key)
        .iter()
        .any(|entry| !entry.ours && entry.last(Kind::Login).is_some())
}

/// The server's entries, those of the bare host included, in the order of the file.
fn server_entries(text: &[u8], names: &Names, is_key: IsKey) -> Vec<Entry> {
    let bare = names.bare_host.map(Names::only);
    let mut entries: Vec<Entry> = std::iter::once(names.with_port())
        .chain(bare)
        .filter_map(|names| Entries::parse(text, &names, is_key).ok())
        .flat_map(|entries| entries.entries)
        .collect();
    entries.sort_by_key(|entry| entry.keyword.start);
    entries
}

fn check_edit(text: &[u8], names: &Names, key: &[u8], is_key: IsKey, new: &[u8]) {
    check_others(text, names, is_key, new);
    if dialect_of(text).0 != Dialect::CPython {
        return;
    }
    let entries = server_entries(text, names, is_key);
    // The bytes outside our entries are kept in order. The white space around a
    // removed entry goes with it, and so does a comment after its last token.
    let space = |byte: &&u8| byte.is_ascii_whitespace();
    let mut rest = new.iter();
    let mut at = 0;
    let mut ours = 0;
    for entry in entries.iter().filter(|entry| entry.ours) {
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
    let fields = entries.iter().flat_map(|entry| &entry.fields);
    let account = fields
        .map(|field| field.value.end - field.value.start)
        .max();
    let new_entries = 1 + usize::from(names.bare_host.is_some());
    let most = text.len() + (ours + new_entries) * entry + account.unwrap_or(0);
    assert!(new.len() <= most, "too much was added");
}

/// An edit closes an open quote in our entry at the end of its line. The lines
/// after it, which were part of the token, become entries or unknown tokens.
fn closes_a_quote(text: &[u8], names: &Names, is_key: IsKey) -> bool {
    let entries = server_entries(text, names, is_key);
    let mut ours = entries.iter().filter(|entry| entry.ours);
    ours.any(|entry| entry.fields.iter().any(|field| field.value.open))
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

/// An item: its event, where the item before it ended, keyword and value, if any.
type Scanned = (Event, usize, Token, Option<Token>);

/// What one scan has read: its items with their spans, where the editor may add an
/// entry, and why CPython refuses the file.
fn scanned(text: &[u8], skip: impl Fn(&mut Scanner)) -> (Vec<Scanned>, String) {
    let mut scanner = Scanner::new(text, Dialect::CPython);
    let mut items = Vec::new();
    loop {
        skip(&mut scanner);
        match scanner.next() {
            Ok(Some(item)) => {
                let value = (item.event != Event::Default).then_some(*item.value);
                items.push((item.event, item.before, *item.keyword, value));
            }
            Ok(None) => {
                let end = scanner.end();
                return (items, format!("{:?} {}", end.gap, end.open_macro));
            }
            Err(refusal) => return (items, format!("{refusal:?}")),
        }
    }
}

/// A scan that skips plain items reads the others and the end as a scan of the whole
/// text does, and skips no entry of the server.
fn check_skipped_items(text: &[u8], names: &Names) {
    let (all, end) = scanned(text, |_| {});
    let (kept, kept_end) = scanned(text, |scanner| {
        scanner.skip_plain_items(|name| Naming::of_bytes(name, names).is_some());
    });
    assert_eq!(kept_end, end, "the end is read differently after a skip");
    let mut kept = kept.into_iter().peekable();
    for item in all {
        if kept.next_if_eq(&item).is_none() {
            let (event, _, _, value) = item;
            let ours = value.is_some_and(|value| Naming::of(&value, text, names).is_some());
            let other = event == Event::Machine && !ours;
            assert!(
                other || matches!(event, Event::Field(_)),
                "{event:?} was skipped"
            );
        }
    }
    assert_eq!(
        kept.next(),
        None,
        "an item is read differently after a skip"
    );
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
                let is_named = |names: &Names| Naming::of(value, text, names).is_some();
                ours = is_named(names)
                    || names
                        .bare_host
                        .map(Names::only)
                        .as_ref()
                        .is_some_and(is_named);
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
