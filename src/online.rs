//! What needs the server: whose key is this, an anonymous account, an access
//! token for an identity token. Nothing here runs unless it was asked for.

use std::path::Path;

use crate::chain::Found;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::session::{AccessToken, Credential, Viewer};

fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!(
        "this build of libwandb_login cannot {what}: it has no HTTP"
    ))
}

/// Asks the server whose credential this is.
pub(crate) fn viewer(
    _context: &Context,
    _server: &Endpoint,
    _credential: &Credential,
) -> Result<Viewer> {
    Err(unsupported("verify a key"))
}

/// Asks the server for an anonymous account.
pub(crate) fn anonymous_key(_context: &Context, _server: &Endpoint) -> Result<Found> {
    Err(unsupported("make an anonymous account"))
}

/// Exchanges an identity token for an access token.
pub(crate) fn access_token(
    _context: &Context,
    _server: &Endpoint,
    _file: &Path,
) -> Result<AccessToken> {
    Err(unsupported("exchange an identity token"))
}

/// Removes the server's access token from the cache, and tells whether there was one.
pub(crate) fn forget_token(
    _context: &Context,
    _server: &Endpoint,
    _cache: &Path,
) -> std::result::Result<bool, String> {
    Ok(false)
}
