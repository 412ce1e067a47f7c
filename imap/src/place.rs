//! What a mailbox's name stands for, with the rights that this user has there.
//!
//! Rule: what the user may not know of is answered as what does not exist, in the same words and after the same look-ups
//! (RFC 4314 section 6).

use common::block;
use store::{Account, Mailbox, MailboxName, Rights};

use crate::error::Error;
use crate::name::{canonical, encode};
use crate::response::Code;
use crate::session::User;
use crate::sharing::{Located, Namespace};

/// What a name stands for, whether or not there is such a mailbox.
#[derive(Clone)]
pub struct Place {
    /// Whose mailbox it is or would be. The user's own where there is no such account, and then without any right.
    pub account: Account,
    /// The mailbox's name in that account.
    pub name: MailboxName,
    /// As this user calls it.
    pub shown: MailboxName,
    pub namespace: Namespace,
    /// All where the user owns what is not there yet; none where he may not know of it.
    pub rights: Rights,
    mailbox: Option<Mailbox>,
    is_owner: bool,
    /// There is such an account, and the name is one of a mailbox.
    is_reachable: bool,
}

/// The place that a decoded name (see [`crate::syntax::Parser::mailbox`]) means to this user.
pub fn resolve(user: &User, name: &str) -> Result<Place, Error> {
    let name = canonical(name);
    let Located { namespace, owner, rest } = locate(user, &name)?;
    let invalid = |why: store::InvalidName| Error::no(Code::Cannot, why.to_string());
    // A level that holds others' mailboxes is none itself.
    let (own, exists) = if rest.is_empty() { (&*name, false) } else { (rest, true) };
    let own = MailboxName::new(own).map_err(invalid)?;
    let shown = own.under(&name[..name.len() - rest.len()]);
    let shown = if exists { shown } else { own.clone() };
    let account = match owner {
        None => Some(user.account.clone()),
        Some(Ok(owner)) => block(|| found(user.service.store.account(&owner)))?,
        Some(Err(())) => None,
    };
    // Nobody's mailbox is looked for, too: absence takes as long as presence.
    let looked_in = account.as_ref().unwrap_or(&user.account);
    let found = block(|| looked_in.mailbox_with_acl(&own))?;
    let is_owner = account.as_ref().is_some_and(|account| account.id() == user.account.id());
    let is_reachable = account.is_some() && exists;
    let found = found.filter(|_| is_reachable);
    let absent = if is_owner && exists { Rights::ALL } else { Rights::NONE };
    let rights =
        found.as_ref().map_or(absent, |(mailbox, acl)| user.rights(mailbox.account(), acl.as_deref()));
    let rights = if rights.shows_existence() { rights } else { Rights::NONE };
    let mailbox = found.map(|(mailbox, _)| mailbox).filter(|_| !rights.is_empty());
    let account = account.unwrap_or_else(|| user.account.clone());
    Ok(Place { account, name: own, shown, namespace, rights, mailbox, is_owner, is_reachable })
}

/// What a name means to this user. A mailbox of his own is his, even where its name is now one of a namespace.
fn locate<'n>(user: &User, name: &'n str) -> Result<Located<'n>, Error> {
    let located = user.sharing().locate(name);
    if located.namespace == Namespace::Personal {
        return Ok(located);
    }
    let Ok(own) = MailboxName::new(name) else { return Ok(located) };
    let is_own = block(|| user.account.mailbox_with_acl(&own))?.is_some();
    Ok(if is_own { Located { namespace: Namespace::Personal, owner: None, rest: name } } else { located })
}

/// An account, if there is one.
fn found(account: store::Result<Account>) -> Result<Option<Account>, Error> {
    match account {
        Ok(account) => Ok(Some(account)),
        Err(store::Error::NoSuchAccount(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Place {
    /// The mailbox. NO [NONEXISTENT] where there is none that the user may know of.
    pub fn mailbox(&self) -> Result<Mailbox, Error> {
        self.mailbox.clone().ok_or_else(|| self.absent())
    }

    fn absent(&self) -> Error {
        Error::no(Code::NonExistent, format!("no mailbox {}", encode(self.shown.as_str())))
    }

    /// The mailbox as the target of APPEND, COPY or MOVE. NO [TRYCREATE] where there is none.
    pub fn target(&self) -> Result<Mailbox, Error> {
        let mailbox = self.mailbox().map_err(Error::or_try_create)?;
        self.require(Rights::INSERT)?;
        Ok(mailbox)
    }

    /// RFC 5530 section 3: NOPERM, and NONEXISTENT where the user may not know more.
    pub fn require(&self, rights: Rights) -> Result<(), Error> {
        if self.rights.contains(rights) {
            return Ok(());
        }
        if self.mailbox.is_none() {
            return Err(self.absent());
        }
        Err(refusal(&self.shown, self.rights))
    }

    /// The right to make a mailbox of this name: `k` in the nearest one above. RFC 4314 section 4, CREATE
    pub fn require_create(&self, user: &User) -> Result<(), Error> {
        let above = block(|| self.account.parent_with_acl(&self.name))?;
        let may = self.is_reachable
            && above.map_or(self.is_owner, |(parent, acl)| {
                user.rights(parent.account(), acl.as_deref()).contains(Rights::CREATE)
            });
        if may {
            return Ok(());
        }
        let name = encode(self.shown.as_str());
        let sharing = user.sharing();
        let (public, other) = (encode(&sharing.public_namespace), encode(&sharing.other_namespace));
        let text = match self.namespace {
            Namespace::Personal => format!("You have no right to create {name}"),
            Namespace::Public => {
                format!("You have no right to create {name}: what is below {public} is public")
            }
            Namespace::Other => {
                format!("You have no right to create {name}: what is below {other} belongs to others")
            }
        };
        Err(Error::no(Code::NoPerm, text))
    }

    /// The right to read, and the subscription that the site may ask for.
    pub fn require_readable(&self, user: &User) -> Result<Mailbox, Error> {
        let mailbox = self.mailbox()?;
        self.require(Rights::READ)?;
        let asks = user.sharing().asks_subscription(self.namespace, &self.shown);
        if !asks || block(|| user.account.is_subscribed(&self.shown))? {
            return Ok(mailbox);
        }
        let name = encode(self.shown.as_str());
        let text = format!(
            "{name} can be read once it is subscribed: subscribe to it in your mail program (SUBSCRIBE), or ask the administrator"
        );
        Err(Error::no(Code::NoPerm, text))
    }
}

/// NO, with the name and what the user may do.
pub fn refusal(shown: &MailboxName, rights: Rights) -> Error {
    let name = encode(shown.as_str());
    let letters = rights.letters();
    let text = if rights.is_read_only() {
        format!("{name} is read-only for you: your rights are {letters}")
    } else {
        format!("You have no right to do that in {name}: your rights are {letters}")
    };
    Error::no(Code::NoPerm, text)
}
