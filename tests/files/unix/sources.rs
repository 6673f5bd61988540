//! Where a key comes from, and which servers must not get it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Home, KEY_1, KEY_2, KEY_3, KEY_4, NETRC, Run};
use crate::unix::{STRANGER, as_plain_user, fifo, give, is_root, mode};
use crate::{SERVER, SETTINGS, entry, login, not_saved, source, token};

#[test]
fn settings_that_are_not_a_regular_file() {
    for path in [SETTINGS, "cwd/wandb/settings"] {
        for kind in ["folder", "fifo"] {
            let home = Home::new();
            home.write(NETRC, entry(KEY_2));
            let odd = home.path(path);
            fs::create_dir_all(odd.parent().expect("a folder")).expect("folders");
            match kind {
                "fifo" => fifo(&odd),
                _ => fs::create_dir(&odd).expect("a folder"),
            }
            // The key that it may hold is not guessed.
            let run = Run::of(&mut token(&home));
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{path}");
            let run = Run::ok(token(&home).args(["--order", "sdk"]));
            assert_eq!(
                run.stdout,
                format!("{KEY_2}\n"),
                "{path}, {kind}: {}",
                run.stderr
            );
            let run = Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
            assert!(
                run.stderr.contains(odd.to_str().expect("UTF-8")),
                "{path}, {kind}: {}",
                run.stderr
            );
            assert_eq!(home.text(NETRC), Some(entry(KEY_1)), "{path}, {kind}");
        }
    }
}

#[test]
fn unreadable_files_after_the_key_are_a_warning() {
    let home = Home::new();
    let netrc = home.write(NETRC, entry(KEY_2));
    let settings = home.write(SETTINGS, format!("[default]\napi_key = {KEY_4}\n"));
    mode(&settings, 0o000);
    let run = Run::ok(&mut as_plain_user(&home, &["login", "--order", "sdk"]));
    assert!(
        run.stderr.contains("settings permission denied"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(".netrc"), "{}", run.stderr);
    mode(&settings, 0o600);
    mode(&netrc, 0o000);
    let run = Run::ok(&mut as_plain_user(&home, &["login", "--order", "sdk"]));
    assert!(
        run.stderr.contains(".netrc permission denied"),
        "{}",
        run.stderr
    );
    let run = Run::ok(&mut as_plain_user(&home, &["token", "--order", "sdk"]));
    assert_eq!(run.stdout, format!("{KEY_4}\n"));
    not_saved(as_plain_user(&home, &["login", KEY_1]), "is read-only");
}

#[test]
fn a_key_file_holds_only_the_key() {
    let home = Home::new();
    home.write(NETRC, entry(KEY_2));
    let path = home.write("cwd/key", format!("{KEY_1}\n"));
    let with = |value: &OsStr| {
        let mut command = home.wandb_login(&["token"]);
        command
            .env("WANDB_BASE_URL", SERVER)
            .env("WANDB_API_KEY_FILE", value);
        command
    };
    for name in [path.as_os_str(), OsStr::new("key")] {
        let run = Run::ok(&mut with(name));
        assert_eq!(
            (run.stdout, run.stderr),
            (format!("{KEY_1}\n"), String::new())
        );
    }
    // An empty variable counts as unset.
    assert_eq!(
        Run::ok(&mut with(OsStr::new(""))).stdout,
        format!("{KEY_2}\n")
    );
    home.write("cwd/empty", "");
    home.write("cwd/short", "short\n");
    home.write("cwd/two", format!("{KEY_1}\n{KEY_2}\n"));
    home.write("cwd/large", "1".repeat((64 << 10) + 1));
    fs::create_dir(home.path("cwd/folder")).expect("a folder");
    for name in [
        "missing",
        "empty",
        "short",
        "two",
        "large",
        "folder",
        "/dev/null",
        "/dev/zero",
    ] {
        let run = Run::of(&mut with(OsStr::new(name)));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{name}: no other source steps in"
        );
        assert!(run.stderr.contains(name), "{name}: {}", run.stderr);
        assert!(!run.stderr.contains(KEY_1), "{name}");
    }
    let run = Run::of(with(OsStr::new("key")).env("WANDB_API_KEY", KEY_3));
    assert_eq!((run.code, run.stdout), (Some(0), format!("{KEY_3}\n")));
    // A pipe, as a shell makes it for <(command).
    let mut child = home
        .command("sh")
        .args([
            "-c",
            &format!("printf '%s\\n' {KEY_4} | WANDB_API_KEY_FILE=/dev/fd/0 \"$0\" token"),
        ])
        .arg(crate::support::wandb_login_path())
        .env("WANDB_BASE_URL", SERVER)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    child.stdin.take();
    let run = Run::from(child.wait_with_output().expect("it ends"));
    assert_eq!(
        (run.code, run.stdout),
        (Some(0), format!("{KEY_4}\n")),
        "{}",
        run.stderr
    );
}

/// An untrusted working directory gets no credential.
#[test]
fn workspace_settings_cannot_redirect_a_key() {
    let home = Home::new();
    home.write(
        "cwd/wandb/settings",
        "[default]\nbase_url = https://evil.example\n",
    );
    let key = home.write("key", KEY_1);
    for (name, value) in [
        ("WANDB_API_KEY", KEY_1),
        ("WANDB_API_KEY_FILE", key.to_str().expect("UTF-8")),
        ("WANDB_IDENTITY_TOKEN_FILE", key.to_str().expect("UTF-8")),
    ] {
        for words in [&["login"][..], &["token"], &["env"]] {
            let run = Run::of(home.wandb_login(words).env(name, value));
            // What makes `eval "$(wandb-login env)"` fail.
            let printed = if words == ["env"] { "false\n" } else { "" };
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (Some(1), printed),
                "{name}"
            );
            let told = &run.stderr;
            assert!(
                told.contains(name)
                    && told.contains("evil.example")
                    && told.contains("WANDB_BASE_URL"),
                "{told}"
            );
        }
        let status = Run::of(home.wandb_login(&["status", "--json"]).env(name, value));
        let kind = match name {
            "WANDB_API_KEY" => "environment",
            "WANDB_API_KEY_FILE" => "key_file",
            _ => "identity_token",
        };
        assert_eq!(
            source(&status.stdout, kind)["state"],
            "skipped",
            "{}",
            status.stdout
        );
    }
    home.write(SETTINGS, format!("[default]\napi_key = {KEY_4}\n"));
    let run = Run::of(&mut home.wandb_login(&["token"]));
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.stderr
    );
    // Nor can it turn the traffic, or the user's attention.
    let home = Home::new();
    let lines = "relogin = true\nforce = true\nhttp_proxy = http://evil.example\nhttps_proxy = http://evil.example\n\
                 insecure_disable_ssl = true\napp_url_override = https://evil.example\ncredentials_file = x\n\
                 x_extra_http_headers = {}\n";
    home.write("cwd/wandb/settings", format!("[default]\n{lines}"));
    home.write(NETRC, entry(KEY_2));
    let run = Run::ok(
        home.wandb_login(&["login"])
            .env("WANDB_BASE_URL", SERVER)
            .env("WANDB_SILENT", "1"),
    );
    for line in lines.lines() {
        let name = line.split(' ').next().expect("a name");
        assert!(
            run.stderr.contains(&format!("`{name}` was ignored")),
            "{name}: {}",
            run.stderr
        );
    }
}

#[test]
fn relative_missing_and_invalid_homes() {
    let home = Home::new();
    home.write(NETRC, entry(KEY_2));
    // Relative: from the working directory.
    assert_eq!(
        Run::ok(token(&home).env("HOME", "../home")).stdout,
        format!("{KEY_2}\n")
    );
    // Missing: no key is found, and none can be stored.
    let none = home.path("none");
    assert_eq!(Run::of(token(&home).env("HOME", &none)).code, Some(1));
    let mut store = login(&home, KEY_1);
    store.env("HOME", &none);
    not_saved(store, "none/.netrc");
    assert!(!none.exists());
    // A file in place of a home.
    let file = home.write("file", "");
    let mut store = login(&home, KEY_1);
    store.env("HOME", &file);
    not_saved(store, "file/.netrc");
    // The root of the file system, where a plain user may not write.
    let mut root = as_plain_user(&home, &["login", KEY_1]);
    root.env("HOME", "/");
    not_saved(root, "/.netrc");
    assert!(!Path::new("/.netrc").exists());
    assert_eq!(home.text(NETRC), Some(entry(KEY_2)));
}

/// As in a container that runs with an arbitrary user ID.
#[test]
fn a_user_without_a_home() {
    if !is_root() {
        return crate::support::skip("only root can run a program as a user without a home");
    }
    let home = Home::new();
    let run = Run::ok(
        as_plain_user(&home, &["token"])
            .env_remove("HOME")
            .env("WANDB_API_KEY", KEY_1),
    );
    assert_eq!(
        run.stdout,
        format!("{KEY_1}\n"),
        "a home is needed for its files only"
    );
    let run = Run::of(as_plain_user(&home, &["token"]).env_remove("HOME"));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let mut store = as_plain_user(&home, &["login", KEY_1]);
    store.env_remove("HOME");
    not_saved(store, "HOME");
    // NETRC needs no home.
    let own = home.path("own");
    Run::ok(
        as_plain_user(&home, &["login", KEY_1])
            .env_remove("HOME")
            .env("NETRC", &own),
    );
    assert_eq!(home.text("own"), Some(entry(KEY_1)));
    // An identity token needs no home: it is exchanged and not cached.
    let identity = home.write("identity", "token");
    let run = Run::of(
        as_plain_user(&home, &["token"])
            .env_remove("HOME")
            .env("WANDB_IDENTITY_TOKEN_FILE", identity)
            .env("WANDB_BASE_URL", "http://127.0.0.1:1"),
    );
    let asked = match cfg!(feature = "http") {
        true => "refused the connection",
        false => "has no HTTP",
    };
    assert!(run.stderr.contains(asked), "{}", run.stderr);
    // With an entry in the user database, HOME may be unset.
    let run = Run::of(token(&home).env_remove("HOME").env("WANDB_API_KEY", KEY_3));
    assert_eq!(run.stdout, format!("{KEY_3}\n"), "{}", run.stderr);
}

/// `sudo` can leave HOME set to another user's home.
#[test]
fn files_that_root_writes_belong_to_the_home_owner() {
    if !is_root() {
        return crate::support::skip("only root can write in another user's home");
    }
    let home = Home::new();
    give(&home.home(), STRANGER);
    Run::ok(&mut home.wandb_login(&["login", "--host", SERVER, KEY_1]));
    for path in [NETRC, SETTINGS, "home/.config"] {
        let meta = fs::metadata(home.path(path)).expect("it is there");
        assert_eq!((meta.uid(), meta.mode() & 0o077), (STRANGER, 0), "{path}");
    }
}

#[test]
fn variables_that_are_not_utf8() {
    let home = Home::new();
    home.write(NETRC, entry(KEY_2));
    let odd = OsStr::from_bytes(b"\xff\xfe");
    for name in [
        "WANDB_API_KEY",
        "WANDB_BASE_URL",
        "WANDB_MODE",
        "WANDB_SILENT",
        "WANDB_API_KEY_FILE",
    ] {
        let mut command = home.wandb_login(&["login"]);
        if name != "WANDB_BASE_URL" {
            command.env("WANDB_BASE_URL", SERVER);
        }
        let run = Run::of(command.env(name, odd));
        assert_eq!(run.code, Some(1), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(name), "{name}: {}", run.stderr);
    }
    // A path may hold any bytes.
    let path = home.base().join(odd);
    fs::write(&path, entry(KEY_3)).expect("a file");
    assert_eq!(
        Run::ok(token(&home).env("NETRC", &path)).stdout,
        format!("{KEY_3}\n")
    );
}

/// A key file beside a key variable is not read if it is a pipe: the key in it is for
/// another reader.
#[test]
fn a_pipe_beside_a_key_variable_is_not_read() {
    let home = Home::new();
    fifo(&home.path("cwd/pipe"));
    let run = Run::ok(
        home.wandb_login(&["status"])
            .envs([("WANDB_API_KEY", KEY_1), ("WANDB_API_KEY_FILE", "pipe")]),
    );
    assert!(
        run.stdout.contains("overridden by WANDB_API_KEY"),
        "{}",
        run.stdout
    );
}
