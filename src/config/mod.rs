//! The configuration: settings files and their paths, the server, and the
//! context of one call, which reads them when needed.

pub(crate) mod context;
pub(crate) mod endpoint;
pub(crate) mod files;
pub(crate) mod location;
pub(crate) mod offline_mode;
pub(crate) mod paths;
pub(crate) mod route;
pub(crate) mod settings;
pub(crate) mod source_problem;
pub(crate) mod timeout;
