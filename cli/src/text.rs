//! Numbers for people: bytes, rates, times, shares.

use std::time::Duration;

/// Bytes in the unit that gives one to four digits: `512 B`, `1.4 GiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut tenths = u128::from(n) * 10;
    let mut unit = 0;
    tenths /= 1024;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let digits =
        if tenths < 1_000 { format!("{}.{}", tenths / 10, tenths % 10) } else { format!("{}", tenths / 10) };
    format!("{digits} {}", UNITS[unit])
}

/// Bytes a second.
pub(crate) fn rate(n: u64) -> String {
    format!("{}/s", bytes(n))
}

/// A time with two units at most: `7s`, `3m05s`, `2h07m`, `4d03h`.
pub(crate) fn time(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86_400, s / 3_600 % 24),
    }
}

/// How long something took: the first minute in tenths of a second.
pub(crate) fn elapsed(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms < 60_000 { format!("{}.{}s", ms / 1_000, ms / 100 % 10) } else { time(duration) }
}

/// A share in per cent with one decimal; it says 100 only where it is all.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part >= whole {
        return "100%".to_owned();
    }
    let permille = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{}%", permille / 10, permille % 10)
}

/// A ratio with two decimals, rounded down.
pub(crate) fn ratio(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 100 / u128::from(whole.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A number and its noun, in the singular or the plural: `1 peer`, `2 peers`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A point in time, in seconds since 1970, as a date of the Gregorian calendar (UTC).
pub(crate) fn date(seconds: i64) -> String {
    const DAY: i64 = 86_400;
    /// From 1 March of the year 0 to 1 January 1970.
    const EPOCH: i64 = 719_468;
    /// Days of 400 years.
    const ERA: i64 = 146_097;
    // Beyond ten thousand years it is a slip, not a date.
    if !(0..253_402_300_800).contains(&seconds) {
        return format!("{seconds} s after 1970");
    }
    let (days, time) = (seconds / DAY + EPOCH, seconds % DAY);
    let (era, day) = (days / ERA, days % ERA);
    // Years begin in March here, so that the odd day is the last of its year.
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", time / 3_600, time / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_709_251_199), "2024-02-29 23:59 UTC");
        assert_eq!(date(1_709_251_200), "2024-03-01 00:00 UTC");
        assert_eq!(date(253_402_300_799), "9999-12-31 23:59 UTC");
        assert_eq!(date(-1), "-1 s after 1970");
        assert_eq!(date(i64::MAX), "9223372036854775807 s after 1970");
    }

    #[test]
    fn bytes_have_a_fitting_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(700 << 20), "700 MiB");
        assert_eq!(bytes(1 << 30), "1.0 GiB");
        assert_eq!(bytes(u64::MAX), "16383 PiB");
    }

    #[test]
    fn times_are_short() {
        let text = |s| time(Duration::from_secs(s));
        assert_eq!(text(7), "7s");
        assert_eq!(text(185), "3m05s");
        assert_eq!(text(7_620), "2h07m");
        assert_eq!(text(90_000), "1d01h");
        assert_eq!(elapsed(Duration::from_millis(7_380)), "7.3s");
        assert_eq!(elapsed(Duration::from_millis(60_000)), "1m00s");
    }

    #[test]
    fn only_all_is_a_hundred_per_cent() {
        assert_eq!(percent(0, 3), "0.0%");
        assert_eq!(percent(9_999, 10_000), "99.9%");
        assert_eq!(percent(3, 3), "100%");
        assert_eq!(percent(0, 0), "100%");
    }
}
