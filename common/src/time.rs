//! Moments as seconds since 1970, days of the Gregorian calendar, and the dates of mail headers.

use std::time::{SystemTime, UNIX_EPOCH};

/// No day has a leap second here, as none has in seconds since 1970.
pub const SECONDS_A_DAY: i64 = 86_400;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970; a clock before that is told as that.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Hour, minute and second.
pub fn clock(seconds: i64) -> (i64, i64, i64) {
    let second = seconds.rem_euclid(SECONDS_A_DAY);
    (second / 3600, second / 60 % 60, second % 60)
}

/// Year, month (1 to 12) and day of the month, by days since 1970-01-01.
pub fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day comes last, and are counted in eras of 400.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The way back. `None`: no such day, or no year of four digits.
pub fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let from_year = year - i64::from(month <= 2);
    let year_of_era = from_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = from_year.div_euclid(400) * 146_097 + day_of_era - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// `Jan` for 1.
pub fn month_name(month: i64) -> &'static str {
    let name = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index));
    name.copied().unwrap_or_default()
}

/// 1 for `jan`, in any case.
pub fn month(name: &[u8]) -> Option<i64> {
    (1..=12).find(|&month| month_name(month).as_bytes().eq_ignore_ascii_case(name))
}

/// RFC 5322 section 3.3, in UTC: `Fri, 21 Nov 1997 15:55:06 +0000`
pub fn rfc5322(seconds: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let days = seconds.div_euclid(SECONDS_A_DAY);
    let (year, month, day) = civil(days);
    let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|index| WEEKDAYS.get(index));
    let (weekday, month) = (weekday.copied().unwrap_or_default(), month_name(month));
    let (hour, minute, second) = clock(seconds);
    format!("{weekday}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_mail() {
        assert_eq!(rfc5322(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        // RFC 5322 appendix A.1.1: Fri, 21 Nov 1997 09:55:06 -0600
        assert_eq!(rfc5322(880_127_706), "Fri, 21 Nov 1997 15:55:06 +0000");
        assert_eq!(rfc5322(951_782_399), "Mon, 28 Feb 2000 23:59:59 +0000");
        assert_eq!(rfc5322(951_782_400), "Tue, 29 Feb 2000 00:00:00 +0000");
        assert_eq!(rfc5322(1_709_208_000), "Thu, 29 Feb 2024 12:00:00 +0000");
        assert_eq!(rfc5322(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 +0000");
        assert_eq!(rfc5322(4_107_542_400), "Mon, 1 Mar 2100 00:00:00 +0000");
    }

    #[test]
    fn every_day_of_eight_centuries_has_one_number() {
        let mut next = days(1600, 1, 1).unwrap();
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(days) = days(year, month, day) {
                        assert_eq!(days, next);
                        assert_eq!(civil(days), (year, month, day));
                        next += 1;
                    }
                }
            }
        }
        assert_eq!(Some(next), days(2400, 1, 1));
    }

    #[test]
    fn days_that_are_none() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 4, 31),
            (2024, 0, 1),
            (2024, 13, 1),
            (2024, 1, 0),
            (2024, 1, 32),
            (10_000, 1, 1),
            (-1, 1, 1),
            (i64::MAX, 1, 1),
            (i64::MIN, i64::MAX, i64::MIN),
        ] {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn months_have_names() {
        assert_eq!((1..=12).map(month_name).collect::<String>(), MONTHS.concat());
        assert_eq!((month(b"JAN"), month(b"dec"), month(b"De"), month(b"")), (Some(1), Some(12), None, None));
    }
}
