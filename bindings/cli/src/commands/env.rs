//! `env`: the variables that log a child process in.

use std::fs::OpenOptions;
use std::io::Write;

use wandb_login::{Environ, Error, Flags};
use zeroize::Zeroizing;

use crate::arguments::{EnvArguments, EnvFormat};
use crate::failure::Failure;
use crate::output;

/// The statement of a shell that sets a variable.
struct Syntax {
    before_name: &'static str,
    before_value: &'static str,
    /// What stands for a character inside single quotes.
    escapes: &'static [(&'static str, &'static str)],
    /// A statement that fails, so that the `eval` of the output fails.
    failure: &'static str,
}

const POSIX: Syntax = Syntax {
    before_name: "export ",
    before_value: "=",
    escapes: &[("'", r"'\''")],
    failure: "false",
};

const FISH: Syntax = Syntax {
    before_name: "set -gx ",
    before_value: " ",
    escapes: &[("'", r"\'"), (r"\", r"\\")],
    failure: "false",
};

/// PowerShell takes typographic quotes for quotes.
const POWERSHELL: Syntax = Syntax {
    before_name: "$env:",
    before_value: " = ",
    escapes: &[
        ("'", "''"),
        ("\u{2018}", "\u{2018}\u{2018}"),
        ("\u{2019}", "\u{2019}\u{2019}"),
        ("\u{201a}", "\u{201a}\u{201a}"),
        ("\u{201b}", "\u{201b}\u{201b}"),
    ],
    failure: "throw 'wandb-login failed'",
};

fn syntax(format: EnvFormat) -> Option<&'static Syntax> {
    match format {
        EnvFormat::Shell => Some(&POSIX),
        EnvFormat::Fish => Some(&FISH),
        EnvFormat::PowerShell => Some(&POWERSHELL),
        EnvFormat::Plain | EnvFormat::Github => None,
    }
}

pub(crate) fn run(arguments: &EnvArguments) -> Result<(), Failure> {
    let outcome = print(arguments);
    if outcome.is_err() {
        print_failure(arguments.format);
    }
    outcome
}

/// Prints what makes the `eval` of the output fail.
pub(crate) fn print_failure(format: EnvFormat) {
    if let Some(syntax) = syntax(format) {
        // There is an error to report already.
        let _ = output::print_line(&[syntax.failure.as_bytes()]);
    }
}

fn print(arguments: &EnvArguments) -> Result<(), Failure> {
    let options = super::options(&arguments.server, Flags::ALL_RANKS)?;
    let environ = wandb_login::environ(&options)?;
    if arguments.format == EnvFormat::Github {
        return write_github(&environ);
    }
    let entries = environ.entries;
    let of_several_lines = entries
        .iter()
        .find(|entry| entry.as_bytes().contains(&b'\n'));
    if let Some(entry) = of_several_lines
        && arguments.format == EnvFormat::Plain
    {
        let (name, _) = name_and_value(entry.as_bytes());
        let problem = format!(
            "{} contains a line feed, which --format plain cannot express: use --format shell",
            String::from_utf8_lossy(name)
        );
        return Err(Error::Argument(problem).into());
    }
    for entry in entries {
        let (name, value) = name_and_value(entry.as_bytes());
        match syntax(arguments.format) {
            Some(syntax) => output::print_line(&[
                syntax.before_name.as_bytes(),
                name,
                syntax.before_value.as_bytes(),
                &quoted(value, syntax.escapes),
            ])?,
            None => output::print_line(&[name, b"=", value])?,
        }
    }
    Ok(())
}

fn name_and_value(entry: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = entry.splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or_default())
}

/// A value in single quotes.
fn quoted(value: &[u8], escapes: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // No escape is more than four times as long as what it stands for.
    let mut word = Zeroizing::new(Vec::with_capacity(4 * value.len() + 2));
    word.push(b'\'');
    let mut rest = value;
    while let Some((byte, behind)) = rest.split_first() {
        let escape = escapes
            .iter()
            .find_map(|(from, to)| Some((to, rest.strip_prefix(from.as_bytes())?)));
        rest = match escape {
            Some((to, behind)) => {
                word.extend_from_slice(to.as_bytes());
                behind
            }
            None => {
                word.push(*byte);
                behind
            }
        };
    }
    word.push(b'\'');
    word
}

/// Masks the credential in the log of the job, then sets the variables for its
/// following steps.
fn write_github(environ: &Environ) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_ENV").filter(|path| !path.is_empty()) else {
        let problem =
            "GITHUB_ENV is not set: --format github is for a step of a GitHub Actions job";
        return Err(Error::Argument(problem.into()).into());
    };
    if let Some(session) = &environ.session
        && let Some(key) = session.api_key()
    {
        let authorization = session.authorization().as_bytes();
        for secret in [key.as_bytes(), &authorization["Basic ".len()..]] {
            output::print_line(&[b"::add-mask::", secret])?;
        }
    }
    let mut text = Zeroizing::new(Vec::new());
    let entries = &environ.entries;
    text.reserve_exact(
        entries
            .iter()
            .map(|entry| 2 * entry.as_bytes().len() + 100)
            .sum(),
    );
    for entry in entries {
        push_github_entry(&mut text, entry.as_bytes());
    }
    let path = std::path::PathBuf::from(path);
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&text));
    written.map_err(|error| {
        let problem = format!("cannot write {} (GITHUB_ENV): {error}", path.display());
        Error::Store(problem).into()
    })
}

/// `NAME=value`, or between delimiters where the value has several lines.
fn push_github_entry(text: &mut Vec<u8>, entry: &[u8]) {
    let (name, value) = name_and_value(entry);
    if !value.contains(&b'\n') {
        text.extend_from_slice(entry);
        text.push(b'\n');
        return;
    }
    let mut end = b"WANDB_LOGIN_END".to_vec();
    while value.windows(end.len()).any(|window| window == end) {
        end.push(b'_');
    }
    for part in [name, b"<<", &end, b"\n", value, b"\n", &end, b"\n"] {
        text.extend_from_slice(part);
    }
}
