//! COPY and MOVE within a shard (RFC 9051 section 6.4.7, RFC 6851). The body is shared: one more reference.

use std::collections::HashMap;

use super::target::{Entry, stored_unique_id};
use super::{Target, charge, release, rows_of};
use crate::batch::Batch;
use crate::schema::{self, MessageRow};
use crate::*;

/// An account's mailbox.
pub(crate) type Place = (AccountId, MailboxId);

/// A mailbox, and the rights in it that say which flags are kept.
type Goal = (Place, Rights);

/// What is copied, gathered before anything is changed.
struct Source {
    row: Row,
    /// Those that are kept.
    flags: Flags,
    message: MessageRow,
    keywords: KeywordBits,
    unique_id: Option<String>,
}

pub(crate) fn copy(batch: &mut Batch<'_>, from: Place, uids: &UidSet, to: Goal) -> Result<Copied> {
    let (to, rights) = to;
    let source = Target::open(batch, from.0, from.1)?;
    let mut target = Target::open(batch, to.0, to.1)?;
    let sources = gather(batch, &source, (&mut target, rights), uids)?;
    let bytes = sources.iter().map(|source| source.message.size).sum();
    let usage = charge(batch, to.0, bytes, sources.len() as u64)?;

    let mut copied = begin(&target, source.row.highest_modseq);
    if sources.is_empty() {
        return Ok(copied);
    }
    let mut identities = Identities::new(from.0 == to.0);
    for mut source in sources {
        batch.refer(source.message.body, 1)?;
        copied.from.push(source.row.uid);
        // A copy is a new message for POP3: its unique-id is its own.
        source.unique_id = None;
        copied.to.push(insert(batch, &mut target, &mut identities, source)?);
    }
    if from == to {
        copied.modseq = target.row.highest_modseq;
    }
    batch.put_usage(to.0, usage);
    target.finish(batch);
    Ok(copied)
}

pub(crate) fn move_messages(batch: &mut Batch<'_>, from: Place, uids: &UidSet, to: Goal) -> Result<Copied> {
    let (to, rights) = to;
    if from == to {
        return move_within(batch, from, uids, rights);
    }
    let mut source = Target::open(batch, from.0, from.1)?;
    let mut target = Target::open(batch, to.0, to.1)?;
    let sources = gather(batch, &source, (&mut target, rights), uids)?;
    let (bytes, messages) = (sources.iter().map(|source| source.message.size).sum(), sources.len() as u64);
    // Within the account nothing is added, so it cannot fail for want of room: this is how people make some.
    let usage = if from.0 == to.0 { None } else { Some(charge(batch, to.0, bytes, messages)?) };

    let mut copied = begin(&target, source.row.highest_modseq);
    if sources.is_empty() {
        return Ok(copied);
    }
    let mut identities = Identities::new(from.0 == to.0);
    for moved in sources {
        source.remove(batch, moved.row)?;
        copied.from.push(moved.row.uid);
        copied.to.push(insert(batch, &mut target, &mut identities, moved)?);
    }
    source.vanish(batch, &copied.from.iter().copied().collect())?;
    copied.modseq = source.row.highest_modseq;
    if let Some(usage) = usage {
        batch.put_usage(to.0, usage);
        release(batch, from.0, bytes, messages)?;
    }
    source.finish(batch);
    target.finish(batch);
    Ok(copied)
}

/// A move to where the messages are: they get new UIDs.
fn move_within(batch: &mut Batch<'_>, place: Place, uids: &UidSet, rights: Rights) -> Result<Copied> {
    let mut target = Target::open(batch, place.0, place.1)?;
    let source = Target::open(batch, place.0, place.1)?;
    let sources = gather(batch, &source, (&mut target, rights), uids)?;
    let mut copied = begin(&target, target.row.highest_modseq);
    if sources.is_empty() {
        return Ok(copied);
    }
    let mut identities = Identities::new(true);
    for moved in sources {
        target.remove(batch, moved.row)?;
        copied.from.push(moved.row.uid);
        copied.to.push(insert(batch, &mut target, &mut identities, moved)?);
    }
    target.vanish(batch, &copied.from.iter().copied().collect())?;
    copied.modseq = target.row.highest_modseq;
    target.finish(batch);
    Ok(copied)
}

fn begin(target: &Target, modseq: ModSeq) -> Copied {
    Copied { uid_validity: target.row.uid_validity, from: Vec::new(), to: Vec::new(), modseq }
}

fn gather(
    batch: &mut Batch<'_>,
    source: &Target,
    (target, rights): (&mut Target, Rights),
    uids: &UidSet,
) -> Result<Vec<Source>> {
    let rows = rows_of(batch, source.mailbox, uids)?;
    target.check_room(rows.len())?;
    // Most messages have one of a few sets of keywords.
    let mut translated: HashMap<KeywordBits, KeywordBits> = HashMap::new();
    let mut sources = Vec::with_capacity(rows.len());
    for row in rows {
        let keywords = match translated.get(&row.keywords) {
            Some(bits) => *bits,
            // RFC 4314 section 4
            None if !rights.contains(Rights::WRITE) => KeywordBits(0),
            None => target.keyword_bits(batch, &source.row.keyword_names(row.keywords))?,
        };
        translated.insert(row.keywords, keywords);
        let message = source.message(batch, row.uid)?;
        let unique_id = stored_unique_id(batch, &schema::message_key(source.mailbox, row.uid))?;
        let flags = rights.allowed(row.flags);
        sources.push(Source { row, flags, message, keywords, unique_id });
    }
    Ok(sources)
}

fn insert(
    batch: &mut Batch<'_>,
    target: &mut Target,
    identities: &mut Identities,
    source: Source,
) -> Result<Uid> {
    let mut message = source.message;
    identities.assign(batch, &mut message);
    message.save_date = batch.now;
    let entry =
        Entry { message, flags: source.flags, keywords: source.keywords, unique_id: source.unique_id };
    target.insert(batch, entry)
}

/// EMAILID and THREADID are an account's own: in another one messages get new ones, and what was one thread stays one.
struct Identities {
    same_account: bool,
    threads: HashMap<ThreadId, ThreadId>,
}

impl Identities {
    fn new(same_account: bool) -> Identities {
        Identities { same_account, threads: HashMap::new() }
    }

    fn assign(&mut self, batch: &mut Batch<'_>, message: &mut MessageRow) {
        if !self.same_account {
            message.email_id = batch.next_email();
            message.thread_id = *self.threads.entry(message.thread_id).or_insert_with(|| batch.next_thread());
        }
    }
}
