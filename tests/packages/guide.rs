//! The commands in the table of `docs/getting-started.md`, as a reader runs them.

use std::fs;
use std::process::Command;

use crate::dist::{self, HOST, VERSION};
use crate::machine::{Machine, command_logs_in};
use crate::support::{KEY_1, Run, root, tool};

/// The commands in the row of one way, one to a line.
fn commands(way: &str) -> String {
    let page = fs::read_to_string(root().join("docs/getting-started.md")).expect("the page");
    let start = format!("| {way}");
    let row = page.lines().find(|line| line.starts_with(&start));
    let cells = row.unwrap_or_else(|| panic!("the page has no row for {way}"))[2..]
        .split_once(" | ")
        .expect("two cells");
    let spans = cells.1.split('`').skip(1).step_by(2);
    spans.map(|span| span.to_owned() + "\n").collect()
}

/// The first code block of a page with these words after its fence.
fn block(page: &str, info: &str) -> String {
    let text = fs::read_to_string(root().join(page)).expect(page);
    let (_, rest) = text.split_once(&format!("\n```{info}\n")).expect(info);
    rest.split_once("```\n").expect("its end").0.to_owned()
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

#[test]
fn the_lines_after_install_sh_find_the_command_and_the_library() {
    let needs = [
        dist::file("install.sh"),
        tool("curl"),
        tool("cc"),
        tool("pkg-config"),
    ];
    if needs.iter().any(Option::is_none) {
        return;
    }
    let machine = Machine::new();
    let program = root().join("tests/c/readme.c");
    fs::copy(program, machine.at("cwd/train.c")).expect("the program of the README");
    let lines = commands("shell") + &block("docs/getting-started.md", "sh release");
    let script = format!("{lines}wandb-login token\n./train\n");
    let run = Run::ok(shell(&machine, &script).env("WANDB_API_KEY", KEY_1));
    let expected = format!("{KEY_1}\nepoch 1: loss 1.00\nPOST https://api.wandb.ai/graphql");
    assert!(run.stdout.contains(&expected), "{}", run.stdout);
}

/// The line for an image, with folders of the test in place of those of the image.
#[test]
fn the_line_of_the_guide_installs_into_an_image() {
    if dist::file("install.sh").is_none() {
        return;
    }
    let machine = Machine::new();
    let image = machine.at("image");
    let lines = block("docs/docker.md", "dockerfile");
    let line = lines.lines().find(|line| line.contains("install.sh"));
    let (line, _) = line
        .expect("install.sh")
        .split_once(" && ")
        .expect("ldconfig");
    let line = line
        .replace("/usr/local", &image.display().to_string())
        .replace("/release", &dist::folder().display().to_string());
    Run::ok(&mut shell(&machine, &line));
    command_logs_in(|| machine.command(image.join("bin/wandb-login")));
}
