//! W&B's offline mode: with `WANDB_MODE` or the `mode` setting a program trains
//! without W&B, and a login does nothing.

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

impl Mode {
    /// Whether a login does nothing. The command logs in while W&B is offline, since
    /// a person or a script runs it on purpose.
    pub(crate) fn prevents_login(self, command_line: bool) -> bool {
        match self {
            Mode::Online | Mode::Shared | Mode::Run => false,
            Mode::Offline | Mode::Dryrun => !command_line,
            Mode::Disabled => true,
        }
    }
}
