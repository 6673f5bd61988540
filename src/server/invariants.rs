//! What holds for every response, whatever a server sends.

use std::time::Duration;

use super::ca::TrustAnchors;
use super::error::Subject;
use super::http::Response;
use super::response;
use crate::util::secret::{Secret, WipedBytes};

/// The length limit of a message without the server's URL.
const LONGEST: usize = 2_000;

/// Reads a response in each of the ways that a request can ask for.
///
/// # Panics
/// If an invariant is broken.
pub(crate) fn check(status: u16, location: Option<&str>, body: &[u8], secret: &[u8]) {
    let subject = Subject {
        server: "https://wandb.example",
        trust_anchors: &TrustAnchors::Platform,
        credential: &"the API key",
        secrets: Vec::new(),
    };
    let mut response = Response {
        status,
        location: location.map(str::to_owned),
        retry_after: Some(Duration::from_secs(1)),
        body: WipedBytes::new(body.to_vec()),
        secrets: [Secret::new(secret)].into(),
        date: None,
    };
    response.mask();
    let token = |token: &Secret| {
        assert!(token.as_bytes().iter().all(u8::is_ascii_graphic));
        assert!(!token.as_bytes().is_empty());
    };
    match response::viewer(&response, &subject) {
        Ok(viewer) => {
            let names = [viewer.username, viewer.email, viewer.entity];
            for name in names.iter().flatten().chain(&viewer.teams) {
                check_text(name, secret);
                assert!(!name.is_empty());
            }
        }
        Err(error) => check_message(&error.to_string(), secret),
    }
    match response::anonymous_key(&response, &subject) {
        Ok(key) => token(&key),
        Err(error) => check_message(&error.to_string(), secret),
    }
    match response::access_token(&response, &subject, i64::MAX - 1) {
        Ok(access) => token(&access.token),
        Err(error) => check_message(&error.to_string(), secret),
    }
}

fn check_message(text: &str, secret: &[u8]) {
    check_text(text, secret);
    assert!(
        text.len() <= LONGEST,
        "a long message: {} bytes",
        text.len()
    );
}

fn check_text(text: &str, secret: &[u8]) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let mut windows = text.as_bytes().windows(secret.len());
    assert!(!windows.any(|part| part == secret), "the secret is shown");
}
