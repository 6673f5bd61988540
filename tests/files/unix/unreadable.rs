//! A settings file that exists and cannot be read: neither the server nor the key
//! that it may hold is guessed.

use std::fs;
use std::path::Path;

use crate::support::{Home, KEY_1, KEY_2, NETRC, Run};
use crate::unix::{as_plain_user, fifo, is_root, mode};
use crate::{SETTINGS, entry, source, support};

/// Ways to make a file unreadable, also for root.
const KINDS: [&str; 7] = [
    "directory",
    "fifo",
    "device",
    "large",
    "utf-16",
    "utf-16 big",
    "link loop",
];

fn make(path: &Path, kind: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = "\u{feff}[default]\r\nbase_url = https://corp.example\r\n";
        text.encode_utf16().flat_map(bytes).collect()
    };
    match kind {
        "directory" => fs::create_dir(path).expect("a directory"),
        "fifo" => fifo(path),
        "device" => std::os::unix::fs::symlink("/dev/zero", path).expect("a link"),
        "link loop" => std::os::unix::fs::symlink(path, path).expect("a link"),
        "large" => fs::write(path, "#".repeat((1 << 20) + 1)).expect("a file"),
        "utf-16" => fs::write(path, utf16(u16::to_le_bytes)).expect("a file"),
        _ => fs::write(path, utf16(u16::to_be_bytes)).expect("a file"),
    }
}

#[test]
fn no_key_is_sent_to_a_guessed_server() {
    for path in [SETTINGS, "cwd/wandb/settings"] {
        for kind in KINDS {
            let home = Home::new();
            let file = home.path(path);
            make(&file, kind);
            let shown = file.to_str().expect("UTF-8");
            let about = format!("{path}, {kind}");
            let with_key = |words: &[&str]| {
                let mut command = home.wandb_login(words);
                command.env("WANDB_API_KEY", KEY_1);
                command
            };
            for words in [&["login"][..], &["token"], &["env"]] {
                let run = Run::of(&mut with_key(words));
                let printed = if words == ["env"] { "false\n" } else { "" };
                assert_eq!(
                    (run.code, run.stdout.as_str()),
                    (Some(1), printed),
                    "{about}"
                );
                let named = run.stderr.contains(shown) && run.stderr.contains("WANDB_BASE_URL");
                assert!(named, "{about}: {}", run.stderr);
            }
            let run = Run::of(&mut with_key(&["status", "--json"]));
            assert_eq!(run.code, Some(1), "{about}");
            assert_eq!(
                source(&run.stdout, "settings")["state"],
                "invalid",
                "{about}"
            );

            // Where the server and the key are named, it is only a warning.
            for words in [
                &["token", "--cloud"][..],
                &["token", "--host", "https://a.example"],
            ] {
                let words: Vec<&str> = words.iter().copied().filter(|w| *w != "--cloud").collect();
                let mut command = with_key(&words);
                if words.len() == 1 {
                    command.env("WANDB_BASE_URL", "https://a.example");
                }
                let run = Run::ok(&mut command);
                assert_eq!(run.stdout, format!("{KEY_1}\n"), "{about}");
            }
            let run = Run::ok(&mut with_key(&["login", "--host", "https://a.example"]));
            assert!(run.stderr.contains(shown), "{about}: {}", run.stderr);
            let run = Run::of(&mut with_key(&[
                "status",
                "--json",
                "--host",
                "https://a.example",
            ]));
            assert_eq!(run.code, Some(0), "{about}");
            assert_eq!(
                source(&run.stdout, "settings")["state"],
                "invalid",
                "{about}"
            );

            // No key before it: the one in netrc is not taken instead.
            home.write(NETRC, entry(KEY_2));
            let server = ["token", "--host", "http://127.0.0.1:8080"];
            let run = Run::of(&mut home.wandb_login(&server));
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{about}");
            assert!(run.stderr.contains(shown), "{about}: {}", run.stderr);
            let run = Run::ok(home.wandb_login(&server).args(["--order", "sdk"]));
            assert_eq!(run.stdout, format!("{KEY_2}\n"), "{about}");
        }
    }
}

#[test]
fn a_file_that_may_not_be_read_differs_from_a_directory_that_may_not_be_searched() {
    if !is_root() {
        support::skip("files of another user need root");
        return;
    }
    let home = Home::new();
    let file = home.write(SETTINGS, "[default]\nbase_url = https://corp.example\n");
    let folder = file.parent().expect("a folder").to_owned();
    let login = |home: &Home| {
        let mut command = as_plain_user(home, &["token"]);
        command
            .env("WANDB_API_KEY", KEY_1)
            .env_remove("WANDB_BASE_URL");
        Run::of(&mut command)
    };
    mode(&file, 0o000);
    let run = login(&home);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("permission denied"), "{}", run.stderr);
    mode(&folder, 0o000);
    let run = login(&home);
    assert_eq!(run.stdout, format!("{KEY_1}\n"), "{}", run.stderr);
    mode(&folder, 0o700);
}

#[test]
fn a_full_descriptor_table_is_no_missing_file() {
    let home = Home::new();
    home.write(SETTINGS, "[default]\nbase_url = https://corp.example\n");
    let mut command = home.command("sh");
    command
        .args(["-c", "ulimit -n 3; exec \"$0\" token"])
        .arg(support::wandb_login_path())
        .env("WANDB_API_KEY", KEY_1);
    let run = Run::of(&mut command);
    assert_eq!(run.stdout, "", "{}", run.stderr);
    assert_ne!(run.code, Some(0));
}

#[test]
fn what_cannot_exist_is_absent() {
    for folder in ["/dev/null", "/nonexistent/x", "{file}"] {
        let home = Home::new();
        let file = home.write("file", "");
        let folder = folder.replace("{file}", file.to_str().expect("UTF-8"));
        let run = Run::ok(
            home.wandb_login(&["token"])
                .envs([("WANDB_API_KEY", KEY_1), ("WANDB_CONFIG_DIR", &folder)]),
        );
        assert_eq!(run.stdout, format!("{KEY_1}\n"), "{folder}");
    }
}

/// A file system that fails, as NFS and a broken disk do, is no missing file.
#[test]
fn a_failing_file_system_is_no_missing_file() {
    let Some(strace) = support::tool("strace") else {
        return;
    };
    for path in [SETTINGS, "cwd/wandb/settings"] {
        for (call, errors) in [
            ("openat", &["EIO", "ESTALE", "ENOMEM", "ETIMEDOUT"][..]),
            ("statx", &["EIO", "ESTALE"]),
            ("pread64", &["EIO", "ESTALE", "EISDIR"]),
        ] {
            for error in errors {
                let home = Home::new();
                let file = home.write(path, "[default]\nbase_url = https://corp.example\n");
                let shown = file.to_str().expect("UTF-8");
                let about = format!("{path} {call} {error}");
                let failing = |words: &[&str]| {
                    let mut command = home.command(&strace);
                    command
                        .args(["-o", "/dev/null", "-P", shown, "-P", "./wandb/settings"])
                        .args(["-P", "wandb/settings", "-e", "trace=file,desc"])
                        .args(["-e", &format!("inject={call}:error={error}")])
                        .arg(support::wandb_login_path())
                        .args(words)
                        .env("WANDB_API_KEY", KEY_1);
                    command
                };
                let run = Run::of(&mut failing(&["token"]));
                if run.stderr.contains("ptrace") {
                    support::skip(&format!("strace cannot trace here: {}", run.stderr));
                    return;
                }
                assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{about}");
                assert!(run.stderr.contains(shown), "{about}: {}", run.stderr);
                let run = Run::of(&mut failing(&["status", "--json"]));
                let row = source(&run.stdout, "settings");
                assert_eq!(row["state"], "invalid", "{about}: {}", run.stdout);
                let named = Run::ok(failing(&["token"]).env("WANDB_BASE_URL", "https://a.example"));
                assert_eq!(named.stdout, format!("{KEY_1}\n"), "{about}");
            }
        }
    }
}
