//! STORE: changing flags and keywords (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).

use super::{Target, chunks_of};
use crate::batch::Batch;
use crate::*;

pub(crate) fn store_flags(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: &UidSet,
    change: &StoreFlags,
) -> Result<Stored> {
    let mut target = Target::open(batch, account, mailbox)?;
    let chunks = chunks_of(batch, mailbox, uids)?;
    let existing: Vec<Row> =
        chunks.iter().flat_map(|chunk| chunk.rows()).filter(|row| uids.contains(row.uid)).collect();
    let spared = |row: &Row| change.unchanged_since.is_some_and(|modseq| row.modseq > modseq);
    let modified: UidSet = existing.iter().filter(|row| spared(row)).map(|row| row.uid).collect();
    let keywords = keywords(batch, &mut target, change, existing.iter().any(|row| !spared(row)))?;

    let mut changed = Vec::new();
    for row in existing.iter().filter(|row| !spared(row)) {
        if let Some(next) = applied(row, change, keywords) {
            if row.flags.contains(Flags::DELETED) != next.flags.contains(Flags::DELETED) {
                let size = target.message(batch, row.uid)?.size;
                target.row.discount_flags(row.flags, size);
                target.row.count_flags(next.flags, size);
            } else {
                target.row.discount_flags(row.flags.without(Flags::DELETED), 0);
                target.row.count_flags(next.flags.without(Flags::DELETED), 0);
            }
            changed.push(next);
        }
    }
    let uids_changed = changed.iter().map(|row| row.uid).collect();
    if !changed.is_empty() {
        write(batch, &mut target, changed)?;
    }
    let stored = Stored {
        changed: uids_changed,
        modified,
        missing: missing(uids, existing.iter().map(|row| row.uid.0)),
        modseq: target.row.highest_modseq,
    };
    if !stored.changed.is_empty() {
        target.finish(batch);
    }
    Ok(stored)
}

/// The keywords' bits. Only a STORE that sets them for some message makes new ones.
fn keywords(
    batch: &mut Batch<'_>,
    target: &mut Target,
    change: &StoreFlags,
    any: bool,
) -> Result<KeywordBits> {
    if any && change.operation != FlagsOperation::Remove {
        return target.keyword_bits(batch, &change.keywords);
    }
    let known = change.keywords.iter().filter_map(|keyword| target.row.keyword_bit(keyword));
    Ok(KeywordBits(known.fold(0, |bits, bit| bits | 1 << bit)))
}

/// The message's new row if it is different. Its MODSEQ is still the old one.
fn applied(row: &Row, change: &StoreFlags, keywords: KeywordBits) -> Option<Row> {
    let (flags, keywords) = match change.operation {
        FlagsOperation::Add => (row.flags.with(change.flags), row.keywords.0 | keywords.0),
        FlagsOperation::Remove => (row.flags.without(change.flags), row.keywords.0 & !keywords.0),
        FlagsOperation::Replace => (change.flags, keywords.0),
        FlagsOperation::ReplaceWithin(rights) => {
            let kept = row.flags.without(rights.allowed(row.flags));
            let keywords = if rights.contains(Rights::WRITE) { keywords.0 } else { row.keywords.0 };
            (rights.allowed(change.flags).with(kept), keywords)
        }
    };
    let next = Row { flags, keywords: KeywordBits(keywords), ..*row };
    (next != *row).then_some(next)
}

/// Writes page by page.
fn write(batch: &mut Batch<'_>, target: &mut Target, rows: Vec<Row>) -> Result<()> {
    let modseq = target.bump();
    for page in rows.chunk_by(|one, two| crate::schema::page_of(one.uid) == crate::schema::page_of(two.uid)) {
        let Some(first) = page.first() else { continue };
        batch.change_chunk(target.mailbox, crate::schema::page_of(first.uid), |chunk| {
            page.iter().for_each(|row| chunk.put(Row { modseq, ..*row }));
        })?;
    }
    Ok(())
}

/// The UIDs of the set that are not among the existing ones, which come in order.
fn missing(uids: &UidSet, existing: impl Iterator<Item = u32>) -> UidSet {
    let mut existing = existing.peekable();
    let mut gaps = Vec::new();
    for range in uids.ranges() {
        let mut from = *range.start();
        let mut whole = true;
        while let Some(uid) = existing.next_if(|uid| uid <= range.end()) {
            if from < uid {
                gaps.push(from..=uid - 1);
            }
            whole = uid < *range.end();
            from = uid.saturating_add(1);
        }
        if whole {
            gaps.push(from..=*range.end());
        }
    }
    UidSet::from_ranges(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_missing() {
        let uids = UidSet::from_ranges([1..=5, 8..=10, u32::MAX - 1..=u32::MAX]);
        assert_eq!(missing(&uids, [].into_iter()), uids);
        assert_eq!(
            missing(&uids, [2, 5, 8, 9, 10, u32::MAX].into_iter()),
            UidSet::from_ranges([1..=1, 3..=4, u32::MAX - 1..=u32::MAX - 1])
        );
        assert_eq!(missing(&UidSet::from_ranges([4..=4]), [4].into_iter()), UidSet::new());
    }

    #[test]
    fn each_operation_does_what_its_name_says() {
        let row = Row { uid: Uid(1), flags: Flags::SEEN, keywords: KeywordBits(0b01), modseq: ModSeq(5) };
        let change =
            |operation, flags| StoreFlags { operation, flags, keywords: vec![], unchanged_since: None };
        let bits = KeywordBits(0b10);
        let added = applied(&row, &change(FlagsOperation::Add, Flags::DELETED), bits).unwrap();
        assert_eq!((added.flags, added.keywords.0), (Flags::SEEN.with(Flags::DELETED), 0b11));
        let removed = applied(&row, &change(FlagsOperation::Remove, Flags::SEEN), KeywordBits(0b01)).unwrap();
        assert_eq!((removed.flags, removed.keywords.0), (Flags(0), 0));
        let replaced = applied(&row, &change(FlagsOperation::Replace, Flags::DRAFT), bits).unwrap();
        assert_eq!((replaced.flags, replaced.keywords.0), (Flags::DRAFT, 0b10));
        assert_eq!(applied(&row, &change(FlagsOperation::Add, Flags::SEEN), KeywordBits(0)), None);
        // RFC 4314 section 4
        let within = FlagsOperation::ReplaceWithin(Rights::DELETE_MESSAGES);
        let within = applied(&row, &change(within, Flags::DELETED.with(Flags::DRAFT)), bits).unwrap();
        assert_eq!((within.flags, within.keywords.0), (Flags::SEEN.with(Flags::DELETED), 0b01));
        let seen = FlagsOperation::ReplaceWithin(Rights::SEEN.with(Rights::WRITE));
        let seen = applied(&row, &change(seen, Flags::DELETED), bits).unwrap();
        assert_eq!((seen.flags, seen.keywords.0), (Flags(0), 0b10));
    }
}
