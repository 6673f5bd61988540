//! Log in to Weights & Biases: find the API key where the Python SDK would,
//! ask for it where a human is, check it with the server where that is wanted,
//! and store it where the SDK finds it again.
//!
//! The story is told in [`login`]. C programs see the same through
//! `include/wandb_login.h`.

// The build without HTTP leaves out those who use some of this.
#![cfg_attr(not(feature = "http"), allow(dead_code))]

mod advice;
mod ask;
mod chain;
mod config;
mod context;
#[cfg(feature = "http")]
mod credentials;
mod dotfiles;
mod endpoint;
mod error;
mod export;
pub mod ffi;
mod files;
mod host;
mod ini;
mod json;
mod key;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod laws;
mod log;
mod login;
mod netrc;
#[cfg_attr(not(feature = "http"), path = "offline.rs")]
mod online;
mod options;
mod order;
mod prompt;
mod rank;
mod report;
mod rewrite;
mod secret;
#[cfg(feature = "http")]
mod server;
mod session;
mod settings;
mod store;
mod terminal;
mod text;
mod user;
#[cfg(feature = "http")]
mod utc;
mod world;

pub use error::{Error, Result};
pub use log::{Level, print};
pub use login::{Login, check, current, explain, forget, login, prompt_api_key, refresh};
pub use options::{Anonymous, Flags, Options, PromptAnswer, PromptRequest, Timeout};
pub use report::{Format, Report};
pub use secret::Secret;
pub use session::{Session, Source};
