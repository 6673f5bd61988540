//! What a login leaves in the user's files, and how it is removed again.

pub(crate) mod key;
pub(crate) mod settings;
pub(crate) mod token_cache;
mod update;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::error::{Error, Result};
use update::Unsaved;

/// Removes everything that is stored for the server: our netrc entries, the
/// cached access token and the record of an anonymous account. An error in one
/// file does not keep the others from being changed.
pub(crate) fn forget(context: &Context, server: &Endpoint) -> Result<()> {
    let results = [
        key::forget(context, server),
        token_cache::forget(context, server),
        settings::forget_anonymous(context),
    ];
    if !any_removed(results)? {
        let url = server.url.as_str();
        context.log.info(&format!("Nothing was stored for {url}."));
    }
    Ok(())
}

/// Removes what is stored for any server, as [`forget`] does for one. An entry of netrc
/// without a login is a key only of the server in use, if there is one.
pub(crate) fn forget_all(context: &Context, server: Option<&Endpoint>) -> Result<()> {
    let mut results = key::forget_all(context);
    results.extend(server.map(|server| key::forget(context, server)));
    results.push(token_cache::forget_all(context));
    results.push(settings::forget_anonymous(context));
    if !any_removed(results)? {
        context.log.info("Nothing was stored.");
    }
    Ok(())
}

/// Whether one of them removed something. The first error counts only after all.
fn any_removed(
    results: impl IntoIterator<Item = std::result::Result<bool, Unsaved>>,
) -> Result<bool> {
    let mut any = false;
    for removed in results {
        any |= removed.map_err(Error::Store)?;
    }
    Ok(any)
}
