//! Quota roots: one an account, named `#user/` and the account's name. RFC 9208 section 3.2
//!
//! - Usage and limits are the store's own, those that APPEND, COPY and delivery are held against.
//! - A root is shown to its owner and to administrators. To others it does not exist.
//! - STORAGE is told in units of 1024 octets, usage and limit rounded up, so that who is within the limit is seen to be.

use common::block;
use store::{Account, AccountName, Limits, Usage};

use crate::error::Error;
use crate::response::{Code, Writer};
use crate::session::{Session, User};

/// Octets of a unit of STORAGE. RFC 9208 section 5.1
pub const UNIT: u64 = 1024;

const PREFIX: &str = "#user/";

/// A row of [`RESOURCES`]. RFC 9208 section 5
pub struct Resource {
    pub name: &'static str,
    usage: fn(Usage) -> u64,
    /// 0: none.
    limit: fn(Limits) -> u64,
    /// Sets it, in the resource's own unit.
    pub set: fn(&mut Limits, u64),
}

#[rustfmt::skip]
pub static RESOURCES: &[Resource] = &[
    Resource {
        name: "STORAGE",
        usage: |usage| usage.bytes.div_ceil(UNIT),
        limit: |limits| limits.bytes.div_ceil(UNIT),
        set: |limits, value| limits.bytes = value.saturating_mul(UNIT),
    },
    Resource {
        name: "MESSAGE",
        usage: |usage| usage.messages,
        limit: |limits| limits.messages,
        set: |limits, value| limits.messages = value,
    },
    Resource {
        name: "MAILBOX",
        usage: |usage| usage.mailboxes.into(),
        limit: |limits| limits.mailboxes,
        set: |limits, value| limits.mailboxes = value,
    },
];

/// The root's name.
pub fn root(account: &Account) -> String {
    format!("{PREFIX}{}", account.name())
}

/// The account whose root has this name. One that is absent and one that is not shown get the same answer.
pub fn account(session: &Session, root: &str) -> Result<Account, Error> {
    let user = session.user()?;
    let own = self::root(&user.account) == root;
    if own {
        return Ok(user.account.clone());
    }
    let administrator = is_administrator(session, user)?;
    let name = root.strip_prefix(PREFIX).and_then(|name| AccountName::new(name).ok());
    match name.filter(|_| administrator).map(|name| block(|| session.service.store.account(&name))) {
        Some(Ok(account)) => Ok(account),
        None | Some(Err(store::Error::NoSuchAccount(_))) => Err(no_root()),
        Some(Err(error)) => Err(error.into()),
    }
}

/// For a root that is absent, that is not shown, and that limits nothing.
pub fn no_root() -> Error {
    Error::no(Code::NonExistent, "There is no such quota root; GETQUOTAROOT INBOX names yours")
}

/// As the directory has it now, so that the role can be taken away.
pub fn is_administrator(session: &Session, user: &User) -> Result<bool, Error> {
    let record = block(|| session.service.store.directory().find(user.account.name()))?;
    Ok(record.is_some_and(|record| record.administrator))
}

/// Whether there is a limit, and so a root: QUOTA has no form for a root without resources. RFC 9208 section 7
pub fn is_limited(account: &Account) -> Result<bool, Error> {
    Ok(limited(block(|| account.limits())?).next().is_some())
}

/// `* QUOTA root (resource usage limit ...)`: what has no limit is not named. RFC 9208 section 4.2.1
pub fn write(session: &mut Session, account: &Account) -> Result<(), Error> {
    let (usage, limits) = block(|| Ok::<_, Error>((account.usage()?, account.limits()?)))?;
    write_response(&mut session.writer(), &root(account), usage, limits);
    Ok(())
}

fn limited(limits: Limits) -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(move |resource| (resource.limit)(limits) > 0)
}

fn write_response(out: &mut Writer<'_>, root: &str, usage: Usage, limits: Limits) {
    for (index, resource) in limited(limits).enumerate() {
        if index == 0 {
            out.raw("* QUOTA ").string(root.as_bytes());
        }
        let gap = if index == 0 { " (" } else { " " };
        let (usage, limit) = ((resource.usage)(usage), (resource.limit)(limits));
        out.show(format_args!("{gap}{} {usage} {limit}", resource.name));
    }
    if limited(limits).next().is_some() {
        out.raw(")\r\n");
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn written(usage: Usage, limits: Limits) -> String {
        let mut out = BytesMut::new();
        write_response(&mut Writer::new(&mut out), "#user/alice", usage, limits);
        String::from_utf8(out.to_vec()).unwrap()
    }

    // RFC 9208 section 4.2.1, section 5.1
    #[test]
    fn only_limited_resources_are_named() {
        let usage = Usage { bytes: 10 * 1024 - 1, messages: 42, mailboxes: 6 };
        assert_eq!(written(usage, Limits::default()), "");
        let limits = Limits { bytes: 512 * 1024, messages: 1000, mailboxes: 0 };
        let expected = "* QUOTA \"#user/alice\" (STORAGE 10 512 MESSAGE 42 1000)\r\n";
        assert_eq!(written(usage, limits), expected);
        let limits = Limits { bytes: 0, messages: 0, mailboxes: 20 };
        assert_eq!(written(usage, limits), "* QUOTA \"#user/alice\" (MAILBOX 6 20)\r\n");
    }

    #[test]
    fn who_is_within_the_limit_is_seen_to_be() {
        let limits = Limits { bytes: 1500, messages: 0, mailboxes: 0 };
        let usage = Usage { bytes: 1400, messages: 1, mailboxes: 1 };
        assert_eq!(written(usage, limits), "* QUOTA \"#user/alice\" (STORAGE 2 2)\r\n");
    }
}
