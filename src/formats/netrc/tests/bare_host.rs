//! The entry for the host without the port, which old SDKs look up.

use super::invariants::files;
use super::*;

const OTHER: &str = "OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOO";

fn with_port() -> Names<'static> {
    Names {
        netloc: "x.com:80",
        bare_host: Some("x.com"),
        ..Names::default()
    }
}

/// `{K}` is the server's old key, `{N}` its new one, `{O}` the key of another server.
fn file(text: &str) -> String {
    text.replace("{K}", OLD)
        .replace("{N}", NEW)
        .replace("{O}", OTHER)
}

fn store_by(rule: BareHost, text: &str) -> Edited {
    store(
        file(text).as_bytes(),
        &with_port(),
        NEW.as_bytes(),
        is_key,
        rule,
    )
    .expect("can be edited")
}

/// Checks the text, whether the bare host changed, and the words of the notes.
fn assert_edit(edited: &Edited, before: &str, after: &str, bare: bool, notes: &[&str]) {
    let text = String::from_utf8_lossy(&edited.text);
    assert_eq!(text, file(after), "{before:?}");
    assert_eq!(edited.changed, before != after, "{before:?}");
    assert_eq!(edited.bare_host_changed, bare, "{before:?}");
    let seen: Vec<_> = edited.notes.iter().map(|note| &*note.text).collect();
    assert_eq!(seen.len(), notes.len(), "{before:?}: {seen:?}");
    for (seen, words) in seen.iter().zip(notes) {
        assert!(seen.contains(words), "{before:?}: {seen:?}");
    }
}

#[test]
fn a_bare_host_entry_follows_the_key_it_holds_and_no_other() {
    for (before, after, bare, notes) in [
        // It holds the key that is replaced.
        (
            "machine x.com password {K}\nmachine x.com:80 login user password {K}\n",
            "machine x.com login user password {N}\nmachine x.com:80 login user password {N}\n",
            true,
            &[][..],
        ),
        // ... also in single quotes, under another login, and more than once.
        (
            "machine x.com:80 password {K}\nmachine 'x.com' password '{K}'\nmachine x.com login git password {K}\n",
            "machine x.com:80 login user password {N}\nmachine 'x.com' login user password {N}\nmachine x.com login user password {N}\n",
            true,
            &[],
        ),
        // ... and where it is a shadowed duplicate that held it.
        (
            "machine x.com:80 password {K}\nmachine x.com:80 password {O}\nmachine x.com password {K}\n",
            "machine x.com:80 login user password {N}\nmachine x.com login user password {N}\n",
            true,
            &[],
        ),
        // It holds another key.
        (
            "machine x.com password {O}\nmachine x.com:80 login user password {K}\n",
            "machine x.com password {O}\nmachine x.com:80 login user password {N}\n",
            false,
            &["kept the different key for machine 'x.com'"],
        ),
    ] {
        let edited = store_by(BareHost::Follow, before);
        assert_edit(&edited, before, after, bare, notes);
    }
}

#[test]
fn a_bare_host_entry_stays_where_its_key_is_not_replaced() {
    let ported = "machine x.com:80\n  login user\n  password {N}\n";
    for (before, after, notes) in [
        // Nothing is replaced: there is no entry with the port, or it has that key.
        (
            "machine x.com password {K}\n",
            &*format!("machine x.com password {{K}}\n{ported}"),
            &["kept the different key for machine 'x.com'"][..],
        ),
        (
            "machine x.com password {K}\nmachine x.com:80 password {N}\n",
            "machine x.com password {K}\nmachine x.com:80 password {N}\n",
            &["kept the different key for machine 'x.com'"],
        ),
        // It holds the new key already, no key, or one of another tool.
        (
            "machine x.com password {N}\n",
            &format!("machine x.com password {{N}}\n{ported}"),
            &[],
        ),
        (
            "machine x.com login user\nmachine x.com login git password hunter2\n",
            &format!(
                "machine x.com login user\nmachine x.com login git password hunter2\n{ported}"
            ),
            &[],
        ),
        // A password that is not a key is not compared.
        (
            "machine x.com password short\nmachine x.com:80 password short\n",
            "machine x.com password short\nmachine x.com:80 login user password {N}\n",
            &[],
        ),
        // No entry is added.
        ("", ported, &[]),
    ] {
        let edited = store_by(BareHost::Follow, before);
        assert_edit(&edited, before, after, false, notes);
    }
}

#[test]
fn a_key_is_stored_for_the_bare_host_if_asked() {
    let both = "machine x.com\n  login user\n  password {N}\nmachine x.com:80\n  login user\n  password {N}\n";
    for (before, after, bare, notes) in [
        ("", both, true, &[][..]),
        (both, both, false, &[]),
        (
            "machine x.com:80 login user password {K}\n",
            "machine x.com:80 login user password {N}\nmachine x.com\n  login user\n  password {N}\n",
            true,
            &[],
        ),
        (
            "machine x.com password {O}\nmachine x.com:80 login user password {K}\n",
            "machine x.com login user password {N}\nmachine x.com:80 login user password {N}\n",
            true,
            &["replaced a different key for machine 'x.com'"],
        ),
        (
            "machine x.com login git password hunter2\n",
            &format!("machine x.com login git password hunter2\n{both}"),
            true,
            &["kept the entry for machine 'x.com' with login 'git'"],
        ),
    ] {
        let edited = store_by(BareHost::Store, before);
        assert_edit(&edited, before, after, bare, notes);
    }
}

#[test]
fn a_key_that_the_bare_host_cannot_take_is_stored_for_the_port() {
    let names = Names {
        netloc: "default:80",
        bare_host: Some("default"),
        ..Names::default()
    };
    let edited = store(b"", &names, NEW.as_bytes(), is_key, BareHost::Store).unwrap();
    assert_eq!(key_of(&edited.text, &names).as_deref(), Some(NEW));
    assert_eq!(edited.notes.len(), 1);
    assert!(
        edited.notes[0]
            .text
            .starts_with("the key was not stored for machine 'default'"),
        "{}",
        edited.notes[0].text
    );
}

#[test]
fn a_server_without_a_port_has_no_bare_host() {
    let names = names("x.com");
    let before = file("machine x.com:80 password {K}\n");
    for rule in [BareHost::Follow, BareHost::Store] {
        let edited = store(before.as_bytes(), &names, NEW.as_bytes(), is_key, rule).unwrap();
        assert!(!edited.bare_host_changed);
        assert!(edited.text.starts_with(before.as_bytes()));
    }
}

#[test]
fn forgetting_removes_a_bare_host_entry_that_holds_the_key() {
    for (before, after, bare, notes) in [
        (
            "machine x.com password {K}\nmachine y.com password p\nmachine x.com:80 password {K}\n",
            "machine y.com password p\n",
            true,
            &[][..],
        ),
        (
            "machine x.com password {O}\nmachine x.com:80 password {K}\n",
            "machine x.com password {O}\n",
            false,
            &["kept the different key for machine 'x.com'"],
        ),
        (
            "machine x.com password {K}\nmachine x.com password {O}\nmachine x.com:80 password {K}\n",
            "machine x.com password {O}\n",
            true,
            &["kept the different key for machine 'x.com'"],
        ),
        (
            "machine x.com password {K}\n",
            "machine x.com password {K}\n",
            false,
            &["kept the different key for machine 'x.com'"],
        ),
        (
            "machine x.com login git password hunter2\nmachine x.com:80 password {K}\n",
            "machine x.com login git password hunter2\n",
            false,
            &[],
        ),
    ] {
        let edited = forgotten(file(before).as_bytes(), &with_port());
        assert_edit(&edited, before, after, bare, notes);
    }
}

/// The lookup may use the bare host's entry or not: the edit is the same.
#[test]
fn editing_for_a_server_with_a_port_keeps_its_invariants() {
    for text in files(2_000) {
        let text = String::from_utf8_lossy(&text).replace("z.com:80", "x.com:80");
        for use_bare_host in [true, false] {
            let names = Names {
                use_bare_host,
                ..with_port()
            };
            crate::formats::netrc::invariants::check(
                text.as_bytes(),
                &names,
                NEW.as_bytes(),
                is_key,
            );
        }
    }
}
