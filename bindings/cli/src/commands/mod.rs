//! The commands, one file each.

pub(crate) mod env;
mod help;
mod login;
mod status;
mod token;

use std::process::ExitCode;

use wandb_login::{Error, Flags, Options};

use crate::arguments::{Command, Order, ServerArguments};
use crate::failure::Failure;
use crate::output;
use crate::parse::Request;

pub(crate) fn run(request: Request) -> Result<ExitCode, Failure> {
    let arguments = match request {
        Request::Run(arguments) => arguments,
        Request::Print(text) => {
            output::print_text(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    match arguments.command {
        Command::Login(arguments) => login::run(&arguments)?,
        Command::Status(arguments) => return status::run(&arguments),
        Command::Token(arguments) => token::run(&arguments)?,
        Command::Header(arguments) => token::header(&arguments)?,
        Command::Env(arguments) => env::run(&arguments)?,
        Command::Logout(arguments) => {
            let options = options(&arguments.server, Flags::ALL_RANKS)?;
            match arguments.all {
                true => wandb_login::forget_all(&options)?,
                false => wandb_login::forget(&options)?,
            }
        }
        Command::Help(arguments) => return help::run(arguments.topic.as_deref()),
        Command::Completions(arguments) => help::completions(arguments.shell)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The options that all commands have in common, with the flags of one command.
fn options(server: &ServerArguments, mut flags: Flags) -> Result<Options<'_>, Failure> {
    // FORCE: the user of this program wants to log in, and needs no menu that
    // offers to go on without W&B.
    flags |= Flags::FORCE;
    if server.order == Order::Sdk {
        flags |= Flags::SDK_ORDER;
    }
    let options = Options::new()
        .referrer("models")
        .flags(flags)
        .command_line(true);
    match server.host.as_deref() {
        None => Ok(options),
        // A script's variable that is not set must not become the default server.
        Some("") => {
            let problem = "--host is empty: give the server's address, or leave the option out";
            Err(Error::Argument(problem.into()).into())
        }
        Some(host) => Ok(options.host(host)),
    }
}
