//! SORT: by what messages are compared, and their order. RFC 5256, RFC 5957, RFC 5267
//!
//! Each message has one string of octets that orders as the criteria do ([`order`]); nothing else of it is kept.

pub mod criteria;
pub mod facts;
pub mod order;
pub mod result;

use store::{Mailbox, Uid, UidSet};

use crate::collation::Collation;
use crate::error::Error;
use crate::view::Known;
use criteria::Criteria;
use facts::Facts;
use order::Order;

/// What messages are sorted by.
#[derive(Debug, Clone)]
pub struct Sorting {
    pub criteria: Criteria,
    pub collation: Collation,
}

impl Sorting {
    /// These messages in order, and why the first that could not be read could not.
    pub async fn order(
        &self,
        (mailbox, view): (&Mailbox, &Known),
        uids: &UidSet,
        relevancy: &(dyn Fn(Uid) -> u8 + Sync),
    ) -> Result<(Order, Option<store::Error>), Error> {
        let mut order = Order::default();
        let mut add = |mut facts: Facts| {
            facts.relevancy = relevancy(Uid(facts.uid));
            order.push(Uid(facts.uid), |out| self.criteria.key(&facts, self.collation, out));
        };
        let unread = facts::for_each(mailbox, view, uids, self.criteria.need_header(), &mut add).await?;
        common::block(|| order.sort());
        Ok((order, unread))
    }
}
