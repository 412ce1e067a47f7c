//! Sorting by strings of octets, one a message.
//!
//! RFC 5256 section 3: messages that the criteria do not tell apart stay in mailbox order.

use std::mem;

use store::{Uid, UidSet};

use crate::collation::Collation;

/// Messages with their keys, all in one buffer; once sorted they stay so.
#[derive(Debug, Default)]
pub struct Order {
    octets: Vec<u8>,
    entries: Vec<Entry>,
    /// Octets that are the key of no entry.
    dead: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where the key is.
    start: usize,
    length: u32,
    uid: Uid,
}

/// Messages that come into an order or leave it side by side.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// That of the first one, counted from 1.
    pub position: usize,
    pub uids: Vec<Uid>,
}

impl Order {
    /// Adds a message; `write` appends its key.
    pub fn push(&mut self, uid: Uid, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.octets.len();
        write(&mut self.octets);
        // A key is made from a header, which is far shorter.
        let length = u32::try_from(self.octets.len() - start).unwrap_or(u32::MAX);
        self.entries.push(Entry { start, length, uid });
    }

    pub fn sort(&mut self) {
        let octets = &self.octets;
        self.entries.sort_unstable_by(|one, other| one.place(octets).cmp(&other.place(octets)));
    }

    /// The messages in their order.
    pub fn uids(&self) -> impl Iterator<Item = Uid> + '_ {
        self.entries.iter().map(|entry| entry.uid)
    }

    /// Octets of memory.
    pub fn size(&self) -> usize {
        self.octets.len() + self.entries.len() * size_of::<Entry>()
    }

    /// Takes messages out. The last positions come first: none moves before its turn. RFC 5267 section 4.3.4
    pub fn remove(&mut self, gone: &UidSet) -> Vec<Run> {
        let mut runs = Runs::default();
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| gone.contains(entry.uid)) {
            runs.push(index, entry.uid);
            self.dead += entry.length as usize;
        }
        self.entries.retain(|entry| !gone.contains(entry.uid));
        if self.dead > self.octets.len() / 2 {
            self.compact();
        }
        runs.0.reverse();
        runs.0
    }

    /// Puts messages in, which are in an order by the same criteria. The first positions come first: each is the one that
    /// the message has in the end. RFC 5267 section 4.3.3
    pub fn insert(&mut self, new: &Order) -> Vec<Run> {
        let (shift, here) = (self.octets.len(), mem::take(&mut self.entries));
        self.octets.extend_from_slice(&new.octets);
        let moved = |entry: &Entry| Entry { start: entry.start + shift, ..*entry };
        let (mut here, there) = (here.into_iter().peekable(), new.entries.iter().map(moved));
        let mut runs = Runs::default();
        for next in there {
            let place = next.place(&self.octets);
            while let Some(entry) = here.next_if(|entry| entry.place(&self.octets) < place) {
                self.entries.push(entry);
            }
            runs.push(self.entries.len(), next.uid);
            self.entries.push(next);
        }
        self.entries.extend(here);
        runs.0
    }

    /// Holds no more than what is needed.
    pub fn compact(&mut self) {
        let mut octets = Vec::with_capacity(self.octets.len() - self.dead.min(self.octets.len()));
        for entry in &mut self.entries {
            let start = octets.len();
            octets.extend_from_slice(entry.key(&self.octets));
            entry.start = start;
        }
        (self.octets, self.dead) = (octets, 0);
        self.entries.shrink_to_fit();
    }
}

impl Entry {
    fn key(self, octets: &[u8]) -> &[u8] {
        &octets[self.start..self.start + self.length as usize]
    }

    /// By what entries are compared: mailbox order is that of the UIDs.
    fn place(self, octets: &[u8]) -> (&[u8], Uid) {
        (self.key(octets), self.uid)
    }
}

#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    /// Ascending indices from 0.
    fn push(&mut self, index: usize, uid: Uid) {
        match self.0.last_mut() {
            Some(run) if run.position + run.uids.len() == index + 1 => run.uids.push(uid),
            _ => self.0.push(Run { position: index + 1, uids: vec![uid] }),
        }
    }
}

/// Octets that order as the numbers do.
pub fn put_number(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
}

/// Octets that order as the texts do, and that nothing that follows can change: they end with the least octet, which is not
/// in them.
pub fn put_text(text: &str, collation: Collation, out: &mut Vec<u8>) {
    let start = out.len();
    collation.key(text, out);
    if out[start..].iter().any(|octet| *octet < 2) {
        let key = out.split_off(start);
        for octet in key {
            match octet {
                0 | 1 => out.extend_from_slice(&[1, octet + 1]),
                _ => out.push(octet),
            }
        }
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::SortKeys;

    use super::super::criteria::{Criteria, Criterion, Key};
    use super::super::facts::Facts;
    use super::*;

    /// A message of a few values, so that many are equal.
    fn facts() -> impl Strategy<Value = Facts> {
        let text = || {
            prop::sample::select(vec![
                "", "a", "A", "ab", "é", "\u{1}", "\0", "a\0b", "b", "\u{fffd}", "12", "9",
            ])
        };
        let date = prop::option::of(-2i64..3);
        (text(), text(), text(), date, -1i64..2, 0u64..3, 1u8..4).prop_map(
            |(subject, from, to, sent, arrival, size, relevancy)| Facts {
                relevancy,
                uid: 0,
                arrival,
                size,
                keys: SortKeys {
                    sent,
                    subject: subject.into(),
                    from: from.into(),
                    to: to.into(),
                    cc: from.into(),
                    display_from: to.into(),
                    display_to: subject.into(),
                    ..SortKeys::default()
                },
            },
        )
    }

    fn criteria() -> impl Strategy<Value = Vec<Criterion>> {
        let keys = vec![
            Key::Arrival,
            Key::Cc,
            Key::Date,
            Key::DisplayFrom,
            Key::DisplayTo,
            Key::From,
            Key::Relevancy,
            Key::Size,
            Key::Subject,
            Key::To,
        ];
        let criterion = (prop::sample::select(keys), any::<bool>());
        prop::collection::vec(criterion.prop_map(|(key, reverse)| Criterion { key, reverse }), 1..4)
    }

    /// One criterion after the other, by comparing what they name.
    fn plain(one: &Facts, other: &Facts, criteria: &[Criterion], collation: Collation) -> std::cmp::Ordering {
        let key = |text: &str| {
            let mut key = Vec::new();
            collation.key(text, &mut key);
            key
        };
        let mut order = std::cmp::Ordering::Equal;
        for criterion in criteria {
            let by = |of: fn(&SortKeys) -> &String| key(of(&one.keys)).cmp(&key(of(&other.keys)));
            let next = match criterion.key {
                Key::Arrival => one.arrival.cmp(&other.arrival),
                Key::Date => {
                    one.keys.sent.unwrap_or(one.arrival).cmp(&other.keys.sent.unwrap_or(other.arrival))
                }
                Key::Size => one.size.cmp(&other.size),
                Key::Relevancy => other.relevancy.cmp(&one.relevancy),
                Key::Cc => by(|keys| &keys.cc),
                Key::DisplayFrom => by(|keys| &keys.display_from),
                Key::DisplayTo => by(|keys| &keys.display_to),
                Key::From => by(|keys| &keys.from),
                Key::Subject => by(|keys| &keys.subject),
                Key::To => by(|keys| &keys.to),
            };
            order = order.then(if criterion.reverse { next.reverse() } else { next });
        }
        order
    }

    proptest! {
        #[test]
        fn keys_order_as_the_criteria_do(
            messages in prop::collection::vec(facts(), 0..20),
            criteria in criteria(),
            collation in prop::sample::select(Collation::ALL.to_vec()),
        ) {
            let mut order = Order::default();
            for (index, message) in messages.iter().enumerate() {
                order.push(Uid(index as u32), |out| Criteria(criteria.clone()).key(message, collation, out));
            }
            let mut expected: Vec<u32> = (0..messages.len() as u32).collect();
            expected.sort_by(|one, other| {
                plain(&messages[*one as usize], &messages[*other as usize], &criteria, collation)
            });
            order.sort();
            prop_assert_eq!(order.uids().map(|uid| uid.0).collect::<Vec<_>>(), expected);
        }

        // RFC 5267 section 4.3.3 and 4.3.4: who applies the pairs one after the other has what sorting anew gives
        #[test]
        fn runs_lead_to_the_order(
            keys in prop::collection::vec(0u8..6, 1..40),
            steps in prop::collection::vec(prop::collection::vec(any::<bool>(), 40), 1..8),
        ) {
            let of = |members: &UidSet| {
                let mut order = Order::default();
                for uid in (0..keys.len()).filter(|uid| members.contains(Uid(*uid as u32))) {
                    order.push(Uid(uid as u32), |out| out.extend(vec![b'k'; usize::from(keys[uid])]));
                }
                order.sort();
                order
            };
            let (mut order, mut members, mut client) = (Order::default(), UidSet::new(), Vec::new());
            for step in steps {
                let wanted: UidSet =
                    (0..keys.len()).filter(|uid| step[*uid]).map(|uid| Uid(uid as u32)).collect();
                for run in order.remove(&members.difference(&wanted)) {
                    let start = run.position - 1;
                    let removed: Vec<Uid> = client.drain(start..start + run.uids.len()).collect();
                    prop_assert_eq!(removed, run.uids);
                }
                for run in order.insert(&of(&wanted.difference(&members))) {
                    let start = run.position - 1;
                    client.splice(start..start, run.uids);
                }
                members = wanted;
                let fresh: Vec<Uid> = of(&members).uids().collect();
                prop_assert_eq!(&client, &fresh);
                prop_assert_eq!(order.uids().collect::<Vec<_>>(), fresh);
                let live: usize = members.ranges().iter().cloned().flatten().map(|uid| usize::from(keys[uid as usize])).sum();
                prop_assert!(order.octets.len() <= 2 * live + 5 * keys.len());
            }
        }
    }
}
