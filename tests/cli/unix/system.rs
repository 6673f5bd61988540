//! System calls of a report, a real launcher, and a full disk.

use crate::support::{self, Home, KEY_1, NETRC, Run};
use crate::usage::printed_to;

/// No file is opened for writing, no socket is made, no terminal is opened.
#[test]
fn a_report_only_reads() {
    let Some(strace) = support::tool("strace") else {
        return;
    };
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    home.write("home/.config/wandb/settings", "[default]\nentity = us\n");
    let mut command = home.command(strace);
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/stderr",
        "-e",
        "trace=%file,%network,%desc",
    ]);
    let run = Run::ok(
        command
            .arg(crate::support::wandb_login_path())
            .arg("status"),
    );
    assert!(
        run.stderr.contains("/.netrc\""),
        "the trace shows what is read:\n{}",
        run.stderr
    );
    for call in run.stderr.lines() {
        let network = ["socket(", "connect(", "sendto("]
            .iter()
            .any(|name| call.contains(name));
        let writes = [
            "O_WRONLY", "O_RDWR", "O_CREAT", "rename", "unlink", "mkdir", "chmod", "LOCK_EX",
            "/dev/tty",
        ]
        .iter()
        .any(|word| call.contains(word));
        assert!(!network && !writes, "{call}");
    }
}

/// The variables of a real launcher, not our idea of them.
#[test]
fn mpirun_is_understood() {
    let Some(mpirun) = support::tool("mpirun") else {
        return;
    };
    let home = Home::new();
    let mut command = home.command(mpirun);
    command
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
        .args([
            "-n",
            "4",
            crate::support::wandb_login_path(),
            "--rank-aware",
            KEY_1,
        ]);
    let run = Run::ok(&mut command);
    assert_eq!(
        run.stderr.matches("Appending key").count(),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(
        run.stderr
            .matches("Using explicit session credentials")
            .count(),
        1,
        "{}",
        run.stderr
    );
    let netrc = home.text(NETRC).expect("netrc");
    assert_eq!(netrc.matches("machine").count(), 1);
}

#[test]
fn a_full_disk_is_an_error_and_never_a_panic() {
    let full = || {
        std::fs::File::create("/dev/full")
            .expect("/dev/full")
            .into()
    };
    for (arguments, run) in printed_to(full) {
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(run.stderr.contains("No space left"), "{}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
}
