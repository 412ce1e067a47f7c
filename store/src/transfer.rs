//! COPY, MOVE and REPLACE between accounts whose mail is in different shards: the octets are staged again and appended there,
//! then, for a move, taken out here. A crash in between leaves a message in both places, never in none.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::*;

/// Octets that are staged before they are appended.
const PIECE: u64 = 64 << 20;
/// How much of a body is read at a time.
const BLOCK: u64 = 1 << 20;

/// Runs on a thread of its own, since it reads and waits for two writers.
pub(crate) fn transfer(
    from: Mailbox,
    uids: UidSet,
    to: (Mailbox, Rights),
    take_out: bool,
) -> Pending<Copied> {
    on_its_thread(move || run(&from, &uids, &to, take_out))
}

/// REPLACE across shards: the new message is durable before the old one goes, and goes again itself when there is no old
/// one to take out.
pub(crate) fn replace(from: Mailbox, uid: Uid, to: Mailbox, message: NewMessage) -> Pending<Replaced> {
    on_its_thread(move || {
        if from.snapshot()?.message(uid)?.is_none() {
            return Err(Error::Expunged);
        }
        let appended = to.append(vec![message]).wait()?;
        let expunged = from.take_out(&UidSet::from_ranges([uid.0..=uid.0]), true).wait();
        match expunged {
            Ok(expunged) if !expunged.uids.is_empty() => Ok(Replaced { appended, modseq: expunged.modseq }),
            other => {
                to.take_out(&appended.uids.iter().copied().collect(), false).wait()?;
                Err(other.err().unwrap_or(Error::Expunged))
            }
        }
    })
}

fn on_its_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Pending<T> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        // What the work holds of the store is dropped before the answer: whoever has it may count on that.
        let answer = work();
        // Nobody may be waiting any more: it is done all the same.
        let _ = sender.send(answer);
    };
    match std::thread::Builder::new().name("transfer".to_owned()).spawn(run) {
        Ok(_) => Pending::new(receiver),
        Err(error) => Pending::ready(Err(Error::Unavailable(format!("cannot start a thread: {error}")))),
    }
}

fn run(from: &Mailbox, uids: &UidSet, goal: &(Mailbox, Rights), take_out: bool) -> Result<Copied> {
    let to = &goal.0;
    let state = from.live()?.state();
    let info = to.info()?;
    let mut copied = Copied {
        uid_validity: info.uid_validity,
        from: Vec::new(),
        to: Vec::new(),
        modseq: state.highest_modseq(),
    };
    if let Err(error) = copy(from, &state, uids, goal, &mut copied) {
        // All or none: what was appended goes again.
        to.take_out(&copied.to.iter().copied().collect(), false).wait()?;
        return Err(error);
    }
    if take_out && !copied.from.is_empty() {
        let expunged = from.take_out(&copied.from.iter().copied().collect(), false).wait()?;
        copied.modseq = expunged.modseq;
    }
    Ok(copied)
}

fn copy(
    from: &Mailbox,
    state: &Arc<State>,
    uids: &UidSet,
    (to, rights): &(Mailbox, Rights),
    copied: &mut Copied,
) -> Result<()> {
    let (mut piece, mut octets) = (Vec::new(), 0);
    let mut staged_uids = Vec::new();
    let wanted: Vec<Uid> = state.rows().map(|row| row.uid).filter(|uid| uids.contains(*uid)).collect();
    for uid in wanted {
        // A snapshot for each message: staging takes long, and a snapshot must not be held long.
        if let Some(message) = from.snapshot()?.message(uid)? {
            octets += message.size;
            piece.push(restaged(from, state, &message, *rights)?);
            staged_uids.push(uid);
        }
        if octets >= PIECE {
            append(to, &mut piece, &mut staged_uids, copied)?;
            octets = 0;
        }
    }
    append(to, &mut piece, &mut staged_uids, copied)
}

fn append(to: &Mailbox, piece: &mut Vec<NewMessage>, uids: &mut Vec<Uid>, copied: &mut Copied) -> Result<()> {
    if !piece.is_empty() {
        let appended = to.append(std::mem::take(piece)).wait()?;
        copied.from.append(uids);
        copied.to.extend(appended.uids);
    }
    Ok(())
}

fn restaged(from: &Mailbox, state: &State, message: &Message, rights: Rights) -> Result<NewMessage> {
    let store = from.account().store();
    let body = message.body()?;
    let mut spool = store.spool();
    let mut offset = message.trace().len() as u64;
    while offset < body.len() {
        let octets = body.read(offset..offset + BLOCK)?;
        spool.write(&octets)?;
        offset += octets.len() as u64;
    }
    let row = state.row(message.uid).unwrap_or(Row {
        uid: message.uid,
        flags: Flags(0),
        keywords: KeywordBits(0),
        modseq: ModSeq(0),
    });
    let names = state.keywords().iter().enumerate().filter(|(bit, _)| row.keywords.0 >> bit & 1 == 1);
    Ok(NewMessage {
        staged: store.stage(spool)?,
        trace: message.trace().clone(),
        flags: rights.allowed(row.flags),
        keywords: match rights.contains(Rights::WRITE) {
            true => names.map(|(_, keyword)| keyword.clone()).collect(),
            false => Vec::new(),
        },
        internal_date: Some(message.internal_date),
    })
}
