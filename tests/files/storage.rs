//! Storing a key without losing data.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use wandb_login::{Flags, Login, Options, Source};

use crate::support::{Home, KEY_1, KEY_2, KEY_4, Run};
use crate::{
    NETRC, SERVER, SETTINGS, as_plain_user, entry, fifo, login, mode, not_saved, source, token,
};

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
        let now = home.text(NETRC).expect("it always exists");
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
    let environment = [OsString::from(format!("HOME={}", home.home().display()))];
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
fn files_are_for_the_owner_alone() {
    let home = Home::new();
    let path = home.write(NETRC, "machine example.com login me password secret\n");
    mode(&path, 0o644);
    Run::ok(&mut login(&home, KEY_1));
    assert_eq!(home.mode(NETRC), 0o600);
    for umask in ["000", "0777", "022"] {
        let home = Home::new();
        let script = format!("umask {umask}; exec \"$0\" login --host {SERVER} {KEY_1}");
        Run::ok(
            home.command("sh")
                .args(["-c", &script, crate::support::wandb_login_path()]),
        );
        assert_eq!(
            (home.mode(NETRC), home.mode(SETTINGS)),
            (0o600, 0o600),
            "umask {umask}"
        );
        assert_eq!(home.mode("home/.config/wandb"), 0o700, "umask {umask}");
    }
}

#[test]
fn links_stay_links() {
    let home = Home::new();
    let target = home.write(
        "dotfiles/netrc",
        "machine example.com login me password secret\n",
    );
    let link = home.home().join(".netrc");
    symlink(&target, &link).expect("a link");
    Run::ok(&mut login(&home, KEY_1));
    assert_eq!(fs::read_link(&link).expect("still a link"), target);
    assert!(
        home.text("dotfiles/netrc")
            .expect("the target")
            .ends_with(&entry(KEY_1))
    );
    // A dangling link is followed.
    let dangling = Home::new();
    symlink(
        dangling.base().join("netrc"),
        dangling.home().join(".netrc"),
    )
    .expect("a link");
    assert_eq!(Run::of(&mut token(&dangling)).code, Some(1));
    let run = Run::of(&mut login(&dangling, KEY_1));
    assert_eq!(
        (run.code, dangling.text(NETRC)),
        (Some(0), Some(entry(KEY_1))),
        "{}",
        run.stderr
    );
    // A loop is reported, for reading and for writing.
    let home = Home::new();
    symlink(".netrc", home.home().join(".netrc")).expect("a link");
    let run = Run::of(&mut token(&home));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    not_saved(login(&home, KEY_1), "too many levels of symbolic links");
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

/// Other file types in place of netrc are reported at once and not changed.
#[test]
fn netrc_that_is_not_a_regular_file() {
    let home = Home::new();
    let base = home.base().to_path_buf();
    fs::create_dir(base.join("folder")).expect("a folder");
    fifo(&base.join("fifo"));
    let odd = [
        (base.join("folder"), "is a directory"),
        (base.join("fifo"), "is a pipe"),
        ("/dev/zero".into(), "is a device"),
        ("/dev/full".into(), "is a device"),
    ];
    for (path, why) in &odd {
        let run = Run::of(token(&home).env("NETRC", path));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{path:?}: {}",
            run.stderr
        );
        let mut store = login(&home, KEY_1);
        store.env("NETRC", path);
        not_saved(store, path.to_str().expect("UTF-8"));
        // The next source is used, and the report names the problem.
        home.write(SETTINGS, format!("[default]\napi_key = {KEY_4}\n"));
        let run = Run::ok(token(&home).env("NETRC", path).args(["--order", "sdk"]));
        assert_eq!(run.stdout, format!("{KEY_4}\n"));
        let status = Run::ok(
            home.wandb_login(&["status", "--json"])
                .env("WANDB_BASE_URL", SERVER)
                .env("NETRC", path),
        );
        let row = source(&status.stdout, "netrc");
        assert_eq!(row["state"], "invalid", "{row}");
        let problem = row["problem"].as_str().expect("a problem");
        assert!(
            problem.contains(why) && problem.contains(path.to_str().expect("UTF-8")),
            "{problem}"
        );
        fs::remove_file(home.base().join(SETTINGS)).expect("settings");
    }
    // The null device and a missing file are empty.
    for path in ["/dev/null", "missing"] {
        let run = Run::of(token(&home).env("NETRC", path));
        assert_eq!(
            (run.code, run.stderr.contains("WARN")),
            (Some(1), false),
            "{}",
            run.stderr
        );
    }
    let mut store = login(&home, KEY_1);
    store.env("NETRC", base.join("none/netrc"));
    not_saved(store, "is in a directory that does not exist");
    let mut store = login(&home, KEY_1);
    store.env("NETRC", "/dev/null");
    not_saved(store, "/dev/null");
}

#[test]
fn a_login_succeeds_where_the_home_cannot_be_written() {
    let home = Home::new();
    let temporary = home.base().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let mut command = as_plain_user(&home, &["login", "--host", SERVER, KEY_1]);
    mode(&home.home(), 0o500);
    command.env("TMPDIR", &temporary);
    not_saved(command, ".netrc");
    assert_eq!((home.text(NETRC), home.text(SETTINGS)), (None, None));
    assert_eq!(
        fs::read_dir(&temporary).expect("a folder").count(),
        0,
        "no file elsewhere either"
    );
    mode(&home.home(), 0o700);
    // A read-only file is not changed, by root neither.
    let home = Home::new();
    let path = home.write(NETRC, "machine example.com login me password secret\n");
    mode(&path, 0o400);
    not_saved(login(&home, KEY_1), "is read-only");
    assert_eq!(
        home.text(NETRC).as_deref(),
        Some("machine example.com login me password secret\n")
    );
    // Read-only settings: the login succeeds and reports it.
    let home = Home::new();
    let path = home.write(SETTINGS, "[default]\nentity = e\n");
    mode(&path, 0o444);
    let run = Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
    assert!(
        run.stderr.contains("Error updating settings"),
        "{}",
        run.stderr
    );
    assert_eq!(
        home.text(SETTINGS).as_deref(),
        Some("[default]\nentity = e\n")
    );
    assert_eq!(home.text(NETRC), Some(entry(KEY_1)));
}

#[test]
fn an_unsaved_session_reports_it() {
    let home = Home::new();
    fs::create_dir(home.home().join(".netrc")).expect("a folder");
    let environment = [OsString::from(format!("HOME={}", home.home().display()))];
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
