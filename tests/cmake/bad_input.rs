//! What CMake says where the library cannot be used: one sentence with the reason and the
//! ways out.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};

use super::{OLDEST, Release, SYSTEM, Tools, VERSION, text, unwrapped};
use crate::prefix::prefix;
use crate::support::{Run, TempDir, make_executable, root, tool};

/// Configures a project, which fails; the message.
fn refused(tools: &Tools, source: &str, variables: &[(&str, &str)]) -> Option<String> {
    let folder = TempDir::new();
    let run = tools.configure(&root().join(source), folder.path(), variables)?;
    assert_ne!(run.code, Some(0), "{variables:?}:\n{}", run.stdout);
    Some(unwrapped(&run.stderr))
}

/// Asserts that the source refuses the variables with the message.
fn source_refuses(variables: &[(&str, &str)], message: &str) {
    let Some(said) = refused(&OLDEST, "bindings/cpp", variables) else {
        return;
    };
    assert!(said.contains(message), "{variables:?}: {message}\n{said}");
    assert_eq!(said.matches("CMake Error").count(), 1, "{said}");
}

#[test]
fn an_unsupported_platform() {
    let system =
        "libwandb_login does not support the system 'Generic': it needs Linux, macOS, Windows";
    let processor =
        "libwandb_login does not support the processor 'i686' with 32 bits: it needs a 64-bit";
    let prefix = TempDir::new();
    let prefix = text(prefix.path());
    let prebuilt = ("WANDB_LOGIN_PREBUILT", &*prefix);
    let cargo = ("WANDB_LOGIN_CARGO_TARGET", "i686-unknown-linux-gnu");
    let generic = ("CMAKE_SYSTEM_NAME", "Generic");
    source_refuses(&[prebuilt, generic], system);
    let linux = ("CMAKE_SYSTEM_NAME", "Linux");
    let i686 = ("CMAKE_SYSTEM_PROCESSOR", "i686");
    source_refuses(&[prebuilt, linux, i686], processor);
    source_refuses(&[cargo, linux, i686], processor);
}

#[test]
fn a_missing_or_unsuitable_cargo() {
    let folder = TempDir::new();
    let cargo = |name: &str, script: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        make_executable(&path);
        text(&path)
    };
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let needed = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""));
    let needed = needed
        .and_then(|rest| rest.split('"').next())
        .expect("a version");
    let ways = "set WANDB_LOGIN_PREBUILT to the folder of an unpacked release, or install \
                libwandb_login and call find_package(wandb_login).";

    // No cargo can be found: the only program is the one that CMake needs itself.
    let Some(make) = tool("make") else { return };
    let path = folder.path().join("bin");
    fs::create_dir(&path).expect("a folder");
    std::os::unix::fs::symlink(make, path.join("make")).expect("a link");
    let source = root().join("bindings/cpp");
    let build = folder.path().join("build");
    let Some(mut command) = OLDEST.configuration(&source, &build, &[]) else {
        return;
    };
    command.env("PATH", &path).env("HOME", folder.path());
    let run = Run::of(command.env_remove("CARGO_HOME"));
    let none = "libwandb_login: neither a prebuilt library nor cargo was found.";
    let message = format!("{none} Install Rust {needed} or later, {ways}");
    assert!(unwrapped(&run.stderr).contains(&message), "{}", run.stderr);

    let old = cargo("old", "echo 'cargo 1.65.0'");
    let message = format!("{old} is version 1.65.0, and Rust {needed} or later is needed.");
    source_refuses(&[("WANDB_LOGIN_CARGO", &old)], &message);
    source_refuses(&[("WANDB_LOGIN_CARGO", &old)], ways);

    let broken = cargo("broken", "echo 'no default toolchain' >&2; exit 1");
    let message =
        format!("\"{broken} --version\" failed (1 no default toolchain). Repair it, {ways}");
    source_refuses(&[("WANDB_LOGIN_CARGO", &broken)], &message);

    let good = cargo("good", &format!("echo 'cargo {needed}.0'"));
    let variables = [
        ("WANDB_LOGIN_CARGO", &*good),
        ("CMAKE_SYSTEM_NAME", "Windows"),
        ("CMAKE_SYSTEM_PROCESSOR", "AMD64"),
    ];
    source_refuses(
        &variables,
        "Set WANDB_LOGIN_CARGO_TARGET to Rust's name of it",
    );
}

/// A prefix with a copy of the shared library.
struct Prebuilt {
    folder: TempDir,
    bytes: Vec<u8>,
}

impl Prebuilt {
    fn new() -> Option<Prebuilt> {
        let library = prefix()?.join(format!("lib/libwandb_login.so.{VERSION}"));
        let folder = TempDir::new();
        fs::create_dir(folder.path().join("lib")).expect("a folder");
        fs::create_dir(folder.path().join("include")).expect("a folder");
        Some(Prebuilt {
            folder,
            bytes: fs::read(library).expect("the library"),
        })
    }

    fn library(&self, version: &str) -> PathBuf {
        self.folder
            .path()
            .join(format!("lib/libwandb_login.so.{version}"))
    }

    fn refused(&self, more: &[(&str, &str)], reason: &str) {
        let path = text(self.folder.path());
        let message = format!(
            "libwandb_login {VERSION} cannot be used from WANDB_LOGIN_PREBUILT={path}: {reason}"
        );
        source_refuses(
            &[more, &[("WANDB_LOGIN_PREBUILT", &*path)]].concat(),
            &message,
        );
    }
}

/// A processor that is not the one of this machine: its name, and its number in an ELF file.
fn other_processor() -> (&'static str, u8) {
    if ARCH == "aarch64" {
        ("x86_64", 0x3e)
    } else {
        ("aarch64", 0xb7)
    }
}

#[test]
fn a_prebuilt_library_that_does_not_fit() {
    let Some(prebuilt) = Prebuilt::new() else {
        return;
    };
    let library = prebuilt.library(VERSION);
    let path = text(&library);
    prebuilt.refused(&[], &format!("there is no {path}"));

    let older = prebuilt.library("0.0.9");
    fs::write(&older, &prebuilt.bytes).expect("write");
    let reason = format!("{} is not of version {VERSION}", older.display());
    prebuilt.refused(&[], &reason);
    fs::rename(&older, &library).expect("rename");

    let (processor, number) = other_processor();
    let reason = format!("{path} is for {ARCH}, and this build for {processor}");
    let linux = ("CMAKE_SYSTEM_NAME", "Linux");
    prebuilt.refused(&[linux, ("CMAKE_SYSTEM_PROCESSOR", processor)], &reason);
    prebuilt.refused(&[linux, ("CMAKE_SYSTEM_PROCESSOR", "riscv64")], "");
    let dll = text(&prebuilt.folder.path().join("bin/wandb_login.dll"));
    let windows = [
        ("CMAKE_SYSTEM_NAME", "Windows"),
        ("CMAKE_SYSTEM_PROCESSOR", "AMD64"),
    ];
    prebuilt.refused(&windows, &format!("there is no {dll}"));

    let mut bytes = prebuilt.bytes.clone();
    bytes[18] = number;
    fs::write(&library, &bytes).expect("write");
    prebuilt.refused(
        &[],
        &format!("{path} is for {processor}, and this build for {ARCH}"),
    );

    let damaged = format!("{path} is damaged, or not a shared library for Linux");
    for bytes in [
        &prebuilt.bytes[..prebuilt.bytes.len() - 1],
        &prebuilt.bytes[..20],
        b"",
        b"MZ",
        b"<html>404</html>",
    ] {
        fs::write(&library, bytes).expect("write");
        prebuilt.refused(&[], &damaged);
    }

    fs::write(&library, &prebuilt.bytes).expect("write");
    let header = prebuilt.folder.path().join("include/wandb_login.h");
    fs::write(&header, "#define WANDB_LOGIN_VERSION \"0.0.9\"\n").expect("write");
    let reason = format!("{} is of version 0.0.9, not {VERSION}", header.display());
    prebuilt.refused(&[], &reason);
}

/// A file that the installation needs is named before anything is built or installed.
#[test]
fn an_incomplete_prebuilt_prefix() {
    let Some(prebuilt) = Prebuilt::new() else {
        return;
    };
    fs::write(prebuilt.library(VERSION), &prebuilt.bytes).expect("write");
    let folder = prebuilt.folder.path();
    let library = folder.join("lib/libwandb_login.a");
    prebuilt.refused(&[], &format!("there is no {}", library.display()));
    fs::write(library, "").expect("write");
    let command = folder.join("bin/wandb-login");
    prebuilt.refused(&[], &format!("there is no {}", command.display()));
    let variables = [
        ("WANDB_LOGIN_PREBUILT", &*text(folder)),
        ("WANDB_LOGIN_COMMAND", "OFF"),
    ];
    let build = TempDir::new();
    let source = root().join("bindings/cpp");
    let run = OLDEST.configure(&source, build.path(), &variables);
    assert_eq!(run.map(|run| run.code), Some(Some(0)));
}

/// Replaces a text in a file by one of the same length.
fn patch(file: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(file).expect("a file");
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    for start in 0..bytes.len() - from.len() {
        if bytes[start..].starts_with(from.as_bytes()) {
            bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
            count += 1;
        }
    }
    assert!(count > 0, "{} has no {from}", file.display());
    fs::write(file, bytes).expect("write");
}

#[test]
fn a_package_for_another_machine_is_not_found() {
    let Some(release) = Release::new() else {
        return;
    };
    let library = release.library();
    let path = text(&library);
    let whole = fs::read(&library).expect("the library");
    let prefix = text(&release.path());
    let package = [("CMAKE_PREFIX_PATH", &*prefix)];
    let subdirectory = [("FROM", "subdirectory"), ("LIBWANDB_LOGIN", &*prefix)];
    let refused = |variables: &[(&str, &str)], reason: &str| {
        let Some(said) = refused(&SYSTEM, "tests/cmake-project", variables) else {
            return;
        };
        let message = match variables[0] {
            ("FROM", _) => format!("cannot be used from {prefix}: {path} {reason}"),
            _ => format!("Reason given by package: {path} {reason}"),
        };
        assert!(said.contains(&message), "{message}\n{said}");
    };

    patch(&library, "GLIBC_2.2.5\0", "GLIBC_2.99\0\0");
    let newer = "needs glibc 2.99, and the compiler has an older C library or another one";
    refused(&package, newer);

    patch(&library, "GLIBC_2.", "OTHER_2.");
    refused(&subdirectory, "is for musl, and the compiler for glibc");

    let mut bytes = whole;
    let (processor, number) = other_processor();
    bytes[18] = number;
    fs::write(&library, bytes).expect("write");
    refused(
        &package,
        &format!("is for {processor}, and this build for {ARCH}"),
    );
}

#[test]
fn a_damaged_archive_is_refused_by_its_checksum() {
    let Some(release) = Release::new() else {
        return;
    };
    let (archive, sum) = release.pack();
    let mut bytes = fs::read(&archive).expect("the archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).expect("write");
    let variables = [
        ("FROM", "archive"),
        ("LIBWANDB_LOGIN", &*text(&archive)),
        ("SHA256", &*sum),
    ];
    let Some(said) = refused(&OLDEST, "tests/cmake-project", &variables) else {
        return;
    };
    assert!(
        said.contains(&format!("expected=[{sum}]"))
            || said.contains("does not match expected value"),
        "{said}"
    );
}
