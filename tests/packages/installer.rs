//! The installer for people with a shell, `install.sh`.

use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::dist::{self, HOST, VERSION};
use crate::machine::{Files, Machine, Stopwatch, command_logs_in, program_logs_in, words};
use crate::support::{Run, make_executable, tool};

/// `install.sh` with these arguments, by the shell with the fewest extensions.
fn installer(machine: &Machine, arguments: &[&str]) -> Option<Command> {
    let script = dist::file("install.sh")?;
    let mut command = machine.command(tool("dash")?);
    command.arg(script).args(arguments);
    Some(command)
}

#[test]
fn the_installer_installs_replaces_and_removes() {
    let Some(_) = dist::file(&format!("{}.tar.gz", dist::archive_name(HOST))) else {
        return;
    };
    let machine = Machine::new();
    let prefix = machine.at("home/.local");
    // Files and empty folders of the user stay.
    fs::create_dir_all(prefix.join("share/man")).expect("a folder");
    fs::create_dir_all(prefix.join("bin")).expect("a folder");
    fs::write(prefix.join("bin/other"), "").expect("a file");
    let before = Files::of(machine.folder(), |_| false);
    let watch = Stopwatch::start("install.sh");
    let folder = dist::folder().display().to_string();
    let Some(mut install) = installer(&machine, &[&format!("file://{folder}")]) else {
        return;
    };
    Run::ok(&mut install);
    let libs = machine.pkg_config(&prefix, &["--cflags", "--libs"]);
    let program = machine.compile_login(&words(&libs));
    let mut program = machine.command(program);
    program_logs_in(program.env("LD_LIBRARY_PATH", prefix.join("lib")));
    watch.logged_in();
    command_logs_in(|| machine.command(prefix.join("bin/wandb-login")));

    // A file of an earlier version goes.
    let list = prefix.join("share/wandb_login/installed-files");
    let earlier = fs::read_to_string(&list).expect("the list") + "./lib/of-an-earlier-version\n";
    fs::write(&list, earlier).expect("the list");
    fs::write(prefix.join("lib/of-an-earlier-version"), "").expect("a file");
    Run::ok(&mut installer(&machine, &[&folder, "../home/.local"]).expect("as above"));
    assert!(!prefix.join("lib/of-an-earlier-version").exists());
    command_logs_in(|| machine.command(prefix.join("bin/wandb-login")));

    for path in ["program", "home/.netrc"] {
        fs::remove_file(machine.at(path)).expect("it is there");
    }
    Run::ok(&mut installer(&machine, &["--uninstall"]).expect("as above"));
    Files::of(machine.folder(), |_| false).assert_equal(&before);
    let again = Run::of(&mut installer(&machine, &["--uninstall"]).expect("as above"));
    let expected = format!(
        "install.sh: {} has no installation by install.sh\n",
        prefix.display()
    );
    assert_eq!((again.code, again.stderr), (Some(1), expected));
}

/// The line that is printed works in a shell, also with a prefix that has to be quoted.
#[test]
fn the_installer_says_how_a_shell_finds_the_command() {
    if dist::file(&format!("{}.tar.gz", dist::archive_name(HOST))).is_none() {
        return;
    }
    let machine = Machine::new();
    let prefix = machine.at("home/it's a $HOME");
    let bin = prefix.join("bin");
    let shown = bin.display();
    let folder = dist::folder().display().to_string();
    let path = machine.path();
    let lines_after = |path: String| {
        let prefix = prefix.display().to_string();
        let mut install = installer(&machine, &[&folder, &prefix])?;
        let run = Run::ok(install.env("PATH", path));
        Some(run.stdout.lines().skip(1).map(str::to_owned).collect())
    };
    let Some(lines): Option<Vec<String>> = lines_after(path.clone()) else {
        return;
    };
    assert_eq!(lines[0], format!("PATH does not have {shown}"));
    let script = format!("{}; command -v wandb-login", lines[2]);
    let run = Run::ok(machine.command("dash").args(["-c", &script]));
    assert_eq!(run.stdout, format!("{shown}/wandb-login\n"));

    let other = machine.at("bin/wandb-login");
    fs::create_dir(machine.at("bin")).expect("a folder");
    fs::write(&other, "").expect("a file");
    make_executable(&other);
    let first = format!("{}:{path}", machine.at("bin").display());
    let expected = format!(
        "PATH finds another command of this name first: {}",
        other.display()
    );
    assert_eq!(lines_after(first).expect("as above")[0], expected);

    // Under another name of the folder too.
    let link = machine.at("link");
    symlink(&bin, &link).expect("a link");
    let found: Vec<String> = lines_after(format!("{}:{path}", link.display())).expect("as above");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_installer_refuses_what_it_cannot_use_in_one_sentence() {
    let name = format!("{}.tar.gz", dist::archive_name(HOST));
    let Some(archive) = dist::file(&name) else {
        return;
    };
    let machine = Machine::new();
    let from = machine.at("from");
    fs::create_dir(&from).expect("a folder");
    let shown = from.display().to_string();
    let refused = |reason: String| {
        let Some(mut install) = installer(&machine, &[&shown]) else {
            return;
        };
        let path = std::env::var("PATH").expect("the search path");
        install.env("PATH", format!("{}:{path}", machine.at("bin").display()));
        let run = Run::of(&mut install);
        assert_eq!(run.code, Some(1));
        let last = run.stderr.lines().last().unwrap_or_default();
        assert_eq!(last, format!("install.sh: {reason}"));
        assert!(!machine.at("home/.local").exists());
    };
    refused(format!("cannot read {shown}/SHA256SUMS"));
    dist::damaged(&archive, &from.join(&name));
    let sums = fs::read_to_string(dist::folder().join("SHA256SUMS")).expect("SHA256SUMS");
    let older = format!("{}  {}\n", "0".repeat(64), name.replace(VERSION, "0.0.9"));
    fs::write(from.join("SHA256SUMS"), older + &sums).expect("write");
    refused(format!(
        "{shown}/{name} is damaged: its SHA-256 is not the one in SHA256SUMS. Download it again"
    ));

    let machine_says = |program: &str, script: &str| {
        fs::create_dir_all(machine.at("bin")).expect("a folder");
        let path = machine.at("bin").join(program);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        make_executable(&path);
    };
    machine_says("getconf", "echo glibc 2.12");
    refused(
        "this machine has glibc 2.12, and the files of this release need 2.17 or later".to_owned(),
    );
    machine_says(
        "getconf",
        "case $1 in LONG_BIT) echo 32 ;; *) exit 1 ;; esac",
    );
    let of_64_bits = format!("{ARCH}-unknown");
    let target = HOST.replace(&of_64_bits, &format!("{ARCH}-32-bit-unknown"));
    refused(format!(
        "{shown} has no archive for this machine ({target})"
    ));
    fs::remove_file(machine.at("bin/getconf")).expect("it is there");
    machine_says(
        "uname",
        "case $1 in -m) echo riscv64 ;; *) echo Linux ;; esac",
    );
    refused(format!(
        "{shown} has no archive for this machine (riscv64-unknown-linux-gnu)"
    ));
}
