//! Whose mailboxes a user meets, and what he may do there: the namespaces (RFC 2342) and the access control lists (RFC 4314).
//!
//! - A name's first level says the namespace: `Public/...` is the public account's, `Other Users/NAME/...` another user's,
//!   all else is the user's own. Both words are settings.
//! - Rights are computed here and nowhere else.

use store::{Account, AccountName, Acl, MailboxInfo, MailboxName, Rights, Who};

use crate::pattern::Patterns;
use crate::session::User;

/// Settings of public and shared mailboxes.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// The account whose mailboxes everybody sees. `None`: there is none.
    pub public_account: Option<AccountName>,
    /// The first level of the names of its mailboxes.
    pub public_namespace: String,
    /// The first level of the names of other users' mailboxes. Empty: they are not reached.
    pub other_namespace: String,
    /// Private mailboxes but INBOX must be subscribed before they can be read.
    pub private_requires_subscription: bool,
    /// Public mailboxes must be subscribed before they can be read.
    pub public_requires_subscription: bool,
}

impl Default for Sharing {
    fn default() -> Sharing {
        Sharing {
            public_account: AccountName::new("public").ok(),
            public_namespace: "Public".into(),
            other_namespace: "Other Users".into(),
            private_requires_subscription: false,
            public_requires_subscription: false,
        }
    }
}

/// Where a mailbox's name belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    Personal,
    Other,
    Public,
}

/// A name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Located<'n> {
    pub namespace: Namespace,
    /// `None`: the user himself. An error: nobody can be called so.
    pub owner: Option<Result<AccountName, ()>>,
    /// The name in the owner's account; empty where only the levels above it are named.
    pub rest: &'n str,
}

impl Sharing {
    /// What a name means. It is in the form of [`crate::name::canonical`].
    pub fn locate<'n>(&self, name: &'n str) -> Located<'n> {
        if let Some(rest) = self.public_account.as_ref().and_then(|_| below(name, &self.public_namespace)) {
            let owner = self.public_account.clone().map(Ok);
            return Located { namespace: Namespace::Public, owner, rest };
        }
        if let Some(rest) = below(name, &self.other_namespace).filter(|_| self.has_others()) {
            let (owner, rest) = rest.split_once(MailboxName::SEPARATOR).unwrap_or((rest, ""));
            let owner = Some(AccountName::new(owner).map_err(|_| ()));
            return Located { namespace: Namespace::Other, owner, rest };
        }
        Located { namespace: Namespace::Personal, owner: None, rest: name }
    }

    pub fn has_others(&self) -> bool {
        !self.other_namespace.is_empty()
    }

    /// The public account's mailboxes are the shared ones; for himself they are his own.
    pub fn is_public(&self, account: &AccountName) -> bool {
        self.public_account.as_ref() == Some(account)
    }

    /// Whether a mailbox must be subscribed before it can be read; the name is as the user has it.
    pub fn asks_subscription(&self, namespace: Namespace, shown: &MailboxName) -> bool {
        match namespace {
            Namespace::Public => self.public_requires_subscription,
            Namespace::Other => self.private_requires_subscription,
            // INBOX can always be read.
            Namespace::Personal => self.private_requires_subscription && !shown.is_inbox(),
        }
    }

    /// The list of a mailbox that has none.
    pub fn default_acl(&self, account: &AccountName) -> Acl {
        if self.is_public(account) { Acl::public() } else { Acl::default() }
    }

    /// What stands before the names of an account's mailboxes when others name them, with the separator.
    pub fn prefix(&self, account: &AccountName) -> String {
        let separator = MailboxName::SEPARATOR;
        if self.is_public(account) {
            return format!("{}{separator}", self.public_namespace);
        }
        format!("{}{separator}{account}{separator}", self.other_namespace)
    }
}

/// What stands below this first level; `None`: the name is not there.
fn below<'n>(name: &'n str, level: &str) -> Option<&'n str> {
    let rest = name.strip_prefix(level)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix(MailboxName::SEPARATOR) }
}

impl User {
    pub fn sharing(&self) -> &Sharing {
        &self.service.options.sharing
    }

    /// What this user may do in a mailbox of the account that has this list.
    pub fn rights(&self, owner: &Account, acl: Option<&Acl>) -> Rights {
        if acl.is_none() && owner.id() == self.account.id() {
            return Rights::ALL;
        }
        let groups = self.service.store.directory().groups_of(self.account.id());
        let who = Who { account: self.account.id(), groups: &groups };
        match acl {
            Some(acl) => acl.rights(owner.id(), who),
            None => self.sharing().default_acl(owner.name()).rights(owner.id(), who),
        }
    }

    /// The public account, where there is one and it is not this user.
    pub fn public(&self) -> Result<Option<Account>, store::Error> {
        let Some(name) = self.sharing().public_account.as_ref() else { return Ok(None) };
        match self.service.store.account(name) {
            Ok(account) => Ok(Some(account).filter(|account| account.id() != self.account.id())),
            Err(store::Error::NoSuchAccount(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The mailboxes that LIST may show the user, by the names that he has for them, with his rights. Other namespaces are
/// looked at only where the patterns reach them.
pub fn visible(user: &User, patterns: &Patterns) -> Result<Vec<(MailboxInfo, Rights)>, store::Error> {
    let mut visible = Vec::new();
    let sharing = user.sharing();
    if let Some(public) = user.public()?
        && patterns.reach(&sharing.public_namespace)
    {
        add(&mut visible, user, &public, public.mailboxes()?);
    }
    if sharing.has_others() && patterns.reach(&sharing.other_namespace) {
        add_others(&mut visible, user)?;
    }
    // Last, so that an own mailbox whose name became one of a namespace is seen as what it is.
    add(&mut visible, user, &user.account, user.account.mailboxes()?);
    Ok(visible)
}

/// Those of other users that are shared with this one.
fn add_others(visible: &mut Vec<(MailboxInfo, Rights)>, user: &User) -> Result<(), store::Error> {
    let store = &user.service.store;
    let groups = store.directory().groups_of(user.account.id());
    for (owner, ids) in store.shared_with(Who { account: user.account.id(), groups: &groups })? {
        match store.account_by_id(owner) {
            Ok(owner) if owner.id() == user.account.id() || user.sharing().is_public(owner.name()) => {}
            Ok(owner) => add(visible, user, &owner, owner.some_mailboxes(&ids)?),
            // What was there is being deleted.
            Err(store::Error::NoSuchAccount(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Adds the mailboxes of an account that the user may see.
fn add(visible: &mut Vec<(MailboxInfo, Rights)>, user: &User, owner: &Account, mailboxes: Vec<MailboxInfo>) {
    let is_own = owner.id() == user.account.id();
    let prefix = if is_own { String::new() } else { user.sharing().prefix(owner.name()) };
    for mut info in mailboxes {
        let rights = user.rights(owner, info.acl.as_deref());
        if rights.contains(Rights::LOOKUP) {
            if !is_own {
                info.name = info.name.under(&prefix);
                // RFC 6154 section 2: a program would put its drafts into somebody else's Drafts.
                info.special_use = None;
            }
            visible.push((info, rights));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_says_the_namespace() {
        let sharing = Sharing::default();
        let at = |name: &'static str| {
            let Located { namespace, owner, rest } = sharing.locate(name);
            (namespace, owner.map(|owner| owner.map_or("?".into(), |name| name.to_string())), rest)
        };
        assert_eq!(at("INBOX"), (Namespace::Personal, None, "INBOX"));
        assert_eq!(at("Publications/x"), (Namespace::Personal, None, "Publications/x"));
        assert_eq!(at("Public/News/x"), (Namespace::Public, Some("public".into()), "News/x"));
        assert_eq!(at("Public"), (Namespace::Public, Some("public".into()), ""));
        assert_eq!(at("Other Users/Al@x.test/INBOX"), (Namespace::Other, Some("al@x.test".into()), "INBOX"));
        assert_eq!(at("Other Users/al"), (Namespace::Other, Some("al".into()), ""));
        assert_eq!(at("Other Users/a b/c"), (Namespace::Other, Some("?".into()), "c"));
        assert_eq!(at("Other Users"), (Namespace::Other, Some("?".into()), ""));
    }

    #[test]
    fn what_is_turned_off_is_the_users_own() {
        let sharing = Sharing { public_account: None, other_namespace: String::new(), ..Sharing::default() };
        for name in ["Public/x", "Other Users/x/y", "/x"] {
            assert_eq!(sharing.locate(name).namespace, Namespace::Personal, "{name}");
        }
    }
}
