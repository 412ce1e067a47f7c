//! Every key and every value of a shard's index, byte by byte. Nothing else knows how a row is laid out.
//!
//! Numbers are big-endian, so that the order of keys is the order of numbers. `varint` is seven bits an octet, lowest
//! first. `text8` and `text16` are a length (u8, u16) and UTF-8. Rows begin with a version octet where they may grow.
//!
//! | table | key | value |
//! |---|---|---|
//! | meta | `00` | [`Identity`]: u32 format version, u16 shard number, i64 seconds when it was made |
//! | meta | `01` | [`Counters`]: see there; written with every commit |
//! | mailbox | u32 account, u64 mailbox | [`MailboxRow`] |
//! | mailbox_name | u32 account, name | u64 mailbox |
//! | deleted_mailbox | u32 account, u64 mailbox | i64 seconds when it was deleted, [`MailboxRow`]; its messages go step by step |
//! | subscription | u32 account, name | empty |
//! | shared | u8 whom, u32 id (as in [`MailboxRow`]), u32 account, u64 mailbox | empty; the mailbox gives them a right |
//! | message | u64 mailbox, u32 UID | [`MessageRow`]: what never changes |
//! | flags | u64 mailbox, u32 UID >> 7 | [`Chunk`]: flags, keywords, MODSEQs of up to 128 messages |
//! | vanished | u64 mailbox, u64 MODSEQ, u32 first UID | ranges of UIDs, see [`vanished`] |
//! | uidl | u64 mailbox, u32 UID | the unique-id, US-ASCII |
//! | body | u64 body | [`BodyRow`]: hash, location, references |
//! | body_hash | 32 octets BLAKE3 | u64 body |
//! | body_location | u32 segment, u64 offset | u64 body |
//! | summary | u64 body | u8 0: the encoded summary follows; 1: the same, compressed with zstd |
//! | sort | u64 body | [`SortKeys`]: what SORT and THREAD compare; a body without a row is read for it |
//! | segment | u32 segment | [`SegmentRow`]: records and octets that are referenced |
//! | retained | u32 account, u64 seconds, u64 sequence | [`RetainedRow`] |
//! | retained_uid | u64 mailbox, u32 UID | u64 seconds, u64 sequence: the rest of the key in retained |
//! | thread | u32 account, u64 hash of a message-id | u64 thread |
//! | usage | u32 account | [`UsageRow`]; its presence means that the account has mail here |
//! | deleted_account | u32 account | empty; its mail goes step by step |
//! | gram_run | u64 first body | [`RunRow`]: bodies that the search index knows |
//! | gram_posting | u64 run, u8 part, u24 last gram | [`PostingRow`]: in which bodies grams are |
//! | metadata | u32 account, u64 mailbox or 0, u32 user or 0, entry | an annotation's value, see [`MetadataKey`] |
//! | history | u32 account, u64 mailbox or 0 | [`HistoryRow`]: what it held on past days |

mod body;
mod chunk;
mod fields;
pub(crate) mod gram;
mod history;
mod mailbox;
mod message;
mod meta;
mod metadata;
mod retained;
mod sort;
pub(crate) mod vanished;

pub(crate) use body::{BodyRow, SegmentRow, decode_summary, encode_summary};
pub(crate) use chunk::{Chunk, page_of, slot_of};
pub(crate) use fields::{Fields, put_varint};
pub(crate) use history::{HistoryRow, history_key};
pub(crate) use mailbox::{KEYWORD_LENGTH, KEYWORDS, MailboxRow, subject_code, subject_of};
pub(crate) use message::MessageRow;
pub(crate) use meta::{Counters, FORMAT, Identity, UsageRow};
pub(crate) use metadata::{MetadataKey, metadata_key};
pub(crate) use retained::RetainedRow;
pub use sort::SortKeys;

use crate::*;

pub(crate) const IDENTITY: &[u8] = &[0];
pub(crate) const COUNTERS: &[u8] = &[1];

pub(crate) fn account_key(account: AccountId) -> [u8; 4] {
    account.0.to_be_bytes()
}

pub(crate) fn mailbox_key(account: AccountId, mailbox: MailboxId) -> [u8; 12] {
    joined(&account.0.to_be_bytes(), &mailbox.0.to_be_bytes())
}

/// mailbox_name and subscription.
pub(crate) fn name_key(account: AccountId, name: &str) -> Vec<u8> {
    [&account.0.to_be_bytes(), name.as_bytes()].concat()
}

/// message, uidl and retained_uid.
pub(crate) fn message_key(mailbox: MailboxId, uid: Uid) -> [u8; 12] {
    joined(&mailbox.0.to_be_bytes(), &uid.0.to_be_bytes())
}

/// shared.
pub(crate) fn shared_key(subject: Subject, account: AccountId, mailbox: MailboxId) -> Vec<u8> {
    [&shared_prefix(subject)[..], &mailbox_key(account, mailbox)].concat()
}

/// All that is shared with a subject.
pub(crate) fn shared_prefix(subject: Subject) -> [u8; 5] {
    let (code, id) = subject_code(subject);
    joined(&[code], &id.to_be_bytes())
}

/// Subject, account and mailbox of a key of shared.
pub(crate) fn shared_of_key(key: &[u8]) -> Result<(Subject, AccountId, MailboxId)> {
    let mut fields = Fields::new("shared", key);
    let (code, id) = (fields.u8()?, fields.u32()?);
    let subject = subject_of(code, id).ok_or_else(|| fields.damaged("it speaks of nobody"))?;
    let place = (subject, AccountId(fields.u32()?), MailboxId(fields.u64()?));
    fields.end()?;
    Ok(place)
}

/// All rows of a mailbox in message, flags, vanished and uidl.
pub(crate) fn mailbox_prefix(mailbox: MailboxId) -> [u8; 8] {
    mailbox.0.to_be_bytes()
}

pub(crate) fn flags_key(mailbox: MailboxId, page: u32) -> [u8; 12] {
    joined(&mailbox.0.to_be_bytes(), &page.to_be_bytes())
}

pub(crate) fn body_key(body: BodyId) -> [u8; 8] {
    body.0.to_be_bytes()
}

pub(crate) fn location_key(segment: u32, offset: u64) -> [u8; 12] {
    joined(&segment.to_be_bytes(), &offset.to_be_bytes())
}

pub(crate) fn segment_key(segment: u32) -> [u8; 4] {
    segment.to_be_bytes()
}

pub(crate) fn retained_key(account: AccountId, seconds: u64, sequence: u64) -> [u8; 20] {
    let moment: [u8; 16] = joined(&seconds.to_be_bytes(), &sequence.to_be_bytes());
    joined(&account.0.to_be_bytes(), &moment)
}

pub(crate) fn thread_key(account: AccountId, message_id: u64) -> [u8; 12] {
    joined(&account.0.to_be_bytes(), &message_id.to_be_bytes())
}

/// The UID at the end of a key of message or uidl.
pub(crate) fn uid_of_key(key: &[u8]) -> Result<Uid> {
    let mut fields = Fields::new("message", key);
    fields.octets(8)?;
    Ok(Uid(fields.u32()?))
}

/// Account and mailbox of a key of mailbox or deleted_mailbox.
pub(crate) fn mailbox_of_key(key: &[u8]) -> Result<(AccountId, MailboxId)> {
    let mut fields = Fields::new("mailbox", key);
    Ok((AccountId(fields.u32()?), MailboxId(fields.u64()?)))
}

/// Mailbox and page of a key of flags.
pub(crate) fn page_of_key(key: &[u8]) -> Result<(MailboxId, u32)> {
    let mut fields = Fields::new("flags", key);
    Ok((MailboxId(fields.u64()?), fields.u32()?))
}

/// Account and name of a key of mailbox_name or subscription.
pub(crate) fn name_of_key(key: &[u8]) -> Result<(AccountId, String)> {
    let mut fields = Fields::new("mailbox_name", key);
    let account = AccountId(fields.u32()?);
    let length = key.len() - 4;
    Ok((account, fields.text_of(length)?.to_owned()))
}

/// A value that is one number.
pub(crate) fn u64_of(row: &'static str, value: &[u8]) -> Result<u64> {
    let mut fields = Fields::new(row, value);
    let number = fields.u64()?;
    fields.end()?;
    Ok(number)
}

pub(crate) fn u32_of(row: &'static str, value: &[u8]) -> Result<u32> {
    let mut fields = Fields::new(row, value);
    let number = fields.u32()?;
    fields.end()?;
    Ok(number)
}

/// `N` is the sum of both lengths; callers are the functions above.
fn joined<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut key = [0; N];
    let (left, right) = key.split_at_mut(first.len().min(N));
    left.copy_from_slice(&first[..left.len()]);
    right.copy_from_slice(&second[..right.len()]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_numbers_do() {
        let key = |mailbox, uid| message_key(MailboxId(mailbox), Uid(uid));
        assert!(key(1, 255) < key(1, 256));
        assert!(key(1, u32::MAX) < key(2, 1));
        assert_eq!(key(0x0102, 3), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
    }

    #[test]
    fn keys_come_apart_again() {
        let (account, mailbox) = (AccountId(7), MailboxId(9));
        assert_eq!(mailbox_of_key(&mailbox_key(account, mailbox)).unwrap(), (account, mailbox));
        assert_eq!(name_of_key(&name_key(account, "Ünïcode")).unwrap(), (account, "Ünïcode".to_owned()));
        assert_eq!(page_of_key(&flags_key(mailbox, 5)).unwrap(), (mailbox, 5));
        assert_eq!(uid_of_key(&message_key(mailbox, Uid(6))).unwrap(), Uid(6));
        assert!(uid_of_key(&[1, 2, 3]).is_err());
        assert!(name_of_key(&[1]).is_err());
    }
}
