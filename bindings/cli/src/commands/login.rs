//! `login`: find, prompt for, verify and store a key.

use std::io::{IsTerminal, stdin};

use wandb_login::{Anonymous, Error, Flags, Level, Login, Timeout};
use zeroize::Zeroizing;

use crate::arguments::{AnonymousMode, LoginArguments};
use crate::failure::Failure;
use crate::stdin_key;

pub(super) fn run(arguments: &LoginArguments) -> Result<(), Failure> {
    let key = key(arguments)?;
    let mut options = super::options(&arguments.server, flags(arguments))?
        .anonymous(match arguments.anonymous {
            _ if arguments.anonymously => Anonymous::Must,
            AnonymousMode::Never => Anonymous::Never,
            AnonymousMode::Allow => Anonymous::Allow,
            AnonymousMode::Must => Anonymous::Must,
        })
        .quiet(arguments.quiet);
    if let Some(key) = &key {
        options = options.api_key(key);
    }
    if let Some(limit) = arguments.timeout {
        options = options.prompt_timeout(Timeout::After(limit));
    }
    match wandb_login::login(&options) {
        Ok(Login::Session(_)) => Ok(()),
        Ok(Login::Offline) => {
            wandb_login::print(Level::Info, "W&B is disabled: nothing was done.");
            Ok(())
        }
        // `echo KEY | wandb-login`. The error of a relogin names the option itself.
        Err(Error::NotConfigured(text))
            if !arguments.no_prompt && !arguments.relogin && !stdin().is_terminal() =>
        {
            let hint = "To read the key from standard input, use --key-stdin.";
            Err(Error::NotConfigured(format!("{text} {hint}")).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn flags(arguments: &LoginArguments) -> Flags {
    [
        (arguments.cloud, Flags::CLOUD),
        (arguments.relogin, Flags::RELOGIN),
        (arguments.verify, Flags::VERIFY),
        (arguments.no_save, Flags::NO_SAVE),
        (arguments.bare_host, Flags::BARE_HOST),
        (arguments.no_prompt, Flags::NO_PROMPT),
        (!arguments.rank_aware, Flags::ALL_RANKS),
    ]
    .iter()
    .filter(|(is_set, _)| *is_set)
    .fold(Flags::default(), |flags, &(_, flag)| flags | flag)
}

/// The key that the user gives: on the command line or on standard input. An
/// empty KEY is a script's variable that is not set.
fn key(arguments: &LoginArguments) -> Result<Option<Zeroizing<String>>, Failure> {
    if arguments.key_stdin {
        return stdin_key::read().map(Some);
    }
    let Some(word) = arguments.key.as_ref().filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    let Some(key) = word.to_str() else {
        return Err(Failure::Usage("KEY is not UTF-8".into()));
    };
    wandb_login::print(
        Level::Warn,
        "other users can see a key on the command line in the process list; --key-stdin avoids that",
    );
    Ok(Some(Zeroizing::new(key.to_string())))
}
