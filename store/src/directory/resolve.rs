//! Whose an address is: sub-mailbox addressing (RFC 5233), with separators of the site's choice.

use super::Directory;
use crate::*;

/// Separators beyond these are not tried: each costs two look-ups.
const SEPARATORS_MAX: usize = 8;

impl Directory {
    /// The account that mail to `local@domain` belongs to, and the mailbox that the address names. `None` for the
    /// mailbox: INBOX, also when it names one that no mailbox may be called. `domain` may be empty.
    ///
    /// An account of exactly this name, with or without the domain, comes first. Then the last separator splits:
    /// with `-`, `mr-fred-accounts` is the mailbox `accounts` of `mr-fred`. Of different separators each may split at
    /// its last occurrence, the one furthest right first: `fred+to-do` is `to-do` of `fred` unless there is a `fred+to`.
    pub fn resolve(
        &self,
        local: &str,
        domain: &str,
        separators: &[char],
    ) -> Result<Option<(AccountRecord, Option<MailboxName>)>> {
        if let Some(record) = self.find_address(local, domain)? {
            return Ok(Some((record, None)));
        }
        for (user, detail) in splits(local, separators) {
            if let Some(record) = self.find_address(user, domain)? {
                return Ok(Some((record, MailboxName::new(detail).ok())));
            }
        }
        Ok(None)
    }

    fn find_address(&self, local: &str, domain: &str) -> Result<Option<AccountRecord>> {
        let with_domain = if domain.is_empty() { None } else { Some(format!("{local}@{domain}")) };
        for name in with_domain.as_deref().into_iter().chain([local]) {
            // What cannot be an account's name is nobody's.
            let Ok(name) = AccountName::new(name) else { continue };
            if let Some(record) = self.find(&name)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// User and detail, for each separator at its last occurrence, from the right.
fn splits<'a>(local: &'a str, separators: &[char]) -> Vec<(&'a str, &'a str)> {
    let mut places: Vec<(usize, char)> = separators
        .iter()
        .take(SEPARATORS_MAX)
        .filter_map(|&separator| local.rfind(separator).map(|at| (at, separator)))
        .collect();
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.dedup();
    let split = |(at, separator): (usize, char)| (&local[..at], &local[at + separator.len_utf8()..]);
    places.into_iter().map(split).filter(|(user, _)| !user.is_empty()).collect()
}
