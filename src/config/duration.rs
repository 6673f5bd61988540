//! How long something may take, as settings and variables say it.

use std::time::Duration;

/// How long a prompt may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Never,
    After(Duration),
}

/// Seconds, as pydantic reads a float: `_` may stand between digits; zero and
/// less are at once, infinity is never. Not a number is no limit at all.
pub(crate) fn parse_limit(text: &[u8]) -> Option<Limit> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let text = text.replace('_', "");
    let size = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let infinite = ["inf", "infinity"]
        .iter()
        .any(|name| size.eq_ignore_ascii_case(name));
    let limit = if infinite {
        Limit::Never
    } else {
        seconds(size.as_bytes())?
    };
    Some(if text.starts_with('-') {
        Limit::After(Duration::ZERO)
    } else {
        limit
    })
}

/// Decimal seconds without a sign, cut to nanoseconds; what these cannot count, which
/// is 584 years, is never. No `f64`: its tables and code for both ways are 30 kB.
fn seconds(text: &[u8]) -> Option<Limit> {
    let (number, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = number.iter().position(|&byte| byte == b'.');
    let (whole, part) = number.split_at(point.unwrap_or(number.len()));
    let part = part.strip_prefix(b".").unwrap_or(part);
    let mut digits = whole.iter().chain(part);
    if whole.len() + part.len() == 0 || !digits.clone().all(u8::is_ascii_digit) {
        return None;
    }
    if digits.clone().all(|&digit| digit == b'0') {
        return Some(Limit::After(Duration::ZERO));
    }
    // How many digits stand before the point when nanoseconds are counted.
    let wanted = exponent.saturating_add(whole.len() as i64 + 9);
    let mut nanoseconds = 0_u64;
    for _ in 0..wanted {
        let digit = digits.next().map_or(0, |digit| digit - b'0');
        let more = nanoseconds.checked_mul(10);
        match more.and_then(|more| more.checked_add(digit.into())) {
            Some(sum) => nanoseconds = sum,
            None => return Some(Limit::Never),
        }
    }
    Some(Limit::After(Duration::from_nanos(nanoseconds)))
}

/// What stands behind the `e`; no number is larger than the largest here.
fn exponent(text: &[u8]) -> Option<i64> {
    let size = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let size = size.unwrap_or(text);
    if size.is_empty() || !size.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = size.iter().map(|digit| i64::from(digit - b'0'));
    let size = digits.fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(digit)
    });
    Some(if text.starts_with(b"-") { -size } else { size })
}
