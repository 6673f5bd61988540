//! `wandb-login`: the library at a shell.

mod arguments;
mod commands;
mod failure;
mod mistakes;
mod output;
mod parse;
mod stdin_key;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    parse::parse(arguments)
        .and_then(commands::run)
        .unwrap_or_else(|failure| failure.report())
}
