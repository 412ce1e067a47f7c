//! Reading what SORT and THREAD compare: rows of the store, never a body.

use std::ops::ControlFlow;

use store::{Mailbox, SortKeys, Uid, UidSet};

use crate::error::Error;
use crate::view::Known;

/// Messages that are read in one blocking call.
const AT_A_TIME: usize = 1000;

/// What messages are compared by. Of one that exists no more nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub uid: u32,
    /// INTERNALDATE, in seconds since 1970.
    pub arrival: i64,
    /// Octets.
    pub size: u64,
    /// Only where they were asked for.
    pub keys: SortKeys,
    /// From 1 to 100; 0 before it is known.
    pub relevancy: u8,
}

impl Facts {
    // RFC 5256 section 2.2: "If the sent date cannot be determined (a Date: header is missing or cannot be parsed), the
    // INTERNALDATE for that message is used as the sent date."
    pub fn sent(&self) -> i64 {
        self.keys.sent.unwrap_or(self.arrival)
    }
}

/// Calls `each` for every message of the set, ascending. Returns why the first that could not be read could not.
pub async fn for_each(
    mailbox: &Mailbox,
    view: &Known,
    uids: &UidSet,
    with_keys: bool,
    each: &mut (dyn FnMut(Facts) + Send),
) -> Result<Option<store::Error>, Error> {
    let mut failure = None;
    for part in view.parts(uids, AT_A_TIME) {
        let rows = view.rows(&part).map(|(_, row)| row.uid);
        let mut facts: Vec<Facts> = rows.map(|uid| Facts { uid: uid.0, ..Facts::default() }).collect();
        failure = failure.or(common::block(|| read(mailbox, &part, with_keys, &mut facts))?);
        facts.into_iter().for_each(&mut *each);
        tokio::task::yield_now().await;
    }
    Ok(failure)
}

fn read(
    mailbox: &Mailbox,
    uids: &UidSet,
    with_keys: bool,
    facts: &mut [Facts],
) -> store::Result<Option<store::Error>> {
    let mut failure = None;
    let mut rest = facts.iter_mut().peekable();
    mailbox.snapshot()?.messages(uids, &mut |message| {
        while rest.next_if(|facts| Uid(facts.uid) < message.uid).is_some() {}
        let Some(facts) = rest.next_if(|facts| Uid(facts.uid) == message.uid) else {
            return Ok(ControlFlow::Continue(()));
        };
        (facts.arrival, facts.size) = (message.internal_date.seconds, message.size);
        if with_keys {
            match message.sort_keys() {
                Ok(keys) => facts.keys = keys,
                Err(store::Error::Expunged) => {}
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(failure)
}
