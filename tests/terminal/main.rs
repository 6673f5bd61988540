//! The prompt as a human meets it: the command line and a C program on a real
//! pseudo-terminal, as jobs of dash, a shell that repairs nothing.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells
#![allow(unreachable_pub)] // a program, whose modules export to each other
#![cfg(feature = "http")] // some of them verify

#[path = "../support/pty.rs"]
mod pty;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

mod callbacks;
mod flow;
mod leaving;
mod recorded;
mod refusal;
mod shell;
