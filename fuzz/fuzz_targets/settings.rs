//! Reads and edits a settings file. The value to set follows a NUL.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&byte| byte == 0);
    let text = parts.next().unwrap_or_default();
    let value = String::from_utf8_lossy(parts.next().unwrap_or(b"https://x.com"));
    wandb_login::invariants::settings(text, &value);
});
