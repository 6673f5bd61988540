//! An exported session from an untrusted sender.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| wandb_login::invariants::exported(text));
