//! The texts of the prompt, and the input that it accepts.

use super::super::number;
use super::{ASKED, KEY, Stage};
use crate::error::Error;
use crate::prompt::terminal::BACKGROUND;

const FORCED: &str = "wandb: Create a new API key at: https://app.example/authorize?ref=models\r\n\
     wandb: Store your API key securely and do not share it.\r\n\
     wandb: Paste your API key and hit enter: ";
const MENU: &[(&str, &str)] = &[("CREATE", "1"), ("OFFLINE", "1")];

/// The outcome of typing the keys at the hidden prompt.
fn typed(keys: impl AsRef<[u8]>) -> String {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send(keys);
    stage.outcome()
}

fn key(text: &str) -> String {
    format!("key {text}")
}

#[test]
fn without_a_menu_it_asks_for_the_key_at_once() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
    let seen = stage.pty.seen();
    assert!(seen.contains(&format!("{FORCED}\r\n")), "{seen:?}");
}

#[test]
fn colors_are_those_of_the_sdk() {
    let settings = [
        ("COLOR", "1"),
        ("PROBLEM", "API key must have 40+ characters, has 5."),
    ];
    let mut stage = Stage::new("ask", &settings);
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
    let seen = stage.pty.seen();
    let prefix = "\x1b[34m\x1b[1mwandb\x1b[0m:";
    let problem = format!(
        "{prefix} \x1b[32m\x1b[41mERROR\x1b[0m Invalid API key: API key must have 40+ characters, has 5.\r\n"
    );
    let all = problem + &FORCED.replace("wandb: ", &format!("{prefix} ")) + "\r\n";
    assert!(seen.contains(&all), "{seen:?}");
}

#[test]
fn text_goes_to_the_terminal_and_none_to_standard_output() {
    let dir = super::TempDir::new();
    let stdout = dir.path().join("out");
    let file = std::fs::File::create(&stdout).expect("a file");
    let mut stage = Stage::with("ask", &[], |command| {
        command.stdout(file);
    });
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
    let written = std::fs::read_to_string(stdout).expect("what was written");
    assert!(!written.contains("wandb"), "{written}"); // the test runner writes there too
}

#[test]
fn the_cloud_is_named() {
    let mut stage = Stage::new("ask", &[("CLOUD", "1")]);
    stage.pty.expect(
        "wandb: Logging into https://api.wandb.ai. (Learn how to deploy a W&B server\r\n\
         wandb: locally: https://wandb.me/wandb-server)\r\nwandb: Create a new API key at: ",
    );
}

#[test]
fn a_choice_of_the_menu_leads_to_the_key() {
    let mut stage = Stage::new("ask", MENU);
    stage.pty.expect(
        "wandb: (1) Create a W&B account\r\n\
         wandb: (2) Use an existing W&B account\r\n\
         wandb: (3) Don't visualize my results\r\n\
         wandb: Enter your choice: ",
    );
    for (answer, shown) in [
        ("\r", "\r\n"),
        ("9\r", "9\r\nwandb: WARNING Invalid choice\r\n"),
        ("-1\r", "-1\r\nwandb: WARNING Invalid choice\r\n"),
        ("abc\r", "abc\r\nwandb: WARNING Invalid choice\r\n"),
    ] {
        stage.pty.send(answer);
        stage
            .pty
            .expect(&format!("{shown}wandb: Enter your choice: "));
    }
    stage.pty.send(" \u{ff12} \r");
    stage
        .pty
        .expect("wandb: You chose 'Use an existing W&B account'\r\n");
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
}

#[test]
fn the_menu_can_be_edited() {
    let mut stage = Stage::new("ask", MENU);
    stage.pty.expect("Enter your choice: ");
    stage.pty.send("\u{ff13}\x7f1\x7f3");
    stage.pty.expect("\u{ff13}\x08 \x08\x08 \x081\x08 \x083");
    stage.pty.send("\r");
    stage
        .pty
        .expect("wandb: You chose \"Don't visualize my results\"\r\n");
    assert_eq!(stage.outcome(), "Offline");
}

#[test]
fn an_account_can_be_created() {
    let mut stage = Stage::new("ask", MENU);
    stage.pty.expect("Enter your choice: ");
    stage.pty.send("1\r");
    stage.pty.expect(
        "wandb: You chose 'Create a W&B account'\r\n\
         wandb: Create an account here:\r\n\
         wandb: https://app.example/authorize?signup=true&ref=models\r\n\
         wandb: After creating your account, create a new API key and store it securely.\r\n",
    );
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
}

#[test]
fn the_menu_offers_an_anonymous_account_if_allowed() {
    let mut stage = Stage::new("ask", &[("ANONYMOUS", "1")]);
    stage.pty.expect(
        "wandb: (1) Private W&B dashboard, no account required\r\n\
         wandb: (2) Use an existing W&B account\r\n",
    );
    stage.pty.expect("Enter your choice: ");
    stage.pty.send("1\r");
    assert_eq!(stage.outcome(), "Anonymous");
}

#[test]
fn a_key_pasted_at_the_menu_is_not_shown() {
    let mut stage = Stage::new("ask", MENU);
    stage.pty.expect("Enter your choice: ");
    stage.pty.send(format!("{KEY}\r"));
    stage.pty.expect("Invalid choice");
    assert!(!stage.pty.seen().contains(&KEY[..4]));
}

#[test]
fn a_choice_and_the_key_may_be_typed_ahead() {
    let mut stage = Stage::new("ask", MENU);
    stage.pty.expect("Enter your choice: ");
    stage.pty.send(format!("2\r{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
}

#[test]
fn typed_characters_never_appear() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    for byte in KEY.bytes() {
        stage.pty.send([byte]);
    }
    stage.pty.send("\r");
    assert_eq!(stage.outcome(), key(KEY));
    let seen = stage.pty.seen();
    for part in ["1111", "2222", "3333", "4444"] {
        assert!(!seen.contains(part), "{seen:?}");
    }
}

#[test]
fn white_space_and_paste_marks_around_a_key_are_removed() {
    for keys in [
        format!("{KEY}\n"),
        format!("  {KEY}\t \r"),
        format!("\x1b[200~{KEY}\x1b[201~\r"),
        format!("\x1b[200~\n {KEY}\n\x1b[201~"),
        format!("typo\x15{KEY}\r"),
        format!("{KEY}x\x7f\r"),
        format!("{KEY}\x04\x04"),
        format!("{KEY}\nsecond line of the paste\n"),
    ] {
        assert_eq!(typed(&keys), key(KEY), "{keys:?}");
    }
}

#[test]
fn the_rest_of_a_paste_does_not_reach_the_shell() {
    let mut stage = Stage::under_dash("ask", &[]);
    stage.pty.send("eval \"$RUN\"\n");
    stage.asked();
    // More than is read at once, less than the kernel keeps.
    stage
        .pty
        .send(format!("{KEY}\n{}\n", "leftover ".repeat(200)));
    stage.pty.expect("dash> ");
    stage.pty.send("echo en''d\n");
    stage.pty.expect("end");
    let seen = stage.pty.seen();
    assert!(
        !seen.contains("not found"),
        "the shell tried to run it: {seen:?}"
    );
}

#[test]
fn an_empty_line_asks_again() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    for empty in ["\r", "  \r", "\x1b[A\r"] {
        stage.pty.send(empty);
        stage.pty.expect(&format!("\r\nwandb: {ASKED}"));
    }
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
}

#[test]
fn a_key_may_be_longer_than_the_kernels_line() {
    for length in [4095, 4096, 4097, 60_000, 65_536] {
        let long = "k".repeat(length);
        assert!(typed(format!("{long}\r")) == key(&long), "{length}");
    }
}

#[test]
fn a_line_that_is_too_long_is_explained_and_asked_again() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send("k".repeat(70_000) + "\r");
    stage.pty.expect(
        "wandb: Received 70000 characters.\r\n\
         wandb: ERROR Invalid API key: it is longer than 65536 characters.\r\n",
    );
    stage.asked();
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
}

#[test]
fn one_line_says_what_arrived_without_showing_it() {
    let body = "d4f10cd5".repeat(10);
    let cases = [
        (KEY.to_owned(), "Received 40 characters, an API key."),
        (format!("  {KEY}\t"), "Received 40 characters, an API key."),
        (
            format!("wandb_v1_{}", &body[..77]),
            "Received 86 characters, an API key in the wandb_v1 form.",
        ),
        (
            format!("local-wandb_v1_{body}"),
            "Received 95 characters, an API key in the wandb_v1 form.",
        ),
        (
            format!("local-{KEY}"),
            "Received 46 characters, an on-premises API key.",
        ),
        (
            format!("{body}.{body}.{body}"),
            "Received 242 characters, a JSON Web Token.",
        ),
        (KEY[..39].to_owned(), "Received 39 characters."),
        ("x".to_owned(), "Received 1 character."),
        ("\u{e9}".repeat(45), "Received 45 characters."),
        (format!("{KEY} {KEY}"), "Received 81 characters."),
    ];
    for (pasted, line) in cases {
        let mut stage = Stage::new("ask", &[]);
        stage.asked();
        stage.pty.send(format!("{pasted}\r"));
        stage.outcome();
        let seen = stage.pty.seen();
        let all = format!("{ASKED}\r\nwandb: {line}\r\n");
        assert!(seen.contains(&all), "{pasted}: {seen:?}");
        assert!(!seen.contains(pasted.trim()) || pasted == "x", "{seen:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_counted() {
    let mut stage = Stage::new("ask", &[]);
    stage.asked();
    stage.pty.send([&[0xe9; 45][..], b"\r"].concat());
    stage.pty.expect("wandb: Received 45 characters.\r\n");
}

/// What the prompt shows for the cloud on a terminal of this width.
fn shown_at(columns: u16) -> Vec<String> {
    let settings = [
        ("CLOUD", "1"),
        (
            "PROBLEM",
            "API key may only contain the letters A-Z, digits and underscores.",
        ),
    ];
    let mut stage = Stage::prepared("ask", &settings, |pty| pty.resize(columns));
    stage.pty.expect("enter: "); // one word on a line of its own
    stage.pty.send(format!("{KEY}\r"));
    assert_eq!(stage.outcome(), key(KEY));
    let seen = stage.pty.seen();
    let lines = seen.lines().filter(|line| line.starts_with("wandb:"));
    lines.map(str::to_owned).collect()
}

#[test]
fn long_lines_break_between_words_and_urls_stay_whole() {
    let wide = shown_at(1000);
    let words = |lines: &[String]| -> Vec<String> {
        let words = lines.iter().flat_map(|line| line.split(' '));
        words
            .filter(|word| !word.is_empty() && *word != "wandb:")
            .map(str::to_owned)
            .collect()
    };
    for columns in [1, 8, 20, 40, 41, 60, 79, 81, 120, 250] {
        let lines = shown_at(columns);
        assert_eq!(words(&lines), words(&wide), "{columns}");
        for line in &lines {
            let text = line
                .trim_start_matches("wandb: ")
                .trim_start_matches("ERROR ");
            let one_word = !text.trim_end().contains(' ');
            assert!(
                line.trim_end().len() <= columns.into() || one_word,
                "{columns}: {line}"
            );
        }
    }
    assert_eq!(
        shown_at(0),
        shown_at(80),
        "80 columns where the width is unknown"
    );
    assert!(shown_at(80).len() > wide.len());
}

#[test]
fn control_characters_in_a_problem_are_replaced() {
    let mut stage = Stage::new("ask", &[("PROBLEM", "bad \x1b]0;title\x07 words")]);
    stage.asked();
    let seen = stage.pty.seen();
    assert!(
        seen.contains("bad \u{fffd}]0;title\u{fffd} words"),
        "{seen:?}"
    );
    assert!(!seen.contains('\x1b'));
}

#[test]
fn a_choice_is_read_as_python_reads_an_int() {
    let cases: &[(&str, Option<usize>)] = &[
        ("2", Some(2)),
        (" 2 ", Some(2)),
        ("+2", Some(2)),
        ("002", Some(2)),
        ("\u{ff12}", Some(2)),
        ("0", Some(0)),
        ("-1", None),
        ("", None),
        ("+", None),
        ("++1", None),
        ("abc", None),
        ("1.0", None),
        ("99999999999999999999999999", None),
    ];
    for (text, expected) in cases {
        assert_eq!(number(text.as_bytes()), *expected, "{text:?}");
    }
    assert_eq!(number(b"\xff"), None);
}

#[test]
fn the_error_names_the_reason_and_the_alternatives() {
    let text =
        Error::not_configured("https://x.example", Some(&BACKGROUND.to_string())).to_string();
    for part in [
        "background",
        "WANDB_API_KEY,",
        "`wandb-login`",
        "WANDB_API_KEY_FILE",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
