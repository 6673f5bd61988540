//! Mounted secrets: `WANDB_API_KEY_FILE`, as Docker, Kubernetes, systemd and
//! shells make them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Stdio;

use crate::support::{self, Home, KEY_1, KEY_2, Run};

/// What `token` prints with the secret at a path.
fn token(home: &Home, path: &str) -> Run {
    Run::of(home.wandb_login(&["token"]).env("WANDB_API_KEY_FILE", path))
}

#[test]
fn white_space_at_the_end_is_no_news_and_at_the_beginning_it_is() {
    for (end, beginning) in [
        ("", ""),
        ("\n", ""),
        ("\r\n", ""),
        (" \t\n\n", ""),
        ("\n", " "),
        ("", "\n"),
    ] {
        let home = Home::new();
        let path = home.write("home/secret", format!("{beginning}{KEY_1}{end}"));
        let path = path.to_str().expect("UTF-8");
        assert_eq!(token(&home, path).stdout, format!("{KEY_1}\n"), "{end:?}");
        let login = Run::ok(home.wandb_login(&[]).env("WANDB_API_KEY_FILE", path));
        assert_eq!(
            login.stderr.contains("white space"),
            !beginning.is_empty(),
            "{}",
            login.stderr
        );
        // A mounted secret is read where it is: nothing is stored.
        assert_eq!(fs::read_dir(home.home()).expect("home").count(), 1);
    }
}

#[test]
fn only_a_secret_that_everybody_can_read_is_a_warning() {
    for (mode, warned) in [
        (0o400, false),
        (0o600, false),
        (0o640, false),
        (0o440, false),
        (0o644, true),
        (0o604, true),
        (0o602, true),
    ] {
        let home = Home::new();
        let path = home.write("home/secret", KEY_1);
        // Kubernetes and Docker mount as root, for a group that the process is in.
        let _ = chown(&path, Some(0), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        let mut command = home.wandb_login(&[]);
        command.env("WANDB_API_KEY_FILE", &path);
        let run = Run::ok(&mut command);
        let warning = format!(
            "WARNING {} is accessible to every user of this machine: restrict its permissions",
            path.display()
        );
        assert_eq!(
            run.stderr.contains(&warning),
            warned,
            "{mode:o}: {}",
            run.stderr
        );
        // It puts the key at risk, so silence does not hide it.
        let run = Run::ok(command.env("WANDB_SILENT", "true"));
        assert_eq!(
            run.stderr.contains(&warning),
            warned,
            "{mode:o}: {}",
            run.stderr
        );
    }
}

#[test]
fn size_and_kind_are_bounded() {
    let home = Home::new();
    let longest = format!("{}.b.c", "a".repeat(64 * 1024 - 4));
    let good = home.write("home/longest", &longest);
    assert_eq!(
        token(&home, good.to_str().expect("UTF-8")).stdout,
        format!("{longest}\n")
    );
    home.write("home/longer", format!("{longest}\n"));
    home.write("home/empty", "");
    fs::create_dir(home.home().join("directory")).expect("directory");
    symlink("loop", home.home().join("loop")).expect("link");
    let socket = home.home().join("socket");
    let _listening = std::os::unix::net::UnixListener::bind(socket).expect("socket");
    for (name, problem) in [
        ("longer", "is larger than 64 KiB"),
        ("empty", "API key is empty."),
        ("directory", "is a directory, not a file"),
        ("loop", "has too many levels of symbolic links"),
        ("socket", "is a socket or a device, not a file"),
        ("missing", "does not exist"),
        ("directory/missing", "does not exist"),
    ] {
        let path = home.home().join(name);
        let path = path.to_str().expect("UTF-8");
        let run = token(&home, path);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        let names = run.stderr.contains(path) && run.stderr.contains("WANDB_API_KEY_FILE");
        assert!(
            names && run.stderr.contains(problem),
            "{name}: {}",
            run.stderr
        );
    }
    for (path, problem) in [
        ("/dev/null", "API key is empty."),
        ("/dev/zero", "is a device, not a file"),
    ] {
        let run = token(&home, path);
        assert!(
            run.code == Some(1) && run.stderr.contains(problem),
            "{path}: {}",
            run.stderr
        );
    }
}

/// An unreadable secret is an error, not a reason to look elsewhere.
#[test]
fn there_is_no_falling_through() {
    let home = Home::new();
    home.write(
        "home/.netrc",
        format!("machine api.wandb.ai login user password {KEY_2}\n"),
    );
    let run = token(&home, "missing");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
}

#[test]
fn a_path_may_be_relative_and_lead_through_links() {
    let home = Home::new();
    // As Kubernetes mounts a secret: the names are links into a dated folder.
    home.write("cwd/..2024/key", format!("{KEY_1}\n"));
    symlink("..2024", home.cwd().join("..data")).expect("link");
    symlink("..data/key", home.cwd().join("key")).expect("link");
    assert_eq!(token(&home, "key").stdout, format!("{KEY_1}\n"));
}

#[test]
fn a_shell_may_hand_the_key_over_in_a_pipe() {
    let Some(bash) = support::tool("bash") else {
        return;
    };
    let home = Home::new();
    let script = format!(
        "WANDB_API_KEY_FILE=<(sleep 0.2; printf %s {KEY_1}) {} token",
        crate::support::wandb_login_path()
    );
    let run = Run::ok(home.command(bash).args(["-c", &script]));
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        (format!("{KEY_1}\n").as_str(), "")
    );
}

/// A pipe without a writer never blocks for good.
#[test]
fn a_silent_pipe_is_given_up() {
    let Some(mkfifo) = support::tool("mkfifo") else {
        return;
    };
    let home = Home::new();
    Run::ok(home.command(mkfifo).arg("pipe"));
    let run = token(&home, "pipe");
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains(
            "pipe: timed out after 5 s waiting for end of file; name another file, or unset WANDB_API_KEY_FILE"
        ),
        "{}",
        run.stderr
    );
}

#[test]
fn standard_input_may_be_the_secret() {
    let home = Home::new();
    let secret = home.write("home/secret", KEY_1);
    let mut command = home.wandb_login(&["token"]);
    command.env("WANDB_API_KEY_FILE", "/dev/stdin");
    command.stdin(Stdio::from(fs::File::open(secret).expect("open")));
    assert_eq!(Run::ok(&mut command).stdout, format!("{KEY_1}\n"));
}

/// Of all processes of a job, one warns.
#[test]
fn a_job_warns_once_of_a_secret_that_everybody_can_read() {
    const SIZE: usize = 4;
    for (rank, size) in [
        ("RANK", "WORLD_SIZE"),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ] {
        for rank_aware in [false, true] {
            let home = Home::new();
            let path = home.write("home/secret", KEY_1);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
            let mut warned = Vec::new();
            for index in 0..SIZE {
                let mut command = home.wandb_login(&["login"]);
                command
                    .args(rank_aware.then_some("--rank-aware"))
                    .env("WANDB_API_KEY_FILE", &path)
                    .env(rank, index.to_string())
                    .env(size, SIZE.to_string());
                let run = Run::ok(&mut command);
                if run.stderr.contains("accessible to every user") {
                    warned.push(index);
                }
            }
            assert_eq!(warned, [0], "{rank}, rank aware: {rank_aware}");
        }
    }
}

/// The mode of a file on a read-only mount cannot be changed: only a report says it.
#[test]
fn a_secret_on_a_read_only_mount_is_a_warning_of_the_report_only() {
    let Some(unshare) = support::tool("unshare") else {
        return;
    };
    for (mount, warned) in [("mount --bind -o ro . .", false), ("true", true)] {
        for (words, report) in [("login", false), ("status", true)] {
            let home = Home::new();
            let path = home.write("home/mounted/secret", KEY_1);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("mode");
            let script = format!("cd ../home/mounted; {mount}; exec \"$0\" {words}");
            let mut command = home.command(&unshare);
            command
                .args(["-m", "sh", "-ec", &script])
                .arg(support::wandb_login_path())
                .env("WANDB_API_KEY_FILE", &path);
            let run = Run::of(&mut command);
            if run.stderr.contains("unshare") || run.stderr.contains("mount:") {
                support::skip(&format!("a mount namespace: {}", run.stderr));
                return;
            }
            let text = format!("{}{}", run.stdout, run.stderr);
            let shown = text.contains("is accessible to every user");
            assert_eq!(shown, warned || report, "{mount} {words}: {text}");
        }
    }
}
