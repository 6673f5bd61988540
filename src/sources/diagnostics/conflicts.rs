//! Keys that differ: which one wins, and how to make the other one win.

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::env::variables;
use crate::finding::{Code, Finding, logout_command, unset_command};
use crate::sources::{self, FoundCredential, Outcome, Provider};

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
        if let Some(name) = used.provider.credential_variable() {
            return Removal {
                text: format!("unset {name} to use this one"),
                command: Some(unset_command(name)),
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
            command: used.location.edit_command(),
        }
    }
}

/// The command after the server has refused a credential: it removes the variable,
/// opens the settings file, or replaces the entry in netrc.
pub(crate) fn replace_command(server: &Endpoint, refused: &FoundCredential) -> Option<String> {
    let relogin = server.login_command();
    match (refused.provider, relogin) {
        (Provider::Netrc, Some(login)) => Some(format!("{login} --relogin")),
        (Provider::Netrc, None) => refused.location.edit_command(),
        _ => Removal::of(server, refused).command,
    }
}

/// What to do about a credential that the server has refused, as a sentence. `None`
/// where the caller has given it.
pub(crate) fn replace_advice(provider: Provider) -> Option<&'static str> {
    Some(match provider {
        Provider::KeyVariable => "Set WANDB_API_KEY to another key, or unset it.",
        Provider::IdentityTokenFile => {
            "Renew the token in the file, or unset WANDB_IDENTITY_TOKEN_FILE."
        }
        Provider::KeyFile => "Write another key to the file, or unset WANDB_API_KEY_FILE.",
        Provider::WorkspaceSettings | Provider::SystemSettings => {
            "Replace or remove api_key there."
        }
        Provider::Netrc => {
            "Replace it with `wandb-login --relogin`, in a script with `wandb-login --relogin \
             --key-stdin`."
        }
        Provider::Explicit | Provider::Session | Provider::Prompt | Provider::Anonymous => {
            return None;
        }
    })
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
