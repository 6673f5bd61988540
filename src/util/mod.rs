//! Small tools that know nothing of logins.

pub(crate) mod sanitize;
pub(crate) mod secret;
