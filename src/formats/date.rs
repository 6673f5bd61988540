//! Dates in UTC and Unix seconds, in the formats of the credentials file and of
//! HTTP.

const DAY: i64 = 86_400;

/// `2006-01-02 15:04:05`, the format of the credentials file. Times outside the
/// years 0 to 9999 are clamped.
pub(crate) fn format(seconds: i64) -> String {
    // From the year 0 to the end of the year 9999.
    let seconds = seconds.clamp(-62_167_219_200, 253_402_300_799);
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let time = seconds.rem_euclid(DAY);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// Reads what [`format()`] writes, and nothing else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if bytes.len() != 19 || separators.iter().any(|(at, sign)| bytes[*at] != *sign) {
        return None;
    }
    let field = |from: usize, to: usize| number(bytes.get(from..to)?);
    seconds(
        [field(0, 4)?, field(5, 7)?, field(8, 10)?],
        [field(11, 13)?, field(14, 16)?, field(17, 19)?],
    )
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the format that HTTP requires servers to
/// send.
#[cfg(feature = "http")]
pub(crate) fn parse_http(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let day = number(words.next()?.as_bytes())?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let year = number(words.next()?.as_bytes())?;
    let mut time = words.next()?.split(':');
    let mut part = || number(time.next()?.as_bytes());
    let time = [part()?, part()?, part()?];
    (words.next()? == "GMT").then(|| seconds([year, month, day], time))?
}

fn number(digits: &[u8]) -> Option<i64> {
    // At most four digits, so that nothing overflows.
    (1..=4).contains(&digits.len()).then_some(())?;
    digits.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

fn seconds([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let days = days(year, month, day);
    // A day that the month does not have converts back to another date.
    let valid = (1..=12).contains(&month)
        && date(days) == (year, month, day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then_some(days * DAY + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar. Years are counted
/// from March, so that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day: the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_and_parsing_are_inverse() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_827_696, "2000-02-29 12:34:56"),
            (1_136_214_245, "2006-01-02 15:04:05"),
            (4_070_908_800, "2099-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(format(seconds), text);
            assert_eq!(parse(text), Some(seconds));
        }
        // Every day of four centuries.
        for day in 0..146_097 {
            assert_eq!(parse(&format(day * DAY)), Some(day * DAY));
        }
        assert_eq!(format(i64::MAX), "9999-12-31 23:59:59");
        assert_eq!(format(i64::MIN), "0000-01-01 00:00:00");
    }

    #[test]
    fn malformed_dates_are_rejected() {
        for text in [
            "",
            "2099-01-01T00:00:00Z",
            "2099-01-01 00:00:00 ",
            "2099-13-01 00:00:00",
            "2099-00-01 00:00:00",
            "2099-02-29 00:00:00",
            "2099-01-01 24:00:00",
            "2099-01-01 00:60:00",
            "+099-01-01 00:00:00",
            "２０99-01-01 00:0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn http_dates_are_parsed() {
        assert_eq!(
            parse_http("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        for text in [
            "",
            "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        ] {
            assert_eq!(parse_http(text), None, "{text}");
        }
    }
}
