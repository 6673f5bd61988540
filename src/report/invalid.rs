//! Invalid variables and settings for which a login fails.

use crate::config::context::Context;
use crate::env::variables;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding};

/// The invalid values, other than a key or the server, for which a login fails, in the
/// order in which it reads them.
pub(super) fn values(context: &Context) -> Vec<Finding> {
    let checks = [
        context.verbosity().map(drop),
        context.mode().map(drop),
        context.relogin().map(drop),
        context.entity().map(drop),
    ];
    let errors = checks.into_iter().filter_map(Result::err);
    let finding = |error: Error| invalid_value(context, error.to_string());
    errors.map(finding).collect()
}

/// The finding for an invalid variable or setting, with the command that removes it
/// where the message says so, or opens the file.
fn invalid_value(context: &Context, message: String) -> Finding {
    const VARIABLES: [&str; 4] = [
        variables::SILENT,
        variables::QUIET,
        variables::MODE,
        variables::RELOGIN,
    ];
    let settings = context.settings();
    let notes = [
        settings.silent().err(),
        settings.quiet().err(),
        settings.mode().err(),
        settings.relogin().err(),
        settings.entity().err(),
    ];
    let command = match notes
        .into_iter()
        .flatten()
        .find(|note| note.text == message)
    {
        Some(note) => settings.edit_command(note),
        None => {
            let name = VARIABLES.iter().find(|name| message.starts_with(*name));
            name.filter(|_| message.ends_with("or unset it"))
                .map(|name| format!("unset {name}"))
        }
    };
    Finding::new(Code::InvalidValue, message).maybe_fixed_by(command)
}
