//! Times for people: UTC, as ISO 8601 writes them.

use common::time::{self, SECONDS_A_DAY};

/// `2024-02-29 12:00:00Z`
pub fn print(seconds: i64) -> String {
    let (year, month, day) = time::civil(seconds.div_euclid(SECONDS_A_DAY));
    format!("{year:04}-{month:02}-{day:02} {}", clock(seconds))
}

/// `12:00:00Z`
pub fn clock(seconds: i64) -> String {
    let (hour, minute, second) = time::clock(seconds);
    format!("{hour:02}:{minute:02}:{second:02}Z")
}

/// A `YYYY-MM-DD` date, in seconds since 1970.
pub fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(|part| part.parse().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let days = time::days(year, month, day).filter(|_| parts.next().is_none())?;
    Some(days * SECONDS_A_DAY)
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
    fn reads_dates_that_exist() {
        assert_eq!(parse_date("2024-02-29"), Some(1_709_164_800));
        assert_eq!(parse_date("1970-01-01"), Some(0));
        for text in ["2023-02-29", "2024-13-01", "2024-1", "today", "2024-01-01-01"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
