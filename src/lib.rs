//! Log in to Weights & Biases: find the API key where the Python SDK would,
//! ask for it where a human is, check it with the server where that is wanted,
//! and store it where the SDK finds it again.

mod credentials;
mod error;
mod files;
mod host;
mod json;
mod key;
mod log;
mod netrc;
mod secret;
#[cfg(feature = "http")]
mod server;
mod settings;
mod text;
mod utc;

pub use error::Error;
pub use log::Level;
