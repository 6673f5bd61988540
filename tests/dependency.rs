//! Programs that depend on the crate by its path, with its default features, as programs
//! outside this repository do. Each has its own TLS provider.

#![cfg(unix)] // the other helpers of tests/support are for Unix

#[path = "support/stub.rs"]
mod stub;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use stub::{Authority, Reply, Stub};
use support::{Home, KEY_1, Run, cargo, root};

/// Where the programs are built. It is where this test was built, whose dependencies are
/// mostly the same.
fn target() -> PathBuf {
    let file = std::env::current_exe().expect("the path of this test");
    let target = file.ancestors().nth(3); // below it: debug/deps/this test
    target.expect("three folders").to_owned()
}

/// A copy of a program's folder in `target`, with the versions that the library is
/// tested with.
fn program(folder: &str) -> PathBuf {
    let copy = root().join("target/dependency").join(folder);
    fs::create_dir_all(copy.join("src")).expect("a folder");
    let source = root().join(folder);
    let manifest = fs::read_to_string(source.join("Cargo.toml")).expect("a manifest");
    let path = format!("path = {:?}", root());
    assert!(manifest.contains("path = \"../..\""), "{manifest}");
    let manifest = manifest.replace("path = \"../..\"", &path);
    fs::write(copy.join("Cargo.toml"), manifest).expect("write");
    fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock")).expect("a copy");
    for file in fs::read_dir(source.join("src"))
        .expect("a folder")
        .flatten()
    {
        fs::copy(file.path(), copy.join("src").join(file.file_name())).expect("a copy");
    }
    copy
}

/// The program of `tests/dependency`.
fn host() -> &'static Path {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    ONCE.get_or_init(|| program("tests/dependency"))
}

fn in_folder(folder: &Path, subcommand: &str) -> Command {
    let mut command = cargo(subcommand);
    command.current_dir(folder).arg("--offline");
    command
}

fn build(folder: &Path, name: &str) -> Command {
    let mut command = in_folder(folder, "build");
    command.args(["--bin", name, "--target-dir"]).arg(target());
    command
}

/// Builds a program and runs it with a key, for a server with TLS.
fn run_with_server(folder: &Path, name: &str, arguments: &[&str]) -> Run {
    Run::ok(&mut build(folder, name));
    let authority = Authority::new();
    let server = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
    let home = Home::new();
    let built = target().join("debug").join(name);
    Run::ok(
        home.command(built)
            .args(arguments)
            .env("WANDB_API_KEY", KEY_1)
            .env("WANDB_BASE_URL", server.url("localhost"))
            .env("SSL_CERT_FILE", home.write("ca.pem", authority.pem())),
    )
}

#[test]
fn the_example_logs_in_with_the_provider_that_it_has_installed() {
    let run = run_with_server(&program("examples/rust"), "train", &["3"]);
    let line = ", Authorization: Basic ..., epoch 2: loss ";
    assert!(run.stdout.contains(line), "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains(KEY_1) && !run.stderr.contains(KEY_1));
    assert!(run.stderr.contains("as: usr"), "{}", run.stderr);
}

#[test]
fn a_program_that_relies_on_the_default_provider_of_rustls_is_not_changed() {
    let run = run_with_server(host(), "host", &[]);
    let message = "TLS needs a default CryptoProvider of rustls: install one in the program, or \
                   turn on the feature `ring` of the crate wandb-login";
    assert_eq!(run.stdout, format!("{message}\nSome(\"usr\")\n"));
}

#[test]
fn the_crate_turns_on_no_provider_and_builds_no_c_library() {
    let manifest = fs::read_to_string(host().join("Cargo.toml")).expect("a manifest");
    let alone = host().with_file_name("alone");
    fs::create_dir_all(alone.join("src")).expect("a folder");
    let manifest: String = manifest
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("rustls = "))
        .collect();
    fs::write(alone.join("Cargo.toml"), manifest).expect("write");
    fs::copy(root().join("Cargo.lock"), alone.join("Cargo.lock")).expect("a copy");
    for name in ["host.rs", "hidden.rs"] {
        fs::write(alone.join("src").join(name), "fn main() {}\n").expect("write");
    }
    let tree = |edges: &str| {
        let mut command = in_folder(&alone, "tree");
        Run::ok(command.args(["--edges", edges, "--prefix", "none"])).stdout
    };
    let features = tree("features");
    assert!(features.contains("rustls feature \"tls12\""), "{features}");
    for provider in ["ring", "aws_lc_rs", "aws-lc-rs"] {
        let feature = format!("rustls feature \"{provider}\"");
        assert!(!features.contains(&feature), "{features}");
    }
    let packages = tree("normal");
    assert!(!packages.contains("\nring v"), "{packages}");
    let metadata = Run::ok(in_folder(&alone, "metadata").args(["--format-version", "1"])).stdout;
    let library = metadata
        .split("\"name\":\"wandb_login\"")
        .next()
        .expect("the library");
    let kinds = library.rsplit("\"kind\":").next().expect("its kinds");
    assert_eq!(kinds.split(']').next(), Some("[\"lib\""));
}

#[test]
fn what_other_packages_of_the_project_use_is_not_public() {
    let run = Run::of(&mut build(host(), "hidden"));
    assert_eq!(run.code, Some(101));
    for name in [
        "Code",
        "Name",
        "SETTINGS",
        "Severity",
        "VARIABLES",
        "ffi",
        "invariants",
        "mask_keys",
    ] {
        assert!(
            run.stderr.contains(&format!("no `{name}` in the root")),
            "{name}: {}",
            run.stderr
        );
    }
    for name in ["command_line", "quiet"] {
        assert!(
            run.stderr.contains(&format!("`{name}`")),
            "{name}: {}",
            run.stderr
        );
    }
}
