//! Stored files: modes, links, pipes and devices.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Home, KEY_1, KEY_4, NETRC, Run};
use crate::unix::{as_plain_user, fifo, mode};
use crate::{SERVER, SETTINGS, entry, login, not_saved, source, token};

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
    let link = home.path(NETRC);
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
    symlink(".netrc", home.path(NETRC)).expect("a link");
    let run = Run::of(&mut token(&home));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    not_saved(login(&home, KEY_1), "too many levels of symbolic links");
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
    let temporary = home.path("tmp");
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
