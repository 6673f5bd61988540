//! Reads and edits a netrc file, and reads it again.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| wandb_login::invariants::netrc(text));
