//! Log in to Weights & Biases: find the API key where the Python SDK finds it,
//! prompt for one where a human is present, verify it with the server on
//! request, and store it where the SDK finds it again.
//!
//! C programs use the same functions through `include/wandb_login.h`.
//!
//! # Example
//! ```no_run
//! use wandb_login::{Level, Login, Options, login, print};
//!
//! match login(&Options::new()) {
//!     Ok(Login::Session(session)) => {
//!         println!("{} at {}", session.display(), session.base_url());
//!     }
//!     Ok(Login::Offline) => println!("continuing without W&B"),
//!     Err(error) => print(Level::Error, &error.to_string()),
//! }
//! ```
//!
//! # Map
//!
//! The wings, in the order in which a login walks through them:
//!
//! | wing | what it does |
//! |---|---|
//! | `login` | the flow: resolve, prompt, verify, store, report |
//! | `options` | what the caller asks for |
//! | `env` | what surrounds the call: variables, home directory, working directory, rank |
//! | `config` | what is configured: settings files, their paths, the server |
//! | `sources` | the credential provider chain |
//! | `prompt` | asking a human: callback or terminal |
//! | `server` | talking to W&B over HTTP |
//! | `storage` | what a login leaves behind: netrc, settings, token cache |
//! | `session` | what a login returns |
//! | `renewer` | keeps the credential of a session good for a long training |
//! | `report` | which key is in force, and why |
//! | `formats` | netrc, INI, token cache, dates: text in, text out |
//! | `route` | the way to the server: proxy, CA certificates, headers |
//! | `url` | server addresses |
//! | `files` | reading files, and replacing them atomically |
//! | `util` | secrets, redacted text, lines |
//! | `ffi` | the C ABI |

#![cfg_attr(test, allow(clippy::unwrap_used))] // a failed unwrap is a failed test

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

#[doc(hidden)]
pub use env::variables::{Name, VARIABLES, setting::SETTINGS};
pub use error::{Error, Result};
#[doc(hidden)]
pub use finding::{Code, Severity};
pub use log::{Level, print};
pub use login::{
    Environ, Login, check, current, environ, explain, forget, login, prompt_api_key, refresh,
};
pub use options::{Anonymous, Flags, Options, PromptAnswer, PromptRequest, Timeout};
pub use renewer::{Renewer, RenewerOptions};
pub use report::{Format, Report};
pub use session::{Session, Source};
#[doc(hidden)]
pub use util::redact::mask_keys;
pub use util::secret::Secret;
