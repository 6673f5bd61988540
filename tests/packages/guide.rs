//! The commands in the table of `docs/getting-started.md`, as a reader runs them.

use std::fs;
use std::process::Command;

use crate::dist::{self, HOST, VERSION};
use crate::machine::{Machine, command_logs_in};
use crate::support::{Run, root, tool};

/// The commands in the row of one way, one to a line.
fn commands(way: &str) -> String {
    let page = fs::read_to_string(root().join("docs/getting-started.md")).expect("the page");
    let start = format!("| {way}");
    let row = page.lines().find(|line| line.starts_with(&start));
    let cells = row.unwrap_or_else(|| panic!("the page has no row for {way}"))[2..]
        .split_once(" | ")
        .expect("two cells");
    let spans = cells.1.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace("\\|", "|") + "\n").collect()
}

/// A shell with the variables that the page explains.
fn shell(machine: &Machine, script: &str) -> Command {
    let mut shell = machine.command("sh");
    shell
        .args(["-ec", script])
        .env("RELEASE", format!("file://{}", dist::folder().display()))
        .env("VERSION", VERSION)
        .env("TARGET", HOST);
    shell
}

#[test]
fn the_commands_of_the_guide_install_the_command() {
    let archive = format!("{}.tar.gz", dist::archive_name(HOST));
    let needs = [dist::file(&archive), dist::file("install.sh"), tool("curl")];
    if needs.iter().any(Option::is_none) {
        return;
    }
    let unpacked = format!("cwd/{}/bin", dist::archive_name(HOST));
    for (way, bin) in [("shell", "home/.local/bin"), ("archive", &unpacked)] {
        let machine = Machine::new();
        Run::ok(&mut shell(&machine, &commands(way)));
        command_logs_in(|| machine.command(machine.at(bin).join("wandb-login")));
    }
}

#[test]
fn the_command_of_the_guide_installs_the_wheel() {
    let commands = commands("Python environment");
    let name = format!("wandb_login-{VERSION}-py3-none-manylinux2014_x86_64.whl");
    let named = commands.replace("$VERSION", VERSION);
    assert!(named.contains(&name), "{named}");
    if HOST != "x86_64-unknown-linux-gnu" || dist::file(&name).is_none() {
        return;
    }
    let machine = Machine::new();
    let environment = "python3 -m venv ../env\nPATH=$PWD/../env/bin:$PATH\n";
    Run::ok(&mut shell(&machine, &format!("{environment}{commands}")));
    command_logs_in(|| machine.command(machine.at("env/bin/wandb-login")));
}
