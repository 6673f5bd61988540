//! `status`: which key is used, and why.

use std::process::ExitCode;

use wandb_login::{Flags, Format};

use crate::arguments::StatusArguments;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(arguments: &StatusArguments) -> Result<ExitCode, Failure> {
    let options = |flags| super::options(&arguments.server, flags | Flags::ALL_RANKS);
    let mut report = wandb_login::explain(&options(Flags::default())?)?;
    let mut status = ExitCode::from(if report.is_configured() { 0 } else { 1 });
    if arguments.verify && report.is_configured() {
        // SILENT: the report has the warnings already.
        let silent = options(Flags::VERIFY | Flags::SILENT | Flags::NO_SAVE)?;
        match wandb_login::current(&silent) {
            Ok(session) => report.add_user(&session),
            Err(error) => {
                report.add_failure(&error);
                status = Failure::Login(error).exit_code();
            }
        }
    }
    let format = match (arguments.json, arguments.verbose) {
        (true, _) => Format::Json,
        (false, true) => Format::Verbose,
        (false, false) => Format::Text,
    };
    output::print_text(&format!("{}\n", report.render(format).trim_end()))?;
    Ok(status)
}
