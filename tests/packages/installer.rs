//! The installer for people with a shell, `install.sh`.

use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
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

/// A machine on which `install.sh` finds temporary folders and programs of the test.
struct Watched {
    machine: Machine,
    from: String,
}

impl Watched {
    fn new() -> Option<Watched> {
        dist::file(&format!("{}.tar.gz", dist::archive_name(HOST)))?;
        let machine = Machine::new();
        for folder in ["tmp", "programs", "prefix"] {
            fs::create_dir(machine.at(folder)).expect("a folder");
        }
        let from = dist::folder().display().to_string();
        Some(Watched { machine, from })
    }

    /// Runs `install.sh` with the folder `prefix`.
    fn run(&self, from: &str) -> Option<Run> {
        let prefix = self.machine.at("prefix").display().to_string();
        let programs = self.machine.at("programs").display().to_string();
        let mut command = installer(&self.machine, &[from, &prefix])?;
        command.env("TMPDIR", self.machine.at("tmp"));
        command.env("PATH", format!("{programs}:{}", self.machine.path()));
        Some(Run::of(&mut command))
    }

    fn install(&self) -> Option<Run> {
        self.run(&self.from)
    }

    fn uninstall(&self) -> Option<Run> {
        self.run("--uninstall")
    }

    /// Everything on the machine.
    fn files(&self) -> Files {
        Files::of(self.machine.folder(), |_| false)
    }

    /// A program which, for a last argument that ends like this, sends a signal to install.sh.
    fn interrupt(&self, program: &str, last: &str, signal: &str) -> PathBuf {
        let path = self.machine.at("programs").join(program);
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\n\
             case $last in *{last}) kill -{signal} $PPID; exit 1 ;; esac\n\
             PATH=${{PATH#*:}} exec {program} \"$@\"\n"
        );
        fs::write(&path, script).expect("a script");
        make_executable(&path);
        path
    }
}

/// What the user has at a place of the installation.
type Place = fn(&Path);

#[test]
fn the_installer_replaces_nothing_that_it_has_not_installed() {
    let Some(watched) = Watched::new() else {
        return;
    };
    let target = watched.machine.at("own");
    fs::write(&target, "own").expect("a file");
    let file = "was not installed by install.sh: move it away, or name another PREFIX";
    let folder = "is not a folder: move it away, or name another PREFIX";
    let places: [(&str, Place, &str); 6] = [
        (
            "bin/wandb-login",
            |path| fs::write(path, "own").expect("write"),
            file,
        ),
        (
            "lib/libwandb_login.so.0",
            |path| fs::create_dir(path).expect("a folder"),
            file,
        ),
        (
            "bin/wandb-login",
            |path| symlink("../../own", path).expect("a link"),
            file,
        ),
        (
            "lib/libwandb_login.so",
            |path| symlink("nowhere", path).expect("a link"),
            file,
        ),
        (
            "include",
            |path| fs::write(path, "own").expect("write"),
            folder,
        ),
        (
            "share",
            |path| symlink("nowhere", path).expect("a link"),
            folder,
        ),
    ];
    for (place, make, reason) in places {
        let prefix = watched.machine.at("prefix");
        let path = prefix.join(place);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        make(&path);
        let before = watched.files();
        let Some(run) = watched.install() else { return };
        let expected = format!("install.sh: {} {reason}\n", path.display());
        assert_eq!((run.code, run.stderr), (Some(1), expected));
        watched.files().assert_equal(&before);
        assert_eq!(fs::read(&target).expect("a file"), b"own");
        fs::remove_dir_all(&prefix).expect("removed");
        fs::create_dir(&prefix).expect("a folder");
    }
}

#[test]
fn the_installer_follows_links_to_folders() {
    let Some(watched) = Watched::new() else {
        return;
    };
    for (name, other) in [("bin", "programs-of-mine"), ("share", "data")] {
        fs::create_dir(watched.machine.at(other)).expect("a folder");
        let link = watched.machine.at("prefix").join(name);
        symlink(format!("../{other}"), link).expect("a link");
    }
    let before = watched.files();
    let Some(run) = watched.install() else { return };
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let command = watched.machine.at("programs-of-mine/wandb-login");
    Run::ok(watched.machine.command(command).arg("--version"));
    let run = watched.uninstall().expect("as above");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    watched.files().assert_equal(&before);
}

#[test]
fn an_interrupted_installation_leaves_nothing_behind() {
    let Some(watched) = Watched::new() else {
        return;
    };
    for signal in ["HUP", "INT", "TERM"] {
        for (program, last) in [
            ("cp", "SHA256SUMS"),
            ("cp", "installing"),
            ("mv", "wandb-login"),
        ] {
            let before = watched.files();
            let program = watched.interrupt(program, last, signal);
            let Some(run) = watched.install() else { return };
            assert_ne!(run.code, Some(0), "{signal}");
            fs::remove_file(program).expect("it is there");
            watched.files().assert_equal(&before);
        }
    }
}

/// Jobs that share a home directory may all start with an installation.
#[test]
fn installations_at_the_same_time_wait_for_each_other() {
    let (Some(watched), Some(_)) = (Watched::new(), tool("flock")) else {
        return;
    };
    let before = watched.files();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| watched.install())).collect();
        for run in runs {
            let run = run.join().expect("no panic").expect("the release's files");
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        }
    });
    let command = watched.machine.at("prefix/bin/wandb-login");
    Run::ok(watched.machine.command(command).arg("--version"));
    watched.uninstall();
    watched.files().assert_equal(&before);
}

/// A killed program cannot clean up. The next one does.
#[test]
fn a_killed_installation_can_be_repeated_and_removed() {
    let Some(watched) = Watched::new() else {
        return;
    };
    let prefix = watched.machine.at("prefix");
    let before = Files::of(&prefix, |_| false);
    for (program, last) in [
        ("cp", "installing"),
        ("mv", "libwandb_login.so"),
        ("rm", "installed-files"),
    ] {
        for removed in [true, false] {
            let program = watched.interrupt(program, last, "KILL");
            let run = if last == "installed-files" {
                Watched::uninstall
            } else {
                Watched::install
            };
            let Some(killed) = run(&watched) else { return };
            assert_eq!(killed.code, None, "{last}");
            fs::remove_file(program).expect("it is there");
            if removed {
                let run = watched.uninstall().expect("as above");
                assert_eq!(run.code, Some(0), "{}", run.stderr);
                Files::of(&prefix, |_| false).assert_equal(&before);
            }
            let run = watched.install().expect("as above");
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            command_logs_in(|| watched.machine.command(prefix.join("bin/wandb-login")));
        }
    }
    watched.uninstall();
    Files::of(&prefix, |_| false).assert_equal(&before);
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
    fs::write(from.join("SHA256SUMS"), "<html>Log in</html>\n").expect("write");
    refused(format!(
        "{shown}/SHA256SUMS is no list of checksums, perhaps a web page: check the address"
    ));
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
