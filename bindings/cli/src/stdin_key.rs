//! The key on standard input, for scripts that keep it off the command line.

use std::io::Read;

use wandb_login::Error;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The largest key that is read, and a little more.
const LIMIT: u64 = 70_000;

/// Reads standard input to its end.
pub(crate) fn read() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_end(&mut bytes)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(problem("standard input is not UTF-8"));
    };
    let key = text.trim();
    if key.is_empty() {
        return Err(problem("there is no key on standard input"));
    }
    Ok(Zeroizing::new(key.to_string()))
}

fn problem(text: &str) -> Failure {
    Failure::Login(Error::Credentials(text.into()))
}
