//! What a mailbox or an account held on past days.

use super::{Fields, mailbox_key, put_varint};
use crate::*;

/// Points of one row. When there is one more, every second of the older half goes: what is long ago is told coarsely.
const MOST: usize = 128;

/// u8 version 1; for each point varint days since the one before (the first: since 1970-01-01), varint octets, varint messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HistoryRow {
    /// By rising days. What is the same as on the point before is left out.
    pub points: Vec<HistoryPoint>,
}

impl HistoryRow {
    pub fn decode(octets: &[u8]) -> Result<HistoryRow> {
        let mut fields = Fields::new("history", octets);
        fields.version(1)?;
        let (mut points, mut day) = (Vec::new(), 0u64);
        while !fields.is_empty() {
            let more = fields.varint()?;
            if more == 0 || points.len() == MOST {
                return Err(fields.damaged("its days do not rise, or are too many"));
            }
            day = day.checked_add(more).ok_or_else(|| fields.damaged("a day is too far away"))?;
            let day = u32::try_from(day).map_err(|_| fields.damaged("a day is too far away"))?;
            points.push(HistoryPoint { day, bytes: fields.varint()?, messages: fields.varint()? });
        }
        Ok(HistoryRow { points })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        let mut day = 0;
        for point in &self.points {
            put_varint(&mut out, u64::from(point.day - day));
            put_varint(&mut out, point.bytes);
            put_varint(&mut out, point.messages);
            day = point.day;
        }
        out
    }

    /// Notes what is held on a day. False: there is nothing new.
    pub fn note(&mut self, point: HistoryPoint) -> bool {
        let Some(last) = self.points.last_mut() else {
            self.points.push(point);
            return true;
        };
        // A clock that went back changes no other day than the last.
        let point = HistoryPoint { day: point.day.max(last.day), ..point };
        if (point.bytes, point.messages) == (last.bytes, last.messages) {
            return false;
        }
        if point.day == last.day {
            *last = point;
            return true;
        }
        self.points.push(point);
        if self.points.len() > MOST {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index > MOST / 2 || index % 2 == 1
            });
        }
        true
    }
}

/// u32 account, u64 mailbox (0: the account itself).
pub(crate) fn history_key(account: AccountId, mailbox: Option<MailboxId>) -> [u8; 12] {
    mailbox_key(account, mailbox.unwrap_or(MailboxId(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(day: u32, bytes: u64) -> HistoryPoint {
        HistoryPoint { day, bytes, messages: bytes / 10 }
    }

    #[test]
    fn a_row_comes_back() {
        let mut row = HistoryRow::default();
        assert_eq!(HistoryRow::decode(&row.encode()).unwrap(), row);
        for (day, bytes) in [(20_000, 5), (20_001, 1 << 40), (20_400, 0)] {
            assert!(row.note(point(day, bytes)));
        }
        assert_eq!(HistoryRow::decode(&row.encode()).unwrap(), row);
        let octets = row.encode();
        for damaged in [&octets[..0], &octets[..octets.len() - 1], &[2], &[1, 0, 1, 1]] {
            assert!(HistoryRow::decode(damaged).is_err());
        }
    }

    #[test]
    fn a_day_has_one_point_and_what_stays_has_none() {
        let mut row = HistoryRow::default();
        assert!(row.note(point(10, 5)));
        assert!(!row.note(point(11, 5)));
        assert!(row.note(point(12, 6)));
        assert!(row.note(point(12, 7)));
        assert!(row.note(point(9, 8)));
        assert_eq!(row.points, [point(10, 5), point(12, 8)]);
    }

    #[test]
    fn what_is_long_ago_is_told_coarsely() {
        let mut row = HistoryRow::default();
        for day in 1..=1000 {
            row.note(point(day, u64::from(day)));
        }
        assert!(row.points.len() <= MOST);
        assert_eq!((row.points[0].day, row.points.last().unwrap().day), (1, 1000));
        assert!(row.points.is_sorted_by(|one, two| one.day < two.day));
        assert!(row.encode().len() < 1500);
    }
}
