//! The day that a Date field names, for SENTBEFORE, SENTON and SENTSINCE: time and zone are disregarded.

use common::time;

use crate::date::Date;

/// `[day-name ","] day month year` of RFC 5322 section 3.3, with the obsolete years of section 4.3 and comments anywhere.
/// `None`: there is no date in it.
pub fn sent_date(field: &[u8]) -> Option<Date> {
    let text = without_comments(field);
    let text = match text.iter().position(|&octet| octet == b',') {
        Some(comma) => &text[comma + 1..],
        None => &text[..],
    };
    let words =
        text.split(|octet| octet.is_ascii_whitespace() || *octet == b'-').filter(|word| !word.is_empty());
    // A day name without its comma is seen in the wild.
    let mut words = words.skip_while(|word| !word[0].is_ascii_digit());
    let day = number(words.next()?, 2)?;
    // The whole name of the month is seen in the wild.
    let month = time::month(words.next()?.get(..3)?)?;
    Date::new(year(words.next()?)?, month, day)
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
            octet => text.push(octet),
        }
        if matches!(octet, b'(' | b')') {
            text.push(b' ');
        }
    }
    text
}

/// RFC 5322 section 4.3: two digits from 50 on, and three, count from 1900, two below 50 from 2000.
fn year(word: &[u8]) -> Option<i64> {
    let year = number(word, 4)?;
    Some(match word.len() {
        4 => year,
        3 => 1900 + year,
        _ if year >= 50 => 1900 + year,
        _ => 2000 + year,
    })
}

fn number(word: &[u8], most: usize) -> Option<i64> {
    if word.is_empty() || word.len() > most {
        return None;
    }
    word.iter()
        .try_fold(0, |number, octet| octet.is_ascii_digit().then(|| number * 10 + i64::from(octet - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(field: &str) -> Option<(i64, i64, i64)> {
        sent_date(field.as_bytes()).map(Date::civil)
    }

    // RFC 5322 appendix A: the examples' Date fields
    #[test]
    fn rfc_examples() {
        assert_eq!(civil("Fri, 21 Nov 1997 09:55:06 -0600"), Some((1997, 11, 21)));
        assert_eq!(civil("Tue, 1 Jul 2003 10:52:37 +0200"), Some((2003, 7, 1)));
        assert_eq!(
            civil("Thu,\r\n 13\r\n   Feb\r\n     1969\r\n 23:32\r\n  -0330 (Newfoundland Time)"),
            Some((1969, 2, 13))
        );
        assert_eq!(civil("21 Nov 97 09:55:06 GMT"), Some((1997, 11, 21)));
        assert_eq!(civil("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), Some((1997, 11, 21)));
    }

    #[test]
    fn time_and_zone_are_disregarded() {
        assert_eq!(civil("Mon, 7 Feb 1994 23:59:60 -0800"), Some((1994, 2, 7)));
        assert_eq!(civil("7 Feb 1994"), Some((1994, 2, 7)));
        assert_eq!(civil("(Mon) Monday 7-February-1994 1:2"), Some((1994, 2, 7)));
    }

    #[test]
    fn what_is_no_date() {
        for field in [
            "",
            "yesterday",
            "Fri, Nov 21 1997",
            "32 Jan 2020 00:00",
            "1 Foo 2020",
            "1 Jan 20201",
            "1 Jan",
            "(",
            "((((1 Jan 2020",
        ] {
            assert_eq!(civil(field), None, "{field}");
        }
    }
}
