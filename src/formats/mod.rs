//! File formats: text in, text out, no I/O.

pub(crate) mod date;
pub(crate) mod ini;
pub(crate) mod json;
pub(crate) mod netrc;
pub(crate) mod session_text;
mod splice;
pub(crate) mod token_cache;
