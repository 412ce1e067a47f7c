//! Sizes as people write them.

use std::fmt;
use std::str::FromStr;

/// A number of octets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    /// `512`, `64 MiB`, `1.5GB`. Units are those of ISO 80000 and IEC 80000-13, in any case; `K`, `M`, `G`, `T` alone
    /// count by 1024.
    fn from_str(text: &str) -> Result<ByteSize, String> {
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let factor = factor(unit.trim()).ok_or_else(|| refusal(text))?;
        octets(number, factor).map(ByteSize).ok_or_else(|| refusal(text))
    }
}

fn factor(unit: &str) -> Option<u64> {
    if unit.is_empty() {
        return Some(1);
    }
    let short = |name: &str| name.len() == 3 && unit.len() == 1 && name[..1].eq_ignore_ascii_case(unit);
    UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit) || short(name)).map(|(_, factor)| *factor)
}

/// `number` times `factor`, exact for whole numbers, cut to whole octets for others.
fn octets(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut octets = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if number.contains('.') {
        let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=9).contains(digits))?;
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / 10u128.pow(digits);
        octets = octets.checked_add(u64::try_from(part).ok()?)?;
    }
    Some(octets)
}

fn refusal(text: &str) -> String {
    format!("{text:?} is no size; write octets (1048576) or a number with a unit such as \"64 MiB\"")
}

/// The largest IEC unit that divides it.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..4].iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match unit {
            Some((name, factor)) => write!(f, "{} {name}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, octets) in [
            ("0", 0),
            ("512", 512),
            ("64 MiB", 67_108_864),
            ("64MiB", 67_108_864),
            ("10 MB", 10_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("2k", 2048),
            ("7 b", 7),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(octets)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "MiB", "-1", "1.", ".5", "1 parsec", "1.2.3", "99999999 TiB", "1 M B"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_the_largest_unit_that_divides() {
        assert_eq!(ByteSize(67_108_864).to_string(), "64 MiB");
        assert_eq!(ByteSize(1_610_612_736).to_string(), "1536 MiB");
        assert_eq!(ByteSize(1001).to_string(), "1001");
        assert_eq!(ByteSize(0).to_string(), "0");
    }
}
