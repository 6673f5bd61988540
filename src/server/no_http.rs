//! The build without HTTP: every call that needs the server is an error.

use std::path::Path;

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::error::{Error, ExchangeError, Result};
use crate::key::ApiKey;
use crate::options::Attempts;
use crate::session::AccessToken;
use crate::session::{Credential, Viewer};

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::Unsupported(format!(
        "this build of libwandb_login has no HTTP support and cannot {what}: use a build with the http feature"
    )))
}

pub(crate) fn viewer(
    _: &Context,
    _: &Endpoint,
    _: &Credential,
    _: &dyn std::fmt::Display,
) -> Result<Viewer> {
    unsupported("verify a key")
}

pub(crate) fn anonymous_key(_: &Context, _: &Endpoint) -> Result<ApiKey> {
    unsupported("create an anonymous account")
}

pub(crate) fn exchange(
    _: &Context,
    _: &Endpoint,
    _: &Path,
    _: Attempts,
) -> std::result::Result<AccessToken, ExchangeError> {
    unsupported("exchange an identity token").map_err(ExchangeError::from)
}
