//! An exported session, from anybody.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| wandb_login::invariants::exported(text));
