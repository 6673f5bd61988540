//! The credentials file, in which the SDK and this library cache access tokens
//! until they expire. The caller reads, locks and writes the file.
//!
//! ```json
//! {
//!   "credentials": {
//!     "https://api.wandb.ai": {
//!       "access_token": "…",
//!       "expires_at": "2006-01-02 15:04:05",
//!       "issued_at": "2006-01-02 14:04:05"
//!     }
//!   }
//! }
//! ```
//!
//! `issued_at` is this library's own; the SDK ignores it.

use serde_json::{Map, Value};

use crate::formats::date;
use crate::formats::json::WipedJson;
use crate::session::AccessToken;
use crate::url::BaseUrl;
use crate::util::secret::{Secret, WipedBytes};

/// The token of the first of these servers that has one which need not be renewed
/// yet. Malformed files and entries are ignored.
pub(crate) fn look_up(text: &[u8], base_urls: &[&str], now: i64) -> Option<AccessToken> {
    let file = WipedJson::parse(text)?;
    let credentials = file.0.get("credentials")?;
    base_urls.iter().find_map(|base_url| {
        let entry = credentials.get(base_url)?;
        let token = entry.get("access_token")?.as_str()?;
        let expires_at = date::parse(entry.get("expires_at")?.as_str()?)?;
        let issued_at = entry.get("issued_at").and_then(Value::as_str);
        let access = AccessToken {
            token: Secret::new(token.as_bytes()),
            expires_at,
            issued_at: issued_at.and_then(date::parse),
        };
        let usable = is_token(token) && expires_at.saturating_sub(now) > access.margin();
        usable.then_some(access)
    })
}

/// Whether a login to the server looks up this name.
pub(crate) fn is_name_of(name: &str, server: &BaseUrl) -> bool {
    let is_alias = |netloc| name.strip_prefix("https://") == Some(netloc);
    name == server.as_str() || server.alias_netloc().is_some_and(is_alias)
}

/// The servers with a token that has not expired, as the file names them.
pub(crate) fn servers(text: &[u8], now: i64) -> Vec<String> {
    let Some(file) = WipedJson::parse(text) else {
        return Vec::new();
    };
    let entries = file.0.get("credentials").and_then(Value::as_object);
    let is_usable = |entry: &Value| {
        let has_token = entry["access_token"].as_str().is_some_and(is_token);
        // Without a date that can be read, it may still be valid.
        let end = entry["expires_at"].as_str().and_then(date::parse);
        has_token && end.is_none_or(|end| end > now)
    };
    entries
        .into_iter()
        .flatten()
        .filter(|(_, entry)| is_usable(entry))
        .map(|(server, _)| server.clone())
        .collect()
}

/// Stores a token and keeps everything else in the file. A text that is not a JSON
/// object is replaced, as the SDK does.
pub(crate) fn store(text: &[u8], base_url: &str, access: &AccessToken) -> WipedBytes {
    let token = String::from_utf8_lossy(access.token.as_bytes()).into_owned();
    let mut entry = Map::from_iter([("access_token".to_owned(), Value::String(token))]);
    let mut insert_date = |name: &str, seconds| {
        entry.insert(name.to_owned(), Value::String(date::format(seconds)));
    };
    insert_date("expires_at", access.expires_at);
    if let Some(issued_at) = access.issued_at {
        insert_date("issued_at", issued_at);
    }
    let entry = Value::Object(entry);
    let mut file = WipedJson::parse(text)
        .filter(|file| file.0.is_object())
        .unwrap_or_else(|| WipedJson(Value::Object(Map::new())));
    let credentials = &mut file.0["credentials"];
    if !credentials.is_object() {
        *credentials = Value::Object(Map::new());
    }
    // The replaced value is a secret too.
    drop(WipedJson(std::mem::replace(
        &mut credentials[base_url],
        entry,
    )));
    file.to_pretty()
}

/// Removes the tokens of these servers; `None` if the file has none of them.
pub(crate) fn forget(text: &[u8], base_urls: &[&str]) -> Option<WipedBytes> {
    let mut file = WipedJson::parse(text)?;
    let credentials = file.0.get_mut("credentials")?.as_object_mut()?;
    let mut found = false;
    for base_url in base_urls {
        if let Some(entry) = credentials.remove(*base_url) {
            drop(WipedJson(entry));
            found = true;
        }
    }
    found.then(|| file.to_pretty())
}

/// Removes all tokens; `None` if the file has none.
pub(crate) fn forget_all(text: &[u8]) -> Option<WipedBytes> {
    let file = WipedJson::parse(text)?;
    let credentials = file.0.get("credentials")?.as_object()?;
    let with_token = credentials
        .iter()
        .filter(|(_, entry)| entry.get("access_token").is_some());
    let names: Vec<_> = with_token.map(|(name, _)| name.as_str()).collect();
    forget(text, &names)
}

/// Whether a string can be sent as a token in an HTTP header: visible ASCII.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://api.wandb.ai";
    const ALIAS: &str = "https://api.forge.coreweave.com";

    fn token(text: &str, expires_at: &str) -> AccessToken {
        AccessToken {
            token: Secret::new(text.as_bytes()),
            expires_at: date::parse(expires_at).unwrap(),
            issued_at: None,
        }
    }

    fn found(text: &str, base_urls: &[&str], now: &str) -> Option<String> {
        let access = look_up(text.as_bytes(), base_urls, date::parse(now).unwrap())?;
        Some(String::from_utf8(access.token.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_new_file_equals_the_sdks_except_for_the_order_of_members() {
        let text = store(b"", URL, &token("AT", "2026-11-21 01:18:17"));
        let expected = format!(
            "{{\n  \"credentials\": {{\n    \"{URL}\": {{\n      \"access_token\": \"AT\",\n      \
             \"expires_at\": \"2026-11-21 01:18:17\"\n    }}\n  }}\n}}"
        );
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn reads_the_sdks_file_until_five_minutes_before_expiry() {
        let text = format!(
            "{{\n  \"credentials\": {{\n    \"{URL}\": {{\n      \"expires_at\": \"2026-11-21 \
             01:18:17\",\n      \"access_token\": \"AT-z.c2ln\"\n    }}\n  }}\n}}"
        );
        let at = |now| found(&text, &[URL], now);
        assert_eq!(at("2026-11-21 00:53:17").as_deref(), Some("AT-z.c2ln"));
        assert_eq!(at("2026-11-21 01:13:16").as_deref(), Some("AT-z.c2ln"));
        assert_eq!(at("2026-11-21 01:13:17"), None);
        assert_eq!(at("2026-11-21 02:00:00"), None);
        assert_eq!(found(&text, &[ALIAS], "2026-01-01 00:00:00"), None);
        assert_eq!(
            found(&text, &[ALIAS, URL], "2026-01-01 00:00:00").as_deref(),
            Some("AT-z.c2ln")
        );
    }

    #[test]
    fn malformed_files_contain_no_token() {
        for text in [
            "",
            "not json",
            "[]",
            "{}",
            r#"{"credentials":[]}"#,
            r#"{"credentials":{"https://api.wandb.ai":"AT"}}"#,
            r#"{"credentials":{"https://api.wandb.ai":{"access_token":"AT"}}}"#,
            r#"{"credentials":{"https://api.wandb.ai":{"access_token":5,"expires_at":"2099-01-01 00:00:00"}}}"#,
            r#"{"credentials":{"https://api.wandb.ai":{"access_token":"","expires_at":"2099-01-01 00:00:00"}}}"#,
            r#"{"credentials":{"https://api.wandb.ai":{"access_token":"A\nT","expires_at":"2099-01-01 00:00:00"}}}"#,
            r#"{"credentials":{"https://api.wandb.ai":{"access_token":"AT","expires_at":"2099-01-01T00:00:00Z"}}}"#,
        ] {
            assert_eq!(found(text, &[URL], "2026-01-01 00:00:00"), None, "{text}");
        }
        let deep = "[".repeat(1 << 20);
        assert_eq!(found(&deep, &[URL], "2026-01-01 00:00:00"), None);
    }

    #[test]
    fn servers_with_a_token_that_may_be_valid_are_listed() {
        let text = r#"{"credentials": {
            "https://a.example": {"access_token": "AT", "expires_at": "2026-01-02 00:00:00"},
            "https://b.example": {"access_token": "AT", "expires_at": "2026-01-01 00:00:00"},
            "https://c.example": {"access_token": "AT", "expires_at": "tomorrow"},
            "https://d.example": {"access_token": "AT"},
            "https://e.example": {"access_token": ""},
            "https://f.example": {"expires_at": "2026-01-02 00:00:00"},
            "https://g.example": "AT"}}"#;
        let now = date::parse("2026-01-01 00:00:00").unwrap();
        let listed = [
            "https://a.example",
            "https://c.example",
            "https://d.example",
        ];
        assert_eq!(servers(text.as_bytes(), now), listed);
        for text in ["", "[]", "{}", r#"{"credentials": []}"#] {
            assert!(servers(text.as_bytes(), now).is_empty(), "{text}");
        }
    }

    #[test]
    fn storing_and_forgetting_keep_other_members() {
        let text = r#"{"credentials":{"http://other":{"access_token":"O","expires_at":"bad","x":1}},"version":2}"#;
        let stored = store(text.as_bytes(), URL, &token("AT", "2099-01-01 00:00:00"));
        let seen: Value = serde_json::from_slice(&stored).unwrap();
        assert_eq!(seen["version"], 2);
        assert_eq!(seen["credentials"]["http://other"]["x"], 1);
        assert_eq!(seen["credentials"][URL]["access_token"], "AT");

        let replaced = store(&stored, URL, &token("NEW", "2099-01-01 00:00:00"));
        assert!(!replaced.windows(4).any(|part| part == b"\"AT\""));

        let forgotten = forget(&replaced, &[ALIAS, URL]).unwrap();
        let seen: Value = serde_json::from_slice(&forgotten).unwrap();
        assert_eq!(seen, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(forget(&forgotten, &[ALIAS, URL]), None);
        assert_eq!(forget(b"not json", &[URL]), None);
    }

    #[test]
    fn numbers_of_other_members_keep_their_spelling() {
        let text =
            r#"{"a":1.11111111111111112e+24,"b":1e+999,"c":18446744073709551616,"credentials":{}}"#;
        let stored = store(text.as_bytes(), URL, &token("AT", "2099-01-01 00:00:00"));
        let forgotten = forget(&stored, &[URL]).unwrap();
        let flat: Vec<u8> = forgotten
            .iter()
            .copied()
            .filter(|b| !b" \n".contains(b))
            .collect();
        assert_eq!(String::from_utf8(flat).unwrap(), text);
    }

    #[test]
    fn malformed_files_are_replaced_as_the_sdk_does() {
        for text in ["not json", "[1]", r#"{"credentials":5}"#, "null"] {
            let stored = store(text.as_bytes(), URL, &token("AT", "2099-01-01 00:00:00"));
            assert_eq!(
                found(
                    std::str::from_utf8(&stored).unwrap(),
                    &[URL],
                    "2026-01-01 00:00:00"
                )
                .as_deref(),
                Some("AT"),
                "{text}"
            );
        }
    }
}
