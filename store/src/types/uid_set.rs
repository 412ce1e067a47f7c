//! Sets of UIDs. Costs follow the number of ranges, not of UIDs: `1:4294967295` is one range.

use std::fmt;
use std::ops::RangeInclusive;

use super::Uid;

/// A set of UIDs as sorted, disjoint, non-adjacent ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UidSet {
    ranges: Vec<RangeInclusive<u32>>,
}

impl UidSet {
    pub fn new() -> UidSet {
        UidSet::default()
    }

    /// Any ranges, in any order, overlapping or not. One that ends before it starts is empty.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> UidSet {
        let mut ranges: Vec<RangeInclusive<u32>> =
            ranges.into_iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| *range.start());
        let mut set = UidSet::with_capacity(ranges.len());
        ranges.into_iter().for_each(|range| set.push(range));
        set.ranges.shrink_to_fit();
        set
    }

    pub fn insert(&mut self, uid: Uid) {
        let at = self.ranges.partition_point(|range| *range.end() < uid.0);
        if self.ranges.get(at).is_some_and(|range| *range.start() <= uid.0) {
            return;
        }
        let joins_before = at > 0 && uid.0.checked_sub(1) == Some(*self.ranges[at - 1].end());
        let joins_after =
            self.ranges.get(at).is_some_and(|range| uid.0.checked_add(1) == Some(*range.start()));
        match (joins_before, joins_after) {
            (true, true) => {
                let after = self.ranges.remove(at);
                self.ranges[at - 1] = *self.ranges[at - 1].start()..=*after.end();
            }
            (true, false) => self.ranges[at - 1] = *self.ranges[at - 1].start()..=uid.0,
            (false, true) => self.ranges[at] = uid.0..=*self.ranges[at].end(),
            (false, false) => self.ranges.insert(at, uid.0..=uid.0),
        }
    }

    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.ranges.partition_point(|range| *range.end() < uid.0);
        self.ranges.get(at).is_some_and(|range| *range.start() <= uid.0)
    }

    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.ranges
    }

    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges.iter().flat_map(|range| range.clone().map(Uid))
    }

    /// How many UIDs are in it.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The smallest UID.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|range| Uid(*range.start()))
    }

    /// The largest UID.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|range| Uid(*range.end()))
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &UidSet) -> UidSet {
        let mut set = UidSet::with_capacity(self.ranges.len() + other.ranges.len());
        let (mut left, mut right) = (&self.ranges[..], &other.ranges[..]);
        while let (Some(a), Some(b)) = (left.first(), right.first()) {
            let next = if a.start() <= b.start() { &mut left } else { &mut right };
            set.push(next[0].clone());
            *next = &next[1..];
        }
        left.iter().chain(right).for_each(|range| set.push(range.clone()));
        set
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &UidSet) -> UidSet {
        let mut set = UidSet::new();
        let (mut left, mut right) = (&self.ranges[..], &other.ranges[..]);
        while let (Some(a), Some(b)) = (left.first(), right.first()) {
            let (start, end) = (*a.start().max(b.start()), *a.end().min(b.end()));
            if start <= end {
                set.push(start..=end);
            }
            let done = if a.end() <= b.end() { &mut left } else { &mut right };
            *done = &done[1..];
        }
        set
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn difference(&self, other: &UidSet) -> UidSet {
        let mut set = UidSet::new();
        let mut holes = &other.ranges[..];
        for range in &self.ranges {
            let mut from = Some(*range.start());
            while let Some(hole) = holes.first() {
                match from {
                    Some(start) if hole.end() < &start => holes = &holes[1..],
                    Some(start) if hole.start() <= range.end() => {
                        if let Some(end) = hole.start().checked_sub(1).filter(|end| *end >= start) {
                            set.push(start..=end);
                        }
                        from = hole.end().checked_add(1).filter(|next| next <= range.end());
                        if from.is_none() {
                            break;
                        }
                    }
                    _ => break,
                }
            }
            if let Some(start) = from {
                set.push(start..=*range.end());
            }
        }
        set
    }

    /// Those of the existing messages, in ascending order, that are in the set. Costs what the smaller side has.
    pub fn among<'a>(&'a self, existing: &'a [Uid]) -> impl Iterator<Item = Uid> + 'a {
        self.ranges.iter().flat_map(move |range| {
            let start = existing.partition_point(|uid| uid.0 < *range.start());
            let rest = &existing[start..];
            let length = rest.partition_point(|uid| uid.0 <= *range.end());
            rest[..length].iter().copied()
        })
    }

    fn with_capacity(ranges: usize) -> UidSet {
        UidSet { ranges: Vec::with_capacity(ranges) }
    }

    /// Adds a range that starts at or behind the start of the last one.
    fn push(&mut self, range: RangeInclusive<u32>) {
        match self.ranges.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                if range.end() > last.end() {
                    *last = *last.start()..=*range.end();
                }
            }
            _ => self.ranges.push(range),
        }
    }
}

impl FromIterator<Uid> for UidSet {
    /// In any order; ascending is fastest.
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> UidSet {
        let mut ascending = UidSet::new();
        let mut rest = Vec::new();
        for uid in uids {
            match ascending.last() {
                Some(last) if uid < last => rest.push(uid.0..=uid.0),
                _ => ascending.push(uid.0..=uid.0),
            }
        }
        if rest.is_empty() { ascending } else { ascending.union(&UidSet::from_ranges(rest)) }
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        *self = self.union(&uids.into_iter().collect());
    }
}

/// `1:3,5,9:12`
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}", range.start())?;
            if range.start() != range.end() {
                write!(f, ":{}", range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(ranges: &[(u32, u32)]) -> UidSet {
        UidSet::from_ranges(ranges.iter().map(|&(start, end)| start..=end))
    }

    #[test]
    fn ranges_are_sorted_and_joined() {
        assert_eq!(set(&[(9, 12), (1, 2), (3, 3), (5, 5), (10, 11)]).to_string(), "1:3,5,9:12");
        assert_eq!(set(&[(5, 3)]), UidSet::new());
        assert_eq!(UidSet::new().to_string(), "");
        assert_eq!(set(&[(7, 7)]).to_string(), "7");
    }

    #[test]
    fn the_largest_uid_is_no_trap() {
        let all = set(&[(1, u32::MAX), (u32::MAX, u32::MAX)]);
        assert_eq!(all.len(), u64::from(u32::MAX));
        assert!(all.contains(Uid(u32::MAX)) && !all.contains(Uid(0)));
        let mut top = set(&[(u32::MAX, u32::MAX)]);
        top.insert(Uid(u32::MAX));
        top.insert(Uid(u32::MAX - 1));
        assert_eq!(top.to_string(), "4294967294:4294967295");
        assert_eq!(all.difference(&top).to_string(), "1:4294967293");
        assert_eq!(top.union(&all), all);
        assert_eq!(top.intersection(&all), top);
    }

    #[test]
    fn ends() {
        assert_eq!(set(&[(4, 6), (9, 9)]).first(), Some(Uid(4)));
        assert_eq!(set(&[(4, 6), (9, 9)]).last(), Some(Uid(9)));
        assert_eq!((UidSet::new().first(), UidSet::new().last()), (None, None));
    }

    #[test]
    fn among_what_exists() {
        let existing: Vec<Uid> = [1, 3, 4, 8, 100].map(Uid).into();
        let chosen =
            |ranges: &[(u32, u32)]| set(ranges).among(&existing).map(|uid| uid.0).collect::<Vec<_>>();
        assert_eq!(chosen(&[(2, 4), (8, 9), (50, u32::MAX)]), [3, 4, 8, 100]);
        assert!(chosen(&[(5, 7)]).is_empty());
        assert!(chosen(&[]).is_empty());
    }

    fn canonical(set: &UidSet) -> bool {
        let apart =
            set.ranges.windows(2).all(|pair| u64::from(*pair[0].end()) + 1 < u64::from(*pair[1].start()));
        apart && set.ranges.iter().all(|range| range.start() <= range.end())
    }

    fn model(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(|uid| uid.0).collect()
    }

    fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u32>>> {
        proptest::collection::vec((0u32..60, 0u32..8).prop_map(|(start, more)| start..=start + more), 0..12)
    }

    proptest! {
        #[test]
        fn operations_are_those_of_sets(a in ranges(), b in ranges(), uid in 0u32..70) {
            let (left, right) = (UidSet::from_ranges(a.clone()), UidSet::from_ranges(b));
            let (l, r) = (model(&left), model(&right));
            prop_assert_eq!(&l, &a.into_iter().flatten().collect());
            for (got, want) in [
                (left.union(&right), &l | &r),
                (left.intersection(&right), &l & &r),
                (left.difference(&right), &l - &r),
            ] {
                prop_assert!(canonical(&got), "{:?}", got);
                prop_assert_eq!(got.len(), want.len() as u64);
                prop_assert_eq!(model(&got), want);
            }
            prop_assert_eq!(left.contains(Uid(uid)), l.contains(&uid));
            let existing: Vec<Uid> = right.iter().collect();
            prop_assert_eq!(left.among(&existing).map(|uid| uid.0).collect::<BTreeSet<_>>(), &l & &r);
        }

        #[test]
        fn inserting_in_any_order_is_collecting(uids in proptest::collection::vec(0u32..40, 0..60)) {
            let collected: UidSet = uids.iter().copied().map(Uid).collect();
            let mut inserted = UidSet::new();
            uids.iter().for_each(|&uid| inserted.insert(Uid(uid)));
            let mut extended = UidSet::new();
            extended.extend(uids.iter().copied().map(Uid));
            prop_assert!(canonical(&collected), "{:?}", collected);
            prop_assert_eq!(&inserted, &collected);
            prop_assert_eq!(&extended, &collected);
            prop_assert_eq!(model(&collected), uids.into_iter().collect());
        }
    }
}
