//! Logins in homes on other file systems: on a loop device, in memory, in layers,
//! and one that fails as NFS does.

use std::process::Command;

use crate::is_root;
use crate::scenario::OTHER;
use crate::support::{self, Home, Run, TempDir, root, tool};

/// How many servers are logged in to.
const SERVERS: usize = 8;

/// The shell script that logs in to all servers, at once or one after the other;
/// readers of the first key run beside it.
const LOG_IN: &str = "
log_in() { printf 'key%037d' $1 | \"$0\" --quiet --host https://server-$1.example --key-stdin; }
log_in 0
for i in 1 2 3 4 5 6 7; do
    if [ \"$AT_ONCE\" ]; then log_in $i & else log_in $i; fi
done
for i in 1 2 3 4 5 6 7 8; do \"$0\" token --host https://server-0.example; done
wait
\"$0\" logout --host https://server-3.example 2>../logout
\"$0\" status --host https://server-5.example --json >/dev/null
";

/// A home on a file system.
struct Place<'a> {
    name: &'a str,
    /// The script that mounts it on `../home`.
    mount: &'a str,
    /// Whether processes may log in at once: not without locks.
    at_once: bool,
}

/// Runs a script in a mount namespace of its own, where `../home` is on a file system,
/// and shows netrc, its mode, and the names of all files. `None`, with a message, where
/// nothing can be mounted.
fn run(home: &Home, place: &Place<'_>, script: &str) -> Option<Run> {
    if !is_root() {
        support::skip("a test that needs root");
        return None;
    }
    let script = format!(
        "BELOW=../home\n{}\n[ -f $BELOW/.netrc ] || cp -p ../lower/.netrc $BELOW\n{script}\n\
         cp $BELOW/.netrc ../netrc\nstat -c %a $BELOW/.netrc\n\
         ls -A $BELOW $BELOW/.config/wandb >../names 2>&1 || true\numount ../home",
        place.mount
    );
    let mut command = home.command(tool("unshare")?);
    command.args(["-m", "sh", "-ec", &script, support::wandb_login_path()]);
    if place.at_once {
        command.env("AT_ONCE", "1");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let run = Run::of(&mut command);
    if run.stderr.contains("unshare failed") || run.stderr.contains("mount:") {
        support::skip(&format!("{}: {}", place.name, run.stderr));
        return None;
    }
    assert_eq!(run.code, Some(0), "{}: {}", place.name, run.stderr);
    Some(run)
}

fn key(server: usize) -> String {
    format!("key{server:037}")
}

fn entry(server: usize) -> String {
    let key = key(server);
    format!("machine server-{server}.example\n  login user\n  password {key}\n")
}

/// Logs in to all servers, and out of one. Returns what was printed.
fn logs_in(place: &Place<'_>) -> Option<String> {
    let home = Home::new();
    home.write("lower/.netrc", OTHER);
    let run = run(&home, place, LOG_IN)?;
    let name = place.name;
    let text = home.text("netrc").expect("netrc");
    assert!(text.starts_with(OTHER), "{name}: {text}");
    for server in 0..SERVERS {
        let kept = text.contains(&entry(server));
        assert_eq!(
            kept,
            server != 3,
            "{name}: server {server} {text}{}",
            run.stderr
        );
    }
    assert_eq!(text.len(), OTHER.len() + (SERVERS - 1) * entry(0).len());
    let tokens = format!("{}\n", key(0)).repeat(SERVERS);
    assert_eq!(
        run.stdout,
        format!("{tokens}600\n"),
        "{name}: {}",
        run.stderr
    );
    let names = home.text("names").expect("names");
    let left = names
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with(':'));
    let known = [".config", ".netrc", "settings", "lost+found"];
    let left: Vec<_> = left.filter(|name| !known.contains(name)).collect();
    assert!(left.is_empty(), "{name}: {left:?} are left");
    Some(run.stderr)
}

/// An empty image, formatted and mounted.
fn image(size: &str, format: &str) -> String {
    format!(
        "truncate -s {size} ../image; {format} ../image >/dev/null 2>&1; mount -o loop ../image ../home"
    )
}

#[test]
fn homes_on_other_file_systems_keep_every_entry() {
    let layers = "mount -t tmpfs none ../cwd; mkdir ../cwd/upper ../cwd/work; \
                  mount -t overlay -o lowerdir=../lower,upperdir=../cwd/upper,workdir=../cwd/work \
                  none ../home; grep -q other.example ../home/.netrc";
    let places = [
        (
            "btrfs",
            &*image("128M", "mkfs.btrfs -m single"),
            "mkfs.btrfs",
        ),
        (
            "ext4",
            &image("16M", "mkfs.ext4 -E root_owner=0:0"),
            "mkfs.ext4",
        ),
        ("tmpfs", "mount -t tmpfs none ../home", "mount"),
        ("ramfs", "mount -t ramfs none ../home", "mount"),
        ("overlay", layers, "mount"),
    ];
    for (name, mount, needed) in places {
        let program = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
        let mut folders = program.iter().map(std::path::Path::new);
        if !folders.any(|folder| folder.join(needed).is_file()) {
            support::skip(&format!("{needed} is not installed"));
            continue;
        }
        let at_once = true;
        let printed = logs_in(&Place {
            name,
            mount,
            at_once,
        });
        if let Some(printed) = printed {
            assert_eq!(printed, "", "{name}");
        }
    }
}

/// The disk is full: the key is saved or the login says so, and the file is whole.
#[test]
fn a_full_copy_on_write_file_system_loses_no_data() {
    let mount = image("32M", "mkfs.btrfs --mixed");
    let mount = format!(
        "{mount}; yes 'machine other.example login git password x' | head -n 400 >../home/.netrc; \
         chmod 600 ../home/.netrc; cat /dev/zero >../home/filler 2>/dev/null || true; \
         sync; cat /dev/zero >>../home/filler 2>/dev/null || true"
    );
    if !std::path::Path::new("/usr/sbin/mkfs.btrfs").is_file() {
        support::skip("mkfs.btrfs is not installed");
        return;
    }
    let place = Place {
        name: "a full btrfs",
        mount: &mount,
        at_once: false,
    };
    let home = Home::new();
    home.write("lower/.netrc", OTHER);
    let script = "printf 'key%037d' 1 | \"$0\" --host https://server-1.example --key-stdin";
    let Some(run) = run(&home, &place, script) else {
        return;
    };
    let text = home.text("netrc").expect("netrc");
    let old = OTHER.repeat(400);
    let (kept, added) = text.split_at_checked(old.len()).expect("the old text");
    assert_eq!(kept, old);
    let told = run.stderr.contains("The API key was not saved");
    assert!(
        if told {
            added.is_empty()
        } else {
            added == entry(1)
        },
        "{added} {}",
        run.stderr
    );
}

/// The FUSE file system of `tests/c/pass_through.c`.
fn pass_through() -> Option<TempDir> {
    let (gcc, pkg_config) = (tool("gcc")?, tool("pkg-config")?);
    let flags = Run::of(Command::new(pkg_config).args(["--cflags", "--libs", "fuse3"]));
    if flags.code != Some(0) || !std::path::Path::new("/dev/fuse").exists() {
        support::skip(&format!("FUSE: {}", flags.stderr));
        return None;
    }
    let folder = TempDir::new();
    Run::ok(
        Command::new(gcc)
            .args(["-std=c11", "-D_GNU_SOURCE", "-O1", "-g"])
            .args(["-Wall", "-Wextra", "-Werror"])
            .arg(root().join("tests/c/pass_through.c"))
            .arg("-o")
            .arg(folder.path().join("pass_through"))
            .args(flags.stdout.split_whitespace()),
    );
    Some(folder)
}

#[test]
fn a_file_system_that_fails_as_nfs_does_keeps_every_entry() {
    let Some(program) = pass_through() else {
        return;
    };
    let program = program.path().join("pass_through");
    let no_locks = "is on a file system without locks";
    let cases = [
        ("a slow file system", "PASS_DELAY_US=2000", true, None),
        (
            "no lock daemon",
            "PASS_LOCK_ERROR=37",
            false,
            Some(no_locks),
        ),
        ("no lock call", "PASS_LOCK_ERROR=38", false, Some(no_locks)),
        (
            "replaced files",
            "PASS_DELAY_US=200 PASS_STALE_OPEN=1",
            true,
            None,
        ),
        (
            "stale handles",
            "PASS_STALE_EVERY=31 PASS_STALE_OPEN=1",
            true,
            None,
        ),
    ];
    for (name, variables, at_once, warning) in cases {
        let mount = format!(
            "BELOW=../under; mkdir $BELOW; cp -p ../lower/.netrc $BELOW; {variables} {} $BELOW ../home",
            program.display()
        );
        let Some(printed) = logs_in(&Place {
            name,
            mount: &mount,
            at_once,
        }) else {
            return;
        };
        match warning {
            None => assert_eq!(printed, "", "{name}"),
            Some(warning) => assert!(printed.contains(warning), "{name}: {printed}"),
        }
    }
}
