//! W&B's offline mode: with `WANDB_MODE` or the `mode` setting a program trains
//! without W&B, and a login does nothing.

use crate::config::context::Context;
use crate::error::Result;

/// The SDK's modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Online,
    Offline,
    Shared,
    Disabled,
    Dryrun,
    Run,
}

pub(crate) fn parse_mode(text: &[u8]) -> Option<Mode> {
    Some(match text {
        b"online" => Mode::Online,
        b"offline" => Mode::Offline,
        b"shared" => Mode::Shared,
        b"disabled" => Mode::Disabled,
        b"dryrun" => Mode::Dryrun,
        b"run" => Mode::Run,
        _ => return None,
    })
}

/// Whether the mode is one in which no login happens.
pub(crate) fn applies(context: &Context) -> Result<bool> {
    let mode = context.mode()?;
    let offline = match mode {
        Mode::Online | Mode::Shared | Mode::Run => false,
        Mode::Offline | Mode::Dryrun => !context.options.command_line,
        Mode::Disabled => true,
    };
    if offline && context.options.api_key.is_some() {
        context
            .log
            .warn("W&B is offline or disabled: the API key was not used.");
    } else if offline && mode != Mode::Disabled {
        context.log.info("W&B is offline: not logged in.");
    }
    Ok(offline)
}
