//! What a login writes, seen from outside. How it is written is tested where it
//! is done.

use std::fs;

use crate::support::{Home, KEY_1, KEY_2, LOCK_IS_A_FILE, NETRC, Run};

#[test]
fn a_login_that_cannot_be_saved_still_logs_in() {
    let home = Home::new();
    fs::create_dir(home.path(NETRC)).expect("directory");
    let run = Run::ok(&mut home.wandb_login(&[KEY_1]));
    assert!(
        run.stderr.contains("WARNING The API key was not saved: "),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("Using explicit session credentials"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_key_that_fails_to_verify_replaces_no_good_one() {
    let home = Home::new();
    let before = format!("machine 127.0.0.1:1 login user password {KEY_1}\n");
    home.write(NETRC, &before);
    let run = Run::of(&mut home.wandb_login(&["--verify", "--host", "http://127.0.0.1:1", KEY_2]));
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr
            .contains("Nothing was stored. To log in without verification, omit --verify."),
        "{}",
        run.stderr
    );
    assert_eq!(home.text(NETRC), Some(before));
    assert_eq!(fs::read_dir(home.home()).expect("home").count(), 1);
}

#[test]
fn entries_of_other_tools_are_left_alone() {
    let home = Home::new();
    let other = "machine corp.example login octo password ghp_token\n";
    home.write(NETRC, other);
    Run::ok(&mut home.wandb_login(&["--host", "https://corp.example", KEY_1]));
    let ours = format!("machine corp.example\n  login user\n  password {KEY_1}\n");
    assert_eq!(home.text(NETRC), Some(format!("{other}{ours}")));
    Run::ok(&mut home.wandb_login(&["logout", "--host", "https://corp.example"]));
    assert_eq!(home.text(NETRC).as_deref(), Some(other));
}

#[test]
fn a_percent_sign_in_an_address_is_read_back() {
    let home = Home::new();
    let host = "https://corp.example/a%20b";
    Run::ok(&mut home.wandb_login(&["--host", host, KEY_1]));
    assert_eq!(
        home.text("home/.config/wandb/settings").as_deref(),
        Some("[default]\nbase_url = https://corp.example/a%%20b\n")
    );
    let run = Run::ok(&mut home.wandb_login(&["status"]));
    assert!(
        run.stdout.contains(&format!("Server:       {host} (from ")),
        "{}",
        run.stdout
    );
}

/// The second login with the same key and server touches no file.
#[test]
fn what_is_stored_is_not_written_again() {
    let home = Home::new();
    let login = || Run::ok(&mut home.wandb_login(&["--host", "https://corp.example", KEY_1]));
    login();
    let times = || {
        let of = |path: &str| {
            fs::metadata(home.path(path))
                .and_then(|meta| meta.modified())
                .expect("a time")
        };
        let directory = (!LOCK_IS_A_FILE).then(|| of("home"));
        let files = [NETRC, "home/.config/wandb/settings"].map(of);
        (files, directory)
    };
    let before = times();
    let run = login();
    assert_eq!(times(), before);
    assert!(
        !run.stderr.contains("Appending") && !run.stderr.contains("Updated"),
        "{}",
        run.stderr
    );
}
