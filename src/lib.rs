//! Log in to Weights & Biases: find the API key where the Python SDK finds it, prompt for
//! one where a person is at the terminal, verify it with the server on request, and store
//! it where the SDK finds it again.
//!
//! ```no_run
//! use wandb_login::{Login, Options, login};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! match login(&Options::new())? {
//!     Login::Session(session) => {
//!         println!("{}", session.display());
//!         // For the HTTP client. It is a secret: never print it.
//!         let authorization = session.authorization().to_str()?;
//! #       let _ = authorization;
//!     }
//!     Login::Offline => println!("continuing without W&B"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | to | call |
//! |---|---|
//! | log in | [`login()`] |
//! | prompt for a key although one is configured | [`prompt_api_key`] |
//! | find a configured credential without prompting or storing | [`current`] |
//! | find out whether a credential is configured | [`check`] |
//! | say which key is used, and why | [`explain`] |
//! | keep the credential of a long training valid | [`Renewer`] |
//! | remove the stored key | [`forget`] |
//!
//! No call contacts a server or prompts unless the [`Options`] or the user's configuration
//! ask for it. The library starts no threads, except for a request to the server.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `http` | yes | requests to the server: verification, identity tokens, anonymous accounts |
//! | `ring` | no | `http`, and the TLS provider ring of [rustls](https://docs.rs/rustls) |
//! | `ffi`, `unstable`, `fuzzing`, `panic-test` | no | parts for the other packages of this project; they may change in every version |
//!
//! # The TLS provider
//!
//! The library uses the default `CryptoProvider` that the program has installed in rustls,
//! and never installs one. Without an installed one, or with one that has no cipher suites or
//! key exchanges, it uses ring if the feature `ring` is on;
//! otherwise a request over TLS is an [`Error::Tls`] that says what to do. A program that
//! does not use rustls itself turns `ring` on.

#![cfg_attr(test, allow(clippy::unwrap_used))] // a failed unwrap is a failed test
#![cfg_attr(not(feature = "unstable"), allow(dead_code, unreachable_pub))] // used with it

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod config;
mod env;
mod error;
#[cfg(feature = "ffi")]
#[doc(hidden)]
pub mod ffi;
mod files;
mod finding;
mod formats;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod invariants;
mod key;
mod log;
mod login;
mod options;
mod prompt;
mod renewer;
mod report;
mod route;
#[cfg_attr(not(feature = "http"), path = "server/no_http.rs")]
mod server;
mod session;
mod sources;
mod storage;
mod url;
mod util;

#[cfg(feature = "unstable")]
pub use env::variables::{Name, VARIABLES, setting::SETTINGS};
pub use error::{Error, Result};
#[cfg(feature = "unstable")]
pub use finding::{Code, Severity};
pub use log::{Level, print};
pub use login::{
    Environ, Login, check, current, environ, explain, forget, forget_all, login, prompt_api_key,
    refresh,
};
pub use options::{Anonymous, Flags, Options, PromptAnswer, PromptRequest, Timeout};
pub use renewer::{Renewer, RenewerOptions};
pub use report::{Format, Report};
pub use session::{Session, Source};
#[cfg(feature = "unstable")]
pub use util::redact::mask_keys;
pub use util::secret::Secret;
