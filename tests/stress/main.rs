//! Under fire: many at once, killed at any moment, in odd places, fed with what
//! an enemy would write. Nothing is lost, nothing leaks.
//!
//! `WANDB_LOGIN_TEST_ROUNDS=50` makes the short form that `cargo test` runs a
//! long one.

mod beside;
mod crashes;
mod hostile;
mod logins;
mod places;
mod programs;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

/// How often what depends on luck is tried.
fn rounds() -> usize {
    let rounds = std::env::var("WANDB_LOGIN_TEST_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn is_root() -> bool {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() == 0 }
}
