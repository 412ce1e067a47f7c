//! Sorting by strings of octets, one a message.
//!
//! RFC 5256 section 3: messages that the criteria do not tell apart stay in mailbox order.

use store::Uid;

use crate::collation::Collation;

/// Messages in mailbox order with their keys, all in one buffer.
#[derive(Debug, Default)]
pub struct Order {
    octets: Vec<u8>,
    /// Where each key ends, and whose it is.
    entries: Vec<(usize, Uid)>,
}

impl Order {
    /// Adds the next message in mailbox order; `write` appends its key.
    pub fn push(&mut self, uid: Uid, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.octets);
        self.entries.push((self.octets.len(), uid));
    }

    /// The UIDs, sorted.
    pub fn sorted(self) -> Vec<Uid> {
        let start = |index: usize| index.checked_sub(1).map_or(0, |before| self.entries[before].0);
        let key = |index: usize| &self.octets[start(index)..self.entries[index].0];
        let mut indices: Vec<usize> = (0..self.entries.len()).collect();
        indices.sort_unstable_by(|&one, &other| key(one).cmp(key(other)).then(one.cmp(&other)));
        indices.into_iter().map(|index| self.entries[index].1).collect()
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
            prop_assert_eq!(order.sorted().iter().map(|uid| uid.0).collect::<Vec<_>>(), expected);
        }
    }
}
