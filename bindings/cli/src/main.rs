//! `wandb-login`: the library at a shell.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use wandb_login::{Anonymous, Error, Flags, Format, Level, Login, Options, Session, Timeout};
use zeroize::Zeroizing;

const HELP: &str = "\
Log in to Weights & Biases.

Usage: wandb-login [login] [OPTIONS] [KEY]   log in, and store the key
       wandb-login status  [OPTIONS]         say which key is in force, and why
       wandb-login token   [OPTIONS]         print the key in force
       wandb-login env     [OPTIONS]         print the environment that logs a child in
       wandb-login logout  [OPTIONS]         forget the stored key

Without KEY the first of these is used: WANDB_API_KEY (or WANDB_IDENTITY_TOKEN_FILE,
or WANDB_API_KEY_FILE), api_key in a settings file, the netrc file, a prompt.

Every command:
  --host URL             the server (also --base-url)
  --order ORDER          documented (the default), or sdk: netrc before settings

login:
  --cloud                W&B's public cloud, whatever is configured
  --relogin              ask for a key although one is configured
  --verify               check the key with the server before storing it
  --anonymous MODE       never (the default), allow or must
  --no-save              write no file
  --no-prompt            never ask
  --timeout SECONDS      how long the prompt may last
  --key-stdin            read the key from standard input
  --rank-aware           in a distributed job, let only rank 0 act
  --quiet                no information lines

status:
  --verify               ask the server whose key it is
  --json                 as JSON

env:
  --format FORMAT        shell (the default), or plain: NAME=value lines

  --help, --version
Exit status: 0 done, 1 failed or not configured, 2 wrong usage, 130 interrupted.
";

/// The largest key that is read from standard input, and a little more.
const STDIN_LIMIT: u64 = 70_000;

/// Why the program ends without having done what was asked.
enum Failure {
    Usage(String),
    Login(Error),
    Io(std::io::Error),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Login(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error)
    }
}

fn main() -> ExitCode {
    match run(Parser::from_env()) {
        Ok(code) => code,
        Err(Failure::Usage(problem)) => {
            wandb_login::print(Level::Error, &format!("{problem} (see wandb-login --help)"));
            ExitCode::from(2)
        }
        Err(Failure::Login(error)) => {
            wandb_login::print(Level::Error, &error.to_string());
            ExitCode::from(if matches!(error, Error::Interrupted(_)) {
                130
            } else {
                1
            })
        }
        // A reader that has seen enough is no failure to shout about.
        Err(Failure::Io(error)) => {
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                wandb_login::print(Level::Error, &error.to_string());
            }
            ExitCode::from(1)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Login,
    Status,
    Token,
    Env,
    Logout,
}

impl Command {
    fn named(word: &OsString) -> Option<Command> {
        Some(match word.to_str()? {
            "login" => Command::Login,
            "status" => Command::Status,
            "token" => Command::Token,
            "env" => Command::Env,
            "logout" => Command::Logout,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Command::Login => "login",
            Command::Status => "status",
            Command::Token => "token",
            Command::Env => "env",
            Command::Logout => "logout",
        }
    }
}

/// The command line, taken apart.
struct Request {
    command: Command,
    host: Option<String>,
    key: Option<Zeroizing<String>>,
    flags: Flags,
    anonymous: Anonymous,
    timeout: Timeout,
    key_stdin: bool,
    quiet: bool,
    json: bool,
    plain: bool,
}

fn run(parser: Parser) -> Result<ExitCode, Failure> {
    let Some(mut request) = parse(parser)? else {
        return Ok(ExitCode::SUCCESS);
    };
    if request.key.is_some() {
        wandb_login::print(
            Level::Warn,
            "other users can see a key on the command line in the process list; --key-stdin avoids that",
        );
    }
    if request.key_stdin {
        request.key = Some(read_key()?);
    }
    let mut options = Options::new()
        .referrer("models")
        .flags(request.flags)
        .anonymous(request.anonymous)
        .prompt_timeout(request.timeout)
        .command_line(true)
        .quiet(request.quiet);
    if let Some(key) = &request.key {
        options = options.api_key(key);
    }
    if let Some(host) = &request.host {
        options = options.host(host);
    }
    match request.command {
        Command::Login => match wandb_login::login(&options)? {
            Login::Session(_) => {}
            Login::Offline => wandb_login::print(Level::Info, "W&B is disabled: nothing was done."),
        },
        Command::Status => return status(&options, request.flags, request.json),
        Command::Token => {
            let session = wandb_login::current(&options)?;
            let key = session.api_key().map_or_else(
                || &session.authorization().as_bytes()["Bearer ".len()..],
                |key| key.as_bytes(),
            );
            print_line(&[key])?;
        }
        Command::Env => print_environ(&wandb_login::current(&options)?, request.plain)?,
        Command::Logout => wandb_login::forget(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the command line apart; `None` if it only asked for help.
fn parse(mut parser: Parser) -> Result<Option<Request>, Failure> {
    let mut request = Request {
        command: Command::Login,
        host: None,
        key: None,
        // The menu is for programs: who runs this wants to log in.
        flags: Flags::FORCE,
        anonymous: Anonymous::Never,
        timeout: Timeout::Configured,
        key_stdin: false,
        quiet: false,
        json: false,
        plain: false,
    };
    let mut rank_aware = false;
    let mut command = None;
    let mut keys = 0;
    while let Some(arg) = parser.next()? {
        let login = matches!(command, None | Some(Command::Login));
        let status = command == Some(Command::Status);
        match arg {
            Arg::Long("help") | Arg::Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            Arg::Long("version") | Arg::Short('V') => {
                println!("wandb-login {}", env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            Arg::Long("host" | "base-url") => request.host = Some(host(&mut parser)?),
            Arg::Long("order") => match text(&mut parser)?.as_str() {
                "documented" => {}
                "sdk" => request.flags |= Flags::SDK_ORDER,
                other => return Err(choice("--order", other, "documented or sdk")),
            },
            Arg::Long("verify") if login || status => request.flags |= Flags::VERIFY,
            Arg::Long("json") if status => request.json = true,
            Arg::Long("cloud") if login => request.flags |= Flags::CLOUD,
            Arg::Long("relogin") if login => request.flags |= Flags::RELOGIN,
            Arg::Long("no-save") if login => request.flags |= Flags::NO_SAVE,
            Arg::Long("no-prompt") if login => request.flags |= Flags::NO_PROMPT,
            Arg::Long("key-stdin") if login => request.key_stdin = true,
            Arg::Long("rank-aware") if login => rank_aware = true,
            Arg::Long("quiet") if login => request.quiet = true,
            // The SDK's old name.
            Arg::Long("anonymously") if login => request.anonymous = Anonymous::Must,
            Arg::Long("anonymous") if login => {
                request.anonymous = match text(&mut parser)?.as_str() {
                    "never" => Anonymous::Never,
                    "allow" => Anonymous::Allow,
                    "must" => Anonymous::Must,
                    other => return Err(choice("--anonymous", other, "never, allow or must")),
                }
            }
            Arg::Long("timeout") if login => {
                let seconds = text(&mut parser)?;
                let time = seconds
                    .parse()
                    .ok()
                    .and_then(|s| Duration::try_from_secs_f64(s).ok());
                let time =
                    time.ok_or_else(|| choice("--timeout", &seconds, "a number of seconds"))?;
                request.timeout = Timeout::After(time);
            }
            Arg::Long("format") if command == Some(Command::Env) => {
                request.plain = match text(&mut parser)?.as_str() {
                    "shell" => false,
                    "plain" => true,
                    other => return Err(choice("--format", other, "shell or plain")),
                }
            }
            Arg::Value(word) => match Command::named(&word) {
                Some(named) if command.is_none() && keys == 0 => command = Some(named),
                _ if login => {
                    keys += 1;
                    // Further keys are ignored, as the SDK does.
                    if keys == 1 {
                        let word = word.into_string();
                        let word = word.map_err(|_| Failure::Usage("KEY is not UTF-8".into()))?;
                        request.key = Some(Zeroizing::new(word)).filter(|key| !key.is_empty());
                    }
                }
                _ => {
                    let name = command.map_or("login", Command::name);
                    return Err(Failure::Usage(format!("{name} takes no further words")));
                }
            },
            Arg::Long(option) => {
                let name = command.map_or("login", Command::name);
                return Err(Failure::Usage(format!("{name} has no option --{option}")));
            }
            Arg::Short(option) => {
                return Err(Failure::Usage(format!("there is no option -{option}")));
            }
        }
    }
    if !rank_aware {
        request.flags |= Flags::ALL_RANKS;
    }
    request.command = command.unwrap_or(Command::Login);
    if request.key.is_some() && request.key_stdin {
        return Err(Failure::Usage("give KEY or --key-stdin, not both".into()));
    }
    Ok(Some(request))
}

/// The value of an option.
fn text(parser: &mut Parser) -> Result<String, Failure> {
    Ok(parser.value()?.string()?)
}

/// The server. An empty one is a script's variable that is not set: it must not
/// become the default server.
fn host(parser: &mut Parser) -> Result<String, Failure> {
    let host = text(parser)?;
    if host.is_empty() {
        let problem = "--host is empty: give the server's address, or leave the option out";
        return Err(Failure::Login(Error::Argument(problem.into())));
    }
    Ok(host)
}

fn choice(option: &str, given: &str, choices: &str) -> Failure {
    Failure::Usage(format!("{option} is '{given}'; it takes {choices}"))
}

/// The key on standard input, for scripts that keep it off the command line.
fn read_key() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(STDIN_LIMIT as usize));
    std::io::stdin()
        .lock()
        .take(STDIN_LIMIT)
        .read_to_end(&mut bytes)?;
    let key = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if key.is_empty() {
        let problem = "there is no key on standard input";
        return Err(Failure::Login(Error::Credentials(problem.into())));
    }
    Ok(Zeroizing::new(key.to_string()))
}

fn status(options: &Options<'_>, flags: Flags, json: bool) -> Result<ExitCode, Failure> {
    let mut report = wandb_login::explain(options)?;
    let mut outcome = Ok(ExitCode::from(if report.is_configured() { 0 } else { 1 }));
    if flags.has(Flags::VERIFY) && report.is_configured() {
        // The report has the warnings already.
        let silent = options.flags(flags | Flags::SILENT);
        match wandb_login::current(&silent) {
            Ok(session) => report.add_user(&session),
            Err(error) => outcome = Err(Failure::Login(error)),
        }
    }
    let format = if json { Format::Json } else { Format::Text };
    print_line(&[report.render(format).trim_end().as_bytes()])?;
    outcome
}

/// Prints the entries of the child environment.
fn print_environ(session: &Session, plain: bool) -> Result<(), Failure> {
    for entry in session.environ() {
        let entry = entry.as_bytes();
        let split = entry
            .iter()
            .position(|&byte| byte == b'=')
            .unwrap_or(entry.len());
        let (name, value) = (&entry[..split], &entry[split + 1..]);
        if plain {
            print_line(&[entry])?;
            continue;
        }
        print_line(&[b"export ", name, b"=", &quoted(value)])?;
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

/// Prints one line on standard output, past its buffer: it may hold a key.
fn print_line(parts: &[&[u8]]) -> std::io::Result<()> {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
    let mut line = Zeroizing::new(Vec::with_capacity(size));
    parts.iter().for_each(|part| line.extend_from_slice(part));
    line.push(b'\n');
    let out = std::io::stdout();
    #[cfg(unix)]
    let mut out = std::fs::File::from(std::os::fd::AsFd::as_fd(&out).try_clone_to_owned()?);
    out.write_all(&line)
}
