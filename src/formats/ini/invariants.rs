//! Invariants of reading and editing that hold for every text.

use super::{Document, clear, set};

/// Reads, sets and clears an option, and checks the invariants.
///
/// # Panics
/// If one is violated.
pub(crate) fn check(text: &[u8], key: &str, value: &str) {
    let before = Document::parse(text);
    for (name, line) in before.keys() {
        assert!(line > 0);
        if let Ok(name) = std::str::from_utf8(name) {
            before.get(name);
            before.conflict(name);
        }
    }
    before.incomplete(key);
    for note in before.diagnostics().notes {
        assert!(note.line > 0 && !note.text.is_empty());
    }
    if let Ok(edited) = set(text, key, value) {
        assert_eq!(edited.changed, *edited.text != *text);
        let after = Document::parse(&edited.text);
        let read = after.get(key).expect("the option is defined");
        assert_eq!(*read.text, value.as_bytes(), "the value is not read back");
        assert_eq!(read.fault, None);
        assert_eq!(after.conflict(key), None);
        let twice = set(&edited.text, key, value).expect("the first edit succeeded");
        assert!(
            !twice.changed,
            "setting the same value again changes the file"
        );
        check_others(&before, &after, key, text, &edited.text);
    }
    if let Ok(edited) = clear(text, key) {
        assert_eq!(edited.changed, *edited.text != *text);
        let after = Document::parse(&edited.text);
        assert!(
            after.get(key).is_none(),
            "the cleared option is still defined"
        );
        let mut kept = text.iter();
        assert!(
            edited.text.iter().all(|byte| kept.any(|old| old == byte)),
            "clearing added bytes"
        );
        check_others(&before, &after, key, text, &edited.text);
    }
}

/// Other options keep their values, and no other one comes into effect. Not
/// checked where one may refer to another.
fn check_others(before: &Document, after: &Document, key: &str, text: &[u8], new: &[u8]) {
    if text.contains(&b'%') {
        return;
    }
    let names = |document: &Document| -> Vec<Vec<u8>> {
        let names = document.keys().map(|(name, _)| name.to_vec());
        names.filter(|name| name != key.as_bytes()).collect()
    };
    assert_eq!(
        names(before),
        names(after),
        "another option was added or removed"
    );
    for name in names(before) {
        let Ok(name) = std::str::from_utf8(&name) else {
            continue;
        };
        let (old, new) = (before.get(name), after.get(name));
        assert_eq!(
            old.map(|value| value.text.to_vec()),
            new.map(|value| value.text.to_vec()),
            "another option changed its value"
        );
    }
    let sdk_reads = |document: &Document| document.diagnostics().rejected_by_sdk.is_none();
    assert!(
        !sdk_reads(before) || sdk_reads(after),
        "the SDK now refuses the file: {:?}",
        String::from_utf8_lossy(new)
    );
}
