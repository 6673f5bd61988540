//! Property tests: the invariants on inputs assembled from likely pieces, a few
//! hundred each.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        // A failure becomes a named test, not a seed in a file.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Texts of these pieces and of a few random bytes.
fn made_of(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const KEY: &str = "1111111111111111111111111111111111111111";

const NETRC: &[&str] = &[
    " ",
    " ",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "machine ",
    "machine x.com ",
    "machine y.com ",
    "machine x.com:8080 ",
    "login ",
    "login user ",
    "login git ",
    "password ",
    "account a ",
    "default ",
    "macdef m\n",
    "\n\n",
    "#",
    "# c\n",
    "\"",
    "\\",
    "'x.com' ",
    "\u{feff}",
    "é",
    KEY,
    " password 1111111111111111111111111111111111111111\n",
];

const SETTINGS: &[&str] = &[
    "[default]\n",
    "[DEFAULT]\n",
    "[other]\n",
    "[",
    "]",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "=",
    ":",
    "base_url = https://x.com\n",
    "base_url",
    "BASE_URL: http://y.com\n",
    "anonymous = true\n",
    "api_key = ",
    KEY,
    "%",
    "%%",
    "%(base_url)s",
    "%(x)s",
    "x = 1\n",
    " continued\n",
    "# c\n",
    "; c\n",
    "\u{feff}",
    "é",
    "\u{a0}",
    "mode = offline\n",
];

const URLS: &[&str] = &[
    "https://",
    "http://",
    "HTTPS://",
    "ftp://",
    "x.com",
    "X.com",
    "api.wandb.ai",
    "api.forge.coreweave.com",
    "forge.coreweave.com/api/wandb",
    "wandb.ai",
    "localhost",
    "127.1",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[",
    "]",
    ":",
    ":443",
    ":80",
    ":8080",
    "/",
    "//",
    "/a",
    ".",
    "..",
    "%2f",
    "@",
    "user:pw@",
    "?",
    "?q",
    "#",
    "#f",
    "\\",
    " ",
    "\t",
    "\n",
    "é",
    "xn--",
    "-",
    "_",
    "\u{202e}",
    "'",
    "\"",
];

#[cfg(feature = "http")]
const ANSWERS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"data\":",
    "\"viewer\":",
    "null",
    "{\"viewer\":null}",
    "{\"data\":{\"viewer\":{\"username\":\"u\",\"teams\":{\"edges\":[{\"node\":{\"name\":\"t\"}}]}}}}",
    "{\"errors\":[{\"message\":\"",
    "\"}]}",
    "\\u001b[31m",
    "\\u0000",
    "\\ud800",
    "\x1b[2J",
    "<html>",
    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN",
    "{\"access_token\":\"t\",\"expires_in\":9}",
    "{\"data\":{\"createAnonymousEntity\":{\"apiKey\":{\"name\":\"k\"}}}}",
    "\u{202e}",
    "é",
    "\n",
];

const CACHES: &[&str] = &[
    "{",
    "}",
    ",",
    "{}",
    "[]",
    "null",
    "1e999",
    "\"credentials\":",
    "{\"credentials\":{",
    "}}",
    "\"https://x.com\":{\"access_token\":\"t\",\"expires_at\":\"2099-01-01 00:00:00\"}",
    "\"https://y.com\":{\"access_token\":\"t\"}",
    "\"x\":1",
    "\\",
    " ",
    "\n",
];

const EXPORTS: &[&str] = &[
    "wandb-login-session 1\n",
    "base_url https://x.com\n",
    "base_url http://Y.com:80/\n",
    "api_key 1111111111111111111111111111111111111111\n",
    "source netrc\n",
    "source explicit\n",
    "access_token t\n",
    "expires_at 5\n",
    "expires_at -9223372036854775808\n",
    "saved true\n",
    "identity_token_file /t\n",
    "verified true\n",
    "username u\\nv\n",
    "username u\\\\v\n",
    "team t\n",
    "entity e\n",
    "email \x1b[2J\n",
    "source_name a b\n",
    "workspace_only true\n",
    "ca_file /a.pem\n",
    "ca_dir /a:/b\n",
    "tls_unchecked true\n",
    "proxy h\n",
    "proxy socks5://u%40:p@[::1]:9\n",
    "header X-A: b\n",
    "header Authorization: b\n",
    "header ",
    "proxy http://",
    "%",
    "@",
    ":",
    "unknown x\n",
    " ",
    "\n",
    "\\",
];

/// A complete session, followed by anything.
fn sessions() -> impl Strategy<Value = Vec<u8>> {
    made_of(EXPORTS).prop_map(|rest| {
        [
            EXPORTS[..2].concat().as_bytes(),
            EXPORTS[3].as_bytes(),
            EXPORTS[4].as_bytes(),
            &rest,
        ]
        .concat()
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn netrc(text in made_of(NETRC)) {
        super::netrc(&text);
    }

    #[test]
    fn settings(text in made_of(SETTINGS), value in made_of(URLS)) {
        super::settings(&text, &String::from_utf8_lossy(&value));
    }

    #[test]
    fn keys(text in "[ \n]?([a-z]{0,3}[-.])?(wandb_v1_)?[A-Za-z0-9_.-]{36,44}[ \n]?") {
        super::key(text.as_bytes());
    }

    #[test]
    fn keys_of_any_bytes(text in vec(any::<u8>(), 0..64)) {
        super::key(&text);
    }

    #[test]
    fn server_urls(url in made_of(URLS)) {
        super::server_url(&String::from_utf8_lossy(&url));
    }

    #[test]
    fn exported_sessions(text in sessions()) {
        super::exported(&text);
    }
}

#[cfg(feature = "http")]
proptest! {
    #![proptest_config(config())]

    #[test]
    fn server_answers(
        status in prop_oneof![Just(200_u16), Just(401), 100..600_u16],
        location in proptest::option::of(made_of(URLS)),
        body in made_of(ANSWERS),
    ) {
        let location = location.map(|text| String::from_utf8_lossy(&text).into_owned());
        super::server_answer(status, location.as_deref(), &body);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn credentials_files(text in made_of(CACHES)) {
        super::credentials(&text);
    }
}

/// Found by a fuzzer: our entry cannot be moved after an entry of another tool with
/// an open quote, and removing it would turn a comment into tokens.
#[test]
fn a_netrc_file_that_every_edit_makes_unreadable() {
    super::netrc(b"machine x.com\n# lost?\n login user\n password 1111111111111111\n#0also l.ogin gitc+ine y.com login } passw\x88\x8dd 00000000000000000000130386229922222222222\nmachine x.com\n  login u\x0e\x00ser\n  password 11111111\"u\" password \"KKK306\n");
}
