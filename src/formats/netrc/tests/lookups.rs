//! What a look-up finds, and what it reports.

use super::*;
use crate::formats::netrc::lookup::Lookup;

fn file(text: &str) -> Vec<u8> {
    text.replace("{K}", OLD).replace("{N}", NEW).into_bytes()
}

/// A look-up, with positions as line numbers.
struct Look {
    found: Lookup,
    hit: Option<(usize, Match)>,
    sdk_line: Option<usize>,
    default_line: Option<usize>,
}

fn look(text: &str, names: &Names) -> Look {
    let text = file(text);
    let found = look_up(&text, names, is_key);
    let line = |at: usize| line_of(&text, at);
    Look {
        hit: found.hit.as_ref().map(|hit| (line(hit.at), hit.how)),
        sdk_line: found.sdk_at.map(line),
        default_line: found.default_at.map(line),
        found,
    }
}

#[test]
fn names_are_tried_in_order() {
    let all = Names {
        netloc: "x.com:80",
        spelled: Some("X.com:80"),
        alias: Some("z.com"),
        prefer_alias: false,
        bare_host: Some("x.com"),
        use_bare_host: true,
    };
    // Each line takes precedence over the lines above it.
    let lines = [
        "machine x.com password {K}",
        "machine z.com password {K}",
        "machine 'x.com:80' password '{K}'",
        "machine x.COM:80 password {K}",
        "machine X.com:80 password {K}",
        "machine x.com:80 password {K}",
    ];
    let how = [
        Match::BareHost,
        Match::Alias,
        Match::Exact,
        Match::Exact,
        Match::Exact,
        Match::Exact,
    ];
    for count in 1..=lines.len() {
        let found = look(&lines[..count].join("\n"), &all);
        assert_eq!(found.hit, Some((count, how[count - 1])));
        assert_eq!(
            found.found.hit.map(|hit| hit.password.to_vec()),
            Some(OLD.into())
        );
    }
    let preferred = Names {
        prefer_alias: true,
        ..all
    };
    assert_eq!(
        look(&lines.join("\n"), &preferred).hit,
        Some((2, Match::Alias))
    );
}

#[test]
fn a_bare_host_entry_is_used_only_for_a_wandb_key() {
    let names = Names {
        netloc: "x.com:80",
        bare_host: Some("x.com"),
        use_bare_host: true,
        ..Names::default()
    };
    for (entry, found) in [
        ("password {K}", true),
        ("login user password {K}", true),
        ("login git password {K}", false),
        ("password short", false),
        ("login user", false),
    ] {
        assert_eq!(
            look(&format!("machine x.com {entry}"), &names)
                .hit
                .is_some(),
            found,
            "{entry}"
        );
    }
}

#[test]
fn a_malformed_password_is_returned_as_written() {
    assert_eq!(
        key_of(b"machine x.com password short", &names("x.com")).as_deref(),
        Some("short")
    );
    for password in ["a#b", "#a", "\"a #b\""] {
        let found = key_of(
            format!("machine x.com password {password}").as_bytes(),
            &names("x.com"),
        );
        assert_eq!(found.as_deref(), Some(password.trim_matches('"')));
    }
}

#[test]
fn a_lookup_describes_the_file() {
    let found = look(
        "default password d\r\nmachine x.com password {N}\r\nmachine x.com password {K}\r\n",
        &names("x.com"),
    );
    assert_eq!(
        (
            found.default_line,
            found.found.shadowed.len(),
            found.found.crlf,
            found.found.bom
        ),
        (Some(1), 1, true, false)
    );
    assert_eq!(
        (found.sdk_line, found.hit),
        (Some(3), Some((3, Match::Exact)))
    );
    let found = look("default password d\n", &names("x.com"));
    assert_eq!(
        (found.hit.is_some(), found.sdk_line, found.default_line),
        (false, Some(1), Some(1))
    );
    let cloud = Names {
        netloc: "api.wandb.ai",
        alias: Some("api.forge.coreweave.com"),
        prefer_alias: true,
        bare_host: None,
        use_bare_host: false,
        spelled: None,
    };
    let found = look(
        "machine api.wandb.ai password {K}\nmachine api.forge.coreweave.com password {N}\n",
        &cloud,
    );
    assert_eq!((found.found.notes[0].line, found.sdk_line), (1, Some(2)));
    assert_eq!(found.found.notes.len(), 1);
    // The SDK falls back from the new name to the old one, not the reverse.
    assert_eq!(
        look("machine api.wandb.ai password {K}\n", &cloud).sdk_line,
        Some(1)
    );
    let old_only = Names {
        prefer_alias: false,
        ..cloud
    };
    let found = look("machine api.forge.coreweave.com password {K}\n", &old_only);
    assert_eq!((found.sdk_line, found.hit), (None, Some((1, Match::Alias))));
}

#[test]
fn an_entry_without_a_password_is_reported_and_skipped() {
    let names = Names {
        netloc: "x.com",
        alias: Some("z.com"),
        ..Names::default()
    };
    let found = look(
        "\nmachine x.com login user\nmachine z.com password {K}\n",
        &names,
    );
    assert_eq!(found.hit, Some((3, Match::Alias)));
    assert_eq!(found.found.notes[0].line, 2);
    assert!(found.found.notes[0].text.contains("'x.com' has no API key"));
}

/// The words that git and Emacs know, a field in capitals and a stray word end no
/// entry.
#[test]
fn harmless_words_do_not_end_an_entry() {
    for entry in [
        "machine x.com login user port 443 password {K}\n",
        "machine x.com\nport 443\nlogin user\npassword {K}\n",
        "machine x.com protocol https login user password {K}\n",
        "machine x.com foo login user password {K}\n",
        "machine x.com\n  foo bar\n  password {K}\n",
        "machine x.com\nLogin user\npassword {K}\n",
        "foo\nmachine\nx.com\nlogin\nuser\npassword\n{K}\n",
        "foo\nmachine x.com\n  # the machine of the lab\n  password {K}\n",
        "foo\nmachine machine-7.lab password p\nmachine x.com login\n  user password {K}\n",
    ] {
        let found = look(entry, &names("x.com"));
        assert!(found.found.sdk_error.is_some(), "{entry:?}");
        let password = found.found.hit.map(|hit| hit.password.to_vec());
        assert_eq!(password.as_deref(), Some(OLD.as_bytes()), "{entry:?}");
    }
}

#[test]
fn keywords_in_capitals_are_reported_with_their_lines() {
    let found = look(
        "machine x.com\n  Login user\n  PASSWORD {K}\nMachine y.com\n",
        &names("x.com"),
    );
    assert!(found.hit.is_none());
    for (line, word) in [(2, "Login"), (3, "PASSWORD"), (4, "Machine")] {
        let text = format!("ignored `{word}`: netrc keywords are in lower case");
        let mut notes = found.found.notes.iter();
        assert!(
            notes.any(|note| note.line == line && note.text == text),
            "{word}"
        );
    }
}

/// In a file that CPython refuses, no password may move to another machine.
#[test]
fn lenient_reading_never_mixes_machines() {
    for text in [
        "machine x.com login user password\nmachine y.com login u password {K}\n",
        "machine x.com login user password machine y.com login u password {K}\n",
        "machine x.com login user\nMachine y.com login u password {K}\n",
        "machine x.com\nmachne y.com login u password {K}\n",
        "machine x.com login user password # none\nmachne y.com\n  login u\n  password {K}\n",
        "machine x.com foo\n# password {K}\n",
        "foo\nmachine x.com login user\n#machine y.com\n  login u\n  password {K}\n",
        "foo\nmachine x.com login user\n# Machine y.com login u\n  password {K}\n",
        "foo\nmachine x.com\n\t## machne y.com\n  password {K}\n",
        "foo\nmachine x.com # default\n  password {K}\n",
        "foo\nmachine x.com\n#default login u\npassword {K}\n",
        "machine x.com\nhost y.com\npassword {K}\n",
        "machine x.com\nMACHINE y.com\npassword {K}\n",
        "machine x.com\n  machne y.com\n  password {K}\n",
        "machine x.com\n\u{feff}machine y.com\npassword {K}\n",
        "machine x.com\n//machine y.com\npassword {K}\n",
        "machine x.com\n\"machine y.com\npassword {K}\n",
        "machine x.com login user machne y.com password {K}\n",
        "machine x.com login user host y.com password {K}\n",
        "machine x.com login user\\\nmachine y.com login u password {K}\n",
        "foo\nmachine x.com login\nmachne y.com\npassword {K}\n",
        "foo\nmachine x.com login user password\nhost y.com password {K}\n",
        "machine x.com login user password Machine y.com password {K}\n",
        "foo\nmachine x.com \"\n  login user\nmachine y.com\n  password \"{K}\"\n",
        "foo\nmachine x.com\" login user\nmachine y.com password \"{K}\"\n",
        "foo\nmachine x.com password \"\nmachine y.com password \"{K}\n",
        "machine x.com Login user Password {K}\n",
        "machine x.com\n  login user\n  PASSWORD {K}\n",
    ] {
        let found = look(text, &names("x.com"));
        assert!(found.found.sdk_error.is_some(), "{text:?}");
        let password = found.found.hit.map(|hit| hit.password.to_vec());
        assert_ne!(password.as_deref(), Some(OLD.as_bytes()), "{text:?}");
    }
    assert_eq!(
        key_of(
            &file("# two words\n\n# more\nmachine x.com\n  port 443\n\n  # a b\n  password {K}\n"),
            &names("x.com")
        )
        .as_deref(),
        Some(OLD)
    );
}

#[test]
fn no_message_contains_a_password() {
    let names = Names {
        netloc: "x.com",
        bare_host: Some("z.com"),
        use_bare_host: true,
        alias: Some("y.com"),
        ..Names::default()
    };
    for text in invariants::files(8_000) {
        let found = look_up(&text, &names, is_key);
        let edited = store(&text, &names, NEW.as_bytes(), is_key, BareHost::Follow);
        let notes = match &edited {
            Ok(edited) => edited.notes.as_slice(),
            Err(note) => std::slice::from_ref(note),
        };
        let notes = found.notes.iter().chain(notes).map(|note| &*note.text);
        let new_error = edited
            .as_ref()
            .ok()
            .and_then(|edited| edited.sdk_error.as_ref());
        let errors = found
            .sdk_error
            .iter()
            .chain(new_error)
            .map(|error| error.message);
        for line in notes.chain(errors) {
            assert!(!line.contains(OLD) && !line.contains(NEW), "{line}");
        }
    }
}

#[test]
fn the_number_of_notes_is_limited() {
    assert!(
        look(&"foo\n".repeat(10_000), &names("x.com"))
            .found
            .notes
            .len()
            < 20
    );
    let many: String = (0..1000)
        .map(|i| format!("machine x.com login git{i} password p\n"))
        .collect();
    assert!(stored(many.as_bytes(), &names("x.com")).notes.len() < 20);
}
