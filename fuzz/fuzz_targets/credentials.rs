//! The cache of access tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| wandb_login::invariants::credentials(text));
