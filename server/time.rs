//! Times for people: UTC, as ISO 8601 writes them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970; a clock before that is told as that.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `2024-02-29 12:00:00Z`
pub fn print(seconds: i64) -> String {
    let (year, month, day) = date(seconds.div_euclid(86_400));
    format!("{year:04}-{month:02}-{day:02} {}", clock(seconds))
}

/// `12:00:00Z`
pub fn clock(seconds: i64) -> String {
    let second = seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The date of RFC 5322 section 3.3, in UTC.
pub fn rfc5322(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds.div_euclid(86_400);
    let (year, month, day) = date(days);
    let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|index| DAYS.get(index)).copied();
    let month = MONTHS.get(month as usize - 1).copied();
    let clock = clock(seconds);
    format!(
        "{}, {day} {} {year} {} +0000",
        weekday.unwrap_or_default(),
        month.unwrap_or_default(),
        clock.trim_end_matches('Z')
    )
}

/// A `YYYY-MM-DD` date at its beginning, in seconds since 1970.
pub fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let days = days(year, month, day);
    let back = date(days);
    (parts.next().is_none() && (back.0, i64::from(back.1), i64::from(back.2)) == (year, month, day))
        .then_some(days * 86_400)
}

/// Year, month and day of the Gregorian calendar, by days since 1970, counted in eras of 400 years from March on.
fn date(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The way back.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = (month + 9).rem_euclid(12);
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_known_moments() {
        assert_eq!(print(0), "1970-01-01 00:00:00Z");
        assert_eq!(print(951_782_400), "2000-02-29 00:00:00Z");
        assert_eq!(print(1_709_208_000), "2024-02-29 12:00:00Z");
        assert_eq!(print(-1), "1969-12-31 23:59:59Z");
    }

    #[test]
    fn prints_rfc_5322_dates() {
        assert_eq!(rfc5322(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(rfc5322(1_709_208_000), "Thu, 29 Feb 2024 12:00:00 +0000");
    }

    #[test]
    fn reads_dates_that_exist() {
        assert_eq!(parse_date("2024-02-29"), Some(1_709_164_800));
        assert_eq!(parse_date("1970-01-01"), Some(0));
        for text in ["2023-02-29", "2024-13-01", "2024-1", "today", "2024-01-01-01"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
