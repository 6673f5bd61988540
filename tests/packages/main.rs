//! The files that `release/make` made: each package is installed, used by a program that
//! logs in, and removed again. Nothing may be left behind.
//!
//! A [`Machine`](machine::Machine) stands for a new machine; cargo is not on its `PATH`.
//! Each test prints how long its way takes, from an empty machine to a login.

#![cfg(unix)] // shells, modes and chroot

mod archive;
mod conan;
mod deb;
mod debian_11;
mod dist;
mod go;
mod guide;
mod installer;
mod julia;
#[path = "../support/julia.rs"]
mod julia_program;
mod machine;
mod source;
#[path = "../support/mod.rs"]
mod support;
mod wheel;
