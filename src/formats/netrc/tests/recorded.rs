//! The SDK's recorded behavior, case by case. Intended differences are named.

use serde_json::Value;

use super::*;

fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    match file["cases"].take() {
        Value::Array(cases) => cases,
        _ => panic!("no cases"),
    }
}

fn names_of(case: &Value) -> Names<'_> {
    Names {
        netloc: case["netloc"].as_str().unwrap(),
        spelled: case["spelled"].as_str(),
        alias: case["alias"].as_str(),
        bare_host: case["bare_host"].as_str(),
        use_bare_host: true,
        prefer_alias: false,
    }
}

/// The recorded bytes of a case's file.
fn file_of(case: &Value) -> Vec<u8> {
    match case["file_latin1"].as_str() {
        Some(bytes) => bytes.chars().map(|char| char as u8).collect(),
        None => case["file"].as_str().unwrap().into(),
    }
}

#[test]
fn finds_what_the_sdk_finds() {
    let cases = cases(include_str!(
        "../../../../tests/conformance/netrc_read.json"
    ));
    let mut differ = 0;
    for case in &cases {
        let name = &case["name"];
        let file = file_of(case);
        let sdk = &case["sdk"];
        let expected = match case.get("difference") {
            Some(_) => {
                differ += 1;
                assert_ne!(case["password"], sdk["password"], "{name}: no difference");
                &case["password"]
            }
            None => &sdk["password"],
        };
        let found = look_up(&file, &names_of(case), is_key);
        let password = found
            .hit
            .map(|hit| String::from_utf8(hit.password.to_vec()).unwrap());
        assert_eq!(password.as_deref(), expected.as_str(), "{name}");
        let stops = sdk.get("stops");
        assert_eq!(found.sdk_error.is_some(), stops.is_some(), "{name}");
        if let (Some(ours), Some(theirs)) = (
            &found.sdk_error,
            // A UnicodeDecodeError has no line, and no message to compare.
            stops.filter(|stops| stops["line"].is_u64()),
        ) {
            let theirs = theirs["message"].as_str().unwrap();
            assert!(theirs.starts_with(ours.message), "{name}: {ours:?}");
        }
        // Missing and ignored parts are reported.
        let reported = !found.notes.is_empty();
        assert!(reported || sdk.get("warns").is_none(), "{name}: no warning");
        if sdk["password"].is_string() && stops.is_none() {
            assert!(found.sdk_at.is_some(), "{name}");
        }
    }
    eprintln!(
        "netrc_read.json: {} cases, {differ} differ on purpose",
        cases.len()
    );
}

#[test]
fn writes_what_the_sdk_writes() {
    let cases = cases(include_str!(
        "../../../../tests/conformance/netrc_write.json"
    ));
    let mut differ = 0;
    for case in &cases {
        let name = &case["name"];
        let expected = match case.get("difference") {
            Some(_) => {
                differ += 1;
                assert_ne!(case["after"], case["sdk_after"], "{name}: no difference");
                &case["after"]
            }
            None => &case["sdk_after"],
        };
        let before = case["before"].as_str().unwrap().as_bytes();
        let key = case["key"].as_str().unwrap().as_bytes();
        let edited = store(before, &names_of(case), key, is_key, BareHost::Follow);
        let after = edited
            .ok()
            .map(|edited| String::from_utf8(edited.text.to_vec()).unwrap());
        assert_eq!(after.as_deref(), expected.as_str(), "{name}");
    }
    eprintln!(
        "netrc_write.json: {} cases, {differ} differ on purpose",
        cases.len()
    );
}
