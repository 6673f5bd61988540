//! The Python wheels: one is installed into Debian 11; all are compared with their archives.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian_11::Debian11;
use crate::dist::{self, HOST, TARGETS, VERSION};
use crate::machine::{Files, Machine, Stopwatch, command_logs_in, program_logs_in, words};
use crate::support::{Run, root, tool};

/// The platform tag of a target's wheel, and how auditwheel calls the same platform.
fn platform(target: &str) -> (&'static str, Option<&'static str>) {
    match target {
        "x86_64-unknown-linux-gnu" => ("manylinux2014_x86_64", Some("manylinux_2_17_x86_64")),
        "aarch64-unknown-linux-gnu" => ("manylinux2014_aarch64", Some("manylinux_2_17_aarch64")),
        "x86_64-unknown-linux-musl" => ("musllinux_1_2_x86_64", Some("musllinux_1_2_x86_64")),
        "aarch64-unknown-linux-musl" => ("musllinux_1_2_aarch64", Some("musllinux_1_2_aarch64")),
        _ => ("win_amd64", None),
    }
}

fn wheel(target: &str) -> Option<PathBuf> {
    let platform = platform(target).0;
    dist::file(&format!("wandb_login-{VERSION}-py3-none-{platform}.whl"))
}

#[test]
fn pip_installs_and_removes_the_wheel() {
    let (Some(wheel), Some(debian)) = (wheel(HOST), Debian11::new()) else {
        return;
    };
    let wheel = debian.copy(&wheel);
    Run::ok(debian.command("python3.9").args(["-m", "venv", "/tmp/env"]));
    let installed = |option: &str| {
        let mut python = debian.command("/tmp/env/bin/python");
        let run = Run::ok(python.args(["-m", "wandb_login"]).args(words(option)));
        run.stdout.trim().to_owned()
    };
    let pip = |arguments: &[&str]| {
        let mut pip = debian.command("/tmp/env/bin/pip");
        pip.args(arguments)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        pip
    };
    // The interpreter compiles pip itself when it runs.
    let of_python = |path: &Path| {
        path.to_str()
            .is_some_and(|path| path.contains("__pycache__") && !path.contains("wandb_login"))
    };
    let before = Files::of(debian.root(), of_python);
    let watch = Stopwatch::start("wheel");
    Run::ok(&mut pip(&["install", "--no-index", &wheel]));
    let include = format!("-I{}", installed("--include-dir"));
    let link = |options: &str| {
        let libs = installed(options);
        debian.compile_login(&[&[include.as_str()][..], &words(&libs)].concat())
    };
    program_logs_in(&mut debian.command(link("--libs")));
    watch.logged_in();
    program_logs_in(&mut debian.command(link("--libs --static")));
    command_logs_in(|| debian.command("/tmp/env/bin/wandb-login"));
    builds_with_cmake(&debian, &installed("--cmake-dir"));

    debian.remove(&["tmp/program", "root/.netrc"]);
    Run::ok(&mut pip(&["uninstall", "--yes", "wandb-login"]));
    Files::of(debian.root(), of_python).assert_equal(&before);

    refuses_the_wheel_of_another_machine(&debian, &pip);
    refuses_a_damaged_wheel(&debian, &wheel, pip);
}

/// The project that the Conan recipe brings.
fn builds_with_cmake(debian: &Debian11, package: &str) {
    let project = debian.root().join("tmp/project");
    fs::create_dir(&project).expect("a folder");
    for name in ["CMakeLists.txt", "login.c"] {
        let source = root().join("release/conan/recipe/test_package").join(name);
        fs::copy(source, project.join(name)).expect("a copy");
    }
    let cmake = || debian.command("cmake");
    let mut configure = cmake();
    configure.args(["-S", "/tmp/project", "-B", "/tmp/project/build"]);
    configure.arg("-DCMAKE_C_COMPILER=gcc-9");
    Run::ok(configure.arg(format!("-Dwandb_login_DIR={package}")));
    Run::ok(cmake().args(["--build", "/tmp/project/build"]));
    let run = Run::ok(&mut debian.command("/tmp/project/build/login"));
    let expected = format!("libwandb_login {VERSION}: ");
    assert!(run.stdout.starts_with(&expected), "{}", run.stdout);
    fs::remove_dir_all(&project).expect("it is removed");
}

/// By its tag: another processor or C library. A system with an older glibc does not accept
/// the tag of the other wheels either.
fn refuses_the_wheel_of_another_machine(debian: &Debian11, pip: &impl Fn(&[&str]) -> Command) {
    for target in TARGETS.into_iter().filter(|target| *target != HOST) {
        let Some(wheel) = wheel(target) else { return };
        let run = Run::of(&mut pip(&["install", "--no-index", &debian.copy(&wheel)]));
        assert_ne!(run.code, Some(0), "{target}");
        let reason = "is not a supported wheel on this platform";
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
}

/// pip compares the checksum that the user takes from `SHA256SUMS`.
fn refuses_a_damaged_wheel(debian: &Debian11, wheel: &str, pip: impl Fn(&[&str]) -> Command) {
    let file = debian.root().join(&wheel[1..]);
    let name = file
        .file_name()
        .expect("a file")
        .to_string_lossy()
        .into_owned();
    dist::damaged(&file, &file);
    let sums = fs::read_to_string(dist::folder().join("SHA256SUMS")).expect("SHA256SUMS");
    let line = sums
        .lines()
        .find(|line| line.ends_with(&name))
        .expect("its line");
    let sum = line.split(' ').next().expect("its checksum");
    let requirement = format!("wandb-login @ file://{wheel}#sha256={sum}");
    let run = Run::of(&mut pip(&["install", "--no-index", &requirement]));
    assert_ne!(run.code, Some(0));
    assert!(
        run.stderr.contains("DO NOT MATCH THE HASHES"),
        "{}",
        run.stderr
    );
    assert!(!debian.root().join("tmp/env/bin/wandb-login").exists());
}

/// The path in a wheel of a file of the archive.
fn place(file: &Path, target: &str) -> PathBuf {
    let text = file.to_str().expect("UTF-8");
    if text.starts_with("bin/wandb-login") {
        return PathBuf::from(text.replacen(
            "bin",
            &format!("wandb_login-{VERSION}.data/scripts"),
            1,
        ));
    }
    // The library has its soname: a wheel has no links.
    let major = VERSION.split('.').next().expect("a version");
    let text = match text == format!("lib/libwandb_login.so.{VERSION}") {
        true => format!("lib/libwandb_login.so.{major}"),
        false => text.to_owned(),
    };
    assert!(!text.ends_with(".dll") || target.contains("windows"));
    Path::new("wandb_login").join(text)
}

/// Also those that cannot be installed here.
#[test]
fn each_wheel_has_the_files_of_its_archive_and_the_right_tag() {
    for target in TARGETS {
        let (Some(wheel), Some(archive)) = (wheel(target), dist::file(&dist::archive_name(target)))
        else {
            continue;
        };
        let machine = Machine::new();
        let unpacked = machine.at("wheel");
        let mut unzip = machine.command("python3");
        Run::ok(
            unzip
                .args(["-m", "zipfile", "-e"])
                .arg(&wheel)
                .arg(&unpacked),
        );
        let mut others = Files::of(&unpacked, |_| false).regular(&unpacked);
        for file in Files::of(&archive, |_| false).regular(&archive) {
            let place = place(&file, target);
            let linker_name = place.ends_with("libwandb_login.so");
            if let (Ok(packed), false) = (fs::read(unpacked.join(&place)), linker_name) {
                let original = fs::read(archive.join(&file)).expect("a file");
                assert!(
                    packed == original,
                    "{} of {target} differs",
                    place.display()
                );
            } else {
                assert!(
                    linker_name,
                    "the wheel for {target} has no {}",
                    place.display()
                );
            }
            others.remove(&place);
        }
        let own = ["wandb_login/__init__.py", "wandb_login/__main__.py"].map(PathBuf::from);
        let own = BTreeSet::from(own);
        others.retain(|file| !file.starts_with(format!("wandb_login-{VERSION}.dist-info")));
        assert_eq!(others, own, "the wheel for {target}");
        let metadata = unpacked.join(format!("wandb_login-{VERSION}.dist-info/WHEEL"));
        let metadata = fs::read_to_string(metadata).expect("WHEEL");
        let tag = format!("Tag: py3-none-{}\n", platform(target).0);
        assert!(metadata.contains(&tag), "{metadata}");
    }
}

#[test]
fn pkg_config_finds_the_library_of_the_wheel() {
    let (Some(wheel), Some(_), Some(_)) = (wheel(HOST), tool("cc"), tool("pkg-config")) else {
        return;
    };
    let machine = Machine::new();
    let mut unzip = machine.command("python3");
    Run::ok(
        unzip
            .args(["-m", "zipfile", "-e"])
            .arg(&wheel)
            .arg(machine.at("wheel")),
    );
    let prefix = machine.at("wheel/wandb_login");
    let libs = machine.pkg_config(&prefix, &["--cflags", "--libs"]);
    let program = machine.compile_login(&words(&libs));
    let mut program = machine.command(program);
    program_logs_in(program.env("LD_LIBRARY_PATH", prefix.join("lib")));
}

/// Also with those that cannot be installed here.
#[test]
fn auditwheel_agrees_with_the_tags() {
    let Some(auditwheel) = dist::packaging_tool("auditwheel") else {
        return;
    };
    for target in TARGETS {
        let (Some(wheel), Some(tag)) = (wheel(target), platform(target).1) else {
            continue;
        };
        let machine = Machine::new();
        let mut command = machine.command(&auditwheel);
        command.arg("show").arg(wheel);
        let found = format!("is consistent with the following platform tag: \"{tag}\".");
        let run = Run::ok(&mut command);
        let text = words(&run.stdout).join(" ");
        assert!(text.contains(&found), "{target}: {}", run.stdout);
    }
}
