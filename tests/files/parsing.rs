//! Malformed texts.

use std::fs;

use crate::support::{Home, KEY_1, KEY_2, KEY_3, NETRC, Run};
use crate::{SERVER, SETTINGS, entry, login, not_saved, source, token};

#[test]
fn utf16_is_reported_and_not_changed() {
    let home = Home::new();
    let utf16 = |text: &str| {
        [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect()
    };
    let netrc: Vec<u8> = utf16(&entry(KEY_2));
    home.write(NETRC, &netrc);
    let run = Run::of(&mut token(&home));
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("UTF-16"), "{}", run.stderr);
    let status = Run::of(home.wandb_login(&["status"]).env("WANDB_BASE_URL", SERVER));
    assert!(status.stdout.contains("UTF-16"), "{}", status.stdout);
    not_saved(login(&home, KEY_1), "UTF-16");
    assert_eq!(home.read(NETRC), Some(netrc));
    let settings: Vec<u8> = utf16(&format!(
        "[default]\napi_key = {KEY_3}\nbase_url = {SERVER}\n"
    ));
    home.write(SETTINGS, &settings);
    let run = Run::of(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
    assert_eq!(home.read(SETTINGS), Some(settings), "{}", run.stderr);
}

#[test]
fn hostile_netrc_is_read_quickly() {
    let many = |text: &str| text.repeat(100_000);
    for text in [
        format!(
            "machine 127.0.0.1:8080 login user password {}\0\n",
            "x".repeat(64 << 10)
        ),
        "\0".repeat(1 << 20),
        many("machine "),
        many("machine 127.0.0.1:8080\n"),
        many("default "),
        many("macdef x\n\n"),
        many("# "),
        many("\""),
        many("\\"),
        format!("machine 127.0.0.1:8080 login \"{}", many("x")),
    ] {
        let home = Home::new();
        home.write(NETRC, &text);
        home.write("cwd/wandb/settings", &text);
        let run = Run::of(&mut token(&home));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{:?}",
            &text[..40]
        );
        assert!(
            run.stderr.len() < 20_000,
            "{} bytes of warnings for {:?}",
            run.stderr.len(),
            &text[..40]
        );
    }
    // The last line feed may be missing.
    let home = Home::new();
    home.write(NETRC, entry(KEY_2).trim_end());
    assert_eq!(Run::ok(&mut token(&home)).stdout, format!("{KEY_2}\n"));
    Run::ok(
        home.wandb_login(&["login", "--host", "http://127.0.0.1:1", KEY_1])
            .env("WANDB_BASE_URL", SERVER),
    );
    assert!(home.text(NETRC).expect("netrc").starts_with(&entry(KEY_2)));
}

#[test]
fn files_over_the_size_limit_are_reported() {
    let home = Home::new();
    let netrc = home.path(NETRC);
    fs::File::create(&netrc)
        .and_then(|file| file.set_len((16 << 20) + 1))
        .expect("a large file");
    let run = Run::of(&mut token(&home));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("larger than 16 MiB"), "{}", run.stderr);
    not_saved(login(&home, KEY_1), "larger than 16 MiB");
    let settings = home.write(SETTINGS, "");
    fs::File::create(&settings)
        .and_then(|file| file.set_len((1 << 20) + 1))
        .expect("a large file");
    let run = Run::of(&mut token(&home));
    assert!(
        run.stderr.contains("settings is larger than 1 MiB"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_default_entry_is_never_used() {
    let home = Home::new();
    let text = format!("default login me password {KEY_2}\n");
    home.write(NETRC, &text);
    let status = Run::of(
        home.wandb_login(&["status", "--json"])
            .env("WANDB_BASE_URL", SERVER),
    );
    assert_eq!(status.code, Some(1));
    let row = source(&status.stdout, "netrc");
    assert_eq!(
        (row["state"].as_str(), row["line"].as_u64()),
        (Some("skipped"), Some(1)),
        "{row}"
    );
    Run::ok(home.wandb_login(&["logout"]).env("WANDB_BASE_URL", SERVER));
    assert_eq!(home.text(NETRC), Some(text));
}

#[test]
fn a_second_netrc_is_reported() {
    let home = Home::new();
    home.write(
        "home/.netrc",
        "machine example.com login me password secret\n",
    );
    home.write("home/_netrc", entry(KEY_2));
    let status = Run::of(home.wandb_login(&["status"]).env("WANDB_BASE_URL", SERVER));
    assert_eq!(status.code, Some(1), "{}", status.stdout);
    assert!(
        status.stdout.contains("_netrc is not read"),
        "{}",
        status.stdout
    );
}
