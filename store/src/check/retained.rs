//! Retained messages and the index by their old UIDs, both ways.

use std::collections::HashMap;

use super::{Check, hex};
use crate::engine::{KeyRange, Table};
use crate::schema::{self, RetainedRow};
use crate::*;

impl Check<'_> {
    pub(super) fn check_retained(&mut self) -> Result<()> {
        let mut retained: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        self.rows(Table::Retained, KeyRange::all(), |check, key, octets| {
            let place = || format!("retained message {}", hex(key));
            let row = match RetainedRow::decode(octets) {
                Ok(row) => row,
                Err(error) => {
                    check.found(place(), error.to_string());
                    return Ok(());
                }
            };
            check.refer(row.message.body, place);
            let by_uid = schema::message_key(row.mailbox, row.uid);
            let (_, moment) = key.split_at(4.min(key.len()));
            retained.insert(by_uid.to_vec(), moment.to_vec());
            if check.read.get(Table::RetainedUid, &by_uid)?.as_deref() != Some(moment) {
                let moment = moment.to_vec();
                check.repairable(place(), "it is not found by its UID", move |batch| {
                    batch.put(Table::RetainedUid, &by_uid, &moment)
                });
            }
            Ok(())
        })?;
        self.rows(Table::RetainedUid, KeyRange::all(), |check, key, moment| {
            if retained.get(key).is_none_or(|right| right != moment) {
                check.superfluous(Table::RetainedUid, key.to_vec(), "it names no retained message");
            }
            Ok(())
        })
    }
}
