//! `token`: the key in force, for scripts.

use wandb_login::Flags;

use crate::arguments::ServerArguments;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(arguments: &ServerArguments) -> Result<(), Failure> {
    let session = wandb_login::current(&super::options(arguments, Flags::ALL_RANKS)?)?;
    let key = session.api_key().map_or_else(
        || &session.authorization().as_bytes()["Bearer ".len()..],
        |key| key.as_bytes(),
    );
    Ok(output::print_line(&[key])?)
}
