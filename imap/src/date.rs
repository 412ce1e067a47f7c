//! Dates as IMAP writes them. RFC 9051 section 9: date, date-time, zone.

use std::fmt;

use common::time::{self, SECONDS_A_DAY};
use store::DateTime;

/// A day of the calendar, as SEARCH names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Days since 1970-01-01.
    pub days: i64,
}

impl Date {
    /// `None`: no such day.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        Some(Date { days: time::days(year, month, day)? })
    }

    /// The day of a date-time in its own zone ("disregarding time and timezone", RFC 9051 section 6.4.4).
    pub fn of(when: DateTime) -> Date {
        Date { days: local_seconds(when).div_euclid(SECONDS_A_DAY) }
    }

    /// Year, month (1 to 12), day of the month.
    pub fn civil(self) -> (i64, i64, i64) {
        time::civil(self.days)
    }
}

fn local_seconds(when: DateTime) -> i64 {
    when.seconds.saturating_add(i64::from(when.offset) * 60)
}

/// `date-time` without its quotes.
pub struct Written(pub DateTime);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = Date::of(self.0).civil();
        let month = time::month_name(month);
        let (hour, minute, second) = time::clock(local_seconds(self.0));
        let sign = if self.0.offset < 0 { '-' } else { '+' };
        let zone = self.0.offset.unsigned_abs();
        // The grammar has four digits for the year.
        let year = year.clamp(0, 9999);
        write!(
            f,
            "{day:2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}",
            zone / 60,
            zone % 60
        )
    }
}

/// `date-text = date-day "-" date-month "-" date-year`
pub fn parse_date(text: &[u8]) -> Option<Date> {
    let mut parts = text.split(|&c| c == b'-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Date::new(digits(year, 4..=4)?, time::month(month)?, digits(day, 1..=2)?)
}

/// `date-time` without its quotes. A day of one digit is taken with or without the space before it.
pub fn parse_date_time(text: &[u8]) -> Option<DateTime> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let mut parts = text.split(|&c| c == b' ');
    let (date, time, zone) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let offset = parse_zone(zone)?;
    let seconds = parse_date(date)?.days * SECONDS_A_DAY + parse_time(time)? - i64::from(offset) * 60;
    Some(DateTime { seconds, offset })
}

/// `time = 2DIGIT ":" 2DIGIT ":" 2DIGIT`, with the leap second that RFC 5322 knows.
fn parse_time(text: &[u8]) -> Option<i64> {
    let mut parts = text.split(|&c| c == b':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2..=2)?, digits(minute, 2..=2)?, digits(second, 2..=2)?);
    let is_time = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// `zone = ("+" / "-") 4DIGIT`, in minutes east of UTC.
fn parse_zone(text: &[u8]) -> Option<i16> {
    let (sign, number) = text.split_first()?;
    let number = digits(number, 4..=4)?;
    let minutes = i16::try_from(number / 100 * 60 + number % 100).ok()?;
    match sign {
        _ if number % 100 >= 60 || number >= 2400 => None,
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

fn digits(text: &[u8], length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = length.contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| text.iter().fold(0, |number, &digit| number * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_date_times() {
        // RFC 3501 section 6.3.11 and section 7.4.2 use this form.
        let when = parse_date_time(b"17-Jul-1996 02:44:25 -0700").unwrap();
        assert_eq!(when, DateTime { seconds: 837_596_665, offset: -420 });
        let when = parse_date_time(b" 1-Jan-1970 00:00:00 +0000").unwrap();
        assert_eq!(when, DateTime { seconds: 0, offset: 0 });
        assert_eq!(parse_date_time(b"1-jan-1970 05:30:00 +0530").unwrap().seconds, 0);
        assert_eq!(parse_date_time(b"01-Jan-1970 00:00:00 +0000").unwrap().seconds, 0);
        assert_eq!(parse_date_time(b"29-Feb-2000 00:00:00 +0000").unwrap().seconds, 951_782_400);
    }

    #[test]
    fn refuses_what_is_no_date_time() {
        for text in [
            "",
            "1-Jan-1970",
            "32-Jan-2020 00:00:00 +0000",
            "29-Feb-2023 00:00:00 +0000",
            "1-Foo-2020 00:00:00 +0000",
            "1-Jan-20 00:00:00 +0000",
            "1-Jan-2020 24:00:00 +0000",
            "1-Jan-2020 00:60:00 +0000",
            "1-Jan-2020 00:00 +0000",
            "1-Jan-2020 00:00:00 0000",
            "1-Jan-2020 00:00:00 +000",
            "1-Jan-2020 00:00:00 GMT",
            "1-Jan-2020 00:00:00 +0060",
            "0-Jan-2020 00:00:00 +0000",
            "1-Jan-2020 00:00:00 +0000 ",
            "  1-Jan-2020 00:00:00 +0000",
            "+1-Jan-2020 00:00:00 +0000",
        ] {
            assert_eq!(parse_date_time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "17-Jul-1996 02:44:25 -0700",
            " 1-Jan-1970 00:00:00 +0000",
            "31-Dec-1969 23:59:59 +1400",
            "29-Feb-2024 12:00:00 -0030",
            " 1-Mar-0001 00:00:00 +0000",
            "31-Dec-9999 23:59:59 -1200",
        ] {
            assert_eq!(Written(parse_date_time(text.as_bytes()).unwrap()).to_string(), text);
        }
    }

    #[test]
    fn days_follow_the_zone_they_are_told_in() {
        let when = parse_date_time(b" 1-Feb-1994 23:30:00 -0800").unwrap();
        assert_eq!(Date::of(when), parse_date(b"1-Feb-1994").unwrap());
        assert_eq!(Date::of(when).civil(), (1994, 2, 1));
    }
}
