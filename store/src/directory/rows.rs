//! The directory's rows. Numbers in keys are big-endian.
//!
//! | table | key | value |
//! |---|---|---|
//! | meta | `00` | u32 format version |
//! | meta | `01` | u32 the id of the next account |
//! | meta | `02`, u32 account | u16 shard: the account is being made; its mail may have a home, its name has no row |
//! | meta | `03`, u32 account | u16 shard: the account is deleted; its mail may still be there |
//! | meta | `04` | u32 the id of the next group |
//! | account | u32 account | [`AccountRecord`] as JSON |
//! | account_name | name | u32 account |
//! | group | name | [`GroupRecord`] as JSON |
//! | alias | address, or `@domain` | [`AliasRecord`](super::AliasRecord) as JSON |

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{AccountRecord, GroupRecord, LastLogin};
use crate::engine::{KeyRange, Read, Table, Write};
use crate::*;

/// A change of the rows' layout raises it.
const FORMAT: u32 = 1;

const FORMAT_KEY: &[u8] = &[0];
const NEXT_ID_KEY: &[u8] = &[1];
const NEXT_GROUP_KEY: &[u8] = &[4];

/// Half-done work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    Creation = 2,
    Deletion = 3,
}

impl Interrupted {
    fn key(self, account: AccountId) -> [u8; 5] {
        let [a, b, c, d] = account.0.to_be_bytes();
        [self as u8, a, b, c, d]
    }

    pub(super) fn put(self, writer: &mut dyn Write, account: AccountId, shard: u16) -> Result<()> {
        writer.put(Table::Meta, &self.key(account), &shard.to_be_bytes())
    }

    pub(super) fn delete(self, writer: &mut dyn Write, account: AccountId) -> Result<()> {
        writer.delete(Table::Meta, &self.key(account))
    }

    /// Account and shard of each.
    pub(super) fn list(self, reader: &dyn Read) -> Result<Vec<(AccountId, u16)>> {
        let mut found = Vec::new();
        reader.scan(Table::Meta, KeyRange::prefix(&[self as u8]), &mut |key, value| {
            let account = u32::from_be_bytes(octets("account", key.get(1..).unwrap_or_default())?);
            found.push((AccountId(account), u16::from_be_bytes(octets("shard", value)?)));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}

/// The file's format, `None` for a new file.
pub(super) fn check_format(reader: &dyn Read) -> Result<Option<u32>> {
    let Some(value) = reader.get(Table::Meta, FORMAT_KEY)? else { return Ok(None) };
    let format = u32::from_be_bytes(octets("format", &value)?);
    if format > FORMAT {
        return Err(Error::NewerFormat(format!(
            "the directory of accounts has format {format}, this version reads up to {FORMAT}: use the version that wrote it, or a newer one"
        )));
    }
    Ok(Some(format))
}

pub(super) fn put_format(writer: &mut dyn Write) -> Result<()> {
    writer.put(Table::Meta, FORMAT_KEY, &FORMAT.to_be_bytes())
}

/// Ids for so many new accounts, which nobody else ever gets.
pub(super) fn take_ids(writer: &mut dyn Write, count: usize) -> Result<std::ops::Range<u32>> {
    let first = next_id(writer)?;
    let next = u32::try_from(count).ok().and_then(|count| first.checked_add(count));
    let next = next.ok_or_else(|| Error::Limit("no account ids are left".into()))?;
    put_next_id(writer, next)?;
    Ok(first..next)
}

pub(super) fn next_id(reader: &(impl Read + ?Sized)) -> Result<u32> {
    let stored = reader.get(Table::Meta, NEXT_ID_KEY)?;
    stored.map_or(Ok(1), |value| Ok(u32::from_be_bytes(octets("next id", &value)?)))
}

pub(super) fn put_next_id(writer: &mut dyn Write, id: u32) -> Result<()> {
    writer.put(Table::Meta, NEXT_ID_KEY, &id.to_be_bytes())
}

pub(super) fn id_of(reader: &(impl Read + ?Sized), name: &AccountName) -> Result<Option<AccountId>> {
    let value = reader.get(Table::AccountName, name.as_str().as_bytes())?;
    value.map(|value| decode_id(&value)).transpose()
}

/// An id as it stands in rows of account_name and keys of account.
pub(super) fn decode_id(octets_of_id: &[u8]) -> Result<AccountId> {
    Ok(AccountId(u32::from_be_bytes(octets("account id", octets_of_id)?)))
}

/// Whether the account has a record, readable or not.
pub(super) fn exists(reader: &dyn Read, id: AccountId) -> Result<bool> {
    Ok(reader.get(Table::Account, &id.0.to_be_bytes())?.is_some())
}

/// The record that a row of account_name names.
pub(super) fn named_record(
    reader: &(impl Read + ?Sized),
    name: &AccountName,
    id: AccountId,
) -> Result<AccountRecord> {
    let record = record(reader, id)?;
    record.ok_or_else(|| damaged(&format!("account {name} has no record; its id is {id}")))
}

pub(super) fn record(reader: &(impl Read + ?Sized), id: AccountId) -> Result<Option<AccountRecord>> {
    let value = reader.get(Table::Account, &id.0.to_be_bytes())?;
    value.map(|value| decode(&id.0.to_be_bytes(), &value)).transpose()
}

/// The records of the names in the range, in the order of names. One that cannot be read is told in the log and left
/// out: the others must not suffer.
pub(super) fn records(reader: &dyn Read, names: KeyRange, limit: usize) -> Result<Vec<AccountRecord>> {
    let mut records = Vec::new();
    reader.scan(Table::AccountName, names, &mut |name, id| {
        if records.len() == limit {
            return Ok(ControlFlow::Break(()));
        }
        match decode_id(id).and_then(|id| record(reader, id)) {
            Ok(Some(record)) => records.push(record),
            Ok(None) => {
                tracing::error!(account = %String::from_utf8_lossy(name), "an account has no record");
            }
            Err(error) => tracing::error!(%error, "an account is not usable"),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(records)
}

/// Visits all records that can be read; tells in the log of the others.
pub(super) fn each_record(reader: &dyn Read, each: &mut dyn FnMut(AccountRecord)) -> Result<()> {
    reader.scan(Table::Account, KeyRange::all(), &mut |key, value| {
        match decode(key, value) {
            Ok(record) => each(record),
            Err(error) => tracing::error!(%error, "an account is not usable"),
        }
        Ok(ControlFlow::Continue(()))
    })
}

pub(super) fn put_record(writer: &mut dyn Write, record: &AccountRecord) -> Result<()> {
    let json = serde_json::to_vec(record).map_err(|error| {
        Error::Unavailable(format!("cannot write the record of {}: {error}", record.name))
    })?;
    writer.put(Table::Account, &record.id.to_be_bytes(), &json)
}

pub(super) fn delete_record(writer: &mut dyn Write, id: AccountId) -> Result<()> {
    writer.delete(Table::Account, &id.0.to_be_bytes())
}

pub(super) fn put_name(writer: &mut dyn Write, name: &AccountName, id: AccountId) -> Result<()> {
    writer.put(Table::AccountName, name.as_str().as_bytes(), &id.0.to_be_bytes())
}

pub(super) fn delete_name(writer: &mut dyn Write, name: &AccountName) -> Result<()> {
    writer.delete(Table::AccountName, name.as_str().as_bytes())
}

/// An id for a new group, which no other ever gets.
pub(super) fn take_group_id(writer: &mut dyn Write) -> Result<u32> {
    let stored = writer.get(Table::Meta, NEXT_GROUP_KEY)?;
    let id = stored.map_or(Ok(1), |value| Ok(u32::from_be_bytes(octets("next group id", &value)?)))?;
    let next = id.checked_add(1).ok_or_else(|| Error::Limit("no group ids are left".into()))?;
    writer.put(Table::Meta, NEXT_GROUP_KEY, &next.to_be_bytes())?;
    Ok(id)
}

pub(super) fn put_group(writer: &mut dyn Write, group: &GroupRecord) -> Result<()> {
    let json = serde_json::to_vec(group).map_err(|error| {
        damaged(&format!("the record of group {} cannot be written: {error}", group.name))
    })?;
    writer.put(Table::Group, group.name.as_str().as_bytes(), &json)
}

pub(super) fn delete_group(writer: &mut dyn Write, name: &GroupName) -> Result<()> {
    writer.delete(Table::Group, name.as_str().as_bytes())
}

/// Every group. One that cannot be read is told in the log and left out: it gives nobody anything.
pub(super) fn groups(reader: &dyn Read) -> Result<Vec<GroupRecord>> {
    let mut groups = Vec::new();
    reader.scan(Table::Group, KeyRange::all(), &mut |name, json| {
        match decode_group(name, json) {
            Ok(group) => groups.push(group),
            Err(error) => tracing::error!(%error, "a group is not usable"),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(groups)
}

/// A row of group.
pub(super) fn decode_group(name: &[u8], json: &[u8]) -> Result<GroupRecord> {
    let shown = String::from_utf8_lossy(name);
    let group: GroupRecord = serde_json::from_slice(json)
        .map_err(|error| damaged(&format!("the record of group {shown} cannot be read: {error}")))?;
    if group.name.as_str().as_bytes() != name {
        return Err(damaged(&format!("the record of group {shown} says that it is of {}", group.name)));
    }
    Ok(group)
}

/// Accounts that are gone meanwhile are left out.
pub(super) fn put_logins(writer: &mut dyn Write, logins: &HashMap<AccountId, LastLogin>) -> Result<()> {
    for (&id, &login) in logins {
        if let Some(mut record) = record(writer, id)? {
            record.last_login = record.last_login.latest(login);
            put_record(writer, &record)?;
        }
    }
    Ok(())
}

/// A row of account.
pub(super) fn decode(key: &[u8], json: &[u8]) -> Result<AccountRecord> {
    let AccountId(id) = decode_id(key)?;
    let record: AccountRecord = serde_json::from_slice(json)
        .map_err(|error| damaged(&format!("the record of account {id} cannot be read: {error}")))?;
    if record.id != id {
        return Err(damaged(&format!("the record of account {id} says that it is of {}", record.id)));
    }
    Ok(record)
}

fn octets<const N: usize>(what: &str, value: &[u8]) -> Result<[u8; N]> {
    value.try_into().map_err(|_| damaged(&format!("a row for {what} has {} octets", value.len())))
}

pub(super) fn damaged(text: &str) -> Error {
    Error::Damaged(format!("directory of accounts: {text}; restore directory.redb from a backup"))
}
