//! The commands and options of `wandb-login`. Help, shell completions and the
//! manual pages are made from these definitions.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Log in to Weights & Biases
#[derive(Parser)]
#[command(
    name = "wandb-login",
    version,
    disable_help_subcommand = true,
    args_override_self = true,
    override_usage = "wandb-login [OPTIONS] [KEY]\n       wandb-login <COMMAND> [OPTIONS]",
    after_help = "\
Without KEY the first of these is used: WANDB_API_KEY (or WANDB_IDENTITY_TOKEN_FILE,
or WANDB_API_KEY_FILE), api_key in a settings file, the netrc file, a prompt.

Examples:
  wandb-login                                  prompt for a key, and store it
  wandb-login --verify                         check the key with the server first
  wandb-login --host https://wandb.example.com log in to a server of your own
  wandb-login --key-stdin < key.txt            read the key from a file
  wandb-login status                           show which key is used, and why

Exit status: 0 done, 1 failed or not configured, 2 wrong usage, 3 the server refused
the credential, 4 the server could not be asked, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in, and store the key (the default command)
    #[command(after_help = "\
Examples:
  wandb-login login
  wandb-login login --verify --host https://wandb.example.com
  wandb-login login --relogin --timeout 60
  wandb-login login --key-stdin < key.txt")]
    Login(LoginArguments),
    /// Show which key is used, and why
    #[command(after_help = "\
Examples:
  wandb-login status
  wandb-login status --verify
  wandb-login status --json | jq -r .winner")]
    Status(StatusArguments),
    /// Print the API key or access token
    #[command(after_help = "\
Examples:
  wandb-login token
  wandb-login token --host https://wandb.example.com
  wandb-login token --json --min-ttl 600 | jq -r .authorization")]
    Token(TokenArguments),
    /// Print the Authorization header for the server
    #[command(after_help = "\
Examples:
  wandb-login header | curl -H @- -H 'Content-Type: application/json' \\
    -d '{\"query\": \"{viewer {username}}\"}' https://api.wandb.ai/graphql")]
    Header(ServerArguments),
    /// Print environment variables that log a child process in
    #[command(after_help = "\
Examples:
  eval \"$(wandb-login env)\"
  wandb-login env --format fish | source
  wandb-login env --format powershell | Out-String | Invoke-Expression
  wandb-login env --format github    (a step of a GitHub Actions workflow)
  (umask 077; wandb-login env --format plain > job.env)    (for docker run --env-file)

Where it fails, the shell formats print a command that fails too (false or throw).")]
    Env(EnvArguments),
    /// Remove the stored key
    #[command(after_help = "\
Examples:
  wandb-login logout
  wandb-login logout --host https://wandb.example.com
  wandb-login logout --all")]
    Logout(LogoutArguments),
    /// Print help: for a command, or for the environment variables and settings
    #[command(after_help = "\
Examples:
  wandb-login help status
  wandb-login help environment")]
    Help(HelpArguments),
    /// Print the completion script of a shell
    #[command(after_help = "\
Examples:
  wandb-login completions bash > ~/.local/share/bash-completion/completions/wandb-login
  wandb-login completions zsh > ~/.zfunc/_wandb-login
  wandb-login completions fish > ~/.config/fish/completions/wandb-login.fish
  wandb-login completions powershell >> $PROFILE")]
    Completions(CompletionsArguments),
}

#[derive(Args)]
pub(crate) struct ServerArguments {
    /// URL of the server
    #[arg(long, value_name = "URL", visible_alias = "base-url")]
    pub host: Option<String>,
    /// Choose whether settings files or netrc are read first
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    pub order: Order,
}

#[derive(Args)]
pub(crate) struct LogoutArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Remove what is stored for any server, also from a second netrc file
    #[arg(long, conflicts_with = "host")]
    pub all: bool,
}

#[derive(Args)]
pub(crate) struct LoginArguments {
    /// API key; other users can see it in the process list, --key-stdin avoids that
    #[arg(value_name = "KEY")]
    pub key: Option<OsString>,
    /// Further keys are ignored, as by the SDK
    #[arg(value_name = "KEY", hide = true)]
    pub further: Vec<OsString>,
    #[command(flatten)]
    pub server: ServerArguments,
    /// Use W&B's public cloud, whatever is configured
    #[arg(long)]
    pub cloud: bool,
    /// Prompt for a key although one is configured
    #[arg(long)]
    pub relogin: bool,
    /// Check the key with the server before storing it
    #[arg(long, overrides_with = "no_verify")]
    pub verify: bool,
    /// Do not check the key with the server (the default)
    #[arg(long, overrides_with = "verify")]
    pub no_verify: bool,
    /// Whether to log in without an account
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    pub anonymous: AnonymousMode,
    /// The SDK's old form of `--anonymous must`
    #[arg(long, hide = true)]
    pub anonymously: bool,
    /// Write no file
    #[arg(long)]
    pub no_save: bool,
    /// If the server has a port, also store the key for the host without it: the
    /// Python SDK 0.22 and older look there, but so do servers on other ports
    #[arg(long)]
    pub bare_host: bool,
    /// Do not prompt for a key
    #[arg(long)]
    pub no_prompt: bool,
    /// Time limit of the prompt
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,
    /// Read the key from standard input
    #[arg(long, conflicts_with = "key")]
    pub key_stdin: bool,
    /// In a distributed job, let only rank 0 prompt, verify and write
    #[arg(long)]
    pub rank_aware: bool,
    /// Print no information lines
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Ask the server whose key it is
    #[arg(long, overrides_with = "no_verify")]
    pub verify: bool,
    /// Do not ask the server (the default)
    #[arg(long, overrides_with = "verify")]
    pub no_verify: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// List absent sources one by one, and show the codes of findings
    #[arg(short, long, conflicts_with = "json")]
    pub verbose: bool,
}

#[derive(Args)]
pub(crate) struct TokenArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Print JSON: authorization, scheme, credential, base_url, expires_at
    #[arg(long)]
    pub json: bool,
    /// Renew an access token that expires sooner
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub min_ttl: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct EnvArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Choose the syntax of the output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: EnvFormat,
}

#[derive(Args)]
pub(crate) struct HelpArguments {
    /// A command, or `environment`
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,
}

#[derive(Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Settings files before netrc, as W&B documents
    #[default]
    Documented,
    /// Netrc before settings files, as the Python SDK 0.30 and later
    Sdk,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnonymousMode {
    /// No
    #[default]
    Never,
    /// If the user chooses it in the prompt
    Allow,
    /// Yes, unless a key is configured
    Must,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    /// For POSIX shells
    #[default]
    Shell,
    /// `NAME=value` lines
    Plain,
    /// For PowerShell
    #[value(name = "powershell")]
    PowerShell,
    /// For fish
    Fish,
    /// For the following steps of a GitHub Actions job
    Github,
}

/// What `wandb-login` accepts. The options of `login` are also those of the
/// program itself, since `login` is the default command.
pub(crate) fn definition() -> clap::Command {
    let definition = LoginArguments::augment_args(Arguments::command());
    let topics: Vec<_> = definition
        .get_subcommands()
        .map(|command| command.get_name().to_string())
        .chain([ENVIRONMENT_TOPIC.to_string()])
        .collect();
    definition.mut_subcommand("help", |help| {
        help.mut_arg("topic", |topic| {
            topic.value_parser(PossibleValuesParser::new(topics))
        })
    })
}

/// The topic of `help` that is not a command.
pub(crate) const ENVIRONMENT_TOPIC: &str = "environment";

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of seconds".to_string())
}
