//! A netrc file is read, edited and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| wandb_login::invariants::netrc(text));
