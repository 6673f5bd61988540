//! Help, the version and shell completions.

use wandb_login::{SETTINGS, VARIABLES};

use crate::support::{Home, Run};

pub fn stdout(arguments: &[&str]) -> String {
    let run = Run::ok(&mut Home::new().wandb_login(arguments));
    assert_eq!(run.stderr, "", "{arguments:?}");
    run.stdout
}

/// The commands, from the help of the program.
fn commands() -> Vec<String> {
    let help = stdout(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("commands");
    let (list, _) = list.split_once("\n\n").expect("the end of the list");
    list.lines()
        .filter_map(|line| Some(line.split_whitespace().next()?.to_string()))
        .collect()
}

#[test]
fn each_command_has_help_with_examples() {
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in &commands {
        let help = stdout(&[command, "--help"]);
        assert!(
            help.contains(&format!("Usage: wandb-login {command}")),
            "{help}"
        );
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        assert!(
            examples.contains(&format!("wandb-login {command}")),
            "{help}"
        );
        assert_eq!(stdout(&["--help", command]), help);
        assert_eq!(stdout(&["help", command]), help);
    }
    let help = stdout(&["--help"]);
    assert_eq!(stdout(&["help"]), help);
    assert_eq!(stdout(&["--relogin", "--help"]), help);
    for text in [
        "[KEY]",
        "--key-stdin",
        "--no-verify",
        "Exit status:",
        "130 interrupted",
    ] {
        assert!(help.contains(text), "{help}");
    }
    let short = stdout(&["-h"]);
    assert!(
        short.contains("--key-stdin") && short.len() < help.len(),
        "{short}"
    );
}

#[test]
fn help_environment_names_every_variable_and_setting() {
    let help = stdout(&["help", "environment"]);
    for name in VARIABLES.iter().chain(SETTINGS) {
        let meaning = name.meaning.replace('`', "");
        let mut lines = help.lines().map(|line| line.trim_start());
        let is_there = lines.any(|line| {
            line.strip_prefix(name.name)
                .is_some_and(|rest| rest.starts_with(' ') && rest.trim_start() == meaning)
        });
        assert!(is_there, "{} is not in\n{help}", name.name);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = format!("wandb-login {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&["--version"]), version);
    assert_eq!(stdout(&["-V"]), version);
}

#[test]
fn completions_know_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell} lacks {command}");
        }
        for option in ["host", "key-stdin", "no-verify", "format", "json"] {
            assert!(script.contains(option), "{shell} lacks {option}");
        }
    }
}
