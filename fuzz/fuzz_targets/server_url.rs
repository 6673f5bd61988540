//! The URL of a server.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| wandb_login::invariants::server_url(text));
