//! Operating a login: what is in force and why, forgetting it, ranks, mounted
//! secrets, whose key goes to which server, and what scripts get.

#![allow(unreachable_pub)] // a program, whose modules export to each other

#[cfg(unix)] // its commands are those of a POSIX shell
mod advice;
mod canary;
mod differences;
mod help;
mod logout;
mod program;
mod ranks;
mod reports;
mod schema;
mod scripts;
mod secrets;
mod servers;
mod situation;
#[cfg(feature = "http")] // some of them verify
mod situations;
mod storing;
#[cfg(feature = "http")]
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;
mod telling;
#[cfg(unix)]
mod unix;
mod usage;
