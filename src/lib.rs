//! Log in to Weights & Biases: find the API key where the Python SDK would,
//! ask for it where a human is, check it with the server where that is wanted,
//! and store it where the SDK finds it again.

mod error;
mod files;
mod host;
mod ini;
mod key;
mod log;
mod netrc;
mod secret;
mod settings;

pub use error::Error;
pub use log::Level;
