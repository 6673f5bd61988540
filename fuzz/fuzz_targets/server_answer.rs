//! A server's response: two bytes of status, then the `Location` up to a NUL, then
//! the body.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    // Half of the responses succeed: their bodies are parsed further.
    let status = match u16::from_le_bytes(*head) {
        number if number % 2 == 1 => 200,
        number => 100 + number % 500,
    };
    let mut parts = rest.splitn(2, |&byte| byte == 0);
    let location = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let location = Some(&*location).filter(|location| !location.is_empty());
    wandb_login::invariants::server_answer(status, location, parts.next().unwrap_or_default());
});
