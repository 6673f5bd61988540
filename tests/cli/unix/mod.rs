//! What only Unix has: shells, modes, links, pipes, and programs that watch others.

#[cfg(feature = "http")] // some of its lines verify
mod readme;
mod secrets;
mod shells;
mod system;
