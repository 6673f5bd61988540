//! `help` and `completions`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap_complete::Shell;
use wandb_login::{Name, SETTINGS, VARIABLES};

use crate::arguments::{ENVIRONMENT_TOPIC, definition};
use crate::failure::Failure;
use crate::output;
use crate::parse::parse;

/// Prints the help of a command, of the environment, or of the program.
pub(super) fn run(topic: Option<&str>) -> Result<ExitCode, Failure> {
    if topic == Some(ENVIRONMENT_TOPIC) {
        output::print_text(&environment())?;
        return Ok(ExitCode::SUCCESS);
    }
    let words = topic.into_iter().chain(["--help"]);
    super::run(parse(words.map(OsString::from).collect())?)
}

/// The variables and settings that the library reads.
fn environment() -> String {
    let mut text = String::from("Environment variables that the library reads:\n\n");
    push_names(&mut text, VARIABLES);
    text.push_str(
        "\nKeys of the [default] section of the settings files, which are settings in\n\
         $WANDB_CONFIG_DIR or ~/.config/wandb (system), and wandb/settings in the\n\
         working directory (workspace):\n\n",
    );
    push_names(&mut text, SETTINGS);
    text
}

fn push_names(text: &mut String, names: &[Name]) {
    let width = names.iter().map(|name| name.name.len()).max().unwrap_or(0);
    for Name { name, meaning } in names {
        let meaning = meaning.replace('`', "");
        let _ = writeln!(text, "  {name:width$}  {meaning}");
    }
}

/// Prints the completion script of a shell.
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    // For bash, clap_complete (4.6) generates no working script where the name
    // has a hyphen: https://github.com/clap-rs/clap/issues/6421
    let name = match shell {
        Shell::Bash => "wandb_login",
        _ => "wandb-login",
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), name, &mut script);
    let script = String::from_utf8_lossy(&script);
    let script = script.replace("default wandb_login\n", "default wandb-login\n");
    Ok(output::print_text(&script)?)
}
