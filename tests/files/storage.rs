//! Storing a key without losing data.

use std::ffi::OsString;
use std::fs;
use std::process::Stdio;

use wandb_login::{Flags, Login, Options, Source};

use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run};
use crate::{SERVER, SETTINGS, entry, login, not_saved, token};

/// Sixteen processes log in to sixteen servers, with a concurrent reader.
#[test]
fn concurrent_logins_keep_every_entry() {
    let home = Home::new();
    let old = "machine example.com login me password secret # keep\n";
    home.write(NETRC, old);
    let servers: Vec<_> = (9000..9016)
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let mut children: Vec<_> = servers
        .iter()
        .map(|server| {
            let mut login = home.wandb_login(&[
                "login",
                "--quiet",
                "--host",
                &format!("http://{server}"),
                KEY_1,
            ]);
            login.stderr(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    while children
        .iter_mut()
        .any(|child| child.try_wait().expect("a state").is_none())
    {
        let now = match home.text(NETRC) {
            None if support::MOVES_FILES_AWAY => continue,
            now => now.expect("it always exists"),
        };
        assert!(now.starts_with(old), "{now}");
        assert!(now.ends_with('\n'), "{now}");
    }
    for child in children {
        let run = Run::from(child.wait_with_output().expect("it ends"));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    let netrc = home.text(NETRC).expect("netrc");
    for server in &servers {
        let found =
            Run::ok(&mut home.wandb_login(&["token", "--host", &format!("http://{server}")]));
        assert_eq!(found.stdout, format!("{KEY_1}\n"), "{server}: {netrc}");
    }
    assert_eq!(netrc.len(), old.len() + 16 * entry(KEY_1).len());
    let settings = home.text(SETTINGS).expect("settings");
    assert_eq!(settings.lines().count(), 2, "{settings}");
    assert_eq!(
        fs::read_dir(home.home()).expect("home").count(),
        2,
        "nothing else is left"
    );
}

#[test]
fn a_thousand_logins_do_not_grow_a_file() {
    let home = Home::new();
    let other = "# mine\nmachine example.com login me password secret\n";
    home.write(NETRC, other);
    let environment = [OsString::from(home.entry())];
    let environment = environment.each_ref().map(OsString::as_os_str);
    let cwd = home.cwd();
    let log = |_, _: &str| {};
    for round in 0..1000 {
        let options = Options::new()
            .api_key([KEY_1, KEY_2][round % 2])
            .host(SERVER)
            .flags(Flags::NO_PROMPT)
            .environment(&environment)
            .working_directory(&cwd)
            .log(&log);
        assert!(
            matches!(wandb_login::login(&options), Ok(Login::Session(session)) if session.saved())
        );
    }
    assert_eq!(home.text(NETRC), Some(format!("{other}{}", entry(KEY_2))));
    assert_eq!(
        home.text(SETTINGS),
        Some(format!("[default]\nbase_url = {SERVER}\n"))
    );
}

#[test]
fn a_large_netrc_keeps_every_byte() {
    let home = Home::new();
    let many: String = (0..25_000)
        .map(|n| format!("machine h{n}.example.com login u password p{n}\n"))
        .collect();
    assert!(many.len() > 1 << 20);
    home.write(NETRC, &many);
    Run::ok(&mut login(&home, KEY_1));
    assert_eq!(home.text(NETRC), Some(many + &entry(KEY_1)));
    assert_eq!(Run::ok(&mut token(&home)).stdout, format!("{KEY_1}\n"));
}

#[test]
fn an_unsaved_session_reports_it() {
    let home = Home::new();
    fs::create_dir(home.path(NETRC)).expect("a folder");
    let environment = [OsString::from(home.entry())];
    let environment = environment.each_ref().map(OsString::as_os_str);
    let (cwd, log) = (home.cwd(), |_, _: &str| {});
    let options = Options::new()
        .api_key(KEY_1)
        .environment(&environment)
        .working_directory(&cwd)
        .log(&log);
    let Ok(Login::Session(session)) = wandb_login::login(&options) else {
        panic!("it succeeds")
    };
    assert!(!session.saved());
    assert_eq!(session.source(), Source::Explicit);
    assert!(
        session
            .api_key()
            .is_some_and(|key| key.as_bytes() == KEY_1.as_bytes())
    );
}

/// An entry of another tool at the end of the file, without its value, hides an
/// entry before it, and takes what follows it for that value.
#[test]
fn an_incomplete_entry_of_another_tool_does_not_hide_the_key() {
    for end in [
        "password",
        "account",
        "password \"open",
        "password \"open\n",
    ] {
        let home = Home::new();
        let text = format!("machine 127.0.0.1:8080\n  login bob\n  {end}");
        home.write(NETRC, &text);
        let run = Run::ok(&mut login(&home, KEY_1));
        assert!(!run.stderr.contains("not saved"), "{end}: {}", run.stderr);
        assert!(home.text(NETRC).expect("netrc").starts_with(&text), "{end}");
        assert_eq!(
            Run::ok(&mut token(&home)).stdout,
            format!("{KEY_1}\n"),
            "{end}"
        );
    }
    let home = Home::new();
    let text = "machine 127.0.0.1:8080\n  login bob\n  password ends\\";
    home.write(NETRC, text);
    not_saved(login(&home, KEY_1), "would not be found");
    assert_eq!(home.text(NETRC).as_deref(), Some(text));
}

/// Names are compared as a whole: a prefix or a part is another machine.
#[test]
fn a_part_of_a_machine_name_does_not_match() {
    for other in [
        "api.wandb.ai.corp.internal",
        "xapi.wandb.ai",
        "wandb.ai",
        "api.wandb.ai:8443",
    ] {
        let home = Home::new();
        let text = format!("machine {other}\n  login user\n  password {KEY_2}\n");
        home.write(NETRC, &text);
        assert_eq!(
            Run::of(&mut home.wandb_login(&["token"])).code,
            Some(1),
            "{other}"
        );
        Run::ok(&mut home.wandb_login(&["login", KEY_1]));
        assert!(
            home.text(NETRC).expect("netrc").starts_with(&text),
            "{other}"
        );
        Run::ok(&mut home.wandb_login(&["logout"]));
        assert_eq!(home.text(NETRC), Some(text), "{other}");
    }
}
