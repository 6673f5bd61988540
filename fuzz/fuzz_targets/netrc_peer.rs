//! Another project's reader finds the key that our editor stores, in files that it
//! can read and whose tokens all readers read alike.
#![no_main]

mod fixed;

use netrc::Netrc;
use wandb_login::invariants;

const MACHINE: &str = "x.com";

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Readers differ in quotes, escapes, comments and macros.
    let special =
        |c: char| c.is_control() && !c.is_ascii_whitespace() || "\"'\\#\u{b}\u{c}".contains(c);
    if text.contains(special) || !text.is_ascii() || text.contains("macdef") {
        return;
    }
    let read = |text: &str| {
        let netrc: Netrc = text.parse().ok()?;
        let entry = netrc.hosts.get(MACHINE).map(|entry| entry.password.clone());
        Some((netrc.hosts.len(), entry))
    };
    let Some((before, _)) = read(text) else {
        return;
    };
    let Some((edited, key)) = invariants::netrc_with_key(text.as_bytes(), MACHINE) else {
        return;
    };
    let edited = String::from_utf8(edited).expect("it was ASCII");
    let (after, found) = read(&edited).expect("the edited file is still accepted");
    assert_eq!(found.as_deref().map(str::as_bytes), Some(key));
    assert!(
        after == before || after == before + 1,
        "{before} entries became {after}"
    );
});
