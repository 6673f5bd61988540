//! What reading and editing owe to every settings file, however odd.

use super::{Document, clear, set};

/// Reads, sets and clears an option, and checks what must hold.
///
/// # Panics
/// Where it does not.
pub(crate) fn check(text: &[u8], key: &str, value: &str) {
    let before = Document::parse(text);
    for (name, line) in before.keys() {
        assert!(line > 0);
        if let Ok(name) = std::str::from_utf8(name) {
            before.get(name);
            before.conflict(name);
        }
    }
    before.stray(key);
    if let Ok(edited) = set(text, key, value) {
        assert_eq!(edited.changed, *edited.text != *text);
        let after = Document::parse(&edited.text);
        let read = after.get(key).expect("what was set is there");
        assert_eq!(
            *read.text,
            value.as_bytes(),
            "what was set is not read back"
        );
        assert_eq!(read.fault, None);
        assert_eq!(after.conflict(key), None);
        let twice = set(&edited.text, key, value).expect("it was edited before");
        assert!(!twice.changed, "setting twice changes twice");
        check_others(&before, &after, key, text, &edited.text);
    }
    if let Ok(edited) = clear(text, key) {
        assert_eq!(edited.changed, *edited.text != *text);
        let after = Document::parse(&edited.text);
        assert!(after.get(key).is_none(), "what was cleared is still there");
        let mut kept = text.iter();
        assert!(
            edited.text.iter().all(|byte| kept.any(|old| old == byte)),
            "clearing adds nothing"
        );
        check_others(&before, &after, key, text, &edited.text);
    }
}

/// Other options keep their values, but for those that refer to another one
/// or come out of a section that counts only now.
fn check_others(before: &Document, after: &Document, key: &str, text: &[u8], new: &[u8]) {
    if before.has_default != after.has_default || text.contains(&b'%') {
        return;
    }
    let names = |document: &Document| -> Vec<Vec<u8>> {
        let names = document.keys().map(|(name, _)| name.to_vec());
        names.filter(|name| name != key.as_bytes()).collect()
    };
    assert_eq!(names(before), names(after), "options have come or gone");
    for name in names(before) {
        let Ok(name) = std::str::from_utf8(&name) else {
            continue;
        };
        let (old, new) = (before.get(name), after.get(name));
        assert_eq!(
            old.map(|value| value.text.to_vec()),
            new.map(|value| value.text.to_vec()),
            "another option has changed"
        );
    }
    let sdk_reads = |document: &Document| document.rejected_by_sdk.is_none();
    assert!(
        !sdk_reads(before) || sdk_reads(after),
        "the SDK now refuses the file: {:?}",
        String::from_utf8_lossy(new)
    );
}
