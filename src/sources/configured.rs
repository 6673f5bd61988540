//! The providers for options, variables and settings files.

use std::path::{Path, PathBuf};

use super::{Candidate, FoundCredential, Outcome, Provider};
use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin};
use crate::config::location::{SourceLocation, SourceName};
use crate::config::settings::{Scope, SettingsFile};
use crate::config::source_problem::SourceProblem;
use crate::env::{display_path, unix_time, variables};
use crate::error::{Error, Result};
use crate::files;
use crate::finding::{Code, Finding, restrict_command, unset_command};
use crate::key::{self, ApiKey, KeyProblem};
use crate::url::{BaseUrl, authorize_url};
use crate::util::lines::BOM;
use crate::util::redact::looks_like_key;
use crate::util::secret::WipedBytes;

/// The `api_key` option.
pub(super) fn explicit(context: &Context, server: &Endpoint) -> Outcome {
    match context.options.api_key.filter(|key| !key.is_empty()) {
        None => Outcome::Absent(None),
        Some(key) => parse_key(
            context,
            server,
            Provider::Explicit,
            key.as_bytes(),
            SourceLocation::default(),
        ),
    }
}

/// The `session` option.
pub(super) fn session(context: &Context, server: &Endpoint) -> Outcome {
    let Some(session) = context.options.session else {
        return Outcome::Absent(None);
    };
    let location = SourceLocation::of_session(session);
    let is_expired = |end| end <= unix_time();
    if !session.data().base_url.same_server(&server.url) {
        let message = format!("the session is for {}", session.base_url());
        return Outcome::OtherServer(SourceProblem::at(location, Code::UnusedKey, message));
    }
    if session.expires_at().is_some_and(is_expired) {
        let message = "the session's access token has expired";
        return Outcome::OtherServer(SourceProblem::at(location, Code::UnusedKey, message));
    }
    Outcome::Found(FoundCredential {
        candidate: Candidate::Session(session.clone()),
        provider: Provider::Session,
        location,
    })
}

/// `WANDB_API_KEY`.
pub(super) fn key_variable(context: &Context, server: &Endpoint) -> Outcome {
    const NAME: &str = variables::API_KEY;
    let value = match credential_variable(context, server, NAME) {
        Ok(value) => value,
        Err(outcome) => return outcome,
    };
    let location = SourceLocation::new(SourceName::Variable(NAME));
    parse_key(context, server, Provider::KeyVariable, &value, location)
}

/// `WANDB_IDENTITY_TOKEN_FILE`. The file is read to check that it can be.
pub(super) fn identity_token_file(context: &Context, server: &Endpoint) -> Outcome {
    const NAME: &str = variables::IDENTITY_TOKEN_FILE;
    let (path, text) = match named_file(context, server, NAME) {
        Ok(file) => file,
        Err(outcome) => return outcome,
    };
    let location = SourceLocation::new(SourceName::file(&path));
    if let Some(problem) = key::token_problem(&text.bytes) {
        let text = format!("{NAME}={}: {problem}", display_path(&path));
        return Outcome::Malformed(SourceProblem::at(location, Code::InvalidKey, text));
    }
    Outcome::Found(FoundCredential {
        location,
        candidate: Candidate::IdentityToken(path),
        provider: Provider::IdentityTokenFile,
    })
}

/// `WANDB_API_KEY_FILE`. `WANDB_API_KEY` takes precedence; then only a regular
/// file is read, since reading a pipe would consume the key.
pub(super) fn key_file(context: &Context, server: &Endpoint) -> Outcome {
    const NAME: &str = variables::API_KEY_FILE;
    if let Some(path) = context.env.var(NAME)
        && context.env.is_set(variables::API_KEY)
    {
        let path = context.env.absolute(path);
        if !std::fs::metadata(&path).is_ok_and(|found| found.is_file()) {
            let message = format!(
                "overridden by {0}; unset {0} to use this one",
                variables::API_KEY
            );
            let location = SourceLocation::new(SourceName::File(path));
            return Outcome::Overridden(SourceProblem::at(location, Code::DifferentKeys, message));
        }
    }
    match named_file(context, server, variables::API_KEY_FILE) {
        Err(outcome) => outcome,
        Ok((path, text)) => {
            let location = SourceLocation::new(SourceName::File(path));
            parse_key(context, server, Provider::KeyFile, &text.bytes, location)
        }
    }
}

/// The value of a variable that gives a credential, or why it is not used.
fn credential_variable(
    context: &Context,
    server: &Endpoint,
    name: &'static str,
) -> std::result::Result<WipedBytes, Outcome> {
    let source = SourceName::Variable(name);
    let Some(value) = context.env.secret(name) else {
        return Err(Outcome::Absent(Some(source)));
    };
    if let Some(other) = conflicting_variable(context, name) {
        let message = format!(
            "Both {other} and {} are set, which is not allowed; unset one of them.",
            variables::IDENTITY_TOKEN_FILE
        );
        return Err(Outcome::Malformed(SourceProblem::at(
            SourceLocation::new(source),
            Code::ConflictingVariables,
            message,
        )));
    }
    if server.workspace_only {
        let location = SourceLocation::new(source);
        return Err(Outcome::Withheld(withheld(context, server, location)));
    }
    Ok(value)
}

/// The key variable that is set beside the identity token variable. Which of
/// the two identities is meant cannot be known. Two variables for an API key are
/// no conflict: the first wins.
fn conflicting_variable(context: &Context, name: &'static str) -> Option<&'static str> {
    const KEYS: [&str; 2] = [variables::API_KEY, variables::API_KEY_FILE];
    let is_set = |variable: &&&str| context.env.is_set(variable);
    if name == variables::IDENTITY_TOKEN_FILE {
        return KEYS.iter().find(is_set).copied();
    }
    context
        .env
        .is_set(variables::IDENTITY_TOKEN_FILE)
        .then_some(name)
}

/// The path and content of a file that a variable names, or why it is not used.
fn named_file(
    context: &Context,
    server: &Endpoint,
    name: &'static str,
) -> std::result::Result<(PathBuf, files::Text), Outcome> {
    credential_variable(context, server, name)?;
    let value = context.env.var(name).unwrap_or_default();
    let path = context.env.absolute(&value);
    let shown = display_path(&path);
    match files::read_secret(&path, &|| context.cancelled()) {
        Ok(text) => {
            warn_open_secret(context, &text, &path);
            Ok((path, text))
        }
        Err(_) if looks_like_key(value.as_encoded_bytes()) => {
            Err(Outcome::Malformed(SourceProblem {
                finding: context.misplaced_key(Code::MisplacedKey, name),
                location: SourceLocation::new(SourceName::Variable(name)),
            }))
        }
        Err(problem) => {
            let remedy = problem.remedy();
            let message = format!("{name}={shown}: {problem}; {remedy}, or unset {name}");
            let mut problem = SourceProblem::unreadable(&path, message);
            problem
                .finding
                .command
                .get_or_insert_with(|| unset_command(name));
            Err(Outcome::Malformed(problem))
        }
    }
}

/// Warns once in a job about a secret that every user can read. The user cannot
/// change the mode of a file on a read-only mount (Kubernetes mounts secrets as
/// 0644), so only a report mentions that one.
fn warn_open_secret(context: &Context, text: &files::Text, path: &Path) {
    let shown = display_path(path);
    if !text.access.everyone {
        return;
    }
    let message = format!(
        "{shown} is accessible to every user of this machine: {}",
        files::HOW_TO_RESTRICT
    );
    let warning = Finding::new(Code::ReadableByOthers, message);
    if text.on_read_only_mount {
        context.log.detail(warning);
    } else if context.rank().is_none_or(|rank| rank.index == 0) {
        context.log.warn(warning.fixed_by(restrict_command(&shown)));
    }
}

/// `api_key` in one of the settings files.
pub(super) fn settings(context: &Context, server: &Endpoint, scope: Scope) -> Outcome {
    let (status, file) = context.config().file(scope);
    let may = format!("may hold the key for {}", server.url.as_str());
    let remedy = format!("set {}", variables::API_KEY);
    // The key that it may hold is not guessed.
    if let Some(problem) = status.unreadable(&may, &remedy) {
        return Outcome::Malformed(problem);
    }
    let Some(file) = file else {
        return Outcome::Absent(status.name());
    };
    let key = match file.api_key() {
        Ok(None) => return Outcome::Absent(status.name()),
        Ok(Some(key)) => key,
        Err(problem) => {
            let SourceProblem { finding, location } = problem.clone();
            let message = finding.message;
            return Outcome::Malformed(SourceProblem::at(location, Code::InvalidKey, message));
        }
    };
    let location = key.location();
    match key_server(context, file) {
        Err(error) => Outcome::Malformed(SourceProblem::at(
            location,
            Code::InvalidServer,
            error.to_string(),
        )),
        Ok(owner) if !owner.same_server(&server.url) => {
            let owner = owner.as_str();
            let message = format!("its key is for {owner}; to use it, log in to that server");
            Outcome::OtherServer(SourceProblem::at(location, Code::UnusedKey, message))
        }
        Ok(_) if scope == Scope::System && server.workspace_only => {
            Outcome::Withheld(withheld(context, server, location))
        }
        Ok(_) => {
            let provider = match scope {
                Scope::System => Provider::SystemSettings,
                Scope::Workspace => Provider::WorkspaceSettings,
            };
            parse_key(context, server, provider, key.value.as_bytes(), location)
        }
    }
}

/// The server that the key in a settings file is for: the one that the file
/// names, else the configured one.
fn key_server(context: &Context, file: &SettingsFile) -> Result<BaseUrl> {
    match file.base_url()? {
        Some(url) => BaseUrl::parse(url.value)
            .map_err(|problem| Error::Credentials(format!("{}: {problem}", url.location()))),
        None => Ok(endpoint::configured(context)?.url),
    }
}

/// Checks the form of a key.
pub(super) fn parse_key(
    context: &Context,
    server: &Endpoint,
    provider: Provider,
    text: &[u8],
    location: SourceLocation,
) -> Outcome {
    let origin = || match (provider, &location.name) {
        (Provider::KeyFile, Some(path)) => format!("{}={path}", variables::API_KEY_FILE),
        (_, None) if context.options.command_line => "the given key".into(),
        (_, None) => "the api_key option".into(),
        _ => location.to_string(),
    };
    match ApiKey::parse(text) {
        Ok(parsed) => {
            // Most key files end with a line feed.
            let is_usual =
                provider == Provider::KeyFile && text.trim_ascii_end() == parsed.key.as_bytes();
            if parsed.trimmed && !is_usual {
                let what = match text.contains(&BOM[0]) {
                    true => "a byte-order mark before",
                    false => "white space around",
                };
                let origin = origin();
                let message = format!(
                    "{origin}: {what} the key was ignored; the Python SDK rejects such a key"
                );
                let finding = Finding::new(Code::ExtraCharacters, message);
                let edit = location.edit_command();
                context.log.warn(finding.maybe_fixed_by(edit));
            }
            Outcome::Found(FoundCredential {
                candidate: Candidate::Key(parsed.key),
                provider,
                location,
            })
        }
        Err(problem) => Outcome::Malformed(malformed(server, origin(), problem, location)),
    }
}

/// A malformed key, and what to do about it. A known cause has its cure in the problem:
/// a variable is then corrected and not removed.
fn malformed(
    server: &Endpoint,
    origin: String,
    problem: KeyProblem,
    location: SourceLocation,
) -> SourceProblem {
    let page = || authorize_url(&server.url.app_url(None), false, None);
    let message = format!("{origin} is invalid: {problem}");
    let (cure, command) = match &location.name {
        Some(SourceName::Variable(_)) if problem.has_cure() => (String::new(), None),
        _ if problem.has_cure() => (String::new(), location.edit_command()),
        Some(SourceName::Variable(name)) => (
            format!(" Copy a whole key from {}, or unset {name}.", page()),
            Some(unset_command(name)),
        ),
        _ => (
            format!(" Copy a whole key from {}.", page()),
            location.edit_command(),
        ),
    };
    SourceProblem::at(location, Code::InvalidKey, message + &cure).maybe_fixed_by(command)
}

/// A credential that is not sent to a server that only the workspace names.
pub(super) fn withheld(
    context: &Context,
    server: &Endpoint,
    location: SourceLocation,
) -> SourceProblem {
    let source = location.name.as_ref().map(SourceName::to_string);
    let host = match context.options.command_line {
        true => "use --host",
        false => "pass host",
    };
    let own = context.config().file(Scope::System).0.name();
    let remedy = match own {
        Some(path) => format!("set WANDB_BASE_URL, {host}, or set base_url in {path}"),
        None => format!("set WANDB_BASE_URL, or {host}"),
    };
    let configured = match server.origin {
        Origin::Session => "a workspace settings file".into(),
        _ => server.origin_text(),
    };
    let message = format!(
        "refusing to send the credential from {} to {}: that server is configured only in \
         {configured}; {remedy}",
        source.unwrap_or_default(),
        server.url.as_str(),
    );
    // Only the user knows whether the server is the right one.
    SourceProblem::at(location, Code::WithheldCredential, message).maybe_fixed_by(None)
}
