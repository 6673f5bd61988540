use serde_json::Value as Json;

use super::edit::Edited;
use super::whitespace::{indent, trim_range};
use super::*;

const CASES: &str = include_str!("../../../tests/conformance/settings.json");

pub(super) fn text_of(text: &[u8], key: &str) -> Option<String> {
    let value = Document::parse(text).get(key)?;
    Some(String::from_utf8_lossy(&value.text).into_owned())
}

fn note_lines(text: &[u8]) -> Vec<usize> {
    let notes = Document::parse(text).diagnostics().notes;
    notes.iter().map(|note| note.line).collect()
}

fn rejected(text: &[u8]) -> Option<usize> {
    let rejected = Document::parse(text).diagnostics().rejected_by_sdk;
    rejected.map(|note| note.line)
}

fn edited(edit: Result<Edited, Note>) -> String {
    String::from_utf8_lossy(&edit.expect("an edit").text).into_owned()
}

/// The recorded cases of `table`, and whether ours is to differ.
fn cases(table: &str) -> Vec<Json> {
    let all: Json = serde_json::from_str(CASES).unwrap();
    all[table].as_array().unwrap().clone()
}

fn report(table: &str, cases: &[Json]) {
    let differ = cases.iter().filter(|case| !case["difference"].is_null());
    let differ = differ.count();
    println!(
        "settings {table}: {} cases, {differ} differ on purpose",
        cases.len()
    );
}

#[test]
fn reads_the_values_that_the_sdk_reads() {
    let cases = cases("parse");
    for case in &cases {
        let name = &case["name"];
        let files = [&case["workspace"], &case["system"]].map(|f| f.as_str().unwrap_or(""));
        let documents = files.map(|file| Document::parse(file.as_bytes()));
        let sdk_reads = case["sdk"].get("values").is_some();
        let rejected = documents
            .iter()
            .any(|d| d.diagnostics().rejected_by_sdk.is_some());
        assert_eq!(rejected, !sdk_reads, "{name}: what the SDK would say");
        let ours = case.get("ours").unwrap_or(&case["sdk"]);
        let mut got = serde_json::Map::new();
        for (key, _) in documents.iter().flat_map(Document::keys) {
            let key = std::str::from_utf8(key).unwrap();
            let value = documents.iter().find_map(|d| d.get(key)).unwrap();
            let value = std::str::from_utf8(&value.text).unwrap();
            got.insert(key.to_owned(), value.into());
        }
        let none = serde_json::json!({});
        assert_eq!(
            &Json::Object(got),
            ours.get("values").unwrap_or(&none),
            "{name}"
        );
        for key in ours["conflicts"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap();
            assert!(
                documents.iter().any(|d| d.conflict(key).is_some()),
                "{name}"
            );
        }
    }
    report("parse", &cases);
}

#[test]
fn writes_what_the_sdk_reads_back() {
    let cases = cases("write");
    for case in &cases {
        let name = &case["name"];
        let operation: Vec<&str> = case["do"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(Json::as_str)
            .collect();
        let ours = case.get("ours").unwrap_or(&case["sdk"]);
        // As the SDK does: set in the system file, cleared in the other.
        for file in ["system", "workspace"] {
            let before = case[file].as_str();
            let text = before.unwrap_or("").as_bytes();
            let edit = match (file, &operation[..]) {
                ("system", ["set", key, value]) => set(text, key, value),
                (_, [_, key, ..]) => clear(text, key),
                _ => panic!("{name}: an unknown operation"),
            };
            let edit = edit.unwrap();
            let want = ours[file].as_str().unwrap_or("");
            let got = std::str::from_utf8(&edit.text).unwrap();
            assert_eq!(got, want, "{name}: {file}");
            assert_eq!(edit.changed, before.unwrap_or("") != want, "{name}: {file}");
        }
        // The SDK's own result has the same value, unless it raises.
        if let (Some(sdk), ["set", key, value]) = (case["sdk"]["system"].as_str(), &operation[..])
            && case["sdk"].get("dies").is_none()
        {
            assert_eq!(
                text_of(sdk.as_bytes(), key).as_deref(),
                Some(*value),
                "{name}"
            );
        }
    }
    report("write", &cases);
}

#[test]
fn white_space_is_that_of_python() {
    let trim = |text: &[u8]| text[trim_range(text, 0..text.len())].to_vec();
    let space = "\t\n\u{b}\u{c}\r\u{1c}\u{1f} \u{85}\u{a0}\u{1680}\u{2000}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    assert_eq!(trim(format!("{space}x{space}").as_bytes()), b"x");
    assert_eq!(
        indent(space.as_bytes()),
        (space.len(), space.chars().count())
    );
    // Zero width space, byte-order mark, NUL and single bytes of a no-break space
    // are not white space.
    for kept in ["\u{200b}x", "\u{feff}x", "\0x", "x\u{200b}"] {
        assert_eq!(trim(kept.as_bytes()), kept.as_bytes());
    }
    assert_eq!(trim(b"\xA0x\x85"), b"\xA0x\x85");
}

#[test]
fn a_line_with_the_same_indent_is_a_new_option() {
    let text = b"[default]\n  a = 1\n  b = 2\n   more\n# c\n\n   x = y\n c = 3\n";
    assert_eq!(text_of(text, "a").as_deref(), Some("1"));
    assert_eq!(text_of(text, "b").as_deref(), Some("2\nmore\n\nx = y"));
    assert_eq!(text_of(text, "c").as_deref(), Some("3"));
    // Depth is counted in characters: one no-break space is one.
    let text = "[default]\n a = 1\n\u{a0}b = 2\n".as_bytes();
    assert_eq!(text_of(text, "b").as_deref(), Some("2"));
}

#[test]
fn names_are_lowercased_by_unicode_rules() {
    // The Kelvin sign is a K: Python reads this as `api_key`.
    assert_eq!(
        text_of("[default]\nAPI_\u{212a}EY = x\n".as_bytes(), "api_key").as_deref(),
        Some("x")
    );
}

#[test]
fn keeps_and_reports_lines_that_the_sdk_rejects() {
    let cases: [(&[u8], &[usize], Option<&str>); 12] = [
        (b"\xEF\xBB\xBF[default]\na = 1\n", &[1], Some("1")),
        (b"a = 0\n[default]\na = 1\n", &[1], Some("1")),
        (b"[default]\nnonsense\na = 1\n", &[2], Some("1")),
        (b"[default]\n = nonsense\na = 1\n", &[2], Some("1")),
        (b"[default]\na = 1\na = 1\n", &[3], Some("1")),
        (b"[default]\na = 1\n[default]\nb = 2\n", &[3], Some("1")),
        (b"[default]\na = 1\nb = \xFF\n", &[3], Some("1")),
        (b"\xFF\n[default]\na = 1\n", &[1, 1], Some("1")),
        (b"[default]\na = 1%\n", &[2], Some("1%")),
        (b"[default]\na = %(b)s\n", &[2], Some("%(b)s")),
        (b"[default]\na = 1\n[x]\nb\n", &[4], Some("1")),
        (b"\xFF\xFE[\0d\0", &[1], None),
    ];
    for (text, lines, a) in cases {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(note_lines(text), lines, "{shown}");
        assert_eq!(rejected(text), Some(lines[0]), "{shown}");
        assert_eq!(text_of(text, "a").as_deref(), a, "{shown}");
    }
    // A line after an ignored one does not continue the option before it.
    let text = b"[default]\na = 1\nnonsense\n  b = 2\n";
    assert_eq!(text_of(text, "a").as_deref(), Some("1"));
    assert_eq!(text_of(text, "b").as_deref(), Some("2"));
}

#[test]
fn default_inherits_only_if_the_section_exists() {
    assert_eq!(text_of(b"[DEFAULT]\na = 1\n", "a"), None);
    assert_eq!(
        text_of(b"[DEFAULT]\na = %(b)s\n[default]\nb = 2\n", "a").as_deref(),
        Some("2")
    );
    // A value that is overridden is never interpolated, so it may be wrong.
    assert_eq!(rejected(b"[DEFAULT]\na = 1%\n[default]\na = 2\n"), None);
    assert_eq!(rejected(b"[DEFAULT]\na = 1%\n"), None);
    assert_eq!(rejected(b"[x]\na = 1%\n[default]\n"), None);
}

#[test]
fn references_are_limited_in_depth_and_size() {
    let fault = |text: &[u8], key| Document::parse(text).get(key).unwrap().fault;
    assert_eq!(
        fault(b"[default]\na = %(a)s\n", "a"),
        Some(Fault::Reference)
    );
    // Ten levels are read and eleven are not, as in Python.
    let chain = |levels: usize| {
        let mut text = String::from("[default]\n");
        for level in 0..levels {
            text += &format!("k{level} = %(k{})s\n", level + 1);
        }
        text + &format!("k{levels} = end\n")
    };
    assert_eq!(text_of(chain(10).as_bytes(), "k0").as_deref(), Some("end"));
    assert_eq!(fault(chain(11).as_bytes(), "k0"), Some(Fault::Reference));
    // A value of 40^9 bytes is not built.
    let mut bomb = String::from("[default]\nk0 = lol\n");
    for level in 1..10 {
        bomb += &format!("k{level} = {}\n", format!("%(k{})s", level - 1).repeat(40));
    }
    assert_eq!(fault(bomb.as_bytes(), "k9"), Some(Fault::Reference));
    // A reference to one of two different values would be a guess.
    let text = b"[default]\nh = a\nh = b\nurl = https://%(h)s\n";
    assert_eq!(fault(text, "url"), Some(Fault::Reference));
}

#[test]
fn finds_conflicts_and_incomplete_lines() {
    let document = Document::parse(
        b"base_url = x\n[default]\na = 1\nb = 2\nA: 1\nb = 3\nmode\nMODE offline\nentity http://e\n[x]\nsilent\n",
    );
    assert_eq!(document.conflict("a"), None);
    assert_eq!(document.conflict("b"), Some((4, 6)));
    assert_eq!(document.conflict("c"), None);
    let line = |key| document.incomplete(key).map(|(line, _)| line);
    assert_eq!(line("base_url"), Some(1));
    assert_eq!(line("mode"), Some(7));
    assert_eq!(line("entity"), Some(9));
    assert_eq!(line("silent"), None);
    // An option of [default] is no rival of the one it overrides.
    let document = Document::parse(b"[DEFAULT]\na = 1\n[default]\na = 2\n");
    assert_eq!(document.conflict("a"), None);
}

#[test]
fn notes_show_option_names_but_no_keys() {
    let key = "0123456789abcdef0123456789abcdef01234567";
    let text = format!("[default]\n{key}=\n{key}=\n{key}\n");
    let notes = Document::parse(text.as_bytes()).diagnostics().notes;
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|note| !note.text.contains(key)));
    assert_eq!(shown(b"api_key"), "`api_key`");
    assert_eq!(shown(b"\x1b[31m"), "a name");
}

#[test]
fn the_number_of_notes_is_limited() {
    let text = [b"[default]\n".to_vec(), b"x\n".repeat(1000)].concat();
    assert_eq!(note_lines(&text).len(), MAX_NOTES);
}

#[test]
fn hostile_files_take_no_quadratic_time() {
    // Each takes minutes if some step is quadratic.
    let many = |line: &str| format!("[default]\n{}", line.repeat(100_000));
    let numbered = |line: fn(usize) -> String| -> String {
        let lines: String = (0..50_000).map(line).collect();
        format!("[default]\n{lines}")
    };
    for text in [
        many("a = 1\n"),
        many("[x]\n"),
        many("[default]\na=%(a)s\n"),
        format!("[default]\na = {})", "%(".repeat(200_000)),
        format!("[default]\na = {}", "%(".repeat(200_000)),
        numbered(|n| format!("k{n} = %(k{})s\n", n + 1)),
        numbered(|n| format!("k{n} = %\n")),
        numbered(|n| format!("[s{n}]\nk = v\n")),
        many("  # c\n\n x\n"),
    ] {
        let document = Document::parse(text.as_bytes());
        let _ = document.diagnostics();
        let _ = document.conflict("a");
        let _ = document.get("a");
        let after = set(text.as_bytes(), "a", "1").unwrap();
        assert_eq!(text_of(&after.text, "a").as_deref(), Some("1"));
        let _ = clear(text.as_bytes(), "a");
    }
}

#[test]
fn setting_keeps_place_and_style() {
    let cases = [
        ("", "[default]\nk = v\n"),
        ("# c", "# c\n\n[default]\nk = v\n"),
        ("# c\r\n\r\n", "# c\r\n\r\n[default]\r\nk = v\r\n"),
        ("[default]", "[default]\nk = v"),
        ("[default]\r\n", "[default]\r\nk = v\r\n"),
        ("[default]\ra = 1\r", "[default]\ra = 1\rk = v\r"),
        ("[default]\na = 1", "[default]\na = 1\nk = v"),
        ("[default]\nK:old  \n# c\n", "[default]\nK:v  \n# c\n"),
        ("[default]\nk =   \nb = 1\n", "[default]\nk = v\nb = 1\n"),
        ("[default]\nk=", "[default]\nk= v"),
        (
            "[default]\nk =\n  old\n  # c\n\n  older\nb = 1\n",
            "[default]\nk = v\n  # c\n\nb = 1\n",
        ),
        (
            "[default]\nk = 1\nb = 2\nK = 3\n  4\n",
            "[default]\nk = v\nb = 2\n",
        ),
        (
            "[default]\na = 1\n  2\n# c\n[x]\nk = 0\n",
            "[default]\na = 1\n  2\nk = v\n# c\n[x]\nk = 0\n",
        ),
        (
            "[DEFAULT]\nk = 0\n[default]\n",
            "[DEFAULT]\nk = 0\n[default]\nk = v\n",
        ),
        // The new line is indented like its neighbor. Otherwise the header after
        // it would become its second line.
        ("[default]\n\t[x]\n", "[default]\n\tk = v\n\t[x]\n"),
        (
            "[default]\n  a = 1\n  [x]\n",
            "[default]\n  a = 1\n  k = v\n  [x]\n",
        ),
    ];
    for (before, after) in cases {
        assert_eq!(
            edited(set(before.as_bytes(), "k", "v")),
            after,
            "{before:?}"
        );
        let again = set(after.as_bytes(), "k", "v").unwrap();
        assert!(
            !again.changed && *again.text == *after.as_bytes(),
            "{before:?}"
        );
    }
}

#[test]
fn setting_escapes_percent_signs() {
    let url = "https://x.com/a%20b";
    let text = b"[default]\nbase_url = https://x.com/a%20b\n";
    let after = set(text, "base_url", url).unwrap();
    assert!(after.changed && after.notes.is_empty());
    assert_eq!(*after.text, b"[default]\nbase_url = https://x.com/a%%20b\n");
    assert!(!set(&after.text, "base_url", url).unwrap().changed);
    // An inherited value that is already right stays where it is.
    assert!(
        !set(b"[DEFAULT]\nk = v\n[default]\n", "k", "v")
            .unwrap()
            .changed
    );
}

#[test]
fn setting_resolves_a_conflict_of_inherited_values() {
    let text = b"[DEFAULT]\nbase_url = https://a\nbase_url = https://b\n[default]\n";
    let settled = set(text, "base_url", "https://b").unwrap();
    assert!(settled.changed);
    assert_eq!(Document::parse(&settled.text).conflict("base_url"), None);
}

#[test]
fn editing_reports_side_effects() {
    let lines = |edit: Result<Edited, Note>| -> Vec<usize> {
        edit.unwrap().notes.iter().map(|note| note.line).collect()
    };
    assert_eq!(
        lines(set(b"nosec=1\n", "k", "v")),
        [1],
        "not read by the SDK"
    );
    assert_eq!(lines(clear(b"[DEFAULT]\nk = 1\n[default]\n", "k")), [2]);
    assert!(lines(clear(b"[default]\nk = 1\n", "k")).is_empty());
}

#[test]
fn a_write_does_not_put_inherited_options_into_effect() {
    for (text, line) in [
        ("[DEFAULT]\na = 1\n", 2),
        ("[DEFAULT]\nk = 1\nmode = offline\n", 3),
        (
            "[DEFAULT]\n[x]\nb = 1\n[DEFAULT]\nHTTP_Proxy = http://a\n",
            5,
        ),
    ] {
        let error = set(text.as_bytes(), "k", "v").err().expect(text);
        assert_eq!(error.line, line, "{text}: {}", error.text);
    }
    for text in [
        "[DEFAULT]\n",
        "[DEFAULT]\nk = 1\n",
        "[DEFAULT]\na = 1\n[default]\n",
        "[x]\na = 1\n",
    ] {
        assert!(set(text.as_bytes(), "k", "v").is_ok(), "{text}");
    }
}

#[test]
fn refuses_values_and_files_that_cannot_be_written() {
    for value in ["", " v", "v\u{a0}", "a\nb", "a\rb", "a\0b"] {
        assert!(set(b"[default]\n", "k", value).is_err(), "{value:?}");
    }
    assert!(set(b"\xFF\xFE[\0", "k", "v").is_err());
    assert!(clear(b"\xFE\xFF\0[", "k").is_err());
}

#[test]
fn clearing_removes_every_definition_and_nothing_else() {
    let cases = [
        ("", ""),
        ("[x]\nk = 1\n", "[x]\nk = 1\n"),
        ("# c\n[default]\nk = 1\n", "# c\n[default]\n"),
        (
            "[default]\na = 1\n\nK : 1\n  2\n# c\n  3\nb = 2\n",
            "[default]\na = 1\n\n# c\nb = 2\n",
        ),
        ("[default]\r\nk = 1\r\nk = 2", "[default]\r\n"),
        (
            "[DEFAULT]\nk = 1\na = 1\n[default]\nk = 2\n",
            "[DEFAULT]\na = 1\n[default]\n",
        ),
        ("[DEFAULT]\nk = 1\n", "[DEFAULT]\nk = 1\n"),
    ];
    for (before, after) in cases {
        let edit = clear(before.as_bytes(), "k").unwrap();
        assert_eq!(edit.changed, before != after, "{before:?}");
        assert_eq!(*edit.text, after.as_bytes(), "{before:?}");
        assert_eq!(text_of(&edit.text, "k"), None, "{before:?}");
    }
    let used = clear(b"[default]\nk = 1\nb = %(K)s\n", "k");
    assert_eq!(used.err().map(|note| note.line), Some(3));
}
