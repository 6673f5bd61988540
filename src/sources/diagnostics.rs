//! Warnings about credentials: conflicting keys, what the Python SDK would do
//! differently, and what takes precedence over a stored or removed key.

use crate::config::context::Context;
use crate::config::endpoint::{self, Endpoint, Origin};
use crate::config::location::{SourceLocation, SourceName};
use crate::config::paths::{self, CREDENTIALS_LIMIT};
use crate::config::route;
use crate::config::settings::SettingsFile;
use crate::env::{self, variables};
use crate::files;
use crate::finding::{Code, Finding, edit_command, logout_command, restrict_command};
use crate::formats::token_cache;
use crate::session::Session;
use crate::sources::{self, CREDENTIAL_VARIABLES, FoundCredential, Outcome, Provider};
use crate::url::BaseUrl;

/// The files that the user edits.
const USER_FILES: [Provider; 3] = [
    Provider::WorkspaceSettings,
    Provider::SystemSettings,
    Provider::Netrc,
];

/// Variables that are an error for the SDK when they are empty.
const INVALID_IF_EMPTY: [&str; 4] = [
    variables::BASE_URL,
    variables::MODE,
    variables::SILENT,
    variables::LOGIN_TIMEOUT,
];

/// At most this many cached access tokens are named.
const MAX_TOKENS: usize = 4;

/// The server that the SDK uses if it drops the settings.
const SDK_DEFAULT_SERVER: &str = "https://api.forge.coreweave.com";

/// Warns that the key is sent over an unencrypted connection.
pub(crate) fn warn_plain_http(context: &Context, server: &Endpoint) {
    if let Some(warning) = plain_http(server) {
        context.log.warn(Finding::new(Code::PlainHttp, warning));
    }
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
        let unset = format!("unset {}", variables::INSECURE_DISABLE_SSL);
        context
            .log
            .warn(Finding::new(Code::UnverifiedCertificate, message).fixed_by(unset));
    }
}

/// Warns of a key that is probably not the user's.
pub(crate) fn warn_unlikely_key(context: &Context, server: &Endpoint, found: &FoundCredential) {
    if let sources::Candidate::Key(key) = &found.candidate
        && let Some(doubt) = key.doubt(server.url.is_cloud())
    {
        let message = format!("The API key is {doubt}");
        context.log.warn(Finding::new(Code::UnlikelyKey, message));
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
            variables::INSECURE_DISABLE_SSL
        )
    })
}

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
        Finding::new(Code::NextLogin, message).fixed_by(format!("export WANDB_BASE_URL={url}")),
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
            Finding::new(Code::NextLogin, message).fixed_by(format!("export WANDB_BASE_URL={url}")),
        );
    }
    used
}

/// Warns if another file of the user holds a different key than the one used.
pub(crate) fn warn_conflicts(context: &Context, server: &Endpoint, used: &FoundCredential) {
    if used.provider == Provider::KeyVariable {
        warn_other_key_file(context, server, used);
    }
    if !used.provider.is_user_file() {
        return;
    }
    let later = sources::order(context)
        .iter()
        .skip_while(|&&provider| provider != used.provider)
        .skip(1);
    for &provider in later {
        if let Outcome::Found(other) = sources::query(context, server, provider)
            && other.key() != used.key()
        {
            warn_conflict(context, server, used, &other);
        }
    }
}

/// Warns if `WANDB_API_KEY_FILE` holds another key than `WANDB_API_KEY`, which
/// takes precedence.
fn warn_other_key_file(context: &Context, server: &Endpoint, used: &FoundCredential) {
    if context.env.is_set(variables::API_KEY_FILE)
        && let Outcome::Found(other) = sources::query(context, server, Provider::KeyFile)
        && other.key() != used.key()
    {
        let message = format!(
            "{0} and {1} ({2}) hold different keys: using {0}; unset one of them",
            variables::API_KEY,
            variables::API_KEY_FILE,
            other.origin()
        );
        let finding = Finding::new(Code::DifferentKeys, message);
        context
            .log
            .warn(finding.maybe_fixed_by(Removal::of(server, used).command));
    }
}

/// How a credential loses its precedence, so that the next one in the order is used.
struct Removal {
    /// For a message.
    text: String,
    command: Option<String>,
}

impl Removal {
    fn of(server: &Endpoint, used: &FoundCredential) -> Removal {
        let variable = CREDENTIAL_VARIABLES
            .iter()
            .find(|(provider, _)| *provider == used.provider);
        if let Some((_, name)) = variable {
            return Removal {
                text: format!("unset {name} to use this one"),
                command: Some(format!("unset {name}")),
            };
        }
        if used.provider == Provider::Netrc {
            let logout = match server.is_named_by_caller() {
                true => logout_command(server.url.as_str()),
                false => "wandb-login logout".to_owned(),
            };
            return Removal {
                text: format!("`{logout}` removes that one"),
                command: Some(logout),
            };
        }
        let text = match used.provider.is_user_file() {
            true => "remove api_key there to use this one",
            false => "omit it to use this one",
        };
        Removal {
            text: text.to_owned(),
            command: used.location.finding(Code::DifferentKeys, "").command,
        }
    }
}

fn warn_conflict(
    context: &Context,
    server: &Endpoint,
    used: &FoundCredential,
    other: &FoundCredential,
) {
    let (first, second) = (used.origin(), other.origin());
    if used.provider == Provider::WorkspaceSettings {
        let message = format!("the workspace key in {first} overrides your own key in {second}");
        context
            .log
            .warn(used.location.finding(Code::WorkspaceKey, message));
    }
    // The user looks at this where the wrong key wins.
    let different = |message: String| {
        Finding::new(Code::DifferentKeys, message).maybe_fixed_by(Removal::of(server, used).command)
    };
    // The SDK reads netrc before the settings files.
    if other.provider == Provider::Netrc {
        let message = format!(
            "{first} and {second} hold different keys: using the first (documented order); \
             the Python SDK 0.30 and later would use {second}"
        );
        context.log.warn(different(message));
    } else if used.provider == Provider::Netrc {
        let message = format!(
            "{first} and {second} hold different keys: using the first (SDK order); in the \
             documented order {second} would win"
        );
        context.log.warn(different(message));
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
    let parsed = |name: &str| BaseUrl::parse(name).ok();
    let is_used =
        |name: &str| is_identity && parsed(name).is_some_and(|url| url.same_server(&server.url));
    let others = token_cache::servers(&text.bytes, env::unix_time());
    for name in others.iter().filter(|name| !is_used(name)).take(MAX_TOKENS) {
        let message = format!("{shown} holds an access token for {name}, which is not in use here");
        // A logout finds the entry by the normal form of the URL.
        let command = match parsed(name).filter(|url| url.as_str() == name) {
            Some(_) => logout_command(name),
            None => edit_command(&shown, None),
        };
        let finding = Finding::new(Code::UnusedKey, message);
        context.log.detail(finding.fixed_by(command));
    }
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
            .fixed_by(format!("unset {name}")),
            None => Finding::new(
                Code::UnusedFile,
                format!("{path} is not read because {used} exists"),
            ),
        };
        context.log.detail(finding);
    }
}

/// Notes that a variable or an option overrides a different key of the user's. Two
/// files with different keys are a warning, also of a login.
pub(crate) fn note_overridden(
    context: &Context,
    server: &Endpoint,
    used: &FoundCredential,
    other: &FoundCredential,
) {
    if used.provider.is_user_file() || other.key().is_none() || other.key() == used.key() {
        return;
    }
    let (first, second) = (used.origin(), other.origin());
    let message = format!("{first} overrides a different key in {second}");
    let finding = Finding::new(Code::OverriddenKey, message);
    context
        .log
        .detail(finding.maybe_fixed_by(Removal::of(server, used).command));
}

/// Why a credential is not used, and how to use it.
pub(crate) fn why_shadowed(
    server: &Endpoint,
    used: &FoundCredential,
    shadowed: &FoundCredential,
) -> String {
    if used.key().is_some() && used.key() == shadowed.key() {
        return format!("the same key as in {}", used.origin());
    }
    let remedy = Removal::of(server, used).text;
    format!("overridden by {}; {remedy}", used.origin())
}

/// Adds to a report what the SDK would do differently with an outcome.
pub(crate) fn note_sdk_outcome(
    context: &Context,
    server: &Endpoint,
    provider: Provider,
    outcome: &Outcome,
) {
    let url = server.url.as_str();
    let name = |location: &SourceLocation| {
        let name = location.name.as_ref().map(SourceName::to_string);
        name.unwrap_or_default()
    };
    match (provider, outcome) {
        (_, Outcome::Withheld(problem)) => {
            let message = format!(
                "the Python SDK would send the credential from {} to {url}",
                name(&problem.location)
            );
            context.log.detail(Finding::new(Code::SdkDiffers, message));
        }
        // The SDK compares the server with the whole configuration, not with
        // the file of the key.
        (Provider::WorkspaceSettings | Provider::SystemSettings, Outcome::OtherServer(problem))
            if !server.is_named_by_caller() =>
        {
            let message = format!(
                "the Python SDK does not bind a key to the server of its file, and could send \
                 the key in {} to {url}",
                name(&problem.location)
            );
            context.log.detail(Finding::new(Code::SdkDiffers, message));
        }
        (Provider::KeyFile, Outcome::Found(_)) => {
            let message = "the Python SDK does not know WANDB_API_KEY_FILE; `wandb-login env` prints \
             variables that it knows";
            context.log.detail(Finding::new(Code::SdkDiffers, message));
        }
        _ => {}
    }
}

/// Adds to a report where the SDK reads the configuration differently.
pub(crate) fn note_sdk_configuration(context: &Context, server: &Endpoint) {
    let settings = context.settings();
    let files = || {
        [&settings.workspace, &settings.system]
            .into_iter()
            .flatten()
    };
    let has_key = |file: &SettingsFile| matches!(file.api_key(), Ok(Some(_)));
    if context.env.is_empty(variables::API_KEY) && files().any(has_key) {
        let message = "WANDB_API_KEY is set but empty, which counts as unset; in the Python SDK it \
             hides api_key of the settings files";
        context.log.detail(
            Finding::new(Code::SdkDiffers, message)
                .fixed_by(format!("unset {}", variables::API_KEY)),
        );
    }
    for name in INVALID_IF_EMPTY {
        if context.env.is_empty(name) {
            let message = format!(
                "{name} is set but empty, which counts as unset; the Python SDK exits with an \
                 error"
            );
            context
                .log
                .detail(Finding::new(Code::SdkDiffers, message).fixed_by(format!("unset {name}")));
        }
    }
    let server_file = match server.origin {
        Origin::SystemSettings => &settings.system,
        Origin::WorkspaceSettings => &settings.workspace,
        _ => return,
    };
    // The SDK uses the cloud by default, so dropping `base_url` changes nothing.
    if server.url.is_cloud() {
        return;
    }
    let is_rejected = |file: &SettingsFile| file.diagnostics().rejected_by_sdk.is_some();
    if server_file.as_ref().is_some_and(is_rejected)
        || files().any(|file| file.diagnostics().unknown_to_sdk)
    {
        let message = format!(
            "the Python SDK would log in to {SDK_DEFAULT_SERVER} instead, because it drops \
             the settings with base_url"
        );
        context.log.detail(Finding::new(Code::SdkDiffers, message));
    }
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
                .warn(Finding::new(Code::NextLogin, message).fixed_by(format!("unset {name}")));
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
            Finding::new(Code::NextLogin, message)
                .fixed_by(format!("unset {}", variables::BASE_URL)),
        );
    }
}

/// Warns what still logs in after the stored key was removed.
pub(crate) fn warn_remaining(context: &Context, server: &Endpoint) {
    let url = server.url.as_str();
    for (_, name) in CREDENTIAL_VARIABLES {
        if context.env.is_set(name) && !server.workspace_only {
            let message = format!("{name} is set and still logs in to {url}: unset it");
            context.log.warn(
                Finding::new(Code::StillConfigured, message).fixed_by(format!("unset {name}")),
            );
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
            Outcome::Malformed(problem) => context.log.warn(problem.finding()),
            _ => {}
        }
    }
}
