//! What is configured: the settings files, where they are, the server that
//! results, and the context of one call that reads them lazily.

pub(crate) mod context;
pub(crate) mod duration;
pub(crate) mod endpoint;
pub(crate) mod files;
pub(crate) mod paths;
pub(crate) mod settings;
