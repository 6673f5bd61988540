//! Unusual homes and files: the login succeeds, and reports what it could not
//! save.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::is_root;
use crate::support::{self, Home, KEY_1, KEY_2, Run, tool};

const SOMEBODY: u32 = 54_321;
const UNSAVED: &str = "The API key was not saved";
const ENTRY: &str =
    "machine x.example\n  login user\n  password 1111111111111111111111111111111111111111\n";
const OTHER: &str = "machine other.example login git password x\n";

fn login() -> [&'static str; 3] {
    ["--host", "https://x.example", KEY_1]
}

/// Runs the command line by another command, such as `setpriv` or `unshare`.
fn behind(home: &Home, words: &[&str]) -> Option<Command> {
    let (program, words) = words.split_first()?;
    let mut command = home.command(tool(program)?);
    command.args(words).arg(crate::support::wandb_login_path());
    Some(command)
}

/// Whether the test runs as root; else reports that it is skipped.
fn root() -> bool {
    let root = is_root();
    if !root {
        support::skip("a test that needs root");
    }
    root
}

#[test]
fn a_home_that_is_missing_relative_or_the_root_directory() {
    let home = Home::new();
    // Missing: netrc cannot be created, and no directory is.
    let run = Run::ok(home.wandb_login(&[KEY_1]).env("HOME", "/nowhere/at/all"));
    assert!(run.stderr.contains(UNSAVED), "{}", run.stderr);
    assert!(!Path::new("/nowhere").exists());
    // Relative to the working directory.
    fs::create_dir(home.cwd().join("here")).expect("a directory");
    Run::ok(home.wandb_login(&login()).env("HOME", "here"));
    assert_eq!(home.text("cwd/here/.netrc").as_deref(), Some(ENTRY));
    // The root directory: read only, as this is a test.
    let run = Run::of(home.wandb_login(&["status", "--json"]).env("HOME", "/"));
    assert!(
        run.stdout.contains("\"configured\""),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn a_user_without_an_entry_in_the_user_database() {
    if !root() {
        return;
    }
    let home = Home::new();
    for path in [home.home(), home.cwd()] {
        chown(path, Some(SOMEBODY), Some(SOMEBODY)).expect("root may");
    }
    let user = SOMEBODY.to_string();
    let words = [
        "setpriv",
        "--reuid",
        &user,
        "--regid",
        &user,
        "--clear-groups",
    ];
    // Without HOME there is no home, which is reported where a file is needed.
    let Some(mut command) = behind(&home, &words) else {
        return;
    };
    let run = Run::ok(command.env_remove("HOME").args(login()));
    assert!(run.stderr.contains("no home directory"), "{}", run.stderr);
    let Some(mut command) = behind(&home, &words) else {
        return;
    };
    let run = Run::ok(
        command
            .env_remove("HOME")
            .env("WANDB_API_KEY", KEY_1)
            .arg("token"),
    );
    assert_eq!(run.stdout, format!("{KEY_1}\n"));
    // With HOME set, the key is saved.
    let Some(mut command) = behind(&home, &words) else {
        return;
    };
    Run::ok(command.args(login()));
    assert_eq!(home.text("home/.netrc").as_deref(), Some(ENTRY));
    // The root directory as the home cannot be written.
    let Some(mut command) = behind(&home, &words) else {
        return;
    };
    let run = Run::ok(command.env("HOME", "/").args(login()));
    assert!(run.stderr.contains(UNSAVED), "{}", run.stderr);
    assert!(!Path::new("/.netrc").exists());
    // Another user's home is not written, and the login succeeds.
    let foreign = Home::new();
    let Some(mut command) = behind(&home, &words) else {
        return;
    };
    let run = Run::ok(command.env("HOME", foreign.home()).args(login()));
    assert!(run.stderr.contains(UNSAVED), "{}", run.stderr);
    assert_eq!(fs::read_dir(foreign.home()).expect("home").count(), 0);
}

/// Files in it cannot be examined, and are not reported as missing.
#[test]
fn a_home_that_cannot_be_entered() {
    if !root() {
        return;
    }
    let home = Home::new();
    home.write("home/.netrc", ENTRY);
    let token = r#"{"credentials": {"https://x.example": {"access_token": "t"}}}"#;
    home.write("cwd/token", token);
    let words = ["setpriv", "--reuid", "54321", "--clear-groups"];
    for file in ["home/.netrc", "cwd/token"] {
        let folder = home
            .base()
            .join(file)
            .parent()
            .expect("a folder")
            .to_owned();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("mode");
        let Some(mut command) = behind(&home, &words) else {
            return;
        };
        if file == "cwd/token" {
            command
                .env("HOME", "/nowhere")
                .env("WANDB_CREDENTIALS_FILE", home.cwd().join("token"));
        }
        command.current_dir("/");
        let run = Run::of(command.args(["logout", "--host", "https://x.example"]));
        assert_eq!(run.code, Some(1), "{file}: {}", run.stderr);
        assert!(run.stderr.contains("permission denied"), "{}", run.stderr);
    }
}

#[test]
fn files_that_root_writes_in_a_home_belong_to_its_owner() {
    if !root() {
        return;
    }
    let home = Home::new();
    let netrc = home.write("home/.netrc", OTHER);
    for path in [home.home(), netrc.clone()] {
        chown(path, Some(SOMEBODY), Some(SOMEBODY)).expect("root may");
    }
    Run::ok(&mut home.wandb_login(&login()));
    assert_eq!(home.text("home/.netrc"), Some(format!("{OTHER}{ENTRY}")));
    for path in [netrc, home.home().join(".config/wandb/settings")] {
        let meta = fs::metadata(&path).expect("it is there");
        assert_eq!(
            (meta.uid(), meta.gid()),
            (SOMEBODY, SOMEBODY),
            "{}",
            path.display()
        );
        assert_eq!(meta.mode() & 0o777, 0o600, "{}", path.display());
    }
}

/// The owner of the home exchanges the directory with a link to one of root's,
/// again and again.
#[cfg(target_os = "linux")]
#[test]
fn an_exchanged_directory_does_not_redirect_a_login_of_root() {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    if !root() {
        return;
    }
    let home = Home::new();
    let app = home.base().join("app");
    let settings = home.write("app/settings", "[default]\nentity = app\n");
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o644)).expect("mode");
    home.write("home/.config/wandb/settings", "[default]\nentity = own\n");
    let folder = home.home().join(".config/wandb");
    let link = home.home().join("link");
    symlink(&app, &link).expect("a link");
    for path in [
        "",
        ".config",
        ".config/wandb",
        ".config/wandb/settings",
        "link",
    ] {
        lchown(home.home().join(path), Some(SOMEBODY), Some(SOMEBODY)).expect("root may");
    }
    let [one, other] =
        [&folder, &link].map(|path| CString::new(path.as_os_str().as_bytes()).expect("no NUL"));
    let done = AtomicBool::new(false);
    let mut saved = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (at, flag) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
                // SAFETY: both paths are C strings that outlive the call.
                unsafe {
                    libc::syscall(
                        libc::SYS_renameat2,
                        at,
                        one.as_ptr(),
                        at,
                        other.as_ptr(),
                        flag,
                    );
                }
            }
        });
        for number in 0..20 * crate::rounds() {
            let host = format!("https://server-{number}.example");
            let run = Run::of(&mut home.wandb_login(&["--host", &host, KEY_1]));
            saved += usize::from(run.stderr.contains("Updated settings file"));
        }
        done.store(true, Ordering::Relaxed);
    });
    let names = fs::read_dir(&app).expect("a folder").count();
    let meta = fs::metadata(&settings).expect("it is there");
    assert_eq!((names, meta.uid(), meta.mode() & 0o777), (1, 0, 0o644));
    assert_eq!(
        home.text("app/settings").as_deref(),
        Some("[default]\nentity = app\n")
    );
    eprintln!(
        "root logged in {} times, and wrote the settings {saved} times",
        20 * crate::rounds()
    );
}

#[test]
fn link_chains_dangling_links_and_link_loops() {
    let home = Home::new();
    let real = home.write("home/dotfiles/netrc", OTHER);
    symlink(&real, home.home().join("second")).expect("link");
    symlink("second", home.home().join("first")).expect("link");
    Run::ok(
        home.wandb_login(&login())
            .env("NETRC", home.home().join("first")),
    );
    assert_eq!(
        fs::read_to_string(&real).expect("netrc"),
        format!("{OTHER}{ENTRY}")
    );
    assert!(home.home().join("first").is_symlink() && home.home().join("second").is_symlink());

    symlink("dotfiles/new", home.home().join("dangling")).expect("link");
    Run::ok(
        home.wandb_login(&login())
            .env("NETRC", home.home().join("dangling")),
    );
    assert_eq!(home.text("home/dotfiles/new").as_deref(), Some(ENTRY));
    assert_eq!(home.mode("home/dotfiles/new"), 0o600);

    symlink("round", home.home().join("and")).expect("link");
    symlink("and", home.home().join("round")).expect("link");
    let run = Run::ok(
        home.wandb_login(&login())
            .env("NETRC", home.home().join("round")),
    );
    assert!(run.stderr.contains(UNSAVED), "{}", run.stderr);
}

/// Runs the login in a mount namespace of its own, between two shell scripts; the
/// second one prints the state of the files.
fn among_mounts(home: &Home, before: &str, after: &str) -> Option<Run> {
    if !root() {
        return None;
    }
    let script = format!("{before}; \"$0\" \"$@\"; code=$?; {after}; exit $code");
    let run = Run::of(behind(home, &["unshare", "-m", "sh", "-ec", &script])?.args(login()));
    if run.stderr.contains("unshare failed") || run.stderr.contains("mount:") {
        support::skip(&format!("a mount namespace: {}", run.stderr));
        return None;
    }
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    Some(run)
}

#[test]
fn a_mounted_file_is_written_in_place() {
    let home = Home::new();
    home.write("home/.netrc", "");
    let outside = home.write("outside", OTHER);
    let before = "mount --bind ../outside ../home/.netrc";
    let Some(run) = among_mounts(&home, before, "true") else {
        return;
    };
    assert!(
        run.stderr.contains("was written in place"),
        "{}",
        run.stderr
    );
    assert_eq!(
        fs::read_to_string(outside).expect("it is there"),
        format!("{OTHER}{ENTRY}")
    );
    assert_eq!(home.text("home/.netrc").as_deref(), Some(""));
}

#[test]
fn a_home_on_a_full_or_read_only_file_system_stays_unchanged() {
    let full = "mount -t tmpfs -o size=16k none ../home; \
                head -c 4096 /dev/zero | tr '\\0' '#' >../home/.netrc; chmod 600 ../home/.netrc; \
                cat /dev/zero >../home/filler 2>../errors || true";
    let fixed = "mount -t tmpfs -o size=16k none ../home; \
                 head -c 4096 /dev/zero | tr '\\0' '#' >../home/.netrc; chmod 600 ../home/.netrc; \
                 mount -o remount,ro ../home";
    for before in [full, fixed] {
        let home = Home::new();
        let Some(run) = among_mounts(&home, before, "ls -A ../home; cat ../home/.netrc") else {
            return;
        };
        assert!(run.stderr.contains(UNSAVED), "{}", run.stderr);
        let (names, netrc) = run.stdout.split_once('#').expect("the file is whole");
        // A directory needs no space; a temporary file must not be left.
        let known = |name: &str| [".config", ".netrc", "filler"].contains(&name);
        assert!(names.lines().all(known), "{names}");
        assert_eq!(netrc, "#".repeat(4095));
    }
}

#[test]
fn new_files_are_for_the_owner_alone_under_any_umask() {
    for umask in ["0", "777"] {
        let home = Home::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let Some(mut command) = behind(&home, &["sh", "-c", &script]) else {
            return;
        };
        // With umask 0777 the owner could not enter the new directories either.
        let run = Run::ok(command.args(login()));
        assert!(!run.stderr.contains(UNSAVED), "{}", run.stderr);
        assert_eq!(home.text("home/.netrc").as_deref(), Some(ENTRY));
        assert_eq!(home.mode("home/.netrc"), 0o600);
        assert_eq!(home.mode("home/.config/wandb/settings"), 0o600, "{umask}");
    }
}

#[test]
fn netrc_is_written_up_to_sixteen_mebibytes() {
    const LIMIT: usize = 16 << 20;
    let line = OTHER.replace("other", "other-machine-of-a-long-list");
    let text = line.repeat(LIMIT / line.len());
    let room = ENTRY.len();
    for (size, saved) in [(text.len() - line.len() * 4, true), (LIMIT + 1, false)] {
        let mut text = text.clone();
        text.truncate(size / line.len() * line.len());
        while text.len() < size {
            text.push('\n');
        }
        assert!(!saved || size + room < LIMIT);
        let home = Home::new();
        home.write("home/.netrc", &text);
        let run = Run::ok(&mut home.wandb_login(&login()));
        assert_eq!(!run.stderr.contains(UNSAVED), saved, "{}", run.stderr);
        let after = home.text("home/.netrc").expect("netrc");
        assert!(after.starts_with(&text));
        assert_eq!(&after[text.len()..], if saved { ENTRY } else { "" });
    }
}

#[test]
fn a_key_is_never_read_from_half_a_file() {
    let home = Home::new();
    let netrc = home.write("home/.netrc", "");
    let done = AtomicBool::new(false);
    // Another thread truncates and rewrites it, as the SDK does.
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for text in [format!("{OTHER}{ENTRY}"), ENTRY.replace(KEY_1, KEY_2)] {
                    fs::write(&netrc, text).expect("write");
                }
            }
        });
        for _ in 0..20 * crate::rounds() {
            let run = Run::of(&mut home.wandb_login(&["token", "--host", "https://x.example"]));
            let whole = [format!("{KEY_1}\n"), format!("{KEY_2}\n")].contains(&run.stdout);
            // While the file is empty or incomplete, no key is found; a truncated
            // key is never used.
            let none = run.code == Some(1) && run.stdout.is_empty();
            assert!(whole || none, "{:?} {}", run.stdout, run.stderr);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn all_hard_links_get_the_key_and_mode_0600() {
    let home = Home::new();
    let netrc = home.write("home/.netrc", OTHER);
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o644)).expect("mode");
    fs::hard_link(&netrc, home.home().join("twin")).expect("link");
    let run = Run::ok(&mut home.wandb_login(&login()));
    assert!(
        run.stderr.contains("was written in place"),
        "{}",
        run.stderr
    );
    assert_eq!(home.text("home/twin"), Some(format!("{OTHER}{ENTRY}")));
    assert_eq!(home.mode("home/twin"), 0o600);
}
