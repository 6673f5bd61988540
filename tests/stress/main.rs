//! Stress and fault injection: concurrent logins, processes killed at each
//! system call, unusual homes and files, hostile input. No data is lost or leaked.
//!
//! `cargo test` runs the short form; `WANDB_LOGIN_TEST_ROUNDS=50` runs a long one.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells
#![allow(unreachable_pub)] // a program, whose modules export to each other

mod allocations;
mod beside;
mod crashes;
mod file_systems;
mod hostile;
mod logins;
mod places;
mod preload;
mod programs;
mod refused_calls;
mod sandbox;
mod scenario;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

/// How many times to repeat a test whose outcome depends on timing.
fn rounds() -> usize {
    let rounds = std::env::var("WANDB_LOGIN_TEST_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn is_root() -> bool {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() == 0 }
}
