//! When to ask for a certificate.

use std::time::Duration;

use common::tls::Validity;

/// At least so often the file is looked at: an administrator may have put another one there, and clocks are set.
pub(crate) const LOOK: Duration = Duration::from_secs(12 * 60 * 60);

/// The first try after a failure, and the longest wait. Let's Encrypt allows five failures an hour for a name.
const FIRST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Zero: now. Else after two thirds of the certificate's life.
pub(crate) fn due(validity: &Validity, domains: &[String], now: i64) -> Duration {
    let has = |domain: &String| validity.names.contains(&domain.to_ascii_lowercase());
    if validity.self_signed || !domains.iter().all(has) || validity.names.len() != domains.len() {
        return Duration::ZERO;
    }
    let life = validity.until.saturating_sub(validity.from).max(0);
    let renewal = validity.from.saturating_add(life / 3 * 2);
    Duration::from_secs(u64::try_from(renewal.saturating_sub(now)).unwrap_or(0))
}

pub(crate) fn back_off(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(names: &[&str], self_signed: bool) -> Validity {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Validity { names, from: 1000, until: 1090, self_signed }
    }

    fn domains(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn two_thirds_of_the_life() {
        let names = ["mail.example.org", "imap.example.org"];
        let due =
            |now| due(&validity(&names, false), &domains(&["IMAP.example.org", "mail.example.org"]), now);
        assert_eq!(due(1000), Duration::from_secs(60));
        assert_eq!(due(1059), Duration::from_secs(1));
        for now in [1060, 1090, 5000, i64::MAX] {
            assert_eq!(due(now), Duration::ZERO);
        }
        // A clock that is behind does not lead to a try each day.
        assert_eq!(due(0), Duration::from_secs(1060));
    }

    #[test]
    fn at_once_for_other_names_and_for_a_self_signed_one() {
        let mail = validity(&["mail.example.org"], false);
        for names in [&["mail.example.com"][..], &["mail.example.org", "imap.example.org"], &[]] {
            assert_eq!(due(&mail, &domains(names), 1000), Duration::ZERO, "{names:?}");
        }
        let own = validity(&["mail.example.org"], true);
        assert_eq!(due(&own, &domains(&["mail.example.org"]), 1000), Duration::ZERO);
    }

    #[test]
    fn later_and_later() {
        let minutes: Vec<u64> = (1..9).map(|failures| back_off(failures).as_secs() / 60).collect();
        assert_eq!(minutes, [15, 30, 60, 120, 240, 480, 720, 720]);
        assert_eq!(back_off(u32::MAX), LONGEST);
    }
}
