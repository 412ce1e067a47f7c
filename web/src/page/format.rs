//! Numbers and moments as people read them.

use common::time;

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// `512 B`, `1.4 GiB`
pub(crate) fn size(octets: &u64) -> String {
    let mut value = *octets as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit_name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {unit_name}")
    } else {
        format!("{value:.1} {unit_name}")
    }
}

/// Exactly: the largest unit that divides it. 0 is empty: the default holds.
pub(crate) fn exact_size(octets: u64) -> String {
    let powers = (0..UNITS.len()).rev().filter(|power| *power > 0);
    let found =
        powers.map(|power| (power, 1u64 << (10 * power))).find(|(_, factor)| octets.is_multiple_of(*factor));
    match (octets, found) {
        (0, _) => String::new(),
        (_, Some((power, factor))) => {
            format!("{} {}", octets / factor, UNITS.get(power).copied().unwrap_or_default())
        }
        (_, None) => octets.to_string(),
    }
}

/// The way back: `5 GiB`, `5G`, `1048576`; empty is 0.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power)).filter(|octets| *octets <= 1 << 53)
}

/// Empty is 0.
pub(crate) fn parse_count(text: &str) -> Option<u64> {
    match text.trim() {
        "" => Some(0),
        text => text.parse().ok().filter(|count| *count <= 1 << 53),
    }
}

/// `12,345`
pub(crate) fn count(number: &u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 0 is empty, for a field.
pub(crate) fn exact_count(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// `2026-11-24 05:05 UTC`
pub(crate) fn moment(seconds: &i64) -> String {
    let (hour, minute, _) = time::clock(*seconds);
    format!("{} {hour:02}:{minute:02} UTC", date(*seconds))
}

pub(crate) fn moment_or(seconds: &Option<i64>, never: &str) -> String {
    seconds.as_ref().map_or_else(|| never.to_owned(), moment)
}

pub(crate) fn date(seconds: i64) -> String {
    let (year, month, day) = time::civil(seconds.div_euclid(time::SECONDS_A_DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `YYYY-MM-DD` as the beginning of that day, in seconds since 1970.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    time::days(year, month, day)?.checked_mul(time::SECONDS_A_DAY)
}

/// `3 d 4 h`, `12 min`
pub(crate) fn duration(seconds: &i64) -> String {
    let seconds = (*seconds).max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A part of a whole for a bar, 0 to 100.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let percent = u128::from(part) * 100 / u128::from(whole);
    u64::try_from(percent).unwrap_or(100).min(100)
}

/// A class of a bar: how serious it is.
pub(crate) fn fill(percent: &u64) -> &'static str {
    match percent {
        0..80 => "",
        80..100 => " high",
        _ => " full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_both_ways() {
        for (octets, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (200 << 20, "200 MiB")]
        {
            assert_eq!(size(&octets), text);
        }
        for octets in [0, 1, 1000, 1024, 5 << 30, 3 << 40, (1 << 20) + 1] {
            assert_eq!(parse_size(&exact_size(octets)), Some(octets));
        }
        for (text, octets) in [("5G", 5 << 30), ("2 kb", 2048), (" 7 ", 7)] {
            assert_eq!(parse_size(text), Some(octets));
        }
        for text in ["x", "-1", "5 X", "1.5 GiB", "99999999999 TiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn moments_and_counts() {
        assert_eq!(moment(&1_764_000_000), "2025-11-24 16:00 UTC");
        assert_eq!(parse_date("2025-11-24").map(date), Some("2025-11-24".into()));
        assert_eq!((parse_date("2025-02-30"), parse_date("soon")), (None, None));
        assert_eq!((count(&1_234_567), count(&12)), ("1,234,567".into(), "12".into()));
        assert_eq!(
            (duration(&59), duration(&3700), duration(&90_000)),
            ("59 s".into(), "1 h 1 min".into(), "1 d 1 h".into())
        );
        assert_eq!((percent(1, 0), percent(1, 3), percent(9, 3)), (0, 33, 100));
    }
}
