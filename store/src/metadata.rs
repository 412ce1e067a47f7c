//! Annotations (RFC 5464): those of a mailbox, those that a user keeps on the server, and those of the whole site.
//!
//! Entry names come in lower case, begin with `/private/` or `/shared/` and are compared octet by octet.

use std::ops::ControlFlow;

use crate::engine::{KeyRange, Table};
use crate::schema::{self, MetadataKey};
use crate::verbs::metadata;
use crate::*;

/// How much one user may keep in one account, or the site may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataLimits {
    pub entries: u64,
    /// Of names and values together.
    pub octets: u64,
}

/// Names and values, sorted by name.
pub type Metadata = Vec<(String, Vec<u8>)>;

impl Account {
    /// What is shared and what is `user`'s own, of a mailbox; without one what the account keeps on the server.
    pub fn metadata(&self, mailbox: Option<MailboxId>, user: AccountId) -> Result<Metadata> {
        let read = self.shard().read()?;
        let mut found = Metadata::new();
        let place = schema::mailbox_key(self.id(), mailbox.unwrap_or(MailboxId(0)));
        for of in [0, user.0] {
            let prefix = [&place[..], &of.to_be_bytes()].concat();
            read.scan(Table::Metadata, KeyRange::prefix(&prefix), &mut |key, value| {
                found.push((MetadataKey::of(key)?.entry.to_owned(), value.to_vec()));
                Ok(ControlFlow::Continue(()))
            })?;
        }
        found.sort();
        Ok(found)
    }

    /// Sets (`Some`) or removes (`None`) entries; all or none. [`Error::Limit`] when it would be too much.
    pub fn set_metadata(
        &self,
        mailbox: Option<MailboxId>,
        user: AccountId,
        changes: Vec<(String, Option<Vec<u8>>)>,
        limits: MetadataLimits,
    ) -> Pending<()> {
        let account = self.id();
        self.shard().write(move |batch| metadata::set(batch, (account, mailbox), user, &changes, limits))
    }
}
