//! Messages of another server on their way to the running server: read where the command runs, stored by the server.

use migrate::{Batch, Error, Opened, Opening, Put, Sink};
use serde::{Deserialize, Serialize};
use store::{AccountName, Store};

use crate::outcome::Outcome;
use crate::{Client, ClientError, Failure, Kind, Operation};

/// The header that carries the [`Place`] as JSON.
pub(crate) const HEADER: &str = "restante-import";

/// Where they go.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    account: AccountName,
    mailbox: String,
}

/// An account of the running server.
pub struct Remote<'a> {
    pub client: &'a Client,
    pub account: AccountName,
}

impl Sink for Remote<'_> {
    fn open(&mut self, opening: &Opening) -> migrate::Result<Option<Opened>> {
        let operation = Operation::ImportOpen { account: self.account.clone(), opening: opening.clone() };
        match self.client.run(&operation, &|_| {}).map_err(refused)? {
            Outcome::ImportOpened { opened } => Ok(opened),
            _ => Err(strange()),
        }
    }

    fn put(&mut self, batch: Batch) -> migrate::Result<Vec<Put>> {
        let octets = batch.encode(|meta| serde_json::to_vec(meta).ok()).ok_or_else(strange)?;
        let place = Place { account: self.account.clone(), mailbox: batch.mailbox };
        let place = serde_json::to_string(&place).map_err(|_| strange())?;
        match self.client.import(&place, octets).map_err(refused)? {
            Outcome::ImportPut { puts } => Ok(puts),
            _ => Err(strange()),
        }
    }
}

fn refused(error: ClientError) -> Error {
    Error::Sink(error.to_string())
}

fn strange() -> Error {
    Error::Sink("the server answered something else\n  Use the same version for both.".to_owned())
}

/// The server's side. Blocks.
pub(crate) fn store(store: &Store, place: Place, octets: &[u8]) -> Result<Vec<Put>, Failure> {
    let batch = Batch::decode(place.mailbox, octets, |meta| serde_json::from_slice(meta).ok());
    let batch = batch.ok_or_else(|| {
        Failure::new(Kind::Invalid, "these are no messages of an import", "Use the same version for both.")
    })?;
    migrate::receive::put(store, &place.account, batch).map_err(Failure::from)
}
