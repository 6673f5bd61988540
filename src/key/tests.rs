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
        let problem = ApiKey::parse(&key).err().map(|problem| problem.to_string());
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

#[test]
fn what_looks_like_a_key_is_masked() {
    let key = "0123456789abcdefABCDEF_-0123456789abcdef";
    assert_eq!(mask_keys(&format!("--{key}")), "****");
    assert_eq!(
        mask_keys(&format!("--timeout='{key}' é {key}.")),
        "--timeout='****' é ****."
    );
    assert_eq!(mask_keys(key), "****");
    for text in [
        "",
        "0123456789abcdef012",
        "WANDB_IDENTITY_TOKEN_FILE",
        "https://wandb.example.com:8080",
    ] {
        assert!(matches!(mask_keys(text), Cow::Borrowed(shown) if shown == text));
    }
}
