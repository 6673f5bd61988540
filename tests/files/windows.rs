//! What only Windows has: forms of paths, devices, access lists, files in use, and the
//! profile.

use std::fs::{self, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run, is_private, set_mode};
use crate::{SETTINGS, entry, login, not_saved, source, token};

/// The list that lets other programs read only, from `FILE_SHARE_READ`.
const SHARE_READ: u32 = 1;

#[test]
fn every_form_of_a_path_leads_to_the_same_file() {
    let home = Home::new();
    let folder = home.cwd();
    let path = folder.join("keys");
    let text = path.to_str().expect("UTF-8");
    let (drive, rest) = text.split_at(2);
    let user = home.home();
    for form in [
        text.to_owned(),
        text.replace('\\', "/"),
        format!(r"\\?\{text}"),
        format!(r"\\.\{text}"),
        rest.to_owned(),
        "keys".to_owned(),
        r".\keys".to_owned(),
        format!("{drive}keys"),
        r"~\..\cwd\keys".to_owned(),
        r"~/../cwd/keys".to_owned(),
        format!("{}/../cwd/keys", user.display()),
        "keys.".to_owned(),
        "keys ".to_owned(),
        text.to_uppercase(),
    ] {
        let _ = fs::remove_file(&path);
        Run::ok(login(&home, KEY_1).env("NETRC", &form));
        let stored = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(stored, entry(KEY_1), "{form}");
        let run = Run::ok(token(&home).env("NETRC", &form));
        assert_eq!(run.stdout, format!("{KEY_1}\n"), "{form}");
        let run = Run::ok(token(&home).env("WANDB_API_KEY_FILE", home.write("key", KEY_2)));
        assert_eq!(run.stdout, format!("{KEY_2}\n"));
        assert_eq!(
            fs::read_dir(&folder).expect("a folder").count(),
            1,
            "{form}"
        );
    }
}

#[test]
fn a_path_may_be_longer_than_260_characters() {
    let home = Home::new();
    let folder = home.path(&format!("home/{}", vec!["f".repeat(90); 4].join("/")));
    assert!(folder.as_os_str().len() > 360);
    let mut command = home.wandb_login(&["login", "--host", crate::SERVER, KEY_1]);
    Run::ok(command.env("WANDB_CONFIG_DIR", &folder));
    let settings = fs::read_to_string(folder.join("settings")).expect("settings");
    assert!(settings.contains(crate::SERVER), "{settings}");
    let netrc = folder.join("netrc");
    for key in [KEY_1, KEY_2] {
        Run::ok(login(&home, key).env("NETRC", &netrc));
        let run = Run::ok(token(&home).env("NETRC", &netrc));
        assert_eq!(run.stdout, format!("{key}\n"));
    }
    assert!(is_private(&netrc));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
}

/// Names of devices, in any directory and with any extension.
#[test]
fn a_device_is_no_file() {
    let home = Home::new();
    for name in ["NUL", "nul", "CON", "CONIN$", "COM1", "LPT9", "aux.netrc"] {
        let run = Run::of(token(&home).env("NETRC", name));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        let mut store = login(&home, KEY_1);
        store.env("NETRC", name);
        not_saved(store, "");
        let run = Run::of(token(&home).env("WANDB_API_KEY_FILE", name));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        assert!(run.stderr.contains("WANDB_API_KEY_FILE"), "{}", run.stderr);
    }
    // The null device is an empty file: no warning.
    let run = Run::of(token(&home).env("NETRC", "NUL"));
    assert!(!run.stderr.contains("WARN"), "{}", run.stderr);
    let mut store = login(&home, KEY_1);
    store.env("NETRC", home.path("cwd/file:stream"));
    not_saved(store, "is a stream of a file");
    assert_eq!(fs::read_dir(home.cwd()).expect("a folder").count(), 0);
}

#[test]
fn the_home_is_the_profile_as_python_finds_it() {
    let home = Home::new();
    home.write(NETRC, entry(KEY_1));
    let path = home.home();
    let (drive, rest) = path.to_str().expect("UTF-8").split_at(2);
    let mut command = token(&home);
    command
        .env_remove("USERPROFILE")
        .envs([("HOMEDRIVE", drive), ("HOMEPATH", rest)]);
    assert_eq!(Run::ok(&mut command).stdout, format!("{KEY_1}\n"));
    // A Unix shell sets HOME, which Python does not read here.
    let elsewhere = Home::new();
    elsewhere.write(NETRC, entry(KEY_2));
    let run = Run::ok(token(&home).env("HOME", elsewhere.home()));
    assert_eq!(run.stdout, format!("{KEY_1}\n"));
    // Names of variables have no case.
    let run = Run::ok(token(&home).env("wandb_api_key", KEY_2));
    assert_eq!(run.stdout, format!("{KEY_2}\n"));
    // `.netrc` goes first where both exist, also for writing.
    home.write("home/.netrc", entry(KEY_2));
    assert_eq!(Run::ok(&mut token(&home)).stdout, format!("{KEY_2}\n"));
    Run::ok(&mut login(&home, support::KEY_3));
    assert_eq!(home.text("home/.netrc"), Some(entry(support::KEY_3)));
    assert_eq!(home.text(NETRC), Some(entry(KEY_1)));
}

#[test]
fn new_files_are_for_the_owner_and_replaced_ones_keep_their_list() {
    let home = Home::new();
    let arguments = ["login", "--host", crate::SERVER, KEY_1];
    Run::ok(&mut home.wandb_login(&arguments));
    for path in [NETRC, SETTINGS, "home/.config", "home/.config/wandb"] {
        let list = support::access(&home.path(path));
        assert!(is_private(&home.path(path)), "{path}: {list}");
    }
    let netrc = home.path(NETRC);
    set_mode(&netrc, 0o644);
    let before = support::access(&netrc);
    let run = Run::ok(&mut login(&home, KEY_2));
    assert_eq!(support::access(&netrc), before);
    let warning = "is open to other users by its access list";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let status = Run::ok(
        home.wandb_login(&["status"])
            .env("WANDB_BASE_URL", crate::SERVER),
    );
    assert!(
        status.stdout.contains("can be read by other users"),
        "{}",
        status.stdout
    );
    assert!(
        status
            .stdout
            .contains(&format!("$ icacls \"{}\"", netrc.display())),
        "{}",
        status.stdout
    );
}

#[test]
fn commands_about_variables_are_those_of_powershell() {
    let home = Home::new();
    for (name, value, expected) in [
        ("WANDB_SILENT", "perhaps", "Remove-Item Env:WANDB_SILENT"),
        ("WANDB_API_KEY", "short", "Remove-Item Env:WANDB_API_KEY"),
        (
            "NETRC",
            KEY_1,
            "$env:WANDB_API_KEY = $env:NETRC; Remove-Item Env:NETRC",
        ),
        (
            "WANDB_BASE_URL",
            "https://corp.example/authorize",
            "$env:WANDB_BASE_URL = \"https://corp.example\"",
        ),
    ] {
        let status = Run::of(home.wandb_login(&["status"]).env(name, value));
        assert!(
            status.stdout.contains(&format!("$ {expected}\n")),
            "{name}: {}",
            status.stdout
        );
    }
}

#[test]
fn line_ends_are_kept() {
    let home = Home::new();
    let netrc = "machine example.com\r\n  login me\r\n  password secret\r\n";
    let settings = "[default]\r\nentity = e\r\n";
    home.write(NETRC, netrc);
    home.write(SETTINGS, settings);
    Run::ok(&mut home.wandb_login(&["login", "--host", crate::SERVER, KEY_1]));
    let stored = home.text(NETRC).expect("netrc");
    assert!(stored.starts_with(netrc), "{stored:?}");
    let stored = home.text(SETTINGS).expect("settings");
    assert!(stored.starts_with(settings), "{stored:?}");
    assert_eq!(stored.matches('\n').count(), stored.matches("\r\n").count());
    Run::ok(&mut home.wandb_login(&["logout", "--host", crate::SERVER]));
    assert_eq!(home.text(NETRC).as_deref(), Some(netrc));
}

/// Logs in to a server of its own.
fn start(home: &Home, port: usize) -> Child {
    let server = format!("http://127.0.0.1:{port}");
    let mut command = home.wandb_login(&["login", "--quiet", KEY_1]);
    command.env("WANDB_BASE_URL", server).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// Opens a file as a virus scanner does: for itself alone, and without sharing its
/// deletion.
fn disturb(path: &Path) {
    for share in [0, SHARE_READ] {
        let opened = OpenOptions::new().read(true).share_mode(share).open(path);
        std::thread::sleep(std::time::Duration::from_millis(3));
        drop(opened);
    }
}

#[test]
fn twelve_processes_store_sixty_keys_while_others_read() {
    const PROCESSES: usize = 12;
    const KEYS: usize = 60;
    let home = Home::new();
    let old = "machine example.com login me password secret\n";
    let netrc = home.write(NETRC, old);
    let mut running: Vec<Child> = Vec::new();
    for port in 9000..9000 + KEYS {
        while running.len() >= PROCESSES {
            disturb(&netrc);
            let now = home.text(NETRC).unwrap_or_else(|| old.to_owned());
            assert!(now.starts_with(old) && now.ends_with('\n'), "{now}");
            let ended = |child: &mut Child| child.try_wait().expect("a state").is_some();
            if let Some(index) = running.iter_mut().position(ended) {
                end(running.swap_remove(index));
            }
        }
        running.push(start(&home, port));
    }
    running.into_iter().for_each(end);
    let stored = home.text(NETRC).expect("netrc");
    let lost: Vec<usize> = (9000..9000 + KEYS)
        .filter(|port| !stored.contains(&format!("machine 127.0.0.1:{port}\n")))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(stored.matches(KEY_1).count(), KEYS);
    println!("{KEYS} keys stored by {PROCESSES} processes at once, 0 lost");
}

fn end(child: Child) {
    let run = Run::from(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("not saved"), "{}", run.stderr);
}

/// A file that cannot be read is an error that names it.
#[test]
fn a_read_only_file_is_named_with_the_command_that_changes_it() {
    let home = Home::new();
    let text = "machine example.com login me password secret\n";
    let path = home.write(NETRC, text);
    support::make_read_only(&path);
    not_saved(login(&home, KEY_1), "attrib -r");
    assert_eq!(home.text(NETRC).as_deref(), Some(text));
    // It is read all the same.
    let status = Run::of(&mut home.wandb_login(&["status", "--json"]));
    assert!(
        source(&status.stdout, "netrc").is_null(),
        "{}",
        status.stdout
    );
}
