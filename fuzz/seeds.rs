//! Writes the recorded cases of `tests/conformance` as seeds: every string of a
//! file becomes an input of its targets. The argument is the output folder.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Which file provides seeds for which targets.
const FEEDS: &[(&str, &[&str])] = &[
    ("netrc_read", &["netrc", "netrc_peer", "c_abi"]),
    ("netrc_write", &["netrc", "netrc_peer"]),
    ("settings", &["settings", "c_abi"]),
    ("keys", &["key", "c_abi"]),
    ("server_urls", &["server_url", "c_abi"]),
    ("server", &["server_answer"]),
];

/// Seeds for formats without recorded cases.
const MORE: &[(&str, &str)] = &[
    (
        "credentials",
        r#"{"credentials":{"https://x.com":{"access_token":"t","expires_at":"2099-01-01 00:00:00"}}}"#,
    ),
    (
        "exported",
        "wandb-login-session 1\nbase_url https://x.com\napp_url https://x.com\nsource netrc\nsaved true\n\
         api_key 1111111111111111111111111111111111111111\nusername u\nverified true\nteam t\n",
    ),
    (
        "exported",
        "wandb-login-session 1\nbase_url https://x.com\nsource identity_token\naccess_token t\n\
         expires_at 5\nidentity_token_file /t\n",
    ),
];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let to = PathBuf::from(std::env::args_os().nth(1).expect("a folder to write to"));
    for (file, targets) in FEEDS {
        let path = root
            .join("../tests/conformance")
            .join(file)
            .with_extension("json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        let mut texts = Vec::new();
        collect(&value, &mut texts);
        for target in *targets {
            let folder = folder(&to, target);
            for text in &texts {
                // A response begins with its status and location.
                let head: &[u8] = if *target == "server_answer" {
                    b"\x01\0\0"
                } else {
                    b""
                };
                seed(&folder, &[head, text.as_bytes()].concat());
            }
        }
    }
    for (target, text) in MORE {
        seed(&folder(&to, target), text.as_bytes());
    }
}

fn folder(to: &Path, target: &str) -> PathBuf {
    let folder = to.join(target);
    fs::create_dir_all(&folder).expect("a folder for seeds");
    folder
}

fn seed(folder: &Path, text: &[u8]) {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let path = folder.join(format!("seed-{:016x}", hasher.finish()));
    fs::write(path, text).expect("a seed is written");
}

fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|item| collect(item, texts)),
        _ => {}
    }
}
