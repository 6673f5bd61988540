//! `env`: the variables that log a child process in.

use wandb_login::Flags;
use zeroize::Zeroizing;

use crate::arguments::{EnvArguments, EnvFormat};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(arguments: &EnvArguments) -> Result<(), Failure> {
    let session = wandb_login::current(&super::options(&arguments.server, Flags::ALL_RANKS)?)?;
    for entry in session.environ() {
        let entry = entry.as_bytes();
        let equals = entry.iter().position(|&byte| byte == b'=');
        let (name, value) = entry.split_at(equals.unwrap_or(entry.len()));
        match arguments.format {
            EnvFormat::Plain => output::print_line(&[entry])?,
            EnvFormat::Shell => {
                output::print_line(&[b"export ", name, b"=", &quoted(&value[1..])])?;
            }
        }
    }
    Ok(())
}

/// A word that a shell takes as it is.
fn quoted(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let marks = value.iter().filter(|&&byte| byte == b'\'').count();
    let mut word = Zeroizing::new(Vec::with_capacity(value.len() + 3 * marks + 2));
    word.push(b'\'');
    for &byte in value {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            _ => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}
