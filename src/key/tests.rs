use serde_json::Value;

use super::*;

/// The bytes of a key in the recorded table.
fn key_of(parts: &Value) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts.as_array().unwrap() {
        if let Some(text) = part.as_str() {
            key.extend_from_slice(text.as_bytes());
        } else if let Some(hex) = part["hex"].as_str() {
            for digits in hex.as_bytes().chunks(2) {
                let digits = std::str::from_utf8(digits).unwrap();
                key.push(u8::from_str_radix(digits, 16).unwrap());
            }
        } else {
            let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
            key.extend_from_slice(part[0].as_str().unwrap().repeat(times).as_bytes());
        }
    }
    key
}

#[test]
fn agrees_with_the_sdk_except_for_named_differences() {
    let table = include_str!("../../tests/conformance/keys.json");
    let table: Value = serde_json::from_str(table).unwrap();
    let mut unused: Vec<&String> = table["differences"].as_object().unwrap().keys().collect();
    let cases = table["cases"].as_array().unwrap();
    let mut different = 0;
    for case in cases {
        let name = &case["name"];
        let key = key_of(&case["key"]);
        let expected = match case["difference"].as_str() {
            None => &case["sdk"],
            Some(difference) => {
                different += 1;
                assert!(table["differences"][difference].is_string(), "{name}");
                assert_ne!(case["ours"], case["sdk"], "{name}: not a difference");
                unused.retain(|unused| *unused != difference);
                &case["ours"]
            }
        };
        // A hint of ours may follow the SDK's sentence.
        let problem = ApiKey::parse(&key).err().map(|problem| match problem {
            KeyProblem::Characters(_) => KeyProblem::Characters(None).to_string(),
            other => other.to_string(),
        });
        assert_eq!(problem.as_deref(), expected.as_str(), "{name}");
        assert_eq!(ApiKey::is_key(&key), expected.is_null(), "{name}");
    }
    assert_eq!(unused, Vec::<&String>::new(), "differences without a case");
    println!(
        "{} keys, {different} judged otherwise on purpose",
        cases.len()
    );
}

fn parse(text: &str) -> Parsed {
    ApiKey::parse(text.as_bytes()).unwrap()
}

#[test]
fn white_space_around_a_key_is_removed_and_reported() {
    let key = "1".repeat(40);
    assert!(!parse(&key).trimmed);
    for text in [
        format!("{key}\n"),
        format!(" \t{key}\r\n"),
        format!("\x0c{key}"),
    ] {
        let parsed = parse(&text);
        assert!(parsed.trimmed);
        assert_eq!(parsed.key.as_bytes(), key.as_bytes());
    }
}

#[test]
fn a_byte_order_mark_before_a_key_is_removed_and_reported() {
    let key = "1".repeat(40);
    for text in [format!("\u{feff}{key}"), format!(" \u{feff}\r\n{key}\n")] {
        let parsed = parse(&text);
        assert!(parsed.trimmed);
        assert_eq!(parsed.key.as_bytes(), key.as_bytes());
    }
    assert!(!ApiKey::is_key(format!("{key}\u{feff}").as_bytes()));
}

#[test]
fn a_message_says_which_characters_do_not_belong_to_a_key() {
    let key = "1".repeat(40);
    let utf16: Vec<u8> = key.bytes().flat_map(|byte| [byte, 0]).collect();
    for (text, hint) in [
        (
            format!("{key}\u{a0}").into_bytes(),
            "U+00A0 (no-break space)",
        ),
        (
            format!("\u{200b}{key}").into_bytes(),
            "U+200B (zero-width space)",
        ),
        (
            format!("{key}\u{2028}").into_bytes(),
            "U+2028 (line separator)",
        ),
        (
            format!("{key}\u{feff}").into_bytes(),
            "U+FEFF (byte-order mark)",
        ),
        (
            format!("{key}\u{202e}1").into_bytes(),
            "U+202E (invisible character)",
        ),
        (
            format!("\x1b{key}").into_bytes(),
            "U+001B (control character)",
        ),
        (format!("\"{key}\"").into_bytes(), "in quotes; remove them"),
        (format!(" '{key}'\n").into_bytes(), "in quotes; remove them"),
        (utf16.clone(), "UTF-16"),
        ([&[0xff, 0xfe], &utf16[..]].concat(), "UTF-16"),
    ] {
        let problem = ApiKey::parse(&text).unwrap_err().to_string();
        assert!(
            problem.starts_with("API key may only contain") && problem.contains(hint),
            "{problem}"
        );
        assert!(!problem.contains("111"), "{problem}");
    }
    let plain = ApiKey::parse(b"a b").unwrap_err().to_string();
    assert!(plain.ends_with("underscores."), "{plain}");
}

#[test]
fn an_unlikely_key_is_doubted() {
    let key = "0123456789abcdef0123456789abcdef01234567";
    for (text, is_cloud, doubt) in [
        (key.to_owned(), true, None),
        ("1".repeat(40), true, None),
        (format!("{key}{key}"), true, Some("twice")),
        (format!("local-{key}local-{key}"), false, Some("twice")),
        ("x".repeat(40), true, Some("placeholder")),
        ("0".repeat(41), false, Some("placeholder")),
        (format!("local-{key}"), true, Some("private server")),
        (format!("local-{key}"), false, None),
    ] {
        let found = parse(&text).key.doubt(is_cloud);
        assert_eq!(found.is_some(), doubt.is_some(), "{text}");
        assert!(
            found
                .unwrap_or_default()
                .contains(doubt.unwrap_or_default()),
            "{found:?}"
        );
    }
}

#[test]
fn the_length_limit_excludes_white_space() {
    let key = "1".repeat(LONGEST);
    assert_eq!(parse(&format!("{key}\n")).key.as_bytes(), key.as_bytes());
    let longer = "1".repeat(LONGEST + 1);
    assert_eq!(ApiKey::parse(longer.as_bytes()), Err(KeyProblem::TooLong));
}

#[test]
fn invalid_bytes_inside_a_key_are_rejected() {
    let good = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for byte in 0..=u8::MAX {
        let mut key = vec![b'1'; 90];
        key[45] = byte;
        assert_eq!(ApiKey::is_key(&key), good.contains(&byte), "{byte:#04x}");
    }
}

#[test]
fn keys_have_the_expected_kinds() {
    let body = "1".repeat(40);
    for (key, kind) in [
        ("a.b.c".to_owned(), KeyKind::Jwt),
        (body.clone(), KeyKind::Standard),
        (format!("local-{body}"), KeyKind::OnPremises),
        (format!("wandb_v1_{body}"), KeyKind::V1),
        (format!("local-wandb_v1_{body}-1"), KeyKind::V1),
        (format!("wandb_v1{body}"), KeyKind::Standard),
        (format!("wandb_v1-{body}"), KeyKind::OnPremises),
        (format!("a-b-wandb_v1_{body}"), KeyKind::OnPremises),
    ] {
        assert_eq!(parse(&key).key.kind(), kind, "{key}");
    }
}

#[test]
fn a_mask_shows_the_kind_and_four_characters() {
    let body = "1".repeat(36);
    for (key, masked) in [
        (format!("{body}abcd"), "API key ****abcd"),
        (format!("local-{body}abcd"), "on-premises API key ****abcd"),
        (format!("wandb_v1_{body}abcd"), "wandb_v1 API key ****abcd"),
        ("a.b.c".to_owned(), "JWT ****"),
        ("header.payload.19ch".to_owned(), "JWT ****"),
        ("header.payload.20chr".to_owned(), "JWT ****0chr"),
    ] {
        assert_eq!(parse(&key).key.masked(), masked);
    }
}

#[test]
fn debug_does_not_show_the_key() {
    let parsed = parse(&"7".repeat(40));
    assert!(!format!("{parsed:?} {:?}", parsed.key.secret()).contains('7'));
}
