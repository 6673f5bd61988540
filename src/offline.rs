//! The build without HTTP: what needs the server says so.

use std::path::Path;

use crate::chain::Found;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::rewrite::Unsaved;
use crate::session::{AccessToken, Credential, Viewer};

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::Unsupported(format!(
        "this build of libwandb_login has no HTTP and cannot {what}: use one with the http feature"
    )))
}

pub(crate) fn viewer(_: &Context, _: &Endpoint, _: &Credential) -> Result<Viewer> {
    unsupported("verify a key")
}

pub(crate) fn anonymous_key(_: &Context, _: &Endpoint) -> Result<Found> {
    unsupported("make an anonymous account")
}

pub(crate) fn access_token(_: &Context, _: &Endpoint, _: &Path, _: bool) -> Result<AccessToken> {
    unsupported("exchange an identity token")
}

/// There is nothing that this build could have cached.
pub(crate) fn forget_token(
    _: &Context,
    _: &Endpoint,
    _: &Path,
) -> std::result::Result<bool, Unsaved> {
    Ok(false)
}
