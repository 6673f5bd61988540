//! What a login leaves in the user's files, and how it is removed again.

pub(crate) mod key;
pub(crate) mod settings;
pub(crate) mod token_cache;
mod update;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Removes everything that is stored for the server: our netrc entries, the
/// cached access token and the record of an anonymous account. An error in one
/// file does not keep the others from being changed.
pub(crate) fn forget(context: &Context, server: &Endpoint) -> Result<()> {
    let results = [
        key::forget(context, server),
        token_cache::forget(context, server),
        settings::forget_anonymous(context),
    ];
    let mut any = false;
    for removed in results {
        any |= removed.map_err(Error::Store)?;
    }
    if !any {
        let url = server.url.as_str();
        context.log.info(&format!("Nothing was stored for {url}."));
    }
    Ok(())
}
