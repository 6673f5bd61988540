//! A server's answer: two bytes of status, then the place it points to up to a
//! NUL, then the body.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    // Every other answer is a good one, which says most.
    let status = match u16::from_le_bytes(*head) {
        odd if odd % 2 == 1 => 200,
        even => 100 + even % 500,
    };
    let mut parts = rest.splitn(2, |&byte| byte == 0);
    let location = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let location = Some(&*location).filter(|location| !location.is_empty());
    wandb_login::invariants::server_answer(status, location, parts.next().unwrap_or_default());
});
