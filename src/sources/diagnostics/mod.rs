//! Warnings about credentials. What concerns one server, one file or one key is here.

mod conflicts;
mod next_login;
mod sdk;

pub(crate) use conflicts::{
    note_overridden, replace_advice, replace_command, warn_conflicts, why_shadowed,
};
pub(crate) use next_login::{
    is_used_next_time, warn_next_server, warn_other_server, warn_overrides, warn_remaining,
    warn_remaining_settings, warn_second_netrc,
};
pub(crate) use sdk::{note_sdk_configuration, note_sdk_outcome};

use std::path::Path;

use crate::config::context::Context;
use crate::config::endpoint::{Endpoint, Origin};
use crate::config::location::{SourceLocation, SourceName};
use crate::config::paths::{self, CREDENTIALS_LIMIT, NETRC_LIMIT};
use crate::config::route;
use crate::env::{self, variables};
use crate::files;
use crate::finding::{
    Code, Finding, edit_command, login_command, logout_command, restrict_command, set_command,
    unset_command,
};
use crate::formats::{netrc, token_cache};
use crate::key::ApiKey;
use crate::sources::{self, FoundCredential, Provider};
use crate::url::BaseUrl;

/// At most this many cached access tokens are named.
const MAX_TOKENS: usize = 4;

/// Warns that the key is sent over an unencrypted connection.
pub(crate) fn warn_plain_http(context: &Context, server: &Endpoint) {
    if let Some(warning) = plain_http(server) {
        context.log.warn(Finding::new(Code::PlainHttp, warning));
    }
}

/// Warns that the URL of the server is probably that of a page of the web app.
pub(crate) fn warn_unlikely_server(context: &Context, server: &Endpoint) {
    let Some((page, url)) = server.url.page() else {
        return;
    };
    let message = format!(
        "{} ends in /{page}, the name of a page and not of a server: did you mean {url}?",
        server.url.as_str()
    );
    let command = match (server.origin, &server.origin_name) {
        (Origin::Option, _) => Some(login_command(url)),
        (Origin::Environment, _) => Some(set_command(variables::BASE_URL, url)),
        (_, Some(name)) => SourceLocation::new(name.clone()).edit_command(),
        (_, None) => None,
    };
    let finding = Finding::new(Code::UnlikelyServer, message);
    context.log.warn(finding.maybe_fixed_by(command));
}

/// Warns that the user has not named the server.
pub(crate) fn warn_workspace_server(context: &Context, server: &Endpoint) {
    if server.workspace_only {
        let message = format!(
            "only the working directory names {}, in {}",
            server.url.as_str(),
            server.origin_text()
        );
        context
            .log
            .warn(Finding::new(Code::WorkspaceServer, message));
    }
}

/// Warns that the server's certificate is not verified.
pub(crate) fn warn_unverified_tls(context: &Context, server: &Endpoint) {
    if let Some(message) = unverified_tls(context, server) {
        let place = unverified_by(context);
        context
            .log
            .warn(place.finding(Code::UnverifiedCertificate, message));
    }
}

/// Warns of a key that is probably not the user's.
pub(crate) fn warn_unlikely_key(context: &Context, server: &Endpoint, found: &FoundCredential) {
    if let sources::Candidate::Key(key) = &found.candidate
        && let Some(doubt) = key.doubt(server.url.is_cloud())
    {
        let from = match &found.location.name {
            Some(_) => format!(" from {}", found.location),
            None => String::new(),
        };
        let message = format!("The API key{from} is {doubt}");
        context
            .log
            .warn(found.location.finding(Code::UnlikelyKey, message));
    }
}

/// The warning that the key is sent over an unencrypted connection.
pub(crate) fn plain_http(server: &Endpoint) -> Option<String> {
    let url = server.url.as_str();
    server.url.is_plain_http_warned().then(|| {
        format!(
            "{url} uses plain http: anyone who can read the traffic can read the key; use https"
        )
    })
}

/// The warning that the server's certificate is not verified.
pub(crate) fn unverified_tls(context: &Context, server: &Endpoint) -> Option<String> {
    // A malformed value is an error of the request that needs it.
    let is_disabled = route::is_tls_unchecked(context).unwrap_or(false);
    (is_disabled && server.url.is_https()).then(|| {
        format!(
            "the certificate of {} is not verified ({}): anyone on the way can read the key",
            server.url.as_str(),
            unverified_by(context)
        )
    })
}

/// The variable, or the place in a settings file, that turns verification off.
fn unverified_by(context: &Context) -> SourceLocation {
    const NAME: &str = variables::INSECURE_DISABLE_SSL;
    match context.settings().insecure_disable_ssl() {
        Ok(Some(found)) if !context.env.is_set(NAME) => found.location(),
        _ => SourceLocation::new(SourceName::Variable(NAME)),
    }
}

/// Warns if other users can read the token cache, and notes the tokens in it that no
/// login here uses.
pub(crate) fn warn_token_cache(
    context: &Context,
    server: &Endpoint,
    used: Option<&FoundCredential>,
) {
    let Some(path) = context.credentials_file().ok().flatten() else {
        return;
    };
    let Ok(Some(text)) = files::read(&path, CREDENTIALS_LIMIT) else {
        return;
    };
    let shown = context.display_path(&path);
    let is_identity = used.is_some_and(|used| used.provider == Provider::IdentityTokenFile);
    note_unused_tokens(context, server, is_identity, &text.bytes, &shown);
    if text.access.others {
        let message = format!(
            "{shown} can hold access tokens and can be read by other users: {}",
            files::HOW_TO_RESTRICT
        );
        context
            .log
            .warn(Finding::new(Code::ReadableByOthers, message).fixed_by(restrict_command(&shown)));
    }
}

/// Notes the tokens of a cache that no login here uses: those for other servers, those
/// under a name that is not looked up, and without an identity token all of them.
fn note_unused_tokens(
    context: &Context,
    server: &Endpoint,
    is_identity: bool,
    cache: &[u8],
    shown: &str,
) {
    let parsed = |name: &str| BaseUrl::parse(name).ok();
    let url = server.url.as_str();
    let unused = |name: &String| {
        let is_server = parsed(name).is_some_and(|url| url.same_server(&server.url));
        let is_looked_up = token_cache::is_name_of(name, &server.url);
        match (is_server, is_looked_up) {
            (true, true) if is_identity => None,
            (true, true) => Some("only a login with an identity token uses".to_owned()),
            (true, false) => Some(format!("is not used: its name is not written {url}")),
            (false, _) => Some("is not the server in use".to_owned()),
        }
    };
    let servers = token_cache::servers(cache, env::unix_time());
    let unused = servers
        .iter()
        .filter_map(|name| Some((name, unused(name)?)));
    for (name, why) in unused.take(MAX_TOKENS) {
        let message = format!("{shown} holds an access token for {name}, which {why}");
        // A logout finds the entry by the normal form of the URL.
        let command = match parsed(name).filter(|url| url.as_str() == name) {
            Some(_) => logout_command(name),
            None => edit_command(shown, None),
        };
        let finding = Finding::new(Code::UnusedKey, message);
        context.log.detail(finding.fixed_by(command));
    }
}

/// Warns if the file system of netrc has no locks: two logins at once can then
/// lose one of the keys.
pub(crate) fn warn_missing_locks(context: &Context) {
    if let Ok(path) = paths::netrc_to_write(&context.env)
        && !files::has_locks(&path)
    {
        let shown = context.display_path(&path);
        let message = format!(
            "{shown} is on a file system without locks: do not log in from two processes at once"
        );
        context.log.warn(Finding::new(Code::NoLocks, message));
    }
}

/// The finding about `_netrc` beside `.netrc`. A key in it counts again as soon as
/// `.netrc` is removed.
fn second_netrc(path: &Path, shown: &str, used: &str) -> Finding {
    let message = format!("{shown} is not read because {used} exists");
    let line = first_key(path);
    let edit = edit_command(shown, line);
    match line {
        None => Finding::new(Code::UnusedFile, message).fixed_by(edit),
        Some(line) => Finding::new(
            Code::SecondNetrc,
            format!(
                "{message}; its key in line {line} is used again once {used} is gone: remove it"
            ),
        )
        .fixed_by(edit),
    }
}

/// The line of the first key of a W&B server in a netrc file.
pub(crate) fn first_key(path: &Path) -> Option<usize> {
    let text = files::read(path, NETRC_LIMIT).ok()??;
    netrc::first_line(&text.bytes, ApiKey::is_key)
}

/// Notes the files of the user that a variable or another file takes the place of.
pub(crate) fn note_unused_files(context: &Context) {
    for file in paths::unused(&context.env) {
        let (path, used) = (
            context.display_path(&file.path),
            context.display_path(&file.used),
        );
        let finding = match file.variable {
            Some(name) => Finding::new(
                Code::UnusedFile,
                format!("{path} is not read because {name} names {used}"),
            )
            .fixed_by(unset_command(name)),
            None => second_netrc(&file.path, &path, &used),
        };
        context.log.detail(finding);
    }
}
