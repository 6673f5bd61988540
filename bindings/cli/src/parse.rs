//! From the words of the command line to [`Arguments`].

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{ArgAction, FromArgMatches, ValueEnum};

use crate::arguments::{Arguments, Command, EnvFormat, definition};
use crate::commands::env;
use crate::failure::Failure;
use crate::mistakes;

/// What the command line asks for.
pub(crate) enum Request {
    Run(Arguments),
    /// Print help or the version.
    Print(String),
}

pub(crate) fn parse(words: Vec<OsString>) -> Result<Request, Failure> {
    let env_format = words
        .iter()
        .any(|word| word == "env")
        .then(|| env_format(&words));
    let request = parse_words(words);
    if let (Err(_), Some(format)) = (&request, env_format) {
        env::print_failure(format);
    }
    request
}

/// The `--format` of a command line that may be invalid.
fn env_format(words: &[OsString]) -> EnvFormat {
    let words: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
    let separate = |pair: &[&str]| (pair[0] == "--format").then(|| pair[1].to_string());
    let joined = |word: &&str| word.strip_prefix("--format=").map(String::from);
    words
        .windows(2)
        .find_map(separate)
        .or_else(|| words.iter().find_map(joined))
        .and_then(|name| EnvFormat::from_str(&name, false).ok())
        .unwrap_or_default()
}

fn parse_words(mut words: Vec<OsString>) -> Result<Request, Failure> {
    let mut definition = definition();
    definition.build();
    mistakes::check_dashes(&words)?;
    let command = put_command_first(&definition, &mut words)?;
    let program = OsString::from(definition.get_name());
    let matches = definition
        .clone()
        .try_get_matches_from(std::iter::once(program).chain(words));
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    Ok(Request::Print(error.to_string()))
                }
                _ => Err(usage_error(&error, &command)),
            };
        }
    };
    if let Command::Login(login) = &arguments.command {
        mistakes::check_further_words(&definition, &login.further)?;
    }
    Ok(Request::Run(arguments))
}

/// Moves the command before its options, and returns it. Without a command the
/// command is `login`.
fn put_command_first(
    definition: &clap::Command,
    words: &mut Vec<OsString>,
) -> Result<String, Failure> {
    let position = first_positional(definition, words);
    let word = position.and_then(|at| words[at].to_str());
    let command = word.and_then(|word| definition.find_subcommand(word));
    match (command, position) {
        (Some(command), Some(at)) => {
            words[..=at].rotate_right(1);
            Ok(command.get_name().to_string())
        }
        // The help and the version of the program, not of `login`.
        _ if words.iter().any(is_help_or_version) => Ok(String::new()),
        _ => {
            if let Some(word) = word {
                mistakes::check_first_word(definition, word)?;
            }
            words.insert(0, "login".into());
            Ok("login".into())
        }
    }
}

/// The first word that is neither an option nor the value of one.
fn first_positional(definition: &clap::Command, words: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match word.to_str().and_then(|word| word.strip_prefix('-')) {
            None | Some("") => return Some(at),
            // What follows is not a command.
            Some("-") => return None,
            Some(option) if takes_value(definition, option) => at += 2,
            Some(_) => at += 1,
        }
    }
    None
}

/// Whether the next word is the value of this option, of whatever command.
fn takes_value(definition: &clap::Command, option: &str) -> bool {
    let Some(name) = option.strip_prefix('-') else {
        return false;
    };
    let commands = std::iter::once(definition).chain(definition.get_subcommands());
    commands
        .flat_map(clap::Command::get_arguments)
        .filter(|option| {
            let aliases = option.get_all_aliases().unwrap_or_default();
            option.get_long() == Some(name) || aliases.contains(&name)
        })
        .any(|option| matches!(option.get_action(), ArgAction::Set | ArgAction::Append))
}

fn is_help_or_version(word: &OsString) -> bool {
    ["-h", "--help", "-V", "--version"]
        .map(OsStr::new)
        .contains(&word.as_os_str())
}

/// One sentence from clap's error, which has a paragraph for each part.
fn usage_error(error: &clap::Error, command: &str) -> Failure {
    let text = error.to_string();
    let parts: Vec<_> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .map(|line| line.trim().trim_start_matches("error: "))
        // Advice on passing an option's name as a value does not apply.
        .filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"))
        .collect();
    let problem = parts.join("; ").replace(":; ", ": ");
    mistakes::usage(&problem, command)
}
