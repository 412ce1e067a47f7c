//! The moment that a Date field names. RFC 5322 section 3.3, with the obsolete forms of section 4.3 and what mail has beyond.

const SECONDS_A_DAY: i64 = 86_400;
const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";

/// The sent date: seconds since 1970 in UTC. `None`: the field names no day.
///
/// RFC 5256 section 2.2: an invalid zone counts as UTC, an invalid time as 00:00:00.
pub fn sent_date(field: &[u8]) -> Option<i64> {
    let text = without_comments(field);
    let mut words = text.split(|octet| octet.is_ascii_whitespace() || matches!(octet, b',' | b'-'));
    let is_number = |word: &&[u8]| word.first().is_some_and(u8::is_ascii_digit);
    let first = words.by_ref().find(is_number)?;
    let day = number(first, 2)?;
    let mut date = words.by_ref().filter(|word| !word.is_empty());
    let month = month(date.next()?)?;
    let year = date.next()?;
    let days = days(year_of(year)?, month, day)?;
    // `-` divides words above and begins a zone below.
    let end = year.as_ptr_range().end as usize - text.as_ptr() as usize;
    let (time, zone) = time_and_zone(&text[end..]);
    Some(days * SECONDS_A_DAY + time - zone * 60)
}

/// Seconds since midnight, and minutes east of UTC.
fn time_and_zone(text: &[u8]) -> (i64, i64) {
    let text = text.trim_ascii_start();
    let is_time =
        |octet: u8| octet.is_ascii_digit() || octet.is_ascii_whitespace() || matches!(octet, b':' | b'.');
    let length = text.iter().position(|&octet| !is_time(octet)).unwrap_or(text.len());
    let (clock, zone) = text.split_at(length);
    (time(clock).unwrap_or(0), self::zone(zone).unwrap_or(0))
}

/// `hour ":" minute [":" second]`, with white space (section 4.3) and fractions anywhere.
fn time(text: &[u8]) -> Option<i64> {
    let mut parts = text.split(|&octet| octet == b':').map(<[u8]>::trim_ascii);
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(part) => number(part.split(|&octet| octet == b'.').next()?, 2)?,
        None => 0,
    };
    let valid = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    valid.then_some(hour * 3600 + minute * 60 + second)
}

/// `("+" / "-") 4DIGIT` or one of the names of section 4.3, in minutes east of UTC.
fn zone(text: &[u8]) -> Option<i64> {
    let word = text.split(u8::is_ascii_whitespace).next()?;
    let names: [(&[u8], i64); 8] = [
        (b"EST", -5),
        (b"EDT", -4),
        (b"CST", -6),
        (b"CDT", -5),
        (b"MST", -7),
        (b"MDT", -6),
        (b"PST", -8),
        (b"PDT", -7),
    ];
    if let Some((_, hours)) = names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
        return Some(hours * 60);
    }
    let (sign, digits) = match word.split_first()? {
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let zone = number(digits, 4).filter(|zone| digits.len() == 4 && zone % 100 < 60)?;
    Some(sign * (zone / 100 * 60 + zone % 100))
}

/// RFC 5322 section 3.2.2: a comment counts as white space. Unbalanced parentheses end nothing.
fn without_comments(field: &[u8]) -> Vec<u8> {
    let mut depth = 0usize;
    let mut text = Vec::with_capacity(field.len());
    for &octet in field {
        match octet {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => continue,
            octet => {
                text.push(octet);
                continue;
            }
        }
        text.push(b' ');
    }
    text
}

/// 1 to 12, by the first three letters.
fn month(word: &[u8]) -> Option<i64> {
    let name = word.get(..3)?;
    let at = MONTHS.chunks_exact(3).position(|month| name.eq_ignore_ascii_case(month))?;
    i64::try_from(at + 1).ok()
}

/// RFC 5322 section 4.3: two digits from 50 on, and three, count from 1900, two below 50 from 2000.
fn year_of(word: &[u8]) -> Option<i64> {
    let year = number(word, 4)?;
    Some(match word.len() {
        4 => year,
        3 => 1900 + year,
        _ if year >= 50 => 1900 + year,
        _ => 2000 + year,
    })
}

fn number(word: &[u8], most: usize) -> Option<i64> {
    if word.is_empty() || word.len() > most || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(word.iter().fold(0, |number, octet| number * 10 + i64::from(octet - b'0')))
}

/// Days since 1970-01-01. `None`: no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day comes last.
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (153 * from_march + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(field: &str) -> Option<i64> {
        sent_date(field.as_bytes())
    }

    // RFC 5322 appendix A: the examples' Date fields
    #[test]
    fn rfc_examples() {
        assert_eq!(sent("Fri, 21 Nov 1997 09:55:06 -0600"), Some(880_127_706));
        assert_eq!(sent("Fri, 21 Nov 1997 11:00:00 -0600"), Some(880_131_600));
        assert_eq!(sent("Tue, 1 Jul 2003 10:52:37 +0200"), Some(1_057_049_557));
        assert_eq!(
            sent("Thu,\r\n 13\r\n   Feb\r\n     1969\r\n 23:32\r\n  -0330 (Newfoundland Time)"),
            Some(-27_723_480)
        );
        assert_eq!(sent("21 Nov 97 09:55:06 GMT"), Some(880_106_106));
        assert_eq!(sent("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), Some(880_127_706));
    }

    // RFC 5256 section 2.2
    #[test]
    fn what_is_invalid_has_a_default() {
        let midnight = 880_070_400;
        for field in [
            "21 Nov 1997",
            "21 Nov 1997 99:00:00 +0000",
            "21 Nov 1997 noon",
            "Fri 21-Nov-1997",
            "21 Nov 1997 1:2:3:4",
        ] {
            assert_eq!(sent(field), Some(midnight), "{field}");
        }
        for zone in ["", "+0000", "GMT", "UT", "Z", "nonsense", "+99", "+00000", "-0000", "+0099"] {
            assert_eq!(sent(&format!("21 Nov 1997 01:00 {zone}")), Some(midnight + 3600), "{zone}");
        }
        assert_eq!(sent("21 Nov 1997 01:00 EST"), Some(midnight + 6 * 3600));
        assert_eq!(sent("21 Nov 1997 01:00:00.5 +0100"), Some(midnight));
        assert_eq!(sent("21-Nov-1997 01:00:00 -0100"), Some(midnight + 7200));
    }

    #[test]
    fn what_is_no_date() {
        for field in [
            "",
            "yesterday",
            "Fri, Nov 21 1997",
            "32 Jan 2020 00:00",
            "30 Feb 2020",
            "1 Foo 2020",
            "1 Jan 20201",
            "1 Jan",
            "(",
            "((1 Jan 2020",
            "ä",
        ] {
            assert_eq!(sent(field), None, "{field}");
        }
    }

    #[test]
    fn days_follow_one_another() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(1900, 2, 29), None);
        let mut next = days(0, 3, 1).unwrap();
        for (year, month) in (0..3000).flat_map(|year| (1..=12).map(move |month| (year, month))).skip(2) {
            for day in 1..=31 {
                if let Some(number) = days(year, month, day) {
                    assert_eq!(number, next);
                    next += 1;
                }
            }
        }
    }
}
