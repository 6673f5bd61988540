//! What the next login here does: it may use another server or another key than the call
//! that has just stored or removed one.

use super::first_key;
use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin};
use crate::config::location::SourceLocation;
use crate::config::paths;
use crate::env::variables;
use crate::finding::{Code, Finding, set_command, unset_command};
use crate::session::Session;
use crate::sources::{self, CREDENTIAL_VARIABLES, FoundCredential, Outcome, Provider};
use crate::url::BaseUrl;

/// The files that the user edits.
const USER_FILES: [Provider; 3] = [
    Provider::WorkspaceSettings,
    Provider::SystemSettings,
    Provider::Netrc,
];

/// Warns if the next login here, with the files as they are now, uses another
/// server than the one that the caller named for this login.
pub(crate) fn warn_other_server(context: &Context, server: &Endpoint) {
    if !server.is_named_by_caller() {
        return;
    }
    let next = match endpoint::configured(context) {
        Ok(next) if next.url.same_server(&server.url) => return,
        // `warn_next_server` says this of the variable.
        Ok(next) if next.origin == Origin::Environment => return,
        Ok(next) => format!("uses {} ({})", next.url.as_str(), next.origin_text()),
        // The log has the problem since the server was chosen.
        Err(_) => "fails".to_owned(),
    };
    let (url, again) = (
        server.url.as_str(),
        match (context.options.command_line, server.origin) {
            (true, Origin::Cloud) => "--cloud",
            (true, _) => "--host",
            (false, Origin::Cloud) => "the CLOUD flag",
            (false, _) => "the host option",
        },
    );
    let message = format!(
        "{url} is used for this login only: without {again}, the next login here {next}. \
         To use {url} again, set WANDB_BASE_URL={url} or give {again}"
    );
    context.log.warn(
        Finding::new(Code::NextLogin, message).fixed_by(set_command(variables::BASE_URL, url)),
    );
}

/// Whether the next login here may use a stored key for the server, with the files as
/// they are now. It may not where only the workspace still names the server, because
/// `base_url` could not be written; then this warns, if the call writes.
pub(crate) fn is_used_next_time(context: &Context, server: &Endpoint, provider: Provider) -> bool {
    let next = match endpoint::configured(context) {
        Ok(next) if next.url.same_server(&server.url) => next,
        // `warn_other_server` says that another server is next.
        _ => return true,
    };
    let used = match provider {
        Provider::WorkspaceSettings => true,
        Provider::SystemSettings => !next.workspace_only,
        // A new key is in netrc.
        _ => next.gets_netrc_key(),
    };
    if !used && context.writes() {
        let url = server.url.as_str();
        let message = format!(
            "the next login here does not use this key, because only {} names {url} then. To \
             use the key, run `wandb-login --host {url}` again, or set WANDB_BASE_URL={url}",
            next.origin_text()
        );
        context.log.warn(
            Finding::new(Code::NextLogin, message).fixed_by(set_command(variables::BASE_URL, url)),
        );
    }
    used
}

/// Warns what takes precedence over the new key at the next login.
pub(crate) fn warn_overrides(context: &Context, server: &Endpoint, session: &Session) {
    let new_key = session.api_key().map(|key| key.as_bytes());
    let is_new_key = |found: &FoundCredential| found.key().map(|key| key.as_bytes()) == new_key;
    for (provider, name) in CREDENTIAL_VARIABLES {
        let is_same = provider == Provider::KeyVariable
            && matches!(sources::query(context, server, provider), Outcome::Found(found) if is_new_key(&found));
        if context.env.is_set(name) && !is_same {
            let message = format!(
                "{name} is set and takes precedence over this key at the next login: unset it to \
                 use the key"
            );
            context
                .log
                .warn(Finding::new(Code::NextLogin, message).fixed_by(unset_command(name)));
        }
    }
    let before_netrc = sources::order(context)
        .iter()
        .take_while(|&&provider| provider != Provider::Netrc);
    for &provider in before_netrc.filter(|provider| provider.is_user_file()) {
        if let Outcome::Found(found) = sources::query(context, server, provider)
            && !is_new_key(&found)
        {
            let message = format!(
                "api_key in {} takes precedence over this key at the next login: remove it to use \
                 the key",
                found.origin()
            );
            context
                .log
                .warn(found.location.finding(Code::NextLogin, message));
        }
    }
}

/// Warns that `WANDB_BASE_URL` names another server for the next login than the
/// caller did for this one.
pub(crate) fn warn_next_server(context: &Context, server: &Endpoint) {
    let Some(value) = context.env.var(variables::BASE_URL) else {
        return;
    };
    let next = value.to_str().map(BaseUrl::parse);
    if !matches!(next, Some(Ok(next)) if next.same_server(&server.url)) {
        let message = format!(
            "WANDB_BASE_URL is set and takes precedence at the next login: unset it to use {}",
            server.url.as_str()
        );
        context.log.warn(
            Finding::new(Code::NextLogin, message).fixed_by(unset_command(variables::BASE_URL)),
        );
    }
}

/// Warns what still logs in after the stored key was removed.
pub(crate) fn warn_remaining(context: &Context, server: &Endpoint) {
    let url = server.url.as_str();
    for (_, name) in CREDENTIAL_VARIABLES {
        if context.env.is_set(name) && !server.workspace_only {
            let message = format!("{name} is set and still logs in to {url}: unset it");
            context
                .log
                .warn(Finding::new(Code::StillConfigured, message).fixed_by(unset_command(name)));
        }
    }
    for provider in USER_FILES {
        match sources::query(context, server, provider) {
            Outcome::Found(found) if provider == Provider::Netrc => {
                let message = format!(
                    "{} still logs in to {url}: remove it by hand if its key is for this server",
                    found.origin()
                );
                context
                    .log
                    .warn(found.location.finding(Code::StillConfigured, message));
            }
            Outcome::Found(found) => {
                let message = format!(
                    "api_key in {} still logs in to {url}: remove it there",
                    found.origin()
                );
                context
                    .log
                    .warn(found.location.finding(Code::StillConfigured, message));
            }
            Outcome::Malformed(problem) => context.log.warn(problem.finding),
            _ => {}
        }
    }
}

/// Warns of keys in the settings files for other servers than this one.
pub(crate) fn warn_remaining_settings(context: &Context, server: &Endpoint) {
    for provider in [Provider::WorkspaceSettings, Provider::SystemSettings] {
        if let Outcome::OtherServer(problem) = sources::query(context, server, provider) {
            let message = format!(
                "api_key in {} still logs in to another server: remove it there",
                problem.location
            );
            context
                .log
                .warn(problem.location.finding(Code::StillConfigured, message));
        }
    }
}

/// Warns of keys in `_netrc` beside `.netrc`, which a logout leaves.
pub(crate) fn warn_second_netrc(context: &Context) {
    let files = paths::unused(&context.env).into_iter();
    for file in files.filter(|file| file.variable.is_none()) {
        if let Some(line) = first_key(&file.path) {
            let location = SourceLocation::file_line(&file.path, line);
            let message = format!(
                "{location} holds a key too, which is used once {} is gone: remove it, or run \
                 `wandb-login logout --all`",
                context.display_path(&file.used)
            );
            context
                .log
                .warn(location.finding(Code::StillConfigured, message));
        }
    }
}
