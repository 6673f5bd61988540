//! The ways that compile the library. They take minutes, and other tests show that they work:
//! `release/stopwatch` runs these, for their times. The crates are downloaded already.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::machine::{Machine, Stopwatch, program_logs_in};
use crate::support::{Run, cargo, root, tool};

/// Cargo in a folder, without anything compiled before.
fn cargo_in(machine: &Machine, folder: &Path, subcommand: &str) -> Command {
    let mut command = cargo(subcommand);
    command.current_dir(folder);
    command.env("CARGO_TARGET_DIR", machine.at("target"));
    command
}

const PROGRAM: &str = r#"
use wandb_login::{Login, Options, login};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Login::Session(session) = login(&Options::new())? {
        println!("{}", session.api_key().expect("a key").to_str()?);
    }
    Ok(())
}
"#;

#[test]
#[ignore = "compiles the crate and its dependencies; release/stopwatch runs it"]
fn a_rust_program_adds_the_crate_and_logs_in() {
    let machine = Machine::new();
    let project = machine.at("program");
    fs::create_dir(&project).expect("a folder");
    let watch = Stopwatch::start("cargo add");
    Run::ok(cargo_in(&machine, &project, "init").args(["--vcs", "none"]));
    let mut add = cargo_in(&machine, &project, "add");
    add.args(["--offline", "--features", "ring", "--path"]);
    Run::ok(add.arg(root()));
    fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).expect("a copy");
    fs::write(project.join("src/main.rs"), PROGRAM).expect("write");
    Run::ok(cargo_in(&machine, &project, "build").arg("--offline"));
    program_logs_in(&mut machine.command(machine.at("target/debug/program")));
    watch.logged_in();
}

#[test]
#[ignore = "compiles the released form of the library; release/stopwatch runs it"]
fn a_c_program_uses_the_library_that_cargo_builds() {
    let Some(_) = tool("cc") else { return };
    let machine = Machine::new();
    let watch = Stopwatch::start("cargo build of the source");
    let mut build = cargo_in(&machine, root(), "rustc");
    build.args(["--release", "--offline", "--package", "wandb-login-c"]);
    Run::ok(build.args(["--lib", "--crate-type", "cdylib"]));
    let folder = machine.at("target/release");
    let soname = folder.join("libwandb_login.so.0");
    std::os::unix::fs::symlink("libwandb_login.so", soname).expect("a link");
    let include = format!("-I{}", root().join("include").display());
    let search = format!("-L{}", folder.display());
    let program = machine.compile_login(&[&include, &search, "-lwandb_login"]);
    program_logs_in(machine.command(program).env("LD_LIBRARY_PATH", folder));
    watch.logged_in();
}
