//! Times as people write them.

use std::time::Duration;

const UNITS: [(&str, u64); 6] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1), ("", 1)];

/// `90`, `30s`, `5m`, `14d`, `1h 30m`. Without a unit: seconds.
pub fn parse(text: &str) -> Result<Duration, String> {
    let refusal =
        || format!("{text:?} is no time; write a number with s, m, h or d, such as \"30s\" or \"14d\"");
    let mut rest = text.trim();
    let mut seconds = 0u64;
    let mut any = false;
    while !rest.is_empty() {
        let (part, tail) = part(rest).ok_or_else(refusal)?;
        seconds = seconds.checked_add(part).ok_or_else(refusal)?;
        rest = tail.trim_start();
        any = true;
    }
    any.then(|| Duration::from_secs(seconds)).ok_or_else(refusal)
}

/// One number and its unit, and what follows.
fn part(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some((number.parse::<u64>().ok()?.checked_mul(*factor)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("90", 90),
            ("30s", 30),
            ("5m", 300),
            ("12 h", 43_200),
            ("14d", 1_209_600),
            ("1h 30m", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", " ", "d", "-1s", "1.5h", "3 fortnights", "99999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
