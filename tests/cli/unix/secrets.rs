//! Mounted secrets: their modes, links, pipes and devices.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Stdio;

use crate::secrets::token;
use crate::support::{self, Home, KEY_1, Run};

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
            "WARNING {} is accessible to every user of this machine: chmod 600 it",
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
fn a_path_may_be_relative_and_lead_through_links() {
    let home = Home::new();
    // As Kubernetes mounts a secret: the names are links into a dated folder.
    home.write("cwd/..2024/key", format!("{KEY_1}\n"));
    symlink("..2024", home.path("cwd/..data")).expect("link");
    symlink("..data/key", home.path("cwd/key")).expect("link");
    assert_eq!(token(&home, "key").stdout, format!("{KEY_1}\n"));
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

#[test]
fn links_in_a_circle_sockets_and_devices_are_no_secrets() {
    let home = Home::new();
    symlink("loop", home.path("home/loop")).expect("link");
    let socket = home.path("home/socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("socket");
    for (path, problem) in [
        (
            home.path("home/loop"),
            "has too many levels of symbolic links",
        ),
        (socket, "is a socket or a device, not a file"),
        ("/dev/zero".into(), "is a device, not a file"),
    ] {
        let path = path.to_str().expect("UTF-8");
        let run = token(&home, path);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{path}");
        let names = run.stderr.contains(path) && run.stderr.contains("WANDB_API_KEY_FILE");
        assert!(names && run.stderr.contains(problem), "{}", run.stderr);
    }
}
