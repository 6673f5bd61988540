//! Files, links and directories of other users. Most tests need root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::Path;

use super::support::*;
use crate::files::{OwnerProblem, Target, User, WriteProblem};

const ALICE: u32 = 12_345;
const EVE: u32 = 23_456;

fn owner(path: &Path) -> (u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.gid())
}

fn chown_to(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
}

#[test]
fn another_users_file_is_refused() {
    if !is_root() {
        return not_tested("files of other users: only root can make some");
    }
    let scratch = Scratch::new();
    let path = scratch.file("netrc", "one\n", 0o666);
    chown_to(&path, EVE);
    let problem = append(&path, "two").unwrap_err();
    assert_eq!(problem.to_string(), "belongs to another user (uid 23456)");
    // Root may write for the home's owner, and for no other user.
    chown_to(scratch.dir(), ALICE);
    let with_home = Target {
        user: User::current(Some(scratch.dir())),
        ..target(&path)
    };
    assert!(matches!(
        append_to(&with_home, "two"),
        Err(WriteProblem::Owner(OwnerProblem::Foreign(EVE)))
    ));
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
}

#[test]
fn files_that_root_creates_in_a_home_belong_to_its_owner() {
    if !is_root() {
        return not_tested("root in another user's home");
    }
    let scratch = Scratch::new();
    chown_to(scratch.dir(), ALICE);
    let old = scratch.file("old", "one\n", 0o644);
    chown(&old, Some(ALICE), Some(EVE)).unwrap();
    for (name, group) in [
        ("old", EVE),
        ("new", ALICE),
        (".config/wandb/settings", ALICE),
    ] {
        let path = scratch.path(name);
        let with_home = Target {
            create_parents: true,
            user: User::current(Some(scratch.dir())),
            ..target(&path)
        };
        let updated = append_to(&with_home, "two").unwrap();
        assert!(
            updated.changed && updated.notes.iter().all(|note| !note.contains("in place")),
            "{updated:?}"
        );
        assert_eq!(owner(&path), (ALICE, group), "{name}");
        assert_eq!(mode(&path), 0o600, "{name}");
    }
    for dir in [".config", ".config/wandb"] {
        assert_eq!(owner(&scratch.path(dir)), (ALICE, ALICE));
    }
    // A file elsewhere is root's own.
    let elsewhere = Scratch::new();
    let path = elsewhere.path("netrc");
    let with_home = Target {
        user: User::current(Some(scratch.dir())),
        ..target(&path)
    };
    append_to(&with_home, "x").unwrap();
    assert_eq!(owner(&path), (0, 0));
}

#[test]
fn a_users_link_does_not_redirect_root() {
    if !is_root() {
        return not_tested("root in another user's home");
    }
    let home = Scratch::new();
    chown_to(home.dir(), ALICE);
    let root = Scratch::new();
    let secret = root.file("shadow", "root\n", 0o600);
    let link = home.path(".netrc");
    let append_to_link = || {
        let with_home = Target {
            user: User::current(Some(home.dir())),
            ..target(&link)
        };
        append_to(&with_home, "x")
    };
    for to in [secret.clone(), root.path("new")] {
        let _ = fs::remove_file(&link);
        symlink(&to, &link).unwrap();
        chown_to(&link, ALICE);
        assert!(matches!(
            append_to_link(),
            Err(WriteProblem::Owner(OwnerProblem::StrangersLink(ALICE)))
        ));
    }
    assert_eq!(fs::read(&secret).unwrap(), b"root\n");
    assert_eq!(root.names(), ["shadow"]);
    // To a file of her own it does, and to a new one in her home. In root's
    // directory no file is created, so that one is written in place.
    chown_to(&secret, ALICE);
    for (to, in_place) in [(secret, true), (home.path("dotfile"), false)] {
        fs::remove_file(&link).unwrap();
        symlink(&to, &link).unwrap();
        chown_to(&link, ALICE);
        let updated = append_to_link().unwrap();
        let reason = "was written in place, because its directory belongs to another user";
        let noted = updated.notes.iter().any(|note| note == reason);
        assert_eq!(noted, in_place, "{updated:?}");
        assert_eq!(owner(&to), (ALICE, ALICE));
    }
}

/// The names, texts, owners and modes in a directory.
fn snapshot(dir: &Path) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let files = names(dir).into_iter().map(|name| {
        let path = dir.join(&name);
        let text = fs::read(&path).unwrap_or_default();
        (name, text, owner(&path), mode(&path))
    });
    files.collect::<Vec<_>>()
}

fn append_in_home(home: &Scratch, path: &Path) -> Result<crate::files::Updated, WriteProblem> {
    let with_home = Target {
        create_parents: true,
        user: User::current(Some(home.dir())),
        ..target(path)
    };
    append_to(&with_home, "x")
}

#[test]
fn a_users_link_anywhere_on_the_path_does_not_redirect_root() {
    if !is_root() {
        return not_tested("root in another user's home");
    }
    let root = Scratch::new();
    let app = root.subdir("app", 0o755);
    root.file("app/settings", "root\n", 0o644);
    root.subdir("app/wandb", 0o755);
    root.file("app/wandb/settings", "root\n", 0o644);
    let before = [
        snapshot(root.dir()),
        snapshot(&app),
        snapshot(&app.join("wandb")),
    ];
    // (the link in the home, its target, the file)
    for (link, to, file) in [
        ("wandb", app.clone(), "wandb/settings"),
        ("wandb", app.clone(), "wandb/new"),
        ("wandb", app.clone(), "wandb/deep/down/new"),
        ("wandb", app.join("wandb"), "wandb/../settings"),
        ("config", app.clone(), "config/wandb/settings"),
        ("config", root.dir().to_path_buf(), "config/app/wandb/new"),
        ("file", app.join("settings"), "file"),
        ("file", app.join("new"), "file"),
    ] {
        for link_owner in [ALICE, 0] {
            let home = Scratch::new();
            chown_to(home.dir(), ALICE);
            symlink(&to, home.path(link)).unwrap();
            chown_to(&home.path(link), link_owner);
            let appended = append_in_home(&home, &home.path(file));
            let refused = matches!(
                appended,
                Err(WriteProblem::Owner(OwnerProblem::StrangersLink(ALICE)))
            );
            assert!(refused, "{link} {to:?} {file}: {appended:?}");
            let after = [
                snapshot(root.dir()),
                snapshot(&app),
                snapshot(&app.join("wandb")),
            ];
            assert_eq!(after, before, "{link} {to:?} {file}");
        }
    }
    // Within her home her links are followed.
    let home = Scratch::new();
    chown_to(home.dir(), ALICE);
    chown_to(&home.subdir("dotfiles", 0o755), ALICE);
    symlink("dotfiles", home.path("config")).unwrap();
    chown_to(&home.path("config"), ALICE);
    append_in_home(&home, &home.path("config/wandb/settings")).unwrap();
    for path in ["dotfiles/wandb", "dotfiles/wandb/settings"] {
        assert_eq!(owner(&home.path(path)), (ALICE, ALICE), "{path}");
    }
}

#[test]
fn a_hard_link_in_a_users_home_does_not_redirect_root() {
    if !is_root() {
        return not_tested("root in another user's home");
    }
    let home = Scratch::new();
    let secret = home.file("root's", "root\n", 0o644);
    fs::hard_link(&secret, home.path(".netrc")).unwrap();
    chown_to(home.dir(), ALICE);
    let appended = append_in_home(&home, &home.path(".netrc"));
    let problem = appended.unwrap_err().to_string();
    assert_eq!(
        problem,
        "has a hard link that another user (uid 12345) can redirect"
    );
    assert_eq!(
        (fs::read(&secret).unwrap(), mode(&secret)),
        (b"root\n".to_vec(), 0o644)
    );
}

#[test]
fn a_hard_link_in_a_directory_of_every_user_is_not_written() {
    for (mode_of_dir, written) in [
        (0o755, true),
        (0o775, true),
        (0o777, false),
        (0o1777, false),
    ] {
        let home = Scratch::new();
        let own = home.file("own", "old\n", 0o600);
        let dir = home.path("shared");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(
            &dir,
            std::os::unix::fs::PermissionsExt::from_mode(mode_of_dir),
        )
        .unwrap();
        fs::hard_link(&own, dir.join("netrc")).unwrap();
        let appended = append_in_home(&home, &dir.join("netrc"));
        assert_eq!(appended.is_ok(), written, "{mode_of_dir:o}");
        if let Err(problem) = appended {
            let problem = problem.to_string();
            assert!(
                problem.starts_with("has a hard link, in a dir"),
                "{problem}"
            );
            assert_eq!(fs::read(&own).unwrap(), b"old\n");
        }
    }
}

/// Exchanges two names again and again until the work is done.
#[cfg(target_os = "linux")]
fn while_exchanging<T>(one: &Path, other: &Path, work: impl FnOnce() -> T) -> T {
    use std::os::unix::ffi::OsStrExt;
    use std::sync::atomic::{AtomicBool, Ordering};
    let [one, other] =
        [one, other].map(|path| std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (at, exchange) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
                // SAFETY: both paths are C strings that outlive the call.
                unsafe {
                    libc::syscall(
                        libc::SYS_renameat2,
                        at,
                        one.as_ptr(),
                        at,
                        other.as_ptr(),
                        exchange,
                    )
                };
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The owner of a home exchanges a directory and a link, or a file and a link,
/// while root writes there.
#[cfg(target_os = "linux")]
#[test]
fn a_path_that_changes_during_the_update_does_not_redirect_root() {
    if !is_root() {
        return not_tested("root in another user's home");
    }
    let rounds: usize =
        std::env::var("WANDB_LOGIN_TEST_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let (mut saved, mut refused) = (0, 0);
    for (exchanged, file) in [
        (".config/wandb", ".config/wandb/settings"),
        (".config", ".config/wandb/settings"),
        (".config", ".config/wandb/deep/new"),
        (".netrc", ".netrc"),
    ] {
        let root = Scratch::new();
        root.subdir("wandb", 0o755);
        root.file("settings", "root\n", 0o644);
        root.file("wandb/settings", "root\n", 0o644);
        let before = [snapshot(root.dir()), snapshot(&root.path("wandb"))];
        let home = Scratch::new();
        for dir in [".config", ".config/wandb"] {
            home.subdir(dir, 0o755);
        }
        home.file(".netrc", "", 0o600);
        home.file(".config/wandb/settings", "", 0o600);
        let to = if exchanged == ".netrc" {
            root.path("settings")
        } else {
            root.dir().to_path_buf()
        };
        symlink(to, home.path("link")).unwrap();
        for path in [
            "",
            "link",
            ".config",
            ".config/wandb",
            ".netrc",
            ".config/wandb/settings",
        ] {
            chown_to(&home.path(path), ALICE);
        }
        while_exchanging(&home.path(exchanged), &home.path("link"), || {
            for _ in 0..100 * rounds {
                match append_in_home(&home, &home.path(file)) {
                    Ok(updated) => saved += usize::from(updated.changed),
                    Err(_) => refused += 1,
                }
                let after = [snapshot(root.dir()), snapshot(&root.path("wandb"))];
                assert_eq!(after, before, "{exchanged} {file}");
            }
        });
    }
    assert!(saved > 0 && refused > 0, "{saved} saved, {refused} refused");
    eprintln!(
        "root wrote {saved} times to a home whose paths were exchanged, and was refused {refused} times"
    );
}

#[test]
fn a_link_that_another_user_can_redirect_is_not_followed() {
    if !is_root() {
        return not_tested("links of other users: only root can make some");
    }
    let scratch = Scratch::new();
    let file = scratch.file("mine", "one\n", 0o600);
    // (mode and owner of the directory, owner of the link, followed)
    for (mode, dir_owner, link_owner, followed) in [
        (0o1777, 0, EVE, false),
        (0o777, 0, EVE, false),
        (0o775, 0, EVE, false),
        (0o755, EVE, EVE, false),
        (0o755, 0, EVE, true),
        (0o1777, 0, 0, true),
    ] {
        let dir = scratch.subdir("shared", mode);
        chown_to(&dir, dir_owner);
        let link = dir.join("netrc");
        symlink(&file, &link).unwrap();
        chown_to(&link, link_owner);
        fs::write(&file, "one\n").unwrap();
        let appended = append(&link, "two");
        let row = format!("{mode:o} {dir_owner} {link_owner}: {appended:?}");
        assert_eq!(appended.is_ok(), followed, "{row}");
        let changed = fs::read(&file).unwrap() != b"one\n";
        assert_eq!(changed, followed, "{row}");
        fs::remove_dir_all(&dir).unwrap();
    }
}

fn give_to_plain_user(path: &Path) {
    if is_root() {
        chown_to(path, NOBODY);
    }
}

#[test]
fn in_a_directory_that_cannot_be_written_the_file_is_written_in_place() {
    let scratch = Scratch::new();
    let dir = scratch.subdir("home", 0o755);
    let path = scratch.file("home/netrc", "one\n", 0o644);
    let closed = scratch.file("home/closed", "one\n", 0o400);
    for path in [&dir, &path, &closed] {
        give_to_plain_user(path);
    }
    fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let Some(said) = as_plain_user("append", &path, "two") else {
        return;
    };
    let why = "was written in place, because its directory cannot be written";
    assert!(said.contains(why), "{said}");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "one\ntwo\n");
    assert_eq!(mode(&path), 0o600);
    let said = as_plain_user("append", &dir.join("new"), "x").unwrap();
    assert!(said.starts_with("problem: cannot be created: "), "{said}");
    let said = as_plain_user("append", &closed, "x").unwrap();
    assert_eq!(said, "problem: is read-only");
    assert_eq!(names(&dir), ["closed", "netrc"]);
    fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn the_message_names_the_owner_of_the_file() {
    if !is_root() {
        return not_tested("files of other users: only root can make some");
    }
    let scratch = Scratch::new();
    for mode in [0o600, 0o666] {
        let path = scratch.file("netrc", "one\n", mode);
        let Some(said) = as_plain_user("append", &path, "two") else {
            return;
        };
        assert_eq!(said, "problem: belongs to another user (uid 0)");
    }
}

#[cfg(target_os = "linux")]
fn set_attribute(path: &Path, name: &std::ffi::CStr, value: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: both names end in NUL, and the value is as long as we say.
    let done = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    done == 0
}

#[cfg(target_os = "linux")]
#[test]
fn access_control_lists_and_attributes_are_kept() {
    // Version 2; then tag, rights and user: owner rw, user EVE r, group none,
    // mask r, others none.
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, user) in [
        (0x01_u16, 6_u16, u32::MAX),
        (0x02, 4, EVE),
        (0x04, 0, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(rights.to_le_bytes());
        acl.extend(user.to_le_bytes());
    }
    for (name, value, mode_after) in [
        (c"user.origin", &b"here"[..], 0o600),
        (c"system.posix_acl_access", &acl[..], 0o640),
    ] {
        let scratch = Scratch::new();
        let path = scratch.file("netrc", "one\n", 0o600);
        if !set_attribute(&path, name, value) {
            not_tested(&format!("{name:?}: not kept by this file system"));
            continue;
        }
        let before = inode(&path);
        let updated = append(&path, "two").unwrap();
        let reason =
            "was written in place, because it has an access control list or attributes of its own";
        assert_eq!(updated.notes.last().unwrap(), reason, "{name:?}");
        assert_eq!((inode(&path), mode(&path)), (before, mode_after));
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        assert!(crate::files::sys::has_acl(&fs::File::open(&path).unwrap()));
    }
}
