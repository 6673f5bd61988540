//! What the Python SDK would do differently.

use crate::config::context::Context;
use crate::config::endpoint::{Endpoint, Origin};
use crate::config::location::{SourceLocation, SourceName};
use crate::config::settings::SettingsFile;
use crate::env::variables;
use crate::finding::{Code, Finding, unset_command};
use crate::sources::{Outcome, Provider};

/// Variables that are an error for the SDK when they are empty.
const INVALID_IF_EMPTY: [&str; 4] = [
    variables::BASE_URL,
    variables::MODE,
    variables::SILENT,
    variables::LOGIN_TIMEOUT,
];

/// The server that the SDK uses if it drops the settings.
const SDK_DEFAULT_SERVER: &str = "https://api.forge.coreweave.com";

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
            Finding::new(Code::SdkDiffers, message).fixed_by(unset_command(variables::API_KEY)),
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
                .detail(Finding::new(Code::SdkDiffers, message).fixed_by(unset_command(name)));
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
