//! Whose an address is: sub-mailbox addressing (RFC 5233), with separators of the site's choice, and aliases.

use super::Directory;
use crate::*;

/// Separators beyond these are not tried: each costs some look-ups.
const SEPARATORS_MAX: usize = 8;

/// An account that mail belongs to, and the mailbox that the address names. `None` for the mailbox: INBOX, also when the
/// address names one that no mailbox may be called.
pub type Owner = (AccountRecord, Option<MailboxName>);

impl Directory {
    /// The accounts that mail to `local@domain` belongs to: one, or those of an alias. Empty: nobody. `domain` may be empty.
    ///
    /// An account of exactly this name comes first, then an alias, both with the domain before those without. Then the last
    /// separator splits: with `-`, `mr-fred-accounts` is the mailbox `accounts` of `mr-fred`. Of different separators each
    /// may split at its last occurrence, the one furthest right first: `fred+to-do` is `to-do` of `fred` unless there is a
    /// `fred+to`. What is nobody's by all this belongs to the catch-all `@domain`, if there is one.
    pub fn resolve(&self, local: &str, domain: &str, separators: &[char]) -> Result<Vec<Owner>> {
        let whole = self.find_address(local, domain)?;
        if !whole.is_empty() {
            return Ok(owners(whole, None));
        }
        for (user, detail) in splits(local, separators) {
            let found = self.find_address(user, domain)?;
            if !found.is_empty() {
                return Ok(owners(found, MailboxName::new(detail).ok()));
            }
        }
        if local.is_empty() {
            return Ok(Vec::new());
        }
        Ok(owners(self.find_alias(&format!("@{domain}"))?, None))
    }

    fn find_address(&self, local: &str, domain: &str) -> Result<Vec<AccountRecord>> {
        let with_domain = if domain.is_empty() { None } else { Some(format!("{local}@{domain}")) };
        for text in with_domain.as_deref().into_iter().chain([local]) {
            // What cannot be an account's name is nobody's.
            let Ok(name) = AccountName::new(text) else { continue };
            if let Some(record) = self.find(&name)? {
                return Ok(vec![record]);
            }
            let accounts = self.find_alias(text)?;
            if !accounts.is_empty() {
                return Ok(accounts);
            }
        }
        Ok(Vec::new())
    }

    /// The alias's accounts, by their ids. One that is deleted at this moment is left out.
    fn find_alias(&self, name: &str) -> Result<Vec<AccountRecord>> {
        let Ok(name) = AliasName::new(name) else { return Ok(Vec::new()) };
        let Some(alias) = self.alias(&name)? else { return Ok(Vec::new()) };
        let account = |id| self.find_by_id(AccountId(id)).transpose();
        alias.accounts.into_iter().filter_map(account).collect()
    }
}

fn owners(accounts: Vec<AccountRecord>, mailbox: Option<MailboxName>) -> Vec<Owner> {
    accounts.into_iter().map(|account| (account, mailbox.clone())).collect()
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
