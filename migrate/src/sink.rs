//! Where messages go: the store, opened by the command itself, or a running server.

use store::{AccountName, Store};

use crate::{Batch, Error, Opened, Opening, Put, Result, receive};

/// Takes messages for one account.
pub trait Sink {
    /// Makes the mailbox if it is missing and looks what is in it. `None`: it is missing, and only a look was asked for.
    fn open(&mut self, opening: &Opening) -> Result<Option<Opened>>;

    /// Each message by itself is stored or refused; an error means that none of them was stored.
    fn put(&mut self, batch: Batch) -> Result<Vec<Put>>;
}

/// A store that this process has open.
pub struct Direct<'a> {
    pub store: &'a Store,
    pub account: AccountName,
}

impl Sink for Direct<'_> {
    fn open(&mut self, opening: &Opening) -> Result<Option<Opened>> {
        receive::open(self.store, &self.account, opening).map_err(Error::from)
    }

    fn put(&mut self, batch: Batch) -> Result<Vec<Put>> {
        receive::put(self.store, &self.account, batch).map_err(Error::from)
    }
}
