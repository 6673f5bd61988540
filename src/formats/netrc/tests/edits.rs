//! Single edits, each with the expected bytes.

use super::*;

/// `K` stands for the old key, `N` for the new one.
fn file(text: &str) -> String {
    text.replace("{K}", OLD).replace("{N}", NEW)
}

fn stores(before: &str, after: &str) {
    let edited = stored(file(before).as_bytes(), &names("x.com"));
    assert_eq!(
        String::from_utf8_lossy(&edited.text),
        file(after),
        "storing into {before:?}"
    );
    assert_eq!(edited.changed, before != after);
    let again = stored(&edited.text, &names("x.com"));
    assert!(
        !again.changed && again.text == edited.text,
        "storing twice into {before:?}"
    );
}

fn forgets(before: &str, after: &str) {
    let edited = forgotten(file(before).as_bytes(), &names("x.com"));
    assert_eq!(
        String::from_utf8_lossy(&edited.text),
        file(after),
        "forgetting in {before:?}"
    );
}

const ENTRY: &str = "machine x.com\n  login user\n  password {N}\n";

#[test]
fn a_new_entry_goes_to_the_end() {
    stores("", ENTRY);
    stores("# note\n", &format!("# note\n{ENTRY}"));
    stores(
        "machine y.com login u password p",
        &format!("machine y.com login u password p\n{ENTRY}"),
    );
    stores(
        "machine y.com login u password p\n\n",
        &format!("machine y.com login u password p\n\n{ENTRY}"),
    );
    stores(
        "machine y.com\r\n password p\r\n",
        "machine y.com\r\n password p\r\nmachine x.com\r\n  login user\r\n  password {N}\r\n",
    );
    stores(
        "machine y.com\r password p\r",
        "machine y.com\r password p\rmachine x.com\r  login user\r  password {N}\r",
    );
    stores(
        "\u{feff}machine y.com password p\n",
        &format!("\u{feff}machine y.com password p\n{ENTRY}"),
    );
}

#[test]
fn a_new_entry_is_not_glued_to_an_escaped_line_end() {
    for end in ["\r", "\n", "\r\n"] {
        let before = format!("\nmachine y.com\\{end}");
        let edited = stored(before.as_bytes(), &names("x.com"));
        assert_eq!(key_of(&edited.text, &names("x.com")).as_deref(), Some(NEW));
        assert_eq!(edited.sdk_error, None, "{before:?}");
    }
}

#[test]
fn a_new_entry_goes_where_it_can_be_read() {
    stores(
        "default login u password p\n",
        &format!("{ENTRY}default login u password p\n"),
    );
    stores(
        "machine y.com password p default login u\n",
        "machine y.com password p machine x.com login user password {N} default login u\n",
    );
    // A blank line ends the open macro.
    stores("macdef m\n foo\n", &format!("macdef m\n foo\n\n{ENTRY}"));
    stores("macdef m\n foo", &format!("macdef m\n foo\n\n{ENTRY}"));
    stores("macdef m\n foo\n\n", &format!("macdef m\n foo\n\n{ENTRY}"));
    // Text after an open quote, an escape at the end or a missing value becomes
    // part of that.
    stores(
        "# a\nmachine y.com password \"abc\n",
        &format!("# a\n{ENTRY}machine y.com password \"abc\n"),
    );
    stores(
        "machine y.com password ab\\",
        &format!("{ENTRY}machine y.com password ab\\"),
    );
    stores(
        "machine y.com password",
        &format!("{ENTRY}machine y.com password"),
    );
    stores(
        "machine y.com password p #\\",
        "machine y.com password p machine x.com login user password {N} #\\",
    );
    // CPython takes an empty token in place of a keyword for the end.
    stores(
        "machine y.com password p\n\"\"\nfoo",
        &format!("machine y.com password p\n{ENTRY}\"\"\nfoo"),
    );
}

/// An entry of another tool for the same machine hides entries before it.
#[test]
fn an_incomplete_entry_of_another_tool_is_completed() {
    let bob = "machine y.com password p\nmachine x.com login bob";
    for (end, completed) in [
        (" password", " password \"\"\n"),
        (" password\n", " password\n\"\"\n"),
        ("\n  password ", "\n  password \"\"\n"),
        (" account", " account \"\"\n"),
        (" password p account\n", " password p account\n\"\"\n"),
        (" password \"abc", " password \"abc\"\n"),
        (" password \"abc\n", " password \"abc\n\"\n"),
        (" password \"", " password \"\"\n"),
        (" password \"a\\\"b", " password \"a\\\"b\"\n"),
    ] {
        stores(&format!("{bob}{end}"), &format!("{bob}{completed}{ENTRY}"));
    }
    // A last backslash, or one in an open quote, can only be completed by a
    // change of the value.
    for end in [" password ab\\", " password \\", " password \"ab\\"] {
        let before = format!("{bob}{end}");
        let stored = store(
            before.as_bytes(),
            &names("x.com"),
            NEW.as_bytes(),
            is_key,
            BareHost::Follow,
        );
        let note = stored.err().expect("not stored");
        assert_eq!(note.line, 2, "{}", note.text);
        assert!(note.text.contains("would not be found"), "{}", note.text);
    }
}

#[test]
fn an_entry_keeps_its_place_and_layout() {
    stores(
        "# a\nmachine x.com\n\tlogin user # c\n\taccount a\n\tpassword {K}\n# b\n",
        "# a\nmachine x.com\n\tlogin user # c\n\taccount a\n\tpassword {N}\n# b\n",
    );
    stores(
        "machine\nx.com\nlogin user\npassword\n{K}\n",
        "machine\nx.com\nlogin user\npassword\n{N}\n",
    );
    stores(
        "machine x.com login api password {K} machine y.com password p",
        "machine x.com login user password {N} machine y.com password p",
    );
    stores(
        "machine y.com password p machine x.com password {K}\n",
        "machine y.com password p machine x.com login user password {N}\n",
    );
    stores("machine x.com\n", "machine x.com login user password {N}\n");
    stores(
        "machine x.com\n  login user\n",
        "machine x.com\n  login user\n  password {N}\n",
    );
    stores(
        "machine x.com password \"{K}\"login \"user\"",
        "machine x.com password {N} login \"user\"",
    );
    stores(
        "machine x.com password {K} password {K}\n",
        "machine x.com login user password {N} password {N}\n",
    );
    stores(
        "machine x.com password\n",
        "machine x.com login user password {N}\n",
    );
    stores(
        "machine x.com password \"\"\n",
        "machine x.com login user password {N}\n",
    );
    // Storing the same key changes nothing, even in an unusual layout.
    stores(
        "machine x.com password \"{N}\" login me\n",
        "machine x.com password \"{N}\" login me\n",
    );
    // An open quote ends at the end of its line.
    stores(
        "machine x.com login user password \"{K}\nmachine y.com password p\n",
        "machine x.com login user password {N}\nmachine y.com password p\n",
    );
}

#[test]
fn only_exact_names_are_edited() {
    let others = "machine x.com.evil password {K}\nmachine ax.com password {K}\nmachine x.com:80 password {K}\nmacdef m\n machine x.com password {K}\n\n# machine x.com password {K}\n";
    stores(others, &format!("{others}{ENTRY}"));
    forgets(others, others);
}

#[test]
fn duplicates_are_removed() {
    stores(
        "machine x.com password {K}\nmachine y.com password p\nmachine x.com login user password {K}\n",
        "machine y.com password p\nmachine x.com login user password {N}\n",
    );
    stores(
        "machine x.com password {K} machine x.com password {K}\n",
        "machine x.com login user password {N}\n",
    );
    stores("machine 'x.com'\n  login user\n  password '{K}'\n", ENTRY);
}

#[test]
fn entries_of_other_tools_stay() {
    let git = "machine x.com login git password hunter2\n";
    stores(git, &format!("{git}{ENTRY}"));
    stores(
        &format!("{git}machine x.com password {{K}}\n"),
        &format!("{git}machine x.com login user password {{N}}\n"),
    );
    // Ours moves after it, with its account: the SDK takes the last one.
    let moved = "machine x.com\n  login user\n  account a\n  password {N}\n";
    stores(
        &format!("machine x.com password {{K}} account a\n{git}"),
        &format!("{git}{moved}"),
    );
    stores(
        &format!("default login u\n{git}"),
        &format!("default login u\n{git}{ENTRY}"),
    );
    forgets(git, git);
    let edited = stored(git.as_bytes(), &names("x.com"));
    assert_eq!(edited.notes.len(), 1);
    assert_eq!(edited.notes[0].line, 1);
    assert!(edited.notes[0].text.contains("login 'git'"));
    // A token that is stored as the login is not shown.
    let token = file("machine x.com login {K} password x-oauth-basic\n");
    let edited = stored(token.as_bytes(), &names("x.com"));
    assert!(edited.notes.iter().all(|note| !note.text.contains(OLD)));
}

#[test]
fn an_existing_alias_entry_is_updated_too() {
    let names = Names {
        netloc: "api.wandb.ai",
        alias: Some("api.forge.coreweave.com"),
        ..Names::default()
    };
    let both =
        file("machine api.forge.coreweave.com password {K}\nmachine api.wandb.ai password {K}\n");
    let edited = stored(both.as_bytes(), &names);
    assert_eq!(
        String::from_utf8_lossy(&edited.text).matches(NEW).count(),
        2
    );
    assert!(forgotten(both.as_bytes(), &names).text.is_empty());
    // No entry is added for it.
    let edited = stored(b"", &names);
    assert!(!String::from_utf8_lossy(&edited.text).contains("forge"));
}

#[test]
fn forgetting_removes_our_lines_and_no_others() {
    let y = "machine y.com login u password p\n";
    forgets(&format!("# a\n{ENTRY}# b\n{y}"), &format!("# a\n# b\n{y}"));
    forgets(
        &format!("{y}\nmachine x.com password {{K}} # mine\n\n{y}"),
        &format!("{y}\n\n{y}"),
    );
    forgets(
        "machine y.com password p machine x.com password {K} machine z.com password q\n",
        "machine y.com password p machine z.com password q\n",
    );
    forgets(
        "machine y.com password p machine x.com password {K}\n#two words\n",
        "machine y.com password p\n#two words\n",
    );
    forgets(
        "  machine x.com password {K} machine y.com password p\n",
        "  machine y.com password p\n",
    );
    forgets(
        "machine X.COM password {K}\nmachine 'x.com' password '{K}'\nmachine x.com login user\n",
        "",
    );
    forgets(
        "machine x.com\r\n  password {K}\r\nmachine y.com\r\n",
        "machine y.com\r\n",
    );
    forgets("\u{feff}machine x.com password {K}\n", "\u{feff}");
    // Unknown tokens are not ours.
    forgets(
        "machine x.com login user\n  foo bar\n  password {K}\n",
        "  foo bar\n",
    );
    // CPython would refuse `#machine … login` at the top of the file.
    forgets(
        "machine x.com password {K}\n#machine y.com login u\n",
        "machine x.com login user\n#machine y.com login u\n",
    );
}

#[test]
fn forgetting_undoes_storing() {
    for before in [
        "",
        "# a\n",
        "machine y.com password p\n",
        "default login u\n",
        "machine y.com\r\n password p\r\n\r\n",
        "machine y.com password p default login u\n",
        "machine y.com password p  default login u",
        "machine y.com password p\tdefault login u\n",
        "machine y.com password \"p\"default login u\n",
        "machine y.com password p machine z.com password \"q\n",
        "machine y.com password p machine z.com password q\\",
        "machine y.com password p machine z.com password",
        "machine y.com password p #\\",
        "machine y.com password p \"\" foo",
    ] {
        let with = stored(before.as_bytes(), &names("x.com"));
        let without = forgotten(&with.text, &names("x.com"));
        assert_eq!(String::from_utf8_lossy(&without.text), before);
    }
}

#[test]
fn some_texts_cannot_be_edited() {
    let utf16: Vec<u8> = "machine"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(
        store(
            &utf16,
            &names("x.com"),
            NEW.as_bytes(),
            is_key,
            BareHost::Follow
        )
        .is_err()
    );
    assert!(forget(&utf16, &names("x.com"), is_key).is_err());
    assert!(
        look_up(&utf16, &names("x.com"), is_key).notes[0]
            .text
            .contains("UTF-16")
    );
    assert!(
        store(
            b"",
            &names("default"),
            NEW.as_bytes(),
            is_key,
            BareHost::Follow
        )
        .is_err()
    );
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let before = b"# caf\xe9\nmachine y.com password \xff\n";
    let edited = stored(before, &names("x.com"));
    assert!(edited.text.starts_with(before));
    assert_eq!(
        edited
            .sdk_error
            .as_ref()
            .map(|error| (error.line, error.message)),
        Some((1, NOT_UTF8))
    );
    assert_eq!(key_of(&edited.text, &names("x.com")).as_deref(), Some(NEW));
}

#[test]
fn a_thousand_logins_do_not_grow_the_file() {
    let mut text = stored(b"machine y.com password p\n", &names("x.com")).text;
    let size = text.len();
    for i in 0..1000 {
        let key = format!("{i:040}");
        text = store(
            &text,
            &names("x.com"),
            key.as_bytes(),
            is_key,
            BareHost::Follow,
        )
        .unwrap()
        .text;
    }
    assert_eq!(text.len(), size);
}

#[test]
fn other_readers_read_what_we_write() {
    let netloc = "x.com:8080";
    for before in [
        "",
        "machine y.com\n  login u\n  password p\n",
        "machine y.com login u password p\nmachine x.com:8080\n  login user\n  password old\n",
    ] {
        let text =
            String::from_utf8(stored(before.as_bytes(), &names(netloc)).text.to_vec()).unwrap();
        let rust: netrc::Netrc = text.parse().unwrap();
        assert_eq!(
            (&*rust.hosts[netloc].login, &*rust.hosts[netloc].password),
            ("user", NEW)
        );
        let rs = netrc_rs::Netrc::parse(&text, false).unwrap();
        let ours = rs
            .machines
            .iter()
            .find(|machine| machine.name.as_deref() == Some(netloc))
            .unwrap();
        assert_eq!(
            (ours.login.as_deref(), ours.password.as_deref()),
            (Some("user"), Some(NEW))
        );
        assert_eq!(rs.machines.len(), rust.hosts.len());
    }
}

/// Where no entry precedes it, CPython takes `#word` for a comment of that word
/// alone.
#[test]
fn removing_an_entry_makes_no_comment_an_entry() {
    let file = file("machine x.com password {K} #old machine z.com password q\\\\r\n");
    let edited = forgotten(file.as_bytes(), &names("x.com"));
    assert_eq!(key_of(&edited.text, &names("x.com")), None);
    assert_eq!(key_of(&edited.text, &names("z.com")), None);
    let text = String::from_utf8_lossy(&edited.text).into_owned();
    assert!(!text.contains(OLD), "{text}");
}

#[test]
fn a_keyword_at_the_end_of_the_file_gets_its_value() {
    for end in [
        "password",
        "password\\",
        "\"password",
        "\"password\\",
        "pass\\word",
    ] {
        let before = format!("machine x.com {end}");
        let edited = stored(before.as_bytes(), &names("x.com"));
        let text = String::from_utf8_lossy(&edited.text).into_owned();
        assert_eq!(key_of(&edited.text, &names("x.com")).as_deref(), Some(NEW));
        assert_eq!(edited.sdk_error, None, "{before:?} became {text:?}");
    }
}
